"""Networks of neurons described by their firing rates."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.connectivity import AbstractWeights
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


def _parameter(**default: Any) -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float), **default)


class RateNetwork(AbstractSystem):
    """Neurons that exchange firing rates through connection weights.

    tau dE_i/dt = -E_i + E0_i + g sum_j weights[i, j] r(E_j). Its stationary states are the fixed
    points of E -> E0 + g W r(E) (Tang, Hu and Shea-Brown, eq. 1). The state is the mean input
    current E of each neuron, in mV; `transfer` maps it to rates in spikes/ms, element by element;
    `strength` is g, in mV ms when the weights have no unit; `external_input` is E0, in mV, one
    value or one for each neuron; `time_constant` in ms.

    Raises `ValueError`, naming the parameter, when one is not finite, `external_input` does not
    fit the number of neurons, or `time_constant` is not positive.
    """

    weights: AbstractWeights
    transfer: Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]]
    external_input: Float[Array, "..."] = _parameter()
    strength: Float[Array, ""] = _parameter(default=1.0)
    time_constant: Float[Array, ""] = _parameter(default=20.0)

    def __check_init__(self):
        n = self.weights.n_neurons
        if self.external_input.shape not in ((), (n,)):
            raise ValueError(
                f"external_input must be one value or one for each of the {n} neurons, "
                f"got shape {self.external_input.shape}"
            )
        for name in ("strength", "time_constant"):
            if getattr(self, name).shape != ():
                raise ValueError(
                    f"{name} must be one value, got shape {getattr(self, name).shape}; "
                    "several networks at once are made by `stack_networks`"
                )
        for name in ("external_input", "strength", "time_constant"):
            value = getattr(self, name)
            if not isinstance(value, jax.core.Tracer) and not np.all(np.isfinite(value)):
                raise ValueError(f"{name} must be finite, got {value}")
        tau = self.time_constant
        if not isinstance(tau, jax.core.Tracer) and tau <= 0:
            raise ValueError(f"time_constant must be positive, got {tau} ms")

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


def stack_networks(networks: Sequence[RateNetwork]) -> RateNetwork:
    """Networks of one size as a single pytree whose arrays carry a leading network axis.

    This is what a verb that solves many networks in one compiled call takes, and what
    `equinox.filter_vmap` runs over. Raises `ValueError` when there is no network, or when two
    differ in structure, in the shape of an array, or in a setting that is not an array.
    """
    if not networks:
        raise ValueError("networks must hold at least one network, got none")
    arrays, settings = zip(*(eqx.partition(each, eqx.is_array) for each in networks), strict=True)
    structures: list[Any] = [jax.tree.structure(network) for network in networks]
    for i, (array, setting) in enumerate(zip(arrays, settings, strict=True)):
        shapes = [a.shape for a in jax.tree.leaves(array)]
        if (
            structures[i] != structures[0]
            or shapes != [a.shape for a in jax.tree.leaves(arrays[0])]
            or not eqx.tree_equal(setting, settings[0])
        ):
            raise ValueError(
                f"networks[{i}] differs from networks[0] in structure, array shapes or settings; "
                "networks that are stacked must differ in the values of their arrays only"
            )
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays), settings[0])
