"""Networks of spiking neurons beside the equation that is to give their rates."""

from collections.abc import Mapping
from itertools import pairwise, product
from typing import Any

import jax
import numpy as np
import scipy.optimize
import scipy.sparse
import xarray as xr
from jaxtyping import Float

from neuropil.circuits import IntegrateAndFire, LinearDrift
from neuropil.connectivity import Connectome, load_connectome
from neuropil.meanfield import firing_rate
from neuropil.simulate import ClockedEvents, spikes
from neuropil.studies.tang_2012.neuron import THRESHOLD_SHIFT
from neuropil.studies.tang_2012.wiring import network
from neuropil.types import RandomKey

THEORIES = ("noise fixed", "with shot noise")
COUNTING_BIN = 1.0
"""Width in ms of the bins whose spike counts tell volleys from independent spikes."""

DAMPINGS = (0.5, 0.1)
MAXIMUM_STEPS = 300
TOLERANCE = 1e-6
PATIENCE = 40
"""Steps within which the change of a step must shrink by a tenth."""


def run_network(
    configuration: Mapping[str, Any],
    key: RandomKey,
    *,
    family: str,
    kind: str,
    size: int | None,
    duration: float,
) -> xr.Dataset:
    """One network at several couplings: rates counted in `duration` ms of each realisation.

    The coupling is the strength times the mean in-degree, in mV ms: networks of different
    density are compared at the same mean input. A real connectome is taken whole, without a
    `size`, with every connection of strength one.
    """
    chosen = configuration["spiking"]
    wiring_key, spike_key = jax.random.split(key)
    made = (
        load_connectome(family).binary()
        if size is None
        else network(configuration, family, kind, size, wiring_key).connectome
    )
    couplings = np.asarray(chosen["couplings"])
    strengths = couplings / np.diff(made.row_start).mean()
    drive = configuration["external_input"]
    found = [
        _compare(
            configuration,
            made,
            jax.random.fold_in(spike_key, number),
            neuron=configuration["neuron"],
            drive=drive,
            strength=float(strength),
            duration=duration,
            step=chosen["time_step"],
        )
        for number, strength in enumerate(strengths)
    ]
    whole = xr.concat(found, xr.DataArray(couplings, dims="coupling", name="coupling"))
    return whole.assign(strength=("coupling", strengths)).assign_attrs(
        family=family, kind=kind, neurons=made.n_neurons, rate_unit="spikes/ms",
        coupling_unit="mV ms",
    )  # fmt: skip


