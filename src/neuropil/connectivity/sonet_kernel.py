"""The kernel of a large second-order network (SONET), over the in-variables of its neurons."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.connectivity.bivariate_normal import correlation_from_excess, threshold_of
from neuropil.connectivity.kernel import StepKernel


def _scalar() -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float))


class SonetKernel(eqx.Module):
    """Probability of an edge between two neurons of known in-variables, in a large SONET.

    In the Gaussian-threshold form of a SONET (Zhao, Beverlin, Netoff and Nykamp, Front. Comput.
    Neurosci. 5:28, 2011) neuron i has an in-variable x_i and an out-variable y_i, normal with
    variances rho_conv and rho_div and covariance rho_chain, and the edge from j to i exists when
    x_i + y_j + (private noise) exceeds h; the latent variable has variance 1. Given the sender's
    in-variable x', its y is normal with mean kappa x', kappa = rho_chain / rho_conv, and variance
    rho_div - kappa^2 rho_conv. Averaging over it leaves

        w(x, x') = Phi((x + kappa x' - h) / sqrt(1 - rho_conv - kappa^2 rho_conv)),

    in which rho_div has cancelled; edge pairs (reciprocal) never entered.

    `threshold` is h, `in_variance` rho_conv, `chain_slope` kappa.
    """

    threshold: Float[Array, ""] = _scalar()
    in_variance: Float[Array, ""] = _scalar()
    chain_slope: Float[Array, ""] = _scalar()

    def __call__(
        self, receiver: Float[Array, " receivers"], sender: Float[Array, " senders"]
    ) -> Float[Array, "receivers senders"]:
        """Probability of the edge to in-variable `receiver` from in-variable `sender`."""
        private = 1.0 - self.in_variance * (1.0 + self.chain_slope**2)
        latent = receiver[:, None] + self.chain_slope * sender[None, :] - self.threshold
        return jax.scipy.stats.norm.cdf(latent / jnp.sqrt(private))


def sonet_kernel(connection_probability: float, convergent: float, chain: float) -> SonetKernel:
    """The kernel of a SONET from its statistics: p, alpha_conv and alpha_chain.

    Two edges onto one neuron are both present with probability p^2 (1 + convergent), two
    edges in a chain with p^2 (1 + chain). Raises `ValueError` when no network of any
    alpha_div has these statistics.
    """
    p = connection_probability
    threshold = threshold_of(p)
    if convergent < 0:
        raise ValueError(f"convergent must not be negative, got {convergent}")
    in_variance = correlation_from_excess(convergent, p)
    covariance = correlation_from_excess(chain, p)
    if in_variance == 0:
        if chain != 0:
            raise ValueError(f"chain must be 0 when convergent is 0, got {chain}")
        return SonetKernel(*map(jnp.asarray, (threshold, 0.0, 0.0)))
    slope = covariance / in_variance
    if in_variance * (1 + slope**2) >= 1:
        largest = np.sqrt(in_variance * (1 - in_variance))
        raise ValueError(
            f"chain is {chain}, a latent covariance of {covariance:.6g}: with convergent = "
            f"{convergent} and p = {p} it must stay strictly within {-largest:.6g} to {largest:.6g}"
        )
    return SonetKernel(*map(jnp.asarray, (threshold, in_variance, slope)))


def in_variable_nodes(
    kernel: SonetKernel, nodes: int
) -> tuple[Float[Array, " nodes"], Float[np.ndarray, " nodes"]]:
    """Gauss-Hermite nodes and probabilities of the in-variable: one node when it does not vary.

    Raises `ValueError` when `nodes` is below 1.
    """
    if nodes < 1:
        raise ValueError(f"nodes must be at least 1, got {nodes}")
    variance = float(kernel.in_variance)
    normal, weights = np.polynomial.hermite_e.hermegauss(nodes if variance > 0 else 1)
    return jnp.asarray(np.sqrt(variance) * normal), weights / weights.sum()


def sonet_step_kernel(
    connection_probability: float,
    convergent: float,
    chain: float,
    *,
    total_strength: float,
    nodes: int = 24,
) -> StepKernel:
    """What neurons of a large SONET receive from each other, one type a node of the in-variable.

    The limit of `sonet(N, connection_probability, ..., weight=total_strength / N)`: the value is
    `total_strength` (mV) times the probability of an edge (`SonetKernel`), the measure that of
    the in-variable, from low to high. alpha_div and alpha_recip drop out. Raises `ValueError`
    for statistics that no network has, fewer than 1 node or a strength that is not finite.
    """
    if not np.isfinite(total_strength):
        raise ValueError(f"total_strength must be finite, got {total_strength}")
    kernel = sonet_kernel(connection_probability, convergent, chain)
    variable, probability = in_variable_nodes(kernel, nodes)
    return StepKernel(total_strength * kernel(variable, variable), jnp.asarray(probability))


__all__ = ["SonetKernel", "in_variable_nodes", "sonet_kernel", "sonet_step_kernel"]
