"""Networks drawn: as a matrix sorted by type, and as a graph."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from neuropil.plots.style import BLUE, CYCLE, GREY, RED, axes_or_new, plain

LARGEST_GRAPH = 60


def adjacency(
    weights: scipy.sparse.sparray | scipy.sparse.spmatrix | Float[np.ndarray, "neurons neurons"],
    cell_types: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Connections as points, row = postsynaptic, column = presynaptic, sorted by cell type.

    Positive weights are blue, negative ones red. Raises `ValueError` when the matrix is not
    square or `cell_types` does not fit.
    """
    matrix = scipy.sparse.coo_array(weights)
    n = matrix.shape[0]
    if matrix.shape != (n, n):
        raise ValueError(f"weights must be square, got shape {matrix.shape}")
    ax = axes_or_new(ax)
    position = np.arange(n)
    if cell_types is not None:
        if len(cell_types) != n:
            raise ValueError(f"cell_types has {len(cell_types)} entries for {n} neurons")
        order = np.argsort(np.asarray(cell_types), kind="stable")
        position = np.argsort(order)
        _bar_of_types(ax, np.asarray(cell_types)[order])
    size = max(0.05, min(6.0, (250 / n) ** 2))
    for sign, colour in ((1, BLUE), (-1, RED)):
        chosen = np.sign(matrix.data) == sign
        ax.scatter(
            position[matrix.col[chosen]],
            position[matrix.row[chosen]],
            s=size,
            marker="s",
            color=colour,
            linewidths=0,
            rasterized=True,
        )
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    ax.set(xlabel="presynaptic neuron", ylabel="postsynaptic neuron")
    return plain(ax)


def _bar_of_types(ax: Axes, types: np.ndarray) -> None:
    names, first, counts = np.unique(types, return_index=True, return_counts=True)
    for number, (name, begin, count) in enumerate(zip(names, first, counts, strict=True)):
        ax.axvline(begin - 0.5, color=GREY, linewidth=0.5)
        ax.axhline(begin - 0.5, color=GREY, linewidth=0.5)
        if count > 0.04 * len(types):
            ax.text(
                begin + count / 2,
                1.01,
                name,
                transform=ax.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize="small",
                color=CYCLE[number % len(CYCLE)],
            )


def digraph(weights: Float[np.ndarray, "neurons neurons"], *, ax: Axes | None = None) -> Axes:
    """A small network as arrows between neurons on a circle, from `pre` to `post`.

    Excitatory neurons and arrows are blue, inhibitory ones red. Raises `ValueError` above 60
    neurons, where nothing could be seen.
    """
    n = weights.shape[0]
    if weights.shape != (n, n) or n > LARGEST_GRAPH:
        raise ValueError(
            f"weights must be square with at most {LARGEST_GRAPH} neurons, "
            f"got shape {weights.shape}"
        )
    ax = axes_or_new(ax)
    angle = 2 * np.pi * np.arange(n) / n
    x, y = np.cos(angle), np.sin(angle)
    inhibitory = weights.min(axis=0) < 0
    for post, pre in zip(*np.nonzero(weights), strict=True):
        ax.add_patch(
            FancyArrowPatch(
                (x[pre], y[pre]),
                (x[post], y[post]),
                connectionstyle="arc3,rad=0.12",
                arrowstyle="-|>",
                mutation_scale=6,
                shrinkA=4,
                shrinkB=4,
                linewidth=0.5,
                alpha=0.6,
                color=RED if weights[post, pre] < 0 else BLUE,
            )
        )
    ax.scatter(x, y, s=30, zorder=3, color=np.where(inhibitory, RED, BLUE))
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    ax.axis("off")
    return ax
