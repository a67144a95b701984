"""Gradients of a cell's read-out while it runs: over a window of trials, or over all of them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from neuropil.learning.cells.cell import AbstractCell, CellState, parameters_of, with_parameters

Parameters = dict[str, Any]


class Advance(NamedTuple):
    """A cell one trial later.

    `pullback` takes weights of the logits to the gradient of their weighted sum, `state` is the
    activity, and `memory` what the next trial needs.
    """

    logits: Float[Array, " arms"]
    pullback: Callable[[Float[Array, " arms"]], Parameters]
    state: CellState
    memory: Any


class AbstractOnlineGradient(eqx.Module):
    """How far back the gradient of a read-out looks; `window` trials of inputs are kept for it."""

    window: eqx.AbstractVar[int]

    @abstractmethod
    def start(self, cell: AbstractCell, names: tuple[str, ...]) -> Any:
        """The memory before the first trial."""

    @abstractmethod
    def advance(
        self,
        cell: AbstractCell,
        names: tuple[str, ...],
        memory: Any,
        stimulus: Float[Array, " channels"],
    ) -> Advance:
        """One trial, with the gradient in the named parameter groups."""

    @abstractmethod
    def steps_that_matter(self, cell: AbstractCell) -> int:
        """After how many steps nothing more can come to depend on a parameter."""


class _Window(NamedTuple):
    before: CellState
    stimuli: Float[Array, "earlier channels"]
    trials: Int[Array, ""]


class TruncatedBackpropagation(AbstractOnlineGradient):
    """Back-propagation through the last `window` trials; the state before them is a constant.

    With a window of one the state is detached at every trial. With more, the steps of the window
    are taken again at each trial with the parameters of that trial, so that the gradient is that
    of the policy in force; a step leaves the window with the parameters of its last use. Trials
    before the first do not exist: nothing stands for them. The time to compile grows with the
    window. Raises `ValueError` for a window below one.
    """

    window: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if self.window < 1:
            raise ValueError(f"window must be at least 1 trial, got {self.window}")

    def start(self, cell: AbstractCell, names: tuple[str, ...]) -> _Window:
        """The initial state, and room for the inputs."""
        del names
        room = jnp.zeros((self.window - 1, cell.channels), cell.readout_bias.dtype)
        return _Window(cell.initial_state(), room, jnp.zeros((), jnp.int32))

    def advance(
        self,
        cell: AbstractCell,
        names: tuple[str, ...],
        memory: _Window,
        stimulus: Float[Array, " channels"],
    ) -> Advance:
        """The steps of the window, and the gradient back through them."""
        stimuli = jnp.concatenate([memory.stimuli, stimulus[None, :]])

        def unrolled(parameters: Parameters) -> tuple[Array, tuple[CellState, CellState]]:
            present = with_parameters(cell, parameters)
            state, states = memory.before, []
            for number in range(self.window):
                later = present.step(state, stimuli[number])
                if number < self.window - 1:
                    exists = memory.trials >= self.window - 1 - number
                    later = _chosen(exists, later, state)
                state = later
                states.append(state)
            return present.read(state), (states[0], state)

        logits, back, (first, last) = jax.vjp(unrolled, parameters_of(cell, names), has_aux=True)
        # Counted up to where all of the window exists, so that the number cannot overflow.
        trials = jnp.minimum(memory.trials + 1, self.window)
        return Advance(
            logits, lambda weights: back(weights)[0], last, _Window(first, stimuli[1:], trials)
        )

    def steps_that_matter(self, cell: AbstractCell) -> int:
        """The window, or as many as a chain through every part of the state takes."""
        return min(self.window, _longest_chain(cell))


class _Sensitivity(NamedTuple):
    state: CellState
    sensitivity: Float[Array, "parameters dimension"]


class ForwardMode(AbstractOnlineGradient):
    """Exact gradients through all trials: real-time recurrent learning (Williams and Zipser).

    The derivative of each component of the state with respect to each parameter is carried along
    (taken with the parameters of the time), which needs memory for states x parameters numbers
    and a step for each parameter. Starting a cell with more than `limit` of them raises
    `ValueError`.
    """

    limit: int = eqx.field(static=True, default=1_000_000)
    # The past is in the sensitivities: no inputs are kept for it.
    window: int = eqx.field(static=True, init=False, default=1)

    def start(self, cell: AbstractCell, names: tuple[str, ...]) -> _Sensitivity:
        """The initial state, on which no parameter has acted."""
        state = cell.initial_state()
        parameters, dimension = (
            sum(leaf.size for leaf in jax.tree.leaves(tree))
            for tree in (parameters_of(cell, names), state)
        )
        if parameters * dimension > self.limit:
            raise ValueError(
                f"ForwardMode would carry {dimension} states x {parameters} parameters; the limit "
                f"is {self.limit} numbers: use a smaller cell, train fewer groups, raise `limit`, "
                "or use TruncatedBackpropagation"
            )
        return _Sensitivity(state, jnp.zeros((parameters, dimension), cell.readout_bias.dtype))

    def advance(
        self,
        cell: AbstractCell,
        names: tuple[str, ...],
        memory: _Sensitivity,
        stimulus: Float[Array, " channels"],
    ) -> Advance:
        """One step of the state and of its sensitivities."""
        values, unravel_parameters = ravel_pytree(parameters_of(cell, names))
        flat, unravel_state = ravel_pytree(memory.state)

        def step(state: Array, parameters: Array) -> tuple[Array, Array]:
            present = with_parameters(cell, unravel_parameters(parameters))
            later = present.step(unravel_state(state), stimulus)
            return ravel_pytree(later)[0], present.read(later)

        (later, logits), push = jax.linearize(step, flat, values)
        directions = jnp.eye(values.size, dtype=values.dtype)
        sensitivity, of_logits = jax.vmap(push)(memory.sensitivity, directions)
        state = unravel_state(later)
        return Advance(
            logits,
            lambda weights: unravel_parameters(of_logits @ weights),
            state,
            _Sensitivity(state, sensitivity),
        )

    def steps_that_matter(self, cell: AbstractCell) -> int:
        """As many as a chain through every part of the state takes."""
        return _longest_chain(cell)


def gradient_support(cell: AbstractCell, steps: int) -> dict[str, bool]:
    """Which parameter groups the logits depend on through the last `steps` steps.

    A property of the equations, read from the traced computation: a group that is false receives
    a gradient of zero whatever its values. The cell may hold shapes only.
    """
    arrays, rest = eqx.partition(cell, _is_array_like)

    def logits(given: AbstractCell, state: CellState, stimuli: list[Array]) -> Array:
        present = eqx.combine(given, rest)
        for stimulus in stimuli:
            state = present.step(state, stimulus)
        return present.read(state)

    state = eqx.filter_eval_shape(lambda given: given.initial_state(), cell)
    stimulus = jax.ShapeDtypeStruct((cell.channels,), cell.readout_bias.dtype)
    traced = jax.make_jaxpr(logits)(arrays, state, [stimulus] * steps).jaxpr
    needed = set(map(id, traced.outvars))
    for equation in reversed(traced.eqns):
        if any(id(variable) in needed for variable in equation.outvars):
            needed.update(map(id, equation.invars))
    leaves, structure = jax.tree.flatten(arrays)
    used = [id(variable) in needed for variable in traced.invars[: len(leaves)]]
    marked = jax.tree.unflatten(structure, used)
    return {name: any(jax.tree.leaves(getattr(marked, name))) for name in cell.groups}


def _is_array_like(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct)


def _longest_chain(cell: AbstractCell) -> int:
    return len(jax.tree.leaves(eqx.filter_eval_shape(lambda c: c.initial_state(), cell))) + 1


def _chosen(exists: Array, later: CellState, state: CellState) -> CellState:
    return jax.tree.map(lambda new, old: jnp.where(exists, new, old), later, state)


__all__ = [
    "AbstractOnlineGradient",
    "Advance",
    "ForwardMode",
    "TruncatedBackpropagation",
    "gradient_support",
]
