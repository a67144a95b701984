"""From edges in any order to rows in order, by counting."""

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Int32, Int64

EDGES_PER_BUCKET = 2**17

EdgeBlock = Int64[np.ndarray, " _"]
"""Some edges, each packed into one number: `post << 32 | pre`."""


def rows_from_edges(
    blocks: list[EdgeBlock], n_neurons: int
) -> tuple[Int64[np.ndarray, " neurons_plus_one"], Int32[np.ndarray, " edges"]]:
    """Row starts and presynaptic neurons, ascending in each row, of edges that do not repeat.

    `blocks` is emptied on the way, so that the edges are not held twice. Edges are first parted
    into buckets of neighbouring rows, each small enough for the processor's cache, and then
    sorted in each bucket by column and by row. All of it is counting: time and memory are
    proportional to edges and neurons.
    """
    row_start = np.zeros(n_neurons + 1, np.int64)
    for block in blocks:
        _count_rows(block, row_start)
    np.cumsum(row_start, out=row_start)
    n_edges = int(row_start[-1])
    # No more buckets than edges in a mean row, as each of them costs a pass over the columns.
    n_buckets = max(1, min(n_edges // EDGES_PER_BUCKET, n_edges // n_neurons))
    shift = (-(-n_neurons // n_buckets) - 1).bit_length()

    bucket_start = row_start[: -1 : 1 << shift].copy()
    parted = np.empty(n_edges, np.int64)
    while blocks:
        _part(blocks.pop(), shift, bucket_start, parted)
    presynaptic = np.empty(n_edges, np.int32)
    _sort_buckets(parted, 1 << shift, row_start, presynaptic)
    return row_start, presynaptic


@numba.njit(cache=True, nogil=True)
@no_type_check
def _count_rows(edges, row_start):
    for edge in edges:
        row_start[(edge >> 32) + 1] += 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def _part(edges, shift, place, parted):
    for edge in edges:
        bucket = edge >> (32 + shift)
        parted[place[bucket]] = edge
        place[bucket] += 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sort_buckets(parted, rows_per_bucket, row_start, presynaptic):
    n = row_start.size - 1
    place_of_column = np.empty(n + 1, np.int32)
    place_of_row = row_start[:-1].copy()
    largest = 0
    for first_row in range(0, n, rows_per_bucket):
        end = row_start[min(first_row + rows_per_bucket, n)]
        largest = max(largest, end - row_start[first_row])
    by_column = np.empty(largest, np.int64)
    for first_row in range(0, n, rows_per_bucket):
        bucket = parted[row_start[first_row] : row_start[min(first_row + rows_per_bucket, n)]]
        place_of_column[:] = 0
        for edge in bucket:
            place_of_column[np.int32(edge) + 1] += 1
        for column in range(n):
            place_of_column[column + 1] += place_of_column[column]
        for edge in bucket:
            column = np.int32(edge)
            by_column[place_of_column[column]] = edge
            place_of_column[column] += 1
        for edge in by_column[: bucket.size]:
            row = edge >> 32
            presynaptic[place_of_row[row]] = np.int32(edge)
            place_of_row[row] += 1


__all__ = ["EdgeBlock", "rows_from_edges"]
