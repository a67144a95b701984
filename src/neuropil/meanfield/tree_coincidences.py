"""What repeated indices add to tree observables: sums in which two vertices are one neuron."""

import numpy as np
import scipy.sparse
from jaxtyping import Float

from neuropil.connectivity import Connectome
from neuropil.connectivity.natural_scaling import natural_scaling
from neuropil.meanfield.trees import Tree

LARGEST_EXACT = 3


def repeated_index_bias(
    connectome: Connectome, values: Float[np.ndarray, " neurons"], tree: Tree
) -> float:
    """The part of tau_N(T) from terms in which two vertices are the same neuron, exactly.

    Subtracting it from `tree_observables` leaves the sum over different neurons alone. It is
    exact for trees of up to three vertices, from the diagonal and from elementwise products of
    the weights with themselves and with their transpose, by inclusion and exclusion. Raises
    `ValueError` for larger trees, for which there is `repeated_index_bound`.
    """
    n = connectome.n_neurons
    if values.shape != (n,):
        raise ValueError(f"values must have shape ({n},), got {values.shape}")
    if tree.size > LARGEST_EXACT:
        raise ValueError(
            f"tree must have at most {LARGEST_EXACT} vertices, got {tree.size}: for larger ones "
            "`repeated_index_bound` gives a bound"
        )
    if tree.size == 1:
        return 0.0
    weights = connectome.to_scipy()
    loops = weights.diagonal()
    if tree.size == 2:
        return float(loops @ values**2) / n
    square = values**2
    if tree.height == 2:
        first = loops * square @ (weights @ values)
        second = values @ (weights @ (loops * square))
        opposite = scipy.sparse.csr_array(weights.multiply(weights.T))
        third = square @ (opposite @ values)
    else:
        first = loops * square @ (weights @ values)
        second = first
        third = values @ (weights.power(2) @ square)
    # Each term with all three equal is in all three sums, and is wanted once.
    return float(first + second + third - 2 * loops**2 @ values**3) / n


def repeated_index_bound(
    connectome: Connectome, tree: Tree, *, largest_value: float = 1.0
) -> float:
    """A bound of the part of tau_N(T) from repeated indices, for any tree.

    With C the larger of the largest total in- and out-strength, joining two vertices that no
    edge joins closes a cycle, one weight of which is at most max |w| while the others are still
    a tree: at most max |w| C^(|T| - 2). Joining the ends of an edge costs max |w_ii| C^(|T| - 2).
    The sum over all pairs of vertices, times `largest_value`^|T| for functions bounded by it.
    """
    scaling = natural_scaling(connectome)
    edges = tree.size - 1
    if edges == 0:
        return 0.0
    apart = tree.size * edges // 2 - edges
    loop = float(np.abs(connectome.to_scipy().diagonal()).max(initial=0.0))
    rest = scaling.bound ** (tree.size - 2)
    joined = apart * scaling.largest_weight + edges * loop
    return joined * rest * largest_value**tree.size


__all__ = ["repeated_index_bias", "repeated_index_bound"]
