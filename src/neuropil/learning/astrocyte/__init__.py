"""Waves of astrocytes that compute: local steps, what they cost, and what they can express."""

from neuropil.learning.astrocyte.approximation import Approximation, approximate
from neuropil.learning.astrocyte.biology import UNDISTURBED, Biology, Leak, Loss, Noise
from neuropil.learning.astrocyte.complexity import (
    WavePath,
    document_penalty,
    fewest_mixing_steps,
    neural_layer,
    penalty,
    shortest_wave,
)
from neuropil.learning.astrocyte.equivalence import AstrocyteEquivalent, to_astrocytes
from neuropil.learning.astrocyte.leakage import leak_errors
from neuropil.learning.astrocyte.network import AstrocyteNetwork, softmax
from neuropil.learning.astrocyte.notation import letters, widths, wirings
from neuropil.learning.astrocyte.published_steps import PublishedStep, published_step
from neuropil.learning.astrocyte.slow_wave import SlowWave
from neuropil.learning.astrocyte.steps import AbstractStep, WaveStep, uniform_step
from neuropil.learning.astrocyte.transport import (
    LINEAR_TRANSPORT,
    LOGISTIC_TRANSPORT,
    TANH_TRANSPORT,
    AbstractTransport,
    LinearTransport,
    RectifiedTransport,
    SmoothTransport,
)
from neuropil.learning.astrocyte.two_layer import TwoLayerNetwork
from neuropil.learning.astrocyte.wiring import AbstractWiring, Gather, Slide, Spread

__all__ = [
    "LINEAR_TRANSPORT",
    "LOGISTIC_TRANSPORT",
    "TANH_TRANSPORT",
    "UNDISTURBED",
    "AbstractStep",
    "AbstractTransport",
    "AbstractWiring",
    "Approximation",
    "AstrocyteEquivalent",
    "AstrocyteNetwork",
    "Biology",
    "Gather",
    "Leak",
    "LinearTransport",
    "Loss",
    "Noise",
    "PublishedStep",
    "RectifiedTransport",
    "Slide",
    "SlowWave",
    "SmoothTransport",
    "Spread",
    "TwoLayerNetwork",
    "WavePath",
    "WaveStep",
    "approximate",
    "document_penalty",
    "fewest_mixing_steps",
    "leak_errors",
    "letters",
    "neural_layer",
    "penalty",
    "published_step",
    "shortest_wave",
    "softmax",
    "to_astrocytes",
    "uniform_step",
    "widths",
    "wirings",
]
