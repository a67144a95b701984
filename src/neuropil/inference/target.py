"""The densities along the way: reference, statistics and natural parameters in one formula."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from neuropil.inference.behaviour import Behaviour, Constraints
from neuropil.inference.black_box import BlackBox
from neuropil.inference.logistic import log_logistic
from neuropil.inference.support import Support
from neuropil.types import ArrayLike, RandomKey, Scalar


class Problem(eqx.Module):
    """A behaviour on a support, with the noise of its statistics drawn once and for all."""

    behaviour: Behaviour
    support: Support
    constraints: Constraints
    noise: RandomKey | None

    def draw_keys(self) -> Key[Array, " draws"] | None:
        """One key for each draw of the noise; the same for every set of parameters."""
        if self.noise is None:
            return None
        return jax.random.split(self.noise, self.behaviour.draws)


class Natural(NamedTuple):
    """Natural parameters: of the log reference, and of each feature.

    The density against the base measure is proportional to
    exp(reference * log_reference + features . eta).
    """

    reference: Scalar
    features: Float[Array, " rows"]


class Points(NamedTuple):
    """Places in parameter space and what is known there, with any leading axes.

    `slope` is zero where statistics are a black box.
    """

    coordinates: Float[Array, "... free"]
    log_density: Float[Array, "..."]
    slope: Float[Array, "... free"]
    statistics: Float[Array, "... statistics"]
    features: Float[Array, "... rows"]
    log_reference: Float[Array, "..."]


def log_density(
    natural: Natural,
    coordinates: Float[Array, "... free"],
    features: Float[Array, "... rows"],
    log_reference: Float[Array, "..."],
) -> Float[Array, "..."]:
    """Log density in unconstrained coordinates, up to its constant; -inf outside the domain."""
    total = (
        log_logistic(coordinates)
        - (1 - natural.reference) * log_reference
        + features @ natural.features
    )
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


def place(problem: Problem, natural: Natural, coordinates: Float[Array, " free"]) -> Points:
    """All that is known at one point, the gradient included."""
    keys = problem.draw_keys()

    def density(y: Float[Array, " free"]) -> tuple[Scalar, tuple]:
        values = problem.behaviour.values(problem.support.parameters(y), keys)
        features = jnp.mean(jax.vmap(problem.constraints.features)(values), axis=0)
        reference = problem.support.log_reference(y)
        total = (
            log_logistic(y)
            - (1 - natural.reference) * reference
            + jnp.dot(natural.features, features)
        )
        return total, (jnp.mean(values, axis=0), features, reference)

    (total, (statistics, features, reference)), slope = jax.value_and_grad(density, has_aux=True)(
        coordinates
    )
    inside = jnp.isfinite(total)
    return Points(
        coordinates,
        jnp.where(inside, total, -jnp.inf),
        jnp.where(jnp.isfinite(slope), slope, 0.0),
        statistics,
        features,
        reference,
    )


@eqx.filter_jit
def place_all(
    problem: Problem,
    natural: Natural,
    coordinates: Float[Array, "points free"],
    batch_size: int | None = None,
) -> Points:
    """`place` for many points, `batch_size` of them at once (`None`: all)."""
    return over_points(lambda y: place(problem, natural, y), coordinates, batch_size)


def over_points(function: Callable, coordinates: Any, batch_size: int | None) -> Any:
    """A function of one point applied to all, in batches that bound the memory."""
    if batch_size is None:
        return jax.vmap(function)(coordinates)
    return jax.lax.map(function, coordinates, batch_size=batch_size)


def place_black_box(
    problem: Problem, natural: Natural, coordinates: Float[np.ndarray, "points free"]
) -> Points:
    """`place_all` when the statistics come from outside JAX: there is no gradient."""
    simulator = problem.behaviour.statistics
    assert isinstance(simulator, BlackBox)
    parameters, reference = _named(problem.support, jnp.asarray(coordinates))
    keys = problem.draw_keys()
    seeds = None if keys is None else np.asarray(jax.random.bits(keys[0], (len(keys),))) >> 1
    values = simulator.evaluate(
        problem.behaviour.names, {k: np.asarray(v) for k, v in parameters.items()}, seeds
    )
    features = np.mean(_features(problem.constraints, jnp.asarray(values)), axis=1)
    return Points(
        jnp.asarray(coordinates),
        log_density(natural, jnp.asarray(coordinates), jnp.asarray(features), reference),
        jnp.zeros_like(jnp.asarray(coordinates)),
        jnp.mean(jnp.asarray(values), axis=1),
        jnp.asarray(features),
        reference,
    )


def place_batch(
    problem: Problem,
    natural: Natural,
    coordinates: Float[ArrayLike, "points free"],
    batch_size: int | None = None,
) -> Points:
    """`place_all` or `place_black_box`, whichever the statistics allow."""
    if problem.behaviour.is_black_box:
        return place_black_box(problem, natural, np.asarray(coordinates))
    return place_all(problem, natural, jnp.asarray(coordinates), batch_size)


@eqx.filter_jit
def _named(support: Support, coordinates: Float[Array, "points free"]) -> tuple:
    return jax.vmap(support.parameters)(coordinates), jax.vmap(support.log_reference)(coordinates)


@eqx.filter_jit
def _features(
    constraints: Constraints, values: Float[Array, "points draws statistics"]
) -> Float[Array, "points draws rows"]:
    return jax.vmap(jax.vmap(constraints.features))(values)


__all__ = [
    "Natural",
    "Points",
    "Problem",
    "log_density",
    "over_points",
    "place",
    "place_all",
    "place_batch",
    "place_black_box",
]
