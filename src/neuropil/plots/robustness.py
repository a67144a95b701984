"""What is left of a performance under disturbance: a point a network, a bar a median."""

from collections.abc import Mapping

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

SPREAD = 0.5


def robustness(
    levels: Num[np.ndarray, " levels"],
    performance: Mapping[str, Num[np.ndarray, "_levels _networks"]],
    *,
    xlabel: str = "level of disturbance",
    ylabel: str = "accuracy",
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Every network as a point over its level, the median of each level as a bar.

    Levels stand side by side at equal distances, whatever their values. Every entry of
    `performance`, by the name of a kind, has a row for each level. `chance` is drawn as a broken
    line. Raises `ValueError`, naming the argument, when there is no entry, an entry has not a row
    for each level, or a number is not finite.
    """
    if not performance:
        raise ValueError("performance must hold one kind or more, got none")
    for name, values in performance.items():
        if len(values) != len(levels):
            raise ValueError(
                f"performance[{name!r}] must have a row for each of {len(levels)} levels, got "
                f"{len(values)}"
            )
        require_finite(f"performance[{name!r}]", values)
    ax = axes_or_new(ax)
    kinds = len(performance)
    at = np.arange(len(levels))
    for number, (name, values) in enumerate(performance.items()):
        colour = CYCLE[number % len(CYCLE)]
        centre = at + 0.8 * ((number + 0.5) / kinds - 0.5)
        width = 0.8 / kinds
        networks = values.shape[1]
        aside = SPREAD * width * ((np.arange(networks) + 0.5) / networks - 0.5)
        ax.plot(
            (centre[:, None] + aside[None]).ravel(), values.ravel(), "o", color=colour,
            markersize=2, alpha=0.5, markeredgewidth=0,
        )  # fmt: skip
        ax.hlines(
            np.median(values, axis=1), centre - 0.4 * width, centre + 0.4 * width,
            color=colour, linewidth=2, label=name,
        )  # fmt: skip
    if chance is not None:
        ax.axhline(chance, color=GREY, linewidth=1, linestyle="--", label="chance")
    ax.set_xticks(at, [f"{level:g}" for level in levels])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    legend_with_room(ax)
    return plain(ax)


__all__ = ["robustness"]
