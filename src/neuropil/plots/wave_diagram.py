"""The architecture of a wave: its cells, layer by layer, and who hears whom."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new

MOST_CELLS = 200
MOST_LAYERS = 60


def wave_diagram(
    matrices: Sequence[Float[np.ndarray, "_after _before"]],
    *,
    letters: str | Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Layers from left to right, a dot for each cell, a line for each connection with a weight.

    `matrices` are the weights of the steps, row = cell after, column = cell before. Positive
    weights are blue, negative ones red, stronger ones less transparent, relative to the
    strongest of their step. `letters` names the steps (s, d, g) under the gaps between layers.

    Raises `ValueError` when there is no step, when matrices do not fit each other or the
    letters, and above 200 cells in a layer or 60 steps, where nothing could be seen.
    """
    sizes = _layers(matrices)
    if letters is not None and len(letters) != len(matrices):
        raise ValueError(f"letters must name {len(matrices)} steps, got {len(letters)}")
    ax = axes_or_new(ax, size=(1.0 + 0.45 * len(sizes), 2.8))
    heights = [_heights(size) for size in sizes]
    for number, weights in enumerate(matrices):
        after, before = np.nonzero(weights)
        ends = np.stack(
            [
                np.stack([np.full(before.size, number), heights[number][before]], axis=1),
                np.stack([np.full(after.size, number + 1), heights[number + 1][after]], axis=1),
            ],
            axis=1,
        )
        strength = np.abs(weights[after, before])
        shade = 0.15 + 0.75 * strength / np.max(strength, initial=np.finfo(float).tiny)
        colours = [RED if weight < 0 else BLUE for weight in weights[after, before]]
        ax.add_collection(LineCollection(list(ends), colors=colours, alpha=shade, linewidths=0.8))
        if letters is not None:
            place = (number + 0.5, -0.02)
            ax.annotate(
                letters[number],
                place,
                xycoords=ax.get_xaxis_transform(),
                ha="center",
                va="top",
                fontsize="small",
            )
    radius = float(np.clip(150 / max(sizes), 1.0, 5.0))
    for number, height in enumerate(heights):
        ax.plot(np.full(height.size, number), height, "o", color=GREY, markersize=radius, zorder=3)
    ax.set(xlim=(-0.3, len(sizes) - 0.7), ylim=(-max(sizes) / 2 - 0.3, max(sizes) / 2 + 0.3))
    ax.axis("off")
    return ax


def _layers(matrices: Sequence[Float[np.ndarray, "_after _before"]]) -> list[int]:
    if not 1 <= len(matrices) <= MOST_LAYERS:
        raise ValueError(f"matrices must be those of 1 to {MOST_LAYERS} steps, got {len(matrices)}")
    sizes = [matrices[0].shape[1]]
    for number, weights in enumerate(matrices):
        if weights.shape[1] != sizes[-1]:
            raise ValueError(
                f"matrices must fit: step {number + 1} starts at {weights.shape[1]} cells, "
                f"the layer before it has {sizes[-1]}"
            )
        sizes.append(weights.shape[0])
    if max(sizes) > MOST_CELLS:
        raise ValueError(f"matrices must have at most {MOST_CELLS} cells, got {max(sizes)}")
    return sizes


def _heights(size: int) -> Float[np.ndarray, " cells"]:
    """Places of the cells of a layer, centred, the first on top."""
    return (size - 1) / 2 - np.arange(size)


__all__ = ["wave_diagram"]
