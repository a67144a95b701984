"""All chaotic solutions of the dynamic mean-field theory of a network of rank one.

In a chaotic state each x_i fluctuates around a mean of its own. Over neurons and time its
variance is Delta_0, that of the means alone Delta_inf. With C(Delta) the covariance of phi
between two times at which that of x is Delta, and S the structured variance, the autocovariance
moves in a potential whose force is W(Delta) = Delta - g^2 C(Delta) - S. It starts from rest at
Delta_0 and comes to rest at Delta_inf:

    integral of W from Delta_inf to Delta_0 = 0,   W(Delta_inf) = 0,

which are the equations of Mastrogiuseppe and Ostojic (2018) for the chaotic phase, since dPhi/dx =
phi makes C the derivative of <Phi Phi>. Delta_inf = Delta_0, the stationary solution, always
solves them. Written as power series, C = sum_k c_k^2 (Delta / Delta_0)^k, two factors of
Delta_0 - Delta_inf can be taken out of the first equation:

    1/2 = (g^2 / Delta_0) sum_k c_k^2 / (k + 1) sum_{j < k} (j + 1) r^j,   r = Delta_inf / Delta_0,

which has one r for each Delta_0, reaches r = 1 exactly where g^2 <phi'^2> = 1, and stays well
conditioned there.
"""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import RankOneStatistics
from neuropil.meanfield.branch_choice import AbstractBranchChoice
from neuropil.meanfield.branch_search import bracketed_root, crossings
from neuropil.meanfield.correlation_series import correlation_coefficients
from neuropil.meanfield.dynamic_mean_field import (
    mean_of,
    next_overlap,
    stationary_variance,
    structured_variance,
)
from neuropil.meanfield.implicit_branches import attach_implicit_derivatives, polished
from neuropil.meanfield.stationary_branches import (
    MAXIMUM_BRANCHES,
    RESIDUAL_TOLERANCE,
    SCAN_NODES,
    branch_dataset,
    chosen_branch,
    overlap_grid,
    require_concrete,
)
from neuropil.meanfield.tanh_averages import tanh_averages
from neuropil.norms import maximum_norm
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import Scalar

_CELLS = 12
_SCAN_TERMS = 48
_TERMS = 160
_NEAREST_TO_ONE = 1e-7
_SCAN_TOLERANCE = 1e-5


class ChaoticBranches(eqx.Module):
    """Chaotic solutions in ascending order of the overlap, or the one that was chosen.

    Arrays have one place for each of `MAXIMUM_BRANCHES`; those beyond `number` do not exist and
    hold what is not a number. `overlap` is kappa = <n phi(x)>, `mean` is mu; `variance` is
    Delta_0, that of x over neurons and time, `persistent_variance` is Delta_inf, that of the time
    averages over neurons; `activity` is <phi(x)>, `gain` <phi'(x)>. `slope` is the derivative of
    M_n <phi> + Sigma_nI <phi'> in kappa when the variances follow. `residual` is what is left of
    the equations, relative to max(1, Delta_0).
    """

    exists: Bool[Array, "*branches"]
    overlap: Float[Array, "*branches"]
    mean: Float[Array, "*branches"]
    variance: Float[Array, "*branches"]
    persistent_variance: Float[Array, "*branches"]
    activity: Float[Array, "*branches"]
    gain: Float[Array, "*branches"]
    slope: Float[Array, "*branches"]
    residual: Float[Array, "*branches"]
    number: Int[Array, "..."]
    outcome: Int[Array, "..."]

    @property
    def attracts(self) -> Bool[Array, "*branches"]:
        """Stable to slow changes of kappa, which the statistics follow: `slope` below one."""
        return self.exists & (self.slope < 1)

    def to_xarray(self) -> xr.Dataset:
        """The result by its names, over the dimension `branch` unless one was chosen.

        Raises `ValueError` for a batch.
        """
        return branch_dataset(self)


