"""Large SONETs against their limit: do divergent and reciprocal pairs leave rates alone?"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.circuits import RateNetwork
from neuropil.connectivity import sonet, weights_of
from neuropil.meanfield import Picard, self_consistent_rates, sonet_limit_rates
from neuropil.studies.tang_2012.ensemble import converged, transfer_of
from neuropil.types import RandomKey

METHOD = Picard(tolerance=1e-9, maximum_steps=5000)
LEVELS = (np.arange(200) + 0.5) / 200


def run_limit(configuration: Mapping[str, Any], key: RandomKey, *, size: int) -> xr.Dataset:
    """Sorted one-neuron rates of SONETs that differ in one statistic each, and of the limit.

    The coupling is g p N, held fixed as N grows. Each setting lists the reciprocal, convergent,
    divergent and chain alphas.
    """
    chosen = configuration["sonet_limit"]
    transfer = transfer_of(configuration)
    probability, external_input = chosen["connection_probability"], configuration["external_input"]
    settings, couplings = chosen["settings"], chosen["couplings"]
    measured = np.full((len(settings), len(couplings), chosen["graphs"], len(LEVELS)), np.nan)
    expected = np.full((len(settings), len(couplings), 2, len(LEVELS)), np.nan)
    for s, (reciprocal, convergent, divergent, chain) in enumerate(settings.values()):
        setting_key = jax.random.fold_in(key, s)
        for graph in range(chosen["graphs"]):
            made = sonet(
                size,
                probability,
                reciprocal=reciprocal,
                convergent=convergent,
                divergent=divergent,
                chain=chain,
                key=jax.random.fold_in(setting_key, graph),
            )
            weights = weights_of(made.connectome)
            strengths = np.asarray(couplings) / (probability * (size - 1))
            network = RateNetwork(weights, transfer, external_input)
            solution = self_consistent_rates(network, METHOD, strengths=strengths, throw=False)
            quantiles = np.quantile(np.asarray(solution.rate), LEVELS, axis=1).T
            measured[s, :, graph] = np.where(converged(solution)[:, None], quantiles, np.nan)
        for c, coupling in enumerate(couplings):
            strength = coupling / (probability * (size - 1))
            for corrected in (0, 1):
                limit = sonet_limit_rates(
                    transfer,
                    external_input,
                    total_strength=strength * (size - 1),
                    squared_strength=corrected * strength**2 * (size - 1),
                    connection_probability=probability,
                    convergent=convergent,
                    chain=chain,
                )
                expected[s, c, corrected] = np.asarray(limit.rate_quantiles(LEVELS))
    return xr.Dataset(
        {
            "rate": (("setting", "coupling", "graph", "level"), measured),
            "expected_rate": (("setting", "coupling", "correction", "level"), expected),
        },
        coords={
            "setting": list(settings),
            "coupling": couplings,
            "correction": ["limit", "limit with finite in-degree"],
            "level": LEVELS,
        },
        attrs={"neurons": size, "rate_unit": "spikes/ms", "coupling_unit": "mV ms"},
    )
