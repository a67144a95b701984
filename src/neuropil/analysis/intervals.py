"""Interval arithmetic on pairs of doubles, rounded outwards, for compiled loops on the host.

An interval is a pair (lower, upper); a function here returns one that contains the value of the
real function at every point of its arguments. XLA neither offers directed rounding nor promises
to keep the order of operations, so this arithmetic is compiled by numba, without fast-math.

How the rounding is made outwards: a sum, difference, product, quotient or square root in
round-to-nearest is off by at most half a unit in the last place, and `below` and `above` move a
double by at least that (Rump, Zimmermann, Boldo and Melquiond, "Computing predecessor and
successor in rounding to nearest", BIT 49, 2009). The functions of the C library are not
correctly rounded; every library in use errs by less than 2 units in the last place. What is
computed from one or two of their results is moved by 8 units or more.

Ends may be infinite. An end that is not a number becomes infinite, so that a doubtful box is kept,
never dropped.
"""

import hashlib
import inspect
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from neuropil.analysis import operations
from neuropil.analysis.operations import Operation

_SOURCES = {operations.__file__}
"""Files of which what is compiled is made."""


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    # With the arithmetic of NumPy a division by zero is infinite or no number, and raises nothing.
    compiler = numba.njit(nogil=True, error_model="numpy", **options)

    def compile_later(function: Callable[..., Any]) -> Any:
        # What checks of types wrapped around a function is taken off: it cannot be compiled.
        bare = inspect.unwrap(function)
        _SOURCES.add(bare.__code__.co_filename)
        if options.get("cache"):
            # Of what it keeps, numba itself renews only what comes from a changed file, not what
            # calls it: here the name changes with every file that took part so far.
            bare.__qualname__ += "-" + _digest(_SOURCES)
        return compiler(bare)

    return compile_later


def _digest(files: Iterable[str]) -> str:
    """A short name for the contents of files."""
    contents = (Path(file).read_bytes() for file in sorted(files) if Path(file).is_file())
    return hashlib.sha256(b"".join(contents)).hexdigest()[:16]


entry = _compiler(cache=True)
"""Compiles a function that Python calls; what was compiled is kept on disk."""

