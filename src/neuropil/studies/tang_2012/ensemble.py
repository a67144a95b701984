"""One hundred networks of a kind: their wiring, and their fixed points at every strength."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork, stack_networks
from neuropil.connectivity import (
    Connectome,
    DenseWeights,
    Motifs,
    motif_statistics,
    nonnegative_bounds,
)
from neuropil.meanfield import (
    Newton,
    Picard,
    SelfConsistentRates,
    SiegertTransfer,
    network_at,
    perturbed_rates,
    self_consistent_rates,
    wiring_moments,
)
from neuropil.result import Outcome
from neuropil.studies.tang_2012.regression import predict
from neuropil.studies.tang_2012.wiring import MOTIFS, network
from neuropil.types import RandomKey

MOMENTS = ("mean", "variance")
RESPONSES = ("input", "rate")
PREDICTORS = ("in-degree", "in-strength", "motifs", "in-strength and motifs")
SHARES = ("explained", "low", "high", "held out")


def transfer_of(configuration: Mapping[str, Any], **changes: float) -> SiegertTransfer:
    """The rate function of the study's neuron, with some of its parameters changed."""
    return SiegertTransfer(LeakyIntegrateAndFire(**{**configuration["neuron"], **changes}))


def run_ensemble(
    configuration: Mapping[str, Any], key: RandomKey, *, family: str, kind: str, size: int
) -> xr.Dataset:
    """Everything the claims and figures need of one hundred networks.

    Fixed points are sought twice: by the document's iteration from one random start, and by
    Newton's method followed upwards in strength. Uniqueness (several dozen starts) and the
    eigenvalues of the iteration are examined on the first few networks.
    """
    ensemble = configuration["ensemble"]
    strengths = jnp.asarray(configuration["strengths"])
    wiring_key, start_key, unique_key, resample_key = jax.random.split(key, 4)
    wiring_keys = jax.random.split(wiring_key, ensemble["networks"])
    drawn = [network(configuration, family, kind, size, k) for k in wiring_keys]
    networks = [one.connectome for one in drawn]
    matrices = jnp.stack([jnp.asarray(one.to_dense()) for one in networks])
    transfer = transfer_of(configuration)

    starts = ensemble["largest_start"] * jax.random.uniform(start_key, (len(drawn), 1, size))
    batch = stacked(configuration, transfer, matrices)
    iterated = iterate(configuration, batch, starts)
    inputs, found = follow(configuration, batch, iterated)
    examined = slice(0, ensemble["uniqueness_networks"])
    wiring, moments = wiring_variables(networks), moment_variables(transfer, inputs, found)
    return xr.Dataset(
        {
            **wiring,
            "requested": (
                ("network", "motif"),
                np.array([[one.requested[name] for name in MOTIFS] for one in drawn]),
            ),
            **moments,
            "explained": regressions(configuration, wiring, moments, resample_key),
            **predicted_variables(configuration, transfer, matrices, strengths),
            "iteration_converged": (("network", "strength"), converged(iterated)[:, 0]),
            "found": (("network", "strength"), found),
            **uniqueness_variables(configuration, transfer, matrices[examined], unique_key),
            "spectral_radius": (
                ("examined", "strength"),
                spectral_radius(transfer, matrices[examined], inputs[examined], strengths),
            ),
            "example_input": (("examined", "strength", "neuron"), inputs[examined]),
            "example_weights": (("post", "pre"), np.asarray(matrices[0])),
        },
        coords={
            "strength": np.asarray(strengths),
            "moment": list(MOMENTS),
            "motif": list(MOTIFS),
            "regression_strength": configuration["regression_strengths"],
            "response": list(RESPONSES),
            "predictors": list(PREDICTORS),
            "share": list(SHARES),
        },
        attrs={"family": family, "kind": kind, "neurons": size, "strength_unit": "mV ms"},
    )


def converged(solution: SelfConsistentRates) -> np.ndarray:
    """Where the solver reached its tolerance."""
    return np.asarray(solution.outcome) == Outcome.SUCCESSFUL


def stacked(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    matrices: Float[Array, "networks neurons neurons"],
) -> RateNetwork:
    """The networks as one, to be solved in one call."""
    external_input = configuration["external_input"]
    return stack_networks(
        [RateNetwork(DenseWeights(matrix), transfer, external_input) for matrix in matrices]
    )


