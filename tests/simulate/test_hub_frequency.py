"""Paths of fixed Euler steps, the frequency of a trace, and the published coarse step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_systems import Linear, LinearNoise

from neuropil.circuits import HUB, StomatogastricHub
from neuropil.simulate import NonStiff, euler_path, integrate, oscillation_frequency

TIMES = 25.0 * jnp.arange(301.0)


def hub_frequencies(parameters, refinement):
    """In Hz, with steps of 25 ms divided by `refinement`."""

    @jax.jit
    @jax.vmap
    def frequency(pair):
        circuit = StomatogastricHub(pair[0], pair[1])
        path = euler_path(
            circuit,
            circuit.published_start(),
            step=25.0 / refinement,
            n_steps=300 * refinement,
            save_every=refinement,
        )
        return oscillation_frequency(path[:, HUB], 25.0)

    return np.asarray(frequency(parameters))


def test_a_linear_path_is_a_power():
    matrix = jnp.array([[-0.1, 0.3], [-0.2, 0.05]])
    start = jnp.array([1.0, -2.0])
    path = euler_path(Linear(matrix), start, step=0.5, n_steps=12, save_every=3)
    one = np.eye(2) + 0.5 * np.asarray(matrix)
    expected = [np.linalg.matrix_power(one, 3 * k) @ np.asarray(start) for k in range(5)]
    np.testing.assert_allclose(path, expected, rtol=1e-13)


def test_noise_has_the_variance_of_its_recursion():
    system = LinearNoise(jnp.array(0.1), jnp.array(2.0), jnp.array(0.0))
    path = euler_path(
        system, jnp.zeros(20_000), step=0.5, n_steps=40, save_every=40, key=jax.random.key(0)
    )
    expected = 0.5 * 4 * (1 - 0.95**80) / (1 - 0.95**2)
    assert abs(np.var(path[-1]) / expected - 1) < 4 * (2 / 20_000) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("frequency", [0.2, 0.45, 0.8])
def test_the_frequency_of_a_rhythm_is_found(frequency):
    volts = 40 * jnp.cos(2 * np.pi * frequency * 1e-3 * TIMES) - 10
    assert abs(oscillation_frequency(volts, 25.0) - frequency) < 0.02


@pytest.mark.slow
def test_a_silent_trace_has_the_mean_frequency_and_a_derivative():
    silent = jnp.full(301, -50.0)
    assert oscillation_frequency(silent, 25.0) == pytest.approx(0.5)
    slope = jax.grad(lambda volts: oscillation_frequency(volts, 25.0))(silent)
    np.testing.assert_array_equal(slope, 0.0)


@pytest.mark.slow
def test_the_published_step_shifts_the_frequency():
    draw = np.random.default_rng(0)
    pairs = jnp.asarray(np.stack([draw.uniform(4, 8, 400), draw.uniform(0.01, 4, 400)], axis=1))
    coarse, fine = hub_frequencies(pairs, 1), hub_frequencies(pairs, 5)
    shift = np.abs(coarse - fine)
    assert 0.015 < np.median(shift) < 0.025
    assert 0.1 < np.quantile(shift, 0.95) < 0.16
    # A normal share of the published target: mean 0.55 Hz.
    assert np.any(np.abs(coarse - 0.55) < 0.02)


@pytest.mark.slow
def test_fine_steps_approach_the_integrator():
    circuit = StomatogastricHub(5.0, 1.0)
    start = circuit.published_start()
    exact = integrate(circuit, NonStiff(1e-9, 1e-9), start, times=[0.0, 400.0]).final_state
    errors = [
        np.abs(euler_path(circuit, start, step=step, n_steps=round(400 / step))[-1] - exact).max()
        for step in (0.5, 0.25)
    ]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.05)


@pytest.mark.slow
def test_the_frequency_is_differentiable_in_the_parameters():
    def frequency(value):
        circuit = StomatogastricHub(value, 1.0)
        path = euler_path(circuit, circuit.published_start(), step=25.0, n_steps=300)
        return oscillation_frequency(path[:, HUB], 25.0)

    compiled = jax.jit(frequency)
    slope = jax.jit(jax.grad(frequency))(5.0)
    difference = (compiled(5.0 + 1e-6) - compiled(5.0 - 1e-6)) / 2e-6
    assert float(slope) == pytest.approx(float(difference), rel=1e-3)
    assert slope != 0


def test_bad_input_is_named():
    system, start = Linear(jnp.eye(2)), jnp.zeros(2)
    for options, text in (
        ({"step": 0.0, "n_steps": 3}, "step must be positive"),
        ({"step": 1.0, "n_steps": 3, "save_every": 2}, "n_steps must be a positive multiple"),
        ({"step": 1.0, "n_steps": 3, "key": jax.random.key(0)}, "key must be None"),
    ):
        with pytest.raises(ValueError, match=text):
            euler_path(system, start, **options)
    with pytest.raises(ValueError, match="voltages must hold at least 2 windows of 20"):
        oscillation_frequency(jnp.zeros(50), 25.0)
    with pytest.raises(ValueError, match="spacing must be positive"):
        oscillation_frequency(jnp.zeros(301), 0.0)
