"""Claims on what the wiring predicts of rates (Fig. 4b and Future Work)."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]

CLOSE = 0.2
"""A predicted variance within this fraction of the measured one counts as right."""


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Fig. 4b, the regressions that the poster announces, and the perturbation formula."""
    pieces = [f"{family}-excitatory" for family in configuration["real_families"]]
    return as_far_as_run(
        partial(figure_4b, configuration, results),
        partial(in_degree_predicts, configuration, results, "excitatory"),
        partial(in_degree_predicts, configuration, results, "mixed"),
        partial(motifs_add, configuration, results),
        partial(in_degree_in_real_pieces, configuration, results, pieces),
        partial(perturbation_holds, configuration, results),
        partial(perturbation_breaks, configuration, results),
    )


def _share(data: xr.Dataset, response: str, predictors: str, strength: float) -> xr.DataArray:
    return data.explained.sel(
        response=response, predictors=predictors, regression_strength=strength
    )


def _percent(shares: xr.DataArray) -> str:
    low, high = float(shares.sel(share="low")), float(shares.sel(share="high"))
    return f"{float(shares.sel(share='explained')):.0%} [{low:.0%}, {high:.0%}]"


def figure_4b(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Variance of in-degree against variance of rates and of inputs at strength 190."""
    size = configuration["ensemble"]["sizes"][-1]
    data = results[f"erdos-renyi-excitatory-{size}"]
    inputs = _share(data, "input", "in-degree", 190.0)
    rates = _share(data, "rate", "in-degree", 190.0)
    return judged(
        float(inputs.sel(share="low")) > 0.5 and float(rates.sel(share="low")) > 0.1,
        identifier="figure-4b",
        where="Fig. 4b",
        statement="At strength 190, across 100 Erdos-Renyi networks, the variance of in-degree "
        "goes with the variances of firing rates and of average input currents.",
        published="scatter plots (no coefficient)",
        measured=f"variance explained for inputs {_percent(inputs)}, for rates {_percent(rates)}",
        rule="95 % interval above 50 % for inputs and above 10 % for rates",
        values={
            "inputs": float(inputs.sel(share="explained")),
            "rates": float(rates.sel(share="explained")),
        },
        otherwise="the relation is weaker than the rule asks",
    )


def in_degree_predicts(configuration: Mapping[str, Any], results: Results, kind: str) -> Claim:
    """How well in-degree, or signed in-strength, predicts heterogeneity at several strengths."""
    predictors = "in-degree" if kind == "excitatory" else "in-strength"
    size = configuration["ensemble"]["sizes"][-1]
    values, lines = {}, []
    for family in ("erdos-renyi", "sonet"):
        data = results[f"{family}-{kind}-{size}"]
        for response in ("input", "rate"):
            cells = []
            for strength in configuration["regression_strengths"]:
                shares = _share(data, response, predictors, strength)
                values[f"{family}_{response}_{strength:g}"] = float(shares.sel(share="explained"))
                cells.append(f"{_percent(shares)} at {strength:g}")
            lines.append(f"{family} {response}s: {', '.join(cells)}")
    lowest = min(values.values())
    return judged(
        lowest > 0.5,
        identifier=f"{predictors}-predicts-{kind}",
        where="Future Work",
        statement=f"The variance of {predictors} predicts the variance of inputs and rates in "
        f"{kind} networks at every strength.",
        published="under test",
        measured="; ".join(lines),
        rule="more than half of the variance across networks explained, at every strength listed",
        values=values,
        otherwise=f"at some strengths the variance of {predictors} explains as little as "
        f"{lowest:.0%}: there, other features of the wiring decide",
    )


def motifs_add(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Motif frequencies beyond in-degree, judged on networks that were left out."""
    size = configuration["ensemble"]["sizes"][-1]
    gains, values = [], {}
    for family in ("erdos-renyi", "sonet"):
        for kind in ("excitatory", "mixed"):
            data = results[f"{family}-{kind}-{size}"]
            alone = "in-degree" if kind == "excitatory" else "in-strength"
            for strength in configuration["regression_strengths"]:
                held_out = {
                    name: float(_share(data, "rate", name, strength).sel(share="held out"))
                    for name in (alone, "in-strength and motifs")
                }
                gain = held_out["in-strength and motifs"] - held_out[alone]
                gains.append(gain)
                values[f"{family}_{kind}_{strength:g}"] = gain
    best = max(values, key=lambda name: values[name])
    return judged(
        float(np.median(gains)) > 0.02,
        identifier="motifs-add-to-in-degree",
        where="Future Work; Fig. 4a",
        statement="Frequencies of three-cell motifs predict second moments of rates beyond what "
        "in-degree does.",
        published="under test",
        measured=f"held-out share of variance gained by adding motif frequencies: median "
        f"{np.median(gains):+.0%}, from {min(gains):+.0%} to {max(gains):+.0%} (largest: "
        f"{best.replace('_', ' ')})",
        rule="median gain above 2 % over families, kinds and strengths",
        values=values,
        otherwise="on networks that were left out, motif frequencies add little or nothing",
    )


def in_degree_in_real_pieces(
    configuration: Mapping[str, Any], results: Results, pieces: list[str]
) -> Claim:
    """The same regression over random pieces of real connectomes."""
    size = configuration["ensemble"]["sizes"][-1]
    values, lines = {}, []
    for name in pieces:
        data = results[f"{name}-{size}"]
        cells = []
        for strength in configuration["regression_strengths"]:
            shares = _share(data, "input", "in-degree", strength)
            values[f"{name}_{strength:g}"] = float(shares.sel(share="explained"))
            cells.append(f"{_percent(shares)} at {strength:g}")
        lines.append(f"{name.removesuffix('-excitatory')}: {', '.join(cells)}")
    lowest = min(values.values())
    return judged(
        lowest > 0.5,
        identifier="in-degree-predicts-real-pieces",
        where="Future Work (on real connectomes)",
        statement=f"Across pieces of {size} cells of real connectomes the variance of in-degree "
        "predicts the variance of inputs.",
        published="(not stated)",
        measured="; ".join(lines),
        rule="more than half of the variance explained, at every strength listed",
        values=values,
        otherwise=f"the share falls to {lowest:.0%} at some strengths",
    )


def _relative_error(data: xr.Dataset) -> xr.DataArray:
    """Median over networks of |predicted / measured - 1| for the variance of rates."""
    measured = data.rate.sel(moment="variance")
    return np.abs(data.predicted_rate_variance / measured - 1).median("network")


def perturbation_holds(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The formula from in-degree moments at weak coupling."""
    size = configuration["ensemble"]["sizes"][-1]
    values = {}
    for family in ("erdos-renyi", "sonet", *configuration["real_families"]):
        for kind in ("excitatory", "mixed"):
            data = results[f"{family}-{kind}-{size}"]
            values[f"{family}_{kind}"] = float(_relative_error(data).sel(strength=2.0))
    worst = max(values, key=lambda name: values[name])
    return judged(
        max(values.values()) < CLOSE,
        identifier="perturbation-at-weak-coupling",
        where="Future Work (a formula)",
        statement="First-order perturbation predicts the variance of rates from moments of "
        "in-strength.",
        published="(not stated)",
        measured=f"median relative error at strength 2: at most {max(values.values()):.1%} "
        f"({worst.replace('_', ' ')}), over random and real networks",
        rule=f"below {CLOSE:.0%} in every ensemble",
        values=values,
        otherwise="the error exceeds the rule already at weak coupling",
    )


def perturbation_breaks(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The strength from which linear theory is off by more than a fifth."""
    size = configuration["ensemble"]["sizes"][-1]
    values, parts = {}, []
    for family in ("erdos-renyi", "sonet", *configuration["real_families"]):
        for kind in ("excitatory", "mixed"):
            data = results[f"{family}-{kind}-{size}"]
            error = _relative_error(data)
            wrong = data.strength.values[~(error < CLOSE).values]
            first = float(wrong[0]) if wrong.size else float("inf")
            values[f"{family}_{kind}"] = first
            parts.append(f"{family} {kind} {first:g}")
    return judged(
        all(np.isfinite(list(values.values()))),
        identifier="perturbation-breaks",
        where="Future Work (where linear theory ends)",
        statement="Linear theory breaks where the spread of inputs reaches the bend of the "
        "transfer function or the recurrent gain nears one.",
        published="(not stated)",
        measured=f"first strength (mV ms) with over {CLOSE:.0%} error: {', '.join(parts)}",
        rule="it breaks somewhere below the largest strength in every ensemble",
        values=values,
        otherwise="in some ensembles linear theory holds throughout",
    )
