"""From a system and a start to its states over time."""

from neuropil.simulate.bursts import Bursts, find_bursts
from neuropil.simulate.clocked_arrays import ClockedArrays
from neuropil.simulate.clocked_events import ClockedEvents
from neuropil.simulate.conductance_methods import AbstractConductanceMethod
from neuropil.simulate.conductance_record import ConductanceSpikes
from neuropil.simulate.conductance_spikes import conductance_spikes
from neuropil.simulate.euler_path import euler_path
from neuropil.simulate.exact_events import ExactEvents
from neuropil.simulate.exponential_euler import ExponentialEuler, exponential_euler_step
from neuropil.simulate.integrate import integrate
from neuropil.simulate.methods import AbstractMethod, NonStiff, Stiff
from neuropil.simulate.oscillation_frequency import oscillation_frequency
from neuropil.simulate.smooth_rhythm import SmoothRhythm, smooth_rhythm
from neuropil.simulate.spike_methods import AbstractSpikeMethod
from neuropil.simulate.spike_record import Spikes
from neuropil.simulate.spikes import spikes
from neuropil.simulate.stochastic import StochasticEuler, StochasticHeun
from neuropil.simulate.tabulated_euler import TabulatedEuler
from neuropil.simulate.trajectory import Trajectory
from neuropil.simulate.triphasic_rhythm import TriphasicRhythm, triphasic_rhythm

__all__ = [
    "AbstractConductanceMethod",
    "AbstractMethod",
    "AbstractSpikeMethod",
    "Bursts",
    "ClockedArrays",
    "ClockedEvents",
    "ConductanceSpikes",
    "ExactEvents",
    "ExponentialEuler",
    "NonStiff",
    "SmoothRhythm",
    "Spikes",
    "StochasticEuler",
    "StochasticHeun",
    "Stiff",
    "TabulatedEuler",
    "Trajectory",
    "TriphasicRhythm",
    "conductance_spikes",
    "euler_path",
    "exponential_euler_step",
    "find_bursts",
    "integrate",
    "oscillation_frequency",
    "smooth_rhythm",
    "spikes",
    "triphasic_rhythm",
]
