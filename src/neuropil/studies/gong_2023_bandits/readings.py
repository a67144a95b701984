"""Shards for the table of readings: the flip-flop under every choice that matters.

Each row is an agent and a signal; what is kept is its regret by visit, from which the pace of the
last cycle follows. Rows with astrocytes are run with
separate and with equal time scales.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.context_signals import ContextSignal, one_hot_code, scalar_code
from neuropil.learning.bandits.readings import published_code
from neuropil.learning.cells.initial_values import Normal
from neuropil.studies.gong_2023_bandits import agents
from neuropil.studies.gong_2023_bandits.runs import settings, summarised
from neuropil.studies.gong_2023_bandits.summaries import pace, together
from neuropil.studies.gong_2023_bandits.tasks import task
from neuropil.studies.gong_2023_bandits.time_scales import by_ratio, ratio_of
from neuropil.types import RandomKey

RECURRENT_INPUT = ("input_weights", "readout_weights", "readout_bias")

SEPARATE, EQUAL, NEITHER = "separate", "equal", "neither"


class Reading(NamedTuple):
    """An agent under one reading, the signal it sees, and the flip-flop it meets.

    `equal` says whether it has astrocytes, whose time scale can be made that of the neurons.
    """

    agent: AbstractAgent
    context: ContextSignal | None = None
    task: str = "flip-flop"
    equal: bool = True


def readings(configuration: Mapping[str, Any], group: str) -> dict[str, Reading]:
    """The rows of one part of the table.

    `training`: the document, its read-out, and the choices of the authors' programs. `learned`:
    which groups learn when all can. `scales`: how strong connections and inputs are at first.
    `coding`: the signal. `step`: gamma, temperature, baseline and order of the updates.
    `controls`: what is left when a part is taken away. `input`: recurrent networks that see the
    signal as strongly, or learn as little. Raises `ValueError` for another group.
    """
    if group not in _ROWS:
        raise ValueError(f"group must be one of {', '.join(_ROWS)}, got {group!r}")
    return _ROWS[group](configuration)


def _training(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    ours = agents.neuroglia
    return {
        "document": Reading(ours(configuration)),
        "read-out alone learns": Reading(ours(configuration, trained=agents.READ_OUT)),
        "read-out learns ten times slower": Reading(ours(configuration, readout_rate=1e-4)),
        "published code": Reading(ours(configuration, reading=published_code)),
        "published code, its flip-flop": Reading(
            ours(configuration, reading=published_code), None, "square"
        ),
    }


def _learned(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    """Groups that learn, with a window through which a gradient reaches all of them."""
    window: dict[str, Any] = {"window": 3, "small": True}
    all_slower = {
        "all groups": 1e-3,
        "all groups, gains and W_in2 a hundred times slower": 1e-5,
    }
    some = {
        "W_in1 and read-out": agents.DETACHED,
        "W_in1, read-out, C and D": (*agents.SYNAPTIC_GAINS, *agents.DETACHED),
        "W_in1, read-out, F, H and W_in2": (*agents.ASTROCYTE_GAINS, *agents.DETACHED),
    }
    rows = {
        name: agents.neuroglia(configuration, gain_rate=rate, **window)
        for name, rate in all_slower.items()
    }
    rows |= {
        name: agents.neuroglia(configuration, trained=groups, **window)
        for name, groups in some.items()
    }
    return {f"window of three, {name}": Reading(agent) for name, agent in rows.items()}


def _scales(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    unit: dict[str, Any] = {
        "neuron_input_weights": Normal(1.0),
        "astrocyte_input_weights": Normal(1.0),
    }
    rows, columns = (agents.gains(configuration, sides) for sides in ("rows", "columns"))
    return {
        "N = rows": Reading(agents.neuroglia(configuration, **rows)),
        "N = columns": Reading(agents.neuroglia(configuration, **columns)),
        "N = columns for D": Reading(
            agents.neuroglia(configuration, glial_gain=columns["glial_gain"])
        ),
        "input weights N(0, 1)": Reading(agents.neuroglia(configuration, **unit)),
    }


def _coding(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    agent = agents.neuroglia(configuration)
    codes = {
        "signal 0, 1": jnp.array([[0.0], [1.0]]),
        "signal 1, 2": jnp.array([[1.0], [2.0]]),
        "signal one-hot": one_hot_code(2),
    }
    return {name: Reading(agent, ContextSignal(code)) for name, code in codes.items()}


def _step(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    ours = agents.neuroglia
    rows = {
        "neurons first": ours(configuration, neurons_first=True),
        "temperature 2": ours(configuration, temperature=2.0),
        "gamma = 0.2": ours(configuration, neuron_rate=0.2),
        "gamma = 1": ours(configuration, neuron_rate=1.0),
    }
    rows |= {
        f"baseline: {name}": ours(configuration, baseline=name)
        for name in configuration["readings"]["baselines"]
    }
    return {name: Reading(agent) for name, agent in rows.items()}


def _controls(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    ours = agents.neuroglia
    made = {
        "tau = 0": ours(configuration, time_scale_ratio=0.0),
        "no astrocytes": ours(configuration, has_astrocytes=False),
        "no plastic synapses": ours(configuration, has_plastic_synapses=False),
        "leaky filter with read-out": agents.leaky_filter(configuration),
        "leaky filter as slow as the astrocytes": agents.leaky_filter(
            configuration, rate=0.1 * configuration["time_scale_ratio"]
        ),
        "two time scales, no plasticity": agents.two_time_scales(configuration),
    }
    return {name: Reading(agent, equal=False) for name, agent in made.items()}


def _input(configuration: Mapping[str, Any]) -> dict[str, Reading]:
    rows = {}
    for name in agents.RECURRENT:
        label = agents.LABELS[name]
        for gain in configuration["readings"]["input_gains"]:
            rows[f"{label}, input gain {gain:g}"] = agents.recurrent(
                configuration, name, input_gain=gain
            )
        rows[f"{label}, input weights and read-out learn"] = agents.recurrent(
            configuration, name, trained=RECURRENT_INPUT
        )
    return {name: Reading(agent, equal=False) for name, agent in rows.items()}


_ROWS = {
    "training": _training,
    "learned": _learned,
    "scales": _scales,
    "coding": _coding,
    "step": _step,
    "controls": _controls,
    "input": _input,
}
GROUPS = tuple(_ROWS)
OURS = ("training", "learned", "scales", "coding", "step")
"""Groups of readings of the network itself."""


def run_group(configuration: Mapping[str, Any], key: RandomKey, *, group: str) -> xr.Dataset:
    """All rows of one part of the table."""
    parts, seeds = {}, configuration["seeds"]
    for name, row in readings(configuration, group).items():
        chosen = task(configuration, row.task, row.context)
        tried = {SEPARATE if row.equal else NEITHER: row.agent}
        if row.equal:
            tried |= settings(row.agent, ratio_of, {EQUAL: 1.0})
        parts[name] = together(
            {
                scales: summarised(agent, chosen, seeds, key).drop_vars("single")
                for scales, agent in tried.items()
            },
            "scales",
        )
        parts[name]["cycle"] = chosen.cycle
    return together(parts, "reading")


def run_amplitudes(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Every amplitude of the signal, for the network and its controls."""
    seen = {
        "neuro-glia": agents.neuroglia(configuration),
        "neuro-glia, tau = 1": agents.neuroglia(configuration, time_scale_ratio=1.0),
        "leaky filter": agents.leaky_filter(configuration),
        "vRNN": agents.recurrent(configuration, "vanilla"),
    }
    chosen, seeds = (
        task(configuration, "flip-flop", ContextSignal(scalar_code(2))),
        configuration["seeds"],
    )
    bandits = settings(
        chosen.bandit,
        lambda bandit: bandit.context.amplitude,
        {f"{size:g}": size for size in configuration["readings"]["amplitudes"]},
    )
    return together(
        {
            name: together(
                {
                    size: summarised(agent, chosen._replace(bandit=bandit), seeds, key)
                    for size, bandit in bandits.items()
                },
                "amplitude",
            ).drop_vars("single")
            for name, agent in seen.items()
        }
    )


