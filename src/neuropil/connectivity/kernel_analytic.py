"""Limiting kernels given by a formula, on nodes of [0, 1]."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Array, Float

from neuropil.connectivity.kernel import StepKernel

KernelFunction = Callable[
    [Float[np.ndarray, "receivers 1"], Float[np.ndarray, "1 senders"]],
    Float[Array | np.ndarray, "receivers senders"],
]
"""w(xi, zeta), receiver first, for arrays that broadcast against each other."""

FEWEST_NODES_TO_JUDGE = 16
STEADY = 1e-3


def analytic_kernel(
    function: KernelFunction,
    nodes: int | Float[np.ndarray, " types"],
    measure: Float[np.ndarray, " types"] | None = None,
) -> StepKernel:
    """w(xi, zeta) at nodes of xi, with the weights of their quadrature as measure.

    With a number of `nodes`, they are the midpoints of equal cells of [0, 1]; other nodes need
    their `measure`. The kernel must have bounded masses, as the mean-field limit asks: on
    midpoints (16 or more) the largest total weight onto a type, and from a type, are compared at
    a quarter, a half and all of the nodes. Raises `ValueError` when either keeps growing, when a
    value is not finite, or `measure` is missing or does not sum to 1.
    """
    if isinstance(nodes, int):
        if nodes < 1:
            raise ValueError(f"nodes must be at least 1, got {nodes}")
        if measure is not None:
            raise ValueError("measure belongs to given nodes; a number of nodes has equal cells")
        places = midpoints(nodes)
        measure = np.full(nodes, 1.0 / nodes)
        if nodes >= FEWEST_NODES_TO_JUDGE:
            require_bounded_masses(lambda cells: _masses(function, midpoints(cells)), nodes)
    else:
        if measure is None:
            raise ValueError("measure must be given together with nodes")
        places = nodes
    return StepKernel(_values(function, places), np.asarray(measure))


def ring_kernel(
    profile: Callable[[Float[np.ndarray, "..."]], Float[Array | np.ndarray, "..."]], nodes: int
) -> StepKernel:
    """Neurons on a ring of length 1: w(xi, zeta) = `profile(distance)`, distance 0 to 1/2.

    Raises `ValueError` as `analytic_kernel`.
    """

    def at_distance(receiver, sender):
        apart = np.abs(receiver - sender) % 1.0
        return profile(np.minimum(apart, 1.0 - apart))

    return analytic_kernel(at_distance, nodes)


def midpoints(cells: int) -> Float[np.ndarray, " cells"]:
    """The middle of each of equal cells of [0, 1]."""
    return (np.arange(cells) + 0.5) / cells


def require_bounded_masses(masses: Callable[[int], tuple[float, float]], nodes: int) -> None:
    """Raise `ValueError` when the masses of a family of kernels grow without end.

    `masses` gives the largest total absolute weight onto one type and from one type for a number
    of cells. They settle when the second of two doublings adds less than the first.
    """
    coarse, middle, fine = (np.array(masses(max(1, nodes // part))) for part in (4, 2, 1))
    first, second = middle - coarse, fine - middle
    growing = (second > STEADY * np.abs(fine)) & (second >= 0.95 * first) & (first > 0)
    for which, side in enumerate(("onto", "from")):
        if growing[which]:
            raise ValueError(
                f"the kernel is not bounded: the largest total weight {side} one type is "
                f"{coarse[which]:.4g}, {middle[which]:.4g}, {fine[which]:.4g} at {nodes // 4}, "
                f"{nodes // 2}, {nodes} types and keeps growing; sup over xi of the integral of "
                "|w(xi, d zeta)|, and with xi and zeta exchanged, must be finite"
            )


def _values(function: KernelFunction, places: np.ndarray) -> np.ndarray:
    values = np.broadcast_to(
        np.asarray(function(places[:, None], places[None, :]), float), (places.size, places.size)
    )
    wrong = np.argwhere(~np.isfinite(values))
    if wrong.size:
        receiver, sender = places[wrong[0]]
        raise ValueError(
            f"function must be finite, got {values[tuple(wrong[0])]} at receiver "
            f"{receiver:.6g}, sender {sender:.6g}"
        )
    return values


def _masses(function: KernelFunction, places: np.ndarray) -> tuple[float, float]:
    strengths = np.abs(_values(function, places)) / places.size
    return strengths.sum(axis=1).max(), strengths.sum(axis=0).max()


__all__ = [
    "KernelFunction",
    "analytic_kernel",
    "midpoints",
    "require_bounded_masses",
    "ring_kernel",
]
