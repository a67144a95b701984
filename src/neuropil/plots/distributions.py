"""Distributions over neurons and over networks: degrees, rates, motif frequencies."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, legend, plain, require_finite

MOST_BINS = 40


def degree_histogram(
    in_degrees: Num[np.ndarray, " neurons"],
    out_degrees: Num[np.ndarray, " neurons"] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Histogram of in-degrees and, where given, out-degrees, in bins that hold whole degrees.

    Raises `ValueError`, naming the argument, when one is empty or not finite.
    """
    both = {"in_degrees": in_degrees}
    if out_degrees is not None:
        both["out_degrees"] = out_degrees
    for name, degrees in both.items():
        require_finite(name, degrees)
    ax = axes_or_new(ax)
    low = int(min(degrees.min() for degrees in both.values()))
    high = int(max(degrees.max() for degrees in both.values()))
    width = max(1, round((high - low + 1) / _bins_for(in_degrees)))
    bins = (np.arange(low, high + width + 1, width) - 0.5).tolist()
    ax.hist(in_degrees, bins, color=BLUE, alpha=0.75, label="in-degree")
    if out_degrees is not None:
        ax.hist(out_degrees, bins, histtype="step", color=RED, linewidth=1.4, label="out-degree")
        legend(ax, loc="upper right")
    ax.set(xlabel="in-degree" if out_degrees is None else "degree", ylabel="neurons")
    return plain(ax)


def rate_histogram(
    rates: Num[np.ndarray, " neurons"], *, label: str = "", ax: Axes | None = None
) -> Axes:
    """Histogram of firing rates given in spikes/ms and drawn in Hz.

    Raises `ValueError` when `rates` is empty or not finite.
    """
    require_finite("rates", rates)
    ax = axes_or_new(ax)
    ax.hist(1000 * rates, _bins_for(rates), color=BLUE, alpha=0.75, label=label or None)
    ax.set(xlabel="firing rate (Hz)", ylabel="neurons")
    if label:
        legend(ax, loc="upper right")
    return plain(ax)


def motif_frequencies(
    realised: Mapping[str, Num[np.ndarray, " networks"]],
    requested: Mapping[str, float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Excess alpha of each motif over independent edges: realised networks against requests.

    One bar a motif at the mean over networks, with a point for each network, and the
    requested value as a line across it. Raises `ValueError` when a motif has no value or a
    requested motif is not among those realised.
    """
    names = list(realised)
    for name in names:
        require_finite(f"realised[{name!r}]", realised[name])
    for name in requested or {}:
        if name not in names:
            raise ValueError(f"requested motif {name!r} is not among {names}")
    ax = axes_or_new(ax)
    means = [float(np.mean(realised[name])) for name in names]
    ax.bar(range(len(names)), means, width=0.66, color=BLUE, alpha=0.35, label="mean")
    for at, name in enumerate(names):
        values = np.sort(realised[name])
        if values.size > 1:
            # Golden-ratio steps spread the points evenly over the bar, the same way every time.
            across = (np.arange(values.size) * 0.6180339887) % 1 - 0.5
            ax.plot(at + 0.5 * across, values, ".", color=BLUE, markersize=3, label="network")
    for name, value in (requested or {}).items():
        at = names.index(name)
        ax.hlines(value, at - 0.4, at + 0.4, color=RED, linewidth=2, label="requested")
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xticks(range(len(names)), names, fontsize="small", rotation=20)
    ax.set_ylabel("excess α over\nindependent edges")
    legend(ax, loc="upper right")
    return plain(ax)


def _bins_for(values: Num[np.ndarray, " values"]) -> int:
    return min(MOST_BINS, len(np.histogram_bin_edges(values, "auto")) - 1)
