"""Dynamic mean-field theory of networks of rank one: its stationary equations and stability.

For tau dx/dt = -x + J tanh(x) + I with J = g chi + m n^T / N and N to infinity, each x_i is at
rest at a normal variable (over neurons) of mean mu and variance Delta_0, and with the overlap
kappa = <n phi(x)> (Mastrogiuseppe and Ostojic 2018)

    mu      = M_m kappa + M_I
    Delta_0 = g^2 <phi^2> + Sigma_m^2 kappa^2 + 2 Sigma_mI kappa + Sigma_I^2
    kappa   = M_n <phi> + Sigma_nI <phi'>.

For given kappa there is one Delta_0, except where both mu and the structured variance (all of
Delta_0 but its first term) vanish: with f = tanh^2 the elasticity of <f>, that is
Delta <f>' / <f> = <(x - mu) f'> / (2 <f>), is below one, since x f' < 2 f and mu <f'> >= 0; so
Delta_0 - g^2 <phi^2> - S changes its sign once. All solutions are therefore the roots of one
function of kappa.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits import RankOneStatistics
from neuropil.circuits.linear import LeadingEigenvalue, leading_eigenvalue
from neuropil.circuits.rank_one import ratio
from neuropil.meanfield.tanh_averages import NODES, TanhAverages, tanh_averages
from neuropil.types import Scalar

_MAXIMUM_STEPS = 60
# Relative. Newton's method squares it in the step that is then already taken.
_LAST_CHANGE = 1e-8


class Linearisation(NamedTuple):
    """How both equations answer to small changes, around a solution or elsewhere.

    `overlap_by_mean` is M_n <phi'> + Sigma_nI <phi''>, the derivative of the next overlap in mu;
    `overlap_by_variance` is M_n <phi''> + Sigma_nI <phi'''>, twice that in Delta_0; `along_m` is
    Sigma_m^2 kappa + Sigma_mI; `square_by_mean` is g^2 <phi phi'>, half the derivative of the
    next Delta_0 in mu, and `square_by_variance` is g^2 <phi'^2 + phi phi''>, that in Delta_0.
    """

    mean_m: Scalar
    along_m: Scalar
    overlap_by_mean: Scalar
    overlap_by_variance: Scalar
    square_by_mean: Scalar
    square_by_variance: Scalar

    @property
    def jacobian(self) -> Float[Array, "2 2"]:
        """Of `stationary_residual` in (kappa, Delta_0)."""
        return _matrix(
            self.mean_m * self.overlap_by_mean - 1.0,
            0.5 * self.overlap_by_variance,
            2.0 * (self.mean_m * self.square_by_mean + self.along_m),
            self.square_by_variance - 1.0,
        )

    @property
    def slope(self) -> Scalar:
        """Derivative of the next overlap in kappa when the variance follows."""
        by_overlap = self.mean_m * self.square_by_mean + self.along_m
        half_following = by_overlap / (1.0 - self.square_by_variance)
        return self.mean_m * self.overlap_by_mean + self.overlap_by_variance * half_following

    @property
    def outlier(self) -> LeadingEigenvalue:
        """The eigenvalue that the rank-one part adds to J diag(phi').

        A perturbation e^{(Lambda - 1) t / tau} v leaves (x, v) jointly normal over neurons, with
        v = (m kappa_1 + xi) / Lambda, where xi is what the random part passes on and kappa_1 the
        change of the overlap. With a = <v> and rho the covariance of x and v, Stein's lemma gives

            Lambda a   = M_m kappa_1
            Lambda rho = (Sigma_m^2 kappa + Sigma_mI) kappa_1
                         + g^2 (<phi phi'> a + <phi'^2 + phi phi''> rho)
            kappa_1    = (M_n <phi'> + Sigma_nI <phi''>) a
                         + (M_n <phi''> + Sigma_nI <phi'''>) rho,

        an eigenproblem of two by two. It takes into account that x depends on chi. Lambda = 1 is
        where branches meet.
        """
        return leading_eigenvalue(
            _matrix(
                self.mean_m * self.overlap_by_mean,
                self.mean_m * self.overlap_by_variance,
                self.along_m * self.overlap_by_mean + self.square_by_mean,
                self.along_m * self.overlap_by_variance + self.square_by_variance,
            )
        )


def _matrix(a: Scalar, b: Scalar, c: Scalar, d: Scalar) -> Float[Array, "2 2"]:
    return jnp.stack([a, b, c, d]).reshape(2, 2)


def mean_of(statistics: RankOneStatistics, overlap: Scalar) -> Scalar:
    """mu = M_m kappa + M_I."""
    return statistics.mean_m * overlap + statistics.mean_input


def structured_variance(statistics: RankOneStatistics, overlap: Scalar) -> Scalar:
    """Sigma_m^2 kappa^2 + 2 Sigma_mI kappa + Sigma_I^2, as a sum of squares."""
    s = statistics
    along_m = s.deviation_m * overlap + ratio(s.covariance_m_input, s.deviation_m)
    along_n = ratio(s.covariance_n_input, s.deviation_n)
    return along_m**2 + along_n**2 + s.deviation_input**2


def next_overlap(statistics: RankOneStatistics, averages: TanhAverages) -> Scalar:
    """M_n <phi> + Sigma_nI <phi'>; the averages must be of order 1 or more."""
    covariance = statistics.covariance_n_input
    return statistics.mean_n * averages.activity + covariance * averages.gain


