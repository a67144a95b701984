"""Figures of what the poster left to do."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import BLUE, CYCLE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]


def figures(configuration: Mapping[str, Any], results: Results) -> Iterator[DrawnFigure]:
    """Shares explained, perturbation, branches, real connectomes, and the SONET limit."""
    return as_far_as_run(
        partial(shares_explained, configuration, results),
        partial(perturbation, configuration, results),
        partial(branches, results),
        partial(saturation, results),
        partial(real_connectomes, configuration, results),
        partial(limit, configuration, results),
    )


def shares_explained(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """How much of the variance across networks each set of predictors explains."""
    size = configuration["ensemble"]["sizes"][-1]
    families = ("erdos-renyi", "sonet", *configuration["real_families"])
    figure = Figure(figsize=(11, 2.6 * len(families)), layout="constrained")
    axes = figure.subplots(len(families), 2, sharex=True, sharey=True)
    for row, family in zip(axes, families, strict=True):
        for ax, kind in zip(row, ("excitatory", "mixed"), strict=True):
            shares = results[f"{family}-{kind}-{size}"].explained.sel(response="rate")
            at = np.arange(shares.sizes["regression_strength"])
            for number, name in enumerate(shares.predictors.values):
                one = shares.sel(predictors=name)
                middle = one.sel(share="explained").values
                low, high = (one.sel(share=edge).values for edge in ("low", "high"))
                ax.errorbar(
                    at + 0.12 * (number - 1.5),
                    middle,
                    yerr=np.abs([middle - np.fmin(low, middle), np.fmax(high, middle) - middle]),
                    fmt="o",
                    markersize=4,
                    color=CYCLE[number],
                    label=str(name),
                )
            ax.set_xticks(at, [f"{value:g}" for value in shares.regression_strength.values])
            ax.set_title(f"{family}, {kind}", fontsize="medium")
            ax.set_ylim(-0.05, 1.05)
            plain(ax)
        row[0].set_ylabel("share explained")
    for ax in axes[-1]:
        ax.set_xlabel("connection strength (mV ms)")
    axes[0, 1].legend(frameon=False, fontsize="small", ncols=2)
    return DrawnFigure(
        "shares-explained",
        "Share of the variance, across 100 networks, of the variance of firing rates that is "
        "explained by the variance of in-degree, that of in-strength, motif frequencies, or all; "
        "bars are 95 % bootstrap intervals.",
        figure,
        alt="Points with error bars: near one at weak strength, falling at strong coupling, most "
        "of all in mixed networks.",
    )


def perturbation(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Predicted against measured variance of rates, and its error against strength."""
    size = configuration["ensemble"]["sizes"][-1]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    cases = [
        (family, kind)
        for family in ("erdos-renyi", "sonet", *configuration["real_families"])
        for kind in ("excitatory", "mixed")
    ]
    for number, (family, kind) in enumerate(cases):
        data = results[f"{family}-{kind}-{size}"]
        measured = data.rate.sel(moment="variance")
        predicted = data.predicted_rate_variance
        weak = data.strength <= 50
        colour, style = CYCLE[number // 2], "-" if kind == "excitatory" else "--"
        pairs = np.stack([predicted.values[:, weak].ravel(), measured.values[:, weak].ravel()])
        drawn = 1e6 * pairs[:, np.all(np.isfinite(pairs) & (pairs > 0), axis=0)]
        plots.prediction_against_measurement(
            drawn[0],
            drawn[1],
            colour=colour,
            unit="Hz²",
            ax=left,
        )
        error = np.abs(predicted / measured - 1).median("network")
        right.plot(data.strength, error, style, color=colour, label=f"{family}, {kind}")
    left.set_title("variance of rates, strengths up to 50", fontsize="medium")
    right.axhline(0.2, color=GREY, linewidth=0.8, linestyle=":")
    right.set(xscale="log", yscale="log", ylim=(1e-5, 10))
    right.set(xlabel="connection strength (mV ms)", ylabel="median relative error")
    right.legend(frameon=False, fontsize="x-small")
    plain(right)
    return DrawnFigure(
        "perturbation",
        "First-order perturbation from moments of in-strength against the fixed points: every "
        "network (left), and the median relative error by strength (right; dotted: 20 %).",
        figure,
        alt="Points along the identity line; error curves rising with strength.",
    )


def branches(results: Results) -> DrawnFigure:
    """Mixed networks followed beyond the iteration, and excitatory ones between two folds."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for ax, data in ((left, results["branches-mixed"]), (right, results["branches-bistable"])):
        for number in range(min(3, data.sizes["network"])):
            filled = np.isfinite(data.branch_strength.values[number])
            strength = data.branch_strength.values[number][filled]
            value = data.branch_input.values[number][filled]
            folds = data.fold_strength.values[number]
            folds = folds[np.isfinite(folds)]
            turns = [np.argmin(np.abs(strength - fold)) for fold in folds]
            plots.bifurcation_diagram(
                strength,
                value,
                data.branch_stable.values[number][filled],
                special={"fold": np.column_stack([folds, value[turns]])} if len(folds) else None,
                parameter_label="connection strength (mV ms)",
                value_label="mean input current (mV)",
                colour=CYCLE[2 * number],
                ax=ax,
            )
    right.set_yscale("log")
    left.set_title("mixed, drive 15 mV", fontsize="medium")
    right.set_title("excitatory, weaker drive", fontsize="medium")
    return DrawnFigure(
        "branches",
        "Branches of fixed points followed by pseudo-arclength continuation in three networks "
        "each. Left: mixed networks, through strengths at which the iteration does not converge. "
        "Right: excitatory networks driven well below threshold are bistable between two folds "
        "(points); dashed states are unstable for the rate dynamics.",
        figure,
        alt="Left: mean input against strength without interruption; right: S-shaped curves.",
    )


def saturation(results: Results) -> DrawnFigure:
    """Mean input with and without a refractory period."""
    data = results["branches-saturation"]
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    ax = figure.subplots()
    for refractory, colour in (("with", BLUE), ("without", RED)):
        lines = data.mean_input.sel(refractory=refractory).values
        ax.plot(data.strength, lines.T, color=colour, linewidth=1)
        ax.plot([], [], color=colour, label=f"{refractory} refractory period")
    ax.axvspan(
        float(data.predicted_runaway.min()),
        float(data.predicted_runaway.max()),
        color=RED,
        alpha=0.15,
        label="predicted run-away",
    )
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="connection strength (mV ms)", ylabel="mean input current (mV)")
    ax.legend(frameon=False)
    plain(ax)
    return DrawnFigure(
        "saturation",
        "Excitatory networks with the poster's neuron, and with one that has no refractory period: "
        "without the ceiling of the rate, inputs run away where the strength times the spectral "
        "radius of the weights reaches tau (V_th - V_r).",
        figure,
        alt="Blue curves rise steadily; red curves end at a strength near ten.",
    )


def real_connectomes(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Variance of rates in real connectomes, against theories and twins."""
    names = configuration["connectomes"]["names"]
    columns = 2
    rows = int(np.ceil(len(names) / columns))
    figure = Figure(figsize=(11, 3.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax, name in zip(axes.flat, names, strict=False):
        data = results[f"whole-{name}"]
        measured = 1e3 * data.rate.sel(weighting="connections").std("neuron")
        ax.plot(data.coupling, measured, "o-", color="black", markersize=4, label="connectome")
        for model, colour, title in (
            ("degrees", BLUE, "degree theory"),
            ("perturbation", CYCLE[3], "perturbation"),
        ):
            predicted = data.predicted_variance.sel(weighting="connections", model=model)
            ax.plot(
                data.coupling,
                1e3 * np.sqrt(predicted.where(predicted > 0)),
                color=colour,
                label=title,
            )
        for variable, colour, title in (
            ("sonet_twin_variance", CYCLE[2], "second-order twins"),
            ("erdos_renyi_variance", GREY, "Erdos-Renyi twins"),
        ):
            spread = 1e3 * data[variable] ** 0.5
            low, high = (spread.quantile(level, "twin") for level in (0.025, 0.975))
            ax.fill_between(data.coupling, low, high, color=colour, alpha=0.4, label=title)
        ax.set_title(name, fontsize="small")
        ax.set(xscale="log", yscale="log", ylim=(0.05, 300))
        plain(ax)
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    axes.flat[0].legend(frameon=False, fontsize="x-small")
    figure.supxlabel("strength × mean in-degree (mV ms)")
    figure.supylabel("s.d. of rates (Hz)")
    return DrawnFigure(
        "real-connectomes",
        "Standard deviation of firing rates over the cells of real connectomes (points), what in- "
        "and out-degrees predict of it, and its range over random twins with the same "
        "second-order statistics or the same density only. Beyond its range, around the steepest "
        "rise, perturbation theory may predict next to no variance or none at all.",
        figure,
        alt="One panel a connectome: measured points, two predicted curves and two bands.",
    )


def limit(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Rate distributions of large SONETs and of the limit."""
    sizes = configuration["sonet_limit"]["sizes"]
    data = results[f"limit-{sizes[-1]}"]
    coupling = data.coupling.values[0]
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, setting in enumerate(data.setting.values):
        one = data.sel(setting=setting, coupling=coupling)
        left.plot(1e3 * one.rate.mean("graph"), data.level, color=CYCLE[number], label=str(setting))
        left.plot(1e3 * one.expected_rate.sel(correction="limit"), data.level, "k:", linewidth=1)
    left.plot([], [], "k:", label="limit")
    left.set(xlabel="firing rate (Hz)", ylabel="share of neurons below")
    left.set_title(f"{sizes[-1]} neurons, coupling {coupling:g} mV ms", fontsize="medium")
    left.legend(frameon=False, fontsize="small")
    plain(left)
    for number, correction in enumerate(data.correction.values):
        distance = []
        for size in sizes:
            at = results[f"limit-{size}"]
            expected = at.expected_rate.sel(correction=correction)
            gap = np.abs(at.rate.mean("graph") - expected).mean("level") / expected.std("level")
            distance.append(float(gap.mean()))
        right.plot(sizes, distance, "o-", color=CYCLE[number], label=str(correction))
    right.set(xscale="log", yscale="log", xlabel="neurons", ylabel="distance / spread of rates")
    right.set_xticks(sizes, [str(size) for size in sizes])
    right.minorticks_off()
    right.legend(frameon=False)
    plain(right)
    return DrawnFigure(
        "sonet-limit",
        "Left: distribution of one-neuron rates in large SONETs that differ in one statistic from "
        "the reference; divergent and reciprocal motifs leave it alone, convergent ones do not. "
        "Right: distance between sorted rates and the limit as networks grow.",
        figure,
        alt="Cumulative curves, three of which coincide; a falling line of distance against size.",
    )
