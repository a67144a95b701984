import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import PUBLISHED_SHIFT, stable_amplification

GRADIENT = jax.jit(jax.jacrev(stable_amplification, argnums=(0, 1)))


def factors(n_neurons, seed=0):
    generator = np.random.default_rng(seed)
    return (jnp.asarray(generator.uniform(-1, 1, (n_neurons, 2))) for _ in range(2))


def dense(u, v):
    w = np.asarray(u) @ np.asarray(v).T
    eigenvalues = np.linalg.eigvals(w)
    outer = eigenvalues[np.argsort(-np.abs(eigenvalues))[:2]]
    return outer.real.max(), np.linalg.eigvalsh(0.5 * (w + w.T)).max()


@pytest.mark.parametrize("n_neurons", [2, 3, 4, 5, 8, 40])
@pytest.mark.parametrize("seed", range(3))
def test_both_equal_those_of_the_full_matrix(n_neurons, seed):
    u, v = factors(n_neurons, seed)
    np.testing.assert_allclose(stable_amplification(u, v), dense(u, v), atol=1e-12)


def test_the_symmetric_part_may_have_only_negative_eigenvalues():
    u, v = jnp.eye(2), -jnp.eye(2)
    np.testing.assert_allclose(stable_amplification(u, v), [-1.0, -1.0], atol=1e-15)


@pytest.mark.parametrize("n_neurons", [3, 12])
def test_gradients_equal_finite_differences(n_neurons):
    u, v = factors(n_neurons, 7)
    value = jax.jit(lambda u, v: jnp.stack(list(stable_amplification(u, v))))
    gradients = jax.jacrev(value, argnums=(0, 1))(u, v)
    generator = np.random.default_rng(1)
    du, dv = (jnp.asarray(generator.normal(size=u.shape)) for _ in range(2))
    step = 1e-6
    difference = (value(u + step * du, v + step * dv) - value(u - step * du, v - step * dv)) / (
        2 * step
    )
    along = jnp.sum(gradients[0] * du[None], (1, 2)) + jnp.sum(gradients[1] * dv[None], (1, 2))
    np.testing.assert_allclose(along, difference, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("u", "v"),
    [
        (jnp.zeros((6, 2)), jnp.zeros((6, 2))),
        (jnp.ones((6, 2)), jnp.ones((6, 2))),
        (jnp.ones((6, 2)), -jnp.ones((6, 2))),
        (jnp.eye(6)[:, :2], jnp.eye(6)[:, :2]),
    ],
)
def test_gradients_are_finite_where_columns_coincide(u, v):
    gradients = GRADIENT(u, v)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


def test_the_published_shift_raises_the_growth_alone():
    u, v = factors(10)
    exact, shifted = (
        stable_amplification(u, v, diagonal_shift=shift) for shift in (0.0, PUBLISHED_SHIFT)
    )
    np.testing.assert_allclose(shifted.growth - exact.growth, 0.01, rtol=1e-12)
    np.testing.assert_array_equal(shifted.amplification, exact.amplification)


@pytest.mark.slow
def test_noise_has_the_stated_strength():
    """With U = 0 and V = (e_1, e_2) all long vectors are orthogonal at large N.

    The symmetric part is then half the sum of two products of orthogonal vectors, of lengths
    g sqrt(N) and sqrt(1 + g^2 N).
    """
    n_neurons, g = 10_000, 0.02
    u, v = jnp.zeros((n_neurons, 2)), jnp.eye(n_neurons, 2)
    found = stable_amplification(u, v, noise=g, key=jax.random.key(0))
    np.testing.assert_allclose(found.amplification, 0.5 * 2.0 * np.sqrt(5.0), rtol=0.04)
    again = stable_amplification(u, v, noise=g, key=jax.random.key(1))
    assert float(again.amplification) != float(found.amplification)


def test_bad_input_is_named():
    u, v = factors(4)
    with pytest.raises(ValueError, match=r"u and v must both have shape \(N, 2\), got \(0, 2\)"):
        stable_amplification(u[:0], v[:0])
    with pytest.raises(ValueError, match="key must be given"):
        stable_amplification(u, v, noise=0.1)
