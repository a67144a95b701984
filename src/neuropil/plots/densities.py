"""Densities of the membrane potential, and rates, over time or over types of neurons."""

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from neuropil.plots.style import BLUE, RED, axes_or_new, legend, plain, require_finite

Row = Float[Array | np.ndarray, " _points"]
INK = LinearSegmentedColormap.from_list("ink", ["white", "#9CC9E6", BLUE, "#00263F"])
"""From nothing, which is white, to the deepest blue: the colour is the amount."""
MOST_INK = 99.5
"""Percentile that gets the deepest colour, so that a sharp peak does not pale the rest."""


def density(
    across: Row,
    potentials: Row,
    values: Float[Array | np.ndarray, "_across _potentials"],
    *,
    across_label: str = "time (ms)",
    threshold: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """f(t, v) or f(xi, v) as a picture: potential (mV) upwards, the density (1/mV) as colour.

    `values` has a row for each entry of `across` (times, types) and a column for each of the
    ascending `potentials`; cells reach halfway to their neighbours, so grids need not be uniform.
    With `threshold` (mV) there is a line at it. Densities beyond their 99.5th percentile have the
    deepest colour, as the scale shows by its pointed end.

    Raises `ValueError`, naming the argument, when shapes do not fit, a grid has fewer than two
    points or does not ascend, or a value is negative beyond rounding or not finite.
    """
    across, potentials, values = (np.asarray(each) for each in (across, potentials, values))
    for name, grid in (("across", across), ("potentials", potentials)):
        require_finite(name, grid)
        if grid.size < 2 or np.any(np.diff(grid) <= 0):
            raise ValueError(f"{name} must hold at least two ascending values, got {grid}")
    require_finite("values", values)
    if values.shape != (across.size, potentials.size):
        raise ValueError(
            f"values must have a row for each of {across.size} entries of across and a column for "
            f"each of {potentials.size} potentials, got shape {values.shape}"
        )
    highest = float(values.max())
    if values.min() < -1e-6 * max(highest, 0.0):
        raise ValueError(f"values must not be negative, got {values.min():.3g} per mV")
    ax = axes_or_new(ax)
    shown = float(np.percentile(values, MOST_INK)) or highest
    picture = ax.pcolormesh(
        across, potentials, values.T, shading="nearest", cmap=INK, vmin=0.0, vmax=shown,
        rasterized=True,
    )  # fmt: skip
    beyond = "max" if shown < highest else "neither"
    ax.figure.colorbar(picture, ax=ax, label="density (1/mV)", extend=beyond)
    if threshold is not None:
        ax.axhline(threshold, color=RED, linewidth=1, linestyle="--", label="threshold")
        legend(ax)
    ax.set(xlabel=across_label, ylabel="membrane potential (mV)")
    return ax


def rate_against_type(
    types: Row,
    rates: Row,
    *,
    measured_types: Row | None = None,
    measured_rates: Row | None = None,
    type_label: str = "type ξ",
    ax: Axes | None = None,
) -> Axes:
    """Rates of a limit over its types as a line, those of single neurons as points.

    Rates are given in spikes/ms and drawn in Hz; the line joins the types in ascending order.

    Raises `ValueError`, naming the argument, when lengths differ, one of the measured arrays
    comes alone, or a number is not finite.
    """
    if (measured_types is None) != (measured_rates is None):
        raise ValueError("measured_types and measured_rates must be given together")
    pairs = [("types", types, "rates", rates)]
    if measured_types is not None and measured_rates is not None:
        pairs.append(("measured_types", measured_types, "measured_rates", measured_rates))
    for name, at, other, values in pairs:
        if len(at) != len(values):
            raise ValueError(f"{other} has {len(values)} entries for {len(at)} of {name}")
        require_finite(name, np.asarray(at))
        require_finite(other, np.asarray(values))
    ax = axes_or_new(ax)
    if measured_rates is not None:
        # The more points, the fainter each, so that their density stays readable.
        alpha = float(np.clip(6 / np.sqrt(len(measured_rates)), 0.15, 0.8))
        ax.plot(
            np.asarray(measured_types), 1000 * np.asarray(measured_rates), ".", color=BLUE,
            markersize=4, markeredgewidth=0, alpha=alpha, label="neurons", rasterized=True,
        )  # fmt: skip
    order = np.argsort(np.asarray(types))
    ax.plot(
        np.asarray(types)[order], 1000 * np.asarray(rates)[order], color=RED, linewidth=1.6,
        label="limit",
    )  # fmt: skip
    ax.set(xlabel=type_label, ylabel="firing rate (Hz)")
    if measured_rates is not None:
        for handle in filter(None, legend(ax).legend_handles):
            handle.set_alpha(1.0)
    return plain(ax)


__all__ = ["density", "rate_against_type"]
