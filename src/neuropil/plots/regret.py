"""Regret of agents: along a run, and at its end setting by setting."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes

from neuropil.plots.style import (
    CYCLE,
    GREY,
    axes_or_new,
    legend_with_room,
    plain,
    require_finite,
)

Runs = Num[np.ndarray, "seeds _trials"]
Finals = Num[np.ndarray, " _seeds"]
Interval = tuple[Num[np.ndarray, " _points"], Num[np.ndarray, " _points"]]
ROOM_FOR_NAMES = 28
"""Characters that fit under a journal column side by side."""


def cumulative_regret(
    trials: Num[np.ndarray, " _points"],
    runs: Mapping[str, Runs],
    *,
    intervals: Mapping[str, Interval] | None = None,
    each_run: bool = False,
    switches: Sequence[float] = (),
    ax: Axes | None = None,
) -> Axes:
    """Median cumulative regret over seeds against trials, one line an agent.

    Every entry of `runs` (by label) holds the cumulative regret of each seed at `trials`. A band
    lies between the two ends in `intervals`, or between the quartiles of the seeds where an
    agent has none; with `each_run` every seed is a thin line instead. `switches` are trials at
    which the context changes.

    Raises `ValueError`, naming the argument, when there is no agent, lengths differ, a number is
    not finite, or an interval belongs to no agent.
    """
    intervals = intervals or {}
    if not runs:
        raise ValueError("runs must hold one agent or more, got none")
    for label in intervals:
        if label not in runs:
            raise ValueError(f"intervals has {label!r}, which is not among {list(runs)}")
    for label, values in runs.items():
        if values.shape[1] != len(trials):
            raise ValueError(
                f"runs[{label!r}] has {values.shape[1]} points, trials has {len(trials)}"
            )
        require_finite(f"runs[{label!r}]", values)
    ax = axes_or_new(ax)
    for trial in switches:
        ax.axvline(trial, color=GREY, linewidth=0.5, alpha=0.4, zorder=0)
    for number, (label, values) in enumerate(runs.items()):
        colour = CYCLE[number % len(CYCLE)]
        style = "-" if number < len(CYCLE) else "--"
        ax.plot(trials, np.median(values, axis=0), style, color=colour, linewidth=1.5, label=label)
        if each_run:
            ax.plot(trials, values.T, style, color=colour, linewidth=0.5, alpha=0.5)
            continue
        low, high = intervals.get(label, np.quantile(values, (0.25, 0.75), axis=0))
        ax.fill_between(trials, low, high, color=colour, alpha=0.18, linewidth=0)
    ax.set(xlabel="trial", ylabel="cumulative regret")
    ax.set_ylim(bottom=0)
    legend_with_room(ax)
    return plain(ax)


def regret_raster(
    regret: Mapping[str, Num[np.ndarray, " _trials"]], *, ax: Axes | None = None
) -> Axes:
    """Single runs, one row an agent: a tick for each trial that lost anything.

    Raises `ValueError` when there is no agent or a number is not finite.
    """
    if not regret:
        raise ValueError("regret must hold one agent or more, got none")
    for label, values in regret.items():
        require_finite(f"regret[{label!r}]", values)
    ax = axes_or_new(ax)
    names = list(regret)
    for row, label in enumerate(names):
        lost = np.flatnonzero(regret[label] > 0)
        ax.plot(
            lost, np.full(lost.size, row), "|", color=CYCLE[row % len(CYCLE)], markersize=9,
            markeredgewidth=0.4, alpha=0.6,
        )  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.set(
        xlabel="trial with a loss",
        xlim=(0, max(len(values) for values in regret.values())),
        ylim=(len(names) - 0.5, -0.5),
    )
    return plain(ax)


def final_regrets(
    finals: Mapping[str, Finals],
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    label: str = "final regret",
    horizontal: bool = False,
    logarithmic: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """One number a seed for each setting: points, their median, and a bar over its interval.

    With `horizontal` settings are rows, which leaves room for long names. Raises `ValueError`,
    naming the argument, when there is no setting, a number is not finite, or an interval belongs
    to no setting.
    """
    intervals = intervals or {}
    if not finals:
        raise ValueError("finals must hold one setting or more, got none")
    for name in intervals:
        if name not in finals:
            raise ValueError(f"intervals has {name!r}, which is not among {list(finals)}")
    for name, values in finals.items():
        require_finite(f"finals[{name!r}]", values)
    size = (4.0, 0.6 + 0.25 * len(finals)) if horizontal else (3.5, 2.7)
    ax = axes_or_new(ax, size=size)
    places = range(len(finals))
    for place, (name, values) in enumerate(finals.items()):
        colour = CYCLE[place % len(CYCLE)] if not horizontal else CYCLE[0]
        # Golden-ratio steps spread the points, the same way every time.
        across = place + 0.5 * ((np.arange(values.size) * 0.6180339887) % 1 - 0.5)
        ordered = np.sort(values)
        points = (ordered, across) if horizontal else (across, ordered)
        ax.plot(*points, "o", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
        middle = float(np.median(values))
        if horizontal:
            ax.plot([middle] * 2, [place - 0.35, place + 0.35], color="black", linewidth=1.6)
        else:
            ax.plot([place - 0.35, place + 0.35], [middle] * 2, color="black", linewidth=1.6)
        if name in intervals:
            ends = list(intervals[name])
            line = (ends, [place] * 2) if horizontal else ([place] * 2, ends)
            ax.plot(*line, color="black", linewidth=0.9)
    names = list(finals)
    scale = "log" if logarithmic else "linear"
    if horizontal:
        ax.set_yticks(places, names, fontsize="small")
        ax.set(xlabel=label, xscale=scale, ylim=(len(names) - 0.5, -0.5))
    else:
        tilted = sum(len(name) + 1 for name in names) > ROOM_FOR_NAMES
        ax.set_xticks(
            places, names, fontsize="small", rotation=35 if tilted else 0,
            ha="right" if tilted else "center", rotation_mode="anchor",
        )  # fmt: skip
        ax.set(ylabel=label, yscale=scale)
    return plain(ax)


__all__ = ["cumulative_regret", "final_regrets", "regret_raster"]
