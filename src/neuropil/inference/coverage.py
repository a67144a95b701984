"""Whether an answer covers what brute force finds."""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.inference.distribution import ParameterDistribution

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def coverage(
    distribution: ParameterDistribution,
    reference: ParameterDistribution,
    levels: tuple[float, ...] = LEVELS,
) -> xr.Dataset:
    """The probability that `reference` gives to regions of highest density of `distribution`.

    `reference` is another answer to the same problem, such as the weighted draws of `reweighted`.
    The region of a level holds that share of `distribution` where its density is highest; two
    answers that are one have `covered` equal to `level`, within `standard_error`, which counts the
    effective samples of both.

    Raises `ValueError` for levels that do not lie between 0 and 1, or supports that differ.
    """
    if not levels or not all(0 < level < 1 for level in levels):
        raise ValueError(f"levels must lie between 0 and 1, got {levels}")
    support, other = distribution.problem.support, reference.problem.support
    if support.labels != other.labels:
        raise ValueError(f"reference must have parameters {support.labels}, got {other.labels}")
    own = distribution.log_density(_as_jax(distribution))
    found = distribution.log_density(_as_jax(reference))
    weights = np.exp(reference.log_weights)
    wanted = np.asarray(levels)
    thresholds = _from_above(own, np.exp(distribution.log_weights), wanted)
    covered = np.array([weights[found >= threshold].sum() for threshold in thresholds])
    variance = wanted * (1 - wanted)
    error = np.sqrt(variance / reference.effective_samples)
    error = np.hypot(error, np.sqrt(variance / distribution.effective_samples))
    return xr.Dataset(
        {"covered": ("level", covered), "standard_error": ("level", error)},
        coords={"level": wanted},
    )


def _as_jax(distribution: ParameterDistribution) -> dict[str, jnp.ndarray]:
    return {name: jnp.asarray(values) for name, values in distribution.parameters.items()}


def _from_above(
    heights: Float[np.ndarray, " samples"],
    weights: Float[np.ndarray, " samples"],
    shares: Float[np.ndarray, " levels"],
) -> Float[np.ndarray, " levels"]:
    """The heights above which the given shares of the weight lie."""
    order = np.argsort(-heights)
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, shares * reached[-1])
    return heights[order][np.minimum(places, len(order) - 1)]


__all__ = ["coverage"]
