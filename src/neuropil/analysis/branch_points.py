"""Branch points: where two branches of stationary states cross."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.analysis.extended_newton import best_iterate
from neuropil.analysis.parameters import Residual
from neuropil.norms import maximum_norm
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
    """Newton's method for f + b w = 0, w J = 0, w w = 1 from a state close by.

    J is the Jacobian by state and parameter, and w begins as its left singular vector of the
    smallest singular value. Of the iterates at most `largest_move` away (2-norm of the state and
    the parameter), the best is returned, which is the beginning itself where the method fails.
    Source: G. Moore, Numer. Funct. Anal. Optim. 2, 441 (1980).
    """
    size = state.size

    def of_point(point):
        return residual(point[:-1], point[-1])

    point = jnp.append(state, parameter)
    vectors, _, _ = jnp.linalg.svd(jax.jacfwd(of_point)(point), full_matrices=False)

    def extended(unknown: Float[Array, " unknowns"]):
        point, vector, offset = unknown[: size + 1], unknown[size + 1 : -1], unknown[-1]
        value, pull = jax.vjp(of_point, point)
        length = (vector @ vector - 1.0)[None]
        return jnp.concatenate([value + offset * vector, pull(vector)[0], length])

    found, _ = best_iterate(
        extended,
        jnp.concatenate([point, vectors[:, -1], jnp.zeros(1)]),
        lambda unknown: jnp.linalg.norm(unknown[: size + 1] - point) <= largest_move,
    )
    value, pull = jax.vjp(of_point, found[: size + 1])
    left = jnp.maximum(maximum_norm(value), maximum_norm(pull(found[size + 1 : -1])[0]))
    return BranchPoint(found[:size], found[size], left)


__all__ = ["BranchPoint", "polish_branch_point"]
