"""The stomatogastric ganglion: all conductances under which three cells burst in turn."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.circuits import pyloric_circuit_5a, pyloric_circuits, pyloric_parameters
from neuropil.inference import (
    Behaviour,
    BlackBox,
    Interval,
    NaturalPath,
    Support,
    maximum_entropy,
    predict,
)
from neuropil.simulate import (
    ConductanceSpikes,
    TabulatedEuler,
    TriphasicRhythm,
    conductance_spikes,
    find_bursts,
    triphasic_rhythm,
)
from neuropil.studies.bittner_2018.answers import drawn, stored
from neuropil.types import RandomKey

SYNAPSES = 7
CELLS = "pd_conductances", "lp_conductances", "py_conductances"
SHOWN = 8
"""Circuits whose spikes are kept for a figure."""
UNITS = {
    "burst_rate": "Hz",
    "lp_onset": "",
    "py_lag": "",
    "pd_duty_cycle": "",
    "lp_duty_cycle": "",
    "py_duty_cycle": "",
}


def support(only_synapses: bool) -> Support:
    """Logarithms of the synapses over their published ranges; with the cells' conductances too.

    Synapses were drawn uniformly in the logarithm, conductances in themselves, and so they are
    here.
    """
    published = pyloric_parameters()
    domains: dict[str, Any] = {}
    if not only_synapses:
        lower, upper = (
            bounds[:-SYNAPSES].reshape(len(CELLS), -1)
            for bounds in (published.lower, published.upper)
        )
        for number, cell in enumerate(CELLS):
            domains[cell] = Interval(
                lower[number], upper[number], shape=lower[number].shape, unit="mS/cm^2"
            )
    domains["log_synapses"] = Interval(
        np.log10(published.lower[-SYNAPSES:]),
        np.log10(published.upper[-SYNAPSES:]),
        shape=(SYNAPSES,),
        unit="log10 mS",
    )
    return Support(domains)


def spikes_of(
    parameters: Mapping[str, Float[np.ndarray, "sets ..."]],
    *,
    step: float,
    duration: float,
    gates_first: bool = True,
) -> ConductanceSpikes:
    """Simulate circuits without noise, by default with the gates half a step ahead."""
    synapses = 10.0 ** np.asarray(parameters["log_synapses"])
    if CELLS[0] in parameters:
        cells = [np.asarray(parameters[cell]) for cell in CELLS]
        rows = np.concatenate([*cells, synapses], axis=1)
        circuits = pyloric_circuits(rows)
    else:
        circuits = pyloric_circuits(synapses, pyloric_circuit_5a())
    method = TabulatedEuler(step, gates_first=gates_first)
    return conductance_spikes(circuits, method, duration=duration, throw=False)


def rhythms(
    parameters: Mapping[str, Float[np.ndarray, "sets ..."]],
    *,
    step: float,
    duration: float,
    gates_first: bool = True,
) -> TriphasicRhythm:
    """Simulate circuits without noise and measure their bursts after the first second."""
    spikes = spikes_of(parameters, step=step, duration=duration, gates_first=gates_first)
    return triphasic_rhythm(find_bursts(spikes))


def statistics_of(rhythm: TriphasicRhythm) -> dict[str, Float[np.ndarray, " circuits"]]:
    """Burst rate, onsets and duty cycles as parts of the period.

    Not a number where the three do not burst in their order: that is part of the behaviour.
    """
    period = rhythm.of("cycle period")
    values = {
        "burst_rate": 1000.0 / period,
        "lp_onset": rhythm.of("LP start phase"),
        "py_lag": rhythm.of("PY start phase") - rhythm.of("LP start phase"),
        "pd_duty_cycle": rhythm.of("AB/PD duty cycle"),
        "lp_duty_cycle": rhythm.of("LP duty cycle"),
        "py_duty_cycle": rhythm.of("PY duty cycle"),
    }
    return {name: np.where(rhythm.is_pyloric, value, np.nan) for name, value in values.items()}


def typical_shift(
    numbers: Mapping[str, Any], coarse: TriphasicRhythm, fine: TriphasicRhythm
) -> Float[np.ndarray, " names"]:
    """Median change of each statistic of a circuit, in units of the target's spread."""
    one, other = statistics_of(coarse), statistics_of(fine)
    return np.array(
        [
            np.nanmedian(np.abs(one[name] - other[name])) / deviation
            for name, (_, deviation) in numbers["targets"].items()
        ]
    )


