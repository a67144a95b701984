"""The transfer function of a population and the bound on its steepest response."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield.firing_rate import firing_rate
from neuropil.meanfield.transfer import SiegertTransfer

POPULATION = LeakyIntegrateAndFire(
    noise=np.array([1.0, 4.0, 10.0]), threshold=np.array([20.0, 18.0, 22.0]), refractory_period=1.0
)


def test_each_neuron_has_its_own_parameters():
    rates = SiegertTransfer(POPULATION)(jnp.array([19.0, 25.0, -3.0]))
    expected = [
        firing_rate(e, s, threshold=v, refractory_period=1.0)
        for e, s, v in [(19.0, 1.0, 20.0), (25.0, 4.0, 18.0), (-3.0, 10.0, 22.0)]
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-14)


def test_axes_before_the_neurons_are_batches():
    transfer = SiegertTransfer(POPULATION)
    inputs = jnp.linspace(-10.0, 40.0, 12).reshape(4, 3)
    np.testing.assert_allclose(transfer(inputs)[2], transfer(inputs[2]), rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(transfer)(inputs), transfer(inputs), rtol=1e-14)


def test_the_derivative_is_the_slope_of_the_rate():
    transfer = SiegertTransfer(POPULATION)
    inputs = jnp.array([19.0, 25.0, -3.0])
    step = 1e-4
    slope = (transfer(inputs + step) - transfer(inputs - step)) / (2 * step)
    np.testing.assert_allclose(transfer.derivative(inputs), slope, rtol=1e-7)
    curvature = jax.jvp(transfer.derivative, (inputs,), (jnp.ones(3),))[1]
    bend = (transfer.derivative(inputs + step) - transfer.derivative(inputs - step)) / (2 * step)
    np.testing.assert_allclose(curvature, bend, rtol=1e-6)


def test_it_serves_a_rate_network():
    network = RateNetwork(
        DenseWeights(jnp.zeros((3, 3))), SiegertTransfer(POPULATION), jnp.array([19.0, 25.0, -3.0])
    )
    state = jnp.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(network.next_input(state), [19.0, 25.0, -3.0])


def test_gradients_reach_the_parameters_of_the_neurons():
    def total(neuron):
        return jnp.sum(SiegertTransfer(neuron)(jnp.array([19.0, 25.0, -3.0])))

    gradient = jax.grad(total)(POPULATION)
    assert jnp.all(gradient.threshold < 0)
    assert gradient.refractory_period < 0
    assert gradient.mean_input == 0


def steepest_sampled(neuron: LeakyIntegrateAndFire) -> float:
    """The largest derivative on a fine grid of inputs: of single noise widths, and far above."""
    noise, threshold = float(neuron.noise), float(neuron.threshold)
    width = threshold - float(neuron.reset)
    near = np.linspace(-12.0, 12.0, 6001) * noise
    far = np.geomspace(10 * noise, 1e5 * (noise + width), 6000)
    inputs = threshold + np.concatenate([near, far])
    return float(jnp.max(SiegertTransfer(neuron).derivative(jnp.asarray(inputs))))


@pytest.mark.slow
@given(
    noise=st.floats(-3, 3).map(lambda x: 10.0**x),
    width=st.floats(-2, 2).map(lambda x: 10.0**x),
    refractory_period=st.one_of(st.just(0.0), st.floats(-5, 2).map(lambda x: 10.0**x)),
)
def test_no_input_has_a_steeper_response_than_the_bound(noise, width, refractory_period):
    neuron = LeakyIntegrateAndFire(
        noise=noise, reset=20.0 - width, refractory_period=refractory_period
    )
    bound = float(SiegertTransfer(neuron).maximum_derivative())
    steepest = steepest_sampled(neuron)
    assert steepest <= bound <= 1.001 * steepest


def test_the_bound_without_refractoriness_is_approached_at_infinity():
    """For large noise the response rises to 1 / (tau (V_th - V_r)), its limit for strong input."""
    neuron = LeakyIntegrateAndFire(noise=100.0, refractory_period=0.0)
    bound = SiegertTransfer(neuron).maximum_derivative()
    assert 1 / 200.0 <= bound < 1.001 / 200.0


def test_bounds_are_given_for_each_neuron():
    bounds = SiegertTransfer(POPULATION).maximum_derivative()
    assert bounds.shape == (3,)
    alone = LeakyIntegrateAndFire(noise=4.0, threshold=18.0, refractory_period=1.0)
    assert bounds[1] == pytest.approx(float(SiegertTransfer(alone).maximum_derivative()), rel=1e-12)
    assert SiegertTransfer(alone).maximum_derivative().shape == ()
