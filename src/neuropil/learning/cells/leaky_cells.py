"""Leaky units: the least that a network with slow parts can be, to compare networks with."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.learning.cells.cell import AbstractCell, require_shapes
from neuropil.learning.cells.initial_values import Normal, Uniform
from neuropil.types import RandomKey


class LeakyCell(AbstractCell):
    """Rate units with two time scales: x_t = x + r (-x + W phi(x) + W_in I_t), y = W_out x + b.

    r is `rates`, one for each unit: a fast and a slow population without synapses that learn or
    astrocytes. phi is the logistic function. The state is x.
    """

    input_weights: Float[Array, "units channels"]
    recurrent_weights: Float[Array, "units units"]
    readout_weights: Float[Array, "arms units"]
    readout_bias: Float[Array, " arms"]
    rates: Float[Array, " units"]

    def __check_init__(self):
        arms, units = self.readout_weights.shape[-2:]
        require_shapes(
            {
                "input_weights": (self.input_weights, (units, self.channels)),
                "recurrent_weights": (self.recurrent_weights, (units, units)),
                "readout_bias": (self.readout_bias, (arms,)),
                "rates": (self.rates, (units,)),
            }
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """Weights and the read-out."""
        return ("input_weights", "recurrent_weights", "readout_weights", "readout_bias")

    @property
    def channels(self) -> int:
        """Numbers in the input."""
        return self.input_weights.shape[-1]

    def initial_state(self) -> Float[Array, " units"]:
        """Zero."""
        return jnp.zeros_like(self.rates)

    def step(
        self, state: Float[Array, " units"], stimulus: Float[Array, " channels"]
    ) -> Float[Array, " units"]:
        """Each unit at its rate."""
        drive = self.recurrent_weights @ jax.nn.sigmoid(state) + self.input_weights @ stimulus
        return state + self.rates * (drive - state)

    def output(self, state: Float[Array, " units"]) -> Float[Array, " units"]:
        """All units."""
        return state

    def activity(self, state: Float[Array, " units"]) -> dict[str, Array]:
        """`units`."""
        return {"units": state}


class LeakyFilterCell(AbstractCell):
    """Units that filter the input, nothing else: x_t = x + r (-x + W_in I_t), y = W_out x + b.

    What a network does that this does not is owed to more than its slow units and its read-out.
    """

    input_weights: Float[Array, "units channels"]
    readout_weights: Float[Array, "arms units"]
    readout_bias: Float[Array, " arms"]
    rate: Float[Array, ""]

    def __check_init__(self):
        arms, units = self.readout_weights.shape[-2:]
        require_shapes(
            {
                "input_weights": (self.input_weights, (units, self.channels)),
                "readout_bias": (self.readout_bias, (arms,)),
                "rate": (self.rate, ()),
            }
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """Input weights and the read-out."""
        return ("input_weights", "readout_weights", "readout_bias")

    @property
    def channels(self) -> int:
        """Numbers in the input."""
        return self.input_weights.shape[-1]

    def initial_state(self) -> Float[Array, " units"]:
        """Zero."""
        return jnp.zeros(self.readout_weights.shape[-1], self.readout_bias.dtype)

    def step(
        self, state: Float[Array, " units"], stimulus: Float[Array, " channels"]
    ) -> Float[Array, " units"]:
        """A step towards the input."""
        return state + self.rate * (self.input_weights @ stimulus - state)

    def output(self, state: Float[Array, " units"]) -> Float[Array, " units"]:
        """All units."""
        return state

    def activity(self, state: Float[Array, " units"]) -> dict[str, Array]:
        """`units`."""
        return {"units": state}


def leaky_cell(
    *,
    arms: int,
    channels: int,
    key: RandomKey,
    units: int = 128,
    slow_units: int = 64,
    rate: float | Float[Array, ""] = 0.1,
    time_scale_ratio: float | Float[Array, ""] = 0.01,
    input_deviation: float | Float[Array, ""] = 1.0,
    dtype: Any = float,
) -> LeakyCell:
    """Fast units of one rate, then `slow_units` slower by `time_scale_ratio`.

    Recurrent weights are Gaussian with variance 1/(all units), input weights with
    `input_deviation`, the read-out uniform between -1/sqrt(all units) and 1/sqrt(all units).
    """
    if units < 1 or slow_units < 0:
        raise ValueError(
            f"units must be at least 1 and slow_units not negative, got {units} and {slow_units}"
        )
    total = units + slow_units
    keys = jax.random.split(key, 4)
    fast = jnp.asarray(rate, dtype)
    slow = fast * jnp.asarray(time_scale_ratio, dtype)
    return LeakyCell(
        input_weights=Normal(input_deviation)(keys[0], (total, channels), dtype),
        recurrent_weights=Normal(total**-0.5)(keys[1], (total, total), dtype),
        readout_weights=Uniform(total**-0.5)(keys[2], (arms, total), dtype),
        readout_bias=Uniform(total**-0.5)(keys[3], (arms,), dtype),
        rates=jnp.where(jnp.arange(total) < units, fast, slow),
    )


def leaky_filter_cell(
    *,
    arms: int,
    channels: int,
    key: RandomKey,
    units: int = 128,
    rate: float | Float[Array, ""] = 0.1,
    input_deviation: float | Float[Array, ""] = 1.0,
    dtype: Any = float,
) -> LeakyFilterCell:
    """Filters with Gaussian input weights of `input_deviation`, and a uniform read-out."""
    if units < 1:
        raise ValueError(f"units must be at least 1, got {units}")
    keys = jax.random.split(key, 3)
    return LeakyFilterCell(
        input_weights=Normal(input_deviation)(keys[0], (units, channels), dtype),
        readout_weights=Uniform(units**-0.5)(keys[1], (arms, units), dtype),
        readout_bias=Uniform(units**-0.5)(keys[2], (arms,), dtype),
        rate=jnp.asarray(rate, dtype),
    )


__all__ = ["LeakyCell", "LeakyFilterCell", "leaky_cell", "leaky_filter_cell"]
