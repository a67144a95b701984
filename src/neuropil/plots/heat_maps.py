"""One number for each pair of two settings."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize

from neuropil.plots.style import axes_or_new

COLOURS = "viridis_r"


def heat_map(
    values: Num[np.ndarray, "rows columns"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_label: str = "",
    column_label: str = "",
    value_label: str = "",
    logarithmic: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """A table of colours with its numbers in it; cells without a finite number stay empty.

    Raises `ValueError`, naming the argument, when names are missing, no cell is finite, or a
    number is not positive on a logarithmic scale.
    """
    for name, given, needed in (("rows", rows, 0), ("columns", columns, 1)):
        if len(given) != values.shape[needed]:
            raise ValueError(
                f"{name} must name {values.shape[needed]} {name} of values, got {len(given)}"
            )
    shown = np.isfinite(values)
    if not shown.any():
        raise ValueError("values must hold at least one finite number")
    if logarithmic and np.any(values[shown] <= 0):
        raise ValueError(
            f"values must be positive on a logarithmic scale, got {values[shown].min()}"
        )
    ax = axes_or_new(ax)
    norm = (LogNorm if logarithmic else Normalize)(values[shown].min(), values[shown].max())
    image = ax.imshow(
        np.where(shown, values, np.nan), norm=norm, cmap=COLOURS, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    for row, column in np.argwhere(shown):
        red, green, blue, _ = image.cmap(norm(values[row, column]))
        is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        ax.text(
            column, row, f"{values[row, column]:.3g}", ha="center", va="center",
            fontsize="x-small", color="white" if is_dark else "black",
        )  # fmt: skip
    ax.set_xticks(range(len(columns)), columns, fontsize="small")
    ax.set_yticks(range(len(rows)), rows, fontsize="small")
    ax.set(xlabel=column_label, ylabel=row_label)
    ax.figure.colorbar(image, ax=ax, label=value_label)
    return ax


__all__ = ["heat_map"]
