"""Spiking networks of the study against its rate equation, where the truth is known."""

import jax
import numpy as np
import pytest
import scipy.sparse

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork
from neuropil.connectivity import erdos_renyi, signed, weights_of
from neuropil.meanfield import Picard, SiegertTransfer, firing_rate, self_consistent_rates
from neuropil.studies.tang_2012.configuration import NEURON
from neuropil.studies.tang_2012.spiking_networks import (
    _drive_for,
    _measures,
    count,
    run_delays,
    run_network,
    run_sweep,
    self_consistent,
)

SPIKING = {"warm_up": 200.0, "delay": 1.5, "realisations": 4, "windows": 4}


def counted(connectome, *, neuron=NEURON, drive=15.0, strength=0.0, duration=1000.0, step=0.05):
    return count(
        SPIKING, connectome, jax.random.key(5), neuron=neuron, drive=drive, strength=strength,
        duration=duration, step=step,
    )  # fmt: skip


def mixed(neurons, in_degree):
    drawn = erdos_renyi(neurons, in_degree / (neurons - 1), key=jax.random.key(1))
    return signed(drawn, inhibitory_fraction=0.2, key=jax.random.key(2))


@pytest.mark.parametrize("noise", [0.5, 5.0])
def test_unconnected_neurons_fire_at_the_rate_of_the_formula(noise):
    neuron = {**NEURON, "noise": noise}
    drive = _drive_for({"neuron": NEURON, "external_input": 15.0}, noise)
    expected = float(firing_rate(drive, **neuron))
    assert expected == pytest.approx(float(firing_rate(15.0, **NEURON)))
    rates, fano = counted(erdos_renyi(200, 0.1, key=jax.random.key(0)), neuron=neuron, drive=drive)
    per_sample = rates.mean(axis=1)
    error = per_sample.std(ddof=1) / np.sqrt(len(per_sample))
    assert rates.mean() == pytest.approx(expected, abs=4 * error + 0.005 * expected)
    assert error < 0.02 * expected
    assert fano == pytest.approx(1, abs=0.2)


def test_without_the_shifted_threshold_noisy_neurons_would_fire_too_little():
    """At a coarse step the crossings that go unseen are many: the shift repairs just that."""
    unconnected = erdos_renyi(200, 0.1, key=jax.random.key(0))
    expected = float(firing_rate(15.0, **NEURON))
    step = 0.5
    unseen = 0.5826 * NEURON["noise"] * np.sqrt(step / NEURON["membrane_time_constant"])
    raised = {**NEURON, "threshold": NEURON["threshold"] + unseen}
    assert counted(unconnected, step=step)[0].mean() == pytest.approx(expected, rel=0.05)
    assert counted(unconnected, step=step, neuron=raised)[0].mean() < 0.85 * expected


def test_fixed_noise_gives_the_self_consistent_rates_of_the_equation():
    network = mixed(100, 20)
    transfer = SiegertTransfer(LeakyIntegrateAndFire(**NEURON))
    solution = self_consistent_rates(
        RateNetwork(weights_of(network), transfer, 15.0), Picard(tolerance=1e-10), strengths=[8.0]
    )
    rates = self_consistent(8.0 * network.to_scipy(), NEURON, 15.0, shot_noise=False)
    np.testing.assert_allclose(rates, np.asarray(solution.rate)[0], rtol=1e-4)


def test_shot_noise_solves_its_equation_and_is_what_a_mixed_network_lacks():
    network, neuron = mixed(400, 80), {**NEURON, "noise": 2.0}
    strength, drive = 4.0, 18.3
    weights = strength * network.to_scipy()
    rates = self_consistent(weights, neuron, drive, shot_noise=True)
    variance = 2.0**2 + weights.power(2) @ rates / 20.0
    expected = firing_rate(drive + weights @ rates, np.sqrt(variance), **_but_noise(neuron))
    np.testing.assert_allclose(rates, expected, rtol=1e-4)
    found, _ = counted(network, neuron=neuron, drive=drive, strength=strength, duration=500.0)
    fixed = self_consistent(weights, neuron, drive, shot_noise=False)
    assert found.mean() == pytest.approx(rates.mean(), rel=0.1)
    assert found.mean() > 1.2 * fixed.mean()