def next_variance(statistics: RankOneStatistics, overlap: Scalar, averages: TanhAverages) -> Scalar:
    """g^2 <phi^2> and the structured variance; the averages must be of order 1 or more."""
    random = statistics.strength**2 * averages.square
    return random + structured_variance(statistics, overlap)


def stationary_variance(
    statistics: RankOneStatistics, overlap: Scalar, *, nodes: int = NODES
) -> Scalar:
    """The Delta_0 that goes with an overlap: the root of Delta - g^2 <phi^2> - S.

    Where mu and S both vanish, zero is a root too and the larger one is returned, which is what
    the least input leaves. Newton's method, kept within the bracket from S to S + g^2. The
    result is not to be differentiated; `stationary_branches` attaches derivatives.
    """
    mean, fixed = mean_of(statistics, overlap), structured_variance(statistics, overlap)
    random = statistics.strength**2

    def proceed(carry):
        _, _, _, change, steps = carry
        return (jnp.abs(change) > _LAST_CHANGE) & (steps < _MAXIMUM_STEPS)

    def step(carry):
        lower, upper, variance, _, steps = carry
        averages = tanh_averages(mean, variance, order=2, nodes=nodes)
        excess = variance - random * averages.square - fixed
        lower = jnp.where(excess < 0, variance, lower)
        upper = jnp.where(excess < 0, upper, variance)
        newton = variance - excess / (1.0 - random * averages.square_slope)
        is_inside = (newton >= lower) & (newton <= upper)
        following = jnp.where(is_inside, newton, 0.5 * (lower + upper))
        return lower, upper, following, (following - variance) / (1e-300 + variance), steps + 1

    middle = fixed + 0.5 * random
    begin = (fixed, fixed + random, middle, jnp.ones_like(middle), jnp.asarray(0))
    return jax.lax.while_loop(proceed, step, begin)[2]


def stationary_residual(
    statistics: RankOneStatistics, unknown: Float[Array, "2"]
) -> Float[Array, "2"]:
    """What is left of the equations for kappa and Delta_0 at (kappa, Delta_0); zero if solved."""
    overlap, variance = unknown
    # One order more than is needed: where the Jacobian is wanted too, both share the averages.
    averages = tanh_averages(mean_of(statistics, overlap), variance, order=2)
    return jnp.stack(
        [
            next_overlap(statistics, averages) - overlap,
            next_variance(statistics, overlap, averages) - variance,
        ]
    )


def linearisation(
    statistics: RankOneStatistics, overlap: Scalar, averages: TanhAverages
) -> Linearisation:
    """Of the stationary equations at an overlap; the averages must be of order 2 or more."""
    s, random = statistics, statistics.strength**2
    covariance = s.covariance_n_input
    return Linearisation(
        mean_m=s.mean_m,
        along_m=s.deviation_m**2 * overlap + s.covariance_m_input,
        overlap_by_mean=s.mean_n * averages.gain + covariance * averages.curvature,
        overlap_by_variance=s.mean_n * averages.curvature + covariance * averages.third_derivative,
        square_by_mean=random * averages.activity_gain,
        square_by_variance=random * averages.square_slope,
    )


def stationary_jacobian(
    statistics: RankOneStatistics, unknown: Float[Array, "2"]
) -> Float[Array, "2 2"]:
    """Derivative of `stationary_residual` in (kappa, Delta_0)."""
    overlap, variance = unknown
    averages = tanh_averages(mean_of(statistics, overlap), variance, order=2)
    return linearisation(statistics, overlap, averages).jacobian


def bulk_radius(statistics: RankOneStatistics, averages: TanhAverages) -> Scalar:
    """g sqrt(<phi'^2>); the averages must be of order 2 or more."""
    # <phi'^2> leaves the range of floating point where all neurons saturate.
    return statistics.strength * jnp.sqrt(averages.squared_gain + 1e-300)


__all__ = [
    "Linearisation",
    "bulk_radius",
    "linearisation",
    "mean_of",
    "next_overlap",
    "next_variance",
    "stationary_jacobian",
    "stationary_residual",
    "stationary_variance",
    "structured_variance",
]
