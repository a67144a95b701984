import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import connectome_from_scipy, erdos_renyi, load_connectome
from neuropil.connectivity.colour_refinement import colour_refinement
from neuropil.connectivity.feature_groups import bisected_groups
from neuropil.connectivity.kernel_estimates import step_kernel

RNG = np.random.default_rng(90)


def network(matrix):
    return connectome_from_scipy(scipy.sparse.csr_array(np.asarray(matrix, float)))


def blocks(colours):
    """A partition as a set of sets."""
    return {frozenset(np.flatnonzero(colours == colour)) for colour in set(np.asarray(colours))}


def is_equitable(matrix, colours):
    strengths = np.stack([matrix[:, colours == c].sum(axis=1) for c in range(colours.max() + 1)])
    return all(
        np.ptp(strengths[:, colours == c], axis=1).max() < 1e-9 for c in range(colours.max() + 1)
    )


def all_partitions(n):
    """Every partition of n neurons, as restricted growth strings."""
    strings = [[0]]
    for _ in range(n - 1):
        strings = [[*s, c] for s in strings for c in range(max(s) + 2)]
    return [np.array(s) for s in strings]


PARTITIONS = all_partitions(6)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_stable_colours_are_the_coarsest_equitable_partition(seed, is_weighted):
    rng = np.random.default_rng(seed)
    matrix = (rng.random((6, 6)) < 0.5) * 1.0
    if is_weighted:
        matrix *= rng.choice([0.1, 0.2, -0.3], (6, 6))
    found = colour_refinement(network(matrix))
    equitable = [p for p in PARTITIONS if is_equitable(matrix, p)]
    coarsest = min(equitable, key=lambda p: p.max())
    assert blocks(found.colours[-1]) == blocks(coarsest)
    assert found.is_stable
    assert found.largest_defect[-1] < 1e-12


def test_initial_colours_are_refined():
    matrix = np.ones((6, 6)) - np.eye(6)
    found = colour_refinement(network(matrix), initial=["b", "a", "a", "b", "b", "b"])
    assert blocks(found.colours[-1]) == {frozenset({1, 2}), frozenset({0, 3, 4, 5})}
    # A cycle with one marked neuron is told apart by the distance from it.
    cycle = np.roll(np.eye(7), 1, axis=0) + np.roll(np.eye(7), -1, axis=0)
    marked = colour_refinement(network(cycle), initial=np.eye(7, dtype=int)[0])
    assert blocks(marked.colours[-1]) == {frozenset({0})} | {
        frozenset({k, 7 - k}) for k in (1, 2, 3)
    }


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((9, 9)),
        sum(np.roll(np.eye(12), k, axis=0) for k in (1, 3, 8)) * 0.1,
        np.zeros((4, 4)),
        # Six neurons in one ring and in two: not isomorphic, and alike for all trees.
        scipy.linalg.block_diag(np.roll(np.eye(6), 1, 0), np.roll(np.eye(3), 1, 0)),
    ],
)
def test_regular_graphs_have_one_colour(matrix):
    found = colour_refinement(network(matrix))
    assert found.n_colours.tolist() == [1]
    assert found.is_stable


