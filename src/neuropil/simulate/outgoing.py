"""A connectome by source: whom the spike of a neuron reaches, as compiled host loops want it."""

from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int

from neuropil.connectivity import Connectome


class Outgoing(NamedTuple):
    """Targets and weights of each neuron's connections, in ascending order of the target.

    Those of neuron j are `targets[row_start[j]:row_start[j + 1]]`, in unsigned integers of 16 bits
    where these suffice: what is read for each spike is halved. Where all connections of each
    neuron have the same weight, `weights` holds one value a neuron and `is_shared` is true.
    """

    row_start: Int[np.ndarray, " neurons_plus_one"]
    targets: Int[np.ndarray, " edges"]
    weights: Float[np.ndarray, " edges_or_neurons"]
    is_shared: bool

    @property
    def n_bytes(self) -> int:
        """Memory in bytes."""
        return self.row_start.nbytes + self.targets.nbytes + self.weights.nbytes

    @property
    def for_kernel(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
        """Row starts, targets of 16 and of 32 bits, one of them empty, weights, and `is_shared`.

        So that one compiled loop serves both.
        """
        none = np.empty(0, np.uint32 if self.targets.dtype == np.uint16 else np.uint16)
        both = (self.targets, none) if self.targets.dtype == np.uint16 else (none, self.targets)
        return self.row_start, *both, self.weights, self.is_shared


def outgoing(connectome: Connectome, coupling: float) -> Outgoing:
    """The connections by source, weights multiplied by `coupling`."""
    row_start = np.zeros(connectome.n_neurons + 1, np.int64)
    np.cumsum(connectome.out_degrees, out=row_start[1:])
    shared = np.zeros(connectome.n_neurons)
    is_shared = bool(
        _share(connectome.row_start, connectome.presynaptic, connectome.weights, shared)
    )
    weights = shared if is_shared else np.empty(connectome.n_edges)
    kind = np.uint16 if connectome.n_neurons <= 2**16 else np.uint32
    targets = np.empty(connectome.n_edges, kind)
    _by_source(
        connectome.row_start,
        connectome.presynaptic,
        connectome.weights,
        row_start[:-1].copy(),
        targets,
        weights,
        is_shared,
    )
    weights *= coupling
    return Outgoing(row_start, targets, weights, is_shared)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _share(row_start, presynaptic, weights, shared):
    """Write the one weight of each source; false when a source has two."""
    seen = np.zeros(shared.size, np.bool_)
    for edge in range(presynaptic.size):
        source = presynaptic[edge]
        if not seen[source]:
            seen[source] = True
            shared[source] = weights[edge]
        elif shared[source] != weights[edge]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
@no_type_check
def _by_source(row_start, presynaptic, weights, position, targets, by_source, is_shared):
    for row in range(row_start.size - 1):
        for edge in range(row_start[row], row_start[row + 1]):
            place = position[presynaptic[edge]]
            targets[place] = row
            if not is_shared:
                by_source[place] = weights[edge]
            position[presynaptic[edge]] += 1


__all__ = ["Outgoing", "outgoing"]
