"""Train circuits: agents that learn online, trial by trial, while the context changes."""

from neuropil.learning.bandits.agent import AbstractAgent, AgentState
from neuropil.learning.bandits.algorithms import (
    ContextualAgent,
    DiscountedUpperConfidenceBound,
    SlidingWindowUpperConfidenceBound,
    ThompsonSampling,
    UpperConfidenceBound,
)
from neuropil.learning.bandits.baselines import (
    AbstractBaseline,
    ExponentialMean,
    NoBaseline,
    RunningMean,
)
from neuropil.learning.bandits.context_signals import (
    ContextSignal,
    constant_code,
    one_hot_code,
    scalar_code,
)
from neuropil.learning.bandits.means import (
    AbstractMeans,
    FlipFlopMeans,
    PeriodicMeans,
    SequentialContexts,
    SquareWaveMeans,
    StationaryMeans,
)
from neuropil.learning.bandits.online_gradients import (
    AbstractOnlineGradient,
    ForwardMode,
    TruncatedBackpropagation,
    gradient_support,
)
from neuropil.learning.bandits.policy_gradient import OnlinePolicyGradient
from neuropil.learning.bandits.readings import document, published_code
from neuropil.learning.bandits.record import BanditRun, Failure, Projection, Recording
from neuropil.learning.bandits.regret import (
    MedianInterval,
    converging_trial,
    escalation,
    median_interval,
    regret_by_visit,
    trial_regret,
)
from neuropil.learning.bandits.run import play
from neuropil.learning.bandits.tasks import BernoulliBandit, flip_flop_bandit, stationary_bandit
from neuropil.learning.bandits.tuning import Tuning, tuned
from neuropil.learning.cells.cell import AbstractCell, parameters_of, with_parameters
from neuropil.learning.cells.domain_matrices import DomainMatrices, domain_wiring, layout_of
from neuropil.learning.cells.hyperedge_layouts import (
    AbstractHyperedgeLayout,
    FullMatrices,
    HyperedgeList,
)
from neuropil.learning.cells.initial_values import AbstractInitialValues, Constant, Normal, Uniform
from neuropil.learning.cells.leaky_cells import (
    LeakyCell,
    LeakyFilterCell,
    leaky_cell,
    leaky_filter_cell,
)
from neuropil.learning.cells.neuroglia_cell import NeuroGliaCell, neuroglia_cell
from neuropil.learning.cells.recurrent_cells import (
    GRUCell,
    LSTMCell,
    VanillaCell,
    gru_cell,
    lstm_cell,
    vanilla_cell,
)

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
