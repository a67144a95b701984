import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rate_networks import LinearTransfer, LogisticTransfer, dense, random_matrix, sparse

from neuropil.circuits import stack_networks
from neuropil.meanfield import Newton, Picard, response_to_strength, self_consistent_rates

TIGHT = Newton(tolerance=1e-13)
MATRIX = random_matrix(7, seed=2, inhibition=2.0)
KINDS = {"dense": dense, "sparse": sparse}


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return KINDS[request.param]


def linear_solution(strength, slope=0.01, drive=9.0):
    """E and its first two derivatives in g: E = M E0 with M = (I - g c W)^-1."""
    inverse = np.linalg.inv(np.eye(7) - strength * slope * MATRIX)
    push = slope * inverse @ MATRIX
    state = inverse @ np.full(7, drive)
    return state, push @ state, 2 * push @ push @ state


def fixed_point_at(network, method=TIGHT):
    def at(strength):
        moved = eqx.tree_at(lambda n: n.strength, network, strength)
        return self_consistent_rates(moved, method, throw=False).input

    return at


@pytest.mark.slow
def test_the_response_to_strength_of_linear_rates_is_exact(kind):
    network = kind(MATRIX, LinearTransfer(), 9.0)
    strengths = [3.0, 20.0, 40.0]
    found = self_consistent_rates(network, TIGHT, strengths=strengths)
    response = response_to_strength(network, found.input, found.strength)
    for row, strength in zip(response, strengths, strict=True):
        np.testing.assert_allclose(row, linear_solution(strength)[1], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [dense, pytest.param(sparse, marks=pytest.mark.slow)])
def test_derivatives_are_exact_to_second_order(kind):
    at = fixed_point_at(kind(MATRIX, LinearTransfer(), 9.0))
    g = jnp.asarray(20.0)
    _, first, second = linear_solution(20.0)
    np.testing.assert_allclose(jax.jacfwd(at)(g), first, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(jax.jacrev(at)(g), first, rtol=1e-9, atol=1e-12)
    mixed = jax.jacrev if kind is dense else jax.jacfwd
    np.testing.assert_allclose(jax.jacfwd(mixed(at))(g), second, rtol=1e-8, atol=1e-12)


@pytest.mark.slow
def test_derivatives_do_not_depend_on_the_method():
    network = dense(MATRIX, LogisticTransfer(), 9.0)
    g = jnp.asarray(6.0)
    by_newton = jax.jacfwd(fixed_point_at(network))(g)
    by_picard = jax.jacfwd(fixed_point_at(network, Picard(tolerance=1e-13)))(g)
    np.testing.assert_allclose(by_picard, by_newton, rtol=1e-10)


@pytest.mark.slow
def test_the_gradient_in_every_parameter_equals_finite_differences(kind):
    network = kind(MATRIX, LogisticTransfer(), np.linspace(8.0, 16.0, 7), 9.0)
    weighting = jnp.linspace(-1.0, 2.0, 7)

    def value(network):
        return jnp.sum(weighting * self_consistent_rates(network, TIGHT, throw=False).rate)

    gradient = eqx.filter_grad(value)(network)
    assert float(gradient.time_constant) == 0.0
    value = eqx.filter_jit(value)
    paths = [
        lambda n: n.strength,
        lambda n: n.external_input,
        lambda n: n.transfer.top,
        lambda n: n.transfer.middle,
        lambda n: n.transfer.width,
        lambda n: n.weights.matrix if kind is dense else n.weights.weights,
    ]
    for leaf in paths:
        flat, slope = np.ravel(leaf(network)), np.ravel(leaf(gradient))
        for index in np.unique(np.linspace(0, flat.size - 1, 4).astype(int)):
            step = 1e-5 * max(1.0, abs(flat[index]))

            def moved(change, index=index, flat=flat, leaf=leaf):
                shifted = flat.copy()
                shifted[index] += change
                return float(
                    value(eqx.tree_at(leaf, network, jnp.reshape(shifted, leaf(network).shape)))
                )

            is_empty_slot = kind is sparse and leaf is paths[-1] and flat[index] == 0.0
            if not is_empty_slot:
                difference = (moved(step) - moved(-step)) / (2 * step)
                np.testing.assert_allclose(slope[index], difference, rtol=1e-6, atol=1e-10)


@pytest.mark.slow
def test_responses_of_stacked_networks_are_those_of_each():
    networks = [dense(random_matrix(5, seed=s), LogisticTransfer(), 9.0, 4.0 + s) for s in (0, 1)]
    stacked = stack_networks(networks)
    together = response_to_strength(stacked, self_consistent_rates(stacked, TIGHT).input)
    for row, network in zip(together, networks, strict=True):
        alone = response_to_strength(network, self_consistent_rates(network, TIGHT).input)
        np.testing.assert_allclose(row, alone, rtol=1e-12)


def test_states_that_do_not_fit_are_refused():
    network = dense(MATRIX, LinearTransfer(), 9.0)
    with pytest.raises(ValueError, match=r"one value for each of the 7 neurons .* \(6,\)"):
        response_to_strength(network, jnp.ones(6))
    with pytest.raises(ValueError, match="2 stacked networks must have the network axis first"):
        response_to_strength(stack_networks([network, network]), jnp.ones((3, 7)))
