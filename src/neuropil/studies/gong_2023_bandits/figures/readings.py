"""The table of readings, windows against ratios, and the size of the signal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import CYCLE, GREY, legend, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_bandits import readings
from neuropil.studies.gong_2023_bandits.claims.of_seeds import (
    ESCALATING_PACE,
    STATIONARY_PACE,
)
from neuropil.studies.gong_2023_bandits.summaries import pace, paces_by_window

Results = Mapping[str, xr.Dataset]

PACE = "regret in the last cycle, over that of choosing at random"
LEAST = 1e-4
CONTROLS = ("controls", "input")
WORDS = {readings.SEPARATE: "as stated", readings.EQUAL: "= 1"}


def table(results: Results) -> DrawnFigure:
    """Every reading of the network, with separate and with equal time scales, and every control."""
    ours, others = readings.table(results, readings.OURS), readings.table(results, CONTROLS)
    rows = {
        f"{name}: tau {WORDS[scales]}": row.pace
        for name, each in ours.items()
        for scales, row in each.items()
    }
    rows |= {name: row.pace for name, each in others.items() for row in each.values()}
    figure = Figure(figsize=(10, 0.8 + 0.2 * len(rows)), layout="constrained")
    ax = figure.subplots()
    plots.final_regrets(
        {name: np.maximum(each, LEAST) for name, each in rows.items()},
        label=PACE,
        horizontal=True,
        logarithmic=True,
        ax=ax,
    )
    for value in (STATIONARY_PACE, ESCALATING_PACE):
        ax.axvline(value, color=GREY, linewidth=0.8, linestyle=":")
    return DrawnFigure(
        "readings",
        "The flip-flop under every reading, with separate and with equal time scales, and under "
        "every control: regret in the last cycle over that of choosing at random; points "
        "are seeds, bars medians. Left of the first dotted line regret is nearly stationary, "
        "right of the second it escalates.",
        figure,
        alt="Rows of points on a logarithmic axis, one row a reading.",
    )


def windows(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Windows of back-propagation against ratios."""
    found = paces_by_window(configuration, results)
    names, ratios = list(found), list(next(iter(found.values())))
    values = np.array([[np.median(found[k][ratio]) for k in names] for ratio in ratios])
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    plots.heat_map(
        values,
        [f"{ratio:g}" for ratio in ratios],
        [str(k) for k in names],
        row_label="time-scale ratio tau",
        column_label="window of back-propagation",
        value_label="regret, over that of chance",
        ax=figure.subplots(),
    )
    return DrawnFigure(
        "windows",
        "Flip-flop: regret in the last cycle over that of choosing at random, median, by "
        "time-scale ratio and window of back-propagation.",
        figure,
        alt="A table of colours with its numbers.",
    )


def amplitudes(results: Results) -> DrawnFigure:
    """The size of the signal."""
    data = results["readings-amplitudes"]
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    ax = figure.subplots()
    places = np.arange(data.sizes["amplitude"])
    for number, agent in enumerate(data.agent.values):
        paces = np.stack([pace(data.sel(agent=agent, amplitude=a)) for a in data.amplitude.values])
        low, middle, high = np.quantile(paces, (0.25, 0.5, 0.75), axis=1)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(places, middle, "o-", color=colour, markersize=3, label=str(agent))
        ax.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
    ax.set_xticks(places, [str(a) for a in data.amplitude.values])
    ax.set(xlabel="amplitude of the signal", ylabel="regret, over that of chance")
    ax.set_ylim(bottom=0)
    legend(plain(ax), loc="best")
    return DrawnFigure(
        "amplitudes",
        "Flip-flop: regret in the last cycle over that of choosing at random against the "
        "amplitude of the signal; medians and quartiles.",
        figure,
        alt="Falling curves, one an agent.",
    )


__all__ = ["amplitudes", "table", "windows"]
