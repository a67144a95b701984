"""From a system and a start to its states over time."""

from neuropil.simulate.integrate import integrate
from neuropil.simulate.methods import AbstractMethod, NonStiff, Stiff
from neuropil.simulate.stochastic import StochasticEuler, StochasticHeun
from neuropil.simulate.trajectory import Trajectory

__all__ = [
    "AbstractMethod",
    "NonStiff",
    "StochasticEuler",
    "StochasticHeun",
    "Stiff",
    "Trajectory",
    "integrate",
]
