"""All stationary solutions of the dynamic mean-field theory of a network of rank one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import RankOneStatistics
from neuropil.meanfield.branch_choice import AbstractBranchChoice
from neuropil.meanfield.branch_search import bracketed_root, crossings
from neuropil.meanfield.dynamic_mean_field import (
    bulk_radius,
    linearisation,
    mean_of,
    next_overlap,
    stationary_jacobian,
    stationary_residual,
    stationary_variance,
)
from neuropil.meanfield.implicit_branches import attach_implicit_derivatives, polished
from neuropil.meanfield.tanh_averages import tanh_averages
from neuropil.norms import maximum_norm
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import Scalar

MAXIMUM_BRANCHES = 5
"""Room for this many; more than three take inputs that covary with n."""

RESIDUAL_TOLERANCE = 1e-10
SCAN_NODES = 64

_UNITS = {"growth_rate": "1/tau", "outlier_frequency": "rad/tau"}
_CELLS = 24


class StationaryBranches(eqx.Module):
    """Stationary solutions in ascending order of the overlap, or the one that was chosen.

    Arrays have one place for each of `MAXIMUM_BRANCHES`; those beyond `number` do not exist and
    hold what is not a number. `overlap` is kappa = <n phi(x)>, `mean` and `variance` are mu and
    Delta_0 of x over neurons, `activity` is <phi(x)>, `gain` <phi'(x)>, `residual` what is left
    of the equations, relative to max(1, Delta_0).

    Stability is that of the network around the solution, by eigenvalues of J diag(phi'(x)), which
    perturbations grow with at the rate (eigenvalue - 1) / tau. `outlier` and `outlier_frequency`
    are the real and imaginary part of the one that the rank-one part adds, `bulk_radius` is g
    sqrt(<phi'^2>), the radius of the disc of all others, `growth_rate` the larger of `outlier`
    and `bulk_radius`, minus one, in 1/tau. `slope` is the derivative of M_n <phi> + Sigma_nI
    <phi'> in kappa when the variance follows.
    """

    exists: Bool[Array, "*branches"]
    overlap: Float[Array, "*branches"]
    mean: Float[Array, "*branches"]
    variance: Float[Array, "*branches"]
    activity: Float[Array, "*branches"]
    gain: Float[Array, "*branches"]
    outlier: Float[Array, "*branches"]
    outlier_frequency: Float[Array, "*branches"]
    bulk_radius: Float[Array, "*branches"]
    growth_rate: Float[Array, "*branches"]
    slope: Float[Array, "*branches"]
    residual: Float[Array, "*branches"]
    number: Int[Array, "..."]
    outcome: Int[Array, "..."]

    @property
    def attracts(self) -> Bool[Array, "*branches"]:
        """Stable to changes of kappa that all else follows at once: `slope` below one."""
        return self.exists & (self.slope < 1)

    @property
    def is_stable(self) -> Bool[Array, "*branches"]:
        """Stable to every small perturbation: `growth_rate` below zero."""
        return self.exists & (self.growth_rate < 0)

    def to_xarray(self) -> xr.Dataset:
        """The result by its names, over the dimension `branch` unless one was chosen.

        Results that were batched by `jax.vmap` have no names for their axes: take them apart
        first. Raises `ValueError` for these.
        """
        return branch_dataset(self)


def stationary_branches(statistics: RankOneStatistics, *, throw: bool = True) -> StationaryBranches:
    """Every stationary solution, stable or not, with its stability.

    All lie within |kappa| <= |M_n| + |Sigma_nI|. The equation for kappa, in which the variance
    is solved for, is scanned there with 49 points, denser where the response of the network is
    steepest, and one more in each of their gaps, where a cubic says that a pair of solutions is
    most likely; each change of sign is refined to rounding. Just after a fold, a pair closer than
    about a thousandth of the range can still be missed.

    Of fixed shape: compiled once, batched by `jax.vmap` over statistics, and differentiable (any
    order, forward and reverse) in all of them by the implicit function theorem; derivatives of
    what does not exist are zero. Inside `jax.jit`, `jax.vmap` and `jax.grad` pass `throw=False`
    and look at `outcome`. Raises `NotSolved` when an equation is not solved to 1e-10.

    Where `bulk_radius` exceeds one the network does not rest there: see `chaotic_branches`.
    """
    require_concrete(statistics, throw=throw)
    found = _solve(statistics)
    if throw:
        raise_unless_successful(found.outcome, what="stationary branches", throw=True)
    return found


def stationary_solution(
    statistics: RankOneStatistics, choice: AbstractBranchChoice, *, throw: bool = True
) -> StationaryBranches:
    """The one stationary solution that `choice` names: arrays without the axis of branches.

    Otherwise as `stationary_branches`.
    """
    return chosen_branch(stationary_branches(statistics, throw=throw), choice)


def chosen_branch(branches, choice: AbstractBranchChoice):
    """One of the stationary or chaotic branches, in the same fields without their axis."""
    number = choice.choose(branches.overlap, branches.exists, branches.attracts)
    return jax.tree.map(lambda each: each[number] if each.ndim else each, branches)


def require_concrete(statistics: RankOneStatistics, *, throw: bool) -> None:
    """Raise `ValueError` where `throw` is true inside compiled code, which cannot raise."""
    if throw and any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(statistics)):
        raise ValueError(
            "throw must be False inside jax.jit, jax.grad and jax.vmap, where nothing can be "
            "raised: look at `outcome` of the result"
        )


def overlap_grid(statistics: RankOneStatistics, cells: int) -> Float[Array, " points"]:
    """Where to look for solutions: evenly over their range, and denser where x is near zero.

    Half of the points are even; the other half are spaced as a hyperbolic sine around the
    overlap at which mu^2 + Sigma_m^2 kappa^2 + ... is least.
    """
    s = statistics
    reach = 1.001 * (jnp.abs(s.mean_n) + jnp.abs(s.covariance_n_input)) + 1e-6
    steepness = s.mean_m**2 + s.deviation_m**2 + 1.0 / reach**2
    drive = s.mean_m * s.mean_input + s.covariance_m_input
    centre = jnp.clip(-drive / steepness, -reach, reach)
    scale = 1.0 / jnp.sqrt(steepness)
    across = jnp.arcsinh(2.0 * reach / scale) * jnp.linspace(-1.0, 1.0, cells)
    dense = jnp.clip(centre + scale * jnp.sinh(across), -reach, reach)
    even = reach * jnp.linspace(-1.0, 1.0, cells + 1)
    # Neighbours that coincide are moved apart.
    apart = 1e-9 * reach * jnp.arange(2.0 * cells + 1)
    return jnp.sort(jnp.concatenate([even, dense])) + apart


def branch_dataset(branches) -> xr.Dataset:
    """Fields with their units, over the dimension `branch` where there is more than one."""
    dims = ("branch",) if branches.exists.ndim else ()
    if branches.exists.ndim > 1:
        raise ValueError(
            f"the result must be that of one network, got a batch of shape "
            f"{branches.exists.shape[:-1]}"
        )
    variables = {}
    for name, value in vars(branches).items():
        attributes = {"units": _UNITS[name]} if name in _UNITS else {}
        variables[name] = (dims if np.ndim(value) else (), np.asarray(value), attributes)
    return xr.Dataset(variables)


@eqx.filter_jit
def _solve(statistics: RankOneStatistics) -> StationaryBranches:
    fixed = jax.lax.stop_gradient(statistics)

    def excess(nodes):
        def function(overlap: Scalar) -> Scalar:
            variance = stationary_variance(fixed, overlap, nodes=nodes)
            averages = tanh_averages(mean_of(fixed, overlap), variance, order=1, nodes=nodes)
            return next_overlap(fixed, averages) - overlap

        return function

    found = crossings(excess(SCAN_NODES), overlap_grid(fixed, _CELLS), maximum=MAXIMUM_BRANCHES)

    def refine(*bracket):
        overlap = bracketed_root(excess(SCAN_NODES), *bracket, tolerance=1e-6)
        begin = jnp.stack([overlap, stationary_variance(fixed, overlap)])
        return polished(stationary_residual, stationary_jacobian, fixed, begin, steps=4)

    solved = jax.vmap(refine)(found.lower, found.upper, found.lower_value, found.upper_value)
    described = jax.vmap(lambda y, exists: _describe(statistics, y, exists))(solved, found.exists)
    outcome = jnp.where(
        jnp.all(described["residual"] <= RESIDUAL_TOLERANCE, where=found.exists),
        Outcome.SUCCESSFUL.value,
        Outcome.MAXIMUM_STEPS_REACHED.value,
    )
    outcome = jnp.where(found.is_finite, outcome, Outcome.NOT_FINITE.value)
    shown = {name: jnp.where(found.exists, value, jnp.nan) for name, value in described.items()}
    return StationaryBranches(exists=found.exists, **shown, number=found.number, outcome=outcome)


def _describe(statistics, unknown, exists) -> dict[str, Scalar]:
    solved = attach_implicit_derivatives(
        stationary_residual, stationary_jacobian, statistics, unknown, exists
    )
    overlap, variance = solved
    mean = mean_of(statistics, overlap)
    averages = tanh_averages(mean, variance, order=2)
    linear = linearisation(statistics, overlap, averages)
    outlier, radius = linear.outlier, bulk_radius(statistics, averages)
    left = stationary_residual(statistics, solved)
    return {
        "overlap": overlap,
        "mean": mean,
        "variance": variance,
        "activity": averages.activity,
        "gain": averages.gain,
        "outlier": outlier.growth_rate,
        "outlier_frequency": outlier.angular_frequency,
        "bulk_radius": radius,
        "growth_rate": jnp.maximum(outlier.growth_rate, radius) - 1.0,
        "slope": linear.slope,
        "residual": maximum_norm(left) / jnp.maximum(1.0, variance),
    }


__all__ = [
    "MAXIMUM_BRANCHES",
    "StationaryBranches",
    "branch_dataset",
    "chosen_branch",
    "overlap_grid",
    "require_concrete",
    "stationary_branches",
    "stationary_solution",
]
