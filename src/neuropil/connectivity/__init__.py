"""Who is wired to whom: weights, labels and where they come from, without dynamics."""

from neuropil.connectivity.connectome import Cells, Connectome, Provenance
from neuropil.connectivity.conversions import (
    connectome_from_edges,
    connectome_from_networkx,
    connectome_from_scipy,
)
from neuropil.connectivity.download import PublishedFile, fetch
from neuropil.connectivity.operators import (
    AbstractWeights,
    DenseWeights,
    SparseWeights,
    dense_weights,
    sparse_weights,
    weights_of,
)
from neuropil.connectivity.published import list_connectomes, load_connectome
from neuropil.connectivity.readers import read_connectome
from neuropil.connectivity.sonata import read_sonata
from neuropil.connectivity.spectrum import NormBounds, nonnegative_bounds, spectral_radius
from neuropil.connectivity.statistics import (
    DegreeMoments,
    DegreeStatistics,
    MotifErrors,
    Motifs,
    degree_statistics,
    erdos_renyi_motif_errors,
    expected_degree_moments,
    motif_statistics,
)
from neuropil.connectivity.storage import load, save

__all__ = [
    "AbstractWeights",
    "Cells",
    "Connectome",
    "DegreeMoments",
    "DegreeStatistics",
    "DenseWeights",
    "MotifErrors",
    "Motifs",
    "NormBounds",
    "Provenance",
    "PublishedFile",
    "SparseWeights",
    "connectome_from_edges",
    "connectome_from_networkx",
    "connectome_from_scipy",
    "degree_statistics",
    "dense_weights",
    "erdos_renyi_motif_errors",
    "expected_degree_moments",
    "fetch",
    "list_connectomes",
    "load",
    "load_connectome",
    "motif_statistics",
    "nonnegative_bounds",
    "read_connectome",
    "read_sonata",
    "save",
    "sparse_weights",
    "spectral_radius",
    "weights_of",
]
