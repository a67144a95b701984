"""Results drawn on axes that the caller owns."""

from neuropil.plots.branches import branch, fixed_points_against_strength
from neuropil.plots.distributions import degree_histogram, motif_frequencies, rate_histogram
from neuropil.plots.relations import moment_scatter, prediction_against_measurement
from neuropil.plots.transfer import transfer_function
from neuropil.plots.wiring import adjacency, digraph

__all__ = [
    "adjacency",
    "branch",
    "degree_histogram",
    "digraph",
    "fixed_points_against_strength",
    "moment_scatter",
    "motif_frequencies",
    "prediction_against_measurement",
    "rate_histogram",
    "transfer_function",
]
