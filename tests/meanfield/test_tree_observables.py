import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import random_network, sum_over_indices

from neuropil.connectivity import StepKernel, connectome_from_scipy, sonet
from neuropil.connectivity.kernel_estimates import weights_kernel
from neuropil.connectivity.kernel_networks import sample_network
from neuropil.connectivity.sonet_kernel import sonet_step_kernel
from neuropil.meanfield.tree_coincidences import repeated_index_bias, repeated_index_bound
from neuropil.meanfield.tree_densities import tree_density
from neuropil.meanfield.tree_observables import (
    tree_observables,
    tree_observables_limit,
    vertex_observable,
)
from neuropil.meanfield.trees import all_trees, rooted_trees, tree_from_name

RNG = np.random.default_rng(2309)


def test_recursion_is_the_sum_over_all_indices():
    network = random_network(RNG, 4)
    values = RNG.normal(size=4)
    found = tree_observables(network, values)
    matrix = network.to_dense()
    for tree, value in zip(found.trees, found.values, strict=True):
        expected = sum_over_indices(matrix, [values] * tree.size, tree)
        assert np.isclose(value[0], expected, rtol=1e-11, atol=1e-14)
    assert np.all(np.isnan(found.standard_errors))


@pytest.mark.parametrize("tree", all_trees(up_to=4), ids=str)
def test_every_vertex_may_have_its_own_function(tree):
    network = random_network(RNG, 4)
    values = RNG.normal(size=(tree.size, 4, 2))
    expected = [sum_over_indices(network.to_dense(), values[:, :, c], tree) for c in range(2)]
    assert np.allclose(vertex_observable(network, values, tree), expected, rtol=1e-11)
    single = vertex_observable(network, values[:, :, 1], tree)
    assert np.isclose(single, expected[1], rtol=1e-11)
    by_kernel = vertex_observable(weights_kernel(network), values, tree)
    assert np.allclose(by_kernel, expected, rtol=1e-11)


def test_realisations_are_columns():
    network = random_network(RNG, 30)
    values = RNG.normal(size=(7, 30, 5))
    together = tree_observables(network, values)
    apart = np.array([tree_observables(network, each).values for each in values])
    assert together.realisations == 7
    assert np.allclose(together.values, apart.mean(axis=0), rtol=1e-11)
    expected = apart.std(axis=0, ddof=1) / np.sqrt(7)
    assert np.allclose(together.standard_errors, expected, rtol=1e-9)


def test_trees_are_found_by_their_shape():
    found = tree_observables(random_network(RNG, 6), RNG.normal(size=6))
    star = tree_from_name("[[][[]]]")
    assert found.of(star) == found.values[[tree.name for tree in found.trees].index(star.name)]
    with pytest.raises(ValueError, match="tree must be one of"):
        found.of(rooted_trees(6)[0])


def test_copies_of_the_types_are_exactly_the_step_kernel():
    kernel = StepKernel(RNG.normal(size=(3, 3)), np.array([0.5, 0.3, 0.2]))
    averages = RNG.normal(size=(3, 2))
    limit = tree_observables_limit(kernel, averages)
    for copies in (10, 40):
        sampled = sample_network(kernel, copies)
        finite = tree_observables(sampled.connectome, averages[sampled.types])
        assert np.allclose(finite.values, limit.values, rtol=1e-11)
    assert np.all(limit.standard_errors == 0)


def test_a_network_is_its_own_kernel():
    network = random_network(RNG, 25)
    values = RNG.normal(size=25)
    limit = tree_observables_limit(weights_kernel(network), values)
    assert np.allclose(limit.values, tree_observables(network, values).values, rtol=1e-10)


def test_limit_can_be_differentiated():
    kernel = StepKernel(RNG.normal(size=(3, 3)), np.array([0.5, 0.3, 0.2]))
    averages = jnp.asarray(RNG.normal(size=3))
    tree = tree_from_name("[[][[]]]")

    def value(scale):
        return tree_observables_limit(kernel, scale * averages, [tree]).values[0, 0]

    # Of degree four in the values.
    assert np.isclose(jax.grad(value)(1.0), 4 * value(1.0), rtol=1e-12)


