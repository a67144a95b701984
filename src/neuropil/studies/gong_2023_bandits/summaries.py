"""What is kept of a run: curves thinned, visits to contexts, and one run in full."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Num

from neuropil.learning.bandits.regret import converging_trial, regret_by_visit

FAMILIES = ("neuroglia", "vanilla", "gru", "lstm", "algorithms")
"""Shards of one task, by the agents in them."""

DOCUMENTED_RATIO = "0.01"

POINTS = 240
"""Points of a cumulative curve that are kept."""

BINS = 25
"""Parts of a visit in which regret is averaged."""


def summary(
    regret: Num[np.ndarray, "seeds trials"], duration: int, *, switches: bool, at_random: float
) -> xr.Dataset:
    """Regret of one agent: cumulative curves, means by visit, the first run trial by trial.

    `duration` is the number of trials of a visit to a context, `switches` whether contexts change,
    `at_random` what an agent loses a trial that chooses at random.
    """
    seeds, trials = regret.shape
    at = np.unique(np.linspace(0, trials - 1, min(POINTS, trials)).astype(int))
    total = np.cumsum(np.asarray(regret, float), axis=1)
    window = min(500, trials // 4)
    return xr.Dataset(
        {
            "total": (("seed", "point"), total[:, at].astype(np.float32)),
            "final": ("seed", total[:, -1]),
            "by_visit": (("seed", "visit"), regret_by_visit(regret, duration)),
            "converged": ("seed", converging_trial(regret, window=window)),
            "after_switch": (("seed", "visit", "bin"), _binned(regret, duration)),
            "at_random": ((), at_random),
            "single": ("trial", np.asarray(regret[0], np.float32)),
        },
        {
            "visit": np.arange(1, trials // duration + 1),
            "trial_of_point": ("point", at),
            "trial_of_bin": ("bin", (np.arange(BINS) + 0.5) * (duration // BINS)),
        },
        {"duration": duration, "trials": trials, "seeds": seeds, "switches": int(switches)},
    )


def _binned(
    regret: Num[np.ndarray, "seeds trials"], duration: int
) -> Float[np.ndarray, "seeds visits bins"]:
    """Mean regret per trial in equal parts of each visit."""
    width = duration // BINS
    visits = regret.shape[1] // duration
    by_visit = regret[:, : visits * duration].reshape(len(regret), visits, duration)
    parts = by_visit[:, :, : BINS * width].reshape(len(regret), visits, BINS, width)
    return parts.mean(axis=-1, dtype=float).astype(np.float32)


def together(parts: Mapping[str, xr.Dataset], name: str = "agent") -> xr.Dataset:
    """Summaries of several agents or settings as one, along a new axis of that name."""
    return joined(list(parts.values()), xr.Variable(name, list(parts)))


def of_task(results: Mapping[str, xr.Dataset], task: str) -> xr.Dataset:
    """All agents on one task, from the shards whose names begin with it.

    Where the documented network was run for several time-scale ratios, it is one of these runs.
    """
    parts = [results[f"{task}-{family}"] for family in FAMILIES if f"{task}-{family}" in results]
    if f"{task}-time-scales" in results:
        ours = results[f"{task}-time-scales"].sel(agent=[DOCUMENTED_RATIO])
        parts.insert(0, ours.assign_coords(agent=["neuro-glia"]))
    return joined(parts, "agent")


def joined(parts: list[xr.Dataset], along: str | xr.Variable) -> xr.Dataset:
    """Parts along an axis; visits that a part does not have become not a number."""
    return xr.concat(
        parts,
        along,
        data_vars="all",
        coords="different",
        compat="equals",
        join="outer",
        combine_attrs="drop_conflicts",
    )


def pace(data: xr.Dataset, cycle: int = 2) -> Float[np.ndarray, " seeds"]:
    """Regret per trial in the last cycle of visits, over what choosing at random loses, by seed."""
    visits = data.by_visit.dropna("visit").transpose("seed", "visit").values
    return visits[:, -cycle:].mean(axis=1) / float(data.at_random)


def paces_by_window(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> dict[int, dict[float, Float[np.ndarray, " seeds"]]]:
    """Pace in the flip-flop by window of back-propagation and by tau."""
    found = {}
    for window in configuration["readings"]["windows"]:
        data = results[f"window-{window}"]
        found[window] = {
            float(ratio): pace(data.sel(ratio=ratio)) for ratio in data["ratio"].values
        }
    return found


def starts_of_visits(data: xr.Dataset) -> list[int]:
    """Trials at which a visit to a context begins, but the first; none in a stationary task."""
    if not data.attrs.get("switches", 0):
        return []
    return list(range(data.attrs["duration"], data.attrs["trials"], data.attrs["duration"]))


__all__ = [
    "FAMILIES",
    "POINTS",
    "joined",
    "of_task",
    "pace",
    "paces_by_window",
    "starts_of_visits",
    "summary",
    "together",
]
