"""Figures of the two problems that combine this document with the others."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, GREY, ORANGE, RED, legend, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]
MOTIF_LABELS = {
    "hebbian_gain_1": "$c_1$",
    "hebbian_gain_2": "$c_2$",
    "glial_gain_1": "$d_1$",
    "glial_gain_2": "$d_2$",
    "neuron_decay_1": "$a_1$",
}
BINS = 40


def figures(configuration: Mapping[str, Any], results: Results) -> Iterator[DrawnFigure]:
    """Motifs by their fold, networks by their rates."""
    return as_far_as_run(
        partial(three_fixed_points, configuration["three_fixed_points"], results),
        partial(heterogeneous_rates, configuration["heterogeneous_rates"], results),
    )


def three_fixed_points(settings: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Folds before and after, how each parameter may vary, and how they make up for each other."""
    data = results["three-fixed-points"]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    folds, spread, together = figure.subplots(1, 3)
    _folds(folds, settings, data)
    ratio = data.value.values / data.reference.values
    labels = [MOTIF_LABELS[name] for name in data.parameter.values]
    parts = spread.violinplot(ratio, showextrema=False, widths=0.8)
    for body in parts["bodies"]:
        body.set(facecolor=BLUE, alpha=0.5)
    spread.set(
        xticks=range(1, len(labels) + 1),
        xticklabels=labels,
        ylabel="value relative to Fig. 9",
    )
    spread.axhline(1.0, color=GREY, linewidth=0.8)
    plain(spread)
    correlation = np.corrcoef(ratio.T)
    image = together.imshow(correlation, cmap="RdBu_r", vmin=-1, vmax=1)
    for row, column in np.ndindex(correlation.shape):
        if row != column:
            together.text(
                column,
                row,
                f"{correlation[row, column]:.2f}",
                ha="center",
                va="center",
                fontsize="small",
                color="white" if abs(correlation[row, column]) > 0.6 else "black",
            )
    together.set(
        xticks=range(len(labels)),
        xticklabels=labels,
        yticks=range(len(labels)),
        yticklabels=labels,
    )
    figure.colorbar(image, ax=together, label="correlation", shrink=0.8)
    right = (data["count"].values == np.array([[1], [3]])).all(axis=0) & data.complete.values.all(0)
    return DrawnFigure(
        "three-fixed-points",
        "Neuron-glia motifs with their fold where Fig. 9 of Gong et al. has it. Left: the "
        "astrocyte's output at the fold, over the whole support and under the distribution of "
        "largest entropy, with the normal curve that was asked for. Middle and right: parameters "
        f"relative to those of Fig. 9, and their correlations. Of {right.size} sampled motifs "
        f"{right.mean():.1%} have, by proof, one stationary state just below the fold and three "
        "just above.",
        figure,
        alt="A narrow histogram within a broad one, five broad violins, and a table of "
        "correlations.",
    )


def _folds(ax: Axes, settings: Mapping[str, Any], data: xr.Dataset) -> None:
    drawn = data.drawn_fold.values
    edges = np.linspace(np.nanmin(drawn), np.nanmax(drawn), BINS).tolist()
    ax.hist(drawn[np.isfinite(drawn)], edges, density=True, color=GREY, alpha=0.5, label="support")
    sampled = data.sampled_fold.values
    narrow = np.linspace(np.nanmin(sampled), np.nanmax(sampled), BINS // 2).tolist()
    ax.hist(
        data.sampled_fold.values,
        narrow,
        density=True,
        color=BLUE,
        alpha=0.7,
        label="largest entropy",
    )
    mean, deviation = settings["fold"], settings["deviation"]
    at = mean + deviation * np.linspace(-4, 4, 200)
    height = np.exp(-0.5 * ((at - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    ax.plot(at, height, color=RED, label="target")
    ax.set(xlabel="astrocyte output ψ(z) at the fold", ylabel="density")
    legend(ax)
    plain(ax)


def heterogeneous_rates(settings: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Statistics before and after with fresh networks, and where in parameters they come from."""
    data = results["heterogeneous-rates"]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    rates, wiring, coupling = figure.subplots(1, 3)
    mean, variation = (data.drawn.sel(statistic=name) for name in ("mean_rate", "variation"))
    rates.plot(mean, variation, ".", color=GREY, markersize=2, alpha=0.5, label="support (theory)")
    rates.plot(*data.predicted.values.T, ".", color=BLUE, markersize=3, label="sampled (theory)")
    rates.plot(
        *data.measured.values.T,
        "o",
        color=ORANGE,
        markersize=4,
        markeredgecolor="white",
        markeredgewidth=0.5,
        label="sampled (networks)",
    )
    target = data.target.values
    rates.plot(*target, "+", color=RED, markersize=12, markeredgewidth=2, label="target")
    rates.set(xscale="log", xlabel="mean rate (Hz)", ylabel="coefficient of variation of rates")
    rates.set_ylim(0, 1.25 * float(np.nanmax(variation)))
    legend(rates)
    plain(rates)
    names = {
        "connection_probability": "connection probability",
        "convergent": "convergent pairs α",
        "chain": "chains α",
        "coupling": "coupling g p N (mV ms)",
    }
    for ax, across, up, colour in (
        (wiring, "convergent", "chain", "connection_probability"),
        (coupling, "chain", "coupling", "convergent"),
    ):
        x, y, shade = (data.value.sel(parameter=name) for name in (across, up, colour))
        points = ax.scatter(x, y, c=shade, s=6, cmap="viridis")
        ax.set(xlabel=names[across], ylabel=names[up])
        ax.set_xlim(*settings["ranges"][across])
        ax.set_ylim(*settings["ranges"][up])
        figure.colorbar(points, ax=ax, label=names[colour])
        plain(ax)
    return DrawnFigure(
        "heterogeneous-rates",
        f"Second-order networks of {int(data.neurons)} neurons with a mean rate of "
        f"{target[0]:g} Hz and a coefficient of variation of {target[1]:g} over neurons. Left: "
        "both statistics over the whole support and under the distribution of largest entropy, "
        "by the reduced theory and in fresh networks. Middle and right: the wirings and couplings "
        "that it consists of.",
        figure,
        alt="A cloud of grey dots with a small blue cluster at the target and orange dots spread "
        "around it; two scatter plots of parameters in which chains and coupling go together.",
    )


__all__ = ["figures"]
