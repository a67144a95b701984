"""The engine of arrays against the engine of events, closed forms, and itself in other portions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import scipy.stats

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import Connectome, connectome_from_scipy, erdos_renyi
from neuropil.result import NotSolved
from neuropil.simulate import ClockedArrays, ClockedEvents, spikes
from neuropil.simulate.synapse_blocks import synapse_blocks

KEY = jax.random.key(5)
TAU = 10.0


def unconnected(n: int) -> Connectome:
    return connectome_from_scipy(scipy.sparse.csr_array((n, n)))


def threshold_network(n=400):
    """Without noise; weights are sums of few powers of two, which single precision holds too."""
    wiring = erdos_renyi(n, 0.1, key=jax.random.key(0))
    signs = np.where(wiring.presynaptic < 0.8 * n, 0.25, -1.0)
    system = IntegrateAndFire(
        LinearDrift(20.0, 0.0),
        drive=np.linspace(1.05, 1.4, n),
        threshold=20.0,
        reset=10.0,
        refractory_period=2.0,
        delay=1.5,
    )
    return system, wiring.with_weights(signs, unit="mV"), np.linspace(0.0, 19.0, n)


def noisy_network(n=200):
    wiring = erdos_renyi(n, 0.1, key=jax.random.key(0))
    # Other signs within one source, so that each connection needs its weight.
    weights = np.where(wiring.presynaptic % 5 < 4, 0.25, -0.8) * (1 + wiring.presynaptic % 3)
    weights[::7] *= 0.5
    system = IntegrateAndFire(
        LinearDrift(20.0, 12.0),
        hazard=SigmoidHazard(0.15, 15.0, 2.0),
        noise=0.8,
        synaptic_time_constant=5.0,
        delay=1.0,
        refractory_period=3.0,
        poisson_rate=np.linspace(0.05, 0.15, n),
        poisson_jump=0.3,
    )
    return system, wiring.with_weights(weights, unit="mV")


def equal(one, other) -> None:
    np.testing.assert_array_equal(one.start, other.start)
    np.testing.assert_array_equal(one.neurons, other.neurons)
    np.testing.assert_array_equal(one.times, other.times)
    # Other portions are other compiled code, which may round the last digit otherwise.
    np.testing.assert_allclose(one.potentials, other.potentials, rtol=0, atol=1e-11)


def test_without_noise_both_engines_give_the_same_spikes_and_portions_do_not_matter():
    system, wiring, start = threshold_network()
    arguments = {"duration": 120.0, "key": KEY, "sample_times": [0.0, 60.0, 120.0]}
    events = spikes(system, wiring, ClockedEvents(0.1), start, **arguments)
    arrays = spikes(system, wiring, ClockedArrays(0.1), start, **arguments)
    assert events.times.size > 1000
    np.testing.assert_array_equal(arrays.neurons, events.neurons)
    np.testing.assert_array_equal(arrays.times, events.times)
    np.testing.assert_allclose(arrays.potentials, events.potentials, atol=1e-11)
    # Volleys of more spikes and events than a pass takes, and more than a chunk has room for.
    largest_volley = np.unique(arrays.times, return_counts=True)[1].max()
    assert largest_volley > 2
    few = ClockedArrays(0.1, events_at_once=40, recorded_at_once=3)
    equal(spikes(system, wiring, few, start, **arguments), arrays)


@pytest.mark.slow
def test_realisations_do_not_depend_on_how_many_run_side_by_side():
    system, wiring = noisy_network()
    arguments = {"duration": 60.0, "key": KEY, "sample_times": [30.0], "workers": 1}
    seen = []
    three = spikes(
        system, wiring, ClockedArrays(0.1, realisations_at_once=3), realisations=6,
        progress=lambda done, total: seen.append((done, total)), **arguments,
    )  # fmt: skip
    single = spikes(system, wiring, ClockedArrays(0.1), realisations=6, **arguments)
    equal(three, single)
    assert len(set(single.n_spikes)) > 1
    assert seen == [(done, 6) for done in range(1, 7)]


@pytest.mark.slow
def test_a_noisy_network_fires_as_with_the_engine_of_events():
    system, wiring = noisy_network()
    arguments = {"duration": 400.0, "realisations": 24}
    method = ClockedArrays(0.1, realisations_at_once=8)
    arrays = spikes(system, wiring, method, key=KEY, **arguments).rates(50.0)
    events = spikes(system, wiring, ClockedEvents(0.1), key=KEY, **arguments).rates(50.0)
    error = np.hypot(arrays.mean(1).std(), events.mean(1).std()) / 24**0.5
    assert abs(arrays.mean() - events.mean()) < 4 * error
    # Neuron by neuron as well: the mean square of Student's t with 46 degrees of freedom.
    square = (arrays - events).mean(0) ** 2 / ((arrays.var(0, ddof=1) + events.var(0, ddof=1)) / 24)
    assert abs(np.mean(square) - 46 / 44) < 5 * (2.2 / 200) ** 0.5


def test_a_constant_hazard_gives_poisson_spikes():
    n = 2000
    system = IntegrateAndFire(hazard=lambda v: 0.05 + 0.0 * v, hazard_bound=0.08)
    found = spikes(system, unconnected(n), ClockedArrays(0.05), duration=200.0, key=KEY)
    counts = found.rates()[0] * 200
    assert abs(counts.mean() - 10) < 4 * (10 / n) ** 0.5 + 10 * 0.05 * 0.05
    assert abs(counts.var() / 10 - 1) < 4 * (2 / n) ** 0.5
    assert scipy.stats.kstest(found.times / 200, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("form", ["linear", "function"])
def test_membranes_without_spikes_have_the_known_mean_and_variance(form):
    # White noise and shot noise filtered by a synapse: Ornstein-Uhlenbeck and Campbell's theorem.
    n, noise, rate, jump, tau_synapse = 3000, 1.3, 0.2, 0.7, 4.0
    drift = LinearDrift(TAU, 5.0)
    system = IntegrateAndFire(
        drift if form == "linear" else lambda v: drift(v),
        threshold=1e6,
        noise=noise,
        poisson_rate=rate,
        poisson_jump=jump,
        synaptic_time_constant=tau_synapse,
    )
    found = spikes(
        system, unconnected(n), ClockedArrays(0.1), 7.0, duration=100.0, key=KEY,
        sample_times=[100.0],
    )  # fmt: skip
    variance = noise**2 * TAU / 2 + rate * jump**2 * TAU**2 / (2 * (TAU + tau_synapse))
    assert abs(found.potentials.mean() - (5 + rate * jump * TAU)) < 4 * (variance / n) ** 0.5 + 0.01
    assert abs(found.potentials.var() / variance - 1) < 4 * (2 / n) ** 0.5 + 0.01


@pytest.mark.parametrize("mean", [0.3, 30.0])
def test_external_events_are_poisson(mean):
    # One step without a leak to speak of: the potentials are the counts.
    n = 20_000
    system = IntegrateAndFire(
        LinearDrift(1e12, 0.0), threshold=1e6, poisson_rate=np.linspace(mean, mean, n) / 0.1,
        poisson_jump=1.0,
    )  # fmt: skip
    found = spikes(
        system, unconnected(n), ClockedArrays(0.1), duration=0.1, key=KEY, sample_times=[0.1]
    )
    counts = np.rint(found.potentials[0, 0]).astype(int)
    law = scipy.stats.poisson(mean)
    low, high = law.ppf([0.005, 0.995]).astype(int)
    observed = [np.sum(counts <= low), *(np.sum(counts == k) for k in range(low + 1, high))]
    expected = n * np.array([law.cdf(low), *law.pmf(np.arange(low + 1, high))])
    observed, expected = np.append(observed, n - sum(observed)), np.append(expected, 0)
    expected[-1] = n - expected.sum()
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-3


def test_blocks_hold_the_connectome():
    _, wiring = noisy_network()
    for matrix in (wiring, wiring.with_weights(np.full(wiring.n_edges, 0.3), unit="mV")):
        blocks = synapse_blocks(matrix, 1.5)
        dense = np.zeros((wiring.n_neurons + 1, wiring.n_neurons))
        for source in range(wiring.n_neurons):
            first = int(blocks.first_block[source])
            chosen = slice(first, first + int(blocks.n_blocks[source]))
            targets = np.asarray(blocks.targets[chosen])
            weights = np.broadcast_to(blocks.weights[chosen], targets.shape)
            np.add.at(dense, (targets, source), weights * float(blocks.unit))
        largest = 1.5 * np.abs(matrix.weights).max()
        assert np.abs(dense[:-1] - 1.5 * matrix.to_dense()).max() <= 2.0**-30 * largest
    assert np.all(np.asarray(blocks.targets[-1]) == wiring.n_neurons)


@pytest.mark.slow
def test_a_realisation_that_fails_stops_and_the_others_go_on():
    # The hazard becomes negative where the potential started high.
    system = IntegrateAndFire(LinearDrift(TAU, 20.0), hazard=lambda v: 0.1 - v / 100)
    start = np.array([[-30.0, -30.0], [5.0, -30.0]])
    found = spikes(
        system, unconnected(2), ClockedArrays(0.1, realisations_at_once=2), start, duration=5.0,
        key=KEY, realisations=2, sample_times=[0.0, 5.0], throw=False,
    )  # fmt: skip
    assert found.endings[0] == 0 != found.endings[1]
    assert np.all(np.isfinite(found.potentials[0]))
    # 20 - 15 exp(-t / 10) passes 10 mV at t = 10 log(3 / 2), if the neuron has not fired before.
    assert found.failing_neurons[1] == 0 or found.n_spikes[1] > 0
    np.testing.assert_array_equal(found.potentials[1, 0], start[1])
    assert np.all(np.isnan(found.potentials[1, 1]))
    with pytest.raises(NotSolved, match=r"realisation 1 of 2: the hazard was -.*not negative"):
        found.raise_unless_successful()


@pytest.mark.slow
def test_an_explosion_of_spikes_and_a_hazard_too_high_for_the_step_stop():
    system, wiring = noisy_network()
    method = ClockedArrays(0.1, maximum_spikes=100)
    kept = spikes(system, wiring.scaled(10.0), method, duration=1000.0, key=KEY, throw=False)
    assert kept.n_spikes[0] == 100
    assert "raise it where memory allows" in kept.failure
    assert kept.times[-1] <= kept.end_times[0]
    steep = IntegrateAndFire(LinearDrift(TAU, 20.0), hazard=lambda v: jnp.exp(v / 4))
    with pytest.raises(NotSolved, match="too large for the step"):
        spikes(steep, unconnected(5), ClockedArrays(0.1), duration=1000.0, key=KEY)


def test_potentials_that_leave_the_finite_range_stop():
    system = IntegrateAndFire(lambda v: v**2, hazard=lambda v: 0.0 * v)
    start = np.array([-1.0, 5.0, -2.0])
    with pytest.raises(NotSolved, match="left the finite range in neuron 1 at"):
        spikes(system, unconnected(3), ClockedArrays(5.0), start, duration=100.0, key=KEY)


SYSTEM, WIRING = noisy_network(20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClockedArrays(0.0), "step must be positive and finite, got 0.0"),
        (lambda: ClockedArrays(realisations_at_once=0), "realisations_at_once must be from 1 to"),
        (lambda: ClockedArrays(recorded_at_once=0), "recorded_at_once must be from 1 to"),
        (lambda: ClockedArrays(events_at_once=0), "events_at_once must be positive, got 0"),
        (lambda: run(ClockedArrays(0.3)), "duration must be a whole number of steps of 0.3"),
        (
            lambda: run(ClockedArrays(2.0), IntegrateAndFire(hazard=SigmoidHazard(0.15))),
            "step is 2.0 ms, too long for a hazard of up to 0.15",
        ),
        (
            lambda: run(ClockedArrays(), IntegrateAndFire(threshold=9.0, delay=0.25)),
            "delay must be a whole number of steps of 0.1 ms, got 0.25",
        ),
        (
            lambda: run(ClockedArrays(), IntegrateAndFire(hazard=lambda v: v[:3])),
            r"hazard must give one value for each of 20 neurons, got \(3,\)",
        ),
        (
            lambda: run(ClockedArrays(), IntegrateAndFire(lambda v: v * np.ones(3), threshold=9.0)),
            "drift does not fit 20 neurons",
        ),
        (
            lambda: run(ClockedArrays(), IntegrateAndFire(threshold=9.0, poisson_rate=1e5)),
            "poisson_rate gives a mean of 10000 events a step: 500 is allowed",
        ),
        (
            lambda: run(ClockedArrays(realisations_at_once=2**31 - 1)),
            "realisations_at_once is 2147483647: with 20 neurons each, at most 107374182 fit",
        ),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def run(method, system=SYSTEM):
    return spikes(system, WIRING, method, duration=10.0, key=KEY)
