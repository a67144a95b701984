"""Figures 1 to 4b of the poster."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]


def figures(configuration: Mapping[str, Any], results: Results) -> Iterator[DrawnFigure]:
    """Transfer function, networks, fixed points against strength, moments against moments."""
    return as_far_as_run(
        partial(figure_1, results),
        partial(figure_2, configuration, results),
        partial(figure_3, configuration, results),
        partial(motifs, configuration, results),
        partial(figure_4b, configuration, results),
    )


def figure_1(results: Results) -> DrawnFigure:
    """Voltage, rate and slope of the rate."""
    neuron = results["neuron"]
    figure = Figure(figsize=(10, 3), layout="constrained")
    voltage, rate = figure.subplots(1, 2)
    voltage.plot(neuron.time, neuron.voltage, linewidth=0.6)
    voltage.set(xlabel="time (ms)", ylabel="membrane potential (mV)")
    shown = neuron.sel(input=slice(0, 120))
    plots.transfer_function(
        shown.input.values, shown.rate.values, slope=shown.slope.values, ax=rate
    )
    rate.plot(
        neuron.probed_input,
        1000 * neuron.simulated_rate,
        "o",
        color="black",
        markersize=4,
        label="counted spikes",
    )
    rate.legend(frameon=False, loc="center right")
    return DrawnFigure(
        "figure-1",
        "Fig. 1. Left: membrane potential of the integrate-and-fire neuron just at threshold "
        "drive (20 mV). Right: firing rate and its derivative against mean input, with rates "
        "counted in simulations of the stochastic equation.",
        figure,
        alt="A voltage trace with spikes; a rising, saturating rate curve with five simulated "
        "points on it; its derivative with one peak.",
    )


def figure_2(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """A small piece of a network as a graph, and whole adjacency matrices."""
    size = configuration["ensemble"]["sizes"][0]
    figure = Figure(figsize=(10, 9), layout="constrained")
    for row, kind in zip(figure.subplots(2, 2), ("excitatory", "mixed"), strict=True):
        weights = results[f"erdos-renyi-{kind}-{size}"].example_weights.values
        inhibitory = weights.min(axis=0) < 0
        # The last excitatory and the first inhibitory cells, so that both kinds are seen.
        order = np.argsort(inhibitory, kind="stable")
        middle = max(16, int((~inhibitory).sum()) + 4)
        cells = order[middle - 16 : middle]
        plots.digraph(weights[np.ix_(cells, cells)], ax=row[0])
        row[0].set_title(f"{kind}: 16 of {size} neurons")
        types = np.where(inhibitory, "inhibitory", "excitatory").tolist()
        plots.adjacency(weights, types, ax=row[1])
    return DrawnFigure(
        "figure-2",
        "Fig. 2. An Erdos-Renyi network, purely excitatory (top) and mixed (bottom): a few of its "
        "neurons as a graph, and its weights with rows postsynaptic. Inhibition is red.",
        figure,
        alt="Two graphs of sixteen neurons on circles and two matrices of points; in the mixed "
        "network the last fifth of the columns is red.",
    )


def figure_3(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Fixed points of single networks against strength."""
    size = configuration["ensemble"]["sizes"]
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    mixed = [results[f"erdos-renyi-mixed-{n}"] for n in size]
    examined = [(data, number) for data in mixed for number in range(data.sizes["examined"])]

    def converges(case: tuple[xr.Dataset, int]) -> float:
        return float(case[0].iteration_converged[case[1]].mean())

    best, worst = max(examined, key=converges), min(examined, key=converges)
    pictured = (
        (*best, "mixed, converges most"),
        (*worst, "mixed, stops converging"),
        (results[f"erdos-renyi-excitatory-{size[0]}"], 0, "excitatory"),
        (results[f"erdos-renyi-excitatory-{size[-1]}"], 0, "excitatory"),
    )
    for ax, (data, number, title) in zip(axes.flat, pictured, strict=True):
        plots.fixed_points_against_strength(
            data.strength.values,
            data.example_input.values[number],
            converged=data.iteration_converged.values[number],
            ax=ax,
        )
        ax.set_title(f"{title} ({data.attrs['neurons']} neurons)")
    return DrawnFigure(
        "figure-3",
        "Fig. 3. Fixed points against connection strength, one line a neuron. Top: two mixed "
        "networks; grey: the iteration does not converge there, and the fixed points are those "
        "that Newton's method finds. Bottom: two excitatory networks.",
        figure,
        alt="Four panels of lines against strength: straight and rising in excitatory networks, "
        "bent and spreading both ways in mixed ones.",
    )


def motifs(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Realised motif frequencies of both families."""
    size = configuration["ensemble"]["sizes"][-1]
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for ax, family in zip(
        figure.subplots(1, 2, sharey=True), ("erdos-renyi", "sonet"), strict=True
    ):
        data = results[f"{family}-excitatory-{size}"]
        realised = {
            str(name): data.motif_excess.sel(motif=name).values for name in data.motif.values
        }
        plots.motif_frequencies(realised, ax=ax)
        ax.set_title(f"{family}, {size} neurons")
    return DrawnFigure(
        "figure-4a",
        "Fig. 4a, counted. Excess frequency of reciprocal pairs and three-cell motifs over "
        "independent edges, over 100 networks of each family.",
        figure,
        alt="Box plots around zero for Erdos-Renyi networks and spread upwards for SONETs.",
    )


def figure_4b(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Standard deviations and variances of in-degree against those of rates and inputs."""
    size = configuration["ensemble"]["sizes"][-1]
    data = results[f"erdos-renyi-excitatory-{size}"].sel(moment="variance")
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    at = data.sel(strength=190.0)
    for row, root, name in ((axes[0], True, "s.d."), (axes[1], False, "variance")):
        for ax, response, scale, unit in ((row[0], "rate", 1e3, "Hz"), (row[1], "input", 1, "mV")):
            x, y = at.in_degree.values, scale**2 * at[response].values
            plots.moment_scatter(
                np.sqrt(x) if root else x,
                np.sqrt(y) if root else y,
                xlabel=f"{name} of in-degree",
                ylabel=f"{name} of {response} ({unit}{'' if root else '²'})",
                ax=ax,
            )
    return DrawnFigure(
        "figure-4b",
        f"Fig. 4b. Standard deviations (top) and variances (bottom) of in-degree against those of "
        f"firing rates (left) and input currents (right) at strength 190, 100 Erdos-Renyi "
        f"networks of {size} neurons.",
        figure,
        alt="Four scatter plots with rising straight lines.",
    )
