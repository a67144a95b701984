"""Beyond the document: contexts that come back, many contexts, and signals that fail."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.algorithms import ContextualAgent, ThompsonSampling
from neuropil.learning.bandits.context_signals import ContextSignal, one_hot_code, scalar_code
from neuropil.studies.gong_2023_bandits import agents
from neuropil.studies.gong_2023_bandits.runs import compared, settings, summarised
from neuropil.studies.gong_2023_bandits.summaries import together
from neuropil.studies.gong_2023_bandits.tasks import sequence, task
from neuropil.types import RandomKey

HIGH, LOW = 0.9, 0.1
SIGNALS = ("withheld", "noise", "delay")


def learners(configuration: Mapping[str, Any]) -> dict[str, AbstractAgent]:
    """Agents that learn what a signal means."""
    return {
        "neuro-glia": agents.neuroglia(configuration),
        "neuro-glia, tau = 1": agents.neuroglia(configuration, time_scale_ratio=1.0),
        "leaky filter": agents.leaky_filter(configuration),
        "vRNN": agents.recurrent(configuration, "vanilla"),
    }


def table(contexts: int, arms: int, key: RandomKey) -> np.ndarray:
    """Means in which one arm is good in each context, the same one never twice in a row."""
    shift = np.asarray(jax.random.randint(key, (contexts,), 1, arms))
    good = np.cumsum(shift) % arms
    means = np.full((contexts, arms), LOW)
    means[np.arange(contexts), good] = HIGH
    return means


def run_numbers(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Two to ten contexts in turn, each several times, one-hot signal.

    Rows, channels and visits are those of the largest number, of which smaller ones use the first.
    """
    numbers, seeds = configuration["contexts"], configuration["seeds"]
    most, visits, duration = max(numbers["numbers"]), numbers["visits"], numbers["duration"]
    tried = {name: learners(configuration)[name] for name in ("neuro-glia", "leaky filter")}
    tried["Thompson per context"] = ContextualAgent(ThompsonSampling(), most)
    parts = {}
    for contexts in numbers["numbers"]:
        own = jax.random.fold_in(key, contexts)
        means = table(most, numbers["arms"], jax.random.fold_in(own, 0))
        order = [visit % contexts for visit in range(most * visits)]
        signal = ContextSignal(one_hot_code(most))
        longest = sequence(means, order, duration, signal)
        chosen = longest._replace(trials=contexts * visits * duration)
        found = compared(tried, chosen, seeds, own)
        first, last = (
            found.by_visit.isel(visit=place).mean("visit")
            for place in (slice(None, contexts), slice(-contexts, None))
        )
        parts[str(contexts)] = xr.Dataset(
            {"first": first, "last": last, "final": found.final, "at_random": found.at_random}
        )
    return together(parts, "contexts")


def run_return(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Back to the first context after a long stay in the second: what has been forgotten?"""
    numbers = configuration["flip-flop"]
    high = np.array(numbers["means"])
    low = high.copy()
    low[numbers["arm"]] = numbers["low"]
    order = [0, 0, 1, 1, 1, 1, 0, 1]
    chosen = sequence(np.stack([high, low]), order, numbers["duration"])
    found = compared(learners(configuration), chosen, configuration["seeds"], key)
    return found.assign_coords(context=("visit", order))


def run_signals(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The flip-flop with a signal that is withheld, noisy or late."""
    numbers, seeds = configuration["contexts"], configuration["seeds"]
    signal = ContextSignal(scalar_code(2), stretch=jnp.asarray(numbers["stretch"]))
    chosen = task(configuration, "flip-flop", signal)
    kinds, values, places = zip(*_signals(numbers), strict=True)
    names = [f"{kind} {value:g}" for kind, value in zip(kinds, values, strict=True)]
    bandits = settings(chosen.bandit, _places, dict(zip(names, places, strict=True)))
    tasks = {name: chosen._replace(bandit=bandit) for name, bandit in bandits.items()}
    parts = {
        label: together(
            {name: summarised(agent, given, seeds, key) for name, given in tasks.items()}, "signal"
        ).drop_vars("single")
        for label, agent in learners(configuration).items()
        if label != "vRNN"
    }
    found = together(parts)
    return found.assign_coords(kind=("signal", list(kinds)), value=("signal", list(values)))


def _places(bandit: Any) -> tuple[Any, Any, Any]:
    context = bandit.context
    return context.withheld, context.noise, context.delay


def _signals(numbers: Mapping[str, Any]) -> list[tuple[str, float, tuple[float, float, int]]]:
    """Kind, value, and what is withheld, the noise and the delay."""
    return [
        *(("withheld", value, (value, 0.0, 0)) for value in numbers["withheld"]),
        *(("noise", value, (0.0, value, 0)) for value in numbers["noises"]),
        *(("delay", value, (0.0, 0.0, value)) for value in numbers["delays"]),
    ]


__all__ = ["SIGNALS", "learners", "run_numbers", "run_return", "run_signals", "table"]
