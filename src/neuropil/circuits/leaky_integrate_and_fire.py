"""The leaky integrate-and-fire neuron with white noise, whose rate is known in closed form."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.system import AbstractNoisySystem
from neuropil.types import Scalar, State

Parameter = Float[Array, "..."]


def _parameter(default: float) -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float), default=default)


class LeakyIntegrateAndFire(AbstractNoisySystem):
    """One leaky integrate-and-fire neuron with white noise.

    tau dv/dt = -(v - E_L) + E + sigma sqrt(tau) xi(t). When v reaches `threshold` the neuron
    spikes, is held at `reset` for `refractory_period`, and goes on. The free membrane potential
    has variance sigma^2 / 2 (Tang, Hu and Shea-Brown, "Modeling neurons and firing rates"; the
    noise convention of Brunel 2000). Potentials, `noise` (sigma) and `mean_input` (E) are in mV,
    times in ms. Each parameter is a scalar, or one value for each neuron of a population.

    Raises `ValueError`, naming the parameter, when one makes no physical sense.
    """

    membrane_time_constant: Parameter = _parameter(20.0)
    refractory_period: Parameter = _parameter(2.0)
    threshold: Parameter = _parameter(20.0)
    reset: Parameter = _parameter(10.0)
    leak_potential: Parameter = _parameter(0.0)
    noise: Parameter = _parameter(5.0)
    mean_input: Parameter = _parameter(0.0)

    def __check_init__(self):
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if any(isinstance(value, jax.core.Tracer) for value in values.values()):
            return
        for name, value in values.items():
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name} must be finite, got {value}")
        for name in ("membrane_time_constant", "noise"):
            if np.any(np.asarray(values[name]) <= 0):
                raise ValueError(f"{name} must be positive, got {values[name]}")
        if np.any(np.asarray(self.refractory_period) < 0):
            raise ValueError(
                f"refractory_period must not be negative, got {self.refractory_period}"
            )
        if np.any(np.asarray(self.threshold) <= np.asarray(self.reset)):
            raise ValueError(
                f"threshold must lie above reset, got threshold {self.threshold} mV and "
                f"reset {self.reset} mV"
            )

    @property
    def state_names(self) -> tuple[str, ...]:
        """The membrane potential."""
        return ("membrane_potential",)

    @property
    def state_unit(self) -> str:
        """Millivolt."""
        return "mV"

    def vector_field(self, time: Scalar, state: State) -> State:
        """Drift of the membrane potential between spikes, in mV/ms."""
        del time
        return (self.leak_potential - state + self.mean_input) / self.membrane_time_constant

    def noise_amplitude(self, time: Scalar, state: State) -> State:
        """Coefficient of the Wiener increments: sigma / sqrt(tau), in mV per sqrt(ms)."""
        del time
        return self.noise / jnp.sqrt(self.membrane_time_constant) * jnp.ones_like(state)
