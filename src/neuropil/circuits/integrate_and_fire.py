"""Integrate-and-fire neurons with any drift, firing by threshold or by hazard."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits.membrane import LinearDrift
from neuropil.circuits.parameters import parameter
from neuropil.system import AbstractSpikingSystem
from neuropil.types import Scalar, State

Parameter = Float[Array, "..."]
Elementwise = Callable[[Float[Array, "..."]], Float[Array, "..."]]


class IntegrateAndFire(AbstractSpikingSystem):
    """A population of integrate-and-fire neurons; who is wired to whom is said by a connectome.

    Between spikes the membrane potential of neuron i follows

        dV_i = (b(V_i) + drive_i + I_i) dt + sigma_i dW_i.

    It fires when V_i reaches `threshold`, and with probability nu(V_i) dt in any moment; V_i is
    then set to `reset` and held there for `refractory_period`, during which all input is lost.
    After `delay`, a spike of j moves V_i by `coupling` w[i, j] at once or, with a
    `synaptic_time_constant` tau_s, adds `coupling` w[i, j] exp(-t / tau_s) / tau_s to the current
    I_i: the same effect in all. Independent Poisson spikes of rate `poisson_rate` move V_i (or
    add to I_i) likewise by `poisson_jump`.

    `drift` (b, mV/ms) and `hazard` (nu, spikes/ms) are functions of JAX from all potentials to a
    value for each, acting element by element: `LinearDrift`, `SigmoidHazard` or any other.
    `hazard_bound` is a rate that the hazard never exceeds; a hazard with a `bound` of its own
    needs none. Potentials, weights, `threshold`, `reset` and `poisson_jump` are in mV, times in
    ms, `noise` (sigma) in mV per square-root ms, `drive` in mV/ms, `poisson_rate` in spikes/ms;
    `coupling` (alpha) is a number. Each is one value, or one for each neuron, but for `delay`,
    `coupling` and `synaptic_time_constant`, which are one value.

    Sources: Jabin, "Some new approaches to the mean-field limit of integrate and fire systems"
    (hazard, no threshold); Brunel, J. Comput. Neurosci. 8:183, 2000 (threshold).

    Raises `ValueError`, naming the parameter, when one makes no sense or nothing makes the neuron
    fire.
    """

    drift: Elementwise = LinearDrift()
    hazard: Elementwise | None = None
    hazard_bound: Parameter | None = eqx.field(
        converter=lambda value: None if value is None else jnp.asarray(value, float), default=None
    )
    threshold: Parameter = parameter(float("inf"))
    reset: Parameter = parameter(0.0)
    refractory_period: Parameter = parameter(0.0)
    noise: Parameter = parameter(0.0)
    drive: Parameter = parameter(0.0)
    poisson_rate: Parameter = parameter(0.0)
    poisson_jump: Parameter = parameter(0.0)
    delay: Scalar = parameter(0.0)
    coupling: Scalar = parameter(1.0)
    synaptic_time_constant: Scalar = parameter(0.0)

    def __check_init__(self):
        if self.hazard is None and np.all(np.isinf(_concrete(self.threshold, 0.0))):
            raise ValueError("threshold or hazard must be given: nothing makes the neurons fire")
        for name in ("drift", "hazard"):
            function = getattr(self, name)
            if function is not None and not callable(function):
                raise ValueError(f"{name} must be a function of the potential, got {function!r}")
        for name in _PARAMETERS:
            value = np.ravel(_concrete(getattr(self, name), 0.0))
            wrong = value[np.isnan(value) | (np.isinf(value) & (name != "threshold"))]
            if wrong.size:
                raise ValueError(f"{name} must be finite, got {wrong[0]}")
            if name in _NOT_NEGATIVE and np.any(value < 0):
                raise ValueError(f"{name} must not be negative, got {value[value < 0][0]}")
        for name in ("delay", "coupling", "synaptic_time_constant"):
            if getattr(self, name).ndim:
                raise ValueError(f"{name} must be one value, got shape {getattr(self, name).shape}")
        if np.any(_concrete(self.threshold, 1.0) <= _concrete(self.reset, 0.0)):
            raise ValueError(
                f"threshold must lie above reset, got threshold {self.threshold} mV and reset "
                f"{self.reset} mV"
            )
        if self.hazard_bound is not None:
            bound = np.ravel(_concrete(self.hazard_bound, 1.0))
            wrong = bound[~(np.isfinite(bound) & (bound > 0))]
            if wrong.size:
                raise ValueError(f"hazard_bound must be positive and finite, got {wrong[0]}")

    @property
    def state_names(self) -> tuple[str, ...]:
        """The membrane potential."""
        return ("membrane_potential",)

    @property
    def state_unit(self) -> str:
        """Millivolt."""
        return "mV"

    @property
    def relaxation(self) -> tuple[Parameter, Parameter] | None:
        """(rate, rest) where the whole drift is rate * (rest - v), else nothing; in 1/ms and mV."""
        if not isinstance(self.drift, LinearDrift):
            return None
        rest = self.drift.rest + self.drive * self.drift.time_constant
        return 1.0 / self.drift.time_constant, rest

    def vector_field(self, time: Scalar, state: State) -> State:
        """Drift of the membrane potential between spikes, in mV/ms."""
        del time
        return self.drift(state) + self.drive

    def noise_amplitude(self, time: Scalar, state: State) -> State:
        """Coefficient of the Wiener increments, in mV per sqrt(ms)."""
        del time
        return self.noise * jnp.ones_like(state)


_PARAMETERS = (
    "threshold",
    "reset",
    "refractory_period",
    "noise",
    "drive",
    "poisson_rate",
    "poisson_jump",
    "delay",
    "coupling",
    "synaptic_time_constant",
)
_NOT_NEGATIVE = ("refractory_period", "noise", "poisson_rate", "delay", "synaptic_time_constant")


def _concrete(value: Float[Array, "..."], stand_in: float) -> np.ndarray:
    """The numbers, or a harmless one while compiled code is still to supply them."""
    return np.asarray(stand_in if isinstance(value, jax.core.Tracer) else value)


__all__ = ["IntegrateAndFire"]
