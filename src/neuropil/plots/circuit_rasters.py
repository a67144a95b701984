"""Spikes of many circuits with the same cells, one under the other."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, legend, plain

CELL_COLOURS = BLUE, RED, GREY
GAP = 1.0
"""Room between circuits, in rows."""


def circuit_rasters(
    times: Float[np.ndarray, "circuits cells longest"],
    cell_names: Sequence[str],
    *,
    interval: tuple[float, float],
    ax: Axes | None = None,
) -> Axes:
    """Ticks for the spikes of every cell of every circuit, a colour for each cell.

    `times` are in ms, not a number after the last spike of a cell; those outside `interval` (ms)
    are left out. Circuits are numbered from above.

    Raises `ValueError`, naming the argument, for names that do not fit the cells and an interval
    that does not ascend.
    """
    circuits, cells, _ = times.shape
    begin, end = interval
    if len(cell_names) != cells:
        raise ValueError(f"cell_names must name {cells} cells, got {len(cell_names)}")
    if not (np.isfinite([begin, end]).all() and begin < end):
        raise ValueError(f"interval must be two finite times, the later one last, got {interval}")
    ax = axes_or_new(ax)
    rows = np.arange(circuits) * (cells + GAP)
    for cell, name in enumerate(cell_names):
        shown = [one[(begin <= one) & (one <= end)] / 1000.0 for one in times[:, cell]]
        ax.eventplot(
            shown,
            lineoffsets=list(rows + cell),
            linelengths=0.8,
            linewidths=0.6,
            colors=CELL_COLOURS[cell % len(CELL_COLOURS)],
            label=name,
        )
    ax.set_yticks(rows + 0.5 * (cells - 1), [str(number + 1) for number in range(circuits)])
    ax.set(xlabel="time (s)", ylabel="circuit", xlim=(begin / 1000.0, end / 1000.0))
    ax.set_ylim(rows[-1] + cells - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    legend(ax, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=cells)
    plain(ax)
    return ax


__all__ = ["circuit_rasters"]
