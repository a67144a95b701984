"""Slow-fast systems: the states at which the fast components rest, and the way along them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes

from neuropil.plots.branches import bifurcation_diagram
from neuropil.plots.states import curves_of, filled_rows
from neuropil.plots.style import BLUE, GREY, axes_or_new, label_axes, legend_with_room

Values = Float[Array | np.ndarray, " _points"]
Sheet = tuple[Values, Float[Array | np.ndarray, " _values"], Bool[Array | np.ndarray, " _labels"]]
Point = tuple[float, float]
ARROWS_AT = (0.25, 0.7)
"""Where a trajectory shows its direction, as shares of its length."""


def sheets(
    manifold: Sequence[Sheet],
    *,
    folds: Float[Array | np.ndarray, "_folds _columns"] | None = None,
    trajectory: Float[Array | np.ndarray, "_times _columns"] | None = None,
    jumps: Float[Array | np.ndarray, "_jumps _columns"] | None = None,
    slow_label: str = "",
    fast_label: str = "",
    colour: str = BLUE,
    ax: Axes | None = None,
) -> Axes:
    """A critical manifold: a fast component against the slow variable, and a trajectory on it.

    `manifold` holds one or more curves of the manifold, each as the values of the slow variable,
    those of the fast component and whether the fast components are stable there. Attracting sheets
    are solid and others dashed. `folds` are points (slow, fast) where sheets meet; `trajectory`
    has rows (slow, fast) and is a broad grey line with arrows; each row of `jumps` is a slow value
    and the fast ones from and to which the state jumps there, a dotted line with an arrow.

    Raises `ValueError`, naming the argument, when there is no curve, a curve has parts of different
    lengths, a table another number of columns, or a trajectory a number that is not finite. Rows
    of `folds` and `jumps` that are not numbers are left out.
    """
    if not manifold:
        raise ValueError("manifold must hold at least one curve")
    for number, (slow, fast, stable) in enumerate(manifold):
        if not len(slow) == len(fast) == len(stable):
            raise ValueError(
                f"manifold[{number}] must have slow values, fast values and stability of one "
                f"length, got {len(slow)}, {len(fast)} and {len(stable)}"
            )
    turns = None if folds is None else filled_rows("folds", folds, 2)
    leaps = None if jumps is None else filled_rows("jumps", jumps, 3)
    way = None if trajectory is None else curves_of("trajectory", trajectory, 2)[0]
    ax = axes_or_new(ax)
    if way is not None:
        ax.plot(
            *way.T, color=GREY, alpha=0.5, linewidth=3, solid_capstyle="butt", zorder=1,
            label="trajectory",
        )  # fmt: skip
    for slow, fast, stable in manifold[:-1]:
        bifurcation_diagram(slow, fast, stable, colour=colour, ax=ax)
    special = None if turns is None else {"fold": turns}
    bifurcation_diagram(*manifold[-1], special=special, colour=colour, ax=ax)
    for slow, begin, end in () if leaps is None else leaps:
        ax.plot([slow, slow], [begin, end], ":", color="black", linewidth=1.2, label="jump")
        _arrowhead(ax, (slow, (begin + end) / 2), (slow, end), "black")
    if way is not None:
        _direction(ax, way)
    label_axes(ax, slow_label, fast_label)
    legend_with_room(ax)
    return ax


def _direction(ax: Axes, way: Float[np.ndarray, "times 2"]) -> None:
    """Arrowheads along a trajectory, by its length as it is seen."""
    seen = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    steps = np.linalg.norm(np.diff(way, axis=0) / seen, axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    if length[-1] == 0:
        return
    for share in ARROWS_AT:
        ends = np.array([share, share + 0.02]) * length[-1]
        x, y = (np.interp(ends, length, column).tolist() for column in way.T)
        _arrowhead(ax, (x[0], y[0]), (x[1], y[1]), GREY)


def _arrowhead(ax: Axes, tail: Point, tip: Point, colour: str) -> None:
    """The head of an arrow from `tail` to `tip`, without its shaft."""
    head = {"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 12}
    ax.annotate("", tip, tail, arrowprops={**head, "shrinkA": 0, "shrinkB": 0}, zorder=3)


__all__ = ["sheets"]
