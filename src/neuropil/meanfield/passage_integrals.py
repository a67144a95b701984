"""Integrals over the interval between reset and threshold, with derivatives to third order.

For a gap B = V_th - E_L - E to the threshold, a width W = V_th - V_r and a noise sigma let
b = B / sigma and a = (B - W) / sigma. The mean passage time of the leaky integrate-and-fire neuron
needs the integral of erfcx(-u) from a to b; all its derivatives are made of

    P_n = sigma^-(n+1) f_n(-a),   G_n = sigma^-(n+1) (f_n(-b) - f_n(-a)),

f_n(y) = exp(y^2) i^n erfc(y) (DLMF 7.18). sigma^-(n+1) f_n(-B / sigma) is a function F_n(B, sigma)
with dF_n/dB = 2 (n+1) F_(n+1) and dF_n/dsigma = -2 (n+1)(n+2) sigma F_(n+2), so no derivative is
the difference of large numbers that cancel.

Above threshold all of these grow as exp(b^2) and leave the range of double precision at b = 26.
Each function here returns its value times exp(-max(b, 0)^2), and its derivatives are those of the
value times the same factor: **the factor counts as a constant**, which drops out where the caller
divides by it.
"""

from functools import partial
from math import pi, sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.meanfield.scaled_error_functions import (
    HIGHEST_ORDER,
    growing_integral,
    integral_difference,
    repeated_integral_difference,
    scaled_repeated_integral,
    share_lost,
)

Values = Float[Array, "..."]


def scale_exponent(gap: Values, noise: Values) -> Values:
    """max(b, 0)^2: the logarithm of what every function here is divided by; a constant."""
    return jax.lax.stop_gradient(jnp.square(jnp.maximum(gap / noise, 0.0)))


def _ends(gap: Values, width: Values, noise: Values) -> tuple[Values, Values, Values]:
    """a, b and b - a, each to full relative accuracy where the integrals depend on it."""
    b, length = gap / noise, width / noise
    return b - length, b, length


def _above(a: Values, b: Values, length: Values) -> tuple[Values, Values, Values, Values]:
    """The part of [a, b] above zero: both ends, its length, and 1 - exp(a^2 - b^2)."""
    start, stop = jnp.maximum(a, 0.0), jnp.maximum(b, 0.0)
    inside = jnp.minimum(length, stop)
    return start, stop, inside, share_lost(inside * (start + stop))


def _below(a: Values, b: Values, length: Values) -> tuple[Values, Values, Values]:
    """The part of [a, b] below zero: distances of b and a from zero, and its length."""
    near, far = jnp.maximum(-b, 0.0), jnp.maximum(-a, 0.0)
    return near, far, jnp.minimum(length, far)


@jax.custom_jvp
def interval_integral(gap: Values, width: Values, noise: Values) -> Values:
    """Integral of erfcx(-u) from a to b, times exp(-max(b, 0)^2)."""
    a, b, length = _ends(gap, width, noise)
    start, stop, inside, gained = _above(a, b, length)
    # int_0^x erfcx(-u) du is -int_0^|x| erfcx, plus 2 int_0^x exp(u^2) for positive x.
    near, far = jnp.minimum(jnp.abs(a), jnp.abs(b)), jnp.maximum(jnp.abs(a), jnp.abs(b))
    distance = jnp.where(a * b >= 0.0, length, jnp.abs(a + b))
    shrinking = integral_difference(near, far, distance)
    grown = 2.0 * growing_integral(start, stop, inside, gained)
    scale = jnp.exp(-jnp.square(stop))
    return grown + jnp.where(a + b < 0.0, scale, -scale) * shrinking


@interval_integral.defjvp
def _interval_integral_jvp(primals, tangents):
    noise = primals[2]
    d_gap, d_width, d_noise = tangents
    change = (
        end_difference(0, *primals) * d_gap
        + lower_end(0, *primals) * d_width
        - noise * end_difference(1, *primals) * d_noise
    )
    return interval_integral(*primals), change


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def lower_end(order: int, gap: Values, width: Values, noise: Values) -> Values:
    """P_n, times exp(-max(b, 0)^2)."""
    a, b, length = _ends(gap, width, noise)
    start, stop, inside, _ = _above(a, b, length)
    below = jnp.exp(-jnp.square(stop)) * scaled_repeated_integral(order, jnp.maximum(-a, 0.0))
    decay = jnp.exp(-inside * (start + stop))
    above = decay * _repeated_integrals_of_negative(order, start)[order + 1]
    return jnp.where(a < 0.0, below, above) / noise ** (order + 1)


@lower_end.defjvp
def _lower_end_jvp(order, primals, tangents):
    noise = primals[2]
    d_gap, d_width, d_noise = tangents
    _require_order(order + 2)
    change = 2.0 * (order + 1) * lower_end(order + 1, *primals) * (d_gap - d_width)
    spread = 2.0 * (order + 1) * (order + 2) * noise * lower_end(order + 2, *primals) * d_noise
    return lower_end(order, *primals), change - spread


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def end_difference(order: int, gap: Values, width: Values, noise: Values) -> Values:
    """G_n, times exp(-max(b, 0)^2)."""
    a, b, length = _ends(gap, width, noise)
    below = repeated_integral_difference(order, *_below(a, b, length))
    start, stop, inside, gained = _above(a, b, length)
    at_start = _repeated_integrals_of_negative(order, start)
    # i^n erfc(-x) obeys 2 n g_n = g_(n-2) + 2 x g_(n-1); so do its differences, by positive terms
    # but for the first.
    erf_rise = jnp.exp(-jnp.square(start)) * (
        repeated_integral_difference(0, start, stop, inside)
        + gained * scaled_repeated_integral(0, stop)
    )
    rises = [-(2.0 / sqrt(pi)) * jnp.exp(-jnp.square(start)) * gained, erf_rise]
    for n in range(1, order + 1):
        product = stop * rises[n] + inside * at_start[n]
        rises.append((rises[n - 1] + 2.0 * product) / (2.0 * n))
    above = rises[order + 1] + gained * at_start[order + 1]
    return (jnp.exp(-jnp.square(stop)) * below + above) / noise ** (order + 1)


@end_difference.defjvp
def _end_difference_jvp(order, primals, tangents):
    noise = primals[2]
    d_gap, d_width, d_noise = tangents
    _require_order(order + 2)
    change = end_difference(order + 1, *primals) * d_gap + lower_end(order + 1, *primals) * d_width
    spread = (order + 2) * noise * end_difference(order + 2, *primals) * d_noise
    return end_difference(order, *primals), 2.0 * (order + 1) * (change - spread)


def _repeated_integrals_of_negative(order: int, x: Values) -> list[Values]:
    """i^n erfc(-x) for n = -1, 0, ... `order` and x >= 0, by a recurrence of positive terms."""
    bell = jnp.exp(-jnp.square(x))
    integrals = [(2.0 / sqrt(pi)) * bell, 2.0 - bell * scaled_repeated_integral(0, x)]
    for n in range(1, order + 1):
        integrals.append((integrals[n - 1] + 2.0 * x * integrals[n]) / (2.0 * n))
    return integrals


def _require_order(order: int) -> None:
    if order > HIGHEST_ORDER:
        raise NotImplementedError(
            "the firing rate can be differentiated three times; this derivative is of higher order"
        )


__all__ = ["end_difference", "interval_integral", "lower_end", "scale_exponent"]