def iterate(
    configuration: Mapping[str, Any],
    networks: RateNetwork,
    starts: Float[Array, "networks starts neurons"],
) -> SelfConsistentRates:
    """The document's iteration on every network, from each of its starts, at every strength."""
    ensemble = configuration["ensemble"]
    method = Picard(tolerance=ensemble["tolerance"], maximum_steps=ensemble["maximum_steps"])
    return self_consistent_rates(
        networks, method, starts, strengths=configuration["strengths"], throw=False
    )


def follow(
    configuration: Mapping[str, Any], networks: RateNetwork, iterated: SelfConsistentRates
) -> tuple[Float[np.ndarray, "networks strengths neurons"], Bool[np.ndarray, "networks strengths"]]:
    """Fixed points where the iteration found them, and by Newton's method where it did not.

    Newton starts from the fixed point at the strength below. Where it fails too the inputs are
    not a number.
    """
    method = Newton(tolerance=configuration["ensemble"]["tolerance"])
    inputs, found = np.array(iterated.input[:, 0]), converged(iterated)[:, 0]
    below = np.full(inputs[:, 0].shape, configuration["external_input"])
    for index, strength in enumerate(configuration["strengths"]):
        (lost,) = np.nonzero(~found[:, index])
        for number in lost:
            solution = self_consistent_rates(
                network_at(networks, int(number)),
                method,
                jnp.asarray(below[number]),
                strengths=[strength],
                throw=False,
            )
            inputs[number, index] = np.asarray(solution.input)[0]
            found[number, index] = converged(solution)[0]
        below = np.where(found[:, index, None], inputs[:, index], below)
        inputs[~found[:, index], index] = np.nan
    return inputs, found


def moment_variables(
    transfer: SiegertTransfer, inputs: Float[np.ndarray, "networks strengths neurons"], found
) -> dict[str, tuple]:
    """Mean and variance over neurons of input currents (mV) and rates (spikes/ms)."""
    rates = np.where(found[..., None], np.asarray(transfer(jnp.nan_to_num(inputs))), np.nan)
    dimensions = ("network", "strength", "moment")
    return {
        name: (dimensions, np.stack([values.mean(axis=-1), values.var(axis=-1)], axis=-1))
        for name, values in (("input", inputs), ("rate", rates))
    }


def motif_excess(motifs: Motifs) -> Float[np.ndarray, " motifs"]:
    """The alphas, in the order of `MOTIFS`."""
    return np.array([getattr(motifs, f"alpha_{name}") for name in MOTIFS])


def wiring_variables(networks: list[Connectome]) -> dict[str, tuple]:
    """Moments of in-degree and in-strength, motif frequencies, and bounds of |W|."""
    in_degree = np.stack([np.diff(one.row_start) for one in networks])
    in_strength = np.stack([one.to_scipy().sum(axis=1) for one in networks])
    motifs = [motif_statistics(one) for one in networks]
    bounds = [nonnegative_bounds(abs(one.to_scipy()), np.ones(one.n_neurons)) for one in networks]

    density = np.array([one.p for one in motifs])
    excess = np.stack([motif_excess(one) for one in motifs])

    def moments(values):
        return np.stack([values.mean(axis=1), values.var(axis=1)], axis=-1)

    return {
        "in_degree": (("network", "moment"), moments(in_degree)),
        "in_strength": (("network", "moment"), moments(in_strength)),
        "density": ("network", density),
        "motif_excess": (("network", "motif"), excess),
        "motif_frequency": (("network", "motif"), density[:, None] ** 2 * (1 + excess)),
        "bound_infinity": ("network", np.array([one.infinity for one in bounds])),
        "bound_weighted": ("network", np.array([one.weighted for one in bounds])),
    }


@eqx.filter_jit
def _predict_all(transfer, external_input, moments, strengths):
    def at(one, strength):
        return perturbed_rates(
            transfer, one, strength=strength, external_input=external_input, throw=False
        )

    over_strengths = eqx.filter_vmap(at, in_axes=(None, 0))
    return eqx.filter_vmap(over_strengths, in_axes=(0, None))(moments, strengths)


