"""Folds: where two stationary states meet and vanish."""

import jax
import jax.numpy as jnp

from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar, State

NEWTON_STEPS = 8


def polish_fold(
    residual: Residual, state: State, parameter: Scalar, direction: State
) -> tuple[State, Scalar]:
    """Newton's method for f = 0, J v = 0, c v = 1 from a state close to a fold.

    `direction` is close to the null vector v of the Jacobian J, and fixes its scale through c.
    Returns the state and the parameter; values that are not finite mean that it did not converge.
    Source: R. Seydel, Numer. Math. 33, 339 (1979).
    """
    size = state.size
    unit = direction / jnp.linalg.norm(direction)

    def extended(unknown):
        state, vector, parameter = unknown[:size], unknown[size:-1], unknown[-1]
        value, change = jax.jvp(lambda s: residual(s, parameter), (state,), (vector,))
        return jnp.concatenate([value, change, (unit @ vector - 1.0)[None]])

    def improve(_, unknown):
        return unknown - jnp.linalg.solve(jax.jacfwd(extended)(unknown), extended(unknown))

    start = jnp.concatenate([state, unit, parameter[None]])
    found = jax.lax.fori_loop(0, NEWTON_STEPS, improve, start)
    return found[:size], found[-1]
