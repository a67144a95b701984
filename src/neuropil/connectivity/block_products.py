"""Products of the weights of a network with many columns at once, on the host."""

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from neuropil.connectivity.connectome import Connectome

COLUMNS_AT_ONCE = 32


def received(
    connectome: Connectome, block: Float[np.ndarray, "neurons columns"]
) -> Float[np.ndarray, "neurons columns"]:
    """What each neuron receives, column by column: sum over pre of `weights[post, pre] block[pre]`.

    Raises `ValueError` unless there is one row for each neuron.
    """
    n = connectome.n_neurons
    if block.shape[0] != n:
        raise ValueError(f"block must have one row for each of {n} neurons, got {block.shape}")
    out = np.empty((n, block.shape[1]))
    for first in range(0, block.shape[1], COLUMNS_AT_ONCE):
        columns = slice(first, first + COLUMNS_AT_ONCE)
        part = np.ascontiguousarray(block[:, columns], dtype=float)
        multiply = _multiply_column if part.shape[1] == 1 else _multiply_block
        product = np.empty_like(part)
        multiply(connectome.row_start, connectome.presynaptic, connectome.weights, part, product)
        out[:, columns] = product
    return out


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _multiply_column(row_start, presynaptic, weights, block, out):
    for row in range(row_start.size - 1):
        total = 0.0
        for edge in range(row_start[row], row_start[row + 1]):
            total += weights[edge] * block[presynaptic[edge], 0]
        out[row, 0] = total


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _multiply_block(row_start, presynaptic, weights, block, out):
    columns = block.shape[1]
    for row in range(row_start.size - 1):
        for column in range(columns):
            out[row, column] = 0.0
        for edge in range(row_start[row], row_start[row + 1]):
            weight, sender = weights[edge], presynaptic[edge]
            for column in range(columns):
                out[row, column] += weight * block[sender, column]


__all__ = ["received"]
