"""Shards behind figures 4C, 4D, 5A and 13: astrocytes slower and slower."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.learning.cells.initial_values import Normal
from neuropil.studies.gong_2023_bandits import agents
from neuropil.studies.gong_2023_bandits.runs import compared, settings, summarised
from neuropil.studies.gong_2023_bandits.summaries import together
from neuropil.studies.gong_2023_bandits.tasks import task
from neuropil.types import RandomKey

NO_ASTROCYTES = "no astrocytes"
AWAKE = "slowest, awake from the start"


def ratio_of(agent: Any) -> Any:
    """Where an agent keeps tau."""
    return agent.cell.keywords["time_scale_ratio"]


def by_ratio(
    configuration: Mapping[str, Any],
    key: RandomKey,
    agent: Any,
    *,
    name: str = "flip-flop",
    ratios: str = "time_scale_ratios",
    along: str = "agent",
) -> xr.Dataset:
    """An agent on a task under all `ratios` of the configuration."""
    chosen, seeds = task(configuration, name), configuration["seeds"]
    several = settings(agent, ratio_of, {f"{ratio:g}": ratio for ratio in configuration[ratios]})
    return together(
        {label: summarised(each, chosen, seeds, key) for label, each in several.items()}, along
    )


def run_ratios(configuration: Mapping[str, Any], key: RandomKey, *, name: str) -> xr.Dataset:
    """The documented network under all ratios."""
    return by_ratio(configuration, key, agents.neuroglia(configuration), name=name)


def run_dense(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Full matrices, as the authors' programs have them, with equal and separate time scales."""
    agent = agents.neuroglia(configuration, dense=True)
    return by_ratio(configuration, key, agent, ratios="dense_ratios")


def run_strong(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Astrocytes that act strongly: D with N the number of astrocytes, not of synapses.

    All ratios, astrocytes that never move, none at all, and the slowest ones when they begin where
    fast ones would have brought them: spread like a standard normal variable instead of at zero.
    """
    chosen, seeds = task(configuration, "flip-flop"), configuration["seeds"]
    glial_gain = agents.gains(configuration, "columns")["glial_gain"]
    slowest = min(configuration["time_scale_ratios"])

    def network(ratio: float, start: float = 0.0, **options: Any) -> Any:
        return agents.neuroglia(
            configuration,
            glial_gain=glial_gain,
            time_scale_ratio=ratio,
            initial_astrocytes=Normal(start),
            **options,
        )

    tried = {f"{ratio:g}": network(ratio) for ratio in configuration["time_scale_ratios"]}
    tried |= {
        "0": network(0.0),
        NO_ASTROCYTES: network(slowest, has_astrocytes=False),
        AWAKE: network(slowest, 1.0),
    }
    return compared(tried, chosen, seeds, key)


__all__ = [
    "AWAKE",
    "NO_ASTROCYTES",
    "by_ratio",
    "ratio_of",
    "run_dense",
    "run_ratios",
    "run_strong",
]
