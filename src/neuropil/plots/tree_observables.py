"""Statistics of growing networks against those of their limit."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Array, Num
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from neuropil.plots.style import (
    CYCLE,
    GREY,
    axes_or_new,
    legend,
    legend_with_room,
    plain,
    require_finite,
)

Values = Num[Array | np.ndarray, " _entries"]
MARKERS = "osD^vP*"
ROOM_FOR_NAMES = 28
"""Characters that fit under a journal column side by side."""


def observables(
    trees: Sequence[str],
    limit: Values,
    measured: Mapping[str, Values],
    *,
    errors: Mapping[str, Values] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Observables of networks over those of the limit, tree by tree, with bars of one error.

    `limit` has one value for each name in `trees`, and so has every entry of `measured` (by
    label, such as a number of neurons) and of `errors`: standard errors in the same unit. The
    limit is the line at one.

    Raises `ValueError`, naming the argument, when lengths differ, a number is not finite, an
    error is negative or without a measurement, or the limit holds a zero.
    """
    errors = errors or {}
    require_finite("limit", np.asarray(limit))
    if np.any(np.asarray(limit) == 0):
        raise ValueError(f"limit must not hold a zero, to which nothing compares, got {limit}")
    _require_tables(len(trees), {"limit": limit}, "limit")
    _require_tables(len(trees), measured, "measured")
    _require_tables(len(trees), errors, "errors")
    for label, error in errors.items():
        if label not in measured:
            raise ValueError(f"errors has {label!r}, which is not among {list(measured)}")
        if np.any(np.asarray(error) < 0):
            raise ValueError(f"errors[{label!r}] must not be negative")
    ax = axes_or_new(ax)
    ax.axhline(1.0, color=GREY, linewidth=1, label="limit")
    at = np.arange(len(trees))
    for number, (label, values) in enumerate(measured.items()):
        aside = 0.6 * ((number + 0.5) / len(measured) - 0.5)
        ratio = np.asarray(values) / np.asarray(limit)
        bar = np.abs(np.asarray(errors[label]) / np.asarray(limit)) if label in errors else None
        ax.errorbar(
            at + aside, ratio, yerr=bar, fmt=MARKERS[number % len(MARKERS)], markersize=4,
            capsize=2, linewidth=1, color=CYCLE[number % len(CYCLE)], label=label,
        )  # fmt: skip
    tilted = sum(len(name) + 1 for name in trees) > ROOM_FOR_NAMES
    ax.set_xticks(
        at, list(trees), fontsize="small", rotation=30 if tilted else 0,
        ha="right" if tilted else "center", rotation_mode="anchor",
    )  # fmt: skip
    ax.set(xlim=(-0.6, len(trees) - 0.4), ylabel="observable / limit")
    legend_with_room(ax)
    return plain(ax)


def convergence(
    sizes: Num[np.ndarray, " _entries"],
    errors: Mapping[str, Values],
    *,
    standard_errors: Mapping[str, Values] | None = None,
    error_label: str = "error",
    size_label: str = "neurons",
    ax: Axes | None = None,
) -> Axes:
    """Errors against size on logarithmic axes, with the power law fitted to each set of them.

    Every entry of `errors` (by label) has one positive value a size; the exponent of the least
    squares fit to the logarithms stands in the legend. `standard_errors` are drawn as bars.

    Raises `ValueError`, naming the argument, when lengths differ, there are fewer than two
    sizes, a number is not positive and finite, or a standard error has no error of its name.
    """
    standard_errors = standard_errors or {}
    sizes = np.asarray(sizes, float)
    if np.unique(sizes).size < 2 or not np.all(np.isfinite(sizes) & (sizes > 0)):
        raise ValueError(f"sizes must hold at least two positive, finite values, got {sizes}")
    _require_tables(sizes.size, errors, "errors")
    _require_tables(sizes.size, standard_errors, "standard_errors")
    for label, values in errors.items():
        if np.any(np.asarray(values) <= 0):
            raise ValueError(f"errors[{label!r}] must be positive, got {np.asarray(values)}")
    for label in standard_errors:
        if label not in errors:
            raise ValueError(f"standard_errors has {label!r}, which is not among {list(errors)}")
    ax = axes_or_new(ax)
    for number, (label, values) in enumerate(errors.items()):
        colour = CYCLE[number % len(CYCLE)]
        exponent, intercept = np.polyfit(np.log(sizes), np.log(np.asarray(values)), 1)
        bar = None if label not in standard_errors else np.asarray(standard_errors[label])
        ax.errorbar(
            sizes, np.asarray(values), yerr=bar, fmt=MARKERS[number % len(MARKERS)], markersize=4,
            capsize=2, linewidth=1, color=colour, label=f"{label}: exponent {exponent:.2f}",
        )  # fmt: skip
        ends = np.array([sizes.min(), sizes.max()])
        ax.plot(ends, np.exp(intercept) * ends**exponent, color=colour, linewidth=1, alpha=0.6)
    ax.set(xscale="log", yscale="log", xlabel=size_label, ylabel=error_label)
    ax.set_xticks(np.unique(sizes), [f"{size:g}" for size in np.unique(sizes)])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
    legend(ax, loc="best")
    return plain(ax)


def _require_tables(entries: int, tables: Mapping[str, Values], name: str) -> None:
    for label, values in tables.items():
        if len(values) != entries:
            raise ValueError(f"{name}[{label!r}] has {len(values)} entries, {entries} are needed")
        require_finite(f"{name}[{label!r}]", np.asarray(values))


__all__ = ["convergence", "observables"]
