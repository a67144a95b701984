"""A system seen as a function of its state and one of its parameters."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State

Residual = Callable[[State, Scalar], State]


class VectorFieldOf(eqx.Module):
    """The vector field at time 0 as a function of the state and of one parameter.

    `parameter` is the name of a scalar field of the system, or a path to one in a module that
    the system holds, with dots (`transfer.neuron.noise`).
    """

    system: AbstractSystem
    parameter: str = eqx.field(static=True)

    def __call__(self, state: State, value: Scalar) -> State:
        """The vector field with the parameter at `value`."""
        system = eqx.tree_at(self._leaf, self.system, value)
        return system.vector_field(jnp.asarray(0.0), state)

    @property
    def value(self) -> Scalar:
        """The parameter as it stands in the system."""
        return self._leaf(self.system)

    def _leaf(self, system: AbstractSystem) -> Any:
        return reduce(getattr, self.parameter.split("."), system)


def vector_field_of(system: AbstractSystem, parameter: str) -> VectorFieldOf:
    """Check that `parameter` names a scalar of the system, and make the function.

    Raises `ValueError` when there is no such field or when it is not a real scalar.
    """
    field = VectorFieldOf(system, parameter)
    try:
        value = field.value
    except AttributeError as error:
        raise ValueError(
            f"parameter {parameter!r} is not a field of {type(system).__name__}, which has "
            f"{', '.join(system.__dataclass_fields__)}"
        ) from error
    if not eqx.is_inexact_array(value) or value.ndim != 0:
        raise ValueError(f"parameter {parameter!r} must be a real scalar array, got {value!r}")
    return field
