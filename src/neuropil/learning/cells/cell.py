"""What a recurrent network is to an agent that trains it: one step a trial, and a read-out."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

CellState: TypeAlias = Any
"""A pytree of arrays: the activity of a cell."""


class AbstractCell(eqx.Module):
    """A recurrent network in discrete time with a linear read-out, one value for each arm.

    Its parameters are fields, named in `groups`: a group is one array, or a tuple of arrays with
    one for each layer. Every cell has `readout_weights` and `readout_bias`.
    """

    readout_weights: eqx.AbstractVar[Float[Array, "arms units"]]
    readout_bias: eqx.AbstractVar[Float[Array, " arms"]]

    @property
    @abstractmethod
    def groups(self) -> tuple[str, ...]:
        """Names of the parameter groups."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Numbers in the input."""

    @abstractmethod
    def initial_state(self) -> CellState:
        """The activity before the first trial."""

    @abstractmethod
    def step(self, state: CellState, stimulus: Float[Array, " channels"]) -> CellState:
        """The activity one trial later."""

    @abstractmethod
    def output(self, state: CellState) -> Float[Array, " units"]:
        """The activity that the read-out sees."""

    @abstractmethod
    def activity(self, state: CellState) -> dict[str, Float[Array, "..."]]:
        """The parts of a state by name."""

    @property
    def arms(self) -> int:
        """Numbers in the read-out."""
        return self.readout_bias.shape[-1]

    def read(self, state: CellState) -> Float[Array, " arms"]:
        """The logit of each arm."""
        return self.readout_weights @ self.output(state) + self.readout_bias


CellMaker: TypeAlias = Callable[..., AbstractCell]
"""`maker(arms=, channels=, key=)` gives a cell with parameters drawn at random."""


def parameters_of(cell: AbstractCell, names: tuple[str, ...]) -> dict[str, Any]:
    """The named groups."""
    return {name: getattr(cell, name) for name in names}


def with_parameters(cell: AbstractCell, parameters: Mapping[str, Any]) -> AbstractCell:
    """The cell with other values of some groups."""
    names = tuple(parameters)
    return eqx.tree_at(
        lambda given: [getattr(given, name) for name in names],
        cell,
        [parameters[name] for name in names],
    )


def require_shapes(shapes: Mapping[str, tuple[Any, tuple[int, ...]]]) -> None:
    """Raise `ValueError`, naming it, for an array of another shape or with values not finite.

    Values that compiled code is still to supply are checked for shape only.
    """
    for name, (value, shape) in shapes.items():
        if value.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
        if not isinstance(value, jax.core.Tracer) and not np.all(np.isfinite(value)):
            wrong = np.asarray(value)[~np.isfinite(np.asarray(value))]
            raise ValueError(f"{name} must be finite, got {wrong[0]}")


__all__ = [
    "AbstractCell",
    "CellMaker",
    "CellState",
    "parameters_of",
    "require_shapes",
    "with_parameters",
]
