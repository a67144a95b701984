"""Newton's method for the extended systems whose regular zeros are the special points.

One system serves all kinds, so that the vector field and its derivatives are compiled once: the
unknowns are the state, the parameter, a vector v and one number more, and v is normalised by the
one that it begins with.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.analysis.on_demand import on_demand
from neuropil.analysis.parameters import Residual
from neuropil.norms import maximum_norm
from neuropil.types import Scalar, State

NEWTON_STEPS = 8

FOLD, HOPF_POINT, BRANCH_POINT = 0, 1, 2

Unknown = Float[Array, " unknowns"]


class Polished(NamedTuple):
    """What Newton's method ends with; `square` is that of the frequency at a Hopf point.

    `residual` is the larger one of max |f| and what the kind asks of a unit vector v, `vector`
    the one it ended with.
    """

    state: State
    parameter: Scalar
    square: Scalar
    residual: Scalar


class _Start(NamedTuple):
    """Where v and the additional unknown begin; `across` spans a plane with v at a Hopf point."""

    vector: State
    extra: Scalar
    across: State


def polish(
    residual: Residual,
    kinds: tuple[int, ...],
    kind: Int[Array, ""] | int,
    state: State,
    parameter: Scalar,
    direction: State,
    largest_move: Scalar | float,
) -> Polished:
    """The special point of one of `kinds` near a state and a parameter.

    `direction` is close to the null vector of the Jacobian at a fold, and not used otherwise. Of
    the iterates at most `largest_move` away (2-norm of the state and the parameter), the best is
    returned, which is the beginning itself where the method fails.
    """
    size = state.size
    point = jnp.append(state, parameter)
    nothing = _Start(direction, jnp.zeros(()), direction)

    def of_point(point):
        return residual(point[:-1], point[-1])

    def chosen(alternatives):
        """That of the kind, of what every kind makes; only `kinds` are computed."""
        made = [(other, alternatives[other]()) for other in kinds]
        result = made[0][1]
        for other, value in made[1:]:
            result = jax.tree.map(
                lambda yes, no, other=other: jnp.where(kind == other, yes, no), value, result
            )
        return result

    def begin(jacobian):
        """From the Jacobian by state and parameter."""

        def of_kind(which, start):
            return lambda: on_demand(jnp.asarray(kind == which), lambda: start(jacobian), nothing)

        return chosen(
            {
                FOLD: lambda: _start_of_fold(direction),
                HOPF_POINT: of_kind(HOPF_POINT, _start_of_hopf_point),
                BRANCH_POINT: of_kind(BRANCH_POINT, _start_of_branch_point),
            }
        )

    def extended(unknown: Unknown, start: _Start) -> tuple[Unknown, Scalar]:
        point, vector, extra = unknown[: size + 1], unknown[size + 1 : -1], unknown[-1]
        value, push = jax.linearize(of_point, point)

        def times_jacobian(vector):
            return push(jnp.append(vector, 0.0))

        def fold():
            return jnp.concatenate([value, times_jacobian(vector), extra[None]])

        def hopf_point():
            twice = times_jacobian(times_jacobian(vector))
            return jnp.concatenate([value, twice + extra * vector, (start.across @ vector)[None]])

        def branch_point():
            (pulled,) = jax.linear_transpose(push, point)(vector)
            return jnp.concatenate([value + extra * vector, pulled])

        left = chosen({FOLD: fold, HOPF_POINT: hopf_point, BRANCH_POINT: branch_point})
        length = jnp.linalg.norm(vector)
        reported = jnp.maximum(maximum_norm(value), maximum_norm(left[size:]) / length)
        return jnp.append(left, start.vector @ vector - 1.0), reported

    def evaluate(unknown, start):
        left, reported = extended(unknown, start)
        return left, (left, reported)

    def improve(index, now):
        unknown, start, best = now
        jacobian, (left, reported) = jax.jacfwd(evaluate, has_aux=True)(unknown, start)
        is_near = jnp.linalg.norm(unknown[: size + 1] - point) <= largest_move
        best = _better(best, _Best(unknown, maximum_norm(left), reported), is_near & (index > 0))

        def first():
            start = begin(jacobian[:size, : size + 1])
            return jnp.concatenate([point, start.vector, start.extra[None]]), start

        def newton():
            return unknown - _solve(jacobian, left), start

        # The first pass serves the Jacobian: the vector field is compiled once.
        return *jax.lax.cond(index == 0, first, newton), best

    unknown = jnp.concatenate([point, direction, jnp.zeros(1)])
    best = _Best(unknown, jnp.asarray(jnp.inf), jnp.asarray(jnp.nan))
    _, start, best = jax.lax.fori_loop(0, NEWTON_STEPS + 2, improve, (unknown, nothing, best))
    square = jnp.where(start.extra > 0, best.unknown[-1], jnp.nan)
    return Polished(best.unknown[:size], best.unknown[size], square, best.reported)


def _start_of_fold(direction: State) -> _Start:
    unit = direction / jnp.linalg.norm(direction)
    return _Start(unit, jnp.zeros(()), jnp.zeros(unit.size))


def _start_of_hopf_point(jacobian: Float[Array, "dimension dimension_plus_one"]) -> _Start:
    """The plane of the two eigenvectors whose eigenvalues have the smallest sum."""
    eigenvalues, vectors = jnp.linalg.eig(jacobian[:, :-1])
    one, other = np.triu_indices(len(jacobian), k=1)
    nearest = jnp.argmin(jnp.abs(eigenvalues[one] + eigenvalues[other]))
    first, second = jnp.array(one)[nearest], jnp.array(other)[nearest]
    vector = vectors[:, first]
    along = vector.real / jnp.linalg.norm(vector.real)
    across = vector.imag - (along @ vector.imag) * along
    square = (eigenvalues[first] * eigenvalues[second]).real
    return _Start(along, square, across / jnp.linalg.norm(across))


def _start_of_branch_point(jacobian: Float[Array, "dimension dimension_plus_one"]) -> _Start:
    """The left singular vector of the smallest singular value."""
    vectors, _, _ = jnp.linalg.svd(jacobian, full_matrices=False)
    return _Start(vectors[:, -1], jnp.zeros(()), jnp.zeros(len(jacobian)))


class _Best(NamedTuple):
    """An iterate, max |residual| there, and what is reported of it."""

    unknown: Unknown
    left: Scalar
    reported: Scalar


def _better(one: _Best, other: _Best, counts: Bool[Array, ""]) -> _Best:
    """`one`, unless the other counts and is better."""
    better = counts & (other.left < one.left)
    return jax.tree.map(lambda new, old: jnp.where(better, new, old), other, one)


def _solve(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """The solution of matrix x = right; eliminating both together needs no permutation."""
    factors, _, _ = jax.lax.linalg.lu(jnp.concatenate([matrix, right[:, None]], axis=1))
    solution = jax.lax.linalg.triangular_solve(
        factors[:, :-1], factors[:, -1:], left_side=True, lower=False
    )
    return solution[:, 0]


__all__ = ["BRANCH_POINT", "FOLD", "HOPF_POINT", "Polished", "polish"]
