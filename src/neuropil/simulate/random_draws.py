"""Normal, exponential and Poisson numbers for compiled host loops.

All are made of the counter-based streams of `connectivity.random_streams`: each function takes
the state of a stream and returns the next one with the number.
"""

import math
from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Int

from neuropil.connectivity.random_streams import scrambled, uniform

_LAYERS = 256
_TAIL = 3.6541528853610088
_AREA = 0.00492867323399  # of each layer; Marsaglia and Tsang, J. Stat. Softw. 5(8), 2000
_STEP = np.uint64(0x9E3779B97F4A7C15)
_LAYER_BITS, _SIGN_SHIFT, _FRACTION_SHIFT = np.uint64(255), np.uint64(8), np.uint64(12)
_ONE = np.uint64(1)


def _layers() -> np.ndarray:
    """Right edges of the layers of equal area under exp(-x^2 / 2), the widest first."""
    edges = np.zeros(_LAYERS + 1)
    edges[0] = _AREA / math.exp(-0.5 * _TAIL**2)
    edges[1] = _TAIL
    for layer in range(2, _LAYERS):
        below = edges[layer - 1]
        edges[layer] = math.sqrt(-2 * math.log(_AREA / below + math.exp(-0.5 * below**2)))
    return edges


_EDGES = _layers()
_HEIGHTS = np.exp(-0.5 * _EDGES**2)


@numba.njit(cache=True, nogil=True)
@no_type_check
def standard_normal(state):
    """A normal number of mean 0 and variance 1, by the ziggurat."""
    while True:
        state = state + _STEP
        word = scrambled(state)
        layer = word & _LAYER_BITS
        fraction = (np.float64(word >> _FRACTION_SHIFT) + 0.5) * 2.0**-52
        x = fraction * _EDGES[layer]
        sign = -1.0 if (word >> _SIGN_SHIFT) & _ONE else 1.0
        if x < _EDGES[layer + _ONE]:
            return state, sign * x
        if layer == 0:
            while True:
                state, u = uniform(state)
                state, w = uniform(state)
                beyond = -math.log(u) / _TAIL
                if -2.0 * math.log(w) > beyond * beyond:
                    return state, sign * (_TAIL + beyond)
        state, u = uniform(state)
        low, high = _HEIGHTS[layer], _HEIGHTS[layer + _ONE]
        if low + u * (high - low) < math.exp(-0.5 * x * x):
            return state, sign * x


@numba.njit(cache=True, nogil=True)
@no_type_check
def exponential(state):
    """An exponential number of mean 1."""
    state, u = uniform(state)
    return state, -math.log(u)


class AliasTable(NamedTuple):
    """A distribution of small counts, drawn from 32 random bits without a loop.

    The first `bits` of them choose a column c; the others, as a whole number, give c below
    `accepted[c]` and `alias[c]` from there (Walker, Electronics Letters 10:127, 1974).
    """

    accepted: Int[np.ndarray, " columns"]
    alias: Int[np.ndarray, " columns"]


def poisson_table(mean: float, bits: int) -> AliasTable:
    """The Poisson distribution of a mean, cut where doubles cannot tell the rest from nothing."""
    columns = 2**bits
    counts = np.arange(columns)
    logarithms = counts * math.log(mean) - mean if mean > 0 else np.where(counts, -np.inf, 0.0)
    logarithms = logarithms - np.array([math.lgamma(k + 1) for k in counts])
    share = np.exp(logarithms)
    share *= columns / share.sum()
    accepted, alias = np.ones(columns), counts.copy()
    poor = [c for c in range(columns) if share[c] < 1]
    rich = [c for c in range(columns) if share[c] >= 1]
    while poor and rich:
        small, large = poor.pop(), rich[-1]
        accepted[small], alias[small] = share[small], large
        share[large] -= 1 - share[small]
        if share[large] < 1:
            poor.append(rich.pop())
    # A full column is its own alias, so that the largest number need not be exceeded.
    whole = 2 ** (32 - bits)
    return AliasTable(np.minimum(np.rint(accepted * whole), whole - 1).astype(np.uint32), alias)


def poisson_bits(mean: float) -> int:
    """How many bits choose among the counts of a Poisson distribution; none for a mean of 0.

    Raises `ValueError` for a mean above 500, where single draws are the wrong way to go.
    """
    if mean > 500:
        raise ValueError(f"a mean of {mean:.6g} Poisson events a step is refused: 500 is allowed")
    return math.ceil(math.log2(mean + 12 * math.sqrt(mean) + 25)) if mean > 0 else 0


__all__ = ["AliasTable", "exponential", "poisson_bits", "poisson_table", "standard_normal"]
