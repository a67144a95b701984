"""Smooth statistics of rhythms against rhythms that are known, and against exact bursts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import pyloric_circuit_5a
from neuropil.simulate import (
    TabulatedEuler,
    conductance_spikes,
    find_bursts,
    smooth_rhythm,
    triphasic_rhythm,
)

SPACING = 5.0
TIMES = SPACING * np.arange(2400)


def bursts_of_spikes(rate, duty_cycles, phases):
    """Three cells that rise from -60 to 20 mV every 30 ms within their bursts."""
    place = (1e-3 * rate * TIMES[:, None] - phases) % 1.0
    spikes = (TIMES[:, None] % 30.0) < 15.0
    return jnp.asarray(np.where((place < duty_cycles) & spikes, 20.0, -60.0))


found = jax.jit(lambda voltages: smooth_rhythm(voltages, SPACING))


@pytest.mark.parametrize("seed", range(6))
def test_rhythms_are_found_as_they_were_made(seed):
    random = np.random.default_rng(seed)
    rate = random.uniform(0.5, 1.2)
    duty_cycles = random.uniform(0.2, 0.45, 3)
    phases = np.array([0.0, *random.uniform(0.05, 0.95, 2)])
    rhythm = found(bursts_of_spikes(rate, duty_cycles, phases))
    assert float(rhythm.burst_rate) == pytest.approx(rate, rel=0.01)
    # A burst ends with the silence after its last spike or before: half of 30 ms.
    np.testing.assert_allclose(rhythm.duty_cycles, duty_cycles, atol=0.04 * rate)
    away = (np.asarray(rhythm.onset_phases) - phases + 0.5) % 1.0 - 0.5
    np.testing.assert_allclose(away, 0.0, atol=0.04 * rate)
    assert rhythm.onset_phases[0] == 0


def test_gradients_are_those_of_finite_differences():
    """A sine that crosses the threshold: rate, lag and share above are smooth in it."""

    def statistics(parameters):
        rate, lag, height = parameters
        angles = 2 * jnp.pi * (1e-3 * rate * TIMES[:, None] - jnp.stack([0.0 * lag, lag])[None, :])
        rhythm = smooth_rhythm(-20 + 30 * (jnp.cos(angles) + height), SPACING)
        return jnp.stack([rhythm.burst_rate, rhythm.duty_cycles[1], rhythm.onset_phases[1]])

    at = jnp.array([0.9, 0.3, -0.2])
    jacobian = np.asarray(jax.jit(jax.jacfwd(statistics))(at))
    step, plain = 1e-5, jax.jit(statistics)
    differences = [(plain(at + h) - plain(at - h)) / (2 * step) for h in step * jnp.eye(3)]
    np.testing.assert_allclose(jacobian, np.stack(differences, axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(plain(at)[jnp.array([0, 2])], [0.9, 0.3], atol=0.01)
    np.testing.assert_allclose(jacobian[0, 0], 1.0, atol=0.05)
    np.testing.assert_allclose(jacobian[2, 1], 1.0, atol=0.05)


def test_a_silent_cell_has_no_rhythm_and_leaves_the_others_theirs():
    voltages = bursts_of_spikes(0.8, np.full(3, 0.3), np.array([0.0, 0.4, 0.7]))
    silent = found(voltages.at[:, 1].set(-60.0))
    assert np.isnan(silent.duty_cycles).tolist() == [False, True, False]
    assert np.isnan(silent.onset_phases).tolist() == [False, True, False]
    assert float(silent.burst_rate) == pytest.approx(0.8, rel=0.01)
    without_pacemaker = found(voltages.at[:, 0].set(-60.0))
    assert np.isnan(without_pacemaker.burst_rate)
    assert np.all(np.isnan(without_pacemaker.onset_phases))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0.0}, "width must be positive"),
        ({"highest": 0.05}, "highest must be above lowest"),
        ({"lowest": 0.01}, "voltages must last two periods"),
    ],
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        smooth_rhythm(jnp.zeros((2400, 3)), SPACING, **changes)


@pytest.mark.slow
def test_the_ganglion_of_figure_5a_has_the_statistics_of_its_exact_bursts():
    recording = conductance_spikes(
        pyloric_circuit_5a(), TabulatedEuler(0.025), duration=13_000.0, sample_every=40
    )
    exact = triphasic_rhythm(find_bursts(recording))
    voltages = np.asarray(recording.voltages)[0]
    smooth = smooth_rhythm(jnp.asarray(voltages[voltages.shape[0] // 13 :, :3]), 1.0)
    assert float(smooth.burst_rate) == pytest.approx(1e3 / exact.of("cycle period")[0], rel=0.02)
    np.testing.assert_allclose(
        smooth.duty_cycles,
        [exact.of(f"{cell} duty cycle")[0] for cell in ("AB/PD", "LP", "PY")],
        atol=0.05,
    )
    np.testing.assert_allclose(
        smooth.onset_phases[1:],
        [exact.of(f"{cell} start phase")[0] for cell in ("LP", "PY")],
        atol=0.05,
    )
