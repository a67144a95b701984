"""Both engines of spikes against closed forms, each other, and themselves on other workers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import scipy.stats

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import Connectome, connectome_from_scipy, erdos_renyi
from neuropil.result import NotSolved
from neuropil.simulate import ClockedEvents, ExactEvents, spikes

KEY = jax.random.key(3)
TAU = 10.0
MEMBRANE = LinearDrift(TAU, 0.0)
ENGINES = {"exact": ExactEvents(), "clocked": ClockedEvents(0.05)}


def unconnected(n: int) -> Connectome:
    return connectome_from_scipy(scipy.sparse.csr_array((n, n)))


def fan(weights: list[float], n_targets: int) -> Connectome:
    """Neuron 0 onto the others, the weights in turn."""
    matrix = np.zeros((n_targets + 1, n_targets + 1))
    matrix[1:, 0] = np.resize(weights, n_targets)
    return connectome_from_scipy(scipy.sparse.csr_array(matrix))


def constant(rate):
    return lambda v: rate + 0.0 * v


def only_first(rate: float, n: int):
    """A hazard of neuron 0 alone."""
    rates = jnp.zeros(n).at[0].set(rate)
    return lambda v: rates + 0.0 * v


@pytest.mark.parametrize("engine", ENGINES)
def test_a_constant_hazard_gives_poisson_spikes(engine):
    system = IntegrateAndFire(hazard=constant(0.05), hazard_bound=0.08)
    found = spikes(system, unconnected(2000), ENGINES[engine], duration=400.0, key=KEY)
    counts = found.rates()[0] * 400
    assert abs(counts.mean() - 20) < 4 * (20 / 2000) ** 0.5
    assert abs(counts.var() / 20 - 1) < 4 * (2 / 2000) ** 0.5
    assert np.all(np.diff(found.times) >= 0)
    assert scipy.stats.kstest(found.times / 400, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_intervals_have_the_distribution_of_the_hazard(engine):
    # After a reset V(t) = 20 (1 - exp(-t / tau)), and the hazard V / 200 is its integral's slope.
    system = IntegrateAndFire(
        LinearDrift(TAU, 20.0), hazard=lambda v: v / 200, hazard_bound=0.1, refractory_period=2.0
    )
    found = spikes(system, unconnected(400), ENGINES[engine], duration=1000.0, key=KEY)
    intervals = np.concatenate(
        [np.diff(found.times[found.neurons == neuron]) for neuron in range(400)]
    )
    late = intervals[::20] - 2.0  # few enough that the grid of the clocked engine does not show

    def distribution(t):
        return 1 - np.exp(-0.1 * (t - TAU * (1 - np.exp(-t / TAU))))

    assert intervals.min() >= 2.0
    assert scipy.stats.kstest(late, distribution).pvalue > 1e-3


@pytest.mark.parametrize(
    ("engine", "form"), list(itertools.product(ENGINES, ["linear", "function"]))
)
def test_membranes_without_spikes_are_ornstein_uhlenbeck(engine, form):
    n, noise, times = 4000, 1.3, np.array([3.0, 20.0, 30.0])
    drift = LinearDrift(TAU, 5.0)
    system = IntegrateAndFire(
        drift if form == "linear" else lambda v: drift(v),
        hazard=constant(0.0),
        hazard_bound=0.01,
        noise=noise,
    )
    found = spikes(
        system, unconnected(n), ENGINES[engine], -2.0, duration=30.0, key=KEY, sample_times=times
    )
    potentials = found.potentials[0]
    spread = noise**2 * TAU / 2 * (1 - np.exp(-2 * times / TAU))
    means = 5 - 7 * np.exp(-times / TAU)
    assert np.all(np.abs(potentials.mean(1) - means) < 4 * np.sqrt(spread / n))
    assert np.all(np.abs(potentials.var(1) / spread - 1) < 4 * np.sqrt(2 / n) + 0.002)
    correlation = np.corrcoef(potentials[1], potentials[2])[0, 1]
    expected = np.exp(-1) * np.sqrt(spread[1] / spread[2])
    assert abs(correlation - expected) < 4 * (1 - expected**2) / n**0.5


def shot_noise(rate, jump, tau_synapse):
    """Mean and variance of a leaky membrane under Poisson jumps (Campbell's theorem)."""
    mean = rate * jump * TAU
    return mean, rate * jump**2 * TAU**2 / (2 * (TAU + tau_synapse))


@pytest.mark.parametrize("form", ["linear", "function"])
@pytest.mark.parametrize("tau_synapse", [0.0, 4.0])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", ["network", "external"])
def test_jumps_make_the_shot_noise_of_campbell(engine, tau_synapse, source, form):
    # Every neuron has a Poisson source of its own, inside the network or outside.
    n, rate, jump = 1200, 0.2, 0.7
    wiring = unconnected(n)
    parameters = {"poisson_rate": rate, "poisson_jump": jump}
    rates = jnp.zeros(n)
    if source == "network":
        sources, receivers = np.arange(n // 2), np.arange(n // 2, n)
        entries = (np.full(n // 2, jump), (receivers, sources))
        wiring = connectome_from_scipy(scipy.sparse.csr_array(entries, shape=(n, n)))
        parameters = {}
        rates = rates.at[: n // 2].set(rate)
    system = IntegrateAndFire(
        MEMBRANE if form == "linear" else lambda v: MEMBRANE(v),
        hazard=lambda v: rates + 0.0 * v,
        hazard_bound=rate,
        synaptic_time_constant=tau_synapse,
        **parameters,
    )
    times = np.arange(80.0, 400.1, 40.0)
    found = spikes(
        system, wiring, ENGINES[engine], duration=400.0, key=KEY, sample_times=times,
        sample_neurons=np.arange(n // 2, n),
    )  # fmt: skip
    values = found.potentials[0].ravel()
    mean, variance = shot_noise(rate, jump, tau_synapse)
    independent = values.size * 0.8
    # On the grid an arrival counts whole at the end of its step.
    grid = 0.004 if engine == "clocked" else 0.0
    assert abs(values.mean() - mean) < 4 * (variance / independent) ** 0.5 + grid * mean
    assert abs(values.var() / variance - 1) < 4 * (2.5 / independent) ** 0.5 + grid


def test_the_clocked_engine_has_the_period_of_a_driven_neuron():
    system = IntegrateAndFire(
        LinearDrift(TAU, 0.0), drive=3.0, threshold=20.0, reset=5.0, refractory_period=2.0
    )
    found = spikes(system, unconnected(1), ClockedEvents(0.01), 5.0, duration=200.0, key=KEY)
    period = 2.0 + TAU * np.log((30 - 5) / (30 - 20))
    assert np.all(np.abs(np.diff(found.times) - period) <= 0.01 + 1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shared", [True, False])
def test_a_spike_reaches_its_targets_after_the_delay_and_nobody_else(engine, shared):
    # Rows are postsynaptic: neuron 0 drives the others, which drive nobody.
    wiring = fan([1.5] if shared else [1.5, -0.5, 0.25], 3)
    system = IntegrateAndFire(
        MEMBRANE, hazard=only_first(0.2, 4), hazard_bound=0.2, delay=1.5, coupling=2.0
    )
    found = spikes(
        system, wiring, ENGINES[engine], duration=40.0, key=KEY, sample_times=[39.0, 40.0]
    )
    arrivals = found.times + 1.5
    weights = 2.0 * wiring.to_dense()[:, 0]
    for sample, time in enumerate(found.sample_times):
        response = np.sum(np.exp(-(time - arrivals[arrivals <= time]) / TAU))
        np.testing.assert_allclose(
            found.potentials[0, sample, 1:], weights[1:] * response, rtol=1e-6
        )
    assert np.all(found.neurons == 0)
    assert found.times.size > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_input_during_the_refractory_period_is_lost(engine):
    # Neuron 1 fires once at the very start, and then rests while neuron 0 goes on.
    wiring = fan([1.0], 1)
    system = IntegrateAndFire(
        MEMBRANE,
        hazard=lambda v: jnp.array([0.2, 1.0]) + 0.0 * v,
        hazard_bound=jnp.array([0.2, 1.0]),
        reset=jnp.array([0.0, -3.0]),
        refractory_period=jnp.array([0.0, 1000.0]),
    )
    found = spikes(
        system, wiring, ENGINES[engine], duration=100.0, key=KEY, sample_times=[90.0, 100.0]
    )
    assert np.sum(found.neurons == 1) == 1
    assert np.sum(found.neurons == 0) > 5
    np.testing.assert_array_equal(found.potentials[0, :, 1], -3.0)


def network(n=300, **parameters):
    wiring = erdos_renyi(n, 0.1, key=jax.random.key(0))
    signs = np.where(wiring.presynaptic < 0.8 * n, 0.25, -0.8)
    system = IntegrateAndFire(
        LinearDrift(20.0, 12.0),
        hazard=SigmoidHazard(0.15, 15.0, 2.0),
        noise=0.8,
        **parameters,
    )
    return system, wiring.with_weights(signs, unit="mV")


@pytest.mark.parametrize(
    "parameters",
    [{}, {"synaptic_time_constant": 5.0, "delay": 1.0, "refractory_period": 3.0}],
    ids=["jumps", "currents"],
)
def test_the_engines_agree_on_a_network(parameters):
    system, wiring = network(**parameters)
    arguments = {"duration": 300.0, "realisations": 24}
    exact = spikes(system, wiring, ExactEvents(), key=KEY, **arguments)
    rates = exact.rates(50.0).mean(1)
    unlike_linear = IntegrateAndFire(
        lambda v: (12.0 - v) / 20.0, hazard=system.hazard, noise=0.8, **parameters
    )
    others = {
        "clocked": (system, ClockedEvents(0.05)),
        "by Heun": (unlike_linear, ClockedEvents(0.05)),
    }
    for name, (other, method) in others.items():
        found = spikes(other, wiring, method, key=jax.random.key(4), **arguments).rates(50.0)
        error = np.hypot(rates.std(), found.mean(1).std()) / 24**0.5
        assert abs(rates.mean() - found.mean()) < 4 * error, name


def test_any_drift_is_advanced_exactly_enough():
    system, wiring = network()
    plain = IntegrateAndFire(lambda v: (12.0 - v) / 20.0, hazard=system.hazard, noise=0.8)
    arguments = {"duration": 150.0, "realisations": 12}
    exact = spikes(system, wiring, ExactEvents(), key=KEY, **arguments).rates(50.0).mean(1)
    found = spikes(plain, wiring, ExactEvents(), key=jax.random.key(7), **arguments)
    found = found.rates(50.0).mean(1)
    assert abs(exact.mean() - found.mean()) < 4 * np.hypot(exact.std(), found.std()) / 12**0.5


def test_results_do_not_depend_on_workers_or_on_how_many_there_are():
    system, wiring = network()
    for method in ENGINES.values():
        three = spikes(system, wiring, method, duration=50.0, key=KEY, realisations=3, workers=2)
        two = spikes(system, wiring, method, duration=50.0, key=KEY, realisations=2, workers=1)
        assert three.n_spikes[0] != three.n_spikes[1]
        for realisation in range(2):
            for a, b in zip(three.of(realisation), two.of(realisation), strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_run_that_was_interrupted_goes_on(tmp_path):
    system, wiring = network()
    arguments = {"duration": 20.0, "key": KEY, "workers": 1, "sample_times": [20.0]}
    whole = spikes(system, wiring, ExactEvents(), realisations=4, **arguments)
    seen = []

    def stop(done, total):
        seen.append(done)
        if done == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        spikes(
            system, wiring, ExactEvents(), realisations=4, checkpoint=folder, progress=stop,
            **arguments,
        )  # fmt: skip
    resumed = spikes(
        system, wiring, ExactEvents(), realisations=4, checkpoint=folder,
        progress=lambda done, total: seen.append(done), **arguments,
    )  # fmt: skip
    assert seen == [1, 2, 3, 4]
    np.testing.assert_array_equal(resumed.times, whole.times)
    np.testing.assert_array_equal(resumed.potentials, whole.potentials)
    with pytest.raises(ValueError, match="another simulation"):
        spikes(
            system, wiring.scaled(2.0), ExactEvents(), realisations=4, checkpoint=folder,
            **arguments,
        )  # fmt: skip


def test_a_hazard_above_its_bound_stops_with_what_there_is():
    system = IntegrateAndFire(
        LinearDrift(TAU, 20.0), hazard=lambda v: v / 200, hazard_bound=0.09, reset=1.0
    )
    arguments = {"duration": 2000.0, "key": KEY}
    with pytest.raises(NotSolved, match=r"hazard was 0\.09\d+ spikes/ms in neuron .*hazard_bound"):
        spikes(system, unconnected(50), ExactEvents(), **arguments)
    kept = spikes(system, unconnected(50), ExactEvents(), throw=False, **arguments)
    assert kept.times.size > 0
    assert kept.times[-1] <= kept.end_times[0] < 2000


@pytest.mark.parametrize("engine", ENGINES)
def test_hazards_that_are_no_rates_stop(engine):
    system = IntegrateAndFire(
        LinearDrift(TAU, 20.0), hazard=lambda v: 0.1 - v / 100, hazard_bound=0.1, noise=0.1
    )
    with pytest.raises(NotSolved, match=r"hazard was -.*must be a number and not negative"):
        spikes(system, unconnected(5), ENGINES[engine], duration=1000.0, key=KEY)


def test_a_step_too_long_for_the_hazard_stops():
    system = IntegrateAndFire(LinearDrift(TAU, 20.0), hazard=lambda v: jnp.exp(v / 4), noise=0.1)
    with pytest.raises(NotSolved, match="too large for the step"):
        spikes(system, unconnected(5), ClockedEvents(0.1), duration=1000.0, key=KEY)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_explosion_of_spikes_stops(engine):
    system, wiring = network()
    method = type(ENGINES[engine])(maximum_spikes=500)
    kept = spikes(system, wiring.scaled(10.0), method, duration=1000.0, key=KEY, throw=False)
    assert kept.n_spikes[0] == 500
    assert "raise it where memory allows" in kept.failure


SYSTEM, WIRING = network(20)
HARD = IntegrateAndFire(threshold=20.0, delay=0.25)


@pytest.mark.parametrize(
    ("system", "method", "arguments", "message"),
    [
        (HARD, ExactEvents(), {}, "threshold is 20.*use `ClockedEvents`"),
        (
            IntegrateAndFire(hazard=lambda v: v**2), ExactEvents(), {}, "hazard_bound must be given"
        ),
        (HARD, ClockedEvents(0.1), {}, "delay must be a whole number of steps of 0.1 ms, got 0.25"),
        (SYSTEM, ClockedEvents(3.0), {"duration": 30.0}, "step is 3.0 ms, too long"),
        (SYSTEM, ClockedEvents(0.3), {}, "duration must be a whole number of steps"),
        (SYSTEM, ExactEvents(), {"duration": -1.0}, "duration must be positive"),
        (SYSTEM, ExactEvents(), {"realisations": 0}, "realisations must be at least 1"),
        (SYSTEM, ExactEvents(), {"sample_times": [2.0, 1.0]}, "sample_times must ascend"),
        (SYSTEM, ExactEvents(), {"sample_times": [11.0]}, "sample_times must lie between 0 and"),
        (SYSTEM, ExactEvents(), {"sample_times": [1.0], "sample_neurons": [20]}, "0 to 19 are"),
        (SYSTEM, ExactEvents(), {"start": np.zeros(3)}, r"start must be one value.*\(3,\)"),
        (
            SYSTEM,
            ExactEvents(),
            {"realisations": 10**9, "sample_times": [1.0, 2.0]},
            "GB of memory before the first spike",
        ),
        (
            IntegrateAndFire(hazard=SigmoidHazard(), noise=np.ones(3)),
            ExactEvents(),
            {},
            "noise does not fit 20 neurons",
        ),
        (
            IntegrateAndFire(LinearDrift(np.full(3, TAU)), threshold=20.0),
            ClockedEvents(0.1),
            {},
            r"time_constant must be one value or one for each of 20 neurons, got shape \(3,\)",
        ),
        (
            IntegrateAndFire(MEMBRANE, hazard=SigmoidHazard(), synaptic_time_constant=TAU),
            ExactEvents(),
            {},
            "synaptic_time_constant is 10.0 ms, that of a membrane",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(system, method, arguments, message):
    with pytest.raises(ValueError, match=message):
        spikes(system, WIRING, method, **{"duration": 10.0, "key": KEY, **arguments})


def test_the_labelled_result_names_axes_and_units():
    found = spikes(
        SYSTEM, WIRING, ExactEvents(), duration=50.0, key=KEY, realisations=2, sample_times=[5.0]
    ).to_xarray()
    assert found.potential.dims == ("realisation", "time", "sampled_neuron")
    assert found.potential.attrs["units"] == "mV"
    assert int(found.spike_count.sum()) == found.spike_time.size
