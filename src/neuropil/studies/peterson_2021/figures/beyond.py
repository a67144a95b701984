"""Integration over time, and the test by cross mapping."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, CYCLE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.peterson_2021.claims.cross_mapping import called

Results = Mapping[str, xr.Dataset]

_SHOWN_SAMPLES = 200

# Thin over thick: cells that are slow do alike, whoever they listen to.
_LOCAL = {"fmt": "o-", "markersize": 6, "linewidth": 3}
_ALL_TO_ALL = {"fmt": "s--", "markersize": 4, "linewidth": 1, "markerfacecolor": "white"}


def integration(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Accuracy by number of cells, and with false weights."""
    levels = configuration["integration"]["noise"]
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.subplots(2, len(levels), sharey=True, squeeze=False)
    for column, level in enumerate(levels):
        data = results[f"integration-noise-{level:g}"]
        for number, kind in enumerate(data.kind.values):
            low, middle, high = np.quantile(
                data.accuracy.sel(kind=kind).values, (0.25, 0.5, 0.75), axis=1
            )
            style: dict[str, Any] = _LOCAL if str(kind).endswith("local") else _ALL_TO_ALL
            style = {**style, "color": CYCLE[number], "elinewidth": 1, "capsize": 2}
            axes[0, column].errorbar(
                data.cells.values, middle, yerr=(middle - low, high - middle), label=str(kind),
                **style,
            )  # fmt: skip
            worse = data.accuracy_with_errors.sel(kind=kind).isel(cells=-1).median("seed")
            axes[1, column].errorbar(data.error.values, worse.values, **style)
        axes[0, column].axhline(float(data.best), color=GREY, linestyle="--", linewidth=1)
        axes[1, column].axhline(float(data.best), color=GREY, linestyle="--", linewidth=1)
        axes[0, column].set(xlabel="cells", xscale="log", title=f"noise {level:g}")
        axes[0, column].set_xticks(data.cells.values, data.cells.values)
        axes[0, column].minorticks_off()
        axes[1, column].set(xlabel=f"relative error of weights ({int(data.cells[-1])} cells)")
    for row in axes:
        row[0].set_ylabel("accuracy")
    for ax in axes.flat:
        plain(ax)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False
    )
    return DrawnFigure(
        "integration",
        "Evidence added up over a second: accuracy by number of cells (medians and quartiles over "
        "seeds), and of the largest networks when their weights are off. Broken line: the ideal "
        "observer.",
        figure,
        alt="Slow cells are near the ideal observer with one cell, fast ones are not.",
    )


def examples(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """A neuron and an astrocyte of the same circuit in every condition."""
    data = results["cross-mapping"]
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(len(data.condition), 1, sharex=True)
    seconds = data.time.values[:_SHOWN_SAMPLES] / 1000
    for ax, condition in zip(axes, data.condition.values, strict=True):
        for part, colour in zip(data.part.values, (BLUE, RED), strict=True):
            values = data.example.sel(condition=condition, part=part).values[:_SHOWN_SAMPLES]
            scaled = (values - values.mean()) / values.std()
            ax.plot(seconds, scaled, color=colour, linewidth=1, label=str(part))
        ax.set_ylabel(str(condition))
        plain(ax)
    axes[-1].set_xlabel("time (s)")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False
    )
    return DrawnFigure(
        "circuits",
        "Rate of a neuron and activity of an astrocyte (standardised) in a circuit whose "
        "astrocytes neither sense nor act, only sense, have inputs of their own and act, or all "
        "of it.",
        figure,
        alt="Four pairs of irregular time courses.",
    )


def cross_mapping(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Skill in both directions, and shares of circuits that are called coupled."""
    data = results["cross-mapping"]
    level = configuration["cross_mapping"]["significance"]
    figure = Figure(figsize=(9, 5.8), layout="constrained")
    axes = figure.subplots(2, 3)
    for row, direction in enumerate(data.direction.values):
        skill, by_length, by_noise = axes[row]
        for number, condition in enumerate(data.condition.values):
            values = data.skill_by_length.sel(condition=condition, direction=direction).values
            colour = CYCLE[number]
            aside = 0.5 * (np.arange(len(values)) + 0.5) / len(values) - 0.25
            skill.plot(number + aside, values[:, -1], "o", color=colour, markersize=3)
            skill.hlines(np.median(values[:, -1]), number - 0.3, number + 0.3, color=colour)
            for ax, by, at in (
                (by_length, "length", data.length.values),
                (by_noise, "noise", data.noise.values),
            ):
                found = called(data, str(condition), str(direction), level=level, by=by)
                ax.plot(
                    at, found.mean(axis=0), "o-", color=colour, markersize=4, label=str(condition)
                )
        skill.set_xticks(range(len(data.condition)), data.condition.values)
        skill.set(ylabel="skill (correlation)", title=str(direction))
        by_length.set(xlabel="samples", ylabel="share called coupled", xscale="log")
        by_length.set_xticks(data.length.values, data.length.values)
        by_length.minorticks_off()
        by_noise.set(xlabel="measurement noise (sd)")
        for ax in (by_length, by_noise):
            ax.set_ylim(-0.04, 1.04)
            ax.axhline(level, color=GREY, linestyle="--", linewidth=1)
        for ax in axes[row]:
            plain(ax)
    figure.legend(
        *axes[0, 1].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False
    )
    return DrawnFigure(
        "cross-mapping",
        "Convergent cross mapping between the first principal components of neurons and "
        "astrocytes: skill with the longest recordings (points: circuits), and the share of "
        "circuits in which it is better than that of circularly shifted series. Broken line: "
        "expected by chance.",
        figure,
        alt="Two rows of panels, one for each direction.",
    )


__all__ = ["cross_mapping", "examples", "integration"]