def behaviour(numbers: Mapping[str, Any], *, step: float) -> Behaviour:
    """Means and variances of the statistics of the rhythm."""
    simulate: Callable[..., Any] = lambda parameters: statistics_of(  # noqa: E731
        rhythms(parameters, step=step, duration=numbers["duration"])
    )
    return Behaviour(
        BlackBox(simulate, batched=True),
        {name: mean for name, (mean, _) in numbers["targets"].items()},
        variances={name: deviation**2 for name, (_, deviation) in numbers["targets"].items()},
        units=UNITS,
        tolerance=numbers["tolerance"],
    )


def run_stomatogastric(
    configuration: Mapping[str, Any], key: RandomKey, *, checkpoint: Path | None = None
) -> xr.Dataset:
    """The distribution of conductances with the rhythm, and fresh simulations at a finer step."""
    numbers = configuration["stomatogastric"]
    solve, draw, fresh = jax.random.split(key, 3)
    where = support(numbers["only_synapses"])
    method = NaturalPath(
        particles=numbers["particles"], sweeps=numbers["moves"], most_moves=1,
        most_rounds=numbers["rounds"], start_rounds=numbers["start_rounds"],
    )  # fmt: skip
    answer = maximum_entropy(
        behaviour(numbers, step=numbers["step"]),
        where,
        method,
        key=solve,
        checkpoint=checkpoint,
        check=False,
        throw=False,
    )
    finer = predict(
        answer, numbers["fresh"], key=fresh, behaviour=behaviour(numbers, step=numbers["fine_step"])
    )
    shown = spikes_of(
        {name: values[:SHOWN] for name, values in finer.parameters.items()},
        step=numbers["fine_step"],
        duration=numbers["duration"],
    )
    order = rhythms(finer.parameters, step=numbers["fine_step"], duration=numbers["duration"])
    shifts = {
        name: typical_shift(
            numbers,
            rhythms(
                finer.parameters, step=step, duration=numbers["duration"], gates_first=gates_first
            ),
            order,
        )
        for name, step, gates_first in (
            ("own_shift", numbers["step"], True),
            ("published_shift", numbers["published_step"], False),
        )
    }
    before = where.draw(fresh, numbers["fresh"])
    uniform = rhythms(
        jax.tree.map(np.asarray, jax.vmap(where.parameters)(jnp.asarray(before))),
        step=numbers["step"],
        duration=numbers["duration"],
    )
    names = list(UNITS)
    verified = xr.Dataset(
        {
            "fresh_mean": ("name", [finer.means[name].value for name in names]),
            "fresh_lower": ("name", [finer.means[name].lower for name in names]),
            "fresh_upper": ("name", [finer.means[name].upper for name in names]),
            "fresh_deviation": ("name", [finer.deviations[name] for name in names]),
            "fresh_failed": ((), finer.failed),
            **{name: ("name", shift) for name, shift in shifts.items()},
            "spike_time": (("shown", "cell", "spike"), shown.times, {"units": "ms"}),
            "fresh_sets": ((), numbers["fresh"]),
            "pyloric_share": ((), float(order.is_pyloric.mean())),
            "uniform_triphasic_share": ((), float(uniform.is_triphasic.mean())),
            "uniform_pyloric_share": ((), float(uniform.is_pyloric.mean())),
        },
        {"cell": list(shown.cell_names)},
    )
    samples = drawn(answer, min(configuration["samples"], numbers["particles"]), draw)
    return xr.merge([stored(answer), samples, verified])


__all__ = ["SYNAPSES", "UNITS", "rhythms", "run_stomatogastric", "statistics_of", "support"]
