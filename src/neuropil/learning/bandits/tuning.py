"""Hyperparameters of an agent by a stated search, judged again on runs that it has not seen."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.run import BanditRun, play
from neuropil.learning.bandits.tasks import BernoulliBandit
from neuropil.types import RandomKey


class Tuning(NamedTuple):
    """What a search tried, and what it chose.

    Row s of `settings` holds the values of the hyperparameters `names`; `final_regret` is that of
    every run with them. `best` is the setting with the smallest median, `agent` has it, and
    `fresh` are runs of this agent with random numbers of their own: the search has not seen them,
    so that their regret is that of the choice without the luck of being chosen.
    """

    names: tuple[str, ...]
    settings: Float[np.ndarray, "settings parameters"]
    final_regret: Float[np.ndarray, "settings seeds"]
    best: dict[str, float]
    agent: AbstractAgent
    fresh: BanditRun

    @property
    def is_at_edge(self) -> dict[str, bool]:
        """Whether each value chosen is the first or last of several: the grid may be too small."""
        ends = {
            name: (column.min(), column.max())
            for name, column in zip(self.names, self.settings.T, strict=True)
        }
        return {
            name: ends[name][0] < ends[name][1] and self.best[name] in ends[name]
            for name in self.names
        }


def tuned(
    make: Callable[..., AbstractAgent],
    grid: Mapping[str, Sequence[float]],
    task: BernoulliBandit,
    *,
    trials: int,
    seeds: int,
    fresh_seeds: int,
    key: RandomKey,
) -> Tuning:
    """Every combination of a grid, side by side; the smallest median final regret wins.

    `make` takes the names of `grid` and returns an agent; it is called inside compiled code. All
    combinations meet the same `seeds` runs of the task. Raises `ValueError` for a grid without
    names or values, and for numbers below one.
    """
    if not grid or not all(len(values) for values in grid.values()):
        raise ValueError(f"grid must give at least one value for each of its names, got {grid}")
    combinations = list(itertools.product(*grid.values()))
    columns = {
        name: jnp.asarray([each[place] for each in combinations]) for place, name in enumerate(grid)
    }
    agents = eqx.filter_vmap(lambda chosen: make(**chosen))(columns)
    found = play(
        agents,
        task,
        trials=trials,
        seeds=seeds,
        key=jax.random.fold_in(key, 0),
        agent_axes=eqx.if_array(0),
    )
    final = found.regret.sum(axis=-1, dtype=float)
    winner = int(np.argmin(np.median(final, axis=1)))
    agent = make(**{name: column[winner] for name, column in columns.items()})
    return Tuning(
        tuple(grid),
        np.array(combinations, float),
        final,
        dict(zip(grid, map(float, combinations[winner]), strict=True)),
        agent,
        play(agent, task, trials=trials, seeds=fresh_seeds, key=jax.random.fold_in(key, 1)),
    )


__all__ = ["Tuning", "tuned"]
