"""A connectome by source, cut into blocks of equal width, as arrays on any device want it.

Weights are whole numbers of a small unit, a power of two in mV. Sums of whole numbers do not
depend on the order in which they are made, so that what arrives at a neuron is the same however
a device orders its additions and however many events it takes at once.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.connectivity import Connectome
from neuropil.simulate.outgoing import outgoing
from neuropil.types import Scalar

_WIDTHS = (128, 64, 32, 16, 8, 4, 2)
_MOST_PADDING = 1.25
_WEIGHT_BITS = 30  # 64 bits then hold the sum of 2^33 of the largest weights


class SynapseBlocks(eqx.Module):
    """Targets and weights of all connections, those of each source in blocks of their own.

    Source j has `n_blocks[j]` blocks from `first_block[j]` on. Where a block is not full, its
    last targets are the number of neurons, which is no neuron's; the last block of all is empty.
    A weight is a whole number of `unit` (mV); where all connections of each source have the same
    one, there is one column. The largest weight has 30 bits, so that each is off by at most 2^-30
    of the largest.
    """

    first_block: Int[Array, " neurons"]
    n_blocks: Int[Array, " neurons"]
    targets: Int[Array, "blocks width"]
    weights: Int[Array, "blocks width_or_one"]
    unit: Scalar

    @property
    def width(self) -> int:
        """Connections in a full block."""
        return self.targets.shape[1]

    @property
    def n_bytes(self) -> int:
        """Memory in bytes."""
        return sum(leaf.nbytes for leaf in (self.targets, self.weights, self.n_blocks)) + (
            self.first_block.nbytes
        )


def synapse_blocks(connectome: Connectome, coupling: float) -> SynapseBlocks:
    """The connections by source, weights multiplied by `coupling`."""
    wiring = outgoing(connectome, coupling)
    degrees = np.diff(wiring.row_start)
    n = connectome.n_neurons
    width = _width(degrees)
    n_blocks = -(-degrees // width)
    first = np.concatenate([[0], np.cumsum(n_blocks)])
    unit = _unit(wiring.weights)
    whole = np.rint(wiring.weights / unit).astype(np.int32)
    targets = np.full((int(first[-1]) + 1) * width, n, np.int32)
    if wiring.is_shared:
        weights = np.append(np.repeat(whole, n_blocks), np.int32(0))[:, None]
    else:
        weights = np.zeros(targets.size, np.int32)
    for source in range(n):
        begin, end = wiring.row_start[source : source + 2]
        place = slice(first[source] * width, first[source] * width + end - begin)
        targets[place] = wiring.targets[begin:end]
        if not wiring.is_shared:
            weights[place] = whole[begin:end]
    return SynapseBlocks(
        first_block=jnp.asarray(first[:-1].astype(np.int32)),
        n_blocks=jnp.asarray(n_blocks.astype(np.int32)),
        targets=jnp.asarray(targets.reshape(-1, width)),
        weights=jnp.asarray(weights.reshape(first[-1] + 1, -1)),
        unit=jnp.asarray(unit),
    )


def _width(degrees: Int[np.ndarray, " neurons"]) -> int:
    """The widest block that leaves at most a fifth of the places empty."""
    edges = degrees.sum()
    for width in _WIDTHS:
        if np.sum(-(-degrees // width)) * width <= _MOST_PADDING * edges:
            return width
    return 1


def _unit(weights: Float[np.ndarray, " edges_or_neurons"]) -> float:
    largest = float(np.max(np.abs(weights), initial=0.0))
    return 2.0 ** (math.frexp(largest)[1] - _WEIGHT_BITS)


__all__ = ["SynapseBlocks", "synapse_blocks"]
