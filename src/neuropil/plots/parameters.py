"""Distributions of parameters: pairs, the path to them, and what they are sensitive to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from neuropil.plots.style import BLUE, GREY, ORANGE, RED, axes_or_new, legend, plain, require_finite

MOST_BINS = 40
COLOURS = "viridis"


def pair_plot(
    samples: Float[np.ndarray, "samples parameters"],
    labels: Sequence[str],
    *,
    colour: Float[np.ndarray, " samples"] | None = None,
    colour_label: str = "",
    modes: Float[np.ndarray, "modes parameters"] | None = None,
    figure: Figure | SubFigure | None = None,
) -> list[list[Axes]]:
    """Every parameter against every other below the diagonal, each by itself on it.

    Points take the colour of `colour`, one number each, for which a bar stands at the side.
    `modes` are marked. Returns the axes by row, from the first to the diagonal. Raises
    `ValueError` when a value is not finite or labels are missing.
    """
    require_finite("samples", samples)
    parameters = samples.shape[1]
    if len(labels) != parameters:
        raise ValueError(f"labels must name {parameters} parameters, got {len(labels)}")
    if colour is not None:
        require_finite("colour", colour)
    if figure is None:
        side = 1.0 + 1.3 * parameters
        figure = pyplot.figure(figsize=(side, side), layout="constrained")
    grid = figure.add_gridspec(parameters, parameters)
    rows: list[list[Axes]] = []
    shown = None
    for row in range(parameters):
        rows.append([figure.add_subplot(grid[row, column]) for column in range(row + 1)])
        for column, ax in enumerate(rows[-1]):
            if column == row:
                _marginal(samples[:, row], ax)
            else:
                shown = ax.scatter(
                    samples[:, column], samples[:, row], s=4, linewidths=0, alpha=0.7,
                    rasterized=True, cmap=COLOURS if colour is not None else None,
                    c=BLUE if colour is None else colour,
                )  # fmt: skip
                if modes is not None:
                    ax.plot(
                        modes[:, column], modes[:, row], "X", color=RED, markersize=7,
                        markeredgecolor="white", label="mode",
                    )  # fmt: skip
                plain(ax)
            ax.tick_params(labelsize="small")
            _label(ax, row, column, labels)
    if colour is not None and shown is not None:
        bar = figure.colorbar(shown, ax=[ax for axes in rows for ax in axes], shrink=0.5)
        bar.set_label(colour_label)
        if bar.solids is not None:
            bar.solids.set_alpha(1.0)
    return rows


def _marginal(values: Float[np.ndarray, " samples"], ax: Axes) -> None:
    bins = min(MOST_BINS, len(np.histogram_bin_edges(values, "auto")) - 1)
    ax.hist(values, bins, color=GREY, alpha=0.6)
    ax.set_yticks([])
    ax.spines[["top", "right", "left"]].set_visible(False)


def _label(ax: Axes, row: int, column: int, labels: Sequence[str]) -> None:
    """Names at the left and the lower edge of the triangle only."""
    if row == len(labels) - 1:
        ax.set_xlabel(labels[column])
    else:
        ax.tick_params(labelbottom=False)
    if column == 0 and row > 0:
        ax.set_ylabel(labels[row])
    elif column != row:
        ax.tick_params(labelleft=False)


def inference_trace(trace: Float[np.ndarray, "steps 4"], *, ax: Axes | None = None) -> Axes:
    """A run of inference by its steps: entropy (left axis), and what is still missing (right).

    Columns are the share of the reference that is left, entropy in nats, the largest missing
    constraint in units of its scale, and simulations up to then. The right axis is logarithmic;
    what is zero is not drawn on it. Raises `ValueError` when there is no step.
    """
    if not len(trace):
        raise ValueError("trace must have a step or more, got none")
    ax = axes_or_new(ax)
    steps = np.arange(1, len(trace) + 1)
    (entropy,) = ax.plot(steps, trace[:, 1], color=BLUE, label="entropy")
    ax.set(xlabel=f"step ({int(trace[-1, 3]):,} simulations in all)", ylabel="entropy (nats)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain(ax)
    right = ax.twinx()
    drawn = [entropy]
    for values, colour, label in (
        (trace[:, 2], RED, "missing"),
        (trace[:, 0], ORANGE, "reference left"),
    ):
        positive = values > 0
        if positive.any():
            style = ".-" if label == "missing" else ".--"
            drawn += right.plot(
                steps[positive], values[positive], style, markersize=3, color=colour, label=label
            )
    right.set(yscale="log", ylabel="missing constraint (scales)")
    right.spines["top"].set_visible(False)
    ax.legend(handles=drawn, frameon=False, fontsize="small", loc="center right")
    return ax


def sensitivity_directions(
    eigenvalues: Float[np.ndarray, " values"],
    directions: Float[np.ndarray, "values values"],
    labels: Sequence[str],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Directions in parameter space as groups of bars, the stiffest first.

    Column k of `directions` belongs to eigenvalue k of the Hessian of the log density; bars are
    its components, the largest of which is drawn upwards. Raises `ValueError` when a value is not
    finite or labels are missing.
    """
    size = len(eigenvalues)
    if len(labels) != size:
        raise ValueError(f"labels must name {size} parameters, got {len(labels)}")
    require_finite("eigenvalues", eigenvalues)
    require_finite("directions", directions)
    ax = axes_or_new(ax, size=(1.0 + 1.2 * size, 2.7))
    order = np.argsort(eigenvalues)
    largest = np.argmax(np.abs(directions), axis=0)
    signed = directions * np.sign(directions[largest, np.arange(size)])
    colours = pyplot.get_cmap(COLOURS)(np.linspace(0.0, 0.9, size))
    for place, (label, colour) in enumerate(zip(labels, colours, strict=True)):
        at = np.arange(size) + (place - (size - 1) / 2) * 0.8 / size
        ax.bar(at, signed[place, order], 0.8 / size, color=colour, label=label)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xticks(np.arange(size), [f"{eigenvalues[k]:.3g}" for k in order])
    ax.set(xlabel="eigenvalue of the Hessian (stiff to degenerate)", ylabel="component")
    ax.set_ylim(-1.05, 1.05)
    legend(
        ax, ncols=size, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.3,
        columnspacing=1.0,
    )  # fmt: skip
    return plain(ax)


__all__ = ["inference_trace", "pair_plot", "sensitivity_directions"]
