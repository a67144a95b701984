"""Networks beside their limits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import BLUE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.jabin_2023.families import FAMILIES

Results = Mapping[str, xr.Dataset]


def network_and_limit(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Spikes, density, and rates against the type."""
    data = results["picture"]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1.15, 1])
    times, who = data.spike_time.values, data.spike_neuron.values
    kept = who % 5 == 0
    left.plot(times[kept], who[kept], "|", color="black", markersize=1.5, markeredgewidth=0.6)
    left.set(xlabel="time (ms)", ylabel="neuron (one in five)", title="spikes")
    plain(left)
    potentials = data.potential.values
    seen = (potentials > -5) & (potentials < 45)
    plots.density(
        data.time.values,
        potentials[seen],
        np.maximum(data.density.values[:, seen], 0.0),
        ax=middle,
    )
    middle.set_title("density of the limit")
    plots.rate_against_type(
        data.type.values,
        data.limit_rate.values,
        measured_types=data.neuron.values,
        measured_rates=data.rate.values,
        ax=right,
    )
    right.set_title("rates")
    return DrawnFigure(
        "network-and-limit",
        f"A dense random network of {data.sizes['neuron']} neurons and its limit: spikes of one "
        "realisation, f(t, v) averaged over types, and the rate of each neuron (mean over "
        "realisations) against its place xi.",
        figure,
        alt="A wave of first spikes, after which rates settle and rise with xi as predicted.",
    )


def observables(results: Results) -> DrawnFigure:
    """All trees of all families at the smallest and the largest size."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    for ax, name in zip(figure.subplots(2, 2).flat, FAMILIES, strict=True):
        data = results[name]
        # The function that is largest in the limit stands for all of them.
        chosen = int(np.abs(data.limit.values[0]).argmax())
        first, last = data.size.values[[0, -1]]
        plots.observables(
            data.tree.values.tolist(),
            data.limit.values[:, chosen],
            {
                f"N = {first}": data.value.values[0, :, chosen],
                f"N = {last}": data.value.values[-1, :, chosen],
            },
            ax=ax,
        )
        ax.tick_params(axis="x", labelsize=6)
        ax.set_title(name)
    return DrawnFigure(
        "observables",
        "All 17 trees of up to five vertices: observables of networks over those of the limit.",
        figure,
        alt="Points that lie off the line at one for small networks and on it for large ones.",
    )


def neural_field(results: Results) -> DrawnFigure:
    """The law of the potential, and all trees, by the two descriptions."""
    data = results["neural-field"]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.stairs(data.law.values, _edges(data.bin.values), color=GREY, fill=True, alpha=0.4,
                label="spiking network")  # fmt: skip
    for kernel, colour in (("types", BLUE), ("neural field", RED)):
        law = data.predicted_law.sel(kernel=kernel).values
        left.plot(data.cell.values, law, color=colour, label=kernel)
    left.set(xlim=(-3, 45), xlabel="membrane potential (mV)", ylabel="density (1/mV)")
    left.legend(frameon=False)
    plain(left)
    chosen = int(np.abs(data.value.values[0]).argmax())
    plots.observables(
        data.tree.values.tolist(),
        data.value.values[:, chosen],
        {
            kernel: data.predicted.sel(kernel=kernel).values[:, chosen]
            for kernel in ("types", "neural field")
        },
        ax=right,
    )
    right.set_ylabel("predicted / measured")
    right.tick_params(axis="x", labelsize=6)
    return DrawnFigure(
        "neural-field",
        "Two kinds of neurons mixed evenly in space: law of the potential, and all trees of up to "
        "five vertices, by the kernel over types and by a neural field in space.",
        figure,
        alt="The types meet the measured law; the neural field has one peak in a wrong place.",
    )


def _edges(middles: np.ndarray) -> np.ndarray:
    half = (middles[1] - middles[0]) / 2
    return np.append(middles - half, middles[-1] + half)


__all__ = ["network_and_limit", "neural_field", "observables"]
