"""Equations of neurons and glia, one model family a file."""

from neuropil.circuits.activation import (
    AbstractActivation,
    Activation,
    HyperbolicTangent,
    Logistic,
)
from neuropil.circuits.inputs import ConstantInput, InputFunction
from neuropil.circuits.integrate_and_fire import IntegrateAndFire
from neuropil.circuits.leaky_integrate_and_fire import LeakyIntegrateAndFire
from neuropil.circuits.membrane import LinearDrift, SigmoidHazard
from neuropil.circuits.neuroglia import NeuroGlialNetwork, NeuroGlialState
from neuropil.circuits.rate import RateNetwork, stack_networks
from neuropil.circuits.tripartite_motif import (
    TripartiteMotif,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
    tripartite_motif_figure_9,
)

__all__ = [
    "AbstractActivation",
    "Activation",
    "ConstantInput",
    "HyperbolicTangent",
    "InputFunction",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "LinearDrift",
    "Logistic",
    "NeuroGlialNetwork",
    "NeuroGlialState",
    "RateNetwork",
    "SigmoidHazard",
    "TripartiteMotif",
    "stack_networks",
    "tripartite_motif_figure_2",
    "tripartite_motif_figure_8a",
    "tripartite_motif_figure_9",
]
