"""Results drawn on axes that the caller owns."""

from neuropil.plots.branches import bifurcation_diagram, fixed_points_against_strength
from neuropil.plots.circuit_rasters import circuit_rasters
from neuropil.plots.densities import density, rate_against_type
from neuropil.plots.distributions import degree_histogram, motif_frequencies, rate_histogram
from neuropil.plots.heat_maps import heat_map
from neuropil.plots.learning_curves import context_learning_curves, regret_after_switch
from neuropil.plots.parameters import inference_trace, pair_plot, sensitivity_directions
from neuropil.plots.phase_curves import phase_curves
from neuropil.plots.phase_plane import phase_plane
from neuropil.plots.projections import component_trajectories
from neuropil.plots.regret import cumulative_regret, final_regrets, regret_raster
from neuropil.plots.relations import moment_scatter, prediction_against_measurement
from neuropil.plots.robustness import robustness
from neuropil.plots.sheets import sheets
from neuropil.plots.spike_raster import raster
from neuropil.plots.time_courses import time_courses
from neuropil.plots.training_curves import training_curves
from neuropil.plots.transfer import transfer_function
from neuropil.plots.tree_observables import convergence, observables
from neuropil.plots.wiring import adjacency, digraph

__all__ = [
    "adjacency",
    "bifurcation_diagram",
    "circuit_rasters",
    "component_trajectories",
    "context_learning_curves",
    "convergence",
    "cumulative_regret",
    "degree_histogram",
    "density",
    "digraph",
    "final_regrets",
    "fixed_points_against_strength",
    "heat_map",
    "inference_trace",
    "moment_scatter",
    "motif_frequencies",
    "observables",
    "pair_plot",
    "phase_curves",
    "phase_plane",
    "prediction_against_measurement",
    "raster",
    "rate_against_type",
    "rate_histogram",
    "regret_after_switch",
    "regret_raster",
    "robustness",
    "sensitivity_directions",
    "sheets",
    "time_courses",
    "training_curves",
    "transfer_function",
]
