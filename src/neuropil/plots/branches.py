"""Fixed points against a parameter, such as connection strength."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes

from neuropil.plots.states import filled_rows
from neuropil.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    axes_or_new,
    label_axes,
    legend,
    legend_with_room,
    plain,
    require_finite,
)

MARKS = {"fold": ("o", RED), "Hopf": ("s", GREEN), "branch point": ("D", ORANGE)}
"""Shape and colour of the special points that have a customary name."""
OTHER_MARKS = (("^", PURPLE), ("v", GREY), ("P", RED), ("*", GREEN))


def fixed_points_against_strength(
    strength: Float[np.ndarray, " strengths"],
    inputs: Float[np.ndarray, "rows neurons"],
    *,
    converged: Bool[np.ndarray, " entries"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One line for each neuron's input current (mV) where the iteration converged.

    Where it did not, the last iterates are grey points on a shaded ground: they are no
    fixed points. Raises `ValueError` when `inputs` or `converged` does not fit `strength`.
    """
    if len(inputs) != len(strength):
        raise ValueError(f"inputs has {len(inputs)} rows for {len(strength)} strengths")
    if converged is not None and len(converged) != len(strength):
        raise ValueError(f"converged has {len(converged)} entries for {len(strength)} strengths")
    ax = axes_or_new(ax)
    settled = np.ones(len(strength), bool) if converged is None else converged
    # The more lines, the fainter each, so that their density stays readable.
    alpha = float(np.clip(8 / np.sqrt(inputs.shape[1]) / 2, 0.1, 0.6))
    lines = np.where(settled[:, None], inputs, np.nan)
    ax.plot(strength, lines, color=BLUE, linewidth=0.7, alpha=alpha)
    for begin, end in _runs(~settled):
        left = strength[max(begin - 1, 0)]
        right = strength[min(end, len(strength) - 1)]
        ax.axvspan(left, right, color=GREY, alpha=0.12, linewidth=0, label="not converged")
    if not settled.all():
        lost = np.where(settled[:, None], np.nan, inputs)
        ax.plot(strength, lost, ".", color=GREY, markersize=1.5, alpha=alpha)
        legend(ax)
    ax.set(xlabel="connection strength (mV ms)", ylabel="input current (mV)")
    return plain(ax)


def bifurcation_diagram(
    parameter: Float[Array | np.ndarray, " points"],
    value: Float[Array | np.ndarray, " values"],
    stable: Bool[Array | np.ndarray, " labels"],
    *,
    special: Mapping[str, Float[Array | np.ndarray, "_special _columns"]] | None = None,
    parameter_label: str = "",
    value_label: str = "",
    colour: str = BLUE,
    ax: Axes | None = None,
) -> Axes:
    """A branch of stationary states: solid where stable, dashed where not, special points marked.

    The points are in their order along the branch; rows at the end that are not numbers are
    taken for the unused part of a buffer and left out. `special` holds a table for each kind of
    special point ("fold", "Hopf", "branch point" or any other name), with one row a point:
    parameter and value; rows that are not numbers are left out. Further branches go onto the axes
    returned, and share the legend.

    Raises `ValueError` when lengths differ, when nothing is left to draw, when a number is missing
    between others, or when a table of special points does not have two columns.
    """
    if not len(parameter) == len(value) == len(stable):
        raise ValueError(
            f"parameter, value and stable must have one entry a point, got {len(parameter)}, "
            f"{len(value)} and {len(stable)}"
        )
    parameter, value, stable = _used_part(np.asarray(parameter), np.asarray(value), stable)
    tables = {
        kind: filled_rows(f"special[{kind!r}]", table, 2) for kind, table in (special or {}).items()
    }
    ax = axes_or_new(ax)
    for wanted, style, label in ((True, "-", "stable"), (False, "--", "unstable")):
        for begin, end in _runs(stable == wanted):
            # Each piece goes on to the next point, so that the line has no gaps.
            piece = slice(begin, min(end + 1, len(parameter)))
            ax.plot(parameter[piece], value[piece], style, color=colour, linewidth=1.4, label=label)
    others = iter(OTHER_MARKS * len(tables))
    for kind, table in tables.items():
        marker, mark_colour = MARKS[kind] if kind in MARKS else next(others)
        if len(table):
            ax.plot(
                *table.T, marker, color=mark_colour, markersize=5, markeredgecolor="white",
                markeredgewidth=0.6, zorder=3, label=kind,
            )  # fmt: skip
    label_axes(ax, parameter_label, value_label)
    if not stable.all() or any(len(table) for table in tables.values()):
        legend_with_room(ax)
    return plain(ax)


def _used_part(
    parameter: Float[np.ndarray, " points"],
    value: Float[np.ndarray, " points"],
    stable: Bool[Array | np.ndarray, " points"],
) -> tuple[Float[np.ndarray, " used"], Float[np.ndarray, " used"], Bool[np.ndarray, " used"]]:
    """A branch without the rows at its end that are not numbers."""
    numbers = np.flatnonzero(np.isfinite(parameter) & np.isfinite(value))
    n_used = int(numbers[-1]) + 1 if numbers.size else 0
    require_finite("parameter", parameter[:n_used])
    require_finite("value", value[:n_used])
    return parameter[:n_used], value[:n_used], np.asarray(stable)[:n_used]


def _runs(mask: Bool[np.ndarray, " points"]) -> list[tuple[int, int]]:
    """First index and one past the last of every stretch where the mask is true."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
