"""Random numbers for compiled host loops: one counter-based stream for each node.

A stream is a counter that advances by a fixed odd step, each value of it scrambled (SplitMix64).
Its start depends on the key and on the number of the node alone, so that what is drawn for a
node depends neither on the number of workers nor on the order in which nodes are visited.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from typing import no_type_check

import jax
import numba
import numpy as np

from neuropil.types import RandomKey

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12), np.uint64(32))


def stream_seed(key: RandomKey) -> np.uint64:
    """A 64-bit seed for `stream_start`; different for all keys of the default generator."""
    words = np.asarray(jax.random.key_data(key)).astype(np.uint64).ravel()
    high, low = words[0::2], words[1::2]
    seed = np.uint64(0)
    for word in (high << _SHIFTS[4]) | low:
        seed = np.uint64(scrambled(seed ^ word))
    return seed


@numba.njit(cache=True, nogil=True)
@no_type_check
def scrambled(word):
    """A one-to-one map of 64-bit words in which every bit of the input moves all of the output."""
    word = (word ^ (word >> _SHIFTS[0])) * _FIRST_FACTOR
    word = (word ^ (word >> _SHIFTS[1])) * _SECOND_FACTOR
    return word ^ (word >> _SHIFTS[2])


@numba.njit(cache=True, nogil=True)
@no_type_check
def stream_start(seed, node):
    """The first state of the stream of `node`."""
    return scrambled(seed ^ scrambled((np.uint64(node) + np.uint64(1)) * _STEP))


@numba.njit(cache=True, nogil=True)
@no_type_check
def uniform(state):
    """The next state, and a number strictly between 0 and 1 (52 random bits)."""
    state = state + _STEP
    return state, (np.float64(scrambled(state) >> _SHIFTS[3]) + 0.5) * 2.0**-52


__all__ = ["stream_seed", "stream_start", "scrambled", "uniform"]
