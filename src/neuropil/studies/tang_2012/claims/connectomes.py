"""Claims on whole real connectomes and on the limit of large second-order networks."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import scipy.stats
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.tang_2012.regression import interval_of_mean

Results = Mapping[str, xr.Dataset]

CLOSE = 0.2


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Theories on real wiring, random twins, and the prediction for SONETs."""
    return as_far_as_run(
        partial(in_strength_orders_rates, configuration, results),
        partial(degrees_predict_variance, configuration, results),
        partial(twins_share_variance, configuration, results),
        partial(limit_ignores_divergence, configuration, results),
        partial(limit_is_approached, configuration, results),
    )


def _whole(configuration: Mapping[str, Any], results: Results) -> dict[str, xr.Dataset]:
    names = configuration["connectomes"]["names"]
    return {name: results[f"whole-{name}"] for name in names}


def in_strength_orders_rates(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Within one connectome: do cells with more input fire more?"""
    values = {}
    for name, data in _whole(configuration, results).items():
        for weighting in data.weighting.values:
            correlations = [
                scipy.stats.spearmanr(data.in_strength.sel(weighting=weighting), rates).statistic
                for rates in data.rate.sel(weighting=weighting).values
                if np.isfinite(rates).all() and np.ptp(rates) > 0
            ]
            values[f"{name}, {weighting}"] = float(np.min(correlations))
    worst = min(values, key=lambda name: values[name])
    return judged(
        values[worst] > 0.9,
        identifier="in-strength-orders-rates",
        where="Future Work (on real connectomes)",
        statement="Within a connectome a cell's in-strength decides its rate.",
        published="(not stated)",
        measured=f"rank correlation at the least favourable coupling: {values[worst]:.3f} "
        f"({worst}) or better in {len(values)} cases",
        rule="above 0.9 at every coupling in every connectome",
        values=values,
        otherwise="who the partners are matters as much as how many there are",
    )


def degrees_predict_variance(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Degree mean-field theory and perturbation against the fixed points."""
    errors: dict[str, list[float]] = {"degrees": [], "perturbation": []}
    for data in _whole(configuration, results).values():
        measured = data.rate.var("neuron")
        for model in errors:
            ratio = data.predicted_variance.sel(model=model) / measured
            errors[model] += list(np.abs(ratio.values.ravel() - 1))
    shares = {
        model: float(np.mean(np.nan_to_num(listed, nan=np.inf) < CLOSE))
        for model, listed in errors.items()
    }
    return judged(
        shares["degrees"] > 0.5,
        identifier="degrees-predict-real-variance",
        where="Future Work (on real connectomes)",
        statement="The variance of rates in a real connectome follows from its in- and "
        "out-strengths alone.",
        published="(not stated)",
        measured=f"within {CLOSE:.0%} of the fixed point in {shares['degrees']:.0%} of the cases "
        f"(connectome, weighting, coupling) by degree mean-field theory, in "
        f"{shares['perturbation']:.0%} by perturbation",
        rule="more than half of the cases by degree mean-field theory",
        values=shares,
        otherwise="structure beyond the strengths (assortativity, communities) carries weight",
    )


def twins_share_variance(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Are size, density and second-order statistics enough to give the variance of rates?"""
    closer: list[bool] = []
    ratios: dict[str, list[float]] = {"sonet": [], "erdos-renyi": []}
    for data in _whole(configuration, results).values():
        measured = data.rate.sel(weighting="connections").var("neuron").values
        twin = data.sonet_twin_variance.mean("twin").values / measured
        plain = data.erdos_renyi_variance.mean("twin").values / measured
        ratios["sonet"] += list(twin)
        ratios["erdos-renyi"] += list(plain)
        closer += list(np.abs(np.log(twin)) < np.abs(np.log(plain)))
    share = float(np.mean(closer))
    medians = {name: float(np.nanmedian(listed)) for name, listed in ratios.items()}
    return judged(
        share > 0.9,
        identifier="sonet-twins-of-connectomes",
        where="Future Work (on real connectomes)",
        statement="A second-order twin has the variance of rates of its connectome, and an "
        "Erdos-Renyi twin has not.",
        published="(not stated)",
        measured=f"variance in twin over variance in connectome (median): second-order "
        f"{medians['sonet']:.2f}, Erdos-Renyi {medians['erdos-renyi']:.2f}; the second-order "
        f"twin is closer in {share:.0%} of the cases",
        rule="the second-order twin is closer in over 90 % of connectomes and couplings",
        values={"closer": share, **medians},
        otherwise="matching second-order statistics does not always bring the variance closer",
    )


def _largest(configuration: Mapping[str, Any], results: Results) -> xr.Dataset:
    return results[f"limit-{configuration['sonet_limit']['sizes'][-1]}"]


def _shift(data: xr.Dataset, setting: str, coupling: float) -> tuple[float, float]:
    """Relative change of the standard deviation of rates from the reference, and its error."""
    chosen = data.rate.sel(coupling=coupling)
    moved = chosen.sel(setting=setting).std("level").values
    reference = chosen.sel(setting="reference").std("level").values
    mean, half = interval_of_mean(moved)
    other, other_half = interval_of_mean(reference)
    return mean / other - 1, float(np.hypot(half, other_half)) / other


def limit_ignores_divergence(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Changing alpha_div or alpha_recip leaves rates alone; changing alpha_conv does not."""
    data = _largest(configuration, results)
    shifts = {
        (setting, coupling): _shift(data, setting, float(coupling))
        for setting in ("more divergent", "more reciprocal", "more convergent")
        for coupling in data.coupling.values
    }
    still = [shifts[key] for key in shifts if key[0] != "more convergent"]
    moved = [shifts[key] for key in shifts if key[0] == "more convergent"]
    holds = all(abs(shift) < 1.6 * error + 0.02 for shift, error in still) and all(
        shift > 1.6 * error for shift, error in moved
    )
    listed = "; ".join(
        f"{setting} {shift:+.1%} (± {error:.1%}) at {coupling:g}"
        for (setting, coupling), (shift, error) in shifts.items()
    )
    return judged(
        holds,
        identifier="sonet-rates-ignore-divergence",
        where="Follows from the SONET's latent form",
        statement="In a large SONET one-neuron rates depend on p, alpha_conv and alpha_chain "
        "only: divergent and reciprocal motifs leave them alone.",
        published="(prediction)",
        measured=f"change of the standard deviation of rates at {data.attrs['neurons']} neurons: "
        + listed,
        rule="no change beyond 2 % and 1.6 times the 95 % half-width for divergent and "
        "reciprocal, a change beyond it for convergent",
        values={f"{s} at {c:g}": shift for (s, c), (shift, _) in shifts.items()},
        otherwise="a statistic that should drop out moves the rates at this size",
    )


def distance_to_limit(data: xr.Dataset, correction: str) -> xr.DataArray:
    """Mean distance between sorted rates and the limit's quantiles, over their spread."""
    expected = data.expected_rate.sel(correction=correction)
    distance = np.abs(data.rate.mean("graph") - expected).mean("level")
    return distance / expected.std("level")


def limit_is_approached(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The distance between rates and the limit as networks grow."""
    sizes = configuration["sonet_limit"]["sizes"]
    distances = {
        size: distance_to_limit(results[f"limit-{size}"], "limit").mean().item() for size in sizes
    }
    corrected = distance_to_limit(
        results[f"limit-{sizes[-1]}"], "limit with finite in-degree"
    ).mean()
    exponent = float(np.polyfit(np.log(sizes), np.log(list(distances.values())), 1)[0])
    return judged(
        exponent < -0.3 and distances[sizes[-1]] < 0.2,
        identifier="sonet-limit-approached",
        where="Follows from the SONET's latent form",
        statement="One-neuron rates of SONETs approach those of the limit as networks grow.",
        published="(prediction)",
        measured="distance over spread: "
        + ", ".join(f"{value:.3f} at {size}" for size, value in distances.items())
        + f" neurons (exponent {exponent:.2f}); with finite in-degree {float(corrected):.3f} at "
        f"{sizes[-1]}",
        rule="falls faster than the power -0.3 of size, to below 0.2",
        values={
            "exponent": exponent,
            **{f"distance_{size}": value for size, value in distances.items()},
        },
        otherwise="the distance does not shrink as fast as sampling noise would",
    )
