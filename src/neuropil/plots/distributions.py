"""Distributions over neurons: degrees, rates, motif frequencies."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, plain


def degree_histogram(
    in_degrees: Num[np.ndarray, " neurons"],
    out_degrees: Num[np.ndarray, " neurons"] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Histogram of in-degrees and, where given, out-degrees. Raises `ValueError` when empty."""
    _require_values("in_degrees", in_degrees)
    ax = axes_or_new(ax)
    both = in_degrees if out_degrees is None else np.concatenate([in_degrees, out_degrees])
    low, high = int(both.min()), int(both.max())
    width = max(1, int(np.ceil((high - low + 1) / 40)))
    bins = np.arange(low, high + width + 1, width) - 0.5
    ax.hist(in_degrees, bins, color=BLUE, alpha=0.75, label="in-degree")
    if out_degrees is not None:
        ax.hist(out_degrees, bins, histtype="step", color=RED, linewidth=1.5, label="out-degree")
        ax.legend(frameon=False)
    ax.set(xlabel="in-degree" if out_degrees is None else "degree", ylabel="neurons")
    return plain(ax)


def rate_histogram(
    rates: Num[np.ndarray, " neurons"], *, label: str = "", ax: Axes | None = None
) -> Axes:
    """Histogram of firing rates given in spikes/ms and drawn in Hz; `ValueError` when empty."""
    _require_values("rates", rates)
    ax = axes_or_new(ax)
    ax.hist(1000 * rates, bins=30, color=BLUE, alpha=0.75, label=label or None)
    ax.set(xlabel="firing rate (Hz)", ylabel="neurons")
    if label:
        ax.legend(frameon=False)
    return plain(ax)


def motif_frequencies(
    realised: Mapping[str, Num[np.ndarray, " networks"]],
    requested: Mapping[str, float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Excess alpha of each motif over independent edges, one box a motif, requests as lines.

    Raises `ValueError` when a requested motif is not among those realised.
    """
    ax = axes_or_new(ax)
    names = list(realised)
    ax.boxplot(
        [realised[name] for name in names],
        tick_labels=names,
        medianprops={"color": BLUE},
        flierprops={"markersize": 3, "markeredgecolor": GREY},
    )
    for name, value in (requested or {}).items():
        if name not in names:
            raise ValueError(f"requested motif {name!r} is not among {names}")
        at = names.index(name) + 1
        ax.hlines(value, at - 0.35, at + 0.35, color=RED, linewidth=1.5)
    ax.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_ylabel("excess over independent edges (alpha)")
    return plain(ax)


def _require_values(name: str, values: Num[np.ndarray, " values"]) -> None:
    if values.size == 0 or not np.all(np.isfinite(values)):
        raise ValueError(f"{name} must hold at least one value, all finite")
