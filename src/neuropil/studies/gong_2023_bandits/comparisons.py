"""Shards behind figures 4, 10, 11, 12 and 14: agents of one family on one task."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.algorithms import (
    DiscountedUpperConfidenceBound,
    SlidingWindowUpperConfidenceBound,
)
from neuropil.learning.bandits.tuning import Tuning, tuned
from neuropil.studies.gong_2023_bandits import agents
from neuropil.studies.gong_2023_bandits.runs import compared, of_task, regrets
from neuropil.studies.gong_2023_bandits.summaries import joined, together
from neuropil.studies.gong_2023_bandits.tasks import Task, gap_task, task
from neuropil.types import RandomKey

CHANGING = ("flip-flop", "smooth", "eight-flip-flop")
STATIONARY = ("stationary", "eight-stationary")
NETWORKS = ("neuroglia", *agents.RECURRENT)


def network(configuration: Mapping[str, Any], family: str) -> AbstractAgent:
    """The network of a family as it is documented."""
    if family == "neuroglia":
        return agents.neuroglia(configuration)
    return agents.recurrent(configuration, family)


def run_network(
    configuration: Mapping[str, Any], key: RandomKey, *, name: str, family: str
) -> xr.Dataset:
    """One kind of network on one task."""
    agent = {agents.LABELS[family]: network(configuration, family)}
    return compared(agent, task(configuration, name), configuration["seeds"], key)


def run_algorithms(configuration: Mapping[str, Any], key: RandomKey, *, name: str) -> xr.Dataset:
    """Algorithms on one task, tuned where it changes, and those that are told the context."""
    seeds, chosen = configuration["seeds"], task(configuration, name)
    if name in STATIONARY:
        return compared(agents.algorithms(changing=False), chosen, seeds, key)
    found = searches(configuration, chosen, seeds, key)
    parts = {label: of_task(search.fresh.regret, chosen) for label, search in found.items()}
    told = compared(agents.told_the_context(chosen.bandit.contexts), chosen, seeds, key)
    everything = joined([together(parts), told], "agent")
    for label, search in found.items():
        for parameter, value in search.best.items():
            everything.attrs[f"{label}: {parameter}"] = value
        everything.attrs[f"{label}: at edge"] = int(any(search.is_at_edge.values()))
    return everything


def searches(
    configuration: Mapping[str, Any], chosen: Task, seeds: int, key: RandomKey
) -> dict[str, Tuning]:
    """Discounted and sliding-window UCB over the grid of the configuration."""
    numbers = configuration["tuning"]
    widest = max(numbers["window_length"])
    search = partial(
        tuned,
        task=chosen.bandit,
        trials=chosen.trials,
        seeds=numbers["seeds"],
        fresh_seeds=seeds,
        key=key,
    )
    return {
        "D-UCB": search(
            DiscountedUpperConfidenceBound,
            {name: numbers[name] for name in ("discount", "exploration")},
        ),
        "SW-UCB": search(
            partial(SlidingWindowUpperConfidenceBound, capacity=widest),
            {name: numbers[name] for name in ("window_length", "exploration")},
        ),
    }


def run_gaps(configuration: Mapping[str, Any], key: RandomKey, *, family: str) -> xr.Dataset:
    """Final regret for every distance between the arms."""
    lambdas, seeds = configuration["gaps"]["lambdas"], configuration["seeds"]
    tasks = [gap_task(configuration, gap) for gap in lambdas]
    family_agents = (
        {"Thompson": agents.algorithms(changing=False)["Thompson"]}
        if family == "algorithms"
        else {agents.LABELS[family]: network(configuration, family)}
    )
    finals = [
        [regrets(agent, each, seeds, key).sum(axis=-1, dtype=float) for each in tasks]
        for agent in family_agents.values()
    ]
    return xr.Dataset(
        {"final": (("agent", "lambda", "seed"), np.array(finals))},
        {"agent": list(family_agents), "lambda": lambdas},
        {"trials": tasks[0].trials},
    )


__all__ = ["CHANGING", "NETWORKS", "STATIONARY", "run_algorithms", "run_gaps", "run_network"]
