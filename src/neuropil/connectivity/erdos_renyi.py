"""Directed Erdos-Renyi graphs in time proportional to their edges."""

import math
from typing import no_type_check

import numba
import numpy as np

from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.random_streams import stream_seed, stream_start, uniform
from neuropil.connectivity.sonet_feasibility import require_size_and_probability
from neuropil.types import RandomKey


def erdos_renyi(
    n_neurons: int,
    connection_probability: float,
    *,
    key: RandomKey,
    weight: float = 1.0,
    unit: str = "",
) -> Connectome:
    """A random graph in which every ordered pair of neurons is connected independently.

    Every edge gets `weight`, in `unit`; there are no self-loops. Absent edges are jumped over, by
    geometrically distributed gaps (Batagelj and Brandes, "Efficient generation of large random
    networks", Physical Review E 71, 2005). The graph depends on `key` alone.

    Raises `ValueError`, naming the argument, for fewer than 2 neurons, a probability outside
    (0, 1) or a weight that is not finite.
    """
    require_size_and_probability(n_neurons, connection_probability)
    if not math.isfinite(weight):
        raise ValueError(f"weight is {weight}; it must be finite")
    n, p, seed = int(n_neurons), float(connection_probability), stream_seed(key)
    row_start = np.zeros(n + 1, np.int64)
    # Each row is drawn twice from the same stream: once to count it, once to write it down.
    _draw_rows(n, p, seed, row_start, np.empty(0, np.int32), False)
    np.cumsum(row_start, out=row_start)
    presynaptic = np.empty(row_start[-1], np.int32)
    _draw_rows(n, p, seed, row_start, presynaptic, True)
    return Connectome(
        row_start,
        presynaptic,
        np.full(presynaptic.size, float(weight)),
        unit=unit,
        provenance=Provenance(
            "Erdos-Renyi",
            source="generated",
            notes=(f"n_neurons {n}, connection_probability {p:g}",),
        ),
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def _draw_rows(n, p, seed, row_start, presynaptic, is_written):
    """Draw all rows; count them into `row_start` shifted by one, or write `presynaptic`."""
    log_absent = math.log1p(-p)
    for row in range(n):
        state = stream_start(seed, row)
        edge = row_start[row]
        column = -1
        while True:
            state, u = uniform(state)
            gap = math.log(u) / log_absent
            # The row has n - 1 places; those from `row` on stand for the next column.
            if gap >= n - 2 - column:
                break
            column += 1 + int(gap)
            if is_written:
                presynaptic[edge] = column + (column >= row)
                edge += 1
            else:
                row_start[row + 1] += 1


__all__ = ["erdos_renyi"]
