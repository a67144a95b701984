"""Networks of neurons described by their firing rates."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.connectivity import AbstractWeights
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class RateNetwork(AbstractSystem):
    """Neurons that exchange firing rates through connection weights.

    tau dE_i/dt = -E_i + E0_i + g sum_j weights[i, j] r(E_j). Its stationary states are the fixed
    points of E -> E0 + g W r(E) (Tang, Hu and Shea-Brown, eq. 1). The state is the mean input
    current E of each neuron, in mV; `transfer` maps it to rates in spikes/ms, element by element;
    `strength` is g, in mV ms when the weights have no unit; `external_input` is E0, in mV, one
    value or one for each neuron; `time_constant` in ms.
    """

    weights: AbstractWeights
    transfer: Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]]
    external_input: Float[Array, "..."] = eqx.field(converter=lambda v: jnp.asarray(v, float))
    strength: Float[Array, ""] = eqx.field(
        converter=lambda v: jnp.asarray(v, float), default=1.0
    )
    time_constant: Float[Array, ""] = eqx.field(
        converter=lambda v: jnp.asarray(v, float), default=20.0
    )

    @property
    def state_names(self) -> tuple[str, ...]:
        """One input current for each neuron."""
        return tuple(f"input_{i}" for i in range(self.weights.n_neurons))

    @property
    def state_unit(self) -> str:
        """Millivolt."""
        return "mV"

    def next_input(self, state: State) -> State:
        """One step of the iteration E -> E0 + g W r(E)."""
        return self.external_input + self.strength * self.weights.apply(self.transfer(state))

    def vector_field(self, time: Scalar, state: State) -> State:
        """(E0 + g W r(E) - E) / tau, in mV/ms."""
        del time
        return (self.next_input(state) - state) / self.time_constant
