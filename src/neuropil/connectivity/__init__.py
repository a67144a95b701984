"""Who is wired to whom: weights, labels and where they come from, without dynamics."""

from neuropil.connectivity.connectome import Connectome, Provenance, connectome_from_scipy
from neuropil.connectivity.operators import AbstractWeights, DenseWeights, dense_weights

__all__ = [
    "AbstractWeights",
    "Connectome",
    "DenseWeights",
    "Provenance",
    "connectome_from_scipy",
    "dense_weights",
]
