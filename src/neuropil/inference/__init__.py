"""From a behaviour to the distribution of parameters that show it."""

from neuropil.inference.augmented_lagrangian import AugmentedLagrangian
from neuropil.inference.behaviour import Behaviour
from neuropil.inference.black_box import BlackBox
from neuropil.inference.coverage import coverage
from neuropil.inference.distribution import ConstraintReport, ParameterDistribution
from neuropil.inference.domains import AbstractDomain, HalfLine, Interval, RealLine, Simplex
from neuropil.inference.evidence import Estimate
from neuropil.inference.feasibility import Feasibility, feasibility
from neuropil.inference.flat_arrays import (
    flattened,
    for_corner,
    prior_draws,
    simulator,
    unflattened,
)
from neuropil.inference.flow import Flow
from neuropil.inference.flow_architecture import (
    AbstractFlowArchitecture,
    AutoregressiveFlow,
    CouplingFlow,
)
from neuropil.inference.flow_fit import FlowDivergence, fit_flow, flow_divergence
from neuropil.inference.islands import Island, islands
from neuropil.inference.maximum_entropy import maximum_entropy
from neuropil.inference.methods import AbstractInferenceMethod
from neuropil.inference.natural_path import NaturalPath
from neuropil.inference.prediction import Prediction, predict
from neuropil.inference.recorded import reweighted
from neuropil.inference.sensitivity import Sensitivity, sensitivity
from neuropil.inference.slices import conditional_slice, marginal_slice
from neuropil.inference.support import Support

__all__ = [
    "AbstractDomain",
    "AbstractFlowArchitecture",
    "AbstractInferenceMethod",
    "AugmentedLagrangian",
    "AutoregressiveFlow",
    "Behaviour",
    "BlackBox",
    "ConstraintReport",
    "CouplingFlow",
    "Estimate",
    "Feasibility",
    "Flow",
    "FlowDivergence",
    "HalfLine",
    "Interval",
    "Island",
    "NaturalPath",
    "ParameterDistribution",
    "Prediction",
    "RealLine",
    "Sensitivity",
    "Simplex",
    "Support",
    "conditional_slice",
    "coverage",
    "feasibility",
    "fit_flow",
    "flattened",
    "flow_divergence",
    "for_corner",
    "islands",
    "marginal_slice",
    "maximum_entropy",
    "predict",
    "prior_draws",
    "reweighted",
    "sensitivity",
    "simulator",
    "unflattened",
]
