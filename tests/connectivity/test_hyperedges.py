import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import (
    NeuroGlialWiring,
    connectome_from_edges,
    neuro_glial_wiring_from_connectome,
    random_neuro_glial_wiring,
)
from neuropil.connectivity.hyperedges import _unordered_pair


def wiring(pre=(0, 1, 2), post=(1, 0, 1), astrocyte=(0, 0, 1), **changes):
    settings = {"n_neurons": 3, "n_astrocytes": 2} | changes
    return NeuroGlialWiring(np.array(pre), np.array(post), np.array(astrocyte), **settings)


def test_it_holds_what_it_is_given():
    made = wiring(gap_junctions=np.array([[0.0, 0.5], [-0.25, 0.0]]))
    np.testing.assert_array_equal(made.pre, [0, 1, 2])
    np.testing.assert_array_equal(made.post, [1, 0, 1])
    np.testing.assert_array_equal(made.astrocyte, [0, 0, 1])
    assert (made.n_neurons, made.n_astrocytes, made.n_synapses) == (3, 2, 3)
    # 0 -> 1 and 1 -> 0 lie in the domain of astrocyte 0: one triangle.
    np.testing.assert_array_equal(made.is_sensed, [True, False, True])
    np.testing.assert_array_equal(np.stack([made.gap_to, made.gap_from]), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(made.gap_strength, [0.5, -0.25])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pre": (0, 1, 3)}, "pre holds 3; with 3 neurons 0 to 2 are allowed"),
        ({"post": (1, -1, 1)}, "post holds -1; with 3 neurons 0 to 2 are allowed"),
        ({"astrocyte": (0, 0, 2)}, "astrocyte holds 2; with 2 astrocytes 0 to 1 are allowed"),
        ({"post": (1, 1, 1)}, "pre and post are both neuron 1 in hyperedge 1"),
        ({"pre": (0, 1, 0)}, "from neuron 0 to neuron 1 twice"),
        ({"n_neurons": 1}, "n_neurons must be at least 2, got 1"),
        ({"n_astrocytes": 0}, "n_astrocytes must be at least 1, got 0"),
        ({"n_astrocytes": 4}, "names 3 hyperedges; with 3 neurons and 4 astrocytes 4 to 6"),
        ({"gap_junctions": np.zeros((3, 3))}, r"each of 2 astrocytes, got shape \(3, 3\)"),
        ({"gap_junctions": np.eye(2)}, "gap_junctions joins astrocyte 0 to itself"),
        (
            {"gap_junctions": np.array([[0.0, np.nan], [0.0, 0.0]])},
            "gap_junctions must be finite, got nan",
        ),
    ],
)
def test_what_is_no_hypernetwork_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        wiring(**changes)


def all_pairs(n):
    pairs = np.array([(i, j) for i in range(n) for j in range(n) if i != j])
    return pairs[:, 0], pairs[:, 1]


@pytest.mark.parametrize("seed", range(3))
def test_sums_agree_with_full_matrices(seed):
    generator = np.random.default_rng(seed)
    n, m = 6, 4
    pre, post = all_pairs(n)
    kept = np.sort(generator.choice(pre.size, 20, replace=False))
    order = generator.permutation(kept)
    pre, post, glia = pre[order], post[order], generator.integers(0, m, order.size)
    junctions = np.where(generator.random((m, m)) < 0.4, generator.normal(size=(m, m)), 0.0)
    np.fill_diagonal(junctions, 0.0)
    made = NeuroGlialWiring(
        pre,
        post,
        glia,
        n_neurons=n,
        n_astrocytes=m,
        gap_junctions=scipy.sparse.csr_array(junctions),
    )
    rates, activity = generator.normal(size=n), generator.normal(size=m)
    weights = np.zeros((n, n))
    weights[post, pre] = values = generator.normal(size=order.size)
    arriving = made.of_presynaptic(jnp.asarray(rates))
    np.testing.assert_allclose(
        made.sum_by_neuron(jnp.asarray(values) * arriving), weights @ rates, atol=1e-14
    )
    np.testing.assert_array_equal(made.of_postsynaptic(jnp.asarray(rates)), rates[post])
    np.testing.assert_array_equal(made.of_astrocyte(jnp.asarray(activity)), activity[glia])
    np.testing.assert_allclose(
        made.through_gap_junctions(jnp.asarray(activity)), junctions @ activity, atol=1e-14
    )
    triangles = {(frozenset(pair), k) for *pair, k in zip(pre, post, glia, strict=True)}
    expected = np.zeros(m)
    for pair, k in triangles:
        expected[k] += np.prod([rates[i] for i in pair])
    products = jnp.asarray(rates[pre] * rates[post])
    np.testing.assert_allclose(made.sum_by_astrocyte(products), expected, atol=1e-14)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_random_wiring_is_a_hypernetwork(data, seed):
    n = data.draw(st.integers(2, 12))
    m = data.draw(st.integers(1, min(8, n * (n - 1))))
    o = data.draw(st.integers(m, n * (n - 1)))
    gaps = data.draw(st.integers(0, m * (m - 1) // 2))
    made = random_neuro_glial_wiring(
        jax.random.key(seed),
        n_neurons=n,
        n_astrocytes=m,
        n_synapses=o,
        n_gap_junctions=gaps,
        gap_strength=0.3,
    )
    pairs = set(zip(made.pre.tolist(), made.post.tolist(), strict=True))
    assert len(pairs) == made.n_synapses == o
    assert all(i != j and min(i, j) >= 0 and max(i, j) < n for i, j in pairs)
    assert set(made.astrocyte.tolist()) == set(range(m))
    joined = list(zip(made.gap_to.tolist(), made.gap_from.tolist(), strict=True))
    assert len(set(joined)) == len(joined) == 2 * gaps
    assert {(k, origin) for origin, k in joined} == set(joined)
    np.testing.assert_array_equal(made.gap_strength, np.full(2 * gaps, 0.3))
    order = np.asarray(made.post) * n + np.asarray(made.pre)
    assert np.all(np.diff(order) > 0)


def test_random_wiring_follows_its_key():
    def draw(seed):
        made = random_neuro_glial_wiring(
            jax.random.key(seed), n_neurons=50, n_astrocytes=10, n_synapses=300
        )
        return np.stack([made.pre, made.post, made.astrocyte])

    np.testing.assert_array_equal(draw(1), draw(1))
    assert np.mean(draw(1) == draw(2)) < 0.5


def test_random_wiring_prefers_no_neuron_and_no_astrocyte():
    n, m, o = 600, 300, 60_000
    made = random_neuro_glial_wiring(jax.random.key(3), n_neurons=n, n_astrocytes=m, n_synapses=o)
    share = 1.0 / n
    hypergeometric = o * share * (1 - share) * (n * (n - 1) - o) / (n * (n - 1) - 1)
    binomial = (o - m) / m * (1 - 1 / m)
    for index, count, variance in (
        (made.pre, n, hypergeometric),
        (made.post, n, hypergeometric),
        (made.astrocyte, m, binomial),
    ):
        degrees = np.bincount(np.asarray(index), minlength=count)
        # The sample variance of `count` numbers is uncertain by sqrt(2 / count).
        assert abs(degrees.var() / variance - 1) < 5 * np.sqrt(2 / count)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_neurons": 1}, "n_neurons must be at least 2 and n_astrocytes at least 1, got 1 and 3"),
        ({"n_astrocytes": 0}, "got 5 and 0"),
        ({"n_synapses": 2}, "n_synapses is 2; with 5 neurons and 3 astrocytes 3 to 20"),
        ({"n_synapses": 21}, "n_synapses is 21; with 5 neurons and 3 astrocytes 3 to 20"),
        ({"n_gap_junctions": 4}, "n_gap_junctions is 4; 3 astrocytes have 0 to 3 pairs"),
    ],
)
def test_random_wiring_refuses_what_does_not_exist(changes, message):
    sizes = {"n_neurons": 5, "n_astrocytes": 3, "n_synapses": 10} | changes
    with pytest.raises(ValueError, match=message):
        random_neuro_glial_wiring(jax.random.key(0), **sizes)


