"""The agents of the study, from plain numbers: networks under every reading, and algorithms."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.algorithms import (
    ContextualAgent,
    DiscountedUpperConfidenceBound,
    SlidingWindowUpperConfidenceBound,
    ThompsonSampling,
    UpperConfidenceBound,
)
from neuropil.learning.bandits.baselines import (
    AbstractBaseline,
    ExponentialMean,
    NoBaseline,
    RunningMean,
)
from neuropil.learning.bandits.online_gradients import TruncatedBackpropagation
from neuropil.learning.bandits.policy_gradient import OnlinePolicyGradient
from neuropil.learning.bandits.readings import document, random_gains
from neuropil.learning.cells.cell import CellMaker
from neuropil.learning.cells.domain_matrices import domain_wiring, layout_of
from neuropil.learning.cells.hyperedge_layouts import AbstractHyperedgeLayout, FullMatrices
from neuropil.learning.cells.initial_values import Uniform
from neuropil.learning.cells.leaky_cells import leaky_cell, leaky_filter_cell
from neuropil.learning.cells.recurrent_cells import gru_cell, lstm_cell, vanilla_cell

RECURRENT = {"vanilla": vanilla_cell, "gru": gru_cell, "lstm": lstm_cell}
LABELS = {"neuroglia": "neuro-glia", "vanilla": "vRNN", "gru": "GRU", "lstm": "LSTM"}

PRECISION = jnp.float32
"""As the authors' programs compute."""

READ_OUT = ("readout_weights", "readout_bias")
DETACHED = ("neuron_input_weights", *READ_OUT)
"""The groups that a gradient reaches when the state is detached at every trial."""

SYNAPTIC_GAINS = ("hebbian_gain", "glial_gain")
ASTROCYTE_GAINS = ("gap_strength", "coincidence_gain", "astrocyte_input_weights")

_BASELINES: Mapping[str, AbstractBaseline] = {
    "up to t": RunningMean(includes_present=True),
    "before t": RunningMean(),
    "exponential": ExponentialMean(0.01),
    "none": NoBaseline(),
}


def layout(
    configuration: Mapping[str, Any], *, dense: bool = False, small: bool = False
) -> AbstractHyperedgeLayout:
    """Who is wired to whom: everything, or each astrocyte around the synapses of a few neurons."""
    numbers = configuration["networks"]
    sizes = numbers["small"] if small else numbers
    n, m = sizes["neurons"], sizes["astrocytes"]
    return FullMatrices(n, m) if dense else layout_of(domain_wiring(n, m))


def neuroglia(
    configuration: Mapping[str, Any],
    *,
    reading: Callable[..., OnlinePolicyGradient] = document,
    dense: bool = False,
    small: bool = False,
    window: int | None = None,
    temperature: float | None = None,
    baseline: str | None = None,
    readout_rate: float = 1e-3,
    gain_rate: float | None = None,
    trained: tuple[str, ...] | None = None,
    **options: Any,
) -> OnlinePolicyGradient:
    """A network of neurons and glia that learns online, by a reading and changes to it.

    `options` are those of `neuropil.learning.cells.neuroglia_cell`. Numbers are kept as arrays, so
    that networks that differ in them alone are compiled once.
    """
    if reading is document:
        options.setdefault("time_scale_ratio", configuration["time_scale_ratio"])
        window = configuration["networks"]["window"] if window is None else window
    chosen = {} if window is None else {"window": window}
    wired = layout(configuration, dense=dense, small=small)
    agent = reading(wired, **chosen, dtype=PRECISION, **options)
    rates = dict.fromkeys(READ_OUT, readout_rate)
    if gain_rate is not None:
        rates |= dict.fromkeys((*SYNAPTIC_GAINS, *ASTROCYTE_GAINS), gain_rate)
    changes: dict[str, Any] = {
        "trained": trained,
        "learning_rates": rates,
        "temperature": agent.temperature if temperature is None else temperature,
    }
    if baseline is not None:
        changes["baseline"] = _BASELINES[baseline]
    return _numbers_as_arrays(replace(agent, **changes))


