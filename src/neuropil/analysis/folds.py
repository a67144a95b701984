"""Folds: where two stationary states meet and vanish."""

import equinox as eqx
import jax.numpy as jnp

from neuropil.analysis.extended_newton import FOLD, Polished, polish
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
    Of the iterates at most `largest_move` away (2-norm of the state and the parameter), the best
    is returned, which is the beginning itself where the method fails. Source: R. Seydel, Numer.
    Math. 33, 339 (1979).
    """
    return fold_of(
        polish(residual, (FOLD,), FOLD, state, parameter, direction, largest_move),
    )


def fold_of(polished: Polished) -> Fold:
    """The fold that Newton's method ended with."""
    return Fold(polished.state, polished.parameter, polished.residual)


__all__ = ["Fold", "fold_of", "polish_fold"]
