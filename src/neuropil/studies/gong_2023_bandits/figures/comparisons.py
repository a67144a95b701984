"""Figures 4A, 4B, 10, 11, 12 and 14: agents on the same task."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.learning.bandits.regret import median_interval
from neuropil.plots.style import CYCLE, legend_above, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_bandits.summaries import of_task, starts_of_visits

Results = Mapping[str, xr.Dataset]


def curves(data: xr.Dataset, names: Sequence[str], ax: Axes, *, each_run: bool = False) -> None:
    """Cumulative regret of the named agents, median with its interval."""
    runs = {name: data.total.sel(agent=name).values for name in names}
    bands = {}
    for name, values in runs.items():
        found = median_interval(values)
        bands[name] = (found.lower, found.upper)
    plots.cumulative_regret(
        data.trial_of_point.values,
        runs,
        intervals=bands,
        each_run=each_run,
        switches=starts_of_visits(data),
        ax=ax,
    )


def finals(data: xr.Dataset, names: Sequence[str], ax: Axes) -> None:
    """Final regret of the named agents."""
    values = {name: data.final.sel(agent=name).values for name in names}
    ends = {}
    for name, each in values.items():
        found = median_interval(each)
        ends[name] = (float(found.lower), float(found.upper))
    plots.final_regrets(values, intervals=ends, ax=ax)


def by_tau(data: xr.Dataset) -> xr.Dataset:
    """Runs under several ratios, named as a reader sees them."""
    return data.assign_coords(agent=[f"tau = {name}" for name in data.agent.values])


def performance(results: Results) -> DrawnFigure:
    """Figure 4: agents in a stationary task and a flip-flop, time scales in the flip-flop."""
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    for ax, task in zip(axes[0], ("stationary", "flip-flop"), strict=True):
        data = of_task(results, task)
        curves(data, data.agent.values.tolist(), ax)
        ax.text(0.02, 0.98, task, transform=ax.transAxes, va="top")
    time_scales = by_tau(results["flip-flop-time-scales"])
    names = time_scales.agent.values.tolist()
    curves(time_scales, names, axes[1, 0])
    finals(time_scales, names, axes[1, 1])
    return DrawnFigure(
        "figure-4",
        "Figure 4. Cumulative regret, medians over seeds with distribution-free 95 % intervals. "
        "Above: stationary bandit (A) and flip-flop (B; grey lines: the context changes). Below: "
        "the neuro-glial network in the flip-flop for several time-scale ratios (C, D).",
        figure,
        alt="Four panels of rising or flattening curves, one colour an agent.",
    )


def convergence(results: Results) -> DrawnFigure:
    """Figure 10: when single runs of the stationary task lose, and what they lose in all."""
    data = of_task(results, "stationary")
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    kept = int(data.attrs["trials"])
    rows = {str(name): data.single.sel(agent=name).values[:kept] for name in data.agent.values}
    plots.regret_raster(rows, ax=left)
    curves(data, data.agent.values.tolist(), right)
    return DrawnFigure(
        "figure-10",
        "Figure 10. Stationary bandit: trials that lose in one run of each method (A), and "
        "cumulative regret (B).",
        figure,
        alt="Ticks that thin out with time, one row a method, beside flattening curves.",
    )


def gaps(results: Results) -> DrawnFigure:
    """Figure 11: regret against the distance between the arms."""
    data = of_task(results, "gaps")
    figure = Figure(figsize=(5, 3.8), layout="constrained")
    ax = figure.subplots()
    lambdas = data["lambda"].values
    for number, name in enumerate(data.agent.values):
        found = median_interval(data.final.sel(agent=name).transpose("seed", "lambda").values)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(lambdas, found.median, "o-", markersize=3, color=colour, label=str(name))
        ax.fill_between(lambdas, found.lower, found.upper, color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="lambda", ylabel="final regret", xscale="log")
    ax.set_ylim(bottom=0)
    ax.set_xticks(lambdas, [f"{value:g}" for value in lambdas])
    ax.minorticks_off()
    ax.invert_xaxis()
    plain(ax)
    legend_above(ax, rows=2)
    return DrawnFigure(
        "figure-11",
        "Figure 11. Final regret when the arms pay 0.6 - lambda, 0.6 and 0.6 + lambda: medians "
        "with 95 % intervals. The distances shrink to the right.",
        figure,
        alt="One line a method over shrinking lambda.",
    )


def changing(results: Results) -> DrawnFigure:
    """Figure 12: single runs and medians in the flip-flop and in the smooth task."""
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, task in zip(axes, ("flip-flop", "smooth"), strict=True):
        data = of_task(results, task)
        names = data.agent.values.tolist()
        kept = int(data.attrs["trials"])
        one = {
            name: np.cumsum(data.single.sel(agent=name).values[:kept])[None, ::20] for name in names
        }
        plots.cumulative_regret(
            np.arange(0, kept, 20), one, switches=starts_of_visits(data), ax=row[0]
        )
        curves(data, names, row[1])
        for ax, what in zip(row, ("one run", "median"), strict=True):
            ax.text(0.02, 0.98, f"{task}, {what}", transform=ax.transAxes, va="top")
    return DrawnFigure(
        "figure-12",
        "Figure 12. Cumulative regret in bandits that change: flip-flop (above) and smooth "
        "(below); one run of each method (left), and medians with 95 % intervals (right).",
        figure,
        alt="Four panels of rising curves; some flatten, others go on.",
    )


def eight_arms(results: Results) -> DrawnFigure:
    """Figure 14: eight arms."""
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    for row, task in zip(
        figure.subplots(2, 2), ("eight-stationary", "eight-flip-flop"), strict=True
    ):
        data = of_task(results, task)
        names = data.agent.values.tolist()
        curves(data, names, row[0])
        finals(data, names, row[1])
    return DrawnFigure(
        "figure-14",
        "Figure 14. Eight arms: stationary (above) and with means that jump between mu and "
        "1 - mu (below). Medians with 95 % intervals, and final regrets of all seeds.",
        figure,
        alt="Curves on the left, clouds of points on the right.",
    )


__all__ = [
    "by_tau",
    "changing",
    "convergence",
    "curves",
    "eight_arms",
    "finals",
    "gaps",
    "performance",
]
