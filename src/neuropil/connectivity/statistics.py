"""Degrees and second-order motifs of a connectome, in time linear in its edges.

Notation as in Zhao, Beverlin, Netoff and Nykamp, "Synchronization from second order network
connectivity statistics", Front. Comput. Neurosci. 5:28 (2011): p is the probability that a given
ordered pair is connected, and the probability that both edges of a given motif exist is
p^2 (1 + alpha), so that alpha = 0 where edges are independent.
"""

from typing import no_type_check

import equinox as eqx
import numba
import numpy as np
from jaxtyping import Float, Integer

from neuropil.connectivity.connectome import Connectome


class DegreeStatistics(eqx.Module):
    """In- and out-degrees of each neuron, weighted and not, and their moments over neurons.

    Degrees count partners other than the neuron itself. Strengths are sums of weights, self-loops
    included. Variances and covariances are those of the population (divided by its size).
    """

    in_degrees: Integer[np.ndarray, " neurons"]
    out_degrees: Integer[np.ndarray, " neurons"]
    in_strengths: Float[np.ndarray, " neurons"]
    out_strengths: Float[np.ndarray, " neurons"]
    mean_degree: float
    variance_in_degree: float
    variance_out_degree: float
    covariance_in_out_degree: float
    mean_strength: float
    variance_in_strength: float
    variance_out_strength: float
    covariance_in_out_strength: float


class Motifs(eqx.Module):
    """How often each second-order motif occurs, and the alpha that this amounts to.

    For the binary graph without self-loops. `reciprocal` counts unordered pairs connected both
    ways; `convergent` two neurons onto one, `divergent` one onto two, `chain` one onto a second
    onto a third, over three different neurons. A connectome without edges, or too small for a
    motif, has alpha `nan`.
    """

    n_neurons: int
    n_edges: int
    reciprocal: int
    convergent: int
    divergent: int
    chain: int
    p: float
    alpha_reciprocal: float
    alpha_convergent: float
    alpha_divergent: float
    alpha_chain: float


class DegreeMoments(eqx.Module):
    """First and second moments of in- and out-degree of one neuron."""

    mean: float
    variance_in: float
    variance_out: float
    covariance: float


class MotifErrors(eqx.Module):
    """Standard deviations of the four alpha over Erdos-Renyi graphs of one size and density."""

    reciprocal: float
    convergent: float
    divergent: float
    chain: float


def degree_statistics(connectome: Connectome) -> DegreeStatistics:
    """Degrees and strengths of all neurons, and their moments over neurons."""
    n = connectome.n_neurons
    if n == 0:
        raise ValueError("connectome has no neurons, so no degrees")
    loops = np.zeros(n, np.int64)
    in_strengths, out_strengths = np.zeros(n), np.zeros(n)
    _add_strengths(
        connectome.row_start,
        connectome.presynaptic,
        connectome.weights,
        in_strengths,
        out_strengths,
        loops,
    )
    in_degrees = connectome.in_degrees - loops
    out_degrees = connectome.out_degrees - loops
    degree_covariance = np.cov(in_degrees, out_degrees, ddof=0)
    strength_covariance = np.cov(in_strengths, out_strengths, ddof=0)
    return DegreeStatistics(
        in_degrees,
        out_degrees,
        in_strengths,
        out_strengths,
        mean_degree=float(in_degrees.mean()),
        variance_in_degree=float(degree_covariance[0, 0]),
        variance_out_degree=float(degree_covariance[1, 1]),
        covariance_in_out_degree=float(degree_covariance[0, 1]),
        mean_strength=float(in_strengths.mean()),
        variance_in_strength=float(strength_covariance[0, 0]),
        variance_out_strength=float(strength_covariance[1, 1]),
        covariance_in_out_strength=float(strength_covariance[0, 1]),
    )


