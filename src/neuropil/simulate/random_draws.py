"""Normal, exponential and Poisson numbers for compiled host loops.

All are made of the counter-based streams of `connectivity.random_streams`: each function takes
the state of a stream and returns the next one with the number.
"""

import math
from typing import NamedTuple, no_type_check

import numba
import numpy as np
import scipy.stats
from jaxtyping import Float, Int

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


GUIDE_BITS = 12
UNDECIDED = 255
_MOST_COUNTS, _LARGEST_MEAN = 128, 40.0
_UNDECIDED_BITS = np.uint64(0x8080808080808080)


class PoissonTables(NamedTuple):
    """Poisson distributions, drawn from a few random bits without a loop.

    Twelve bits choose a cell of the unit interval; `guide` has the count of each cell that lies
    within one step of the distribution function `levels`, and `UNDECIDED` for the few that do
    not, where further bits decide. Of a mean above 40 a draw is the sum of `repeats` draws.
    """

    guide: Int[np.ndarray, "tables cells"]
    levels: Float[np.ndarray, "tables counts"]
    repeats: int


def poisson_tables(means: Float[np.ndarray, " tables"]) -> PoissonTables:
    """The Poisson distributions of these means, cut where doubles cannot tell the rest from none.

    Raises `ValueError` for a mean above 500, where single draws are the wrong way to go.
    """
    largest = float(means.max())
    if largest > 500:
        raise ValueError(
            f"a mean of {largest:.6g} Poisson events a step is refused: 500 is allowed"
        )
    repeats = max(1, math.ceil(largest / _LARGEST_MEAN))
    cells = 2**GUIDE_BITS
    guide = np.empty((means.size, cells), np.uint8)
    levels = np.empty((means.size, _MOST_COUNTS))
    for table, mean in enumerate(means / repeats):
        levels[table] = scipy.stats.poisson.cdf(np.arange(_MOST_COUNTS), mean)
        levels[table, -1] = 1.0
        edges = np.searchsorted(levels[table], np.arange(cells + 1) / cells, side="right")
        ends = np.searchsorted(levels[table], np.arange(1, cells + 1) / cells, side="left")
        guide[table] = np.where(edges[:-1] == ends, ends, UNDECIDED)
    return PoissonTables(guide, levels, repeats)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _guided(counts, parts, guide):
    for i in range(counts.size):
        counts[i] = guide[parts[i] >> np.uint16(16 - GUIDE_BITS)]


@numba.njit(cache=True, nogil=True)
@no_type_check
def poisson_counts(counts, words, table_of, guide, levels, state):
    """Fill `counts` (a multiple of eight of them) with Poisson numbers; the next state.

    `words` has room for one number of 64 bits for every four counts. `table_of` says which table
    each count is drawn from, and is not looked at where there is only one.
    """
    for word in range(words.size):
        words[word] = scrambled(state + np.uint64(word + 1) * _STEP)
    state = state + np.uint64(words.size) * _STEP
    parts = words.view(np.uint16)
    shift = np.uint16(16 - GUIDE_BITS)
    if guide.shape[0] == 1:
        _guided(counts, parts, guide[0])
    else:
        for i in range(table_of.size):
            counts[i] = guide[table_of[i], parts[i] >> shift]
    eights = counts.view(np.uint64)
    for eight in range(eights.size):
        if eights[eight] & _UNDECIDED_BITS:
            for i in range(8 * eight, min(8 * eight + 8, table_of.size)):
                if counts[i] == UNDECIDED:
                    state, u = uniform(state)
                    height = (np.float64(parts[i] >> shift) + u) * 2.0**-GUIDE_BITS
                    count = 0
                    of_table = levels[table_of[i]]
                    while height >= of_table[count] and count < of_table.size - 1:
                        count += 1
                    counts[i] = count
    return state


__all__ = [
    "PoissonTables",
    "exponential",
    "poisson_counts",
    "poisson_tables",
    "standard_normal",
]
