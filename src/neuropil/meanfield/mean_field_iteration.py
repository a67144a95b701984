"""The damped iteration of the mean-field equations, as published."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.circuits import RankOneStatistics
from neuropil.meanfield.dynamic_mean_field import mean_of, next_overlap, next_variance
from neuropil.meanfield.stationary_branches import require_concrete
from neuropil.meanfield.tanh_averages import tanh_averages
from neuropil.norms import maximum_norm
from neuropil.result import Outcome, raise_unless_successful


class MeanFieldIteration(eqx.Module):
    """y <- (1 - epsilon) y + epsilon f(y) for y = (mu, kappa, Delta_0), epsilon = `relaxation`.

    Ends when max |f(y) - y| is at most `tolerance`, or after `maximum_steps`; with a tolerance
    of zero it always takes them all. The defaults are those of Mastrogiuseppe and Ostojic; ten
    steps of relaxation 0.8 are what was differentiated through for degenerate solution networks.
    Raises `ValueError` when `relaxation` is outside (0, 1], `tolerance` is negative or
    `maximum_steps` below 1.
    """

    relaxation: float = 0.2
    tolerance: float = 1e-10
    maximum_steps: int = 10_000

    def __check_init__(self):
        if not 0 < self.relaxation <= 1:
            raise ValueError(f"relaxation must be above 0 and at most 1, got {self.relaxation}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        if self.maximum_steps < 1:
            raise ValueError(f"maximum_steps must be at least 1, got {self.maximum_steps}")


class IteratedMeanField(eqx.Module):
    """Where the iteration came to; `residual` is max |f(y) - y| there."""

    mean: Float[Array, ""]
    overlap: Float[Array, ""]
    variance: Float[Array, ""]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    outcome: Int[Array, ""]


def iterate_mean_field(
    statistics: RankOneStatistics,
    method: MeanFieldIteration,
    start: tuple[float, float, float] | Float[Array | np.ndarray, "3"],
    *,
    throw: bool = True,
) -> IteratedMeanField:
    """The stationary equations, iterated from `start` = (mu, kappa, Delta_0).

    Which branch it comes to depends on the start, and a start on a repelling branch, such as
    kappa = 0 without input, stays there: use `stationary_branches` to know all of them. Not
    differentiable. Raises `ValueError` for a start that is not finite or whose variance is
    negative, and `NotSolved` when the tolerance is not reached and `throw` is true.
    """
    require_concrete(statistics, throw=throw)
    begin = jnp.asarray(start, float)
    if begin.shape != (3,):
        raise ValueError(f"start must be (mu, kappa, Delta_0), got shape {begin.shape}")
    if not isinstance(begin, jax.core.Tracer) and not (
        np.all(np.isfinite(begin)) and begin[2] >= 0
    ):
        raise ValueError(f"start must be finite, its variance not negative, got {begin}")
    found = _iterate(statistics, method, begin)
    if throw:
        raise_unless_successful(found.outcome, what="mean-field iteration", throw=True)
    return found


@eqx.filter_jit
def _iterate(statistics, method, begin) -> IteratedMeanField:
    statistics = jax.lax.stop_gradient(statistics)

    def following(current):
        mean, overlap, variance = current
        averages = tanh_averages(mean, variance, order=1)
        return jnp.stack(
            [
                mean_of(statistics, overlap),
                next_overlap(statistics, averages),
                next_variance(statistics, overlap, averages),
            ]
        )

    def proceed(carry):
        _, change, steps = carry
        is_unfinished = ~(maximum_norm(change) <= method.tolerance) | (method.tolerance == 0)
        return is_unfinished & (steps < method.maximum_steps)

    def step(carry):
        current, change, steps = carry
        moved = current + method.relaxation * change
        return moved, following(moved) - moved, steps + 1

    start = jax.lax.stop_gradient(begin)
    last, change, steps = jax.lax.while_loop(
        proceed, step, (start, following(start) - start, jnp.asarray(0))
    )
    residual = maximum_norm(change)
    outcome = jnp.where(
        residual <= method.tolerance,
        Outcome.SUCCESSFUL.value,
        jnp.where(
            jnp.isfinite(residual),
            Outcome.MAXIMUM_STEPS_REACHED.value,
            Outcome.NOT_FINITE.value,
        ),
    )
    return IteratedMeanField(last[0], last[1], last[2], residual, steps, outcome)


__all__ = ["IteratedMeanField", "MeanFieldIteration", "iterate_mean_field"]
