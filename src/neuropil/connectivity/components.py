"""Strongly connected components: groups of neurons that all reach each other."""

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int64, Integer


def strong_components(
    row_start: Integer[np.ndarray, " neurons_plus_one"],
    columns: Integer[np.ndarray, " edges"],
    weights: Float[np.ndarray, " edges"],
    column_scale: Float[np.ndarray, " neurons"],
) -> tuple[
    Int64[np.ndarray, " neurons"],
    Int64[np.ndarray, " neurons"],
    Int64[np.ndarray, " components_plus_one"],
]:
    """Components of the non-zero entries of `weights[row, column] * column_scale[column]`.

    Returns the number of the component of each neuron, the neurons component by component, and
    where each component begins among them. A component comes after all those from which it
    receives. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972).
    """
    n = row_start.size - 1
    component = np.full(n, -1, np.int64)
    members = np.empty(n, np.int64)
    first = np.empty(n + 1, np.int64)
    count = _tarjan(row_start, columns, weights, column_scale, component, members, first)
    return component, members, first[: count + 1]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _tarjan(row_start, columns, weights, column_scale, component, members, first):
    n = row_start.size - 1
    order = np.full(n, -1, np.int64)
    lowest = np.empty(n, np.int64)
    edge_at = row_start[:-1].astype(np.int64)
    waiting = np.empty(n, np.int64)
    path = np.empty(n, np.int64)
    n_waiting = n_path = visited = n_components = n_members = 0
    first[0] = 0
    for root in range(n):
        if order[root] >= 0:
            continue
        path[0], n_path = root, 1
        while n_path:
            row = path[n_path - 1]
            if order[row] < 0:
                order[row] = lowest[row] = visited
                visited += 1
                waiting[n_waiting] = row
                n_waiting += 1
            descended = False
            while edge_at[row] < row_start[row + 1]:
                edge = edge_at[row]
                column = columns[edge]
                if weights[edge] == 0.0 or column_scale[column] == 0.0:
                    edge_at[row] += 1
                elif order[column] < 0:
                    path[n_path] = column
                    n_path += 1
                    descended = True
                    break
                else:
                    if component[column] < 0:
                        lowest[row] = min(lowest[row], lowest[column])
                    edge_at[row] += 1
            if descended:
                continue
            n_path -= 1
            if n_path:
                above = path[n_path - 1]
                lowest[above] = min(lowest[above], lowest[row])
            if lowest[row] == order[row]:
                while True:
                    n_waiting -= 1
                    member = waiting[n_waiting]
                    component[member] = n_components
                    members[n_members] = member
                    n_members += 1
                    if member == row:
                        break
                n_components += 1
                first[n_components] = n_members
    return n_components


__all__ = ["strong_components"]
