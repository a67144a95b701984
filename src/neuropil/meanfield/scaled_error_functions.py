"""Scaled error functions and their differences between two points, without cancellation.

f_n(y) = exp(y^2) i^n erfc(y) are the repeated integrals of the complementary error function
(DLMF 7.18), scaled: f_0 is erfcx, and f_n' = -2 (n + 1) f_(n+1). Each function here is an
asymptotic form times a polynomial in t = (y - k) / (y + k), which holds on all of [0, inf): there
is no branch to take, so the compiler turns a call into straight vector code. A difference between
two points is built from divided differences of the polynomial, and so keeps its relative accuracy
when the points are close. `tools/firing_rate_polynomials.py` computes the polynomials.
"""

import json
from importlib import resources
from math import factorial, log, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Values = Float[Array, "..."]

_TABLE = json.loads(
    resources.files("neuropil.meanfield").joinpath("firing_rate_polynomials.json").read_text()
)
HIGHEST_ORDER = 5
_BITS_OF_SQRT_HALF = int(np.float64(sqrt(0.5)).view(np.int64))
_ARTANH = [1.0 / (2 * n + 1) for n in range(11)]
_EXPM1 = [1.0 / factorial(n + 1) for n in range(15)]


def _horner(powers: list[float], t: Values) -> Values:
    value = jnp.full_like(t, powers[-1])
    for power in reversed(powers[:-1]):
        value = value * t + power
    return value


def _horner_with_slope(powers: list[float], t: Values, u: Values) -> tuple[Values, Values]:
    """P(t) and the divided difference (P(t) - P(u)) / (t - u).

    The intermediate values of Horner's rule at t are the coefficients of the quotient of
    P(x) - P(t) by x - t, which is evaluated at u in the same pass.
    """
    value = jnp.full_like(t, powers[-1])
    slope = jnp.zeros_like(t)
    for power in reversed(powers[:-1]):
        slope = slope * u + value
        value = value * t + power
    return value, slope


def _polynomial_with_slope(powers: list[float], t: Values, u: Values) -> tuple[Values, Values]:
    """As `_horner_with_slope`, by even and odd powers: two chains half as long run side by side."""
    even, even_slope = _horner_with_slope(powers[::2], t * t, u * u)
    odd, odd_slope = _horner_with_slope(powers[1::2], t * t, u * u)
    return even + t * odd, odd + (t + u) * (even_slope + u * odd_slope)


def _reciprocals(x: Values, y: Values) -> tuple[Values, Values]:
    """1 / x and 1 / y by one division."""
    both = 1.0 / (x * y)
    return both * y, both * x


def _log1p(x: Values) -> Values:
    """log(1 + x) for x >= 0; several times faster than the compiler's own on processors."""
    if x.dtype != jnp.float64:
        return jnp.log1p(x)
    # 1 + x = 2^exponent m with m in [sqrt(1/2), sqrt(2)), read from the bits of the number. For
    # exponent 0, m - 1 is x itself, without the rounding of 1 + x.
    bits = jax.lax.bitcast_convert_type(1.0 + x, jnp.int64)
    exponent = (bits - _BITS_OF_SQRT_HALF) >> 52
    m = jax.lax.bitcast_convert_type(bits - (exponent << 52), jnp.float64)
    excess = jnp.where(exponent == 0, x, m - 1.0)
    s = excess / (2.0 + excess)
    return exponent.astype(jnp.float64) * log(2.0) + 2.0 * s * _horner(_ARTANH, s * s)


def share_lost(exponent: Values) -> Values:
    """1 - exp(-x) for x >= 0; faster than the compiler's own `expm1` on processors."""
    series = exponent * _horner(_EXPM1, -jnp.minimum(exponent, 0.5))
    return jnp.where(exponent < 0.5, series, 1.0 - jnp.exp(-exponent))


def scaled_repeated_integral(order: int, y: Values) -> Values:
    """f_n(y) for n = `order` and y >= 0."""
    table = _TABLE[f"f{order}"]
    t = 1.0 - 2.0 * table["middle"] / (y + table["middle"])
    growth = (y + table["shift"]) ** (order + 1)
    return _horner(table["powers"], t) / (sqrt(pi) * 2.0**order * growth)


def repeated_integral_difference(
    order: int, start: Values, stop: Values, distance: Values
) -> Values:
    """f_n(start) - f_n(stop) for start, stop >= 0 and distance = stop - start, given exactly."""
    table = _TABLE[f"f{order}"]
    middle, shift = table["middle"], table["shift"]
    from_start, from_stop = _reciprocals(start + middle, stop + middle)
    at_start, slope = _polynomial_with_slope(
        table["powers"], 1.0 - 2.0 * middle * from_start, 1.0 - 2.0 * middle * from_stop
    )
    change = -slope * (2.0 * middle * distance * from_start * from_stop)
    near, far = _reciprocals(start + shift, stop + shift)
    powers_between = sum(near**i * far ** (order - i) for i in range(order + 1))
    fall = distance * near * far * powers_between * at_start + far ** (order + 1) * change
    return fall / (sqrt(pi) * 2.0**order)


def integral_difference(start: Values, stop: Values, distance: Values) -> Values:
    """Integral of f_0 = erfcx from `start` to `stop`, 0 <= start <= stop.

    `distance` is stop - start, given exactly.
    """
    table = _TABLE["integral"]
    middle = table["middle"]
    from_start, from_stop = _reciprocals(start + middle, stop + middle)
    _, slope = _polynomial_with_slope(
        table["powers"], 1.0 - 2.0 * middle * from_start, 1.0 - 2.0 * middle * from_stop
    )
    ratio = distance * from_start
    return _log1p(ratio) / sqrt(pi) + slope * (2.0 * middle * ratio * from_stop)


def growing_integral(start: Values, stop: Values, distance: Values, gained: Values) -> Values:
    """exp(-stop^2) times the integral of exp(u^2) from `start` to `stop`, 0 <= start <= stop.

    `distance` is stop - start, and `gained` is 1 - exp(start^2 - stop^2). With Dawson's integral D
    this is D(stop) - D(start) + gained D(start).
    """
    table = _TABLE["dawson"]
    middle = table["middle"]
    start_squared, stop_squared = start * start, stop * stop
    risen = distance * (start + stop)
    from_start, from_stop = _reciprocals(start_squared + middle, stop_squared + middle)
    at_start, slope = _polynomial_with_slope(
        table["powers"], 1.0 - 2.0 * middle * from_start, 1.0 - 2.0 * middle * from_stop
    )
    change = slope * (2.0 * middle * risen * from_start * from_stop)
    near, far = _reciprocals(1.0 + 2.0 * start_squared, 1.0 + 2.0 * stop_squared)
    ratio_start, ratio_stop = at_start * near, (at_start + change) * far
    dawson_start, dawson_stop = start * ratio_start, stop * ratio_stop
    rise = distance * ratio_stop + start * far * (change - 2.0 * risen * ratio_start)
    # Far apart, D(start) would be added and subtracted again; close by, the two terms below would
    # cancel.
    return jnp.where(
        gained < 0.5,
        rise + gained * dawson_start,
        dawson_stop - (1.0 - gained) * dawson_start,
    )


__all__ = [
    "HIGHEST_ORDER",
    "growing_integral",
    "integral_difference",
    "repeated_integral_difference",
    "scaled_repeated_integral",
    "share_lost",
]
