"""One fold, from a state and a parameter near it: batched, and differentiable."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neuropil.analysis.elimination import solve_with_sign
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.analysis.quick_compilation import quickly_compiled
from neuropil.norms import maximum_norm
from neuropil.result import Outcome, raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State

_NEWTON_STEPS = 10
_CLOSE = 1e-9
"""From a step as short as this, the next one ends at rounding."""


class FoldPoint(eqx.Module):
    """Where two stationary states meet and vanish.

    `null_vector` spans the kernel of the Jacobian there (2-norm 1); `error` is the size of the
    Newton step that would still be taken, relative to 1 + max |(state, parameter)|.
    """

    state: State
    parameter: Scalar
    null_vector: State
    error: Scalar
    outcome: Int[Array, ""]


class FoldNewton(eqx.Module):
    """Newton's method for f = 0, g = 0, with J v + g b = 0, c v = 1 for the Jacobian J.

    The number g vanishes where J is singular; b and c follow the vectors that J and its transpose
    shrink most. A fold is accepted when the next step would be at most `tolerance`, relative to
    1 + max |(state, parameter)|. Raises `ValueError` when `tolerance` is not positive.
    """

    tolerance: float = 1e-10

    def __check_init__(self):
        if not self.tolerance > 0:
            raise ValueError(f"tolerance must be positive, got {self.tolerance}")


def fold(
    problem: AbstractSystem | Callable[[State, Scalar], State],
    start: State,
    method: FoldNewton | None = None,
    *,
    parameter: str = "parameter",
    near: float | Scalar | None = None,
    throw: bool = True,
) -> FoldPoint:
    """The fold near the state `start` and the parameter value `near`.

    `problem` is a system, whose scalar field `parameter` begins at its present value unless
    `near` says otherwise, at time 0, or a function of state and parameter with `near` given.

    Within `jax.jit`, `jax.vmap` and `jax.grad` nothing can raise: read `outcome`. State and
    parameter of the fold are differentiable by every array of the system (implicit function
    theorem), also repeatedly, which costs one more linear solve. Take second derivatives outside
    of `jax.lax.map` and `jax.lax.scan`, in which JAX loses part of them.

    Raises `ValueError` when the parameter does not exist or the start does not fit, and
    `NotSolved` when Newton's method does not converge. Source: A. Griewank and G. W. Reddien,
    IMA J. Numer. Anal. 4, 489 (1984).
    """
    method = FoldNewton() if method is None else method
    if isinstance(problem, AbstractSystem):
        residual: Residual = vector_field_of(problem, parameter)
        near = residual.value if near is None else near  # type: ignore[attr-defined]
        n = len(problem.state_names)
    else:
        residual, n = problem, start.size
        if near is None:
            raise ValueError("near must be given when the problem is a plain function")
    if start.shape != (n,):
        raise ValueError(f"start must have shape ({n},), got {start.shape}")
    found = _solve(residual, jnp.asarray(start, float), jnp.asarray(near, float), method.tolerance)
    if throw and not isinstance(found.outcome, jax.core.Tracer):
        raise_unless_successful(found.outcome, what=f"fold in {parameter}", throw=True)
    return found


@quickly_compiled
def _solve(residual: Residual, start: State, near: Scalar, tolerance: float) -> FoldPoint:
    n = start.size
    start, near = jax.lax.stop_gradient((start, near))

    def extended(unknown: Float[Array, " unknowns"]) -> Float[Array, " unknowns"]:
        """Zero at a fold with a unit null vector, and regular there."""
        state, vector, value = unknown[:n], unknown[n:-1], unknown[-1]
        left, change = jax.jvp(lambda s: residual(s, value), (state,), (vector,))
        return jnp.concatenate([left, change, (vector @ vector - 1.0)[None]])

    def newton(function, guess):
        del function, guess
        best = _newton(residual, jnp.append(start, near))
        return jnp.concatenate([best.point[:n], best.vector, best.point[n:]]), best.error

    def linear(function, value):
        return jnp.linalg.solve(jax.jacfwd(function)(value), value)

    guess = jnp.concatenate([start, start, near[None]])
    unknown, error = jax.lax.custom_root(extended, guess, newton, linear, has_aux=True)
    outcome = jnp.where(
        error <= tolerance,
        Outcome.SUCCESSFUL.value,
        jnp.where(jnp.isfinite(error), Outcome.DIVERGED.value, Outcome.NOT_FINITE.value),
    )
    return FoldPoint(unknown[:n], unknown[-1], unknown[n:-1], jax.lax.stop_gradient(error), outcome)


class _Best(NamedTuple):
    """A state with its parameter, how far Newton's method would move it, and the unit v there."""

    point: Float[Array, " dimension_plus_one"]
    error: Scalar
    vector: State


def _newton(residual: Residual, point: Float[Array, " dimension_plus_one"]) -> _Best:
    """The iterate of Newton's method that the next step would move least.

    With w from the transposed system, w J + g c = 0 and w b = 1, the derivative of g is that of
    -w J v at constant v and w.
    """
    n = point.size - 1

    def of_point(point):
        value = residual(point[:n], point[n])
        return value, value

    def times_jacobian(point, vector):
        return jax.jvp(lambda p: of_point(p)[0], (point,), (jnp.append(vector, 0.0),))[1]

    def improve(now):
        passes, close, point, left, right, best = now
        jacobian, value = jax.jacfwd(of_point, has_aux=True)(point)
        matrix = jnp.concatenate([jacobian[:, :n], left[:, None]], axis=1)
        matrix = jnp.concatenate([matrix, jnp.append(right, 0.0)[None]])
        inverse, _ = solve_with_sign(matrix, jnp.eye(n + 1))
        kernel, cokernel = inverse[:, n], inverse[n]
        slope = -cokernel[:n] @ jax.jacfwd(times_jacobian)(point, kernel[:n])
        matrix = jnp.concatenate([jacobian, slope[None]])
        step = solve_with_sign(matrix, jnp.append(value, kernel[n])[:, None])[0][:, 0]
        left, right = (vector[:n] / jnp.linalg.norm(vector[:n]) for vector in (cokernel, kernel))

        error = maximum_norm(step) / (1.0 + maximum_norm(point))
        # The first pass has borders that know nothing yet, and only gives better ones.
        counts = passes > 0
        better = counts & (error < best.error)
        best = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), _Best(point, error, right), best
        )
        passes = jnp.where(close, _NEWTON_STEPS, passes) + 1
        moved = jnp.where(counts, point - step, point)
        return passes, counts & (error < _CLOSE), moved, left, right, best

    # Borders that no symmetry of the system makes orthogonal to what they have to find.
    border = jnp.cos(jnp.arange(n, dtype=point.dtype))
    best = _Best(point, jnp.asarray(jnp.inf), border)
    initial = jnp.asarray(0), jnp.asarray(False), point, border, border, best
    return jax.lax.while_loop(lambda now: now[0] <= _NEWTON_STEPS, improve, initial)[-1]


__all__ = ["FoldNewton", "FoldPoint", "fold"]
