"""Cuts through a distribution of parameters: conditional on the others, or over all of them."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.special import logsumexp
from scipy.stats import t as student

from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.support import Parameters

_MOST_AXES = 2


def conditional_slice(
    distribution: ParameterDistribution,
    at: Parameters,
    along: Mapping[str, Float[np.ndarray, " points"]],
) -> xr.DataArray:
    """The density of one or two parameters, given that all others are those of `at`.

    `along` has the values to visit by label (`support.labels`: a name, or `name[0,1]` within an
    array), ascending. The density integrates to one over the values visited, by the trapezoidal
    rule; what lies outside them is not seen. Where the base measure is not uniform the density is
    against it.

    Raises `ValueError` for labels that do not exist, more than two of them, values that do not
    ascend, and a slice that has no probability.
    """
    support = distribution.problem.support
    _require_labels("along", list(along), support.labels)
    grids = [np.asarray(values, float) for values in along.values()]
    for label, values in zip(along, grids, strict=True):
        if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
            raise ValueError(f"along[{label!r}] must be at least two ascending values")
    if set(at) != set(support.names):
        raise ValueError(f"at must be {sorted(support.names)}, got {sorted(at)}")
    centre = np.concatenate([np.asarray(at[name], float).reshape(-1) for name in support.names])
    mesh = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids))
    vectors = np.tile(centre, (len(mesh), 1))
    vectors[:, [support.labels.index(label) for label in along]] = mesh
    visited = jax.vmap(support.named)(jnp.asarray(vectors))
    log_density = distribution.log_density(visited).reshape([len(grid) for grid in grids])
    if not np.isfinite(log_density).any():
        raise ValueError("at: the slice through these parameters has no probability")
    log_widths = np.log(_trapezoid(grids[0]))
    if len(grids) > 1:
        log_widths = log_widths[:, None] + np.log(_trapezoid(grids[1]))[None, :]
    density = np.exp(log_density - logsumexp(log_density + log_widths))
    units = dict(zip(support.labels, support.units, strict=True))
    coordinates = {
        label: (label, grid, {"units": units[label]})
        for label, grid in zip(along, grids, strict=True)
    }
    return xr.DataArray(density, coords=coordinates, dims=list(along), name="density")


def marginal_slice(
    distribution: ParameterDistribution, along: Sequence[str], *, bins: int = 40
) -> xr.Dataset:
    """The density of one or two parameters whatever the others are, from the weighted samples.

    `along` are labels as in `conditional_slice`. Variables `density`, and `lower` and `upper` with
    its interval at 95 % from the spread between populations, over `bins` equal bins that span
    the samples; coordinates are the middles of bins.

    Raises `ValueError` for labels that do not exist, more than two of them, or fewer than 2 bins.
    """
    support = distribution.problem.support
    _require_labels("along", list(along), support.labels)
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    held = distribution.parameters
    flat = np.concatenate(
        [held[name].reshape(len(distribution.log_weights), -1) for name in support.names], axis=1
    )
    values = flat[:, [support.labels.index(label) for label in along]]
    edges = [np.linspace(low, high, bins + 1) for low, high in np.quantile(values, [0, 1], 0).T]
    weights = np.exp(distribution.log_weights)
    populations = int(distribution.population.max()) + 1
    repeats = []
    for population in range(populations):
        own = distribution.population == population
        found, _ = np.histogramdd(values[own], edges, density=True, weights=weights[own])
        repeats.append(found)
    density, _ = np.histogramdd(values, edges, density=True, weights=weights)
    error = np.std(repeats, axis=0, ddof=1) / np.sqrt(populations)
    half = float(student.ppf(0.975, populations - 1)) * error
    units = dict(zip(support.labels, support.units, strict=True))
    coordinates = {
        label: (label, 0.5 * (edge[1:] + edge[:-1]), {"units": units[label]})
        for label, edge in zip(along, edges, strict=True)
    }
    return xr.Dataset(
        {
            "density": (list(along), density),
            "lower": (list(along), np.maximum(density - half, 0.0)),
            "upper": (list(along), density + half),
        },
        coords=coordinates,
    )


def _trapezoid(grid: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """The weight of each point in the trapezoidal rule."""
    gaps = np.diff(grid)
    return 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))


def _require_labels(argument: str, labels: list[str], known: Sequence[str]) -> None:
    wrong = [label for label in labels if label not in known]
    if wrong or not 0 < len(labels) <= _MOST_AXES or len(set(labels)) < len(labels):
        raise ValueError(
            f"{argument} must name one or two of {', '.join(known[:20])}, got {labels}"
        )


__all__ = ["conditional_slice", "marginal_slice"]
