"""One step of a population density in time: implicit, of second order, never negative.

Within a step of length dt the network's input is held at its value in the middle, predicted from
the state: S = alpha w (r + dt r' / 2), as r' follows from the density. What remains is linear,
d f / dt = A f, and is solved by the L-stable formula of order two with one matrix (Alexander,
SIAM J. Numer. Anal. 14:1006, 1977), with gamma = 1 - 1 / sqrt(2):

    (1 - gamma dt A) g = f,    (1 - gamma dt A) f' = (1 + sqrt(2)) g - sqrt(2) f.

A couples neighbouring cells and, through firing and reset, all cells to one: a tridiagonal matrix
and one of rank one, which the Sherman-Morrison formula solves exactly. The columns of A sum to
zero, so that a step keeps mass to rounding; that rounding, some 1e-15, is taken out by a common
factor, lest it add up over many steps.

No linear formula of order two keeps every density positive at every step (Bolley and Crouzeix,
RAIRO Anal. Numer. 12:237, 1978). Where a step of this one makes a cell negative, it is limited
(flux-corrected transport: Zalesak, J. Comput. Phys. 31:335, 1979): an implicit Euler step with
upwind rates is taken instead, whose matrix has a positive inverse, and of each flow between cells
(and each flow of firing) as much of the difference between the two formulas is added as
leaves the cell it comes from positive. Hence, for any drift, hazard, density and step: mass is
kept to rounding and no cell is negative; and the order is two where nothing was limited. Without
noise the limiter of the fluxes is that of the density at the beginning of the step: where the
drift crosses more than about two cells in a step, waves of a few thousandths of the mass remain.
"""

from math import sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neuropil.meanfield.density_flux import (
    DensityTables,
    FaceRates,
    crossing,
    face_rates,
    is_noise_weak,
    moved,
    reset_jump,
    returned_to,
    smoothness,
)
from neuropil.meanfield.population_density import PopulationDensity
from neuropil.types import Scalar

GAMMA = 1 - 1 / sqrt(2)
ROOT = sqrt(2)
LARGEST_SHARE = 1 - 1e-12
"""Of what a cell holds, this much may leave it at most: the rest absorbs rounding."""

Cells = Float[Array, "types cells"]


class Step(NamedTuple):
    """Where a step ends, what fired during it, what was received, which types were limited."""

    densities: Cells
    rates: Float[Array, " types"]
    received: Float[Array, " types"]
    is_limited: Bool[Array, " types"]


def middle_rates(
    density: PopulationDensity, tables: DensityTables, densities: Cells, step: Scalar
) -> Float[Array, " types"]:
    """Firing rates half a step later, to second order, in spikes/ms."""
    fired = jnp.sum(tables.hazard * densities, axis=-1)
    rates = tables.width * fired
    received = density.received(rates)
    diffusion = tables.diffusion + density.extra_diffusion(rates)
    across = crossing(face_rates(tables, received, diffusion, None), densities)
    change = tables.reset_distribution * fired[:, None] - tables.hazard * densities
    slope = tables.width * jnp.sum(tables.hazard * (moved(across) + change), axis=-1)
    return jnp.maximum(rates + step / 2 * slope, 0.0)


def advance(
    density: PopulationDensity,
    tables: DensityTables,
    densities: Cells,
    content: Float[Array, " types"],
    step: Scalar,
) -> Step:
    """One step of length `step` (ms); `content` is the sum over cells, which is kept."""
    rates = middle_rates(density, tables, densities, step)
    received = density.received(rates)
    diffusion = tables.diffusion + density.extra_diffusion(rates)
    upwind = face_rates(tables, received, diffusion, None)

    def limited_rates() -> tuple[FaceRates, Cells]:
        jump = reset_jump(tables, densities, received, diffusion)
        smooth = smoothness(tables, densities, received, jump)
        limited = face_rates(tables, received, diffusion, smooth)
        return limited, returned_to(tables, limited, received, jump)

    accurate, target = jax.lax.cond(
        is_noise_weak(tables, received, diffusion),
        limited_rates,
        lambda: (upwind, tables.reset_distribution),
    )
    solve = _implicit(tables, accurate, target, GAMMA * step)
    first = solve(densities)
    second = solve((1 + ROOT) * first - ROOT * densities)
    during = GAMMA * ((1 + ROOT) * first + second)
    fired = jnp.sum(tables.hazard * during, axis=-1)
    is_limited = jnp.any(second < 0, axis=-1)

    def limit() -> tuple[Cells, Float[Array, " types"]]:
        positive, amount = _positive_step(tables, densities, during, upwind, accurate, target, step)
        chosen = jnp.where(is_limited[:, None], positive, second)
        return chosen, jnp.where(is_limited, amount, fired)

    ended, fired = jax.lax.cond(jnp.any(is_limited), limit, lambda: (second, fired))
    kept = ended * (content / jnp.sum(ended, axis=-1))[:, None]
    return Step(kept, tables.width * fired, received, is_limited)


