"""An upper bound on how steeply the firing rate responds to its mean input, over all inputs."""

from math import pi, sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.meanfield.passage_integrals import (
    end_difference,
    interval_integral,
    scale_exponent,
)

Values = Float[Array, "..."]
Points = Float[Array, " points"]
Cells = Float[Array, " cells"]

CELLS = 512
PASSES = 3
REFINED_ON_EACH_SIDE = 6
NEURONS_AT_ONCE = 64
ROUNDING = 1e-10


@jax.jit
def steepest_response(
    noise: Values, membrane_time_constant: Values, refractory_period: Values, width: Values
) -> Values:
    """An upper bound on dr/dE over all mean inputs E, in spikes/ms per mV; `width` = V_th - V_r.

    With b the distance to threshold over the noise, w the width over the noise and
    e(x) = erfcx(-x), the response is phi(b) / (sqrt(pi) tau sigma), where phi = D / q^2,

        D(b) = e(b) - e(b - w),    q(b) = t_ref / (sqrt(pi) tau) + int_(b-w)^b e(u) du,

    and q' = D. Since e(x) is a mixture of the exponentials exp(2 t x) with t > 0, so are D and q,
    with positive weights, and log D and log q are convex. On a cell [b1, b2] of length h the first
    lies below its chord and the second above its tangents at both ends, of which the mean is a
    straight line; so log phi is at most the larger of

        log phi(b1) + log q(b1) - log q(b2) + h D(b2) / q(b2),
        log phi(b2) + log q(b2) - log q(b1) - h D(b1) / q(b1),

    which exceeds it by no more than order h^2. The cells are refined around the largest value, and
    what lies outside keeps its bound.

    Far above threshold, e' < sqrt(pi) e^2 and the convexity of 1 / e (Sampford, "Some inequalities
    on Mill's ratio and related functions", Ann. Math. Stat. 24, 130-132, 1953) give

        D / (q - q(-inf))^2 <= sqrt(pi) / w (sinh(l) / l)^2, 2 l = log(e(b) / e(b - w)) < w / |b|,

    and far below it phi <= D / (q - q(-inf))^2 <= y^2 exp(-b^2) / (1 - exp(-2 b w))^2 with
    y = 2 b + 2 exp(-b^2) / sqrt(pi), from the convexity of log e. So the result bounds the response
    to every input. It exceeds the largest response by less than one part in a thousand.

    Arguments broadcast to one shape, which is that of the result.
    """
    noise, tau, t_ref, width = jnp.broadcast_arrays(
        noise, membrane_time_constant, refractory_period, width
    )
    factor = sqrt(pi) * tau
    bounds = jax.lax.map(
        lambda pair: _largest(*pair),
        ((width / noise).ravel(), (t_ref / factor).ravel()),
        batch_size=NEURONS_AT_ONCE,
    )
    return (1.0 + ROUNDING) * bounds.reshape(noise.shape) / (factor * noise)


def _largest(width: Float[Array, ""], rest: Float[Array, ""]) -> Float[Array, ""]:
    """Upper bound on phi for a width in units of the noise and a refractory period `rest`."""
    last = 5.0 + jnp.sqrt(jnp.log1p((1.0 + rest) / width))
    farthest = 1000.0 * (1.0 + width)
    share = jnp.linspace(0.0, 1.0, CELLS // 2 + 1)
    above_threshold = -jnp.sinh(share[:0:-1] * jnp.arcsinh(farthest))
    cell = jnp.arange(CELLS)

    def refine(b, _):
        value, bounds = _enclose(b, width, rest)
        peak = jnp.clip(jnp.argmax(value), REFINED_ON_EACH_SIDE, CELLS - REFINED_ON_EACH_SIDE)
        start, stop = peak - REFINED_ON_EACH_SIDE, peak + REFINED_ON_EACH_SIDE
        outside = jnp.where((cell >= start) & (cell < stop), -jnp.inf, bounds)
        return jnp.linspace(b[start], b[stop], CELLS + 1), (jnp.max(outside), jnp.max(bounds))

    _, (outside, everywhere) = jax.lax.scan(
        refine, jnp.concatenate([above_threshold, share * last]), length=PASSES
    )
    between = jnp.exp(jnp.maximum(jnp.max(outside[:-1]), everywhere[-1]))

    half = 0.5 * width / farthest
    # There the integral in q is below w / (sqrt(pi) |b|), which bounds its share of q.
    share_of_rest = 1.0 + sqrt(pi) * rest * farthest / width
    far_above = sqrt(pi) / width * jnp.square(jnp.sinh(half) / (half * share_of_rest))
    y = 2.0 * last + (2.0 / sqrt(pi)) * jnp.exp(-last * last)
    far_below = jnp.square(y / jnp.expm1(-2.0 * last * width)) * jnp.exp(-last * last)
    return jnp.maximum(between, jnp.maximum(far_above, far_below))


def _enclose(b: Points, width: Float[Array, ""], rest: Float[Array, ""]) -> tuple[Points, Cells]:
    """log phi at the points, and upper bounds on it over the cells between neighbours."""
    one, widths = jnp.ones_like(b), jnp.full_like(b, width)
    exponent = scale_exponent(b, one)
    gain = end_difference(0, b, widths, one)
    interval = rest * jnp.exp(-exponent) + interval_integral(b, widths, one)
    log_interval, slope = jnp.log(interval) + exponent, gain / interval
    value = jnp.log(slope) - log_interval

    length, rise = jnp.diff(b), jnp.diff(log_interval)
    from_left = value[:-1] + length * slope[1:] - rise
    from_right = value[1:] + rise - length * slope[:-1]
    return value, jnp.maximum(from_left, from_right)


__all__ = ["steepest_response"]
