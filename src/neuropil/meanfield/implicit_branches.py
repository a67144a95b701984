"""Solutions of equations, as differentiable functions of the parameters of the equations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neuropil.circuits import RankOneStatistics
from neuropil.norms import maximum_norm

Unknown = Float[Array, " unknowns"]
Residual = Callable[[RankOneStatistics, Unknown], Unknown]
Jacobian = Callable[[RankOneStatistics, Unknown], Float[Array, "unknowns unknowns"]]


def polished(
    residual: Residual,
    jacobian: Jacobian,
    statistics: RankOneStatistics,
    unknown: Unknown,
    *,
    steps: int,
) -> Unknown:
    """The best of the points that so many Newton steps pass through.

    `jacobian` is the derivative of `residual` in the unknown.
    """

    def step(_, carry):
        current, best, least = carry
        value = residual(statistics, current)
        size = maximum_norm(value)
        is_better = size < least
        following = current - jnp.linalg.solve(jacobian(statistics, current), value)
        return following, jnp.where(is_better, current, best), jnp.where(is_better, size, least)

    begin = (unknown, unknown, jnp.asarray(jnp.inf))
    return jax.lax.fori_loop(0, steps + 1, step, begin)[1]


def attach_implicit_derivatives(
    residual: Residual,
    jacobian: Jacobian,
    statistics: RankOneStatistics,
    unknown: Unknown,
    exists: Bool[Array, ""],
) -> Unknown:
    """`unknown` as a function of the statistics, by the implicit function theorem.

    Derivatives of all orders are those of the solution of `residual(statistics, unknown) = 0`;
    they are zero where it does not exist.
    """

    @jax.custom_jvp
    def solution(statistics, exists, unknown):
        return unknown

    @solution.defjvp
    def solution_jvp(primals, tangents):
        statistics, exists, unknown = primals
        solved = solution(statistics, exists, unknown)
        _, moved = jax.jvp(lambda s: residual(s, solved), (statistics,), (tangents[0],))
        by_unknown = jnp.where(exists, jacobian(statistics, solved), jnp.eye(unknown.size))
        return solved, -jnp.linalg.solve(by_unknown, jnp.where(exists, moved, 0.0))

    return solution(statistics, exists, jax.lax.stop_gradient(unknown))


__all__ = ["attach_implicit_derivatives", "polished"]
