"""Who is wired to whom: weights, labels and where they come from, without dynamics."""

from neuropil.connectivity.connectome import Cells, Connectome, Provenance
from neuropil.connectivity.conversions import (
    connectome_from_edges,
    connectome_from_networkx,
    connectome_from_scipy,
)
from neuropil.connectivity.operators import (
    AbstractWeights,
    DenseWeights,
    SparseWeights,
    dense_weights,
    sparse_weights,
    weights_of,
)

__all__ = [
    "AbstractWeights",
    "Cells",
    "Connectome",
    "DenseWeights",
    "Provenance",
    "SparseWeights",
    "connectome_from_edges",
    "connectome_from_networkx",
    "connectome_from_scipy",
    "dense_weights",
    "sparse_weights",
    "weights_of",
]