def test_pairs_are_counted_without_gaps():
    low, high = _unordered_pair(np.arange(1225))
    expected = [(i, j) for j in range(50) for i in range(j)]
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == expected
    # Where a root in double precision is off, near the last pair of a column.
    column = np.array([3, 10**6, 94_906_267, 2 * 10**8])
    for code, pair in (
        (column * (column - 1) // 2, (0 * column, column)),
        (column * (column - 1) // 2 - 1, (column - 2, column - 1)),
    ):
        np.testing.assert_array_equal(_unordered_pair(code), pair)


@pytest.fixture
def loopy():
    return connectome_from_edges(
        np.array([0, 2, 1, 1, 0]), np.array([1, 1, 0, 1, 2]), np.arange(1.0, 6.0), n_neurons=3
    )


def test_a_connectome_keeps_its_order(loopy):
    post = np.repeat(np.arange(3), loopy.in_degrees)
    is_loop = post == loopy.presynaptic
    glia = np.where(is_loop, -1, np.arange(loopy.n_edges) % 2)
    made = neuro_glial_wiring_from_connectome(loopy, glia)
    np.testing.assert_array_equal(made.pre, loopy.presynaptic[~is_loop])
    np.testing.assert_array_equal(made.post, post[~is_loop])
    np.testing.assert_array_equal(made.astrocyte, glia[~is_loop])
    dense = np.zeros((3, 3))
    dense[np.asarray(made.post), np.asarray(made.pre)] = loopy.weights[glia >= 0]
    np.testing.assert_array_equal(dense + np.diag(np.diag(loopy.to_dense())), loopy.to_dense())
    assert made.n_astrocytes == 2
    wider = neuro_glial_wiring_from_connectome(loopy, glia, n_astrocytes=4)
    assert wider.n_astrocytes == 4


@pytest.mark.parametrize(
    ("glia", "message"),
    [
        ([0, 0], "astrocyte has 2 entries; the connectome has 5 connections"),
        ([0, 0, 0, 0, -2], "astrocyte holds -2; allowed are numbers from 0, and -1"),
        ([0, 0, 0, 0, 0], "astrocyte assigns 1 self-loops, first that of neuron 1"),
        ([-1, -1, -1, -1, -1], "n_astrocytes must be at least 1, got 0"),
    ],
)
def test_an_assignment_that_does_not_fit_is_refused(loopy, glia, message):
    with pytest.raises(ValueError, match=message):
        neuro_glial_wiring_from_connectome(loopy, np.array(glia))


def test_the_same_triangle_may_be_shared_by_different_astrocytes():
    # Both synapses of a pair, each with its own astrocyte: two hyperedges, both sensed.
    made = wiring(pre=(0, 1), post=(1, 0), astrocyte=(0, 1))
    assert made.is_sensed.all()
    every_pair = list(itertools.combinations(range(4), 2))
    pre, post = zip(*every_pair, *[(j, i) for i, j in every_pair], strict=True)
    full = wiring(pre, post, (0,) * 12, n_neurons=4, n_astrocytes=1)
    np.testing.assert_array_equal(full.sum_by_astrocyte(jnp.ones(12)), [6.0])
