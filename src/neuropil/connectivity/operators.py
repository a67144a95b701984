"""Connection weights as compiled code sees them: pytrees that multiply rates."""

from abc import abstractmethod
from math import ceil
from typing import no_type_check

import equinox as eqx
import jax
import jax.numpy as jnp
import numba
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.connectivity.connectome import Connectome

LARGEST_DENSE_BY_DEFAULT = 2_000
SLOTS_PER_CHUNK = 1 << 17
WIDEST_LANE = 32
DEVICE_ALIGNMENT = 64


class AbstractWeights(eqx.Module):
    """A linear map from presynaptic rates to postsynaptic input: `weights[post, pre]`."""

    @property
    @abstractmethod
    def n_neurons(self) -> int:
        """Number of neurons."""

    @abstractmethod
    def apply(self, rates: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """What each neuron receives: sum over pre of `weights[post, pre] * rates[pre]`."""

    @abstractmethod
    def apply_transpose(self, values: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over post of `weights[post, pre] * values[post]`."""


class DenseWeights(AbstractWeights):
    """The full matrix; the right choice up to a few thousand neurons and for batches."""

    matrix: Float[Array, "neurons neurons"]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.matrix.shape[-1]

    def apply(self, rates: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over pre of `weights[post, pre] * rates[pre]`."""
        return self.matrix @ rates

    def apply_transpose(self, values: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over post of `weights[post, pre] * values[post]`."""
        return values @ self.matrix


class SparseWeights(AbstractWeights):
    """The connections alone; the right choice for large networks.

    The edges of a row are laid into lanes of equal width, the last one filled up with empty slots
    of weight zero whose presynaptic index is `n_neurons`: a lane is summed before it is added to
    its row, so that the additions at scattered addresses are `width` times fewer than the edges.
    Lanes are worked through in chunks, which bounds the memory of a product (a batch of B rate
    vectors needs B chunks) and of its derivatives. An empty slot meets a rate of zero, so
    derivatives with respect to `weights` vanish there.

    Made by `sparse_weights`. Differentiable in `weights` and in the rates, forwards and backwards,
    and batched by `jax.vmap`.
    """

    weights: Float[Array, "chunks lanes width"]
    presynaptic: Int[Array, "chunks lanes width"]
    postsynaptic: Int[Array, "chunks lanes"]
    neurons: int = eqx.field(static=True)

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.neurons

    def apply(self, rates: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over pre of `weights[post, pre] * rates[pre]`."""
        with_empty_slot = jnp.append(rates, jnp.zeros((), rates.dtype))

        # Recomputing a chunk when differentiating backwards is cheaper than storing every edge.
        @jax.checkpoint
        def add_chunk(received, chunk):
            weights, presynaptic, postsynaptic = chunk
            arriving = with_empty_slot.at[presynaptic].get(mode="promise_in_bounds")
            lane_sums = jnp.sum(weights * arriving, axis=-1)
            added = received.at[postsynaptic].add(
                lane_sums, mode="promise_in_bounds", indices_are_sorted=True
            )
            return added, None

        chunks = (self.weights, self.presynaptic, self.postsynaptic)
        received, _ = jax.lax.scan(add_chunk, jnp.zeros_like(rates), chunks)
        return received

    def apply_transpose(self, values: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over post of `weights[post, pre] * values[post]`."""

        @jax.checkpoint
        def add_chunk(collected, chunk):
            weights, presynaptic, postsynaptic = chunk
            sent = values.at[postsynaptic].get(mode="promise_in_bounds")
            added = collected.at[presynaptic].add(weights * sent[:, None], mode="promise_in_bounds")
            return added, None

        chunks = (self.weights, self.presynaptic, self.postsynaptic)
        empty = jnp.zeros(self.neurons + 1, values.dtype)
        collected, _ = jax.lax.scan(add_chunk, empty, chunks)
        return collected[: self.neurons]


def dense_weights(connectome: Connectome) -> DenseWeights:
    """The full matrix of a connectome small enough for `Connectome.to_dense`."""
    return DenseWeights(jnp.asarray(connectome.to_dense()))


def sparse_weights(
    connectome: Connectome, *, slots_per_chunk: int = SLOTS_PER_CHUNK
) -> SparseWeights:
    """The connections of a connectome of any size as a pytree of arrays.

    Takes 12 bytes an edge, and up to half a lane more for each neuron. `slots_per_chunk` bounds
    the temporary memory of a product, in edges. Raises `ValueError` when it is not positive.
    """
    if slots_per_chunk < 1:
        raise ValueError(f"slots_per_chunk must be at least 1, got {slots_per_chunk}")
    n = connectome.n_neurons
    in_degrees = np.diff(connectome.row_start)
    width = _lane_width(float(in_degrees.mean()) if n else 0.0)
    lanes_of_row = -(-in_degrees.astype(np.int64) // width)
    n_lanes = int(lanes_of_row.sum())
    lanes_per_chunk = max(1, min(slots_per_chunk // width, n_lanes))
    chunks = max(1, ceil(n_lanes / lanes_per_chunk))
    shape = (chunks, lanes_per_chunk, width)

    lane_start = np.concatenate([[0], np.cumsum(lanes_of_row)])
    slots = chunks * lanes_per_chunk * width
    laid_out = _filled(slots, connectome.weights.dtype, 0.0)
    _lay_into_lanes(connectome.row_start, lane_start, width, connectome.weights, laid_out)
    sources = _filled(slots, np.dtype(np.int32), n)
    _lay_into_lanes(connectome.row_start, lane_start, width, connectome.presynaptic, sources)
    # Lanes that only fill the last chunk stay at the last row, which keeps the indices sorted.
    targets = _filled(chunks * lanes_per_chunk, np.dtype(np.int32), max(n - 1, 0))
    targets[:n_lanes] = np.repeat(np.arange(n, dtype=np.int32), lanes_of_row)
    arrays = (laid_out.reshape(shape), sources.reshape(shape), targets.reshape(shape[:2]))
    weights, presynaptic, postsynaptic = jax.block_until_ready(jax.device_put(arrays))
    return SparseWeights(weights, presynaptic, postsynaptic, n)


def weights_of(connectome: Connectome) -> AbstractWeights:
    """Dense weights up to 2,000 neurons, where they are fastest in batches; sparse ones above."""
    if connectome.n_neurons <= LARGEST_DENSE_BY_DEFAULT:
        return dense_weights(connectome)
    return sparse_weights(connectome)


def _lane_width(mean_in_degree: float) -> int:
    """A power of two for which empty slots stay few beside the edges of an average row."""
    width = 1
    while width < WIDEST_LANE and 16 * width <= mean_in_degree:
        width *= 2
    return width


def _filled(size: int, dtype: np.dtype, value: float | int) -> np.ndarray:
    """An array aligned as JAX wants it on the host, where it then shares the memory."""
    raw = np.empty(size * dtype.itemsize + DEVICE_ALIGNMENT, np.uint8)
    offset = -raw.ctypes.data % DEVICE_ALIGNMENT
    array = raw[offset : offset + size * dtype.itemsize].view(dtype)
    array.fill(value)
    return array


@numba.njit(cache=True, nogil=True)
@no_type_check
def _lay_into_lanes(row_start, lane_start, width, values, slots):
    for row in range(row_start.size - 1):
        first = lane_start[row] * width
        for k in range(row_start[row + 1] - row_start[row]):
            slots[first + k] = values[row_start[row] + k]


__all__ = [
    "AbstractWeights",
    "DenseWeights",
    "SparseWeights",
    "dense_weights",
    "sparse_weights",
    "weights_of",
]