def predicted_variables(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    matrices: Float[Array, "networks neurons neurons"],
    strengths: Float[Array, " strengths"],
) -> dict[str, tuple]:
    """Variance of inputs and rates by perturbation, from moments of in-strength."""
    moments = [wiring_moments(np.asarray(matrix)) for matrix in matrices]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *moments)

    external_input = jnp.asarray(configuration["external_input"])
    predicted = _predict_all(transfer, external_input, stacked, strengths)
    usable = np.asarray(predicted.outcome) == Outcome.SUCCESSFUL
    dimensions = ("network", "strength")
    return {
        "predicted_rate_variance": (
            dimensions,
            np.where(usable, np.asarray(predicted.variance_rate), np.nan),
        ),
        "predicted_input_variance": (
            dimensions,
            np.where(usable, np.asarray(predicted.variance_input), np.nan),
        ),
        "recurrent_gain": (dimensions, np.asarray(predicted.recurrent_gain)),
        "nonlinearity": (dimensions, np.asarray(predicted.nonlinearity)),
    }


def regressions(
    configuration: Mapping[str, Any],
    wiring: Mapping[str, tuple],
    moments: Mapping[str, tuple],
    key: RandomKey,
) -> tuple:
    """Share of the variance of second moments that each set of predictors explains.

    The responses are the variances over neurons of input currents and of rates; the predictors
    the variance of in-degree, that of in-strength (which knows about inhibition), the four motif
    frequencies, and the latter two together with mean in-strength.
    """
    degree, strength = wiring["in_degree"][1], wiring["in_strength"][1]
    motifs = wiring["motif_frequency"][1]
    predictors = (degree[:, 1:], strength[:, 1:], motifs, np.hstack([strength, motifs]))
    indices = [
        configuration["strengths"].index(one) for one in configuration["regression_strengths"]
    ]
    shares = np.empty((len(indices), len(RESPONSES), len(predictors), len(SHARES)))
    for (row, index), (r, response), (p, one) in product(
        enumerate(indices), enumerate(RESPONSES), enumerate(predictors)
    ):
        values = moments[response][1][:, index, 1]
        number = np.ravel_multi_index((row, r, p), shares.shape[:3])
        found = predict(
            one,
            values,
            resamples=configuration["resamples"],
            key=jax.random.fold_in(key, int(number)),
        )
        shares[row, r, p] = (found.explained, found.low, found.high, found.held_out)
    return (("regression_strength", "response", "predictors", "share"), shares)


def uniqueness_variables(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    matrices: Float[Array, "networks neurons neurons"],
    key: RandomKey,
) -> dict[str, tuple]:
    """Several dozen random starts: how many converge, and how far apart their limits are (mV)."""
    ensemble = configuration["ensemble"]
    shape = (matrices.shape[0], ensemble["starts"], matrices.shape[1])
    starts = ensemble["largest_start"] * jax.random.uniform(key, shape)
    solution = iterate(configuration, stacked(configuration, transfer, matrices), starts)
    reached = converged(solution)
    limits = np.where(reached[..., None], np.asarray(solution.input), np.nan)
    everywhere = np.isfinite(limits).any(axis=1)
    high = np.max(np.nan_to_num(limits, nan=-np.inf), axis=1)
    low = np.min(np.nan_to_num(limits, nan=np.inf), axis=1)
    spread = np.where(everywhere, high - low, np.nan).max(axis=-1)
    dimensions = ("examined", "strength")
    return {
        "share_of_starts_converged": (dimensions, np.mean(reached, axis=1)),
        "spread_of_limits": (dimensions, spread),
    }


def spectral_radius(
    transfer: SiegertTransfer,
    matrices: Float[Array, "networks neurons neurons"],
    inputs: Float[np.ndarray, "networks strengths neurons"],
    strengths: Float[Array, " strengths"],
) -> Float[np.ndarray, "networks strengths"]:
    """Largest modulus of an eigenvalue of the iteration's Jacobian g W diag(r')."""
    slopes = np.asarray(transfer.derivative(jnp.nan_to_num(inputs)))
    scaled = np.asarray(strengths)[None, :, None, None] * np.asarray(matrices)[:, None]
    return np.abs(np.linalg.eigvals(scaled * slopes[..., None, :])).max(axis=-1)
