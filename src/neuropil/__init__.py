"""Neuropil: circuits of neurons and glia, simulated, reduced, analysed, inverted and trained."""

import os

import jax

# Roots, continuation and certificates need double precision; in single precision they fail
# quietly. A user who sets JAX_ENABLE_X64 has decided otherwise, and is obeyed.
if "JAX_ENABLE_X64" not in os.environ:
    jax.config.update("jax_enable_x64", True)

from neuropil import analysis, circuits, connectivity, inference, meanfield, simulate
from neuropil.result import Outcome
from neuropil.system import AbstractSystem, Box

__all__ = [
    "AbstractSystem",
    "Box",
    "Outcome",
    "analysis",
    "circuits",
    "connectivity",
    "inference",
    "meanfield",
    "simulate",
]
__version__ = "0.1.0"
