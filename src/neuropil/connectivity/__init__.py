"""Who is wired to whom: weights, labels and where they come from, without dynamics."""

from neuropil.connectivity.colour_refinement import ColourRefinement, colour_refinement
from neuropil.connectivity.connectome import Cells, Connectome, Provenance
from neuropil.connectivity.conversions import (
    connectome_from_edges,
    connectome_from_networkx,
    connectome_from_scipy,
)
from neuropil.connectivity.download import PublishedFile, fetch
from neuropil.connectivity.erdos_renyi import erdos_renyi
from neuropil.connectivity.excitation_inhibition import signed
from neuropil.connectivity.hyperedges import (
    NeuroGlialWiring,
    neuro_glial_wiring_from_connectome,
    random_neuro_glial_wiring,
)
from neuropil.connectivity.kernel import AbstractKernel, StepKernel
from neuropil.connectivity.kernel_analytic import analytic_kernel, midpoints, ring_kernel
from neuropil.connectivity.kernel_curves import CurveKernel, curve_kernel
from neuropil.connectivity.kernel_estimates import (
    LowRankKernel,
    WeightsKernel,
    low_rank_kernel,
    step_kernel,
    weights_kernel,
)
from neuropil.connectivity.kernel_networks import (
    SampledNetwork,
    curve_network,
    sample_network,
    types_at,
)
from neuropil.connectivity.natural_scaling import (
    NaturalScaling,
    ScalingGrowth,
    natural_scaling,
    require_natural_scaling,
)
from neuropil.connectivity.operators import (
    AbstractWeights,
    DenseWeights,
    SparseWeights,
    dense_weights,
    sparse_weights,
    weights_of,
)
from neuropil.connectivity.partitions import cell_type_groups, degree_groups, spectral_groups
from neuropil.connectivity.published import list_connectomes, load_connectome
from neuropil.connectivity.readers import read_connectome
from neuropil.connectivity.sonata import read_sonata
from neuropil.connectivity.sonet import RandomGraph, sonet, sonet_twin
from neuropil.connectivity.sonet_feasibility import (
    SonetFeasibility,
    SonetParameters,
    sonet_feasibility,
)
from neuropil.connectivity.sonet_kernel import (
    SonetKernel,
    in_variable_nodes,
    sonet_kernel,
    sonet_step_kernel,
)
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
from neuropil.connectivity.summary import ConnectomeSummary, MotifSummary, describe

__all__ = [
    "cell_type_groups",
    "degree_groups",
    "spectral_groups",
    "SonetKernel",
    "sonet_kernel",
    "sonet_step_kernel",
    "in_variable_nodes",
    "analytic_kernel",
    "ring_kernel",
    "midpoints",
    "CurveKernel",
    "curve_kernel",
    "LowRankKernel",
    "WeightsKernel",
    "low_rank_kernel",
    "step_kernel",
    "weights_kernel",
    "SampledNetwork",
    "curve_network",
    "sample_network",
    "types_at",
    "ColourRefinement",
    "colour_refinement",
    "NaturalScaling",
    "ScalingGrowth",
    "natural_scaling",
    "require_natural_scaling",
    "AbstractKernel",
    "StepKernel",
    "AbstractWeights",
    "Cells",
    "Connectome",
    "ConnectomeSummary",
    "DegreeMoments",
    "DegreeStatistics",
    "DenseWeights",
    "MotifErrors",
    "MotifSummary",
    "Motifs",
    "NeuroGlialWiring",
    "NormBounds",
    "Provenance",
    "PublishedFile",
    "RandomGraph",
    "SonetFeasibility",
    "SonetParameters",
    "SparseWeights",
    "connectome_from_edges",
    "connectome_from_networkx",
    "connectome_from_scipy",
    "degree_statistics",
    "dense_weights",
    "describe",
    "erdos_renyi",
    "erdos_renyi_motif_errors",
    "expected_degree_moments",
    "fetch",
    "list_connectomes",
    "load",
    "load_connectome",
    "motif_statistics",
    "neuro_glial_wiring_from_connectome",
    "nonnegative_bounds",
    "random_neuro_glial_wiring",
    "read_connectome",
    "read_sonata",
    "save",
    "signed",
    "sonet",
    "sonet_feasibility",
    "sonet_twin",
    "sparse_weights",
    "spectral_radius",
    "weights_of",
]
