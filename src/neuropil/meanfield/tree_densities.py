"""Joint densities of the potentials along small trees."""

import numpy as np
import scipy.sparse
from jaxtyping import Float

from neuropil.connectivity import Connectome
from neuropil.connectivity.block_products import received
from neuropil.meanfield.trees import Tree

LARGEST_TREE = 3


def tree_density(
    connectome: Connectome,
    potentials: Float[np.ndarray, "*realisations neurons"],
    tree: Tree,
    bin_edges: Float[np.ndarray, " bins_plus_one"],
) -> Float[np.ndarray, "..."]:
    """tau_N(T) as a histogram over the potentials of its vertices, in 1/mV for each vertex.

    One axis of `bins` for each vertex of `tree`, as it numbers them. The root alone is the
    density of one neuron. Potentials outside the bins are left out. Takes products with the
    weights of one column a bin, and neurons x bins^2 for trees of three vertices. `potentials`
    may hold several realisations, which are averaged. Sums include repeated indices.

    Raises `ValueError` for more than three vertices, bins that do not ascend, or potentials of
    another number of neurons.
    """
    n = connectome.n_neurons
    if tree.size > LARGEST_TREE:
        raise ValueError(f"tree must have at most {LARGEST_TREE} vertices, got {tree.size}")
    if potentials.ndim not in (1, 2) or potentials.shape[-1] != n:
        raise ValueError(
            f"potentials must have shape ({n},) or (realisations, {n}), got {potentials.shape}"
        )
    widths = np.diff(bin_edges)
    if not widths.size or np.any(widths <= 0):
        raise ValueError("bin_edges must ascend and hold at least two numbers")
    drawn = np.atleast_2d(potentials)
    total = sum(_counts(connectome, row, tree, bin_edges) for row in drawn)
    cell = np.ones(())
    for _ in range(tree.size):
        cell = np.multiply.outer(cell, widths)
    return total / (len(drawn) * n * cell)


def _counts(
    connectome: Connectome, potentials: np.ndarray, tree: Tree, bin_edges: np.ndarray
) -> np.ndarray:
    bins, n = bin_edges.size - 1, potentials.size
    place = np.searchsorted(bin_edges, potentials, side="right") - 1
    inside = np.flatnonzero((place >= 0) & (place < bins))
    member = np.zeros((n, bins))
    member[inside, place[inside]] = 1.0
    if tree.size == 1:
        return member.sum(axis=0)
    heard = received(connectome, member)
    if tree.size == 2:
        return member.T @ heard
    if tree.height == 1:
        # Root first, then its two children, who are alike.
        return _outer_by_bin(heard, heard, place, inside, bins).transpose(1, 0, 2)
    # The middle vertex is heard by the root's bin and hears the leaf's.
    sent = scipy.sparse.csr_array(connectome.to_scipy().T) @ member
    return _outer_by_bin(sent, heard, place, inside, bins)


def _outer_by_bin(
    first: np.ndarray, last: np.ndarray, place: np.ndarray, inside: np.ndarray, bins: int
) -> np.ndarray:
    """For neurons in each bin (middle axis), the sum of the products of two features."""
    found = np.zeros((bins, bins, bins))
    for chosen in range(bins):
        neurons = inside[place[inside] == chosen]
        found[:, chosen] = first[neurons].T @ last[neurons]
    return found


__all__ = ["tree_density"]
