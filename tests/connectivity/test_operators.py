from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from neuropil.connectivity import (
    Connectome,
    DenseWeights,
    SparseWeights,
    connectome_from_scipy,
    dense_weights,
    sparse_weights,
    weights_of,
)


def random_connectome(n: int, density: float, seed: int) -> Connectome:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    return connectome_from_scipy(scipy.sparse.csr_array(matrix))


@pytest.mark.parametrize(
    ("n", "density", "slots"),
    [(1, 1.0, 1), (2, 0.0, 7), (17, 0.5, 7), (60, 0.05, 64), (60, 0.5, 1), (60, 1.0, 10_000)],
)
def test_sparse_and_dense_agree_with_scipy(n, density, slots):
    seed = 4
    connectome = random_connectome(n, density, seed)
    rates = jnp.asarray(np.random.default_rng(seed + 1).normal(size=n))
    matrix = connectome.to_scipy()
    for weights in (sparse_weights(connectome, slots_per_chunk=slots), dense_weights(connectome)):
        assert weights.n_neurons == n
        np.testing.assert_allclose(weights.apply(rates), matrix @ rates, atol=1e-13)
        np.testing.assert_allclose(weights.apply_transpose(rates), matrix.T @ rates, atol=1e-13)


def test_rates_flow_from_column_to_row():
    connectome = connectome_from_scipy(scipy.sparse.csr_array([[0.0, 0.0], [5.0, 0.0]]))
    for weights in (sparse_weights(connectome), dense_weights(connectome)):
        assert weights.apply(jnp.array([1.0, 0.0])).tolist() == [0.0, 5.0]
        assert weights.apply_transpose(jnp.array([0.0, 1.0])).tolist() == [5.0, 0.0]


@pytest.fixture(scope="module")
def pair() -> tuple[SparseWeights, DenseWeights]:
    connectome = random_connectome(60, 0.3, 3)
    return sparse_weights(connectome, slots_per_chunk=100), dense_weights(connectome)


RATES = jnp.linspace(-1.0, 2.0, 60)
DIRECTION = jnp.cos(jnp.arange(60.0))


def scalar(weights, rates):
    received = jnp.sin(weights.apply(rates))
    return jnp.sum(received * DIRECTION) + jnp.sum(weights.apply_transpose(rates) ** 3)


def test_derivatives_in_the_rates(pair):
    sparse, dense = pair

    @jax.jit
    def gradient_and_curvature(weights):
        gradient = partial(jax.grad(scalar, 1), weights)
        return jax.jvp(gradient, (RATES,), (DIRECTION,))

    for mine, expected in zip(
        gradient_and_curvature(sparse), gradient_and_curvature(dense), strict=True
    ):
        np.testing.assert_allclose(mine, expected, rtol=1e-10, atol=1e-10)
    _, pushed = jax.jvp(sparse.apply, (RATES,), (DIRECTION,))
    np.testing.assert_allclose(pushed, dense.matrix @ DIRECTION, atol=1e-12)
    (pulled,) = jax.linear_transpose(sparse.apply, RATES)(DIRECTION)
    np.testing.assert_allclose(pulled, DIRECTION @ dense.matrix, atol=1e-12)


def test_derivatives_in_the_weights_leave_empty_slots_alone(pair):
    sparse, dense = pair
    by_slot = eqx.filter_grad(scalar)(sparse, RATES).weights
    by_entry = eqx.filter_grad(scalar)(dense, RATES).matrix
    filled = np.asarray(sparse.presynaptic) < 60
    rows = np.broadcast_to(np.asarray(sparse.postsynaptic)[..., None], filled.shape)[filled]
    columns = np.asarray(sparse.presynaptic)[filled]
    assert not filled.all()
    assert np.all(np.asarray(by_slot)[~filled] == 0)
    np.testing.assert_allclose(
        np.asarray(by_slot)[filled], np.asarray(by_entry)[rows, columns], rtol=1e-10, atol=1e-10
    )


def test_batches(pair):
    sparse, dense = pair
    batch = jnp.stack([RATES, DIRECTION, RATES - DIRECTION])
    np.testing.assert_allclose(jax.vmap(sparse.apply)(batch), batch @ dense.matrix.T, atol=1e-12)
    np.testing.assert_allclose(
        jax.vmap(sparse.apply_transpose)(batch), batch @ dense.matrix, atol=1e-12
    )
    twice = jax.tree.map(lambda *leaves: jnp.stack(leaves), sparse, sparse)
    over_networks = eqx.filter_vmap(lambda weights: weights.apply(RATES))(twice)
    np.testing.assert_allclose(over_networks[1], dense.matrix @ RATES, atol=1e-12)


def test_derivatives_do_not_store_every_edge():
    rng = np.random.default_rng(0)
    n, degree = 2_000, 250
    presynaptic = np.sort(rng.random((n, n)).argpartition(degree, axis=1)[:, :degree], axis=1)
    connectome = Connectome(
        np.arange(n + 1) * degree, presynaptic.ravel(), rng.normal(size=n * degree)
    )
    weights = sparse_weights(connectome, slots_per_chunk=1 << 14)

    def squares(weights, rates):
        return jnp.sum(weights.apply(rates) ** 2)

    for function in (squares, jax.grad(squares, 1)):
        analysed = jax.jit(function).lower(weights, jnp.ones(n)).compile().memory_analysis()
        assert analysed.argument_size_in_bytes > 12 * connectome.n_edges
        assert analysed.temp_size_in_bytes < connectome.n_edges


def test_memory_of_the_operator_stays_near_twelve_bytes_an_edge():
    connectome = random_connectome(400, 0.5, 1)
    weights = sparse_weights(connectome)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(weights))
    assert held < 1.2 * 12 * connectome.n_edges


def test_the_default_is_dense_when_small():
    assert isinstance(weights_of(random_connectome(20, 0.5, 0)), DenseWeights)
    empty = Connectome(np.zeros(2_002, int), np.zeros(0, int), np.zeros(0))
    assert isinstance(weights_of(empty), SparseWeights)


def test_chunks_must_have_room():
    with pytest.raises(ValueError, match="slots_per_chunk must be at least 1, got 0"):
        sparse_weights(random_connectome(5, 0.5, 0), slots_per_chunk=0)
