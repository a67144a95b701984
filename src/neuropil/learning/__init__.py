"""Train circuits: agents that learn online, trial by trial, while the context changes."""

from neuropil.learning.bandit_agent import AbstractAgent, AgentState
from neuropil.learning.bandit_algorithms import (
    ContextualAgent,
    DiscountedUpperConfidenceBound,
    SlidingWindowUpperConfidenceBound,
    ThompsonSampling,
    UpperConfidenceBound,
)
from neuropil.learning.bandit_means import (
    AbstractMeans,
    FlipFlopMeans,
    PeriodicMeans,
    SequentialContexts,
    SquareWaveMeans,
    StationaryMeans,
)
from neuropil.learning.bandit_record import BanditRun, Failure, Projection, Recording
from neuropil.learning.bandit_run import play
from neuropil.learning.bandit_tasks import BernoulliBandit, flip_flop_bandit, stationary_bandit
from neuropil.learning.baselines import AbstractBaseline, ExponentialMean, NoBaseline, RunningMean
from neuropil.learning.cell import AbstractCell, parameters_of, with_parameters
from neuropil.learning.context_signals import (
    ContextSignal,
    constant_code,
    one_hot_code,
    scalar_code,
)
from neuropil.learning.domain_matrices import DomainMatrices, domain_wiring, layout_of
from neuropil.learning.hyperedge_layouts import (
    AbstractHyperedgeLayout,
    FullMatrices,
    HyperedgeList,
)
from neuropil.learning.initial_values import AbstractInitialValues, Constant, Normal, Uniform
from neuropil.learning.leaky_cells import (
    LeakyCell,
    LeakyFilterCell,
    leaky_cell,
    leaky_filter_cell,
)
from neuropil.learning.neuroglia_cell import NeuroGliaCell, neuroglia_cell
from neuropil.learning.online_gradients import (
    AbstractOnlineGradient,
    ForwardMode,
    TruncatedBackpropagation,
    gradient_support,
)
from neuropil.learning.policy_gradient import OnlinePolicyGradient
from neuropil.learning.readings import document, published_code
from neuropil.learning.recurrent_cells import (
    GRUCell,
    LSTMCell,
    VanillaCell,
    gru_cell,
    lstm_cell,
    vanilla_cell,
)
from neuropil.learning.regret import (
    MedianInterval,
    converging_trial,
    escalation,
    median_interval,
    regret_by_visit,
    trial_regret,
)
from neuropil.learning.tuning import Tuning, tuned

__all__ = [
    "AbstractAgent",
    "AbstractBaseline",
    "AbstractCell",
    "AbstractHyperedgeLayout",
    "AbstractInitialValues",
    "AbstractMeans",
    "AbstractOnlineGradient",
    "AgentState",
    "BanditRun",
    "BernoulliBandit",
    "Constant",
    "ContextSignal",
    "ContextualAgent",
    "DiscountedUpperConfidenceBound",
    "DomainMatrices",
    "ExponentialMean",
    "Failure",
    "FlipFlopMeans",
    "ForwardMode",
    "FullMatrices",
    "GRUCell",
    "HyperedgeList",
    "LSTMCell",
    "LeakyCell",
    "LeakyFilterCell",
    "MedianInterval",
    "NeuroGliaCell",
    "NoBaseline",
    "Normal",
    "OnlinePolicyGradient",
    "PeriodicMeans",
    "Projection",
    "Recording",
    "RunningMean",
    "SequentialContexts",
    "SlidingWindowUpperConfidenceBound",
    "SquareWaveMeans",
    "StationaryMeans",
    "ThompsonSampling",
    "TruncatedBackpropagation",
    "Tuning",
    "Uniform",
    "UpperConfidenceBound",
    "VanillaCell",
    "constant_code",
    "converging_trial",
    "document",
    "domain_wiring",
    "escalation",
    "flip_flop_bandit",
    "gradient_support",
    "gru_cell",
    "layout_of",
    "leaky_cell",
    "leaky_filter_cell",
    "lstm_cell",
    "median_interval",
    "neuroglia_cell",
    "one_hot_code",
    "parameters_of",
    "play",
    "published_code",
    "regret_by_visit",
    "scalar_code",
    "stationary_bandit",
    "trial_regret",
    "tuned",
    "vanilla_cell",
    "with_parameters",
]
