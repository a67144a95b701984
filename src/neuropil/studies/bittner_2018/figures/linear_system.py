"""The linear system: pairs of entries, directions, and the path to the answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.studies.contract import DrawnFigure

Results = Mapping[str, xr.Dataset]


def pairs(results: Results) -> DrawnFigure:
    """Figure 2 of the document, with the frequency as colour and both modes."""
    data = results["linear-system"]
    figure = Figure(figsize=(7.5, 6.6), layout="constrained")
    plots.pair_plot(
        data["sample"].values,
        [f"{name} (1/s)" for name in data.parameter.values],
        colour=data.statistic.sel(name="frequency").values / (2 * np.pi),
        colour_label="frequency (Hz)",
        modes=data["mode"].values,
        figure=figure,
    )
    return DrawnFigure(
        "linear-system",
        "Entries of two-dimensional linear systems that oscillate at 1 Hz without growing: "
        f"{data.sizes['draw']:,} samples of the distribution of largest entropy. Crosses: the "
        "likeliest sample of each island.",
        figure,
        alt="The diagonal entries lie on a falling line; the other two have opposite signs and "
        "form two islands, one for each sense of rotation.",
    )


def directions_and_path(results: Results) -> DrawnFigure:
    """What is stiff and what is free at a mode; how the answer was reached."""
    data = results["linear-system"]
    figure = Figure(figsize=(9.5, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plots.sensitivity_directions(
        data.eigenvalue.values[0],
        data.direction_component.values[0],
        data.parameter.values.tolist(),
        ax=left,
    )
    plots.inference_trace(data.trace.values, ax=right)
    return DrawnFigure(
        "linear-directions",
        "Left: eigenvectors of the Hessian of the log density at a mode, entries in units of "
        "their standard deviation; two are stiff, two are free. Right: the path from the uniform "
        "distribution to the answer.",
        figure,
        alt="The stiffest direction moves both diagonal entries together. Entropy falls along "
        "the path while the missing constraint shrinks.",
    )


def printed(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """The corrected form of the printed example."""
    data = results["printed-example"]
    figure = Figure(figsize=(7.5, 6.6), layout="constrained")
    plots.pair_plot(
        data["sample"].values,
        [f"{name} (1/s)" for name in data.parameter.values],
        colour=data.statistic.sel(name="frequency").values / (2 * np.pi),
        colour_label="frequency (Hz)",
        figure=figure,
    )
    bound = configuration["printed_example"]["solved_bound"]
    return DrawnFigure(
        "printed-example",
        f"The printed example with variances of 1 and entries within {bound:g}/s: 2 Hz.",
        figure,
        alt="Two islands again, with larger entries off the diagonal.",
    )


__all__ = ["directions_and_path", "pairs", "printed"]
