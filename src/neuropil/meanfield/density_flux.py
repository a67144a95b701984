"""Flow of probability between neighbouring cells: drift, diffusion and a limiter where needed."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neuropil.types import Scalar

SMALLEST_DIFFUSION = 1e-30
LARGEST_RATIO = 1e6
LEAST_SLOPE = 1e-9


class DensityTables(eqx.Module):
    """All of a population density that does not depend on time, evaluated on its grid.

    `drift` (mV/ms, the constant drive included) at the faces between cells, `hazard`
    (spikes/ms) at the centres, `diffusion` sigma^2 / 2 (mV^2/ms). A neuron that fires comes back
    in cell `reset_cell` with probability 1 - `reset_share` and in the next with `reset_share`,
    so that its mean potential is the reset itself.
    """

    width: Scalar
    drift: Float[Array, "types faces"]
    hazard: Float[Array, "types cells"]
    diffusion: Float[Array, " types"]
    reset_cell: Int[Array, " types"]
    reset_share: Float[Array, " types"]

    @property
    def reset_distribution(self) -> Float[Array, "types cells"]:
        """Where neurons that fired come back: probabilities, two neighbours at most."""
        cell = jnp.arange(self.hazard.shape[-1])
        first = cell[None, :] == self.reset_cell[:, None]
        second = cell[None, :] == self.reset_cell[:, None] + 1
        share = self.reset_share[:, None]
        return jnp.where(first, 1 - share, jnp.where(second, share, 0.0))


class FaceRates(eqx.Module):
    """Rates, in 1/ms, at which probability crosses each face between two cells."""

    rightward: Float[Array, "types faces"]
    leftward: Float[Array, "types faces"]


def face_rates(
    tables: DensityTables,
    received: Float[Array, " types"],
    diffusion: Float[Array, " types"],
    smoothness: Float[Array, "types faces"] | None,
) -> FaceRates:
    """How fast probability crosses each face when the network adds `received` mV/ms to the drift.

    The flux u f - D d_v f through a face is u (f_i + f_{i+1}) / 2 - E (f_{i+1} - f_i) / h. With
    E = D x coth(x), x = u h / 2 D (Scharfetter and Gummel, IEEE Trans. Electron Devices 16:64,
    1969), it is of second order, exact where drift and flux are constant, keeps the stationary
    density of a linear drift exact at the centres, and both rates are positive. Where noise is
    so weak that |x| > 1 it would become the smearing upwind flux; there E goes over to D (from
    |x| = 2 on entirely), as far as `smoothness`, 0 to 1, allows; None keeps the upwind flux.

    x coth(x) is taken from its continued fraction, to rounding for |x| < 0.7 and to 1e-4
    for |x| < 5, and never below |x|, which is what the signs of the rates need.
    """
    velocity = tables.drift + received[:, None]
    speed = jnp.abs(velocity) / 2
    spread = diffusion[:, None]
    ratio = 0.5 * velocity * tables.width / jnp.maximum(spread, SMALLEST_DIFFUSION)
    square = jnp.minimum(ratio * ratio, LARGEST_RATIO)
    above = 135135.0 + square * (62370.0 + square * (3150.0 + square * 28.0))
    below = 135135.0 + square * (17325.0 + square * (378.0 + square))
    exchange = jnp.maximum(spread * (above / below) / tables.width, speed)
    if smoothness is not None:
        weak_noise = jnp.clip(jnp.abs(ratio) - 1.0, 0.0, 1.0)
        plain = spread / tables.width
        exchange = exchange - (exchange - plain) * (smoothness * weak_noise)
    half = velocity / 2
    return FaceRates((exchange + half) / tables.width, (exchange - half) / tables.width)


def smoothness(
    tables: DensityTables, densities: Float[Array, "types cells"], received: Float[Array, " types"]
) -> Float[Array, "types faces"]:
    """1 where a density is smooth across a face, 0 at its extrema: the limiter min(1, 2 theta).

    theta is the slope upstream of the face over the slope across it. Total variation does not
    increase (LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, section 6.11).
    """
    slope = jnp.diff(densities, axis=-1)
    none = jnp.zeros_like(slope[:, :1])
    from_left = jnp.concatenate([none, slope[:, :-1]], axis=-1)
    from_right = jnp.concatenate([slope[:, 1:], none], axis=-1)
    upstream = jnp.where(tables.drift + received[:, None] > 0, from_left, from_right)
    # Slopes of rounding size say nothing, though probability may arrive within the step.
    least = LEAST_SLOPE * jnp.max(densities, axis=-1, keepdims=True)
    smaller = jnp.minimum(jnp.abs(upstream), jnp.abs(slope))
    same_sign = (upstream * slope > 0) & (smaller > least)
    theta = upstream / jnp.where(same_sign, slope, 1.0)
    return jnp.where(same_sign, jnp.minimum(1.0, 2.0 * theta), 0.0)


def crossing(
    rates: FaceRates, densities: Float[Array, "types cells"]
) -> Float[Array, "types faces"]:
    """Density that moves rightwards through each face per ms, in 1/mV/ms."""
    return rates.rightward * densities[:, :-1] - rates.leftward * densities[:, 1:]


def moved(across: Float[Array, "types faces"]) -> Float[Array, "types cells"]:
    """What each cell gains when `across` moves rightwards through the faces."""
    none = jnp.zeros_like(across[:, :1])
    return jnp.concatenate([none, across], axis=-1) - jnp.concatenate([across, none], axis=-1)


def is_noise_weak(
    tables: DensityTables, received: Float[Array, " types"], diffusion: Float[Array, " types"]
) -> Bool[Array, ""]:
    """Whether the limiter has a say at any face."""
    velocity = jnp.abs(tables.drift + received[:, None])
    return jnp.any(velocity * tables.width > 2 * diffusion[:, None])


__all__ = [
    "DensityTables",
    "FaceRates",
    "crossing",
    "face_rates",
    "is_noise_weak",
    "moved",
    "smoothness",
]
