"""The recurrent networks that networks of neurons and glia are compared with."""

from abc import abstractmethod
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.learning.cells.cell import AbstractCell, require_shapes
from neuropil.learning.cells.initial_values import Uniform
from neuropil.types import RandomKey

Layers = tuple[Float[Array, "..."], ...]


class AbstractStackedCell(AbstractCell):
    """Layers of recurrent units, each driven by the one below it, the first by the input.

    Each parameter group is a tuple with one array for each layer; the rows of a layer's arrays
    are its gates, one after the other. The input is multiplied by `input_gain`. The state is one
    array (layers, width) whose width is that of the units, or of the units and their memories.
    """

    input_weights: Layers
    recurrent_weights: Layers
    input_bias: Layers
    recurrent_bias: Layers
    readout_weights: Float[Array, "arms units"]
    readout_bias: Float[Array, " arms"]
    input_gain: Float[Array, ""]

    @property
    @abstractmethod
    def gates(self) -> int:
        """How many rows of the weights each unit has."""

    @property
    def memories(self) -> int:
        """How many numbers a unit keeps beside its activity."""
        return 0

    @abstractmethod
    def layer(
        self,
        number: int,
        state: Float[Array, " width"],
        below: Float[Array, " inputs"],
    ) -> Float[Array, " width"]:
        """The state of one layer one trial later."""

    def __check_init__(self):
        arms, units = self.readout_weights.shape[-2:]
        rows = self.gates * units
        shapes: dict[str, tuple[Any, tuple[int, ...]]] = {
            "readout_bias": (self.readout_bias, (arms,))
        }
        for number in range(len(self.input_weights)):
            inputs = self.channels if number == 0 else units
            for name, shape in (
                ("input_weights", (rows, inputs)),
                ("recurrent_weights", (rows, units)),
                ("input_bias", (rows,)),
                ("recurrent_bias", (rows,)),
            ):
                shapes[f"{name}[{number}]"] = (getattr(self, name)[number], shape)
        require_shapes(shapes)

    @property
    def groups(self) -> tuple[str, ...]:
        """Weights and biases of all layers, and the read-out."""
        return (
            "input_weights",
            "recurrent_weights",
            "input_bias",
            "recurrent_bias",
            "readout_weights",
            "readout_bias",
        )

    @property
    def channels(self) -> int:
        """Numbers in the input."""
        return self.input_weights[0].shape[-1]

    @property
    def units(self) -> int:
        """Units of a layer."""
        return self.readout_weights.shape[-1]

    def initial_state(self) -> tuple[Float[Array, " width"], ...]:
        """Zero."""
        width = self.units * (1 + self.memories)
        return tuple(jnp.zeros(width, self.readout_bias.dtype) for _ in self.input_weights)

    def step(
        self,
        state: tuple[Float[Array, " width"], ...],
        stimulus: Float[Array, " channels"],
    ) -> tuple[Float[Array, " width"], ...]:
        """All layers, from the lowest up."""
        below = self.input_gain * stimulus
        new = []
        for number, layer_state in enumerate(state):
            new.append(self.layer(number, layer_state, below))
            below = new[-1][: self.units]
        return tuple(new)

    def output(self, state: tuple[Float[Array, " width"], ...]) -> Float[Array, " units"]:
        """The activity of the highest layer."""
        return state[-1][: self.units]

    def activity(self, state: tuple[Float[Array, " width"], ...]) -> dict[str, Array]:
        """`layer_0`, `layer_1`, ..."""
        return {f"layer_{number}": values for number, values in enumerate(state)}

    def _from_below(self, number: int, below: Float[Array, " inputs"]) -> Float[Array, " rows"]:
        return self.input_weights[number] @ below + self.input_bias[number]

    def _from_before(self, number: int, before: Float[Array, " units"]) -> Float[Array, " rows"]:
        return self.recurrent_weights[number] @ before + self.recurrent_bias[number]


class VanillaCell(AbstractStackedCell):
    """h_t = tanh(W_in I_t + b_in + W h + b), Elman's network."""

    @property
    def gates(self) -> int:
        """One."""
        return 1

    def layer(
        self, number: int, state: Float[Array, " width"], below: Float[Array, " inputs"]
    ) -> Float[Array, " width"]:
        """tanh of what arrives."""
        return jnp.tanh(self._from_below(number, below) + self._from_before(number, state))


