"""Colours and small habits shared by all plots."""

from typing import Any

import numpy as np
from jaxtyping import Num
from matplotlib import pyplot
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend

# Okabe and Ito's palette, which readers with colour-blindness can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6E6E6E"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, GREY)
COLUMN = (3.5, 2.7)
"""Size of a new figure in inches: the column of a journal page."""
MOST_NAMES_INSIDE = 3


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = COLUMN) -> Axes:
    """The given axes, or those of a new figure of `size` inches."""
    return pyplot.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def plain(ax: Axes) -> Axes:
    """Remove the frame on the sides that carry no scale."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def legend(ax: Axes, **settings: Any) -> Legend:
    """A legend of what is labelled, without a frame and with each label once."""
    handles, labels = ax.get_legend_handles_labels()
    first: dict[str, Artist] = {}
    for handle, label in zip(handles, labels, strict=True):
        first.setdefault(label, handle)
    # The best place is looked for at a cost that grows with the data, hence a fixed one.
    defaults = {"frameon": False, "fontsize": "small", "handlelength": 1.4, "loc": "upper left"}
    return ax.legend(list(first.values()), list(first), **{**defaults, **settings})


def legend_above(ax: Axes, *, rows: int) -> Legend:
    """A legend in rows over the axes, for plots that leave no room inside them."""
    n_labels = len(set(ax.get_legend_handles_labels()[1]))
    return legend(
        ax,
        ncols=-(-n_labels // rows),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        borderaxespad=0.3,
        columnspacing=1.0,
        handletextpad=0.5,
    )


def legend_with_room(ax: Axes) -> Legend:
    """A legend at the emptiest place inside the axes while it is short, over them otherwise."""
    if len(set(ax.get_legend_handles_labels()[1])) <= MOST_NAMES_INSIDE:
        return legend(ax, loc="best")
    return legend_above(ax, rows=2)


def label_axes(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Label the axes, leaving as it is what has no new label."""
    if xlabel:
        ax.set_xlabel(xlabel)
    if ylabel:
        ax.set_ylabel(ylabel)


def require_finite(name: str, values: Num[np.ndarray, "..."]) -> None:
    """Raise `ValueError` unless there is a value and all values are finite."""
    if values.size == 0 or not np.all(np.isfinite(values)):
        raise ValueError(f"{name} must hold at least one value, all finite")
