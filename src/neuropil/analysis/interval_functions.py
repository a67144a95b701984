"""Functions written in `jax.numpy`, evaluated over boxes with outward rounding."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Float64

from neuropil.analysis.tape import Program, Tape
from neuropil.analysis.tape_derivatives import Derivatives
from neuropil.analysis.tape_lowering import lower_jaxpr
from neuropil.analysis.tape_machine import evaluate
from neuropil.analysis.tape_rules import Registers
from neuropil.system import Box
from neuropil.types import ArrayLike


class Traced(NamedTuple):
    """A function on a tape, with the registers of its values and the numbers it was made with.

    The floating-point arrays inside the function, when it is a module, are the parameters of the
    tape, one row for each parameter set.
    """

    tape: Tape
    values: list[int]
    parameters: Float64[np.ndarray, "sets parameters"]

    def program(self) -> Program:
        """The tape with all first derivatives, ready to run."""
        return self.tape.finish(self.values, Derivatives(self.tape).jacobian(self.values))


def trace(function: Callable[[Any], Any], n_variables: int, *, stacked: bool = False) -> Traced:
    """Write a function of `n_variables` numbers onto a tape.

    With `stacked` every array of the module `function` has a leading axis of parameter sets; other
    arrays than floating-point ones must be equal over the sets. Raises `ValueError` when a
    parameter is not finite, sets do not fit together, or an operation has no enclosure.
    """
    n_sets, first = first_of_sets(function) if stacked else (1, function)
    floats, others = eqx.partition(first, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(floats)

    def flat(leaves: list[jax.Array], variables: jax.Array) -> jax.Array:
        return eqx.combine(jax.tree.unflatten(structure, leaves), others)(variables)

    shapes = [jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype) for leaf in leaves]
    closed = jax.make_jaxpr(flat)(shapes, jax.ShapeDtypeStruct((n_variables,), float))
    tape = Tape(n_variables, sum(np.size(leaf) for leaf in leaves))
    arguments, used = [], n_variables
    for leaf in leaves:
        arguments.append(Registers(np.arange(used, used + np.size(leaf)).reshape(np.shape(leaf))))
        used += np.size(leaf)
    outputs = lower_jaxpr(tape, closed, [*arguments, Registers(np.arange(n_variables))])
    values = [int(register) for output in outputs for register in output.indices.ravel()]
    return Traced(tape, values, parameters_of(function, n_sets))


def parameters_of(function: Any, n_sets: int) -> Float64[np.ndarray, "sets parameters"]:
    """The floating-point arrays of a module, one row for each set.

    Raises `ValueError` naming one that is not finite.
    """
    arrays = eqx.filter(function, eqx.is_inexact_array)
    for path, leaf in jax.tree_util.tree_leaves_with_path(arrays):
        if not np.all(np.isfinite(leaf)):
            raise ValueError(f"{jax.tree_util.keystr(path).lstrip('.')} must be finite, got {leaf}")
    columns = [np.asarray(leaf, float).reshape(n_sets, -1) for leaf in jax.tree.leaves(arrays)]
    return np.concatenate([np.empty((n_sets, 0)), *columns], axis=1)


def first_of_sets(stacked: Any) -> tuple[int, Any]:
    """Number of parameter sets of a module whose arrays have a leading axis, and the first one.

    Raises `ValueError` when rows do not fit together, or differ in more than real parameters.
    """
    arrays, rest = eqx.partition(stacked, eqx.is_array)
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(arrays)}
    if len(sizes) != 1 or () in sizes or (0,) in sizes:
        raise ValueError(
            "systems must be a system whose arrays all have the same leading axis, one row for "
            f"each parameter set; got leading axes {sorted(sizes)}"
        )
    for path, leaf in jax.tree_util.tree_leaves_with_path(arrays):
        if not eqx.is_inexact_array(leaf) and not np.all(np.asarray(leaf) == leaf[:1]):
            name = jax.tree_util.keystr(path).lstrip(".")
            raise ValueError(f"{name} holds no real numbers and must be equal for all systems")
    # By NumPy, as JAX would compile a selection for every shape.
    first = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), arrays)
    return sizes.pop()[0], eqx.combine(first, rest)


class IntervalFunction:
    """A function from n real numbers to real numbers, and its derivative, over boxes.

    `function` is written in `jax.numpy` and takes an array of shape (n,). Results contain the
    value of the real function, for the double-precision constants in it, at every point of a box:
    sums, products and the functions of the C library are rounded outwards. Raises `ValueError`,
    naming the operation, when `function` uses one that has no enclosure.
    """

    def __init__(self, function: Callable[[Any], Any], dimension: int):
        traced = trace(function, dimension)
        self.dimension = dimension
        self._program = traced.program()
        self._parameters = traced.parameters[0]

    def values(
        self, lower: Float[ArrayLike, "... n"], upper: Float[ArrayLike, "... n"]
    ) -> tuple[Float64[np.ndarray, "... m"], Float64[np.ndarray, "... m"]]:
        """Lower and upper ends of the values on boxes."""
        return self._evaluate(lower, upper)[:2]

    def jacobian(
        self, lower: Float[ArrayLike, "... n"], upper: Float[ArrayLike, "... n"]
    ) -> tuple[Float64[np.ndarray, "... m n"], Float64[np.ndarray, "... m n"]]:
        """Lower and upper ends of the derivatives on boxes, `[value, variable]`.

        Where the function has a kink, of the generalised derivative.
        """
        return self._evaluate(lower, upper)[2:4]

    def is_continuous(
        self, lower: Float[ArrayLike, "... n"], upper: Float[ArrayLike, "... n"]
    ) -> Bool[np.ndarray, "..."]:
        """Whether the function is certainly defined and continuous on boxes."""
        return self._evaluate(lower, upper)[4]

    def _evaluate(self, lower: Any, upper: Any) -> tuple[Any, ...]:
        ends = [np.asarray(end, float) for end in (lower, upper)]
        require_boxes(ends[0], ends[1], self.dimension)
        batch = ends[0].shape[:-1]
        boxes = [np.ascontiguousarray(end.reshape(-1, self.dimension)) for end in ends]
        parameters = np.tile(self._parameters, (len(boxes[0]), 1))
        results = evaluate(self._program, *boxes, parameters, parameters)
        return tuple(np.reshape(result, (*batch, *result.shape[1:])) for result in results)


def require_boxes(
    lower: Float64[np.ndarray, "..."], upper: Float64[np.ndarray, "..."], dimension: int
) -> None:
    """Raise `ValueError` unless these are the ends of boxes of this dimension, none empty."""
    for name, end in (("lower", lower), ("upper", upper)):
        if end.ndim == 0 or end.shape[-1] != dimension:
            raise ValueError(
                f"{name} end of the box must have {dimension} components, got shape {end.shape}"
            )
        if np.any(np.isnan(end)):
            raise ValueError(f"{name} end of the box holds values that are not a number: {end}")
    if lower.shape != upper.shape:
        raise ValueError(
            f"both ends of the box must have one shape, got {lower.shape} and {upper.shape}"
        )
    if np.any(lower > upper):
        where = tuple(int(i) for i in np.argwhere(lower > upper)[0])
        raise ValueError(
            f"the box is empty: lower{list(where)} = {lower[where]} lies above "
            f"upper{list(where)} = {upper[where]}"
        )


def require_finite_box(box: Box, dimension: int) -> Float64[np.ndarray, "2 ..."]:
    """Both ends of a box as one array.

    Raises `ValueError` unless it has this dimension and a finite interior.
    """
    lower, upper = np.asarray(box.lower, float), np.asarray(box.upper, float)
    require_boxes(lower, upper, dimension)
    if not (np.all(np.isfinite(lower)) and np.all(np.isfinite(upper))):
        raise ValueError(
            f"box must be finite, got {lower} to {upper}; `bound` finds one that holds every "
            "stationary state"
        )
    if np.any(lower == upper):
        raise ValueError(f"box must have an interior, got {lower} to {upper}")
    return np.stack([lower, upper])


__all__ = ["IntervalFunction"]
