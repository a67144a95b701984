"""Fresh simulations of sampled parameters against what was asked for."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from neuropil.inference.behaviour import Behaviour
from neuropil.inference.distribution import ParameterDistribution, placed
from neuropil.inference.evidence import Estimate
from neuropil.inference.target import Problem
from neuropil.types import RandomKey


class Prediction(NamedTuple):
    """Statistics of fresh simulations, one row for each parameter set that was drawn.

    `means` and `deviations` are over the sets with finite statistics, `failed` counts the others.
    """

    parameters: dict[str, Float[np.ndarray, "sets ..."]]
    statistics: dict[str, Float[np.ndarray, " sets"]]
    means: dict[str, Estimate]
    deviations: dict[str, float]
    failed: int


def predict(
    distribution: ParameterDistribution,
    count: int = 1000,
    *,
    key: RandomKey,
    behaviour: Behaviour | None = None,
) -> Prediction:
    """Draw parameters and simulate them again, with fresh noise.

    `behaviour` replaces that of the distribution: a finer time step, or a larger network. Raises
    `ValueError` when it has other statistics than those constrained.
    """
    problem = distribution.problem
    if behaviour is not None:
        missing = set(problem.behaviour.names) - set(behaviour.names)
        if missing:
            raise ValueError(f"behaviour must constrain the same statistics, without {missing}")
    behaviour = problem.behaviour if behaviour is None else behaviour
    draw_key, noise_key = jax.random.split(key)
    parameters = distribution.sample(draw_key, count)
    fresh = Problem(
        behaviour, problem.support, problem.constraints, noise_key if behaviour.draws else None
    )
    coordinates = jax.vmap(problem.support.coordinates)(
        {name: jnp.asarray(value) for name, value in parameters.items()}
    )
    found = np.asarray(placed(fresh, np.zeros(distribution.eta.size), coordinates).statistics)
    finite = np.all(np.isfinite(found), axis=1)
    if finite.sum() < 2:
        raise ValueError(f"statistics are finite at only {finite.sum()} of {count} parameter sets")
    means, deviations = {}, {}
    for column, name in enumerate(behaviour.names):
        values = found[finite, column]
        error = float(values.std(ddof=1) / np.sqrt(values.size))
        half = float(student.ppf(0.975, values.size - 1)) * error
        mean = float(values.mean())
        means[name] = Estimate(mean, error, mean - half, mean + half)
        deviations[name] = float(values.std(ddof=1))
    statistics = dict(zip(behaviour.names, found.T, strict=True))
    return Prediction(parameters, statistics, means, deviations, int((~finite).sum()))


__all__ = ["Prediction", "predict"]
