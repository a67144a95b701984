import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork, stack_networks
from neuropil.connectivity import DenseWeights, erdos_renyi, load_connectome, signed, sparse_weights
from neuropil.meanfield import (
    Newton,
    Picard,
    SiegertTransfer,
    contraction_certificate,
    response_to_strength,
    self_consistent_rates,
)
from neuropil.result import NotSolved, Outcome

METHODS = (Picard(), Newton())


def linear(slope):
    return lambda state: slope * state


def random_matrix(seed, n=30, p=0.2, inhibitory=0.0):
    key = jax.random.key(seed)
    drawn = erdos_renyi(n, p, key=key)
    if inhibitory:
        drawn = signed(drawn, inhibitory_fraction=inhibitory, key=jax.random.fold_in(key, 1))
    return drawn


def lif(**changes):
    return SiegertTransfer(LeakyIntegrateAndFire(**changes))


@pytest.mark.parametrize("method", METHODS, ids=["picard", "newton"])
def test_a_linear_network_has_the_solution_of_linear_algebra(method):
    matrix = random_matrix(0).to_dense()
    drive = np.linspace(1.0, 3.0, 30)
    strength = 0.5 / np.abs(np.linalg.eigvals(matrix)).max()
    network = RateNetwork(DenseWeights(jnp.asarray(matrix)), linear(1.0), drive, strength)
    expected = np.linalg.solve(np.eye(30) - strength * matrix, drive)
    found = self_consistent_rates(network, method)
    np.testing.assert_allclose(found.input, expected, rtol=1e-8)


def test_newton_finds_what_the_iteration_cannot():
    matrix = random_matrix(1).to_dense()
    strength = -2.0 / np.abs(np.linalg.eigvals(matrix)).max()
    network = RateNetwork(DenseWeights(jnp.asarray(matrix)), linear(1.0), 1.0, strength)
    expected = np.linalg.solve(np.eye(30) - strength * matrix, np.ones(30))
    np.testing.assert_allclose(self_consistent_rates(network, Newton()).input, expected, rtol=1e-8)
    lost = self_consistent_rates(network, Picard(), throw=False)
    assert lost.outcome != Outcome.SUCCESSFUL
    with pytest.raises(NotSolved, match="not solved"):
        self_consistent_rates(network, Picard())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), strength=st.floats(0.5, 30.0))
def test_every_success_satisfies_its_equation(seed, strength):
    matrix = random_matrix(seed, inhibitory=0.2).to_dense()
    network = RateNetwork(DenseWeights(jnp.asarray(matrix)), lif(), 15.0, strength)
    found = self_consistent_rates(network, Newton(), throw=False)
    if found.outcome == Outcome.SUCCESSFUL:
        state = np.asarray(found.input)
        again = 15.0 + strength * matrix @ np.asarray(lif()(found.input))
        assert np.abs(again - state).max() <= 1e-9 * max(1.0, np.abs(state).max())


def test_many_at_once_equal_one_at_a_time():
    networks = [
        RateNetwork(DenseWeights(jnp.asarray(random_matrix(seed).to_dense())), lif(), 15.0)
        for seed in range(3)
    ]
    strengths = [1.0, 5.0, 20.0]
    together = self_consistent_rates(stack_networks(networks), strengths=strengths)
    assert together.dimensions == ("network", "strength")
    for i, network in enumerate(networks):
        alone = self_consistent_rates(network, strengths=strengths)
        np.testing.assert_allclose(together.input[i], alone.input, rtol=1e-9)


def test_sparse_and_dense_weights_agree_on_a_real_connectome():
    worm = load_connectome("celegans-cook-2019-chemical").binary()
    dense = RateNetwork(DenseWeights(jnp.asarray(worm.to_dense())), lif(), 15.0, 5.0)
    sparse = RateNetwork(sparse_weights(worm), lif(), 15.0, 5.0)
    for method in METHODS:
        expected = self_consistent_rates(dense, method).input
        np.testing.assert_allclose(self_consistent_rates(sparse, method).input, expected, rtol=1e-8)


