"""Tree observables see only the coarsest equitable partition (fractional isomorphism)."""

import numpy as np
import pytest
import scipy.sparse

from neuropil.connectivity import connectome_from_scipy, load_connectome
from neuropil.connectivity.colour_refinement import colour_refinement
from neuropil.connectivity.kernel_estimates import step_kernel
from neuropil.meanfield.tree_observables import tree_observables, tree_observables_limit
from neuropil.meanfield.trees import all_trees, tree_from_name


def planted(rng):
    """A random sparse matrix with equal row sums over blocks, whose blocks it does not show."""
    group = rng.permutation(np.repeat(np.arange(3), [4, 6, 8]))
    matrix = np.zeros((18, 18))
    for row in range(18):
        for sender in range(3):
            members = np.flatnonzero(group == sender)
            parts = rng.normal(size=members.size) * (rng.random(members.size) < 0.6)
            parts[rng.integers(members.size)] += group[row] - 2 * sender + 1.5 - parts.sum()
            matrix[row, members] = parts
    return group, connectome_from_scipy(scipy.sparse.csr_array(matrix))


@pytest.mark.parametrize("seed", range(4))
def test_the_quotient_has_the_tree_observables_of_the_network(seed):
    rng = np.random.default_rng(seed)
    group, network = planted(rng)
    colours = colour_refinement(network, initial=group).colours[-1]
    assert colours.max() == 2
    by_colour = rng.normal(size=(3, 2))
    finite = tree_observables(network, by_colour[colours])
    quotient = tree_observables_limit(step_kernel(network, colours), by_colour)
    assert np.allclose(finite.values, quotient.values, rtol=1e-9, atol=1e-10)


def test_a_coarser_partition_has_other_tree_observables():
    _, network = planted(np.random.default_rng(0))
    one = np.zeros(18, int)
    finite = tree_observables(network, np.ones(18))
    merged = tree_observables_limit(step_kernel(network, one), np.ones(1))
    assert np.allclose(finite.values[:2], merged.values[:2], rtol=1e-10)
    assert not np.allclose(finite.values[2:], merged.values[2:], rtol=1e-3)


@pytest.mark.parametrize("resolution", [5, 20, 60])
def test_the_bound_holds_on_a_connectome(resolution):
    larva = load_connectome("drosophila-mushroom-body-eichler-2017-left")
    network = larva.scaled(1 / 1150.0)
    refinement = colour_refinement(network, resolution=resolution)
    colours = refinement.colours[-1]
    by_colour = np.random.default_rng(1).uniform(-1, 1, (colours.max() + 1, 6))
    finite = tree_observables(network, by_colour[colours]).values
    quotient = tree_observables_limit(step_kernel(network, colours), by_colour).values
    worst = np.abs(finite - np.asarray(quotient)).max(axis=1)
    bounds = np.array([refinement.tree_error_bound(tree.size) for tree in all_trees()])
    assert np.all(worst <= bounds + 1e-12)


def test_the_bound_is_within_a_factor_of_two_for_a_chain():
    """Half of the neurons, all connected among themselves, merged with half that are alone."""
    matrix = np.zeros((40, 40))
    matrix[:20, :20] = 0.1
    network = connectome_from_scipy(scipy.sparse.csr_array(matrix))
    merged = colour_refinement(network, depth=0)
    chain = tree_from_name("[[[]]]")
    finite = tree_observables(network, np.ones(40), [chain]).values[0, 0]
    quotient = tree_observables_limit(step_kernel(network, merged.colours[-1]), np.ones(1), [chain])
    error = abs(finite - float(quotient.values[0, 0]))
    assert np.isclose(merged.tree_error_bound(3), 2 * error, rtol=1e-12)
