"""The network of Mastrogiuseppe and Ostojic that tells one stimulus from another."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.circuits import RankOneStatistics
from neuropil.meanfield import stationary_branches
from neuropil.studies.bittner_2018.go_no_go import resting_overlaps
from neuropil.types import RandomKey

STIMULI = ("no-go", "go")


def network(numbers: Mapping[str, Any], stimulus: str) -> RankOneStatistics:
    """m = w and n = I_A: the input is I_A for Go, and independent of it for No-Go."""
    deviation = numbers["deviation"]
    is_go = stimulus == "go"
    return RankOneStatistics(
        deviation_m=deviation,
        deviation_n=deviation,
        strength=numbers["strength"],
        covariance_n_input=jnp.asarray(deviation**2 if is_go else 0.0),
        deviation_input=jnp.asarray(0.0 if is_go else deviation),
    )


def run_discrimination(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Overlap and readout <w phi> by theory, and of drawn networks that start at their input."""
    numbers = configuration["discrimination"]
    theory, measured = [], []
    for stimulus in STIMULI:
        statistics = network(numbers, stimulus)
        branch = stationary_branches(statistics)
        overlap, gain = float(branch.overlap[0]), float(branch.gain[0])
        theory.append([overlap, numbers["deviation"] ** 2 * overlap * gain, int(branch.number)])
        measured.append(
            [
                resting_overlaps(
                    statistics, numbers["neurons"], numbers, 0.0, jax.random.fold_in(key, each)
                )
                for each in range(numbers["networks"])
            ]
        )
    by_theory, by_networks = np.asarray(theory), np.asarray(measured)
    return xr.Dataset(
        {
            "overlap": ("stimulus", by_theory[:, 0]),
            "readout": ("stimulus", by_theory[:, 1]),
            "branches": ("stimulus", by_theory[:, 2].astype(int)),
            "measured_overlap": (("stimulus", "network"), by_networks[:, :, 0]),
            "measured_readout": (("stimulus", "network"), by_networks[:, :, 1]),
        },
        {"stimulus": list(STIMULI)},
    )


__all__ = ["STIMULI", "network", "run_discrimination"]