@pytest.mark.slow
def test_large_sonets_approach_their_kernel():
    """Means over graphs within four standard errors, and nearer than the differences of interest.

    Values of the potential that are independent of the graph average to a constant.
    """
    alphas = {"convergent": 0.4, "chain": 0.3}
    kernel = sonet_step_kernel(0.1, **alphas, total_strength=10.0)
    limit = np.asarray(tree_observables_limit(kernel, np.ones(24)).values[:, 0])
    found = np.array(
        [
            tree_observables(
                sonet(2000, 0.1, **alphas, divergent=0.4, key=key, weight=10 / 2000).connectome,
                np.ones(2000),
            ).values[:, 0]
            for key in jax.random.split(jax.random.key(5), 24)
        ]
    )
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    # Finite size moves trees by about 1 / in-degree for each pair of vertices.
    bias = limit * np.array([tree.size**2 for tree in all_trees()]) / 400
    assert np.all(np.abs(found.mean(axis=0) - limit) < 4 * error + bias)
    uniform = np.array([tree.size - 1 for tree in all_trees()])
    assert np.all(np.abs(limit - 1.0**uniform)[2:] > bias[2:] / 3)


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("tree", all_trees(up_to=3), ids=str)
def test_bias_is_that_of_repeated_indices(tree, loops):
    network = random_network(RNG, 6, loops=loops)
    values = RNG.normal(size=6)
    matrix, vertex_values = network.to_dense(), [values] * tree.size
    expected = sum_over_indices(matrix, vertex_values, tree) - sum_over_indices(
        matrix, vertex_values, tree, distinct=True
    )
    found = repeated_index_bias(network, values, tree)
    assert np.isclose(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("tree", all_trees(), ids=str)
def test_bound_of_the_bias_holds(tree):
    """All weights and values positive and equal is the worst case up to the count of pairs."""
    for network in (random_network(RNG, 5), random_network(RNG, 5, density=1.0)):
        matrix = np.abs(network.to_dense())
        positive = connectome_from_scipy(type(network.to_scipy())(matrix))
        values = [np.full(5, 2.0)] * tree.size
        bias = sum_over_indices(matrix, values, tree) - sum_over_indices(
            matrix, values, tree, distinct=True
        )
        bound = repeated_index_bound(positive, tree, largest_value=2.0)
        assert bias <= bound * (1 + 1e-12)
        assert tree.size == 1 or bound > 0


@pytest.mark.parametrize("tree", all_trees(up_to=3), ids=str)
def test_density_integrates_to_the_observables_of_step_functions(tree):
    network = random_network(RNG, 12)
    potentials = RNG.normal(size=(3, 12))
    edges = np.array([-1.5, -0.2, 0.4, 2.0])
    density = tree_density(network, potentials, tree, edges)
    cell = np.ones(())
    for _ in range(tree.size):
        cell = np.multiply.outer(cell, np.diff(edges))
    heights = RNG.normal(size=(tree.size, 3))
    expected = 0.0
    for row in potentials:
        place = np.digitize(row, edges) - 1
        inside = (place >= 0) & (place < 3)
        values = np.where(inside, heights[:, np.clip(place, 0, 2)], 0.0)
        expected += vertex_observable(network, values, tree) / 3
    found = density * cell
    for height in heights:
        found = np.tensordot(height, found, axes=(0, 0))
    assert np.isclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: tree_observables(g, np.ones(5)), r"values must have shape \(6,\)"),
        (lambda g: tree_observables(g, np.ones(6), []), "at least one tree"),
        (lambda g: tree_observables(g, np.full(6, np.nan)), "not finite"),
        (
            lambda g: tree_observables_limit(weights_kernel(g), np.ones(5)),
            r"type_averages must have shape \(6,\)",
        ),
        (
            lambda g: vertex_observable(g, np.ones((2, 6)), rooted_trees(3)[0]),
            r"vertex_values must have shape \(3, 6\)",
        ),
        (lambda g: repeated_index_bias(g, np.ones(6), rooted_trees(4)[0]), "at most 3 vertices"),
        (lambda g: repeated_index_bias(g, np.ones(5), rooted_trees(2)[0]), "values must have"),
        (
            lambda g: tree_density(g, np.ones(6), rooted_trees(4)[0], np.arange(3.0)),
            "at most 3 vertices, got 4",
        ),
        (
            lambda g: tree_density(g, np.ones(6), rooted_trees(1)[0], np.zeros(3)),
            "bin_edges must ascend",
        ),
        (
            lambda g: tree_density(g, np.ones(7), rooted_trees(1)[0], np.arange(3.0)),
            "potentials must have shape",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_network(RNG, 6))
