"""Branch points: where two branches of stationary states cross."""

import equinox as eqx
import jax.numpy as jnp

from neuropil.analysis.extended_newton import BRANCH_POINT, Polished, polish
from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar, State


class BranchPoint(eqx.Module):
    """A simple branch point, transcritical or pitchfork.

    `residual` is max |(f, w J)| there, J being the Jacobian by state and parameter, of which a
    branch point has one rank too few, and w the unit vector that shows it. Where the branches
    miss each other narrowly, as in a perturbed pitchfork, the residual says by how much.
    """

    state: State
    parameter: Scalar
    residual: Scalar


def polish_branch_point(
    residual: Residual,
    state: State,
    parameter: Scalar,
    *,
    largest_move: Scalar | float = jnp.inf,
) -> BranchPoint:
    """Newton's method for f + b w = 0, w J = 0, c w = 1 from a state close by.

    J is the Jacobian by state and parameter; w begins as its left singular vector of the
    smallest singular value, which is c. Of the iterates at most `largest_move` away (2-norm of
    the state and the parameter), the best is returned, which is the beginning itself where the
    method fails. Source: G. Moore, Numer. Funct. Anal. Optim. 2, 441 (1980).
    """
    return branch_point_of(
        polish(residual, (BRANCH_POINT,), BRANCH_POINT, state, parameter, state, largest_move)
    )


def branch_point_of(polished: Polished) -> BranchPoint:
    """The branch point that Newton's method ended with."""
    return BranchPoint(polished.state, polished.parameter, polished.residual)


__all__ = ["BranchPoint", "branch_point_of", "polish_branch_point"]
