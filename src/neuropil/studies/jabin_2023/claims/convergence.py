"""Claims on the theorem: all tree observables converge, whatever the weights."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.jabin_2023.families import FAMILIES

Results = Mapping[str, xr.Dataset]

WIRING = {
    "dense": "random graphs of density 0.2 with weights of rank two",
    "sparse": "the same kernel on random graphs whose density vanishes as N^(-1/2)",
    "sonet": "second-order networks",
    "ring": "about sqrt(N) nearest neighbours of two curves on a ring, a kernel without density",
}
CLOSE_RATE = 0.01
SMALLEST_SLOPE = -0.25
"""Errors that shrink at least this fast count as converging: far from none, far below theory."""


class Rate(NamedTuple):
    """A fitted power of N and its 95 % interval."""

    slope: float
    low: float
    high: float


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Convergence by family, rates, the two parts of the error, initial data, neural fields."""
    return as_far_as_run(
        *(partial(converges, results, name) for name in FAMILIES),
        *(partial(rates_agree, results, name) for name in FAMILIES),
        partial(natural_scaling, configuration, results),
        partial(chaos, results),
        partial(shot_noise, results),
        partial(dependent_starts, results),
        partial(shared_starts, results),
        partial(neural_field_fails, results),
        partial(types_succeed, results),
    )


def fitted_rate(
    sizes: np.ndarray, errors: np.ndarray, error_of_errors: np.ndarray | None = None
) -> Rate:
    """The slope of log error against log size; sizes at which sampling hides the error are out."""
    kept = errors > 0
    if error_of_errors is not None:
        kept &= errors > 2 * error_of_errors
    if kept.sum() < 3:
        return Rate(np.nan, np.nan, np.nan)
    fit = scipy.stats.linregress(np.log(sizes[kept]), np.log(errors[kept]))
    half = float(scipy.stats.t.ppf(0.975, kept.sum() - 2) * fit.stderr)
    return Rate(float(fit.slope), float(fit.slope) - half, float(fit.slope) + half)


