"""What a system can do: fixed points, stability, continuation."""

from neuropil.analysis.continuation import Branch, PseudoArclength, continuation
from neuropil.analysis.folds import polish_fold
from neuropil.analysis.parameters import VectorFieldOf, vector_field_of

__all__ = [
    "Branch",
    "PseudoArclength",
    "VectorFieldOf",
    "continuation",
    "polish_fold",
    "vector_field_of",
]
