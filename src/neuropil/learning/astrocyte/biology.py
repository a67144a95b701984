"""What disturbs a wave: transmitter that leaks, connections that are lost, and noise."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from neuropil.types import Scalar


def _constant() -> Any:
    """A field for a number that can be swept by `jax.vmap`, and that training leaves as it is."""
    return eqx.field(converter=lambda value: jnp.asarray(value, float))


def _require_not_negative(name: str, value: Scalar) -> None:
    if isinstance(value, jax.core.Tracer):
        return
    numbers = np.ravel(value)
    if not np.all(np.isfinite(numbers)) or np.any(numbers < 0):
        raise ValueError(f"{name} must be finite and not negative, got {value}")


class Leak(eqx.Module):
    """Transmitter that diffuses to cells around before it is received.

    What a cell releases is shared out among the cells at most `reach` away along each axis, in
    proportion to exp(-distance^2 / (2 spread^2)), distances and `spread` in cells. The shares of
    every cell add up to one, at an open edge too, so that transmitter is moved and never lost;
    `reach` may go beyond the neighbours of the step. A spread of 0 leaves the signal as it is.

    Raises `ValueError` for a spread that is negative, and for a reach below one cell.
    """

    spread: Float[Array, "..."] = _constant()
    reach: int = eqx.field(static=True, default=3)

    def __check_init__(self):
        _require_not_negative("leak", self.spread)
        if self.reach < 1:
            raise ValueError(f"reach must be at least 1 cell, got {self.reach}")

    def __call__(self, signal: Float[Array, "*cells"], *, periodic: bool) -> Float[Array, "*cells"]:
        """The signal as it arrives, shape kept; cost proportional to cells times reach."""
        spread = lax.stop_gradient(self.spread).astype(signal.dtype)
        # A cell that keeps everything, not one divided by zero, where nothing leaks.
        narrow = jnp.maximum(spread, 1e-3)
        for axis in range(signal.ndim):
            reach = min(self.reach, signal.shape[axis] // 2 if periodic else signal.shape[axis])
            distance = np.abs(np.arange(-reach, reach + 1)).astype(signal.dtype)
            kernel = jnp.exp(-0.5 * (distance / narrow) ** 2)
            whole = _blurred(jnp.ones(signal.shape[axis], signal.dtype), kernel, 0, periodic)
            shape = [1] * signal.ndim
            shape[axis] = signal.shape[axis]
            signal = _blurred(signal / whole.reshape(shape), kernel, axis, periodic)
        return signal


def _blurred(
    signal: Float[Array, "*cells"], kernel: Float[Array, " taps"], axis: int, periodic: bool
) -> Float[Array, "*cells"]:
    reach, size = kernel.shape[0] // 2, signal.shape[axis]
    room = [(reach, reach) if here == axis else (0, 0) for here in range(signal.ndim)]
    padded = jnp.pad(signal, room, mode="wrap") if periodic else jnp.pad(signal, room)
    parts = [
        weight * lax.slice_in_dim(padded, start, start + size, axis=axis)
        for start, weight in enumerate(kernel)
    ]
    return sum(parts[1:], start=parts[0])


class Loss(eqx.Module):
    """Connections or signals that fail, each alone, with `probability`.

    With `rescaled`, what is left is divided by 1 - probability, so that the mean stays. It
    happens while `training`, at `test`, or both. Raises `ValueError` for a probability outside
    [0, 1], and for one of 1 with `rescaled`, which leaves nothing to divide.
    """

    probability: Float[Array, "..."] = _constant()
    rescaled: bool = eqx.field(static=True, default=False)
    training: bool = eqx.field(static=True, default=True)
    test: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if isinstance(self.probability, jax.core.Tracer):
            return
        numbers = np.ravel(self.probability)
        if not np.all((numbers >= 0) & (numbers <= 1)):
            raise ValueError(f"probability must lie in [0, 1], got {self.probability}")
        if self.rescaled and np.any(numbers == 1):
            raise ValueError("probability must be below 1 with rescaled, got 1.0")

    def __call__(
        self, values: Float[Array, "*values"], drawn: Float[Array, "*values"]
    ) -> Float[Array, "*values"]:
        """The values, with those that failed at zero; `drawn` are uniform in [0, 1)."""
        probability = lax.stop_gradient(self.probability).astype(values.dtype)
        left = jnp.where(drawn >= probability, values, jnp.zeros((), values.dtype))
        return left / (1 - probability) if self.rescaled else left


class Noise(eqx.Module):
    """Independent Gaussian noise of standard deviation `deviation` added to weights or signals.

    It is there while `training`, at `test`, or both. Raises `ValueError` for a deviation that
    is negative.
    """

    deviation: Float[Array, "..."] = _constant()
    training: bool = eqx.field(static=True, default=True)
    test: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        _require_not_negative("deviation", self.deviation)

    def __call__(
        self, values: Float[Array, "*values"], drawn: Float[Array, "*values"]
    ) -> Float[Array, "*values"]:
        """The values with noise made of `drawn`, which are uniform in [0, 1)."""
        deviation = lax.stop_gradient(self.deviation).astype(values.dtype)
        smallest = jnp.finfo(drawn.dtype).epsneg
        normal = 2**0.5 * lax.erf_inv(jnp.maximum(2 * drawn - 1, smallest - 1))
        return values + deviation * normal


class Biology(eqx.Module):
    """What happens to a step besides its weighted sum; nothing unless it is given.

    `leak` acts on what the cells before release, `weight_noise` and `connection_loss` on the
    weights in this order, `signal_noise` and `signal_loss` on the sum that a cell receives,
    before its activation. Their numbers are leaves without a gradient: they can be swept by
    `jax.vmap` and are not trained.
    """

    leak: Leak | None = None
    weight_noise: Noise | None = None
    connection_loss: Loss | None = None
    signal_noise: Noise | None = None
    signal_loss: Loss | None = None

    def n_draws(self, weights: int, signals: int, *, training: bool) -> tuple[int, int, int, int]:
        """Random numbers that weight noise, connection loss, signal noise and signal loss take.

        For a step of so many weights and signals; none where a disturbance does not act.
        """

        def number(chance: Loss | Noise | None, places: int) -> int:
            acts = chance is not None and (chance.training if training else chance.test)
            return places if acts else 0

        return (
            number(self.weight_noise, weights),
            number(self.connection_loss, weights),
            number(self.signal_noise, signals),
            number(self.signal_loss, signals),
        )


UNDISTURBED = Biology()
"""No leak, no loss, no noise."""


def disturbed(
    values: Float[Array, "*values"], chance: Loss | Noise | None, drawn: Float[Array, " draws"]
) -> Float[Array, "*values"]:
    """The values after a loss or a noise, from the numbers drawn for it; unchanged from none."""
    if chance is None or drawn.size == 0:
        return values
    return chance(values, drawn.reshape(values.shape))


__all__ = ["UNDISTURBED", "Biology", "Leak", "Loss", "Noise", "disturbed"]