def motif_statistics(connectome: Connectome) -> Motifs:
    """Counts and normalised frequencies of the four second-order motifs.

    With in- and out-degrees d_in and d_out: convergent is the sum of d_in (d_in - 1) / 2,
    divergent the same with d_out, chain the sum of d_in d_out minus tr W^2, and reciprocal
    tr W^2 / 2. No product of matrices is formed: time is linear in the edges, and the memory
    needed beside the connectome is linear in the neurons.
    """
    n = connectome.n_neurons
    loops = np.zeros(n, np.int64)
    reciprocal = int(_reciprocal_pairs(connectome.row_start, connectome.presynaptic, loops))
    in_degrees = connectome.in_degrees.astype(np.int64) - loops
    out_degrees = connectome.out_degrees - loops
    edges = int(in_degrees.sum())
    convergent = int(np.sum(in_degrees * (in_degrees - 1))) // 2
    divergent = int(np.sum(out_degrees * (out_degrees - 1))) // 2
    chain = int(np.sum(in_degrees * out_degrees)) - 2 * reciprocal
    pairs, triples = n * (n - 1), n * (n - 1) * (n - 2)
    p = edges / pairs if pairs else np.nan

    def alpha(count: int, possible: int) -> float:
        if not possible or not edges:
            return np.nan
        return count / possible / p**2 - 1

    return Motifs(
        n,
        edges,
        reciprocal,
        convergent,
        divergent,
        chain,
        p=float(p),
        alpha_reciprocal=alpha(reciprocal, pairs // 2),
        alpha_convergent=alpha(convergent, triples // 2),
        alpha_divergent=alpha(divergent, triples // 2),
        alpha_chain=alpha(chain, triples),
    )


def expected_degree_moments(
    n_neurons: int,
    p: float,
    *,
    reciprocal: float = 0.0,
    convergent: float = 0.0,
    divergent: float = 0.0,
    chain: float = 0.0,
) -> DegreeMoments:
    """Moments of the degrees in a graph with connection probability p and the four alpha.

    E d = (N-1) p;  Var d_in = (N-1) p (1-p) + (N-1)(N-2) p^2 alpha_conv, Var d_out the same with
    alpha_div;  Cov(d_in, d_out) = (N-1) p^2 alpha_recip + (N-1)(N-2) p^2 alpha_chain. They follow
    from the definition of alpha alone, so they also tie the moments of one graph over its neurons
    to its own p and alpha. Raises `ValueError` when `n_neurons` or p is out of range.
    """
    if n_neurons < 1:
        raise ValueError(f"n_neurons must be at least 1, got {n_neurons}")
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie between 0 and 1, got {p}")
    others = n_neurons - 1
    pairs = others * (n_neurons - 2) * p**2
    independent = others * p * (1 - p)
    return DegreeMoments(
        mean=float(others * p),
        variance_in=float(independent + pairs * convergent),
        variance_out=float(independent + pairs * divergent),
        covariance=float(others * p**2 * reciprocal + pairs * chain),
    )


def erdos_renyi_motif_errors(n_neurons: int, p: float) -> MotifErrors:
    """By how much the four alpha of an Erdos-Renyi graph scatter around 0, to leading order.

    Written in x = W - p, each alpha is, with p estimated from the same graph, the mean of the
    products x x' over the M motifs of its kind: these are uncorrelated with variance
    p^2 (1-p)^2, so the standard deviation is (1-p) / (p sqrt(M)). Raises `ValueError` for fewer
    than 3 neurons or p outside (0, 1].
    """
    if n_neurons < 3:
        raise ValueError(f"n_neurons must be at least 3, got {n_neurons}")
    if not 0 < p <= 1:
        raise ValueError(f"p must lie above 0 and at most at 1, got {p}")
    pairs = n_neurons * (n_neurons - 1)
    triples = pairs * (n_neurons - 2)
    one = (1 - p) / p
    return MotifErrors(
        reciprocal=float(one / np.sqrt(pairs / 2)),
        convergent=float(one / np.sqrt(triples / 2)),
        divergent=float(one / np.sqrt(triples / 2)),
        chain=float(one / np.sqrt(triples)),
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add_strengths(row_start, presynaptic, weights, in_strengths, out_strengths, loops):
    for row in range(row_start.size - 1):
        for edge in range(row_start[row], row_start[row + 1]):
            in_strengths[row] += weights[edge]
            out_strengths[presynaptic[edge]] += weights[edge]
            loops[row] += presynaptic[edge] == row


@numba.njit(cache=True, nogil=True)
@no_type_check
def _reciprocal_pairs(row_start, presynaptic, loops):
    # Rows are visited in ascending order, so the search for `row` in the row of each partner
    # goes on where the last one stopped: every row is walked through once.
    reached = row_start[:-1].copy()
    pairs = 0
    for row in range(row_start.size - 1):
        for edge in range(row_start[row], row_start[row + 1]):
            partner = presynaptic[edge]
            if partner >= row:
                loops[row] += partner == row
                continue
            end = row_start[partner + 1]
            while reached[partner] < end and presynaptic[reached[partner]] < row:
                reached[partner] += 1
            if reached[partner] < end and presynaptic[reached[partner]] == row:
                pairs += 1
    return pairs


__all__ = [
    "DegreeMoments",
    "DegreeStatistics",
    "MotifErrors",
    "Motifs",
    "degree_statistics",
    "erdos_renyi_motif_errors",
    "expected_degree_moments",
    "motif_statistics",
]
