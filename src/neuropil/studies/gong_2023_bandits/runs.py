"""Agents at work in tasks, and one agent under several values of one number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.run import play
from neuropil.studies.gong_2023_bandits.summaries import summary, together
from neuropil.studies.gong_2023_bandits.tasks import Task
from neuropil.types import RandomKey

CHUNK = 1000
Where = Callable[[Any], Any]


def regrets(
    agent: AbstractAgent, task: Task, seeds: int, key: RandomKey
) -> Float[np.ndarray, "seeds trials"]:
    """Regret of every run, trial by trial."""
    found = play(agent, task.bandit, trials=task.trials, seeds=seeds, key=key, chunk=CHUNK)
    return found.regret


def compared(
    agents: Mapping[str, AbstractAgent], task: Task, seeds: int, key: RandomKey
) -> xr.Dataset:
    """Summaries of several agents on one task; all of them meet the same draws."""
    return together({name: summarised(agent, task, seeds, key) for name, agent in agents.items()})


def summarised(agent: AbstractAgent, task: Task, seeds: int, key: RandomKey) -> xr.Dataset:
    """Summary of one agent on one task."""
    return of_task(regrets(agent, task, seeds, key), task)


def of_task(regret: Float[np.ndarray, "seeds trials"], task: Task) -> xr.Dataset:
    """Summary of regret on a task."""
    return summary(regret, task.duration, switches=task.switches, at_random=task.at_random)


def settings(tree: Any, where: Where, values: Mapping[str, Any]) -> dict[str, Any]:
    """The agent or task with each of several values at a place, by name.

    They differ in the numbers of an array alone, so that all are compiled as one. Where `where`
    gives a tuple of places, each of `values` is a tuple, too.
    """
    return {name: _with(tree, where, value) for name, value in values.items()}


def _with(tree: Any, where: Where, value: Any) -> Any:
    held = where(tree)
    several = isinstance(held, tuple)
    leaves: Sequence[Any] = held if several else (held,)
    given: Sequence[Any] = value if several else (value,)
    filled = [jnp.asarray(each, leaf.dtype) for each, leaf in zip(given, leaves, strict=True)]

    def places(given: Any) -> list[Any]:
        found = where(given)
        return list(found) if several else [found]

    return eqx.tree_at(places, tree, filled)


__all__ = ["compared", "of_task", "regrets", "settings", "summarised"]
