"""Complexity as stated and exactly, and leak in a constructed wave."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, CYCLE, GREY, RED, legend, plain
from neuropil.studies.contract import DrawnFigure

Results = Mapping[str, xr.Dataset]

_FROM = 12


def penalties(results: Results) -> DrawnFigure:
    """Steps beyond those of neurons, from 12 cells."""
    data = results["complexity"].sel(before=_FROM)
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    ax = figure.subplots()
    after = data.after.values
    ax.plot(after, data.document_penalty, "o", color=GREY, markersize=4, label="as stated")
    even = np.isfinite(data.width_penalty.values)
    ax.plot(after[even], data.width_penalty[even], "s-", color=BLUE, markersize=3, label="width")
    ax.plot(
        after[even], data.mixing_penalty[even], "^-", color=RED, markersize=3,
        label="every output from every input",
    )  # fmt: skip
    ax.set(xlabel="cells at the end", ylabel="steps beyond one")
    legend(ax)
    plain(ax)
    return DrawnFigure(
        "complexity",
        f"Steps of the shortest wave from {_FROM} cells (k = 3), less the one of neurons. No wave "
        "ends at an odd number.",
        figure,
        alt="Three rows of points that agree in part.",
    )


def equivalence(results: Results) -> DrawnFigure:
    """Error against leak."""
    data = results["equivalence"]
    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    ax = figure.subplots()
    relative = np.maximum((data.leak_error / data.largest_output).values, 1e-16)
    ax.semilogy(data.leak.values, relative, "o-", color=CYCLE[0], markersize=4)
    ax.axhline(1.0, color=GREY, linewidth=1, linestyle="--")
    ax.set(xlabel="standard deviation of the leak (cells)", ylabel="relative change of an output")
    plain(ax)
    return DrawnFigure(
        "equivalence-leak",
        "A trained perceptron as a wave of astrocytes: largest change of an output when "
        "transmitter leaks in every step, relative to the largest output.",
        figure,
        alt="An error that rises by many orders of magnitude between 0.1 and 0.3.",
    )


__all__ = ["equivalence", "penalties"]
