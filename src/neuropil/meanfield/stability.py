"""Whether self-consistent rates are stable: for the iteration, and for the rate dynamics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield.batches import is_stacked, map_states, spread_strengths
from neuropil.meanfield.contraction import sparse_matrix
from neuropil.meanfield.linearisation import effective_weights, transfer_slope
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import Scalar, State

LARGEST_DENSE_EIGENPROBLEM = 500
EIGENVALUES_SOUGHT = 6


class FixedPointStability(eqx.Module):
    """Stability of fixed points E = E0 + g W r(E), by the eigenvalues of A = g W diag(r'(E)).

    `spectral_radius` is the largest modulus: below one, the iteration E <- E0 + g W r(E) returns
    after a small perturbation. `largest_real_part` below one means that the rate dynamics tau
    dE/dt = -E + E0 + g W r(E) do. The second follows from the first, not the other way round.
    """

    spectral_radius: Float[Array, "*batch"]
    largest_real_part: Float[Array, "*batch"]
    stable_for_iteration: Bool[Array, "*batch"]
    stable_for_dynamics: Bool[Array, "*batch"]
    outcome: Int[Array, "*batch"]


def fixed_point_stability(
    network: RateNetwork,
    input: Float[Array, "*batch neurons"],
    strength: Float[Array, "*batch"] | None = None,
    *,
    throw: bool = True,
) -> FixedPointStability:
    """Stability of fixed points, labelled for the iteration and for the rate dynamics.

    `input` holds fixed points of the network at `strength` (default: its own), for instance
    `input` and `strength` of `SelfConsistentRates`, or the states and parameters of a branch; a
    stacked network goes with a leading network axis. Dense weights give all eigenvalues, in
    compiled code; with others, Arnoldi iteration finds the outermost ones on the host.

    Raises `ValueError` when `input` does not fit the network, and `NotSolved` when the Arnoldi
    iteration does not converge and `throw` is true.
    """
    if isinstance(network.weights, DenseWeights):
        radius, real_part = _all_eigenvalues(network, input, strength)
        outcome = jnp.zeros_like(radius, int)
    else:
        radius, real_part, outcome = _outermost_eigenvalues(network, input, strength)
        if throw:
            raise_unless_successful(outcome, what="stability of fixed points", throw=True)
    return FixedPointStability(radius, real_part, radius < 1, real_part < 1, outcome)


@eqx.filter_jit
def _all_eigenvalues(network, input, strength):
    def extremes(one: RateNetwork, state: State) -> tuple[Scalar, Scalar]:
        eigenvalues = jnp.linalg.eigvals(effective_weights(one, state))
        return jnp.max(jnp.abs(eigenvalues)), jnp.max(eigenvalues.real)

    memory = 3 * network.weights.n_neurons**2
    return map_states(extremes, network, input, strength, memory=memory)


def _outermost_eigenvalues(network, input, strength):
    if is_stacked(network):
        raise ValueError("stacked networks must have dense weights, got sparse ones")
    matrix = sparse_matrix(network.weights)
    strengths = np.asarray(spread_strengths(network, input, strength)).reshape(-1)
    states = input.reshape(strengths.size, -1)
    slopes = np.asarray(jax.vmap(lambda state: transfer_slope(network, state))(states))
    found = [_extremes(g, matrix, s) for g, s in zip(strengths, slopes, strict=True)]
    shaped = (np.reshape(column, input.shape[:-1]) for column in zip(*found, strict=True))
    return tuple(jnp.asarray(column) for column in shaped)


def _extremes(
    strength: float, matrix: scipy.sparse.csr_array, slope: Float[np.ndarray, " neurons"]
) -> tuple[float, float, int]:
    """Spectral radius and largest real part of g W diag(r'), and the outcome."""
    n = slope.size
    if n <= LARGEST_DENSE_EIGENPROBLEM:
        eigenvalues = np.linalg.eigvals(strength * matrix.toarray() * slope)
        return float(np.abs(eigenvalues).max()), float(eigenvalues.real.max()), Outcome.SUCCESSFUL
    product = scipy.sparse.linalg.LinearOperator(
        (n, n), matvec=lambda x: strength * (matrix @ (slope * x.reshape(n))), dtype=float
    )

    def outermost(which: str) -> np.ndarray:
        return scipy.sparse.linalg.eigs(
            product, k=EIGENVALUES_SOUGHT, which=which, v0=np.ones(n), return_eigenvectors=False
        )

    try:
        largest, rightmost = outermost("LM"), outermost("LR")
    except scipy.sparse.linalg.ArpackNoConvergence:
        return np.nan, np.nan, Outcome.MAXIMUM_STEPS_REACHED
    return float(np.abs(largest).max()), float(rightmost.real.max()), Outcome.SUCCESSFUL


__all__ = ["FixedPointStability", "fixed_point_stability"]