def _implicit(tables: DensityTables, rates: FaceRates, target: Cells, step: Scalar):
    """The solution of (1 - step A) x = y as a function of y; what fires comes back at `target`."""
    types = tables.hazard.shape[0]
    none = jnp.zeros((types, 1), rates.rightward.dtype)
    outflow = jnp.concatenate([rates.rightward, none], -1) + jnp.concatenate(
        [none, rates.leftward], -1
    )
    lower = jnp.concatenate([none, -step * rates.rightward], -1)
    upper = jnp.concatenate([-step * rates.leftward, none], -1)
    diagonal = 1 + step * (tables.hazard + outflow)

    def neighbours(right: Cells) -> Cells:
        return jax.lax.linalg.tridiagonal_solve(lower, diagonal, upper, right[..., None])[..., 0]

    returned = neighbours(target)

    def solve(right: Cells) -> Cells:
        solution = neighbours(right)
        fired = step * jnp.sum(tables.hazard * solution, axis=-1)
        # As columns of A sum to zero, this sum is the determinant 1 - step nu . returned.
        amount = fired / jnp.sum(returned, axis=-1)
        return solution + amount[:, None] * returned

    return solve


def _positive_step(
    tables: DensityTables,
    densities: Cells,
    during: Cells,
    upwind: FaceRates,
    accurate: FaceRates,
    target: Cells,
    step: Scalar,
) -> tuple[Cells, Float[Array, " types"]]:
    """The limited step, and what fired per ms in units of the density."""
    low = _implicit(tables, upwind, target, step)(densities)
    across = step * (crossing(accurate, during) - crossing(upwind, low))
    firing = step * tables.hazard * (during - low)
    fewer = jnp.sum(jnp.maximum(-firing, 0), axis=-1, keepdims=True)
    none = jnp.zeros_like(across[:, :1])
    right, left = jnp.maximum(across, 0), jnp.maximum(-across, 0)
    leaving = (
        jnp.concatenate([right, none], -1)
        + jnp.concatenate([none, left], -1)
        + jnp.maximum(firing, 0)
        + target * fewer
    )
    share = jnp.minimum(1.0, LARGEST_SHARE * low / jnp.where(leaving > 0, leaving, 1.0))
    share = jnp.where(leaving > 0, share, 1.0)
    share_of_reset = jnp.min(jnp.where(target > 0, share, 1.0), axis=-1, keepdims=True)
    right, left = right * share[:, :-1], left * share[:, 1:]
    more = jnp.maximum(firing, 0) * share
    less = jnp.maximum(-firing, 0) * share_of_reset
    arriving = (
        jnp.concatenate([none, right], -1)
        + jnp.concatenate([left, none], -1)
        + less
        + target * jnp.sum(more, axis=-1, keepdims=True)
    )
    leaving = (
        jnp.concatenate([right, none], -1)
        + jnp.concatenate([none, left], -1)
        + more
        + target * jnp.sum(less, axis=-1, keepdims=True)
    )
    fired = jnp.sum(tables.hazard * low, axis=-1) + jnp.sum(more - less, axis=-1) / step
    return (low + arriving) - leaving, fired


__all__ = ["GAMMA", "LARGEST_SHARE", "ROOT", "Step", "advance", "middle_rates"]
