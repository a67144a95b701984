"""Equations of neurons and glia, one model family a file."""

from neuropil.circuits.activation import (
    AbstractActivation,
    Activation,
    HyperbolicTangent,
    Logistic,
)
from neuropil.circuits.dense_neuroglia import DenseNeuroGlialNetwork
from neuropil.circuits.inputs import ConstantInput, InputFunction
from neuropil.circuits.integrate_and_fire import IntegrateAndFire
from neuropil.circuits.leaky_integrate_and_fire import LeakyIntegrateAndFire
from neuropil.circuits.linear import LeadingEigenvalue, LinearSystem, leading_eigenvalue
from neuropil.circuits.low_rank import LowRankNetwork, sample_low_rank_network
from neuropil.circuits.membrane import LinearDrift, SigmoidHazard
from neuropil.circuits.neuroglia import NeuroGlialNetwork, NeuroGlialState
from neuropil.circuits.pyloric_cells import (
    PYLORIC_CELLS,
    PyloricParameters,
    pyloric_parameters,
)
from neuropil.circuits.rank_one import RankOneStatistics
from neuropil.circuits.rate import RateNetwork, stack_networks
from neuropil.circuits.stable_amplification import (
    PUBLISHED_SHIFT,
    StableAmplification,
    stable_amplification,
)
from neuropil.circuits.stomatogastric import (
    StomatogastricGanglion,
    pyloric_circuit,
    pyloric_circuit_5a,
    pyloric_circuit_5b,
    pyloric_circuits,
)
from neuropil.circuits.stomatogastric_hub import HUB, HUB_CELL_NAMES, StomatogastricHub
from neuropil.circuits.tripartite_motif import (
    TripartiteMotif,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
    tripartite_motif_figure_9,
)

__all__ = [
    "LeadingEigenvalue",
    "LinearSystem",
    "leading_eigenvalue",
    "LowRankNetwork",
    "sample_low_rank_network",
    "RankOneStatistics",
    "PUBLISHED_SHIFT",
    "StableAmplification",
    "stable_amplification",
    "AbstractActivation",
    "Activation",
    "ConstantInput",
    "DenseNeuroGlialNetwork",
    "HUB",
    "HUB_CELL_NAMES",
    "HyperbolicTangent",
    "InputFunction",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "LinearDrift",
    "Logistic",
    "NeuroGlialNetwork",
    "NeuroGlialState",
    "PYLORIC_CELLS",
    "PyloricParameters",
    "RateNetwork",
    "SigmoidHazard",
    "StomatogastricGanglion",
    "StomatogastricHub",
    "TripartiteMotif",
    "pyloric_circuit",
    "pyloric_circuit_5a",
    "pyloric_circuit_5b",
    "pyloric_circuits",
    "pyloric_parameters",
    "stack_networks",
    "tripartite_motif_figure_2",
    "tripartite_motif_figure_8a",
    "tripartite_motif_figure_9",
]