def run_sweep(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Erdos-Renyi networks over noise, size of the jump at a spike (mV), and in-degree.

    The drive is chosen at each noise so that a neuron alone fires at the rate of the study's
    neuron: what differs is how it fires, not how much.
    """
    chosen = configuration["spiking"]
    sweep = chosen["sweep"]
    tau = configuration["neuron"]["membrane_time_constant"]
    drives = [_drive_for(configuration, noise) for noise in sweep["noises"]]
    dimensions = ("kind", "noise", "in_degree", "jump")
    axes = (sweep["kinds"], sweep["noises"], sweep["in_degrees"], sweep["jumps"])
    cells = []
    for number, at in enumerate(product(*(range(len(axis)) for axis in axes))):
        kind, noise, in_degree, jump = (axis[i] for axis, i in zip(axes, at, strict=True))
        wiring_key, spike_key = jax.random.split(jax.random.fold_in(key, number))
        wiring = {
            **configuration,
            "connection_probability": in_degree / (sweep["neurons"] - 1),
        }
        cell = _compare(
            configuration,
            network(wiring, "erdos-renyi", kind, sweep["neurons"], wiring_key).connectome,
            spike_key,
            neuron={**configuration["neuron"], "noise": noise},
            drive=drives[at[1]],
            strength=jump * tau,
            duration=sweep["duration"],
            step=sweep["time_step"],
        )
        cells.append(cell.drop_vars(["rate", "rate_error", "predicted_rate"]))
    shape = tuple(len(axis) for axis in axes)
    flat = xr.concat(cells, "cell")
    return xr.Dataset(
        {
            name: (
                (*dimensions, *variable.dims[1:]),
                variable.values.reshape(*shape, *variable.shape[1:]),
            )
            for name, variable in flat.data_vars.items()
        }
        | {"drive": ("noise", np.array(drives))},
        coords={**dict(zip(dimensions, axes, strict=True)), "theory": list(THEORIES)},
        attrs={"neurons": sweep["neurons"], "rate_unit": "spikes/ms", "jump_unit": "mV"},
    )


def run_delays(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Mean rate of one excitatory network over coupling and the delay that the equation lacks."""
    chosen = configuration["spiking"]["delays"]
    wiring_key, spike_key = jax.random.split(key)
    size = chosen["neurons"]
    made = network(configuration, "erdos-renyi", "excitatory", size, wiring_key).connectome
    strengths = np.asarray(chosen["couplings"]) / np.diff(made.row_start).mean()
    neuron, drive = configuration["neuron"], configuration["external_input"]
    found = [
        [
            count(
                {**configuration["spiking"], "delay": delay}, made, spike_key, neuron=neuron,
                drive=drive, strength=float(strength), duration=chosen["duration"],
                step=configuration["spiking"]["time_step"],
            )
            for delay in chosen["delays"]
        ]
        for strength in strengths
    ]  # fmt: skip
    weights = made.to_scipy()
    predicted = [
        self_consistent(strength * weights, neuron, drive, shot_noise=True).mean()
        for strength in strengths
    ]
    dimensions = ("coupling", "delay")
    return xr.Dataset(
        {
            "mean_rate": (dimensions, [[rates.mean() for rates, _ in row] for row in found]),
            "fano": (dimensions, [[fano for _, fano in row] for row in found]),
            "predicted_mean_rate": ("coupling", predicted),
        },
        coords={"coupling": chosen["couplings"], "delay": chosen["delays"]},
        attrs={"neurons": size, "rate_unit": "spikes/ms", "delay_unit": "ms"},
    )


def _drive_for(configuration: Mapping[str, Any], noise: float) -> float:
    """The input at which a neuron with this noise fires as often as the study's."""
    neuron = configuration["neuron"]
    wanted = float(firing_rate(configuration["external_input"], **neuron))

    def excess(drive: float) -> float:
        return float(firing_rate(drive, **{**neuron, "noise": noise})) - wanted

    return float(scipy.optimize.brentq(excess, 0.0, 100.0))


def _compare(
    configuration: Mapping[str, Any],
    connectome: Connectome,
    key: RandomKey,
    *,
    neuron: Mapping[str, Any],
    drive: float,
    strength: float,
    duration: float,
    step: float,
) -> xr.Dataset:
    """Counted rates, what both equations predict, and how far apart they are."""
    counted, fano = count(
        configuration["spiking"], connectome, key, neuron=neuron, drive=drive,
        strength=strength, duration=duration, step=step,
    )  # fmt: skip
    weights = strength * connectome.to_scipy()
    predicted = np.stack(
        [
            self_consistent(weights, neuron, drive, shot_noise=name == "with shot noise")
            for name in THEORIES
        ]
    )
    measures = [_measures(counted, each) for each in predicted]
    return xr.Dataset(
        {
            "rate": ("neuron", counted.mean(axis=0)),
            "rate_error": ("neuron", _errors(counted)),
            "predicted_rate": (("theory", "neuron"), predicted),
            "mean_rate": ((), float(counted.mean())),
            "mean_rate_error": ((), float(_errors(counted.mean(axis=1, keepdims=True))[0])),
            "fano": ((), fano),
            **{name: ("theory", [each[name] for each in measures]) for name in measures[0]},
        },
        coords={"theory": list(THEORIES)},
    )


def count(
    spiking: Mapping[str, Any],
    connectome: Connectome,
    key: RandomKey,
    *,
    neuron: Mapping[str, Any],
    drive: float,
    strength: float,
    duration: float,
    step: float,
) -> tuple[Float[np.ndarray, "samples neurons"], float]:
    """Rates of every neuron in every window of every realisation, and the Fano factor.

    The neurons are those of the rate equation, and a weight of `strength` mV ms is a jump of
    strength / tau mV a spike. White noise crosses a threshold unseen within a step, for which the
    threshold is lowered (`THRESHOLD_SHIFT`). What remains is a spike late by half a step where
    the drift outweighs the noise within a step. The Fano factor is that of the whole population's
    spike counts in bins of 1 ms: about one for independent spikes, at most the number of neurons.
    """
    tau, warm_up = neuron["membrane_time_constant"], spiking["warm_up"]
    noise = neuron["noise"] / np.sqrt(tau)
    system = IntegrateAndFire(
        LinearDrift(tau, neuron["leak_potential"] + drive),
        threshold=neuron["threshold"] - THRESHOLD_SHIFT * noise * np.sqrt(step),
        reset=neuron["reset"],
        refractory_period=neuron["refractory_period"],
        noise=noise,
        delay=spiking["delay"],
        coupling=strength / tau,
    )
    start_key, key = jax.random.split(key)
    shape = (spiking["realisations"], connectome.n_neurons)
    spread = np.asarray(jax.random.uniform(start_key, shape))
    recorded = spikes(
        system,
        connectome,
        ClockedEvents(step),
        neuron["reset"] + (neuron["threshold"] - neuron["reset"]) * spread,
        duration=warm_up + duration,
        key=key,
        realisations=spiking["realisations"],
        workers=1,
    )
    edges = warm_up + duration * np.arange(spiking["windows"] + 1) / spiking["windows"]
    rates = [recorded.rates(begin, end) for begin, end in pairwise(edges)]
    middles, population = recorded.population_rate(COUNTING_BIN)
    counts = population[:, middles > warm_up] * COUNTING_BIN * connectome.n_neurons
    fano = float((counts.var(axis=1) / np.maximum(counts.mean(axis=1), 1e-12)).mean())
    return np.concatenate(rates), fano


def self_consistent(
    weights: scipy.sparse.csr_array,
    neuron: Mapping[str, Any],
    drive: float,
    *,
    shot_noise: bool,
) -> Float[np.ndarray, " neurons"]:
    """Rates that solve E_i = E_0 + sum_j W_ij r_j, approached from the uncoupled neurons.

    With `shot_noise` the noise of neuron i is sigma_i^2 = sigma^2 + sum_j W_ij^2 r_j / tau: jumps
    of W / tau at rate r give a free membrane the variance W^2 r / (2 tau) (Campbell). The step
    towards the next iterate is shortened where the iteration does not converge; not numbers where
    it then still does not.
    """
    tau = neuron["membrane_time_constant"]
    squared = weights.multiply(weights).tocsr()
    parameters = {name: value for name, value in neuron.items() if name != "noise"}
    for damping in DAMPINGS:
        rates = np.zeros(weights.shape[0])
        before = np.inf
        for number in range(MAXIMUM_STEPS):
            variance = neuron["noise"] ** 2 + shot_noise * (squared @ rates) / tau
            mean_input = drive + weights @ rates
            updated = np.asarray(firing_rate(mean_input, np.sqrt(variance), **parameters))
            change = np.max(np.abs(updated - rates))
            rates = rates + damping * (updated - rates)
            if change <= TOLERANCE * np.max(updated):
                return updated
            if number % PATIENCE == PATIENCE - 1:
                if change > 0.9 * before:
                    break
                before = change
    return np.full(weights.shape[0], np.nan)


def _errors(
    samples: Float[np.ndarray, "samples quantities"],
) -> Float[np.ndarray, " quantities"]:
    """Standard errors of the means."""
    return samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def _measures(
    counted: Float[np.ndarray, "samples neurons"], predicted: Float[np.ndarray, " neurons"]
) -> dict[str, float]:
    """How the counted rates of all neurons go with the predicted ones.

    `deviation` is the root of the mean squared difference that sampling does not explain, over
    the mean rate predicted; `slope` that of counted on predicted rates, with its standard error
    from sampling; `correlation` theirs, with the sampling variance taken off the variance of
    counted rates.
    """
    measured = counted.mean(axis=0)
    sampling = float(np.mean(_errors(counted) ** 2))
    mean = float(predicted.mean())
    excess = float(np.mean((measured - predicted) ** 2)) - sampling
    covariance = np.cov(predicted, measured)
    beyond = covariance[1, 1] - sampling
    spread = covariance[0, 0]
    comparable = np.isfinite(spread) and spread > (1e-6 * mean) ** 2
    return {
        "ratio": float(measured.mean()) / mean,
        "deviation": float(np.sqrt(max(excess, 0.0))) / mean if np.isfinite(mean) else np.nan,
        "slope": float(covariance[0, 1] / spread) if comparable else np.nan,
        "slope_error": float(np.sqrt(sampling / (spread * predicted.size)))
        if comparable
        else np.nan,
        "correlation": float(covariance[0, 1] / np.sqrt(spread * beyond))
        if comparable and beyond > 0
        else np.nan,
    }
