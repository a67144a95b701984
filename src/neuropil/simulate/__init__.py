"""From a system and a start to its states over time."""

from neuropil.simulate.clocked_events import ClockedEvents
from neuropil.simulate.exact_events import ExactEvents
from neuropil.simulate.integrate import integrate
from neuropil.simulate.methods import AbstractMethod, NonStiff, Stiff
from neuropil.simulate.spike_methods import AbstractSpikeMethod
from neuropil.simulate.spike_record import Spikes
from neuropil.simulate.spikes import spikes
from neuropil.simulate.stochastic import StochasticEuler, StochasticHeun
from neuropil.simulate.trajectory import Trajectory

__all__ = [
    "AbstractMethod",
    "AbstractSpikeMethod",
    "ClockedEvents",
    "ExactEvents",
    "NonStiff",
    "Spikes",
    "StochasticEuler",
    "StochasticHeun",
    "Stiff",
    "Trajectory",
    "integrate",
    "spikes",
]
