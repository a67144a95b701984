"""What a system can do: fixed points, stability, continuation."""

from neuropil.analysis.bound import AbstractBoundMethod, Bound, DecayBound, InwardFaces, bound
from neuropil.analysis.branch_and_prune import BranchAndPrune
from neuropil.analysis.branch_points import BranchPoint, polish_branch_point
from neuropil.analysis.continuation import (
    Branch,
    PseudoArclength,
    continuation,
    continuation_batch,
)
from neuropil.analysis.contraction import (
    Contraction,
    Norms,
    contraction,
    contraction_of_bounds,
)
from neuropil.analysis.cross_mapping import (
    CrossMapping,
    DelayEmbedding,
    cross_map,
    forecast_skill,
)
from neuropil.analysis.deflation import DeflatedNewton
from neuropil.analysis.diagrams import Diagram, DiagramBranch, complete_diagram
from neuropil.analysis.fixed_points import (
    FixedPoints,
    FixedPointsBatch,
    fixed_points,
    fixed_points_batch,
)
from neuropil.analysis.fold_newton import FoldNewton, FoldPoint, fold
from neuropil.analysis.folds import Fold, polish_fold
from neuropil.analysis.folds_certified import AllFolds, all_folds
from neuropil.analysis.hopf_points import HopfPoint, polish_hopf_point
from neuropil.analysis.interval_functions import IntervalFunction
from neuropil.analysis.limit_cycles import Collocation, CycleBranch, limit_cycles
from neuropil.analysis.parameters import VectorFieldOf, vector_field_of
from neuropil.analysis.slow_fast import CriticalManifold, Jump, Sheet, critical_manifold
from neuropil.analysis.stability import Stability, stability
from neuropil.analysis.surrogates import (
    AbstractSurrogates,
    CircularShifts,
    RandomPhases,
    TwinSurrogates,
)
from neuropil.analysis.zero_search import AbstractZeroSearch, Zeros

__all__ = [
    "AbstractBoundMethod",
    "AbstractSurrogates",
    "AbstractZeroSearch",
    "AllFolds",
    "Bound",
    "Branch",
    "BranchAndPrune",
    "BranchPoint",
    "CircularShifts",
    "Collocation",
    "Contraction",
    "CriticalManifold",
    "CrossMapping",
    "CycleBranch",
    "DecayBound",
    "DeflatedNewton",
    "DelayEmbedding",
    "Diagram",
    "DiagramBranch",
    "FixedPoints",
    "FixedPointsBatch",
    "Fold",
    "FoldNewton",
    "FoldPoint",
    "HopfPoint",
    "IntervalFunction",
    "InwardFaces",
    "Jump",
    "Norms",
    "PseudoArclength",
    "RandomPhases",
    "Sheet",
    "Stability",
    "TwinSurrogates",
    "VectorFieldOf",
    "Zeros",
    "all_folds",
    "bound",
    "complete_diagram",
    "continuation",
    "continuation_batch",
    "contraction",
    "contraction_of_bounds",
    "critical_manifold",
    "cross_map",
    "fixed_points",
    "fixed_points_batch",
    "fold",
    "forecast_skill",
    "limit_cycles",
    "polish_branch_point",
    "polish_fold",
    "polish_hopf_point",
    "stability",
    "vector_field_of",
]
