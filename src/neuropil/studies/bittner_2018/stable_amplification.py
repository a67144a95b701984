"""Networks of rank two that amplify and stay stable, in growing dimension."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil import circuits
from neuropil.inference import Behaviour, Interval, NaturalPath, Support, maximum_entropy, predict
from neuropil.studies.bittner_2018.answers import stored
from neuropil.types import RandomKey

STATISTICS = ("growth", "amplification")


def statistics(parameters: Mapping[str, Float[Array, "neurons 2"]]) -> dict[str, Float[Array, ""]]:
    """Re lambda_1(W) and lambda_1((W + W^T) / 2) of W = U V^T."""
    found = circuits.stable_amplification(parameters["U"], parameters["V"])
    return {"growth": found.growth, "amplification": found.amplification}


def problem(numbers: Mapping[str, Any], neurons: int) -> tuple[Behaviour, Support]:
    """Targets and box of the scaling study, without its noise.

    In large networks the means alone leave less variance than was asked for, and more of it is
    only to be had from rare networks that amplify many times more: there variances are bounds.
    """
    variances = dict(zip(STATISTICS, numbers["variances"], strict=True))
    bounded = neurons >= numbers["variances_at_most_from"]
    asked = Behaviour(
        statistics,
        dict(zip(STATISTICS, numbers["means"], strict=True)),
        variances=None if bounded else variances,
        variances_at_most=variances if bounded else None,
    )
    entries = Interval(-numbers["bound"], numbers["bound"], shape=(neurons, 2))
    return asked, Support({"U": entries, "V": entries})


def run_stable_amplification(
    configuration: Mapping[str, Any],
    key: RandomKey,
    *,
    neurons: int,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """The answer for N neurons, and the statistics of some samples from N x N matrices."""
    numbers = configuration["stable_amplification"]
    particles = numbers["particles"] if neurons >= numbers["particles_from"] else None
    solve, draw, anywhere = jax.random.split(key, 3)
    behaviour, support = problem(numbers, neurons)
    answer = maximum_entropy(
        behaviour,
        support,
        NaturalPath(particles=particles),
        key=solve,
        checkpoint=checkpoint,
        check=False,
        throw=False,
    )
    found = predict(answer, configuration["samples"], key=draw)
    fresh = numbers["fresh"]
    uniform = jax.vmap(lambda y: statistics(support.parameters(y)))(
        support.draw(anywhere, numbers["uniform_draws"])
    )
    samples = xr.Dataset(
        {
            "statistic": (
                ("draw", "name"),
                np.stack([found.statistics[name] for name in STATISTICS], axis=1),
            ),
            "recomputed": (
                ("fresh", "name"),
                whole_matrix(found.parameters["U"][:fresh], found.parameters["V"][:fresh]),
            ),
            "uniform_mean": ("name", [float(uniform[name].mean()) for name in STATISTICS]),
            "uniform_deviation": ("name", [float(uniform[name].std()) for name in STATISTICS]),
            "neurons": ((), neurons),
        },
        {"name": list(STATISTICS)},
    )
    return xr.merge([stored(answer), samples])


def whole_matrix(
    u: Float[np.ndarray, "samples neurons 2"], v: Float[np.ndarray, "samples neurons 2"]
) -> Float[np.ndarray, "samples 2"]:
    """Both statistics by general eigensolvers: of V^T U, and of the N x N symmetric part."""
    weights = u @ v.transpose(0, 2, 1)
    growth = np.linalg.eigvals(v.transpose(0, 2, 1) @ u).real.max(axis=1)
    symmetric = 0.5 * (weights + weights.transpose(0, 2, 1))
    return np.stack([growth, np.linalg.eigvalsh(symmetric)[:, -1]], axis=1)


__all__ = ["STATISTICS", "problem", "run_stable_amplification", "statistics", "whole_matrix"]
