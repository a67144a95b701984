"""Hopf points: where a pair of eigenvalues crosses the imaginary axis and cycles are born."""

import equinox as eqx
import jax.numpy as jnp

from neuropil.analysis.extended_newton import HOPF_POINT, Polished, polish
from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar, State


class HopfPoint(eqx.Module):
    """A Hopf point: its state and parameter, and the frequency of the cycles born there.

    `angular_frequency` is the imaginary part of the pair of eigenvalues, in radians per ms, and
    not a number where the two eigenvalues that cancel are real (a neutral saddle, no Hopf point).
    `residual` is max |(f, (J^2 + omega^2) v)| for a unit vector v.
    """

    state: State
    parameter: Scalar
    angular_frequency: Scalar
    residual: Scalar


def polish_hopf_point(
    residual: Residual,
    state: State,
    parameter: Scalar,
    *,
    largest_move: Scalar | float = jnp.inf,
) -> HopfPoint:
    """Newton's method for f = 0, (J^2 + k) v = 0, c v = 1, d v = 0 from a state close by.

    It begins with the two eigenvalues of the Jacobian J whose sum is the smallest; c and d span
    the plane of their eigenvectors. Of the iterates at most `largest_move` away (2-norm of the
    state and the parameter), the best is returned, which is the beginning itself where the method
    fails. Source: D. Roose and V. Hlavacek, SIAM J. Appl. Math. 45, 879 (1985).
    """
    return hopf_point_of(
        polish(residual, (HOPF_POINT,), HOPF_POINT, state, parameter, state, largest_move)
    )


def hopf_point_of(polished: Polished) -> HopfPoint:
    """The Hopf point that Newton's method ended with."""
    is_pair = polished.square > 0
    frequency = jnp.where(is_pair, jnp.sqrt(jnp.where(is_pair, polished.square, 1.0)), jnp.nan)
    return HopfPoint(polished.state, polished.parameter, frequency, polished.residual)


__all__ = ["HopfPoint", "hopf_point_of", "polish_hopf_point"]