def chaotic_branches(statistics: RankOneStatistics, *, throw: bool = True) -> ChaoticBranches:
    """Every chaotic solution: those with Delta_inf below Delta_0.

    Found as `stationary_branches` finds the stationary ones, with the variances solved for at
    each kappa, on half as fine a grid. They exist only for g > 1, and appear where the
    `bulk_radius` of a stationary solution passes one. Accurate to 1e-9 for variances up to about
    6 and to 1e-4 up to 25: see `correlation_coefficients`. Compiled, batched and differentiable
    in the same way. Raises `NotSolved` when an equation is not solved to 1e-10.
    """
    require_concrete(statistics, throw=throw)
    found = _solve(statistics)
    if throw:
        raise_unless_successful(found.outcome, what="chaotic branches", throw=True)
    return found


def chaotic_solution(
    statistics: RankOneStatistics, choice: AbstractBranchChoice, *, throw: bool = True
) -> ChaoticBranches:
    """The one chaotic solution that `choice` names: arrays without the axis of branches.

    Where there is none, `exists` is false and the rest not a number.
    """
    return chosen_branch(chaotic_branches(statistics, throw=throw), choice)


def chaotic_residual(
    statistics: RankOneStatistics, unknown: Float[Array, "3"], *, terms: int = _TERMS
) -> Float[Array, "3"]:
    """What is left of the equations at (kappa, Delta_0, Delta_inf)."""
    overlap, variance, persistent = unknown
    mean = mean_of(statistics, overlap)
    averages = tanh_averages(mean, variance, order=1)
    powers = correlation_coefficients(mean, variance, terms=terms)
    ratio = persistent / variance
    random = statistics.strength**2
    correlation = _power_series(powers, ratio)[0]
    fixed = structured_variance(statistics, overlap)
    return jnp.stack(
        [
            next_overlap(statistics, averages) - overlap,
            _balance(powers, ratio, variance, random)[0],
            persistent - random * correlation - fixed,
        ]
    )


def _jacobian(statistics, unknown) -> Float[Array, "3 3"]:
    return jax.jacfwd(lambda y: chaotic_residual(statistics, y))(unknown)


def _balance(powers, ratio, variance, random) -> tuple[Scalar, Scalar]:
    """The first equation without its trivial factors, and its derivative in the ratio."""
    series, slope = _power_series(jnp.asarray(_shares(powers.size)) @ powers, ratio)
    scale = random / variance
    return scale * series - 0.5, scale * slope


@cache
def _shares(terms: int) -> np.ndarray:
    """(j + 1) / (k + 1) for k > j: from the powers to the coefficients of the series in r^j."""
    k = np.arange(float(terms))
    return np.triu((k[:-1, None] + 1) / (k[None, :] + 1), 1)


def _power_series(coefficients, ratio) -> tuple[Scalar, Scalar]:
    """sum_j a_j r^j, and its derivative in r, for r not negative."""
    degrees = jnp.arange(1.0, coefficients.size)
    is_zero = ratio <= 0
    logarithm = jnp.log(jnp.where(is_zero, 1.0, ratio))
    below = jnp.where(is_zero, 0.0, jnp.exp((degrees - 1.0) * logarithm))
    below = below.at[0].set(1.0)
    higher = coefficients[1:] * below
    return coefficients[0] + ratio * jnp.sum(higher), degrees @ higher


def _ratio(powers, variance, random) -> Scalar:
    """Delta_inf / Delta_0 for a given Delta_0, by Newton's method from one.

    One where the root lies above, zero where it lies below zero: the series is convex, so that
    steps never pass the root.
    """
    coefficients = jnp.asarray(_shares(powers.size)) @ powers * (random / variance)

    def proceed(carry):
        _, change, steps = carry
        return (jnp.abs(change) > 1e-12) & (steps < 30)

    def step(carry):
        ratio, _, steps = carry
        value, slope = _power_series(coefficients, ratio)
        following = jnp.clip(ratio - (value - 0.5) / (slope + 1e-300), 0.0, 1.0)
        return following, following - ratio, steps + 1

    one = jnp.ones_like(variance)
    return jax.lax.while_loop(proceed, step, (one, one, jnp.asarray(0)))[0]


