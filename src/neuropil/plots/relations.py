"""One number against another, a point for each network."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, legend, plain


def moment_scatter(
    x: Float[np.ndarray, " networks"],
    y: Float[np.ndarray, " values"],
    *,
    xlabel: str = "",
    ylabel: str = "",
    interval: tuple[float, float] | None = None,
    band: Float[np.ndarray, "3 points"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Points, the straight line fitted to them, a 95 % band, correlation and explained share.

    The band is that of the fitted mean for normal residuals, unless `band` gives one from
    elsewhere (a bootstrap): its rows are x, lower and upper end. `interval` is an interval of
    the explained share to print beside it. Points that are not finite are left out. Raises
    `ValueError` when fewer than three are left or lengths differ.
    """
    if len(x) != len(y):
        raise ValueError(f"x and y must have one value a network, got {len(x)} and {len(y)}")
    kept = np.isfinite(x) & np.isfinite(y)
    if kept.sum() < 3:
        raise ValueError(f"x and y must share at least 3 finite points, got {kept.sum()}")
    x, y = x[kept], y[kept]
    ax = axes_or_new(ax)
    ax.scatter(x, y, s=12, color=BLUE, alpha=0.6, linewidths=0)
    if np.ptp(x) > 0 and np.ptp(y) > 0:
        correlation = float(np.corrcoef(x, y)[0, 1])
        text = f"r = {correlation:.2f}, R² = {correlation**2:.2f}"
        if interval is not None:
            text += f" [{interval[0]:.2f}, {interval[1]:.2f}]"
        at, fitted, lower, upper = _line_with_band(x, y)
        if band is None:
            band = np.stack([at, lower, upper])
        ax.fill_between(*band, color=RED, alpha=0.18, linewidth=0)
        ax.plot(at, fitted, color=RED, linewidth=1.3, label=text)
        # Room above the points, so that the legend does not cover them.
        ax.margins(y=0.15)
        legend(ax)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return plain(ax)


def prediction_against_measurement(
    predicted: Float[np.ndarray, " cases"],
    measured: Float[np.ndarray, " values"],
    *,
    label: str = "",
    colour: str = BLUE,
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Predictions against measurements on logarithmic axes, with the line of identity.

    Cases that are not positive and finite cannot be drawn; the label says how many. Raises
    `ValueError` when none is left or lengths differ.
    """
    if len(predicted) != len(measured):
        raise ValueError(
            f"predicted and measured must have one value a case, got {len(predicted)} and "
            f"{len(measured)}"
        )
    kept = np.isfinite(predicted) & np.isfinite(measured) & (predicted > 0) & (measured > 0)
    if not kept.any():
        raise ValueError("predicted and measured share no case that is positive and finite")
    if not kept.all():
        label = f"{label} ({np.sum(~kept)} not drawn)".strip()
    ax = axes_or_new(ax, size=(3.2, 3.2))
    ax.scatter(
        measured[kept], predicted[kept], s=14, color=colour, alpha=0.6, linewidths=0,
        label=label or None,
    )  # fmt: skip
    ax.set(xscale="log", yscale="log", aspect="equal")
    low = min(ax.get_xlim()[0], ax.get_ylim()[0])
    high = max(ax.get_xlim()[1], ax.get_ylim()[1])
    ax.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=0)
    ax.set(xlim=(low, high), ylim=(low, high))
    suffix = f" ({unit})" if unit else ""
    ax.set(xlabel=f"measured{suffix}", ylabel=f"predicted{suffix}")
    if label:
        legend(ax, handlelength=0.8)
    return plain(ax)


def _line_with_band(x, y):
    """The least-squares line at 100 points, with the normal 95 % band of the fitted mean."""
    centred = x - x.mean()
    spread = np.sum(centred**2)
    slope = np.sum(centred * (y - y.mean())) / spread
    residual = y - y.mean() - slope * centred
    at = np.linspace(x.min(), x.max(), 100)
    fitted = y.mean() + slope * (at - x.mean())
    scale = np.sqrt(np.sum(residual**2) / (len(x) - 2))
    half = 1.96 * scale * np.sqrt(1 / len(x) + (at - x.mean()) ** 2 / spread)
    return at, fitted, fitted - half, fitted + half
