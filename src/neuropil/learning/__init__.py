"""Train circuits: agents that learn online, trial by trial, and networks that tell images apart."""

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
from neuropil.learning.bandits.readings import document, published_code, random_gains
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
from neuropil.learning.classification.colearning import CoLearned, colearn, latents
from neuropil.learning.classification.dense_networks import Perceptron, RandomlyWired, hidden_for
from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.evidence_accumulation import (
    EvidenceAccumulation,
    IntegratingCells,
)
from neuropil.learning.classification.image_data import (
    LabelledImages,
    images_from_folder,
    published_images,
    small_digits,
)
from neuropil.learning.classification.objectives import (
    AbstractObjective,
    NegativeLogLikelihood,
    SquaredError,
)
from neuropil.learning.classification.random_projection import (
    SparseRandomProjection,
    sparse_random_projection,
)
from neuropil.learning.classification.training import (
    Samples,
    TrainedClassifiers,
    in_single_precision,
    many,
    train_classifiers,
)
from neuropil.learning.classification.variational_autoencoder import VariationalAutoencoder

__all__ = [
    "AbstractAgent",
    "AbstractBaseline",
    "AbstractCell",
    "AbstractHyperedgeLayout",
    "AbstractInitialValues",
    "AbstractMeans",
    "AbstractObjective",
    "AbstractOnlineGradient",
    "AgentState",
    "BanditRun",
    "BatchedAdam",
    "BernoulliBandit",
    "CoLearned",
    "Constant",
    "ContextSignal",
    "ContextualAgent",
    "DiscountedUpperConfidenceBound",
    "DomainMatrices",
    "EvidenceAccumulation",
    "ExponentialMean",
    "Failure",
    "FlipFlopMeans",
    "ForwardMode",
    "FullMatrices",
    "GRUCell",
    "HyperedgeList",
    "IntegratingCells",
    "LSTMCell",
    "LabelledImages",
    "LeakyCell",
    "LeakyFilterCell",
    "MedianInterval",
    "NegativeLogLikelihood",
    "NeuroGliaCell",
    "NoBaseline",
    "Normal",
    "OnlinePolicyGradient",
    "Perceptron",
    "PeriodicMeans",
    "Projection",
    "RandomlyWired",
    "Recording",
    "RunningMean",
    "Samples",
    "SequentialContexts",
    "SlidingWindowUpperConfidenceBound",
    "SparseRandomProjection",
    "SquareWaveMeans",
    "SquaredError",
    "StationaryMeans",
    "ThompsonSampling",
    "TrainedClassifiers",
    "TruncatedBackpropagation",
    "Tuning",
    "Uniform",
    "UpperConfidenceBound",
    "VanillaCell",
    "VariationalAutoencoder",
    "colearn",
    "constant_code",
    "converging_trial",
    "document",
    "domain_wiring",
    "escalation",
    "flip_flop_bandit",
    "gradient_support",
    "gru_cell",
    "hidden_for",
    "images_from_folder",
    "in_single_precision",
    "latents",
    "layout_of",
    "leaky_cell",
    "leaky_filter_cell",
    "lstm_cell",
    "many",
    "median_interval",
    "neuroglia_cell",
    "one_hot_code",
    "parameters_of",
    "play",
    "published_code",
    "published_images",
    "random_gains",
    "regret_by_visit",
    "scalar_code",
    "small_digits",
    "sparse_random_projection",
    "stationary_bandit",
    "train_classifiers",
    "trial_regret",
    "tuned",
    "vanilla_cell",
    "with_parameters",
]
