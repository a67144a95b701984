"""Parameters and statistics as plain arrays, a row for each set: what other packages take."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.inference.behaviour import Behaviour, constraints_of
from neuropil.inference.distribution import ParameterDistribution, placed
from neuropil.inference.support import Parameters, Support
from neuropil.inference.target import Problem
from neuropil.types import ArrayLike, RandomKey


def flattened(support: Support, parameters: Parameters) -> Float[np.ndarray, "sets values"]:
    """Parameters with a leading axis over sets as one array, columns in order of `labels`.

    Raises `ValueError` for other names than the support's.
    """
    if set(parameters) != set(support.names):
        raise ValueError(f"parameters must be {sorted(support.names)}, got {sorted(parameters)}")
    arrays = [np.asarray(parameters[name], float) for name in support.names]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


def unflattened(
    support: Support, values: Float[ArrayLike, "sets values"]
) -> dict[str, Float[np.ndarray, "sets ..."]]:
    """The parameters by name of an array with a row for each set.

    Raises `ValueError` for another number of columns than the support has labels.
    """
    rows = np.asarray(values, float)
    if rows.ndim != 2 or rows.shape[1] != len(support.labels):
        raise ValueError(f"values must have {len(support.labels)} columns, got shape {rows.shape}")
    named = jax.vmap(support.named)(jnp.asarray(rows))
    return {name: np.asarray(named[name]) for name in support.names}


def for_corner(distribution: ParameterDistribution) -> dict[str, Any]:
    """The arguments of `corner.corner`: all samples with their weights, and labels with units."""
    support = distribution.problem.support
    labels = [
        f"{label} ({unit})" if unit else label
        for label, unit in zip(support.labels, support.units, strict=True)
    ]
    return {
        "data": flattened(support, distribution.parameters),
        "weights": np.exp(distribution.log_weights),
        "labels": labels,
    }


def prior_draws(
    support: Support, count: int, *, key: RandomKey
) -> Float[np.ndarray, "count values"]:
    """Draws from the uniform distribution on a bounded support, in order of `labels`.

    Raises `ValueError` where the support is not bounded or has a base measure.
    """
    if not support.starts_at_answer:
        raise ValueError("support must be bounded and without a base measure to be drawn from")
    return np.asarray(jax.vmap(support.vector)(support.draw(key, count)))


def simulator(
    behaviour: Behaviour, support: Support, *, key: RandomKey
) -> Callable[[Any], Float[np.ndarray, "sets statistics"]]:
    """The behaviour as a function from rows of parameters to rows of statistics.

    This is what `sbi` and other packages for simulation-based inference call a simulator; rows
    may be tensors. Statistics that are not finite stay so. Noise is drawn afresh at each call.
    """
    calls = iter(range(2**31))

    def simulate(values: Any) -> Float[np.ndarray, "sets statistics"]:
        rows = np.asarray(values, float)
        parameters = unflattened(support, rows)
        noise = jax.random.fold_in(key, next(calls)) if behaviour.draws else None
        spread = np.ones(len(behaviour.names))
        problem = Problem(behaviour, support, constraints_of(behaviour, spread), noise)
        coordinates = jax.vmap(support.coordinates)(
            {name: jnp.asarray(value) for name, value in parameters.items()}
        )
        eta = np.zeros(len(problem.constraints.sign))
        return np.asarray(placed(problem, eta, coordinates).statistics)

    return simulate


__all__ = ["flattened", "for_corner", "prior_draws", "simulator", "unflattened"]