def relative_errors(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Error and its uncertainty by size and tree, over the largest value of the limit."""
    scale = np.abs(data.limit).max("function").values
    return data.error.values / scale, data.error_of_error.values / scale


def converges(results: Results, name: str) -> Claim:
    """Do all trees converge, and how fast?"""
    data = results[name]
    errors, uncertainty = relative_errors(data)
    sizes = data.size.values
    rates = [fitted_rate(sizes, errors[:, k], uncertainty[:, k]) for k in range(errors.shape[1])]
    # A slope that sampling hides at too many sizes is no evidence against convergence.
    slopes = np.array([rate.slope for rate in rates])
    slowest = int(np.argmax(np.where(np.isnan(slopes), -np.inf, slopes)))
    shrinks = errors[-1] < np.maximum(0.5 * errors[0], 3 * uncertainty[-1])
    root, slow = rates[0], rates[slowest]
    return judged(
        bool(np.all(shrinks)) and slow.slope < SMALLEST_SLOPE,
        identifier=f"observables-converge-{name}",
        where="Theorem (last slides)",
        statement=f"The observables of all trees of up to five vertices converge: {WIRING[name]}.",
        published="convergence, without a rate",
        measured=f"relative error of the root from {errors[0, 0]:.2%} at N = {sizes[0]} to "
        f"{_seen(errors[-1, 0], uncertainty[-1, 0])} at {sizes[-1]}, slope "
        f"{root.slope:.2f} ({root.low:.2f} to {root.high:.2f}); largest of {len(rates)} trees "
        f"{errors[0].max():.1%} to {errors[-1].max():.1%}; slowest slope {slow.slope:.2f} "
        f"(tree {data.tree.values[slowest]})",
        rule=f"every error halves or vanishes in sampling error, slopes below {SMALLEST_SLOPE}",
        values={
            "root_slope": root.slope,
            "slowest_slope": slow.slope,
            "largest_error": float(errors[-1].max()),
            "root_error": float(errors[-1, 0]),
        },
        otherwise="some tree does not come closer at the sizes of this scale",
    )


def _seen(error: float, uncertainty: float) -> str:
    """An error in percent, or what it is below."""
    hidden = error < 2 * uncertainty
    return f"below {error + 2 * uncertainty:.2%}" if hidden else f"{error:.2%}"


def rates_agree(results: Results, name: str) -> Claim:
    """Exact spikes against the equation: the mean rate at the largest size."""
    data = results[name]
    predicted = float(data.limit_rate)
    found, error = float(data.rate[-1]), float(data.rate_error[-1])
    away = abs(found - predicted)
    allowed = max(3 * error, CLOSE_RATE * predicted)
    return judged(
        away < allowed,
        identifier=f"rates-{name}",
        where="Mean-field limit for integrate and fire models, eq. (1)",
        statement="The rates of the network are those of the extended mean-field equation "
        f"({name}, largest N).",
        published="equal in the limit",
        measured=f"{1000 * found:.3f} ± {1000 * error:.3f} Hz at N = {int(data['size'][-1])}, "
        f"equation {1000 * predicted:.3f} Hz",
        rule=f"within {CLOSE_RATE:.0%} or three standard errors (over graphs and realisations)",
        values={"spikes": found, "equation": predicted, "standard_error": error},
        otherwise="the finite network still fires at another rate",
    )


def natural_scaling(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Is the scaling that the theorem asks for the one of the families?"""
    strengths = {name: results[name].strength.values for name in FAMILIES}
    weights = {name: results[name].largest_weight.values for name in FAMILIES}
    chosen = configuration["families"]["sonet"]
    # No neuron of a second-order network can be connected to more than all others.
    largest = {"sonet": configuration["strength"] / chosen["probability"]}
    bounded = all(
        values.max() < largest.get(name, 1.5 * values[0]) for name, values in strengths.items()
    )
    vanishing = all(values[-1] < 0.3 * values[0] for values in weights.values())
    return judged(
        bounded and vanishing,
        identifier="natural-scaling",
        where="Scaling in biological neuron networks",
        statement="Row and column sums stay bounded while the largest weight vanishes.",
        published="sup of row and column sums <= C, max |w| -> 0",
        measured="; ".join(
            f"{name}: sums {strengths[name][0]:.0f} to {strengths[name][-1]:.0f} mV, largest "
            f"weight {weights[name][0]:.2f} to {weights[name][-1]:.3f} mV"
            for name in FAMILIES
        ),
        rule="sums grow by less than half (SONET: stay below strength over density), the largest "
        "weight falls below 30 %",
        values={f"largest_weight_{name}": float(weights[name][-1]) for name in FAMILIES},
        otherwise="a family leaves the scaling",
    )


def chaos(results: Results) -> Claim:
    """The two parts of the error of a finite network."""
    data = results["split"]
    sizes = data.size.values
    relative = data / data.scale
    own = fitted_rate(sizes, relative.chaos.values[:, 1], relative.chaos_error.values[:, 1])
    graph = fitted_rate(sizes, relative.kernel.values[:, 1], relative.kernel_error.values[:, 1])
    last = {part: float(relative[part].values[-1, 1]) for part in ("chaos", "kernel")}
    return judged(
        own.slope < -0.7 and graph.slope < SMALLEST_SLOPE,
        identifier="two-errors",
        where="Theorem; A novel statistical notion",
        statement="Both parts of the error vanish: the law of a network against the mean-field "
        "equation on its own weights, and that equation against the limit.",
        published="(convergence as a whole)",
        measured=f"two-vertex tree: chaos {last['chaos']:.2%} at N = {sizes[-1]}, slope "
        f"{own.slope:.2f} ({own.low:.2f} to {own.high:.2f}); graph against kernel "
        f"{last['kernel']:.2%}, slope {graph.slope:.2f} ({graph.low:.2f} to {graph.high:.2f})",
        rule=f"chaos faster than N^-0.7, graph against kernel faster than N^{SMALLEST_SLOPE}",
        values={"chaos_slope": own.slope, "kernel_slope": graph.slope, **last},
        otherwise="one of the two does not shrink as expected",
    )


def shot_noise(results: Results) -> Claim:
    """The first finite-size correction."""
    data = results["split"]
    plain, better = (data[name].values[0] / data.scale.values for name in ("chaos", "corrected"))
    gain = plain / np.maximum(better, 1e-12)
    return judged(
        bool(np.all(gain > 1)),
        identifier="shot-noise",
        where="beyond the slides (first correction in 1/N)",
        statement="Diffusion by the shot noise of finitely many synapses accounts for a part of "
        "the difference between a network and its mean-field equation.",
        published="(not stated)",
        measured=f"N = {int(data['size'][0])}: error of the root {plain[0]:.2%} becomes "
        f"{better[0]:.2%}; of trees of two and three vertices divided by {gain[1:].min():.1f} to "
        f"{gain[1:].max():.1f}",
        rule="smaller for every tree of up to three vertices",
        values={"gain_root": float(gain[0]), "least_gain": float(gain.min())},
        otherwise="correlations between neurons matter more than the noise of single ones",
    )


def dependent_starts(results: Results) -> Claim:
    """Local correlations at time 0."""
    data = results["correlated"]
    relative = (data.error / data.scale).sel(start="pairs").values
    uncertainty = (data.error_of_error / data.scale).sel(start="pairs").values
    return judged(
        bool(np.all(relative[-1] < np.maximum(0.3 * relative[0], 3 * uncertainty[-1]))),
        identifier="local-dependence",
        where="Conclusions",
        statement="Independence is not strictly required: neurons that begin equal in pairs have "
        "observables with the same limit.",
        published="does not strictly require independence",
        measured=f"largest relative error of trees of up to three vertices {relative[0].max():.1%} "
        f"at N = {int(data['size'][0])}, {relative[-1].max():.2%} at {int(data['size'][-1])}",
        rule="below 30 % of that of the smallest network, or within sampling error",
        values={"first": float(relative[0].max()), "last": float(relative[-1].max())},
        otherwise="the correlations do not die out with N",
    )


def shared_starts(results: Results) -> Claim:
    """Global correlations at time 0: the hypothesis of the theorem is needed."""
    data = results["correlated"]
    relative = (data.error / data.scale).isel(size=-1)
    shared, pairs = (relative.sel(start=name).values for name in ("shared", "pairs"))
    return judged(
        bool(shared.max() > 5 * pairs.max()),
        identifier="global-dependence",
        where="Theorem (hypothesis on the initial data)",
        statement="The hypothesis is needed: when all potentials share one random shift, the "
        "observables do not begin at their limits and do not approach them.",
        published="tau_N(T)(0) -> tau_infinity(T)(0) is assumed",
        measured=f"largest relative error at N = {int(data['size'][-1])}: {shared.max():.1%} with "
        f"the shared shift, {pairs.max():.2%} in pairs",
        rule="at least five times that of the same one-neuron law without the shared shift",
        values={"shared": float(shared.max()), "pairs": float(pairs.max())},
        otherwise="the dynamics forget the shared shift before it is seen",
    )


def _law_distances(data: xr.Dataset) -> dict[str, float]:
    """Largest difference over the test functions, in standard errors, of the one-neuron law."""
    away = np.abs(data.predicted.values[:, 0] - data.value.values[0]).max(axis=-1)
    return dict(zip(data.kernel.values.tolist(), away.tolist(), strict=True))


def neural_field_fails(results: Results) -> Claim:
    """A neural field in space on wiring that space does not know."""
    data = results["neural-field"]
    away, error = _law_distances(data), float(data.error.values[0].max())
    predicted = float(data.predicted_rate.sel(kernel="neural field"))
    return judged(
        away["neural field"] > 10 * error and abs(predicted / float(data.rate) - 1) > 0.05,
        identifier="neural-field-fails",
        where="A mean-field limit for neural networks?",
        statement="Neurons that are close in space may be wired differently, and a neural field, "
        "which averages over neighbours, then fails.",
        published="neural field models face strong criticism",
        measured=f"rate {1000 * float(data.rate):.2f} Hz, neural field {1000 * predicted:.2f} Hz; "
        f"one-neuron law off by {away['neural field']:.4f} ({away['neural field'] / error:.0f} "
        "standard errors)",
        rule="rate off by more than 5 %, law by more than ten standard errors",
        values={"neural_field": predicted, "rate": float(data.rate)},
        otherwise="the rates of the two kinds average out",
    )


def types_succeed(results: Results) -> Claim:
    """The kernel over types, on the same network."""
    data = results["neural-field"]
    scale = np.abs(data.value.values).max(axis=1)
    wrong = np.abs(data.predicted.sel(kernel="types").values - data.value.values).max(axis=1)
    other = np.abs(data.predicted.sel(kernel="neural field").values - data.value.values).max(axis=1)
    predicted = float(data.predicted_rate.sel(kernel="types"))
    return judged(
        bool(np.all(wrong < 0.1 * other)),
        identifier="types-succeed",
        where="Mean-field limit for integrate and fire models",
        statement="The kernel over types, which cannot be interpreted in space, predicts all "
        "observables of the same network.",
        published="the limiting kernel cannot be interpreted in spatial terms",
        measured=f"rate {1000 * predicted:.2f} Hz of {1000 * float(data.rate):.2f}; largest "
        f"relative error of {scale.size} trees {np.max(wrong / scale):.2%}, of the neural field "
        f"{np.max(other / scale):.0%}",
        rule="every tree ten times closer than by the neural field",
        values={"types": float(np.max(wrong / scale)), "field": float(np.max(other / scale))},
        otherwise="two types are not enough for this network",
    )


__all__ = ["claims", "fitted_rate", "relative_errors"]
