"""Rate, duty cycles and phases of a rhythm of bursts as smooth functions of the voltages."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import Scalar

_SELECTION = 32.0
"""Power of the spectrum that weighs frequencies: overtones of short bursts must not count."""

_LEAST_ACTIVITY = 0.01
"""Of the time; what the logistic edge leaves of a silent cell is less."""


class SmoothRhythm(NamedTuple):
    """What `smooth_rhythm` finds; `triphasic_rhythm` gives the exact counterparts.

    `burst_rate` is that of the first cell, in Hz; `duty_cycles` are the shares of the time that
    cells spend in bursts; `onset_phases`, from 0 to 1, say how much of a period after the first
    cell's burst begins that of each cell does, so that the first is 0.
    """

    burst_rate: Scalar
    duty_cycles: Float[Array, " cells"]
    onset_phases: Float[Array, " cells"]


def smooth_rhythm(
    voltages: Float[Array, "times cells"],
    spacing: float,
    *,
    threshold: float = -20.0,
    width: float = 5.0,
    smoothing: float = 40.0,
    lowest: float = 0.25,
    highest: float = 3.0,
) -> SmoothRhythm:
    """The rhythm of voltages (mV) that are `spacing` ms apart, with gradients.

    A cell is active above `threshold`, with a logistic edge of `width` mV. Its activity, averaged
    over a Gaussian of `smoothing` ms that joins the spikes of a burst, is compared with half of
    what it has in bursts. Rate and phases are those of the Fourier component between `lowest` and
    `highest` Hz that the first cell has most of, under a Hann window; a burst that lies
    symmetrically about its centre begins half of its duty cycle before it. Bursts shorter than
    four `smoothing`, and pauses as short, are blurred. Numbers are NaN for a cell that is hardly
    ever active. Where exact bursts are wanted, and no gradients, use `find_bursts` and
    `triphasic_rhythm`.

    Raises `ValueError`, naming the argument, for widths and frequencies that are not positive and
    ordered, and for fewer voltages than two periods of `lowest` need.
    """
    numbers = {"spacing": spacing, "width": width, "smoothing": smoothing, "lowest": lowest}
    for name, value in numbers.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, got {value}")
    if not (np.isfinite(highest) and highest > lowest):
        raise ValueError(f"highest must be above lowest ({lowest} Hz), got {highest} Hz")
    n_times = voltages.shape[0]
    duration = 1e-3 * spacing * n_times
    if duration * lowest < 2:
        raise ValueError(
            f"voltages must last two periods of lowest, {2 / lowest:g} s at {lowest} Hz, got "
            f"{duration:g} s"
        )
    activity = jax.nn.sigmoid((voltages - threshold) / width)
    joined = _averaged(activity, smoothing / spacing)
    total = jnp.sum(joined, axis=0)
    is_active = total > _LEAST_ACTIVITY * n_times
    in_bursts = jnp.sum(joined**2, axis=0) / jnp.where(is_active, total, 1.0)
    edge = 0.5 * jnp.where(is_active, in_bursts, 1.0)
    bursting = joined**4 / (joined**4 + edge[None, :] ** 4)

    window = np.sin(np.pi * (np.arange(n_times) + 0.5) / n_times) ** 2
    weighted = window[:, None] * bursting / window.sum()
    duty_cycles = jnp.sum(weighted, axis=0)
    centred = weighted - window[:, None] * duty_cycles[None, :] / window.sum()
    seconds = 1e-3 * spacing * np.arange(n_times)
    count = int(np.ceil(8 * duration * (highest - lowest))) + 1
    frequencies = np.linspace(lowest, highest, count)
    angles = 2 * np.pi * frequencies[:, None] * seconds
    power = (np.cos(angles) @ centred[:, 0]) ** 2 + (np.sin(angles) @ centred[:, 0]) ** 2
    logs = jnp.log(jnp.where(is_active[0], power, 1.0) + np.finfo(float).tiny)
    rate = jnp.sum(frequencies * jax.nn.softmax(_SELECTION * logs))

    angle = 2 * np.pi * rate * seconds
    cosine, sine = jnp.cos(angle) @ centred, jnp.sin(angle) @ centred
    centres = jnp.arctan2(sine, jnp.where(is_active, cosine, 1.0)) / (2 * np.pi)
    onsets = centres - 0.5 * duty_cycles
    phases = (onsets - onsets[0]) % 1.0
    return SmoothRhythm(
        jnp.where(is_active[0], rate, jnp.nan),
        jnp.where(is_active, duty_cycles, jnp.nan),
        jnp.where(is_active & is_active[0], phases, jnp.nan),
    )


def _averaged(
    activity: Float[Array, "times cells"], deviation: float
) -> Float[Array, "times cells"]:
    """Averages over a Gaussian, whose deviation is in samples; those at the ends over its part."""
    reach = max(1, int(np.ceil(3 * deviation)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel /= kernel.sum()
    inside = jnp.convolve(jnp.ones(activity.shape[0]), kernel, mode="same")
    each = jax.vmap(lambda one: jnp.convolve(one, kernel, mode="same"), in_axes=1, out_axes=1)
    return each(activity) / inside[:, None]


__all__ = ["SmoothRhythm", "smooth_rhythm"]
