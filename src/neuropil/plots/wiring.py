"""Networks drawn: as a matrix sorted by type, and as a graph."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new

LARGEST_GRAPH = 60
MOST_CELLS = 400
CHARACTER_WIDTH = 0.025
"""Rough width of a letter, as a share of a matrix that fills a journal column."""


def adjacency(
    weights: scipy.sparse.sparray | scipy.sparse.spmatrix | Float[np.ndarray, "post pre"],
    cell_types: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Connections as a picture, row = postsynaptic, column = presynaptic, sorted by cell type.

    Positive weights are blue, negative ones red. Up to 400 neurons each connection is a square;
    above, a square stands for several neurons and its depth of colour for the density of
    connections, so that time and memory grow with the connections only. Raises `ValueError` when
    the matrix is not square or `cell_types` does not fit.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights must be square, got shape {weights.shape}")
    matrix = scipy.sparse.coo_array(weights)
    n = matrix.shape[0]
    if cell_types is not None and len(cell_types) != n:
        raise ValueError(f"cell_types has {len(cell_types)} entries for {n} neurons")
    ax = axes_or_new(ax, size=(3.4, 3.6))
    position = np.arange(n)
    if cell_types is not None:
        order = np.argsort(np.asarray(cell_types), kind="stable")
        position = np.argsort(order)
        _bars_of_types(ax, np.asarray(cell_types)[order])
    row, column = position[matrix.row], position[matrix.col]
    picture = np.ones((min(n, MOST_CELLS),) * 2 + (3,))
    for sign, colour in ((1, BLUE), (-1, RED)):
        chosen = np.sign(matrix.data) == sign
        density = _density(row[chosen], column[chosen], n)
        # Inks that subtract from white: where both signs share a cell, both show.
        picture -= density[:, :, None] * (1 - np.array(to_rgb(colour)))
    ax.imshow(
        np.clip(picture, 0, 1), extent=(-0.5, n - 0.5, n - 0.5, -0.5), interpolation="nearest"
    )
    ax.set(xlabel="presynaptic neuron", ylabel="postsynaptic neuron")
    return ax


def _density(
    row: Int[np.ndarray, " edges"], column: Int[np.ndarray, " edges"], neurons: int
) -> Float[np.ndarray, "cells cells"]:
    """Share of possible connections in each cell, relative to the densest cells.

    The densest are the 99th percentile of those that hold any, so that a few do not pale the
    rest. With one pair of neurons a cell, every connection is 1.
    """
    cells = min(neurons, MOST_CELLS)
    cell_of = np.arange(neurons) * cells // neurons
    flat = cell_of[row] * cells + cell_of[column]
    counts = np.bincount(flat, minlength=cells**2).reshape(cells, cells)
    members = np.bincount(cell_of, minlength=cells)
    share = counts / np.outer(members, members)
    if not counts.any():
        return share
    return np.minimum(share / np.percentile(share[counts > 0], 99), 1)


def _bars_of_types(ax: Axes, types: np.ndarray) -> None:
    """Bars in alternating greys above and right of the matrix, named where there is room."""
    names, first, counts = np.unique(types, return_index=True, return_counts=True)
    named = counts > 0.02 * len(types)
    centre = (first + counts / 2) / len(types)
    width = np.array([CHARACTER_WIDTH * len(name) for name in names])
    gap = np.diff(centre[named]) - (width[named][1:] + width[named][:-1]) / 2
    tilted = bool(np.any(gap < 0))
    above, beside = ax.get_xaxis_transform(), ax.get_yaxis_transform()
    for number, (begin, count) in enumerate(zip(first.tolist(), counts.tolist(), strict=True)):
        for corner, extent, transform in (
            ((begin - 0.5, 1.01), (count, 0.025), above),
            ((1.01, begin - 0.5), (0.025, count), beside),
        ):
            shade = ("#4D4D4D", "#B3B3B3")[number % 2]
            bar = Rectangle(
                corner, *extent, transform=transform, color=shade, linewidth=0, clip_on=False
            )
            ax.add_patch(bar)
        if begin:
            ax.axvline(begin - 0.5, color=GREY, linewidth=0.5)
            ax.axhline(begin - 0.5, color=GREY, linewidth=0.5)
        if named[number]:
            ax.text(
                begin + count / 2,
                1.05,
                str(names[number]),
                transform=above,
                ha="left" if tilted else "center",
                va="bottom",
                rotation=40 if tilted else 0,
                rotation_mode="anchor",
                fontsize="small",
            )


def digraph(weights: Float[np.ndarray, "post pre"], *, ax: Axes | None = None) -> Axes:
    """A small network as arrows between neurons on a circle, from `pre` to `post`.

    Excitatory neurons and arrows are blue, inhibitory ones red. Raises `ValueError` when the
    matrix is not square, or above 60 neurons, where nothing could be seen.
    """
    n = weights.shape[0]
    if weights.shape != (n, n) or n > LARGEST_GRAPH:
        raise ValueError(
            f"weights must be square with at most {LARGEST_GRAPH} neurons, "
            f"got shape {weights.shape}"
        )
    ax = axes_or_new(ax, size=(3.2, 3.2))
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    x, y = np.cos(angle), np.sin(angle)
    inhibitory = weights.min(axis=0) < 0
    radius = float(np.clip(60 / n, 2.0, 5.0))
    for post, pre in zip(*np.nonzero(weights), strict=True):
        ax.add_patch(
            FancyArrowPatch(
                (x[pre], y[pre]),
                (x[post], y[post]),
                connectionstyle="arc3,rad=0.1",
                arrowstyle="-|>",
                mutation_scale=9,
                shrinkA=radius,
                shrinkB=radius,
                linewidth=0.7,
                alpha=0.65,
                color=RED if weights[post, pre] < 0 else BLUE,
            )
        )
    ax.scatter(x, y, s=(2 * radius) ** 2, zorder=3, color=np.where(inhibitory, RED, BLUE))
    ax.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    ax.axis("off")
    return ax
