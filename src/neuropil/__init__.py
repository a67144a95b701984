"""Neuropil: circuits of neurons and glia, simulated, reduced, analysed, inverted and trained."""

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

import jax

# Roots, continuation and certificates need double precision; in single precision they fail
# quietly. A user who sets JAX_ENABLE_X64 has decided otherwise, and is obeyed.
if "JAX_ENABLE_X64" not in os.environ:
    jax.config.update("jax_enable_x64", True)

if TYPE_CHECKING:
    from neuropil import (
        analysis,
        circuits,
        connectivity,
        inference,
        learning,
        meanfield,
        plots,
        simulate,
        studies,
    )
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
    "learning",
    "meanfield",
    "plots",
    "simulate",
    "studies",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """A room is imported when it is entered: the command line needs few of them."""
    if name in __all__:
        return importlib.import_module(f"neuropil.{name}")
    raise AttributeError(f"module 'neuropil' has no attribute {name!r}")
