"""One number against another, a point for each network."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, plain


def moment_scatter(
    x: Float[np.ndarray, " networks"],
    y: Float[np.ndarray, " networks"],
    *,
    xlabel: str = "",
    ylabel: str = "",
    interval: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Points, the straight line fitted to them, its 95 % band, and the share it explains.

    The band is that of the fitted mean for normal residuals. `interval` is an interval of the
    explained share to print beside it. Points that are not finite are left out; raises
    `ValueError` when fewer than three are left.
    """
    kept = np.isfinite(x) & np.isfinite(y)
    if kept.sum() < 3:
        raise ValueError(f"x and y must share at least 3 finite points, got {kept.sum()}")
    x, y = x[kept], y[kept]
    ax = axes_or_new(ax)
    ax.scatter(x, y, s=10, color=BLUE, alpha=0.7, linewidths=0)
    centred = x - x.mean()
    spread = np.sum(centred**2)
    if spread > 0 and np.ptp(y) > 0:
        slope = np.sum(centred * (y - y.mean())) / spread
        residual = y - y.mean() - slope * centred
        explained = 1 - np.sum(residual**2) / np.sum((y - y.mean()) ** 2)
        line = np.linspace(x.min(), x.max(), 100)
        fitted = y.mean() + slope * (line - x.mean())
        scale = np.sqrt(np.sum(residual**2) / max(len(x) - 2, 1))
        half = 1.96 * scale * np.sqrt(1 / len(x) + (line - x.mean()) ** 2 / spread)
        ax.fill_between(line, fitted - half, fitted + half, color=RED, alpha=0.2, linewidth=0)
        text = f"R² = {explained:.2f}"
        if interval is not None:
            text += f" [{interval[0]:.2f}, {interval[1]:.2f}]"
        ax.plot(line, fitted, color=RED, linewidth=1.2, label=text)
        ax.legend(frameon=False, fontsize="small", handlelength=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return plain(ax)


def prediction_against_measurement(
    predicted: Float[np.ndarray, " cases"],
    measured: Float[np.ndarray, " cases"],
    *,
    label: str = "",
    colour: str = BLUE,
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Predictions against measurements on logarithmic axes, with the line of identity.

    Cases that are not positive and finite are left out. Raises `ValueError` when none is left.
    """
    kept = np.isfinite(predicted) & np.isfinite(measured) & (predicted > 0) & (measured > 0)
    if not kept.any():
        raise ValueError("predicted and measured share no case that is positive and finite")
    ax = axes_or_new(ax)
    ax.scatter(measured[kept], predicted[kept], s=12, color=colour, alpha=0.7, label=label or None)
    ax.set(xscale="log", yscale="log")
    low = min(ax.get_xlim()[0], ax.get_ylim()[0])
    high = max(ax.get_xlim()[1], ax.get_ylim()[1])
    ax.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=0)
    ax.set(xlim=(low, high), ylim=(low, high))
    suffix = f" ({unit})" if unit else ""
    ax.set(xlabel=f"measured{suffix}", ylabel=f"predicted{suffix}")
    if label:
        ax.legend(frameon=False, fontsize="small")
    return plain(ax)
