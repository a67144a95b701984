"""Fixed points against connection strength."""

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, plain


def fixed_points_against_strength(
    strength: Float[np.ndarray, " strengths"],
    inputs: Float[np.ndarray, "strengths neurons"],
    *,
    converged: Bool[np.ndarray, " strengths"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One line for each neuron's input current (mV); grey where the iteration did not converge.

    Raises `ValueError` when there is not one row of inputs for each strength.
    """
    if len(inputs) != len(strength):
        raise ValueError(f"inputs has {len(inputs)} rows for {len(strength)} strengths")
    ax = axes_or_new(ax)
    ax.plot(strength, inputs, color=BLUE, linewidth=0.6, alpha=0.5)
    if converged is not None and not converged.all():
        lost = np.where(converged[:, None], np.nan, inputs)
        ax.plot(strength, lost, color=GREY, linewidth=0, marker=".", markersize=2)
        for begin, end in _runs(~converged):
            left = strength[max(begin - 1, 0)]
            ax.axvspan(left, strength[end - 1], color=GREY, alpha=0.12, linewidth=0)
    ax.set(xlabel="connection strength (mV ms)", ylabel="input current (mV)")
    return plain(ax)


def branch(
    strength: Float[np.ndarray, " points"],
    value: Float[np.ndarray, " points"],
    stable: Bool[np.ndarray, " points"],
    *,
    folds: Float[np.ndarray, "folds 2"] | None = None,
    colour: str = BLUE,
    ax: Axes | None = None,
) -> Axes:
    """A branch of stationary states: solid where stable, dashed where not, folds as points.

    `folds` holds strength and value of each fold. Raises `ValueError` when lengths differ.
    """
    if not len(strength) == len(value) == len(stable):
        raise ValueError(
            f"strength, value and stable must have one entry a point, got {len(strength)}, "
            f"{len(value)} and {len(stable)}"
        )
    ax = axes_or_new(ax)
    for wanted, style in ((True, "-"), (False, "--")):
        for begin, end in _runs(stable == wanted):
            # Each piece goes on to the next point, so that the line has no gaps.
            piece = slice(begin, min(end + 1, len(strength)))
            ax.plot(strength[piece], value[piece], style, color=colour, linewidth=1.4)
    if folds is not None and len(folds):
        ax.plot(folds[:, 0], folds[:, 1], "o", color=RED, markersize=4)
    ax.set(xlabel="connection strength (mV ms)", ylabel="mean input current (mV)")
    return plain(ax)


def _runs(mask: Bool[np.ndarray, " points"]) -> list[tuple[int, int]]:
    """First index and one past the last of every stretch where the mask is true."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
