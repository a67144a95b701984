"""Folds: where two stationary states meet and vanish."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar, State

NEWTON_STEPS = 8


class Fold(eqx.Module):
    """A fold: its state and parameter, and max |(f, J v)| there for the unit null vector v."""

    state: State
    parameter: Scalar
    residual: Scalar


def polish_fold(
    residual: Residual,
    state: State,
    parameter: Scalar,
    direction: State,
    *,
    largest_move: Scalar | float = jnp.inf,
) -> Fold:
    """Newton's method for f = 0, J v = 0, c v = 1 from a state close to a fold.

    `direction` is close to the null vector v of the Jacobian J, and fixes its scale through c.
    Of the iterates that are at most `largest_move` away from where it began (2-norm of the
    state), the one with the smallest residual is returned, which is the beginning itself where
    the method fails. Source: R. Seydel, Numer. Math. 33, 339 (1979).
    """
    size = state.size
    unit = direction / jnp.linalg.norm(direction)

    def extended(unknown: Float[Array, " unknowns"]):
        state, vector, parameter = unknown[:size], unknown[size:-1], unknown[-1]
        value, change = jax.jvp(lambda s: residual(s, parameter), (state,), (vector,))
        left = jnp.concatenate([value, change, (unit @ vector - 1.0)[None]])
        return left, left

    def improve(unknown, _):
        jacobian, left = jax.jacfwd(extended, has_aux=True)(unknown)
        near = jnp.linalg.norm(unknown[:size] - state) <= largest_move
        size_left = jnp.where(near, jnp.max(jnp.abs(left)), jnp.inf)
        return unknown - jnp.linalg.solve(jacobian, left), (unknown, size_left)

    start = jnp.concatenate([state, unit, parameter[None]])
    _, (tried, left) = jax.lax.scan(improve, start, length=NEWTON_STEPS + 1)
    best = jnp.argmin(jnp.where(jnp.isnan(left), jnp.inf, left))
    return Fold(tried[best, :size], tried[best, -1], left[best])


__all__ = ["Fold", "polish_fold"]