compiled = _compiler(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function that only compiled functions call."""

pasted = _compiler(inline="always")
"""Writes a function out where it is called: what it calls need not be compiled once more."""

_RANGES = {
    Operation.SQUARE_ROOT: (0.0, math.inf),
    Operation.EXPONENTIAL: (0.0, math.inf),
    Operation.EXPONENTIAL_MINUS_ONE: (-1.0, math.inf),
    Operation.LOGARITHM: (-math.inf, math.inf),
    Operation.LOGARITHM_OF_ONE_PLUS: (-math.inf, math.inf),
    Operation.TANH: (-1.0, 1.0),
    Operation.LOGISTIC: (0.0, 1.0),
    Operation.ERROR_FUNCTION: (-1.0, 1.0),
    Operation.ARC_TANGENT: (-1.5707963267948968, 1.5707963267948968),
}
# Below these, the function has no value.
_DOMAINS = {
    Operation.SQUARE_ROOT: 0.0,
    Operation.LOGARITHM: math.nextafter(0.0, 1.0),
    Operation.LOGARITHM_OF_ONE_PLUS: math.nextafter(-1.0, 0.0),
}

_HALF_UNIT = 2.0**-53 * (1.0 + 2.0**-52)
_EIGHT_UNITS = 2.0**-49
# Far above the smallest double, so that threads that flush subnormal numbers to zero are safe.
_TINY = 1e-300
_EXPONENTIAL = int(Operation.EXPONENTIAL)
_LOGISTIC = int(Operation.LOGISTIC)
_TANH = int(Operation.TANH)
_SQUARE_ROOT = int(Operation.SQUARE_ROOT)
_LOGARITHM = int(Operation.LOGARITHM)
_LOGARITHM_OF_ONE_PLUS = int(Operation.LOGARITHM_OF_ONE_PLUS)
_EXPONENTIAL_MINUS_ONE = int(Operation.EXPONENTIAL_MINUS_ONE)
_ERROR_FUNCTION = int(Operation.ERROR_FUNCTION)
_ARC_TANGENT = int(Operation.ARC_TANGENT)

_FIRST = min(_RANGES)
_RANGE = np.array([_RANGES[operation] for operation in sorted(_RANGES)])
_DOMAIN = np.array([_DOMAINS.get(operation, -math.inf) for operation in sorted(_RANGES)])


@compiled
def below(x):
    """A double below every real number that rounds to `x`; minus infinity for no number."""
    lower = x - (abs(x) * _HALF_UNIT + _TINY)
    return lower if lower == lower else -math.inf


@compiled
def above(x):
    """A double above every real number that rounds to `x`; infinity for no number."""
    upper = x + (abs(x) * _HALF_UNIT + _TINY)
    return upper if upper == upper else math.inf


@compiled
def add(a, b, c, d):
    """[a, b] + [c, d]."""
    return below(a + c), above(b + d)


@compiled
def subtract(a, b, c, d):
    """[a, b] - [c, d]."""
    return below(a - d), above(b - c)


@compiled
def _number(x):
    """Zero in place of no number: what a corner of a product or quotient with infinity means.

    An infinite end stands for ever larger numbers, so 0 times infinity is a limit of zeros. Where
    infinity is divided by infinity, 0 and infinity are the limits, and the latter is another
    corner.
    """
    return x if x == x else 0.0


@compiled
def multiply(a, b, c, d):
    """[a, b] * [c, d]."""
    if not (a <= b and c <= d):
        return -math.inf, math.inf
    p, q, r, s = _number(a * c), _number(a * d), _number(b * c), _number(b * d)
    return below(min(min(p, q), min(r, s))), above(max(max(p, q), max(r, s)))


@compiled
def divide(a, b, c, d):
    """[a, b] / [c, d]: the whole line when the divisor contains 0."""
    if not (a <= b and c <= d and (c > 0.0 or d < 0.0)):
        return -math.inf, math.inf
    p, q, r, s = _number(a / c), _number(a / d), _number(b / c), _number(b / d)
    return below(min(min(p, q), min(r, s))), above(max(max(p, q), max(r, s)))


@compiled
def square(a, b):
    """[a, b] squared."""
    if a >= 0.0:
        lower, upper = a * a, b * b
    elif b <= 0.0:
        lower, upper = b * b, a * a
    else:
        return 0.0, above(max(a * a, b * b))
    return max(below(lower), 0.0), above(upper)


@compiled
def _power_of_positive(a, b, exponent):
    lower, upper = 1.0, 1.0
    for _ in range(exponent):
        lower = max(below(lower * a), 0.0)
        upper = above(upper * b)
    return lower, upper


@compiled
def integer_power(a, b, exponent):
    """[a, b] to the power of an integer of either sign."""
    if exponent < 0:
        lower, upper = integer_power_of_natural(a, b, -exponent)
        return divide(1.0, 1.0, lower, upper)
    return integer_power_of_natural(a, b, exponent)


@compiled
def integer_power_of_natural(a, b, exponent):
    """[a, b] to the power of 0, 1, 2, ..."""
    if not a <= b:
        return -math.inf, math.inf
    if a >= 0.0:
        return _power_of_positive(a, b, exponent)
    if b <= 0.0:
        lower, upper = _power_of_positive(-b, -a, exponent)
        return (lower, upper) if exponent % 2 == 0 else (-upper, -lower)
    if exponent % 2 == 0:
        return 0.0 if exponent else 1.0, _power_of_positive(0.0, max(-a, b), exponent)[1]
    return -_power_of_positive(0.0, -a, exponent)[1], _power_of_positive(0.0, b, exponent)[1]


@compiled
def _widened(lower, upper, units, smallest, largest):
    """Ends moved outwards by `units`, but not out of the range of the function."""
    lower -= abs(lower) * units + _TINY
    upper += abs(upper) * units + _TINY
    return (
        lower if lower > smallest else smallest,
        upper if upper < largest else largest,
    )


@compiled
def _increasing(function, x):
    """An increasing function of the C library, continued by its limit where its domain ends."""
    if function == _EXPONENTIAL:
        return math.exp(x)
    if function == _LOGISTIC:
        small = math.exp(-abs(x))
        return (1.0 if x >= 0.0 else small) / (1.0 + small)
    if function == _TANH:
        return math.tanh(x)
    if function == _SQUARE_ROOT:
        return math.sqrt(max(x, 0.0))
    if function == _LOGARITHM:
        return math.log(x) if x > 0.0 else -math.inf
    if function == _LOGARITHM_OF_ONE_PLUS:
        return math.log1p(x) if x > -1.0 else -math.inf
    if function == _EXPONENTIAL_MINUS_ONE:
        return math.expm1(x)
    if function == _ERROR_FUNCTION:
        return math.erf(x)
    return math.atan(x)


@compiled
def increasing(function, a, b):
    """One of the increasing functions among the operations on [a, b].

    Of a logarithm or root, the values on the part of [a, b] in its domain; the whole line if
    there is none.
    """
    if b < _DOMAIN[function - _FIRST]:
        return -math.inf, math.inf
    smallest, largest = _RANGE[function - _FIRST]
    return _widened(
        _increasing(function, a), _increasing(function, b), _EIGHT_UNITS, smallest, largest
    )


@compiled
def _logistic_slope(x):
    small = math.exp(-abs(x))
    return small / ((1.0 + small) * (1.0 + small))


@compiled
def slope(scale, a, b):
    """s(x) = exp(-y) / (1 + exp(-y))^2 with y = `scale` x, times `scale`^2, on [a, b].

    The derivative of the logistic function for a scale of 1, and of tanh for 2. It rises up to 0
    and falls from there.
    """
    top = 0.25 * scale * scale
    left, right = _logistic_slope(scale * a), _logistic_slope(scale * b)
    lower, upper = 4.0 * top * min(left, right), 4.0 * top * max(left, right)
    return _widened(lower, top if a <= 0.0 <= b else upper, _EIGHT_UNITS, 0.0, top)


@compiled
def _meets(a, b, phase):
    """Whether [a, b] may contain phase + 2 pi k for an integer k."""
    slack = 1e-9
    turns = math.ceil((a - slack - phase) / (2.0 * math.pi))
    return phase + 2.0 * math.pi * turns <= b + slack


@compiled
def wave(phase, a, b):
    """sin(x) for a phase of pi / 2 and cos(x) for 0, on [a, b]; the phase is where it is 1."""
    if not (a > -1e6 and b < 1e6 and b - a < 6.28):
        return -1.0, 1.0
    if phase == 0.0:
        left, right = math.cos(a), math.cos(b)
    else:
        left, right = math.sin(a), math.sin(b)
    lower = -1.0 if _meets(a, b, phase - math.pi) else min(left, right)
    upper = 1.0 if _meets(a, b, phase) else max(left, right)
    return _widened(lower, upper, _EIGHT_UNITS, -1.0, 1.0)
