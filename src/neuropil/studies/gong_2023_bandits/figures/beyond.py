"""Contexts that come back, many contexts, failing signals, and the dynamics that were learned."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, CYCLE, RED, legend, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_bandits.contexts import SIGNALS
from neuropil.studies.gong_2023_bandits.summaries import DOCUMENTED_RATIO, pace

Results = Mapping[str, xr.Dataset]


def _lines(ax: Axes, places: np.ndarray, values: Mapping[str, np.ndarray]) -> None:
    """Median and quartiles over seeds (first axis), one line an agent."""
    for number, (label, each) in enumerate(values.items()):
        low, middle, high = np.quantile(each, (0.25, 0.5, 0.75), axis=0)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(places, middle, "o-", color=colour, markersize=3, label=label)
        ax.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
    ax.set_ylim(bottom=0)
    plain(ax)


def memory(results: Results) -> DrawnFigure:
    """A return to an old context, and two to ten contexts."""
    back, many = results["contexts-return"], results["contexts-number"]
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    agents = [str(name) for name in back.agent.values]
    visits = np.arange(back.sizes["visit"]) + 1
    _lines(left, visits, {name: back.by_visit.sel(agent=name).values for name in agents})
    for visit, context in zip(visits, back.context.values, strict=True):
        if context:
            left.axvspan(visit - 0.5, visit + 0.5, color=RED, alpha=0.06, linewidth=0)
    left.set(xlabel="visit (shaded: context 1)", ylabel="regret per trial")
    legend(left, loc="best")
    numbers = [int(number) for number in many.contexts.values]
    _lines(
        right,
        np.array(numbers),
        {
            str(name): many["last"].sel(agent=name).transpose("seed", "contexts").values
            for name in many.agent.values
        },
    )
    right.set(xlabel="contexts", ylabel="regret per trial in the last round")
    legend(right, loc="best")
    return DrawnFigure(
        "memory",
        "Left: regret by visit when the first context comes back after a long stay in the second. "
        "Right: regret in the last round through two to ten contexts. Medians and quartiles.",
        figure,
        alt="Lines, one an agent, over visits and over numbers of contexts.",
    )


def signals(results: Results) -> DrawnFigure:
    """Signals withheld, noisy and late."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    labels = ("share withheld", "deviation of the noise", "delay (trials)")
    for ax, kind, label in zip(figure.subplots(1, 3), SIGNALS, labels, strict=True):
        everything = results["contexts-signals"]
        chosen = (everything.kind.values == kind) | (everything["value"].values == 0)
        data = everything.isel(signal=np.flatnonzero(chosen))
        given = data["value"].values
        _lines(
            ax,
            np.arange(given.size),
            {
                str(name): np.stack(
                    [pace(data.sel(agent=name, signal=each)) for each in data.signal.values],
                    axis=1,
                )
                for name in data.agent.values
            },
        )
        ax.set_xticks(np.arange(given.size), [f"{value:g}" for value in given])
        ax.set(xlabel=label, ylabel="regret, over that of chance")
    legend(ax, loc="best")
    return DrawnFigure(
        "signals",
        "Flip-flop with a signal that is withheld, noisy or late: regret in the last cycle over "
        "that of choosing at random; medians and quartiles.",
        figure,
        alt="Three panels of rising lines.",
    )


def dynamics(results: Results) -> DrawnFigure:
    """The modulation along training, and the layer problem between the contexts."""
    data = results["dynamics"].sel(agent=DOCUMENTED_RATIO)
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for row in data.astrocytes.isel(component=0).values:
        left.plot(data.trial.values, row, color=BLUE, linewidth=0.8, alpha=0.8)
    left.set(xlabel="trial", ylabel="astrocytes, component 1")
    plain(left)
    for place, (name, style) in enumerate((("before", ":"), ("after", "-"))):
        margins = data.layer_margin.sel(learning=name)
        for context, colour in ((0, BLUE), (1, RED)):
            for number, row in enumerate(margins.sel(context=context).values):
                label = f"signal of context {context}, {name} learning"
                right.plot(
                    data.share.values, row, style, color=colour, linewidth=1,
                    label=label if number == 0 else None, zorder=place,
                )  # fmt: skip
    right.set(
        xlabel="modulation between its values in both contexts",
        ylabel="smallest singular value",
    )
    right.set_ylim(bottom=0)
    legend(plain(right), loc="best")
    return DrawnFigure(
        "dynamics",
        "Left: the pseudo-bifurcation parameter, astrocytes on their first component, along "
        "training. Right: distance from a saddle-node of neurons and synapses (smallest singular "
        "value of the Jacobian at their stationary state) on the way between the modulations of "
        "the contexts.",
        figure,
        alt="Curves that swing with the context, and lines that stay away from zero.",
    )


__all__ = ["dynamics", "memory", "signals"]
