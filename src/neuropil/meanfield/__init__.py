"""Reductions of circuits to smaller systems that predict them."""

from neuropil.meanfield.batches import network_at
from neuropil.meanfield.branch_choice import (
    AbstractBranchChoice,
    BranchReachedFrom,
    HighestBranch,
    LowestBranch,
)
from neuropil.meanfield.chaotic_branches import (
    ChaoticBranches,
    chaotic_branches,
    chaotic_solution,
)
from neuropil.meanfield.contraction import ContractionCertificate, contraction_certificate
from neuropil.meanfield.degree_mean_field import (
    DegreeMeanField,
    StrengthDistribution,
    degree_mean_field,
    strengths_of_degrees,
    strengths_of_moments,
    strengths_of_weights,
)
from neuropil.meanfield.density_evolution import (
    AbstractDensitySteps,
    DensityEvolution,
    DeviceSteps,
    HostSteps,
    evolve_density,
)
from neuropil.meanfield.density_grid import VoltageGrid
from neuropil.meanfield.density_stationary import (
    AbstractStationaryMethod,
    CellBalance,
    Collocation,
    StationaryDensity,
    stationary_density,
)
from neuropil.meanfield.firing_rate import firing_rate, log_firing_rate
from neuropil.meanfield.fixed_point_methods import AbstractFixedPointMethod, Newton, Picard
from neuropil.meanfield.gaussian_nodes import normal_nodes
from neuropil.meanfield.heterogeneity import PerturbedRates, perturbed_rates
from neuropil.meanfield.mean_field_iteration import (
    IteratedMeanField,
    MeanFieldIteration,
    iterate_mean_field,
)
from neuropil.meanfield.population_density import PopulationDensity, UnitMassDensity
from neuropil.meanfield.pseudo_transient import PseudoTransient
from neuropil.meanfield.response import response_to_strength
from neuropil.meanfield.self_consistent_rates import SelfConsistentRates, self_consistent_rates
from neuropil.meanfield.sonet_limit import (
    SonetKernel,
    SonetLimit,
    sonet_kernel,
    sonet_limit_network,
    sonet_limit_rates,
)
from neuropil.meanfield.stability import FixedPointStability, fixed_point_stability
from neuropil.meanfield.stationary_branches import (
    MAXIMUM_BRANCHES,
    StationaryBranches,
    stationary_branches,
    stationary_solution,
)
from neuropil.meanfield.tanh_averages import TanhAverages, tanh_averages
from neuropil.meanfield.transfer import SiegertTransfer
from neuropil.meanfield.tree_coincidences import repeated_index_bias, repeated_index_bound
from neuropil.meanfield.tree_densities import tree_density
from neuropil.meanfield.tree_distances import (
    Cosine,
    Sigmoid,
    distinguishing_functions,
    largest_difference,
    negative_sobolev_of_samples,
    tensorised_negative_sobolev,
)
from neuropil.meanfield.tree_hierarchy import HierarchyTerms, hierarchy_terms
from neuropil.meanfield.tree_observables import (
    TreeObservables,
    tree_observables,
    tree_observables_limit,
    vertex_observable,
)
from neuropil.meanfield.trees import Tree, all_trees, rooted_trees, tree_from_name, with_leaf
from neuropil.meanfield.wiring_moments import WiringMoments, random_graph_moments, wiring_moments

__all__ = [
    "AbstractBranchChoice",
    "BranchReachedFrom",
    "HighestBranch",
    "LowestBranch",
    "MAXIMUM_BRANCHES",
    "StationaryBranches",
    "stationary_branches",
    "stationary_solution",
    "ChaoticBranches",
    "chaotic_branches",
    "chaotic_solution",
    "IteratedMeanField",
    "MeanFieldIteration",
    "iterate_mean_field",
    "TanhAverages",
    "tanh_averages",
    "PopulationDensity",
    "UnitMassDensity",
    "VoltageGrid",
    "AbstractDensitySteps",
    "DensityEvolution",
    "DeviceSteps",
    "HostSteps",
    "evolve_density",
    "AbstractStationaryMethod",
    "CellBalance",
    "Collocation",
    "StationaryDensity",
    "stationary_density",
    "Tree",
    "all_trees",
    "rooted_trees",
    "tree_from_name",
    "with_leaf",
    "TreeObservables",
    "tree_observables",
    "tree_observables_limit",
    "vertex_observable",
    "tree_density",
    "repeated_index_bias",
    "repeated_index_bound",
    "HierarchyTerms",
    "hierarchy_terms",
    "Cosine",
    "Sigmoid",
    "distinguishing_functions",
    "largest_difference",
    "negative_sobolev_of_samples",
    "tensorised_negative_sobolev",
    "normal_nodes",
    "AbstractFixedPointMethod",
    "ContractionCertificate",
    "DegreeMeanField",
    "FixedPointStability",
    "Newton",
    "PerturbedRates",
    "Picard",
    "PseudoTransient",
    "SelfConsistentRates",
    "SiegertTransfer",
    "SonetKernel",
    "SonetLimit",
    "StrengthDistribution",
    "WiringMoments",
    "contraction_certificate",
    "degree_mean_field",
    "firing_rate",
    "fixed_point_stability",
    "log_firing_rate",
    "network_at",
    "perturbed_rates",
    "random_graph_moments",
    "response_to_strength",
    "self_consistent_rates",
    "sonet_kernel",
    "sonet_limit_network",
    "sonet_limit_rates",
    "strengths_of_degrees",
    "strengths_of_moments",
    "strengths_of_weights",
    "wiring_moments",
]
