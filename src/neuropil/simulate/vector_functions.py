"""Exponentials, logarithms and normal numbers, eight at a time, for functions compiled by numba."""

from math import factorial, log, pi
from typing import no_type_check

import numba
import numpy as np

from neuropil.simulate.vector_lanes import (
    as_floats,
    as_words,
    bits_of,
    each,
    each_word,
    from_bits,
    multiply_add,
    nearest,
    polynomial,
    shifted_down,
    shifted_up,
    square_root,
    where,
)

LARGEST_EXPONENT = 700.0

_exponential = polynomial(*(1.0 / factorial(k) for k in range(12, -1, -1)))
_logarithm = polynomial(*(2.0 / k for k in range(21, 0, -2)))
_sine = polynomial(*((-1.0) ** k / factorial(2 * k + 1) for k in range(7, -1, -1)))
_cosine = polynomial(*((-1.0) ** k / factorial(2 * k) for k in range(7, -1, -1)))
_LOG2_E = 1 / log(2)
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
_LN2, _HALF_PI = log(2), pi / 2
_MANTISSA_BITS = 52
_HALF_ROOT_BITS = int(np.array(np.sqrt(0.5)).view(np.int64))
_ONE_BITS = int(np.array(1.0).view(np.int64))
_WRAP, _WRAPPED_EXPONENT = 1 << 62, 1 << 10
_STEP = -7046029254386353131  # of the streams of `connectivity.random_streams`, as signed words
_FACTORS = (-4658895280553007687, -7723592293110705685)


@numba.njit(cache=True, nogil=True)
@no_type_check
def exponential(x):
    """exp of numbers from -700 to 700, to three units in the last place."""
    power = nearest(x * each(_LOG2_E))
    rest = multiply_add(power, each(-_LN2_HIGH), x)
    rest = multiply_add(power, each(-_LN2_LOW), rest)
    value = _exponential(rest)
    return from_bits(bits_of(value) + shifted_up(as_words(power), _MANTISSA_BITS))


@numba.njit(cache=True, nogil=True)
@no_type_check
def split(x):
    """Positive x as mantissa times a power of 2: the mantissa in [0.707, 1.414), and the power."""
    bits = bits_of(x)
    # The shift fills with zeros, so the exponent is kept from being negative by 1 << 62.
    above = bits - each_word(_HALF_ROOT_BITS) + each_word(_WRAP)
    power = shifted_down(above, _MANTISSA_BITS) - each_word(_WRAPPED_EXPONENT)
    return from_bits(bits - shifted_up(power, _MANTISSA_BITS)), as_floats(power)


@numba.njit(cache=True, nogil=True)
@no_type_check
def logarithm_of_parts(ratio, power):
    """ln of mantissa * 2^power, from ratio = (mantissa - 1) / (mantissa + 1)."""
    odd = _logarithm(ratio * ratio)
    return multiply_add(power, each(_LN2), odd * ratio)


@numba.njit(cache=True, nogil=True)
@no_type_check
def logarithm(x):
    """ln of positive normal numbers, to two units in the last place of max(1, |ln x|)."""
    mantissa, power = split(x)
    return logarithm_of_parts((mantissa - each(1.0)) / (mantissa + each(1.0)), power)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _uniform_words(state):
    state = state + each_word(_STEP)
    word = (state ^ shifted_down(state, 30)) * each_word(_FACTORS[0])
    word = (word ^ shifted_down(word, 27)) * each_word(_FACTORS[1])
    return state, word ^ shifted_down(word, 31)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fraction(word):
    """Strictly between 0 and 1, from the upper 52 bits."""
    one_to_two = from_bits(shifted_down(word, 12) | each_word(_ONE_BITS))
    return one_to_two - each(1.0 - 2.0**-53)


@numba.njit(cache=True, nogil=True)
@no_type_check
def two_normals(state):
    """The next state of eight streams, and two independent normal numbers of each.

    Box and Muller's method on the counter-based streams of `connectivity.random_streams`.
    """
    state, first = _uniform_words(state)
    state, second = _uniform_words(state)
    radius = square_root(each(-2.0) * logarithm(_fraction(first)))
    quarters = each(4.0) * _fraction(second)
    quadrant = nearest(quarters)
    angle = (quarters - quadrant) * each(_HALF_PI)
    squared = angle * angle
    sine, cosine = _sine(squared) * angle, _cosine(squared)
    number = as_words(quadrant)
    is_odd = each(0.5) < as_floats(number & each_word(1))
    across, up = where(is_odd, sine, cosine), where(is_odd, cosine, sine)
    # The cosine changes its sign in quadrants 1 and 2, the sine in 2 and 3.
    across_sign = shifted_up((number + each_word(1)) & each_word(2), 62)
    up_sign = shifted_up(number & each_word(2), 62)
    across = from_bits(bits_of(across) ^ across_sign)
    up = from_bits(bits_of(up) ^ up_sign)
    return state, radius * across, radius * up


__all__ = [
    "LARGEST_EXPONENT",
    "exponential",
    "logarithm",
    "logarithm_of_parts",
    "split",
    "two_normals",
]