def test_the_certificate_is_a_theorem():
    drawn = random_matrix(4, n=20)
    network = RateNetwork(DenseWeights(jnp.asarray(drawn.to_dense())), lif(), 15.0)
    certificate = contraction_certificate(network)
    proven = certificate.largest_strength
    starts = 500 * jax.random.uniform(jax.random.key(0), (12, 20))
    strengths = [0.99 * proven, 1.01 * proven]
    found = self_consistent_rates(
        network, Picard(), starts, strengths=strengths, certificate=certificate
    )
    assert found.number_found()[0] == 1
    sentences = found.uniqueness
    assert sentences[0].startswith("unique, proven by")
    assert sentences[1] == "one found, uniqueness not proven"
    # No smaller than the spectral radius of max r' |W|, which no norm can beat.
    slope = float(lif().maximum_derivative())
    radius = np.abs(np.linalg.eigvals(drawn.to_dense())).max() * slope
    assert proven <= 1 / radius * (1 + 1e-12)
    assert proven >= 0.9 / radius


def test_bistable_networks_are_reported_as_such():
    matrix = np.ones((6, 6)) - np.eye(6)
    network = RateNetwork(DenseWeights(jnp.asarray(matrix)), lif(noise=3.0), 13.0, 120.0)
    starts = jnp.stack([jnp.full(6, 13.0), jnp.full(6, 400.0)])
    found = self_consistent_rates(network, Picard(maximum_steps=5000), starts)
    assert found.number_found() == 2
    assert found.uniqueness == "several found (2)"
    np.testing.assert_array_equal(found.distinct(), [0, 1])


def test_responses_are_the_derivatives_of_the_fixed_point():
    matrix = jnp.asarray(random_matrix(5, inhibitory=0.2).to_dense())

    def state(strength, drive, noise):
        network = RateNetwork(DenseWeights(matrix), lif(noise=noise), drive, strength)
        return self_consistent_rates(network, Newton(tolerance=1e-12), throw=False).input

    point = (8.0, 15.0, 5.0)
    jacobian = jax.jacobian(state, argnums=(0, 1, 2))(*(jnp.asarray(x) for x in point))
    for number, exact in enumerate(jacobian):
        step = 1e-4 * point[number]
        shifted = [list(point), list(point)]
        shifted[0][number] += step
        shifted[1][number] -= step
        difference = (state(*shifted[0]) - state(*shifted[1])) / (2 * step)
        np.testing.assert_allclose(exact, difference, rtol=1e-5, atol=1e-7)
    network = RateNetwork(DenseWeights(matrix), lif(), 15.0, 8.0)
    at = self_consistent_rates(network, Newton(tolerance=1e-12)).input
    np.testing.assert_allclose(response_to_strength(network, at), jacobian[0], rtol=1e-8)


def test_labelled_result():
    network = RateNetwork(DenseWeights(jnp.asarray(random_matrix(6).to_dense())), lif(), 15.0)
    data = self_consistent_rates(network, strengths=[1.0, 2.0]).to_xarray()
    assert data.input.dims == ("strength", "neuron")
    assert data.rate.attrs["units"] == "spikes/ms"
    assert list(data.strength.values) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": jnp.zeros(3)}, "start must be one state of 30 neurons"),
        ({"strengths": [1.0, np.nan]}, "strengths must be finite"),
        ({"strengths": []}, "strengths must be one row of values"),
        ({"separation": 0.0}, "separation must be positive"),
    ],
)
def test_bad_arguments_name_themselves(arguments, message):
    network = RateNetwork(DenseWeights(jnp.asarray(random_matrix(7).to_dense())), lif(), 15.0)
    with pytest.raises(ValueError, match=message):
        self_consistent_rates(network, **arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Picard(tolerance=0.0), "tolerance must be positive"),
        (lambda: Picard(relaxation=1.5), "relaxation must be above 0 and at most 1"),
        (lambda: Newton(attempts=0), "attempts must be positive"),
        (lambda: LeakyIntegrateAndFire(threshold=5.0), "threshold must lie above reset"),
        (lambda: LeakyIntegrateAndFire(noise=-1.0), "noise must be positive"),
        (lambda: LeakyIntegrateAndFire(membrane_time_constant=0.0), "membrane_time_constant"),
    ],
)
def test_parameters_without_sense_name_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()