class GRUCell(AbstractStackedCell):
    """Gated recurrent units: h_t = (1 - u) n + u h with gates r, u and candidate n.

    n = tanh(W_n I_t + b_n + r (U_n h + c_n)), as in Cho et al. (2014) with the reset gate after
    the product, which is how libraries compute it. Rows: r, u, n.
    """

    @property
    def gates(self) -> int:
        """Three."""
        return 3

    def layer(
        self, number: int, state: Float[Array, " width"], below: Float[Array, " inputs"]
    ) -> Float[Array, " width"]:
        """A mixture of the candidate and the last activity."""
        n = self.units
        arriving, recurrent = self._from_below(number, below), self._from_before(number, state)
        gates = jax.nn.sigmoid(arriving[: 2 * n] + recurrent[: 2 * n])
        candidate = jnp.tanh(arriving[2 * n :] + gates[:n] * recurrent[2 * n :])
        return candidate + gates[n:] * (state - candidate)


class LSTMCell(AbstractStackedCell):
    """Long short-term memory: c_t = f c + i g, h_t = o tanh(c_t) (Hochreiter and Schmidhuber).

    Rows: i, f, g, o. The state of a layer is h, then c.
    """

    @property
    def gates(self) -> int:
        """Four."""
        return 4

    @property
    def memories(self) -> int:
        """One."""
        return 1

    def layer(
        self, number: int, state: Float[Array, " width"], below: Float[Array, " inputs"]
    ) -> Float[Array, " width"]:
        """Activity and memory."""
        n = self.units
        rows = self._from_below(number, below) + self._from_before(number, state[:n])
        gates = jax.nn.sigmoid(rows)
        memory = gates[n : 2 * n] * state[n:] + gates[:n] * jnp.tanh(rows[2 * n : 3 * n])
        return jnp.concatenate([gates[3 * n :] * jnp.tanh(memory), memory])


def vanilla_cell(*, arms: int, channels: int, key: RandomKey, **options: Any) -> VanillaCell:
    """Elman's network with the weights that PyTorch starts with; options as `stacked_cell`."""
    return stacked_cell(VanillaCell, arms=arms, channels=channels, key=key, **options)


def gru_cell(*, arms: int, channels: int, key: RandomKey, **options: Any) -> GRUCell:
    """Gated recurrent units with the weights that PyTorch starts with; see `stacked_cell`."""
    return stacked_cell(GRUCell, arms=arms, channels=channels, key=key, **options)


def lstm_cell(*, arms: int, channels: int, key: RandomKey, **options: Any) -> LSTMCell:
    """Long short-term memory with the weights that PyTorch starts with; see `stacked_cell`."""
    return stacked_cell(LSTMCell, arms=arms, channels=channels, key=key, **options)


Stacked = TypeVar("Stacked", VanillaCell, GRUCell, LSTMCell)
_GATES = {VanillaCell: 1, GRUCell: 3, LSTMCell: 4}


def stacked_cell(
    kind: type[Stacked],
    *,
    arms: int,
    channels: int,
    key: RandomKey,
    units: int = 128,
    layers: int = 2,
    input_gain: float | Float[Array, ""] = 1.0,
    dtype: Any = float,
) -> Stacked:
    """Layers of one kind; weights and biases uniform between -1/sqrt(units) and 1/sqrt(units).

    These are what PyTorch starts with; two layers of 128 units are those of Gong et al. (Methods).
    Raises `ValueError` for fewer than one unit or layer.
    """
    if units < 1 or layers < 1:
        raise ValueError(f"units and layers must be at least 1, got {units} and {layers}")
    draw = Uniform(units**-0.5)
    rows = _GATES[kind] * units
    layer_keys = jax.random.split(key, layers + 1)
    drawn: dict[str, list[Array]] = {
        "input_weights": [],
        "recurrent_weights": [],
        "input_bias": [],
        "recurrent_bias": [],
    }
    for number in range(layers):
        inputs = channels if number == 0 else units
        shapes = ((rows, inputs), (rows, units), (rows,), (rows,))
        keys = jax.random.split(layer_keys[number], len(shapes))
        for values, shape, one in zip(drawn.values(), shapes, keys, strict=True):
            values.append(draw(one, shape, dtype))
    weights_key, bias_key = jax.random.split(layer_keys[-1])
    return kind(
        **{name: tuple(values) for name, values in drawn.items()},
        readout_weights=draw(weights_key, (arms, units), dtype),
        readout_bias=draw(bias_key, (arms,), dtype),
        input_gain=jnp.asarray(input_gain, dtype),
    )


__all__ = [
    "GRUCell",
    "LSTMCell",
    "VanillaCell",
    "gru_cell",
    "lstm_cell",
    "stacked_cell",
    "vanilla_cell",
]
