"""A system seen as a function of its state and one of its parameters."""

import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State

Residual = Callable[[State, Scalar], State]

_PATH = re.compile(r"(?P<fields>\w+(\.\w+)*)(\[(?P<index>\d+(,\s*\d+)*)\])?")


class VectorFieldOf(eqx.Module):
    """The vector field at time 0 as a function of the state and of one parameter.

    `parameter` is the name of a field of the system that holds one number, or a path to one in a
    module that the system holds, with dots (`transfer.neuron.noise`); one entry of an array has
    its index behind it (`neuron_decay[1]`).
    """

    system: AbstractSystem
    parameter: str = eqx.field(static=True)

    def __call__(self, state: State, value: Scalar) -> State:
        """The vector field with the parameter at `value`."""
        return self.system_at(value).vector_field(jnp.asarray(0.0), state)

    def system_at(self, value: Scalar) -> AbstractSystem:
        """The system with the parameter at `value`."""
        return eqx.tree_at(self._leaf, self.system, self._with_entry(value))

    @property
    def value(self) -> Scalar:
        """The parameter as it stands in the system."""
        return jnp.ravel(self._leaf(self.system))[self._position]

    def _with_entry(self, value: Scalar) -> jax.Array:
        """The array that holds the parameter, with the parameter at `value`."""
        leaf = self._leaf(self.system)
        if leaf.size == 1:
            return jnp.reshape(value, leaf.shape)
        flat, at = jnp.ravel(leaf), self._position
        parts = [flat[:at], jnp.reshape(value, (1,)), flat[at + 1 :]]
        return jnp.reshape(jnp.concatenate([part for part in parts if part.size]), leaf.shape)

    @property
    def _position(self) -> int:
        """Of the entry in the flattened array."""
        index = _match(self.parameter)["index"]
        if index is None:
            return 0
        place = tuple(int(number) for number in index.split(","))
        return int(np.ravel_multi_index(place, self._leaf(self.system).shape))

    def _leaf(self, system: AbstractSystem) -> Any:
        return reduce(getattr, _match(self.parameter)["fields"].split("."), system)


def vector_field_of(system: AbstractSystem, parameter: str) -> VectorFieldOf:
    """Check that `parameter` names one number of the system, and make the function.

    Raises `ValueError` when there is no such field, or it is not a real array with one entry, or
    with one at the index that is given.
    """
    field = VectorFieldOf(system, parameter)
    if _PATH.fullmatch(parameter) is None:
        raise ValueError(
            f"parameter must be a field, a path with dots, or one of these with an index in "
            f"brackets, got {parameter!r}"
        )
    try:
        leaf = field._leaf(system)
    except AttributeError as error:
        raise ValueError(
            f"parameter {parameter!r} is not a field of {type(system).__name__}, which has "
            f"{', '.join(system.__dataclass_fields__)}"
        ) from error
    if not eqx.is_inexact_array(leaf) or jnp.iscomplexobj(leaf):
        raise ValueError(f"parameter {parameter!r} must be a real scalar array, got {leaf!r}")
    index = _match(parameter)["index"]
    if index is None and leaf.size != 1:
        raise ValueError(
            f"parameter {parameter!r} must be a real scalar array or have an index, as in "
            f"{parameter + '[' + ', '.join('0' * leaf.ndim) + ']'!r}: its shape is {leaf.shape}"
        )
    place = () if index is None else tuple(int(number) for number in index.split(","))
    if index is not None and (
        len(place) != leaf.ndim or any(i >= n for i, n in zip(place, leaf.shape, strict=True))
    ):
        raise ValueError(
            f"parameter {parameter!r} has an index outside the array, whose shape is {leaf.shape}"
        )
    return field


def _match(parameter: str) -> re.Match[str]:
    match = _PATH.fullmatch(parameter)
    assert match is not None, parameter
    return match


__all__ = ["Residual", "VectorFieldOf", "vector_field_of"]
