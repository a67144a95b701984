"""Which directions in parameter space change a behaviour, and which leave it as it is."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.support import Parameters
from neuropil.inference.target import Problem
from neuropil.types import Scalar


class Sensitivity(NamedTuple):
    """Curvature of the log density at a point, in parameters divided by `units`.

    `eigenvalues` ascend: the first, most negative, is the stiffest direction; those near zero are
    degenerate: the behaviour hardly changes along them. Column k of `directions` belongs to
    eigenvalue k; its rows are `labels`.
    """

    labels: tuple[str, ...]
    units: Float[np.ndarray, " values"]
    point: Float[np.ndarray, " values"]
    gradient: Float[np.ndarray, " values"]
    hessian: Float[np.ndarray, "values values"]
    eigenvalues: Float[np.ndarray, " values"]
    directions: Float[np.ndarray, "values values"]


def sensitivity(
    distribution: ParameterDistribution, parameters: Parameters, *, scaled: bool = True
) -> Sensitivity:
    """The Hessian of the log density at `parameters`, such as the mode of an island.

    With `scaled` each parameter is measured in its own standard deviation over the distribution,
    so that parameters of different units compare; without, in its own unit. For a black box
    the Hessian is that of a quadratic fit to the samples around the point.

    Raises `ValueError` for other names, for a point where statistics are not finite, and where
    a black box has too few samples for a fit.
    """
    problem = distribution.problem
    support = problem.support
    coordinates = support.coordinates(
        {name: jnp.asarray(value, float) for name, value in parameters.items()}
    )
    point = np.asarray(support.vector(coordinates))
    samples = np.concatenate(
        [values.reshape(len(values), -1) for values in distribution.parameters.values()], axis=1
    )
    weights = np.exp(distribution.log_weights)
    average = weights @ samples
    units = np.sqrt(weights @ (samples - average) ** 2) if scaled else np.ones(point.size)
    if problem.behaviour.is_black_box:
        heights = distribution.log_density(distribution.parameters)
        gradient, hessian = _fitted((samples - point) / units, heights)
    else:
        slope, curvature = _derivatives(problem, jnp.asarray(distribution.eta), jnp.asarray(point))
        gradient = np.asarray(slope) * units
        hessian = np.asarray(curvature) * np.outer(units, units)
    if not np.all(np.isfinite(hessian)):
        raise ValueError(f"statistics have no finite curvature at {dict(parameters)}")
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    return Sensitivity(support.labels, units, point, gradient, hessian, values, vectors)


@eqx.filter_jit
def _derivatives(
    problem: Problem, eta: Float[Array, " rows"], point: Float[Array, " values"]
) -> tuple[Float[Array, " values"], Float[Array, "values values"]]:
    keys = problem.draw_keys()

    def height(vector: Float[Array, " values"]) -> Scalar:
        values = problem.behaviour.values(problem.support.named(vector), keys)
        features = jnp.mean(jax.vmap(problem.constraints.features)(values), axis=0)
        return jnp.dot(eta, features)

    return jax.grad(height)(point), jax.hessian(height)(point)


def _fitted(
    offsets: Float[np.ndarray, "samples values"], heights: Float[np.ndarray, " samples"]
) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, "values values"]]:
    """Slope and curvature at zero of a quadratic through the nearest samples."""
    free = offsets.shape[1]
    terms = 1 + free + free * (free + 1) // 2
    # Samples that stayed where they were in a round are in the list more than once.
    offsets, kept = np.unique(offsets, axis=0, return_index=True)
    heights = heights[kept]
    if len(offsets) < 4 * terms:
        raise ValueError(
            f"a quadratic in {free} parameters has {terms} coefficients and needs {4 * terms} "
            f"distinct samples, got {len(offsets)}"
        )
    near = np.argsort((offsets**2).sum(axis=1))[: max(4 * terms, len(offsets) // 10)]
    offsets, heights = offsets[near], heights[near]
    first, second = np.triu_indices(free)
    columns = [np.ones((len(near), 1)), offsets, offsets[:, first] * offsets[:, second]]
    solution = np.linalg.lstsq(np.concatenate(columns, axis=1), heights, rcond=None)[0]
    hessian = np.zeros((free, free))
    hessian[first, second] = solution[1 + free :]
    return solution[1 : 1 + free], hessian + hessian.T


__all__ = ["Sensitivity", "sensitivity"]