def _variances(statistics, overlap, *, terms) -> tuple[Scalar, Scalar]:
    """Delta_0 and Delta_inf for given kappa, equal to each other where there is no chaos."""
    mean, fixed = mean_of(statistics, overlap), structured_variance(statistics, overlap)
    random = statistics.strength**2
    stationary = stationary_variance(statistics, overlap, nodes=SCAN_NODES)
    averages = tanh_averages(mean, stationary, order=2, nodes=SCAN_NODES)
    is_chaotic = random * averages.squared_gain > 1.0

    def excess(variance):
        powers = correlation_coefficients(mean, variance, terms=terms)
        ratio = _ratio(powers, variance, random)
        correlation, _ = _power_series(powers, ratio)
        at_zero = 0.5 - random / variance * (_shares(terms)[0] @ powers)
        left = variance * ratio - random * correlation - fixed
        # Where no ratio is left the variance is too small.
        return jnp.where((ratio > 0) | (at_zero >= 0), left, at_zero)

    # The excess is negative at the structured variance and positive at the stationary one; the
    # values at the ends only serve the first step.
    upper = jnp.where(is_chaotic, stationary, 1.0)
    lower = jnp.where(is_chaotic, jnp.maximum(fixed, 1e-6 * upper), 0.5)
    one = jnp.ones_like(upper)
    found = bracketed_root(excess, lower, upper, -one, one, tolerance=_SCAN_TOLERANCE)
    variance = jnp.where(is_chaotic, found, stationary)
    powers = correlation_coefficients(mean, variance, terms=terms)
    return variance, variance * jnp.where(is_chaotic, _ratio(powers, variance, random), 1.0)


@eqx.filter_jit
def _solve(statistics: RankOneStatistics) -> ChaoticBranches:
    fixed = jax.lax.stop_gradient(statistics)

    def excess(overlap: Scalar) -> Scalar:
        variance, _ = _variances(fixed, overlap, terms=_SCAN_TERMS)
        averages = tanh_averages(mean_of(fixed, overlap), variance, order=1, nodes=SCAN_NODES)
        return next_overlap(fixed, averages) - overlap

    found = crossings(excess, overlap_grid(fixed, _CELLS), maximum=MAXIMUM_BRANCHES)

    def refine(*bracket):
        overlap = bracketed_root(excess, *bracket, tolerance=1e-5)
        begin = jnp.stack([overlap, *_variances(fixed, overlap, terms=_SCAN_TERMS)])
        return polished(chaotic_residual, _jacobian, fixed, begin, steps=6)

    solved = jax.vmap(refine)(found.lower, found.upper, found.lower_value, found.upper_value)
    ratio = solved[:, 2] / solved[:, 1]
    is_chaotic = found.exists & (ratio < 1 - _NEAREST_TO_ONE)
    # Solutions without chaos leave their places to those with it.
    order = jnp.argsort(~is_chaotic, stable=True)
    solved, exists = solved[order], is_chaotic[order]
    described = jax.vmap(lambda y, there: _describe(statistics, y, there))(solved, exists)
    outcome = jnp.where(
        jnp.all(described["residual"] <= RESIDUAL_TOLERANCE, where=exists),
        Outcome.SUCCESSFUL.value,
        Outcome.MAXIMUM_STEPS_REACHED.value,
    )
    outcome = jnp.where(found.is_finite, outcome, Outcome.NOT_FINITE.value)
    shown = {name: jnp.where(exists, value, jnp.nan) for name, value in described.items()}
    return ChaoticBranches(exists=exists, **shown, number=jnp.sum(exists), outcome=outcome)


def _describe(statistics, unknown, exists) -> dict[str, Scalar]:
    solved = attach_implicit_derivatives(chaotic_residual, _jacobian, statistics, unknown, exists)
    overlap, variance, persistent = solved
    mean = mean_of(statistics, overlap)
    averages = tanh_averages(mean, variance, order=1)
    left = chaotic_residual(statistics, solved)
    jacobian = jnp.where(exists, _jacobian(statistics, solved), jnp.eye(3))
    return {
        "overlap": overlap,
        "mean": mean,
        "variance": variance,
        "persistent_variance": persistent,
        "activity": averages.activity,
        "gain": averages.gain,
        # Eliminating the variances from the linearised equations leaves this.
        "slope": 1.0 + jnp.linalg.det(jacobian) / jnp.linalg.det(jacobian[1:, 1:]),
        "residual": maximum_norm(left) / jnp.maximum(1.0, variance),
    }


__all__ = ["ChaoticBranches", "chaotic_branches", "chaotic_residual", "chaotic_solution"]
