"""What a system can do: fixed points, stability, continuation."""

from neuropil.analysis.continuation import Branch, PseudoArclength, continuation
from neuropil.analysis.folds import Fold, polish_fold
from neuropil.analysis.parameters import VectorFieldOf, vector_field_of
from neuropil.analysis.stability import Stability, stability

__all__ = [
    "Branch",
    "Fold",
    "PseudoArclength",
    "Stability",
    "VectorFieldOf",
    "continuation",
    "polish_fold",
    "stability",
    "vector_field_of",
]
