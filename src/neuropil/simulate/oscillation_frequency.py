"""The frequency at which a voltage rises above zero, as a smooth function of the trace."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import Scalar


def oscillation_frequency(
    voltages: Float[Array, " times"],
    spacing: float,
    *,
    discarded: int = 20,
    window: int = 20,
    highest: float = 1.0,
    n_frequencies: int = 101,
    sharpness: float = 500.0,
) -> Scalar:
    """Dominant frequency, in Hz, of voltages (mV) that are `spacing` ms apart.

    The published statistic of the hub of the stomatogastric ganglion: the first `discarded`
    values are left out, the rest rectified, averaged over `window` neighbours and freed of its
    mean; its Fourier amplitudes at `n_frequencies` frequencies from 0 to `highest` Hz weigh them
    by a softmax of `sharpness` (per volt, at a spacing of 25 ms). Differentiable in the voltages.
    A cell that never rises above 0 mV has no amplitudes, and gets the mean of all frequencies.

    Source: Bittner et al., eLife 10:e56265 (2021).

    Raises `ValueError` when too few voltages are left, and for a spacing that is not positive.
    """
    if not (np.isfinite(spacing) and spacing > 0):
        raise ValueError(f"spacing must be positive and finite, got {spacing} ms")
    left = voltages.size - discarded
    if window < 1 or discarded < 0 or left < 2 * window:
        raise ValueError(
            f"voltages must hold at least 2 windows of {window} after the first {discarded}, got "
            f"{voltages.size} values"
        )
    volts = 1e-3 * jax.nn.relu(voltages[discarded:])
    sums = jnp.cumsum(jnp.concatenate([jnp.zeros(1), volts]))
    smooth = (sums[window:] - sums[:-window]) / window
    centred = smooth - jnp.mean(smooth)
    frequencies = np.linspace(0.0, highest, n_frequencies)
    angles = 2 * np.pi * frequencies[:, None] * (1e-3 * spacing * np.arange(centred.size))
    power = (np.cos(angles) @ centred) ** 2 + (np.sin(angles) @ centred) ** 2
    # The root has no derivative at 0, where a silent cell lies.
    amplitudes = jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)
    weights = jax.nn.softmax(sharpness * spacing / 25.0 * amplitudes)
    return jnp.sum(frequencies * weights)


__all__ = ["oscillation_frequency"]
