"""Equations of neurons and glia, one model family a file."""

from neuropil.circuits.integrate_and_fire import LeakyIntegrateAndFire
from neuropil.circuits.rate import RateNetwork, stack_networks

__all__ = ["LeakyIntegrateAndFire", "RateNetwork", "stack_networks"]
