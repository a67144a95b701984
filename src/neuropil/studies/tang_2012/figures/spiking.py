"""Figures of self-consistent rates against spiking networks."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, CYCLE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.tang_2012.claims.spiking import ASYNCHRONOUS, EQUATION, SHOT

Results = Mapping[str, xr.Dataset]

THEORY_COLOURS = {EQUATION: BLUE, SHOT: RED}
LARGEST_FACTOR = 2.0
"""Rates wrong by this factor have the deepest colour."""


def figures(configuration: Mapping[str, Any], results: Results) -> Iterator[DrawnFigure]:
    """Rates neuron by neuron and on average, and where the equation fails."""
    return as_far_as_run(
        partial(rates, configuration, results),
        partial(failure, results),
    )


def rates(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Counted against predicted rates of single neurons, and mean rates over coupling."""
    networks = list(configuration["spiking"]["networks"])
    mixed = next(name for name in networks if "mixed" in name)
    excitatory = next(name for name in networks if "excitatory" in name)
    shown = [(excitatory, 2), (mixed, 3), *((name, 1) for name in networks[-2:])]
    figure = Figure(figsize=(11, 7.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    for ax, (name, place) in zip(above.subplots(1, len(shown)), shown, strict=True):
        _neurons(ax, results[f"spikes-{name}"].isel(coupling=place), name)
    above.supxlabel("predicted rate (Hz)", fontsize="medium")
    above.supylabel("counted rate (Hz)", fontsize="medium")
    for ax, theory in zip(below.subplots(1, 2, sharey=True), THEORY_COLOURS, strict=True):
        for number, name in enumerate(networks):
            _means(ax, results[f"spikes-{name}"], theory, name, number)
        ax.axhline(1, color=GREY, linewidth=0.8, zorder=0)
        ax.set(xscale="log", xlabel="strength × mean in-degree (mV ms)", ylim=(0.6, 1.65))
        ax.set_title(theory, fontsize="medium")
        plain(ax)
    below.axes[0].set_ylabel("counted / predicted mean rate")
    below.axes[0].legend(frameon=False, fontsize="x-small", loc="upper left")
    return DrawnFigure(
        "spiking-rates",
        "Top: rates of single neurons counted in spiking networks against self-consistent ones, "
        "with the noise of the equation (blue) and with that of the network's own spikes added "
        "(red). Bottom: mean rates counted over predicted, against coupling; hollow where the "
        f"Fano factor of the population's spike counts in 1 ms exceeds {ASYNCHRONOUS:g} (volleys). "
        "No mark where the iteration reaches no fixed point.",
        figure,
        alt="Four scatter plots along the diagonal, and ratios near one that leave it at strong "
        "coupling.",
    )


def _neurons(ax: Axes, data: xr.Dataset, name: str) -> None:
    for theory, colour in THEORY_COLOURS.items():
        predicted = 1e3 * data.predicted_rate.sel(theory=theory).values
        ax.plot(
            predicted, 1e3 * data.rate.values, ".", color=colour, markersize=4, alpha=0.5,
            markeredgewidth=0, label=theory,
        )  # fmt: skip
    high = 1e3 * 1.05 * float(max(data.rate.max(), data.predicted_rate.max()))
    ax.plot([0, high], [0, high], color=GREY, linewidth=0.8, zorder=0)
    ax.set(xlim=(0, high), ylim=(0, high), aspect="equal")
    ax.set_title(f"{_short(name)}\nat {float(data.coupling):g} mV ms", fontsize="small")
    plain(ax)


def _means(ax: Axes, data: xr.Dataset, theory: str, name: str, number: int) -> None:
    ratio = data.ratio.sel(theory=theory)
    colour = CYCLE[number % len(CYCLE)] if number < len(CYCLE) else "black"
    error = (data.mean_rate_error / data.mean_rate * ratio).values
    ax.errorbar(
        data.coupling, ratio, yerr=2 * error, color=colour, linewidth=1,
        linestyle="--" if "mixed" in name else "-",
    )  # fmt: skip
    for volleys in (False, True):
        chosen = (data.fano > ASYNCHRONOUS).values == volleys
        ax.plot(
            data.coupling[chosen], ratio[chosen], "o", color=colour, markersize=5,
            markerfacecolor="white" if volleys else colour,
        )  # fmt: skip
    ax.plot(
        [], [], "--o" if "mixed" in name else "-o", color=colour, markersize=4, label=_short(name)
    )


def _short(name: str) -> str:
    return name.replace("-cook-2019-chemical", "").replace("-eichler-2017-right", "")


def failure(results: Results) -> DrawnFigure:
    """Mean rate counted over predicted, for every noise, jump and in-degree."""
    sweep = results["spikes-sweep"]
    rows = [(kind, theory) for kind in sweep.kind.values for theory in THEORY_COLOURS]
    columns = sweep.noise.values
    figure = Figure(figsize=(11, 2.5 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), sharex=True, sharey=True)
    scale = Normalize(-np.log(LARGEST_FACTOR), np.log(LARGEST_FACTOR))
    for ax, noise in zip(axes[0], columns, strict=True):
        ax.set_title(f"noise {noise:g} mV", fontsize="medium")
    for row, (kind, theory) in zip(axes, rows, strict=True):
        for ax, noise in zip(row, columns, strict=True):
            _factors(ax, sweep.sel(kind=kind, theory=theory, noise=noise), scale)
        row[0].set_ylabel(f"{kind},\n{theory}\n\nin-degree", fontsize="small")
    bar = figure.colorbar(ScalarMappable(scale, "RdBu_r"), ax=axes, aspect=50, extend="both")
    ticks = np.array([0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0])
    bar.set_ticks(np.log(ticks).tolist(), labels=[f"{tick:g}" for tick in ticks])
    bar.set_label("counted / predicted mean rate")
    figure.supxlabel("jump at a spike from an excitatory neuron (mV)", fontsize="medium")
    return DrawnFigure(
        "spiking-failure",
        f"Where the equation fails: mean rate counted in Erdos-Renyi networks of "
        f"{sweep.attrs['neurons']} neurons over the one predicted, against the jump that a spike "
        "makes and the mean in-degree, at three noises; the drive is such that a neuron alone "
        "fires at the same rate everywhere. Underlined: volleys (Fano factor above "
        f"{ASYNCHRONOUS:g}). Grey: the iteration reaches no fixed point. With fixed noise, mixed "
        "networks fire more than predicted, as their own spikes add noise; counted as white noise "
        "it is too much where jumps are large.",
        figure,
        alt="Twelve tables of coloured cells: near one at small jumps and strong noise, off at "
        "large jumps and weak noise.",
    )


def _factors(ax: Axes, data: xr.Dataset, scale: Normalize) -> None:
    ratio = data.ratio.transpose("in_degree", "jump").values
    fano = data.fano.transpose("in_degree", "jump").values
    ax.set_facecolor("#D0D0D0")
    ax.imshow(np.log(ratio), cmap="RdBu_r", norm=scale, origin="lower", aspect="auto")
    for (i, j), value in np.ndenumerate(ratio):
        if np.isfinite(value):
            dark = abs(np.log(value)) > 0.6 * np.log(LARGEST_FACTOR)
            colour = "white" if dark else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize="small", color=colour)
            if fano[i, j] > ASYNCHRONOUS:
                ax.plot([j - 0.22, j + 0.22], [i - 0.25] * 2, color=colour, linewidth=1)
    ax.set_xticks(range(data.sizes["jump"]), [f"{jump:g}" for jump in data.jump.values])
    ax.set_yticks(range(data.sizes["in_degree"]), [f"{k:g}" for k in data.in_degree.values])
    ax.tick_params(length=0)
