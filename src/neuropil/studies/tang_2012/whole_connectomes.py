"""A whole real connectome: what its wiring predicts, and its random twins."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.circuits import RateNetwork
from neuropil.connectivity import (
    Connectome,
    erdos_renyi,
    load_connectome,
    motif_statistics,
    sonet_twin,
    weights_of,
)
from neuropil.meanfield import (
    Picard,
    SiegertTransfer,
    degree_mean_field,
    perturbed_rates,
    self_consistent_rates,
    strengths_of_weights,
    wiring_moments,
)
from neuropil.result import Outcome
from neuropil.studies.tang_2012.ensemble import MOTIFS, converged, motif_excess, transfer_of
from neuropil.types import RandomKey

WEIGHTINGS = ("connections", "synapses")
MODELS = ("perturbation", "degrees")


def run_connectome(configuration: Mapping[str, Any], key: RandomKey, *, name: str) -> xr.Dataset:
    """Variance of rates in a connectome, against two theories and against its random twins.

    The coupling is g times the mean in-strength, so that connectomes of different density, and
    weights in connections or in synapses, are compared at the same mean input. All cells excite:
    the shipped tables do not say which inhibit.
    """
    whole = load_connectome(name)
    versions = {"connections": whole.binary(), "synapses": whole}
    couplings = np.asarray(configuration["connectomes"]["couplings"])
    transfer = transfer_of(configuration)
    measured = {
        weighting: _rates(configuration, transfer, version, couplings)
        for weighting, version in versions.items()
    }
    predicted = {
        weighting: _predictions(configuration, transfer, version, couplings)
        for weighting, version in versions.items()
    }
    in_strength = {w: version.to_scipy().sum(axis=1) for w, version in versions.items()}
    binary = versions["connections"]
    motifs = motif_statistics(binary)
    twin_key, random_key = jax.random.split(key)
    dimensions = ("weighting", "coupling")
    return xr.Dataset(
        {
            "rate": ((*dimensions, "neuron"), np.stack([measured[w] for w in WEIGHTINGS])),
            "in_strength": (
                ("weighting", "neuron"),
                np.stack([in_strength[w] for w in WEIGHTINGS]),
            ),
            "predicted_variance": (
                ("weighting", "model", "coupling"),
                np.stack([predicted[w] for w in WEIGHTINGS]),
            ),
            "sonet_twin_variance": (
                ("twin", "coupling"),
                _twin_variances(
                    configuration,
                    transfer,
                    couplings,
                    [
                        sonet_twin(binary, nearest=True, key=k).connectome
                        for k in _keys(configuration, twin_key)
                    ],
                ),
            ),
            "erdos_renyi_variance": (
                ("twin", "coupling"),
                _twin_variances(
                    configuration,
                    transfer,
                    couplings,
                    [
                        erdos_renyi(binary.n_neurons, motifs.p, key=k)
                        for k in _keys(configuration, random_key)
                    ],
                ),
            ),
            "motif_excess": ("motif", motif_excess(motifs)),
        },
        coords={
            "weighting": list(WEIGHTINGS),
            "model": list(MODELS),
            "coupling": couplings,
            "motif": list(MOTIFS),
        },
        attrs={"connectome": name, "source": whole.provenance.source, "coupling_unit": "mV ms"},
    )


def _keys(configuration: Mapping[str, Any], key: RandomKey):
    return jax.random.split(key, configuration["connectomes"]["twins"])


def _rates(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    connectome: Connectome,
    couplings: np.ndarray,
) -> np.ndarray:
    """Rates of every neuron at each coupling; not a number where the iteration fails.

    All cells excite, so that the iteration from the external input rises to the lowest fixed
    point.
    """
    strengths = couplings / connectome.to_scipy().sum(axis=1).mean()
    network = RateNetwork(weights_of(connectome), transfer, configuration["external_input"])
    method = Picard(tolerance=configuration["ensemble"]["tolerance"], maximum_steps=5000)
    solution = self_consistent_rates(network, method, strengths=strengths, throw=False)
    return np.where(converged(solution)[:, None], np.asarray(solution.rate), np.nan)


def _twin_variances(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    couplings: np.ndarray,
    twins: list[Connectome],
) -> np.ndarray:
    return np.stack(
        [_rates(configuration, transfer, twin, couplings).var(axis=1) for twin in twins]
    )


def _predictions(
    configuration: Mapping[str, Any],
    transfer: SiegertTransfer,
    connectome: Connectome,
    couplings: np.ndarray,
) -> np.ndarray:
    """Variance of rates by perturbation and by degree mean-field theory, by model and coupling."""
    matrix = connectome.to_scipy()
    moments, strengths = wiring_moments(matrix), strengths_of_weights(matrix)
    external_input = configuration["external_input"]
    rows = []
    for coupling in couplings:
        strength = coupling / float(moments.mean_in_strength)
        common = {"strength": strength, "external_input": external_input, "throw": False}
        results = (
            perturbed_rates(transfer, moments, **common),
            degree_mean_field(transfer, strengths, **common),
        )
        rows.append(
            [
                float(one.variance_rate) if one.outcome == Outcome.SUCCESSFUL else np.nan
                for one in results
            ]
        )
    return np.array(rows).T