def test_totals_that_differ_by_rounding_are_the_same():
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in floating point."""
    matrix = np.zeros((6, 6))
    matrix[0, 3:] = [0.1, 0.2, 0.3]
    matrix[1, 3:] = [0.3, 0.2, 0.1]
    matrix[2, 3:] = [0.2, 0.3, 0.1]
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    found = colour_refinement(network(matrix))
    assert blocks(found.colours[-1]) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}


def planted(rng, sizes=(3, 4, 5), copies=2):
    """A random matrix whose row sums over the blocks of a partition are equal within blocks."""
    group = np.repeat(np.arange(len(sizes)), np.array(sizes) * copies)
    strength = rng.integers(-3, 4, (len(sizes), len(sizes)))
    matrix = np.zeros((group.size, group.size))
    for row in range(group.size):
        for sender in range(len(sizes)):
            members = np.flatnonzero(group == sender)
            parts = rng.normal(size=members.size) * (rng.random(members.size) < 0.7)
            parts[rng.integers(members.size)] += strength[group[row], sender] - parts.sum()
            matrix[row, members] = parts
    return group, matrix


@given(st.integers(0, 2**32 - 1))
def test_colours_do_not_depend_on_the_numbering(seed):
    rng = np.random.default_rng(seed)
    _, matrix = planted(rng)
    order = rng.permutation(len(matrix))
    for options in ({}, {"depth": 1}, {"tolerance": 0.7}, {"resolution": 4, "depth": 1}):
        first = colour_refinement(network(matrix), **options).colours[-1]
        second = colour_refinement(network(matrix[np.ix_(order, order)]), **options).colours[-1]
        assert blocks(first[order]) == blocks(second)


@given(st.integers(0, 2**32 - 1))
def test_a_planted_partition_is_refined_no_further(seed):
    group, matrix = planted(np.random.default_rng(seed))
    found = colour_refinement(network(matrix), initial=group)
    assert blocks(found.colours[-1]) == blocks(group)
    free = colour_refinement(network(matrix)).colours[-1]
    assert all(any(block <= other for other in blocks(free)) for block in blocks(group))


def test_rounds_refine_each_other_and_are_numbered_by_first_appearance():
    found = colour_refinement(erdos_renyi(200, 0.03, key=jax.random.key(0)))
    assert found.colours.shape == (len(found.n_colours), 200)
    for coarse, fine in zip(found.colours[:-1], found.colours[1:], strict=True):
        pairs = set(zip(fine.tolist(), coarse.tolist(), strict=True))
        assert len(pairs) == fine.max() + 1
        first = np.unique(fine, return_index=True)[1]
        assert np.all(np.diff(first) > 0)
    assert found.n_colours.tolist() == [row.max() + 1 for row in found.colours]


def test_defects_are_the_distances_from_block_means():
    matrix = RNG.normal(size=(20, 20)) * (RNG.random((20, 20)) < 0.4)
    found = colour_refinement(network(matrix), resolution=5)
    for colours, largest, mean in zip(
        found.colours, found.largest_defect, found.mean_defect, strict=True
    ):
        member = np.eye(colours.max() + 1)[colours]
        strengths = matrix @ member
        means = (member.T @ strengths) / member.sum(axis=0)[:, None]
        defect = np.abs(strengths - means[colours]).sum(axis=1)
        assert np.isclose(largest, defect.max(), rtol=1e-12)
        assert np.isclose(mean, defect.mean(), rtol=1e-12)


def test_resolution_finds_noisy_groups():
    """Planted groups under 1 % noise: exact colours are all different, four coarse ones are not."""
    group = np.repeat(np.arange(4), 25)
    strength = np.array([[4.0, 1, 0, 0], [0, 3, 2, 1], [1, 1, 5, 5], [9, 0, 0, 1]])
    matrix = strength[np.ix_(group, group)] / 25 * (1 + 0.01 * RNG.normal(size=(100, 100)))
    exact = colour_refinement(network(matrix))
    coarse = colour_refinement(network(matrix), resolution=4)
    assert exact.n_colours[-1] == 100
    assert blocks(coarse.colours[-1]) == blocks(group)
    assert coarse.mean_defect[-1] < 0.02 * coarse.mean_defect[0]


def test_tolerance_joins_totals_that_round_alike():
    found = colour_refinement(network(np.diag([1.0, 1.2, 3.1, 2.9])), tolerance=1.0)
    assert blocks(found.colours[-1]) == {frozenset({0, 1}), frozenset({2, 3})}


def test_real_connectome_keeps_its_strengths():
    larva = load_connectome("drosophila-mushroom-body-eichler-2017-left")
    found = colour_refinement(larva)
    assert found.is_stable
    assert found.largest_defect[-1] < 1e-9
    assert found.bound == 1150.0
    kernel = step_kernel(larva, found.colours[-1])
    received = np.asarray(kernel.apply(jnp.ones(kernel.n_types)))[found.colours[-1]]
    assert np.allclose(received, larva.to_scipy().sum(axis=1), rtol=1e-12)
    coarse = colour_refinement(larva, resolution=20)
    assert coarse.n_colours[-1] == 20
    assert coarse.mean_defect[-1] < 0.5 * coarse.mean_defect[0]


def test_bisected_groups_keep_equal_features_together():
    features = np.repeat(RNG.normal(size=(5, 3)), 4, axis=0)
    found = bisected_groups(features, np.zeros(20, int), 12)
    assert blocks(found) == blocks(np.repeat(np.arange(5), 4))
    start = np.tile([0, 1], 10)
    split = bisected_groups(features, start, 3)
    assert split.max() == 2
    assert len(set(zip(split.tolist(), start.tolist(), strict=True))) == 3


@pytest.mark.slow
def test_a_hundred_thousand_neurons():
    graph = erdos_renyi(100_000, 1e-4, key=jax.random.key(0))
    found = colour_refinement(graph, depth=1)
    # One round tells neurons apart by their in-degree.
    assert found.n_colours.tolist() == [1, len(set(graph.in_degrees.tolist()))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": -1.0}, "tolerance must be finite and not negative, got -1.0"),
        ({"depth": -1}, "depth must not be negative, got -1"),
        ({"resolution": 1, "initial": [0, 1, 1, 1]}, "initial groups, 2, got 1"),
        ({"resolution": 2, "tolerance": 1.0}, "give one of them"),
        ({"initial": [0, 1]}, "one group for each of 4 neurons"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        colour_refinement(network(np.ones((4, 4))), **options)


def test_error_bound_needs_a_tree():
    found = colour_refinement(network(np.ones((4, 4))))
    assert found.tree_error_bound(1) == found.tree_error_bound(2) == 0.0
    with pytest.raises(ValueError, match="vertices must be at least 1, got 0"):
        found.tree_error_bound(0)
