"""Figures 5A, 5B and 13: what the ratio of the time scales changes."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_bandits.figures.comparisons import by_tau, curves, finals
from neuropil.studies.gong_2023_bandits.summaries import starts_of_visits
from neuropil.studies.gong_2023_bandits.time_scales import AWAKE, NO_ASTROCYTES

Results = Mapping[str, xr.Dataset]


def single_runs(results: Results) -> DrawnFigure:
    """Figure 5A: runs with equal and with separate time scales."""
    data = results["flip-flop-time-scales"]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    for row, ratio in zip(figure.subplots(2, 3), ("1", "0.01"), strict=True):
        one = data.sel(agent=ratio)
        plots.cumulative_regret(
            data.trial_of_point.values,
            {f"tau = {ratio}": one.total.values},
            each_run=True,
            switches=starts_of_visits(data),
            ax=row[0],
        )
        contexts = np.arange(data.sizes["visit"]) % 2
        plots.context_learning_curves(one.by_visit.values, contexts, ax=row[1])
        phases = {"visits 3 and 4": slice(2, 4), "last two visits": slice(-2, None)}
        plots.regret_after_switch(
            data.trial_of_bin.values,
            {
                name: one.after_switch.isel(visit=place).mean("visit").values
                for name, place in phases.items()
            },
            ax=row[2],
        )
    return DrawnFigure(
        "figure-5a",
        "Figure 5A. Flip-flop with equal time scales (above) and with astrocytes a hundred times "
        "slower (below): cumulative regret of every run, regret by visit to each context, and "
        "regret after a switch early and late in the run.",
        figure,
        alt="Two rows of three panels: runs, visits, and trials since the switch.",
    )


def projections(results: Results) -> DrawnFigure:
    """Figure 5B: astrocytes and synapses along their first principal components."""
    data = results["dynamics"].isel(network=0)
    visits = data.attrs["visits"]
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    for row, ratio in zip(figure.subplots(2, 2), ("1", "0.01"), strict=True):
        phases = {"early": 0, "middle": visits // 2 - visits // 2 % 2, "late": visits - 2}
        one = data.sel(agent=ratio)
        for ax, part in zip(row, ("astrocytes", "synapses"), strict=True):
            paths = {}
            for context in (0, 1):
                for phase, visit in phases.items():
                    chosen = one.visit_of_state.values == visit + context
                    paths[f"context {context}, {phase}"] = one[part].values[chosen]
            plots.component_trajectories(
                paths, labels=(f"{part}, component 1", "component 2"), ax=ax
            )
            ax.text(0.02, 0.98, f"tau = {ratio}", transform=ax.transAxes, va="top")
    return DrawnFigure(
        "figure-5b",
        "Figure 5B. Astrocytes (left) and synapses (right) along their first two principal "
        "components in early, middle and late visits to both contexts, with equal (above) and "
        "separate time scales (below). Open circles: the visit begins; filled: it ends.",
        figure,
        alt="Paths in planes, in two colours, that come to lie over each other with time.",
    )


def impact(results: Results) -> DrawnFigure:
    """Figure 13: time scales in the stationary task, and all runs in the flip-flop."""
    stationary, changing = (results[f"{task}-time-scales"] for task in ("stationary", "flip-flop"))
    names = stationary.agent.values.tolist()
    named = by_tau(stationary)
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subfigures(2, 1)
    left, right = above.subplots(1, 2)
    curves(named, named.agent.values.tolist(), left)
    finals(named, named.agent.values.tolist(), right)
    axes = below.subplots(1, len(names), sharey=True)
    for ax, name in zip(axes, names, strict=True):
        plots.cumulative_regret(
            changing.trial_of_point.values,
            {f"tau = {name}": changing.total.sel(agent=name).values},
            each_run=True,
            switches=starts_of_visits(changing),
            ax=ax,
        )
    return DrawnFigure(
        "figure-13",
        "Figure 13. Time-scale ratio: stationary bandit (above), every run of the flip-flop "
        "(below; thick: median).",
        figure,
        alt="Curves and points above, four panels of single runs below.",
    )


def strong(results: Results) -> DrawnFigure:
    """Beyond: astrocytes that act strongly."""
    data = results["strong-astrocytes"]
    names = list(map(str, data.agent.values))
    labels = {name: name if name in (NO_ASTROCYTES, AWAKE) else f"tau = {name}" for name in names}
    renamed = data.assign_coords(agent=list(labels.values()))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    curves(renamed, list(labels.values()), left)
    finals(renamed, list(labels.values()), right)
    return DrawnFigure(
        "strong-astrocytes",
        "Flip-flop where astrocytes act strongly on synapses: D drawn with N the number of "
        "astrocytes. Cumulative regret (left; grey lines: the context changes) and final regret "
        "of all runs (right) for several time-scale ratios, astrocytes that never move (tau = 0), "
        "none at all, and astrocytes of the slowest kind that do not begin at zero. Medians with "
        "95 % intervals.",
        figure,
        alt="Curves that rise steeply for fast and for awake astrocytes, and flatten for others.",
    )


__all__ = ["impact", "projections", "single_runs", "strong"]
