"""Hopf points: where a pair of eigenvalues crosses the imaginary axis and cycles are born."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.analysis.extended_newton import best_iterate
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
    size = state.size
    eigenvalues, vectors = jnp.linalg.eig(jax.jacfwd(residual)(state, parameter))
    one, other = jnp.triu_indices(size, k=1)
    nearest = jnp.argmin(jnp.abs(eigenvalues[one] + eigenvalues[other]))
    first, second = one[nearest], other[nearest]
    squared = (eigenvalues[first] * eigenvalues[second]).real
    vector = vectors[:, first]
    along = vector.real / jnp.linalg.norm(vector.real)
    across = vector.imag - (along @ vector.imag) * along
    plane = jnp.stack([along, across / jnp.linalg.norm(across)])

    def extended(unknown: Float[Array, " unknowns"]):
        state, vector, squared, parameter = (
            unknown[:size],
            unknown[size : 2 * size],
            unknown[-2],
            unknown[-1],
        )

        def times_jacobian(tangent):
            return jax.jvp(lambda s: residual(s, parameter), (state,), (tangent,))

        value, once = times_jacobian(vector)
        _, twice = times_jacobian(once)
        scale = plane @ vector - jnp.array([1.0, 0.0])
        return jnp.concatenate([value, twice + squared * vector, scale])

    start = jnp.concatenate([state, along, squared[None], parameter[None]])

    def is_near(unknown):
        moved = unknown - start
        return jnp.linalg.norm(jnp.append(moved[:size], moved[-1])) <= largest_move

    found, left = best_iterate(extended, start, is_near)
    frequency = jnp.where(squared > 0, jnp.sqrt(jnp.maximum(found[-2], 0.0)), jnp.nan)
    frequency = jnp.where(frequency > 0, frequency, jnp.nan)
    return HopfPoint(found[:size], found[-1], frequency, left)


__all__ = ["HopfPoint", "polish_hopf_point"]