def gains(configuration: Mapping[str, Any], sides: str) -> dict[str, Any]:
    """Initial values where N in 1/sqrt(N) is the `rows` or the `columns` of a matrix.

    Rows are how the authors' programs have it for C, D, F and H, columns are the inputs of a
    layer, as programs for networks count them: one for the weights of a scalar signal.
    """
    numbers = configuration["networks"]
    n, m = numbers["neurons"], numbers["astrocytes"]
    by_rows = sides == "rows"
    found: dict[str, Any] = dict(
        random_gains(
            layout(configuration),
            hebbian=1 / n,
            glial=1 / n if by_rows else m**-0.5,
            gap=m**-0.5,
            coincidence=m**-0.5 if by_rows else 1 / n,
        )
    )
    if not by_rows:
        found |= {"neuron_input_weights": Uniform(1.0), "astrocyte_input_weights": Uniform(1.0)}
    return found


def recurrent(
    configuration: Mapping[str, Any],
    name: str,
    *,
    input_gain: float = 1.0,
    trained: tuple[str, ...] | None = None,
) -> OnlinePolicyGradient:
    """`vanilla`, `gru` or `lstm`, trained in the same way."""
    numbers = configuration["networks"]
    maker = eqx.Partial(
        RECURRENT[name],
        units=numbers["units"],
        layers=numbers["layers"],
        input_gain=input_gain,
        dtype=PRECISION,
    )
    return _trained(configuration, maker, trained=trained)


def leaky_filter(
    configuration: Mapping[str, Any], *, rate: float = 0.1, deviation: float | None = None
) -> OnlinePolicyGradient:
    """Units that filter the signal, and a read-out: neither recurrence nor astrocytes.

    Input weights deviate by as much as those of the documented network unless told otherwise.
    """
    units = configuration["networks"]["neurons"]
    spread = (3 * units) ** -0.5 if deviation is None else deviation
    maker = eqx.Partial(
        leaky_filter_cell, units=units, rate=rate, input_deviation=spread, dtype=PRECISION
    )
    return _trained(configuration, maker)


def two_time_scales(configuration: Mapping[str, Any]) -> OnlinePolicyGradient:
    """Fast and slow units with random recurrence in place of synapses and astrocytes."""
    numbers = configuration["networks"]
    units = numbers["neurons"]
    maker = eqx.Partial(
        leaky_cell,
        units=units,
        slow_units=numbers["astrocytes"],
        time_scale_ratio=configuration["time_scale_ratio"],
        input_deviation=(3 * units) ** -0.5,
        dtype=PRECISION,
    )
    return _trained(configuration, maker)


def _trained(
    configuration: Mapping[str, Any],
    maker: CellMaker,
    *,
    trained: tuple[str, ...] | None = None,
) -> OnlinePolicyGradient:
    """The agent of the document with another cell in it."""
    gradient = TruncatedBackpropagation(configuration["networks"]["window"])
    return _numbers_as_arrays(
        OnlinePolicyGradient(
            maker, baseline=_BASELINES["up to t"], gradient=gradient, trained=trained
        )
    )


def _numbers_as_arrays(agent: OnlinePolicyGradient) -> OnlinePolicyGradient:
    """The agent with every number as an array, which is no part of its compiled program."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, agent)


def algorithms(*, changing: bool) -> dict[str, AbstractAgent]:
    """Algorithms that the document compares with, before tuning."""
    if changing:
        return {
            "D-UCB": DiscountedUpperConfidenceBound(),
            "SW-UCB": SlidingWindowUpperConfidenceBound(),
        }
    return {"UCB": UpperConfidenceBound(), "Thompson": ThompsonSampling()}


def told_the_context(contexts: int) -> dict[str, AbstractAgent]:
    """The same kind of algorithm with a copy for each context: what knowing it is worth."""
    return {
        "UCB per context": ContextualAgent(UpperConfidenceBound(), contexts),
        "Thompson per context": ContextualAgent(ThompsonSampling(), contexts),
    }


__all__ = [
    "ASTROCYTE_GAINS",
    "DETACHED",
    "LABELS",
    "READ_OUT",
    "RECURRENT",
    "SYNAPTIC_GAINS",
    "algorithms",
    "gains",
    "layout",
    "leaky_filter",
    "neuroglia",
    "recurrent",
    "told_the_context",
    "two_time_scales",
]
