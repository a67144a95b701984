"""Figures of the stomatogastric ganglion."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.circuits import pyloric_parameters
from neuropil.circuits.stomatogastric import SYNAPSE_NAMES
from neuropil.plots.style import BLUE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure

Results = Mapping[str, xr.Dataset]


def synapses(results: Results) -> DrawnFigure:
    """The seven synapses of circuits with the rhythm, coloured by burst rate."""
    data = results["stomatogastric"]
    values = data["sample"].values[:, -len(SYNAPSE_NAMES) :]
    rate = data["statistic"].sel(name="burst_rate").values
    kept = np.isfinite(rate)
    figure = Figure(figsize=(10, 10), layout="constrained")
    labels = [f"log10 {name}" for name in SYNAPSE_NAMES]
    plots.pair_plot(
        values[kept], labels, colour=rate[kept], colour_label="burst rate (Hz)", figure=figure
    )
    return DrawnFigure(
        "stomatogastric-synapses",
        f"{kept.sum()} circuits drawn from the distribution of largest entropy with the "
        "tri-phasic rhythm: logarithms of the seven synapses (mS), coloured by burst rate.",
        figure,
        alt="The two synapses of the pacemaker onto LP stand in for each other.",
    )


def ranges(results: Results) -> DrawnFigure:
    """Where in its published range each parameter lies, and in which directions they are held."""
    published = pyloric_parameters()
    varied = results["stomatogastric"]["sample"].values
    first = len(published.names) - varied.shape[1]
    low, high = published.lower[first:], published.upper[first:]
    logarithmic = published.is_logarithmic[first:]
    low, high = (np.log10(end, where=logarithmic, out=np.array(end, float)) for end in (low, high))
    shares = (varied - low) / (high - low)
    names = published.names[first:]
    figure = Figure(figsize=(10, 1.6 + 0.22 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    places = np.arange(len(names))[::-1]
    for (lowest, highest), width in (((0.05, 0.95), 1.2), ((0.25, 0.75), 4.0)):
        ends = np.quantile(shares, [lowest, highest], axis=0)
        left.hlines(places, *ends, color=BLUE, linewidth=width)
    left.plot(np.median(shares, axis=0), places, "o", color=RED, markersize=3.5)
    left.set_yticks(places, names)
    left.set(xlim=(0, 1), xlabel="part of the published range")
    held = np.sqrt(12 * np.linalg.eigvalsh(np.atleast_2d(np.cov(shares, rowvar=False))))
    right.plot(np.arange(1, len(held) + 1), held, "o-", color=BLUE, markersize=3.5)
    right.axhline(1, color=GREY, linewidth=0.8, linestyle="--")
    right.set(
        ylim=(0, None), xlabel="direction, stiffest first", ylabel="spread (uniform draws: 1)"
    )
    plain(left)
    plain(right)
    return DrawnFigure(
        "stomatogastric-ranges",
        f"Left: median (red), quartiles and central 90 % of the {len(names)} parameters of "
        "circuits with the tri-phasic rhythm, in their published ranges (synapses in the "
        "logarithm). Right: spread along the principal directions of the same draws, in units of "
        "that of uniform ones.",
        figure,
        alt="Most parameters cover most of their range; few directions are held tightly.",
    )


def predicted(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Statistics of fresh circuits at a finer step, in units of their targets' spread."""
    data = results["stomatogastric"]
    wanted = configuration["stomatogastric"]["targets"]
    centre = np.array([mean for mean, _ in wanted.values()])
    spread = np.array([deviation for _, deviation in wanted.values()])
    off = (data.fresh_mean.values - centre) / spread
    wide = data.fresh_deviation.values / spread
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    ax = figure.subplots()
    places = np.arange(len(wanted))
    ax.axhspan(-1, 1, color=GREY, alpha=0.2, linewidth=0)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.errorbar(places, off, wide, fmt="o", color=BLUE, capsize=3)
    ax.set_xticks(places, [name.replace("_", " ") for name in wanted])
    ax.set(ylabel="mean and spread\n(target spread)")
    plain(ax)
    return DrawnFigure(
        "stomatogastric-predicted",
        "Fresh circuits at half the step: mean and standard deviation of every statistic about "
        "its target, in units of the target's standard deviation (band).",
        figure,
        alt="All means lie near zero and all spreads near one.",
    )


def rasters(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Spikes of some fresh circuits."""
    data = results["stomatogastric"]
    times = data.spike_time.transpose("shown", "cell", "spike").values
    figure = Figure(figsize=(9, 0.5 * len(times) + 1.2), layout="constrained")
    end = configuration["stomatogastric"]["duration"]
    plots.circuit_rasters(
        times, [str(cell) for cell in data.cell.values], interval=(1_000.0, end),
        ax=figure.subplots(),
    )  # fmt: skip
    return DrawnFigure(
        "stomatogastric-rasters",
        f"Spikes of {len(times)} circuits drawn from the distribution, simulated at half the step "
        "after the first second.",
        figure,
        alt="In nearly every circuit AB/PD, LP and PY burst one after the other.",
    )


def hub(results: Results) -> DrawnFigure:
    """The frequency of the hub at both steps, and what the step changes."""
    data = results["hub"]
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    published = data.frequency.sel(step_size="published").values
    fine = data.frequency.sel(step_size="fine").values
    shown = left.scatter(
        data.electrical, data.inhibition, c=published, s=4, linewidths=0, cmap="viridis",
        rasterized=True,
    )  # fmt: skip
    figure.colorbar(shown, ax=left, label="hub frequency (Hz)")
    left.set(xlabel="electrical coupling (nS)", ylabel="inhibition of the hub (nS)")
    right.plot(published, fine, ".", color=BLUE, markersize=2, rasterized=True)
    ends = [np.nanmin(fine), np.nanmax(fine)]
    right.plot(ends, ends, color=RED, linewidth=0.8)
    right.set(xlabel="frequency at 25 ms steps (Hz)", ylabel="at fine steps (Hz)")
    plain(left)
    plain(right)
    return DrawnFigure(
        "stomatogastric-hub",
        "The five-cell form: frequency of the hub over the published box at the published step "
        "(left), and against that at a fine step (right; equality in red).",
        figure,
        alt="Frequency falls with inhibition; many points lie off the line of equality.",
    )


__all__ = ["hub", "predicted", "ranges", "rasters", "synapses"]