def _but_noise(neuron):
    return {name: value for name, value in neuron.items() if name != "noise"}


def test_no_stable_fixed_point_gives_no_numbers():
    """One neuron that inhibits itself has a fixed point; without a stable one nothing is said."""
    weights = scipy.sparse.csr_array(np.array([[0.0, -4e4], [-4e4, 0.0]]))
    quiet = {**NEURON, "noise": 0.05}
    rates = self_consistent(weights, quiet, 30.0, shot_noise=False)
    assert np.isnan(rates).all()


def test_strong_excitation_at_weak_noise_fires_in_volleys_that_the_equation_misses():
    network, neuron = erdos_renyi(200, 0.4, key=jax.random.key(3)), {**NEURON, "noise": 0.5}
    strength = 10.0
    found, fano = counted(network, neuron=neuron, drive=19.75, strength=strength, duration=300.0)
    predicted = self_consistent(strength * network.to_scipy(), neuron, 19.75, shot_noise=False)
    assert fano > 20
    assert abs(found.mean() / predicted.mean() - 1) > 0.05


def test_measures_tell_sampling_from_a_true_difference():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0.005, 0.03, 500)
    noise = 0.004 * rng.normal(size=(16, 500))
    same = _measures(predicted + noise, predicted)
    assert same["ratio"] == pytest.approx(1, abs=0.01)
    assert same["slope"] == pytest.approx(1, abs=4 * same["slope_error"])
    assert same["correlation"] == pytest.approx(1, abs=0.01)
    assert same["deviation"] < 0.02
    other = _measures(1.2 * predicted + noise, predicted)
    assert other["slope"] == pytest.approx(1.2, abs=4 * same["slope_error"])
    expected = 0.2 * np.sqrt(np.mean(predicted**2)) / predicted.mean()
    assert other["deviation"] == pytest.approx(expected, rel=0.05)
    nothing = _measures(predicted + noise, np.full(500, np.nan))
    assert all(np.isnan(value) for value in nothing.values())


@pytest.mark.slow
def test_shards_hold_every_case_they_name():
    configuration = {
        "neuron": NEURON,
        "external_input": 15.0,
        "connection_probability": 0.2,
        "inhibitory_fraction": 0.2,
        "spiking": {
            **SPIKING,
            "realisations": 2,
            "time_step": 0.1,
            "couplings": [0.0, 200.0],
            "sweep": {
                "kinds": ["excitatory"], "neurons": 40, "noises": [2.0, 5.0], "in_degrees": [8],
                "jumps": [1e-9, 2.0], "duration": 100.0, "time_step": 0.1,
            },
            "delays": {
                "neurons": 40, "couplings": [100.0], "delays": [1.0, 2.0], "duration": 40.0,
            },
        },
    }  # fmt: skip
    key = jax.random.key(9)
    one = run_network(
        configuration, key, family="erdos-renyi", kind="excitatory", size=60, duration=200.0
    )
    alone = float(firing_rate(15.0, **NEURON))
    np.testing.assert_allclose(one.predicted_rate.sel(coupling=0.0), alone)
    assert one.mean_rate[1] > 1.5 * one.mean_rate[0]
    in_degree = 200.0 / float(one.strength[1])
    assert in_degree * 60 == pytest.approx(round(in_degree * 60))
    assert in_degree == pytest.approx(0.2 * 59, rel=0.15)
    sweep = run_sweep(configuration, key)
    assert dict(sweep.ratio.sizes) == {
        "kind": 1, "noise": 2, "in_degree": 1, "jump": 2, "theory": 2,
    }  # fmt: skip
    weak, strong = sweep.mean_rate.squeeze().transpose("jump", "noise").values
    np.testing.assert_allclose(weak, alone, rtol=0.5)
    assert np.all(strong > 3 * weak)
    assert sweep.drive[0] > sweep.drive[1] == pytest.approx(15.0)
    delays = run_delays(configuration, key)
    assert dict(delays.mean_rate.sizes) == {"coupling": 1, "delay": 2}
    assert delays.attrs["neurons"] == 40
