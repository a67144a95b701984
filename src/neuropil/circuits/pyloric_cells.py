"""Model cells of the pyloric network, and the ranges of conductances around them."""

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

CHANNEL_NAMES = ("Na", "CaT", "CaS", "A", "KCa", "Kd", "H", "leak")
CELL_NAMES = ("AB/PD", "LP", "PY")
SYNAPSE_NAMES = (
    "AB to LP", "PD to LP", "AB to PY", "PD to PY", "LP to PD", "LP to PY", "PY to LP",
)  # fmt: skip

PYLORIC_CELLS = MappingProxyType(
    {
        "AB/PD 1": (400, 2.5, 6, 50, 10, 100, 0.01, 0),
        "AB/PD 2": (100, 2.5, 6, 50, 5, 100, 0.01, 0),
        "AB/PD 3": (200, 2.5, 4, 50, 5, 50, 0.01, 0),
        "AB/PD 4": (200, 5, 4, 40, 5, 125, 0.01, 0),
        "AB/PD 5": (300, 2.5, 2, 10, 5, 125, 0.01, 0),
        "LP 1": (100, 0, 8, 40, 5, 75, 0.05, 0.02),
        "LP 2": (100, 0, 6, 30, 5, 50, 0.05, 0.02),
        "LP 3": (100, 0, 10, 50, 5, 100, 0, 0.03),
        "LP 4": (100, 0, 4, 20, 0, 25, 0.05, 0.03),
        "LP 5": (100, 0, 6, 30, 0, 50, 0.03, 0.02),
        "PY 1": (100, 2.5, 2, 50, 0, 125, 0.05, 0.01),
        "PY 2": (200, 7.5, 0, 50, 0, 75, 0.05, 0),
        "PY 3": (200, 10, 0, 50, 0, 100, 0.03, 0),
        "PY 4": (400, 2.5, 2, 50, 0, 75, 0.05, 0),
        "PY 5": (500, 2.5, 2, 40, 0, 125, 0.01, 0.03),
        "PY 6": (500, 2.5, 2, 40, 0, 125, 0, 0.02),
    }
)
"""Maximal conductances in mS/cm^2, in the order of `CHANNEL_NAMES`.

Source: Prinz, Bucher and Marder, "Similar network activity from disparate circuit parameters",
Nature Neuroscience 7:1345 (2004), table 2, with its numbers.
"""

_PADDING = (100, 2.5, 2, 10, 5, 25, 0.01, 0.01)
_SYNAPSES = (1e-8, 1e-3)


class PyloricParameters(NamedTuple):
    """Names, units and ranges of the 31 parameters of `StomatogastricGanglion`.

    First the conductances (mS/cm^2), all channels of AB/PD, then of LP, then of PY; then the
    synapses (mS). `is_logarithmic` says which were uniform in the logarithm.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    lower: Float[np.ndarray, " parameters"]
    upper: Float[np.ndarray, " parameters"]
    is_logarithmic: tuple[bool, ...]


def pyloric_parameters() -> PyloricParameters:
    """The parameters with their published ranges.

    Conductances: least to greatest among the model cells of each kind, widened by a fixed amount
    at both ends and cut at 0; synapses: 1e-8 to 1e-3 mS, the one from AB to LP up to 1e-2 mS.
    Source: Goncalves et al., "Training deep neural density estimators to identify mechanistic
    models of neural dynamics", eLife 9:e56261 (2020).
    """
    padding = np.array(_PADDING)
    lower, upper = [], []
    for cell in CELL_NAMES:
        values = np.array([v for name, v in PYLORIC_CELLS.items() if name.startswith(cell)])
        lower.append(np.maximum(values.min(axis=0) - padding, 0.0))
        upper.append(values.max(axis=0) + padding)
    n_synapses = len(SYNAPSE_NAMES)
    strongest = np.full(n_synapses, _SYNAPSES[1])
    strongest[0] *= 10
    n_conductances = len(CELL_NAMES) * len(CHANNEL_NAMES)
    return PyloricParameters(
        names=(*(f"{cell} {channel}" for cell in CELL_NAMES for channel in CHANNEL_NAMES),
               *SYNAPSE_NAMES),
        units=("mS/cm^2",) * n_conductances + ("mS",) * n_synapses,
        lower=np.concatenate([*lower, np.full(n_synapses, _SYNAPSES[0])]),
        upper=np.concatenate([*upper, strongest]),
        is_logarithmic=(False,) * n_conductances + (True,) * n_synapses,
    )  # fmt: skip


__all__ = [
    "CELL_NAMES",
    "CHANNEL_NAMES",
    "PYLORIC_CELLS",
    "SYNAPSE_NAMES",
    "PyloricParameters",
    "pyloric_parameters",
]
