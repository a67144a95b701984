"""Errors that shrink: with the size of the network, and with the resolution of a connectome."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import BLUE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.jabin_2023.claims.convergence import relative_errors
from neuropil.studies.jabin_2023.families import FAMILIES

Results = Mapping[str, xr.Dataset]

SHOWN = {"[]": "root", "[[]]": "edge", "[[[]]]": "chain of 3", "[[][][][]]": "star of 5"}


def all_families(results: Results) -> DrawnFigure:
    """Errors of four trees against N, for every family."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    for ax, name in zip(figure.subplots(2, 2).flat, FAMILIES, strict=True):
        data = results[name]
        errors, uncertainty = relative_errors(data)
        names = data.tree.values.tolist()
        chosen = {SHOWN[tree]: names.index(tree) for tree in SHOWN}
        # What sampling hides is drawn at its own uncertainty: the error is no larger.
        seen = np.maximum(errors, uncertainty)
        plots.convergence(
            data.size.values,
            {label: seen[:, k] for label, k in chosen.items()},
            standard_errors={label: uncertainty[:, k] for label, k in chosen.items()},
            error_label="relative error",
            ax=ax,
        )
        ax.set_title(name)
    return DrawnFigure(
        "convergence",
        "Difference between tree observables of networks and of the limit, root mean square over "
        "graphs and test functions, relative to the limit; bars: one standard error, which is also "
        "the height of a point whose error sampling hides.",
        figure,
        alt="Straight falling lines on logarithmic axes, steepest for dense random graphs.",
    )


def two_errors(results: Results) -> DrawnFigure:
    """Chaos and kernel, and the correction."""
    data = results["split"]
    relative = (data / data.scale).isel(tree=1)
    figure = Figure(figsize=(5, 3.8), layout="constrained")
    ax = figure.subplots()
    parts = {
        "network against its own equation": relative.chaos.values,
        "the same, with shot noise": relative.corrected.values,
        "own equation against limit": relative.kernel.values,
    }
    seen = {label: np.maximum(values, 1e-6) for label, values in parts.items()}
    plots.convergence(data.size.values, seen, error_label="relative error of the edge", ax=ax)
    return DrawnFigure(
        "two-errors",
        "The error of a dense random network in two parts: expectations over realisations "
        "against the mean-field equation on the same weights (chaos), and that equation against "
        "the limit (graph).",
        figure,
        alt="The first part falls like 1/N, the second, from graph to graph, irregularly.",
    )


def connectomes(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Errors against the number of types."""
    names = configuration["connectomes"]["names"]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names)), names, strict=True):
        data = results[name]
        coarse = np.array([label.isdigit() for label in data.resolution.values])
        trees = data.error / data.scale
        types = data.colours.values
        for label, colour, values in (
            ("rates (rms over mean)", BLUE, data.rate_error / float(data.rate.mean())),
            ("worst tree of up to 4", RED, trees.max("tree")),
            ("root", GREY, trees.isel(tree=0)),
        ):
            kept = coarse | (data.resolution.values == "all")
            ax.plot(types[kept], values.values[kept], "o-", color=colour, label=label)
            shot = float(values.sel(resolution="all, shot noise"))
            ax.plot(types[-1], shot, "^", color=colour, markerfacecolor="none")
        ax.set(xscale="log", yscale="log", xlabel="types", ylabel="relative error", title=name)
        plain(ax)
        ax.legend(frameon=False, fontsize="small")
    return DrawnFigure(
        "connectomes",
        "Real connectomes: errors of the mean-field equation over colours of neurons, against the "
        "connectome's own spikes. Last points: every neuron its own type; triangles: with the "
        "shot noise of its synapses.",
        figure,
        alt="Errors fall by an order of magnitude between one and sixteen types.",
    )


def hierarchy(results: Results) -> DrawnFigure:
    """Remainders against N."""
    data = results["hierarchy"]
    share = (data.remainder / data.exact).values
    figure = Figure(figsize=(5, 3.8), layout="constrained")
    ax = figure.subplots()
    plots.convergence(
        data.size.values,
        {str(tree): share[:, k] for k, tree in enumerate(data.tree.values)},
        error_label="remainder / derivative",
        ax=ax,
    )
    return DrawnFigure(
        "hierarchy",
        "What the hierarchy leaves out of the exact derivative in time of tau_N(T), by tree (in "
        "brackets: each pair a vertex around its children).",
        figure,
        alt="Four parallel falling lines.",
    )


__all__ = ["all_families", "connectomes", "hierarchy", "two_errors"]
