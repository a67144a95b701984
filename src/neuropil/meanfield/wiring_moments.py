"""The few numbers of a network's wiring from which its heterogeneity of rates follows."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Float
from scipy.special import ndtri

Moment = Float[Array, "..."]


def _moment(**default: Any) -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float), **default)


class WiringMoments(eqx.Module):
    """Moments of a weight matrix `weights[post, pre]` over its neurons.

    In-strength is the sum of a neuron's row, out-strength that of its column; with weights of 1
    they are in- and out-degree. The last four describe what the strengths of single neurons do
    not: with them left at 0, only mean and variance of in-strength enter a prediction.

    - `mean_in_strength`, `variance_in_strength`, `third_moment_in_strength` (central);
    - `covariance_in_out`: covariance of a neuron's in- and out-strength (chains and reciprocal
      connections make it positive);
    - `residual_variance`: Q, the sum over a row of the variance of single weights that row and
      column effects leave unexplained. Its square root is the radius of the random part of the
      spectrum; in an Erdos-Renyi graph Q equals the variance of in-degree;
    - `residual_reciprocity`: R, the sum over a row of the residual covariance of weights[i, j]
      and weights[j, i];
    - `partner_covariance`: P, the covariance of a neuron's in-strength with the summed,
      weighted in-strength deviation of its presynaptic partners (in-in assortativity).

    Units: powers of the unit of the weights. All are scalars (or batched by `jax.vmap`).
    """

    mean_in_strength: Moment = _moment()
    variance_in_strength: Moment = _moment()
    third_moment_in_strength: Moment = _moment(default=0.0)
    covariance_in_out: Moment = _moment(default=0.0)
    residual_variance: Moment = _moment(default=0.0)
    residual_reciprocity: Moment = _moment(default=0.0)
    partner_covariance: Moment = _moment(default=0.0)


def wiring_moments(
    weights: scipy.sparse.sparray | scipy.sparse.spmatrix | np.ndarray,
) -> WiringMoments:
    """The moments of a given weight matrix, in time linear in its entries.

    Row and column effects are those of the least-squares fit of mean + row + column to the
    entries off the diagonal; residual moments leave the diagonal out. Raises `ValueError` unless
    `weights` is square with at least three rows.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.shape[0] < 3:
        raise ValueError(
            f"weights must be a square matrix of at least 3 neurons, got shape {weights.shape}"
        )
    matrix = scipy.sparse.csr_array(weights).astype(float)
    in_strength, out_strength = matrix.sum(axis=1), matrix.sum(axis=0)
    mean = in_strength.mean()
    in_deviation = in_strength - mean
    variance, reciprocity = _residual_moments(matrix)
    return WiringMoments(
        mean_in_strength=mean,
        variance_in_strength=np.mean(in_deviation**2),
        third_moment_in_strength=np.mean(in_deviation**3),
        covariance_in_out=np.mean(in_deviation * (out_strength - mean)),
        residual_variance=variance,
        residual_reciprocity=reciprocity,
        partner_covariance=np.mean(in_deviation * (matrix @ in_deviation)),
    )


def _residual_moments(matrix: scipy.sparse.csr_array) -> tuple[Any, Any]:
    """Q and R of `WiringMoments`: sums over pairs of residuals, for each neuron."""
    n = matrix.shape[0]
    diagonal = matrix.diagonal()
    incoming, outgoing = matrix.sum(axis=1) - diagonal, matrix.sum(axis=0) - diagonal
    mean = incoming.sum() / (n * (n - 1))
    incoming, outgoing = incoming - incoming.mean(), outgoing - outgoing.mean()
    # Normal equations of the fit without a diagonal: incoming = (n - 1) row - column, and the
    # same with row and column exchanged.
    row = ((n - 1) * incoming + outgoing) / (n * (n - 2))
    column = ((n - 1) * outgoing + incoming) / (n * (n - 2))
    squared, crossed = row @ row + column @ column, row @ column
    level = n * (n - 1) * mean**2
    fitted_square = level + (n - 1) * squared - 2 * crossed
    fitted_mutual = level + 2 * (n - 1) * crossed - squared
    square = matrix.multiply(matrix).sum() - diagonal @ diagonal
    mutual = matrix.multiply(matrix.T).sum() - diagonal @ diagonal
    return (square - fitted_square) / n, (mutual - fitted_mutual) / n


def random_graph_moments(
    neurons: int,
    connection_probability: float,
    *,
    presynaptic_weight: float | Float[np.ndarray, " sources"] = 1.0,
    reciprocal: float = 0.0,
    convergent: float = 0.0,
    divergent: float = 0.0,
    chain: float = 0.0,
) -> WiringMoments:
    """Expected moments of an Erdos-Renyi graph or a second-order network (SONET).

    `reciprocal`, `convergent`, `divergent`, `chain` are the alphas of Zhao et al. 2011
    (Front. Comput. Neurosci. 5:28): two edges in that motif are both present with probability
    p^2 (1 + alpha); all 0 is Erdos-Renyi. `presynaptic_weight` is the weight of all connections
    that leave a neuron: one number, or one for each neuron of a typical sample (for instance
    +1 for the excitatory and -4 for the inhibitory ones); types are assigned independently of
    the graph.

    Means and covariances are exact over the ensemble. The third moment and the partner
    covariance of a SONET are those of its Gaussian-threshold representation to second order in
    the correlations: with h the threshold and phi the normal density they scale with
    h p / phi(h). Raises `ValueError` when an argument is out of range.
    """
    p = connection_probability
    if neurons < 3:
        raise ValueError(f"neurons must be at least 3, got {neurons}")
    if not 0 < p < 1:
        raise ValueError(f"connection_probability must lie strictly between 0 and 1, got {p}")
    alphas = {
        "reciprocal": reciprocal, "convergent": convergent, "divergent": divergent, "chain": chain
    }  # fmt: skip
    for name, alpha in alphas.items():
        if not -1 <= alpha <= 1 / p - 1:
            raise ValueError(
                f"{name} must lie between -1 and 1/p - 1 = {1 / p - 1:.6g}, got {alpha}"
            )
    weight = np.atleast_1d(np.asarray(presynaptic_weight, float))
    if weight.size == 0 or not np.all(np.isfinite(weight)):
        raise ValueError("presynaptic_weight must hold finite numbers")
    first, second, third = (np.mean(weight**power) for power in (1, 2, 3))
    sources = neurons - 1
    pairs = sources * (neurons - 2)
    threshold = -ndtri(p)
    bend = threshold * p * np.sqrt(2 * np.pi) * np.exp(threshold**2 / 2)
    shared = sources * p**2
    return WiringMoments(
        mean_in_strength=sources * p * first,
        variance_in_strength=sources * p * (1 - p) * second + pairs * p**2 * convergent * first**2,
        third_moment_in_strength=(
            sources * p * (1 - p) * (1 - 2 * p) * third
            + 3 * pairs * p**2 * (1 - 2 * p) * convergent * first * second
            + 3 * bend * (sources * p * first) ** 3 * convergent**2
        ),
        # A neuron does not project to itself, so it misses its own type among its inputs.
        covariance_in_out=(
            first**2 * (shared * reciprocal + pairs * p**2 * chain) - shared * (second - first**2)
        ),
        residual_variance=(
            second * (sources * p * (1 - p) - shared * (convergent + divergent))
            + (second - first**2) * shared * convergent
        ),
        residual_reciprocity=first**2 * shared * (reciprocal - 2 * chain),
        partner_covariance=bend * (sources * p * first) ** 3 * convergent * chain,
    )


__all__ = ["WiringMoments", "random_graph_moments", "wiring_moments"]
