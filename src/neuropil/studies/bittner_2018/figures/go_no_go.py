"""Go/No-Go: the distribution on stable branches, and the branch on which the task was posed."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import BLUE, GREY, RED, legend_above, plain
from neuropil.studies.contract import DrawnFigure

Results = Mapping[str, xr.Dataset]

SYMBOLS = {
    "mean_m": "$M_m$",
    "mean_n": "$M_n$",
    "deviation_m": r"$\Sigma_m$",
    "deviation_n": r"$\Sigma_n$",
    "strength": "$g$",
}


def pairs(results: Results) -> DrawnFigure:
    """All five parameters, coloured by the response."""
    data = results["go-no-go"]
    figure = Figure(figsize=(8.5, 7.4), layout="constrained")
    plots.pair_plot(
        data["sample"].values,
        [SYMBOLS[name] for name in data.parameter.values],
        colour=data.statistic.sel(name="go").values,
        colour_label=r"$\kappa$ with the stimulus",
        figure=figure,
    )
    return DrawnFigure(
        "go-no-go",
        "Networks of rank one that respond to the stimulus and rest without it, on stable "
        f"branches: {data.sizes['draw']:,} samples.",
        figure,
        alt="The means of m and n cannot both be large, or the network responds without a "
        "stimulus.",
    )


def trap(results: Results) -> DrawnFigure:
    """The iterated overlap against the branches; finite networks."""
    data = results["go-no-go"]
    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = data.parameter.values.tolist()
    product = (
        data.draw_parameter.values[:, names.index("mean_m")]
        * data.draw_parameter.values[:, names.index("mean_n")]
    )
    overlaps, rests = data.branch_overlap.values[:, 0], data.branch_rests.values[:, 0]
    for chosen, colour, label in ((rests, BLUE, "stable"), (~rests, GREY, "unstable")):
        which, branch = np.nonzero(chosen & np.isfinite(overlaps))
        left.plot(
            product[which], overlaps[which, branch], ".", color=colour, markersize=2.5, label=label
        )
    left.plot(product, data.iterated.values, "_", color=RED, markersize=4, label="iterated from 0")
    left.set(xlabel="$M_m M_n$", ylabel=r"$\kappa$ without a stimulus")
    plain(left)
    legend_above(left, rows=1)
    colours = {0: GREY, 1: BLUE}
    for stimulus, label in ((0, "No-Go"), (1, "Go")):
        expected = data.expected_overlap.values[:, stimulus]
        for place, size in enumerate(data["size"].values):
            measured = data.measured_overlap.values[place, :, stimulus]
            if stimulus == 0:
                measured = -np.abs(measured)
            right.plot(
                expected, measured, "o", color=colours[stimulus], markersize=3 + 3 * place,
                markerfacecolor="none", label=f"{label}, N = {size}",
            )  # fmt: skip
    ends = np.array([-0.3, 1.1 * float(data.expected_overlap.max())])
    right.plot(ends, ends, color=GREY, linewidth=0.8)
    right.set(xlabel=r"$\kappa$ by theory", ylabel=r"$\kappa$ of a network")
    plain(right)
    legend_above(right, rows=2)
    return DrawnFigure(
        "go-no-go-trap",
        "Left: all overlaps without a stimulus by mean-field theory, at draws from the support. "
        "The published iteration stays at zero for every one of them, also where zero is "
        "unstable. Right: simulated networks at samples of the solution (No-Go with its sign "
        "made negative).",
        figure,
        alt="Stable branches leave zero in a pitchfork beyond a product of about two; the "
        "iterated values stay on the line of zero.",
    )


__all__ = ["SYMBOLS", "pairs", "trap"]
