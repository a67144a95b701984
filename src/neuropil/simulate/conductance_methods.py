"""What every method for conductance-based circuits does, and how noise enters."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int

from neuropil.conductance_system import AbstractConductanceSystem
from neuropil.types import RandomKey

Progress = Callable[[int, int], None]

REFERENCE_STEP = 0.025
"""The published step in ms, at which white noise and noise by the step are the same."""


class ConductanceRequest(NamedTuple):
    """What is asked of a simulation; `sample_every` counts steps, 0 for no samples."""

    n_steps: int
    sample_every: int
    threshold: float
    maximum_spikes: int
    key: RandomKey | None
    workers: int
    progress: Progress | None

    @property
    def n_samples(self) -> int:
        """Number of sampled voltages of each cell, the start included."""
        return self.n_steps // self.sample_every + 1 if self.sample_every else 0


class ConductanceOutcome(NamedTuple):
    """What a method has found for all circuits (see `ConductanceSpikes`); ends are in steps."""

    times: Float[np.ndarray, "circuits cells longest"]
    counts: Int[np.ndarray, "circuits cells"]
    voltages: Float[np.ndarray, "circuits samples cells"]
    final_states: Float[np.ndarray, "circuits dimension"]
    endings: Int[np.ndarray, " circuits"]
    end_steps: Int[np.ndarray, " circuits"]
    failing_cells: Int[np.ndarray, " circuits"]


class AbstractConductanceMethod(eqx.Module):
    """How conductance-based circuits are simulated.

    `step` is in ms. `noise` is the standard deviation of the current, in µA, that each cell
    receives anew in every step: 0.001 as published. Its effect then depends on the step; with
    `noise_is_white` it is scaled by sqrt(0.025 ms / step), so that it does not.

    `gates_first` moves gates and synapses before the voltage, which then meets their new
    conductances. They are half a step ahead of it so to speak, and what was an error of the order
    of the step is one of its square for the price of the published order, which the default is
    (staggered steps: Hines, Int. J. Bio-Med. Comput. 15:69, 1984).
    """

    step: eqx.AbstractVar[float]
    noise: eqx.AbstractVar[float]
    noise_is_white: eqx.AbstractVar[bool]
    gates_first: eqx.AbstractVar[bool]

    @property
    def noise_per_step(self) -> float:
        """Standard deviation of the current in one step, in µA."""
        return self.noise * ((REFERENCE_STEP / self.step) ** 0.5 if self.noise_is_white else 1.0)

    @abstractmethod
    def require(self, systems: AbstractConductanceSystem, n_circuits: int) -> None:
        """Raise `ValueError`, naming the argument, where the method cannot take the circuits."""

    @abstractmethod
    def run(
        self,
        systems: AbstractConductanceSystem,
        starts: Float[np.ndarray, "circuits dimension"],
        request: ConductanceRequest,
    ) -> ConductanceOutcome:
        """Simulate all circuits: `systems` has a leading axis on every array."""


def first_circuit(systems: AbstractConductanceSystem) -> AbstractConductanceSystem:
    """The first of many circuits."""
    return jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, systems)


def require_step_and_noise(method: AbstractConductanceMethod) -> None:
    """Raise `ValueError` for a step that is not positive, or noise that is negative."""
    if not (np.isfinite(method.step) and method.step > 0):
        raise ValueError(f"step must be positive and finite, got {method.step} ms")
    if not (np.isfinite(method.noise) and method.noise >= 0):
        raise ValueError(f"noise must be finite and not negative, got {method.noise} µA")


__all__ = [
    "REFERENCE_STEP",
    "AbstractConductanceMethod",
    "ConductanceOutcome",
    "ConductanceRequest",
    "Progress",
    "first_circuit",
    "require_step_and_noise",
]
