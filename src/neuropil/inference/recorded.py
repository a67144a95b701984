"""The answer from simulations that are there already: parameters and statistics in a table."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.inference.behaviour import Behaviour, constraints_of
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.dual import tilt
from neuropil.inference.path_answer import answer_of
from neuropil.inference.path_state import PathState, empty_pool
from neuropil.inference.support import Parameters, Support
from neuropil.inference.target import Points, Problem

_REPEATS = 16


def reweighted(
    behaviour: Behaviour,
    support: Support,
    parameters: Parameters,
    statistics: dict[str, Float[np.ndarray, " sets"]],
) -> ParameterDistribution:
    """The maximum-entropy distribution on recorded simulations, drawn from the base measure.

    `parameters` (with a leading axis over sets) were drawn uniformly from a bounded support, or
    from its base measure; `statistics` are what the simulations gave, not finite where they
    failed. The draws are weighted, never moved: nothing is simulated. `behaviour.statistics` is
    not called, and may be a stand-in. The intervals say how far this carries; where
    `effective_samples` is small it carries no further, and `maximum_entropy` has to.

    Raises `ValueError` when tables differ in length, a statistic is missing, fewer than 160 sets
    are finite, or the support is unbounded without a base measure.
    """
    names = behaviour.names
    missing = [name for name in names if name not in statistics]
    if missing:
        raise ValueError(f"statistics has no {missing}, which the behaviour constrains")
    if not (support.starts_at_answer or support.base is not None):
        raise ValueError("the support must be bounded or have a base measure to draw from")
    table = np.stack([np.asarray(statistics[name], float) for name in names], axis=1)
    lengths = {len(np.asarray(value)) for value in parameters.values()} | {len(table)}
    if len(lengths) != 1:
        raise ValueError(f"parameters and statistics must have one length, got {sorted(lengths)}")
    finite = np.all(np.isfinite(table), axis=1)
    kept = np.flatnonzero(finite)
    kept = kept[: len(kept) // _REPEATS * _REPEATS]
    if len(kept) < 10 * _REPEATS:
        raise ValueError(f"only {finite.sum()} of {len(table)} sets are finite, 160 are needed")
    low, high = np.quantile(table[kept], [0.16, 0.84], axis=0)
    spread = np.where(high > low, 0.5 * (high - low), table[kept].std(axis=0))
    for name, width in zip(names, spread, strict=True):
        if not width > 0:
            raise ValueError(f"statistic {name!r} does not vary: it cannot be constrained")
    constraints = constraints_of(behaviour, spread)
    problem = Problem(behaviour, support, constraints, None)
    coordinates = jax.vmap(support.coordinates)(
        {name: jnp.asarray(value, float)[kept] for name, value in parameters.items()}
    )
    features = np.asarray(jax.vmap(constraints.features)(jnp.asarray(table[kept])))
    reference = jax.vmap(support.log_reference)(coordinates)
    volume = -float(reference[0]) if support.starts_at_answer else 0.0
    start = volume + np.log(finite.mean())
    zero = np.zeros(features.shape[1])
    solved = tilt(features, np.asarray(constraints.sign), zero)
    by_population = (features @ solved.change).reshape(_REPEATS, -1)
    log_z = start + np.log(np.mean(np.exp(by_population - by_population.max()), axis=1))
    log_z = log_z + by_population.max() - solved.log_ratio
    points = Points(
        coordinates, reference, jnp.zeros_like(coordinates), jnp.asarray(table[kept]),
        jnp.asarray(features), reference,
    )  # fmt: skip
    state = PathState(
        step=1,
        sampling=1,
        reference=0.0,
        eta=zero,
        scale=np.asarray(constraints.scale),
        points=points,
        log_step=0.0,
        log_z=np.stack([log_z] * 3),
        inside_share=float(finite.mean()),
        simulations=len(table),
        pool=empty_pool(points).joined(points, 1),
        precise=1,
        trace=np.array([[0.0, float(log_z.mean()), 0.0, len(table)]]),
    )
    return answer_of(problem, state)


__all__ = ["reweighted"]
