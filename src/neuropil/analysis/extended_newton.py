"""Newton's method for the extended systems whose regular zeros are the special points."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neuropil.norms import maximum_norm
from neuropil.types import Scalar

NEWTON_STEPS = 8

Unknown = Float[Array, " unknowns"]


def best_iterate(
    extended: Callable[[Unknown], Unknown],
    start: Unknown,
    is_near: Callable[[Unknown], Bool[Array, ""]],
) -> tuple[Unknown, Scalar]:
    """The iterate of Newton's method with the smallest max |residual|, and that.

    Iterates that are not near do not count. Where the method fails this is the start itself.
    """

    def evaluate(unknown):
        left = extended(unknown)
        return left, left

    def improve(unknown, _):
        jacobian, left = jax.jacfwd(evaluate, has_aux=True)(unknown)
        size_left = jnp.where(is_near(unknown), maximum_norm(left), jnp.inf)
        return unknown - jnp.linalg.solve(jacobian, left), (unknown, size_left)

    _, (tried, left) = jax.lax.scan(improve, start, length=NEWTON_STEPS + 1)
    best = jnp.argmin(jnp.where(jnp.isnan(left), jnp.inf, left))
    return tried[best], left[best]


__all__ = ["best_iterate"]
