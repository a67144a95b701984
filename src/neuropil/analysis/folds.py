"""Folds: where two stationary states meet and vanish."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.analysis.extended_newton import best_iterate
from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar, State


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
        return jnp.concatenate([value, change, (unit @ vector - 1.0)[None]])

    start = jnp.concatenate([state, unit, parameter[None]])
    found, left = best_iterate(
        extended, start, lambda unknown: jnp.linalg.norm(unknown[:size] - state) <= largest_move
    )
    return Fold(found[:size], found[-1], left)


__all__ = ["Fold", "polish_fold"]
