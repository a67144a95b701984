"""Fixed points against connection strength."""

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, legend, plain


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


def branch(
    strength: Float[np.ndarray, " points"],
    value: Float[np.ndarray, " values"],
    stable: Bool[np.ndarray, " labels"],
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
    for wanted, style, label in ((True, "-", "stable"), (False, "--", "unstable")):
        for begin, end in _runs(stable == wanted):
            # Each piece goes on to the next point, so that the line has no gaps.
            piece = slice(begin, min(end + 1, len(strength)))
            ax.plot(strength[piece], value[piece], style, color=colour, linewidth=1.4, label=label)
    if folds is not None and len(folds):
        ax.plot(folds[:, 0], folds[:, 1], "o", color=RED, markersize=4, label="fold")
    ax.set(xlabel="connection strength (mV ms)", ylabel="mean input current (mV)")
    if not stable.all():
        legend(ax)
    return plain(ax)


def _runs(mask: Bool[np.ndarray, " points"]) -> list[tuple[int, int]]:
    """First index and one past the last of every stretch where the mask is true."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
