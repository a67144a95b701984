"""From edges in any order to rows in order, by counting."""

import numba
import numpy as np
from jaxtyping import Int32, Int64

EdgeBlock = tuple[np.ndarray, np.ndarray]
"""Postsynaptic and presynaptic neurons of some edges."""


def rows_from_edges(
    blocks: list[EdgeBlock], n_neurons: int
) -> tuple[Int64[np.ndarray, " neurons_plus_one"], Int32[np.ndarray, " edges"]]:
    """Row starts and presynaptic neurons, ascending in each row, of edges that do not repeat.

    `blocks` is emptied on the way, so that the edges are not held twice. Two passes of counting
    sort, by column and then by row: time and memory proportional to the edges.
    """
    row_start = np.zeros(n_neurons + 1, np.int64)
    column_start = np.zeros(n_neurons + 1, np.int64)
    for post, pre in blocks:
        _count(post, row_start)
        _count(pre, column_start)
    np.cumsum(row_start, out=row_start)
    np.cumsum(column_start, out=column_start)

    by_column = np.empty(column_start[-1], np.int32)
    place = column_start[:-1].copy()
    while blocks:
        post, pre = blocks.pop()
        _place_by_column(post, pre, place, by_column)
    presynaptic = np.empty(row_start[-1], np.int32)
    _place_by_row(by_column, column_start, row_start[:-1].copy(), presynaptic)
    return row_start, presynaptic


@numba.njit(cache=True, nogil=True)
def _count(neurons, start):
    for neuron in neurons:
        start[neuron + 1] += 1


@numba.njit(cache=True, nogil=True)
def _place_by_column(post, pre, place, by_column):
    for edge in range(post.size):
        column = pre[edge]
        by_column[place[column]] = post[edge]
        place[column] += 1


@numba.njit(cache=True, nogil=True)
def _place_by_row(by_column, column_start, place, presynaptic):
    for column in range(column_start.size - 1):
        for edge in range(column_start[column], column_start[column + 1]):
            row = by_column[edge]
            presynaptic[place[row]] = column
            place[row] += 1


__all__ = ["EdgeBlock", "rows_from_edges"]
