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
    def reset_place(self) -> tuple[Int[Array, " types"], Float[Array, " types"]]:
        """The cell that holds the reset, and how far into it the reset lies, from 0 to 1."""
        is_next = self.reset_share >= 0.5
        within = jnp.where(is_next, self.reset_share - 0.5, self.reset_share + 0.5)
        return self.reset_cell + is_next.astype(int), within

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


class ResetJump(eqx.Module):
    """How much the density rises across the reset, in 1/mV, where noise is too weak to see why.

    `height` is r / (b + S), negative where the drift points downwards, times `weakness`: 0 where
    the noise spreads the jump over cells, 1 where it does so within less than half a cell.
    """

    height: Float[Array, " types"]
    weakness: Float[Array, " types"]


def reset_jump(
    tables: DensityTables,
    densities: Float[Array, "types cells"],
    received: Float[Array, " types"],
    diffusion: Float[Array, " types"],
) -> ResetJump:
    """The jump that firing sustains at the reset; none where the drift changes sign there."""
    cell, within = tables.reset_place
    before, after = (_at_face(tables.drift, cell + side) + received for side in (-1, 0))
    slower = jnp.minimum(jnp.abs(before), jnp.abs(after))
    ratio = 0.5 * slower * tables.width / jnp.maximum(diffusion, SMALLEST_DIFFUSION)
    weakness = jnp.where(before * after > 0, jnp.clip(ratio - 1.0, 0.0, 1.0), 0.0)
    velocity = jnp.where(weakness > 0, (1 - within) * before + within * after, 1.0)
    rates = tables.width * jnp.sum(tables.hazard * densities, axis=-1)
    return ResetJump(weakness * rates / velocity, weakness)


def returned_to(
    tables: DensityTables, rates: FaceRates, received: Float[Array, " types"], jump: ResetJump
) -> Float[Array, "types cells"]:
    """Where neurons that fired come back: probabilities, up to three neighbours.

    Of second order, whether the density is continuous at the reset or jumps there. If it jumps,
    by J times the unit step H(v - reset), the flux of f is that of f - J H, which is smooth, and
    u J beyond the reset. So much more than the flux of `rates` crosses the face before the
    reset, - (1 - s) J l h, and that after it, s J r h, with r and l the rates rightward and
    leftward, h the width of a cell and s how far into its cell the reset lies. As u J = r(t),
    these are fixed shares of what fires, and are given with the source.
    """
    cell, within = tables.reset_place
    before, after = (_at_face(tables.drift, cell + side) + received for side in (-1, 0))
    has_jump = jump.weakness > 0
    left = -_at_face(rates.leftward, cell - 1) * tables.width / jnp.where(has_jump, before, 1.0)
    right = _at_face(rates.rightward, cell) * tables.width / jnp.where(has_jump, after, 1.0)
    faces = tables.drift.shape[-1]
    to_left = jnp.where(cell > 0, (1 - within) * jnp.clip(left, 0.0, 1.0), 0.0)
    to_right = jnp.where(cell < faces, within * jnp.clip(right, 0.0, 1.0), 0.0)
    offset = jnp.arange(faces + 1)[None, :] - cell[:, None]
    at_jump = jnp.select(
        [offset == -1, offset == 0, offset == 1],
        [to_left[:, None], (1 - to_left - to_right)[:, None], to_right[:, None]],
        0.0,
    )
    weakness = jump.weakness[:, None]
    return (1 - weakness) * tables.reset_distribution + weakness * at_jump


def smoothness(
    tables: DensityTables,
    densities: Float[Array, "types cells"],
    received: Float[Array, " types"],
    jump: ResetJump,
) -> Float[Array, "types faces"]:
    """1 where a density is smooth across a face, 0 at its extrema: the limiter min(1, 2 theta).

    theta is the slope upstream of the face over the slope across it, both without the jump at
    the reset. Total variation does not increase (LeVeque, Finite Volume Methods for Hyperbolic
    Problems, 2002, section 6.11).
    """
    cell, within = tables.reset_place
    face = jnp.arange(densities.shape[-1] - 1)[None, :] - cell[:, None]
    share = jnp.select([face == -1, face == 0], [1 - within[:, None], within[:, None]], 0.0)
    slope = jnp.diff(densities, axis=-1) - share * jump.height[:, None]
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


def _at_face(
    values: Float[Array, "types faces"], face: Int[Array, " types"]
) -> Float[Array, " types"]:
    """The value of each type at one face, that nearest to it where there is none."""
    inside = jnp.clip(face, 0, values.shape[-1] - 1)
    return jnp.take_along_axis(values, inside[:, None], axis=-1)[:, 0]


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
    "ResetJump",
    "crossing",
    "face_rates",
    "is_noise_weak",
    "moved",
    "reset_jump",
    "returned_to",
    "smoothness",
]
