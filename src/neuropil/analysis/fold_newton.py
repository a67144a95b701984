"""One fold, from a state and a parameter near it: batched, and differentiable."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neuropil.analysis.folds import polish_fold
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.norms import maximum_norm
from neuropil.result import Outcome, raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


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
    """Newton's method for f = 0, J v = 0, c v = 1, with c the direction in which J is smallest.

    A fold is accepted when the next step would be at most `tolerance`, relative to
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
    `NotSolved` when Newton's method does not converge. Source: R. Seydel, Numer. Math. 33, 339
    (1979).
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


@eqx.filter_jit
def _solve(residual: Residual, start: State, near: Scalar, tolerance: float) -> FoldPoint:
    n = start.size
    start, near = jax.lax.stop_gradient((start, near))
    jacobian = jax.lax.stop_gradient(jax.jacfwd(residual)(start, near))
    direction = jnp.linalg.svd(jacobian)[2][-1]

    def extended(unknown: Float[Array, " unknowns"]) -> Float[Array, " unknowns"]:
        state, vector, value = unknown[:n], unknown[n:-1], unknown[-1]
        left, change = jax.jvp(lambda s: residual(s, value), (state,), (vector,))
        return jnp.concatenate([left, change, (direction @ vector - 1.0)[None]])

    def newton(function, guess):
        del guess
        polished = polish_fold(residual, start, near, direction)
        kernel = jnp.linalg.svd(jax.jacfwd(residual)(polished.state, polished.parameter))[2][-1]
        kernel = kernel / (direction @ kernel)
        return jnp.concatenate([polished.state, kernel, polished.parameter[None]])

    def linear(function, value):
        return jnp.linalg.solve(jax.jacfwd(function)(value), value)

    guess = jnp.concatenate([start, direction, near[None]])
    unknown = jax.lax.custom_root(extended, guess, newton, linear)
    state, vector, value = unknown[:n], unknown[n:-1], unknown[-1]
    step = jnp.linalg.solve(jax.jacfwd(extended)(unknown), extended(unknown))
    where = jnp.append(state, value)
    error = maximum_norm(jnp.append(step[:n], step[-1])) / (1.0 + maximum_norm(where))
    outcome = jnp.where(
        error <= tolerance,
        Outcome.SUCCESSFUL.value,
        jnp.where(jnp.isfinite(error), Outcome.DIVERGED.value, Outcome.NOT_FINITE.value),
    )
    unit = vector / jnp.linalg.norm(vector)
    return FoldPoint(state, value, unit, jax.lax.stop_gradient(error), outcome)


__all__ = ["FoldNewton", "FoldPoint", "fold"]
