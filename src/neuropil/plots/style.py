"""Colours and small habits shared by all plots."""

from matplotlib import pyplot
from matplotlib.axes import Axes

# Okabe and Ito's palette, which readers with colour-blindness can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6E6E6E"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, GREY)


def axes_or_new(ax: Axes | None) -> Axes:
    """The given axes, or those of a new figure."""
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax


def plain(ax: Axes) -> Axes:
    """Remove the frame on the sides that carry no scale."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax
