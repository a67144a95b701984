"""What the membrane does between spikes, and how readily it fires: drifts and hazards."""

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits.parameters import parameter


class LinearDrift(eqx.Module):
    """b(v) = (rest - v) / time_constant, in mV/ms.

    `time_constant` (ms, positive) and `rest` (mV) are one value, or one for each neuron. Raises
    `ValueError`, naming the parameter, when one makes no sense.
    """

    time_constant: Float[Array, "..."] = parameter(20.0)
    rest: Float[Array, "..."] = parameter(0.0)

    def __check_init__(self):
        _require("time_constant", self.time_constant, positive=True)
        _require("rest", self.rest, positive=False)

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The drift at a membrane potential in mV."""
        return (self.rest - potential) / self.time_constant


class SigmoidHazard(eqx.Module):
    """nu(v) = maximum / (1 + exp(-(v - midpoint) / width)), in spikes/ms.

    `maximum` (spikes/ms, positive), `midpoint` (mV) and `width` (mV, positive) are one value, or
    one for each neuron. Bounded and smooth, as the mean-field limit wants it. Raises
    `ValueError`, naming the parameter, when one makes no sense.
    """

    maximum: Float[Array, "..."] = parameter(0.2)
    midpoint: Float[Array, "..."] = parameter(15.0)
    width: Float[Array, "..."] = parameter(2.0)

    def __check_init__(self):
        _require("maximum", self.maximum, positive=True)
        _require("midpoint", self.midpoint, positive=False)
        _require("width", self.width, positive=True)

    @property
    def bound(self) -> Float[Array, "..."]:
        """No rate lies above this, in spikes/ms."""
        return self.maximum

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The firing rate at a membrane potential in mV."""
        return self.maximum * jax.nn.sigmoid((potential - self.midpoint) / self.width)


def _require(name: str, value: Float[Array, "..."], *, positive: bool) -> None:
    if isinstance(value, jax.core.Tracer):
        return
    numbers = np.ravel(value)
    wrong = numbers[~np.isfinite(numbers) | (positive & (numbers <= 0))]
    if wrong.size:
        raise ValueError(f"{name} must be {'positive and ' * positive}finite, got {wrong[0]}")


__all__ = ["LinearDrift", "SigmoidHazard"]