def run_windows(configuration: Mapping[str, Any], key: RandomKey, *, window: int) -> xr.Dataset:
    """One window of back-propagation under all ratios, in a smaller network."""
    agent = agents.neuroglia(configuration, window=window, small=True)
    found = by_ratio(configuration, key, agent, ratios="window_ratios", along="ratio")
    return found.drop_vars("single")


def support(configuration: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """Which parameter groups learn, by the window of back-propagation."""
    return {
        window: agents.neuroglia(configuration, window=window, small=True).learning_groups(
            arms=3, channels=1
        )
        for window in configuration["readings"]["windows"]
    }


class Row(NamedTuple):
    """Regret of one row of the table: its pace in the last cycle, and all of it, seed by seed."""

    pace: Float[np.ndarray, " seeds"]
    final: Float[np.ndarray, " seeds"]


def table(results: Mapping[str, xr.Dataset], groups: Sequence[str]) -> dict[str, dict[str, Row]]:
    """The rows of some groups by name, and in them by time scales."""
    found: dict[str, dict[str, Row]] = {}
    for group in groups:
        data = results[f"readings-{group}"]
        for name in map(str, data.reading.values):
            rows = data.sel(reading=name)
            found[name] = {
                scales: Row(
                    pace(rows.sel(scales=scales), int(rows.cycle)),
                    rows.final.sel(scales=scales).values,
                )
                for scales in map(str, rows.scales.values)
                if not np.isnan(rows.final.sel(scales=scales)).all()
            }
    return found


__all__ = [
    "EQUAL",
    "GROUPS",
    "NEITHER",
    "OURS",
    "SEPARATE",
    "Reading",
    "Row",
    "readings",
    "run_amplitudes",
    "run_group",
    "run_windows",
    "support",
    "table",
]
