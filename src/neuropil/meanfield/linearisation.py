"""A rate network linearised around a state: I - g W diag(r'(E)), and systems with it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Array, Float

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.types import State

KRYLOV_DIMENSION = 30
KRYLOV_RESTARTS = 20

LinearMap = Callable[[State], State]


def transfer_slope(network: RateNetwork, state: State) -> State:
    """r'(E) of each neuron, in spikes/ms per mV; the transfer function acts element by element."""
    return jax.jvp(network.transfer, (state,), (jnp.ones_like(state),))[1]


def effective_weights(network: RateNetwork, state: State) -> Float[Array, "neurons neurons"]:
    """g W diag(r'(E)): the derivative of the iteration, as a full matrix.

    Raises `ValueError` for weights that are not dense.
    """
    if not isinstance(network.weights, DenseWeights):
        raise ValueError(
            f"network.weights must be DenseWeights for a full matrix, "
            f"got {type(network.weights).__name__}"
        )
    return network.strength * network.weights.matrix * transfer_slope(network, state)[None, :]


def solve_linearised(
    network: RateNetwork, state: State, right_hand_side: State, *, tolerance: float
) -> State:
    """Solve (I - g W diag(r'(E))) x = b: directly for dense weights, by GMRES for others.

    `tolerance` is the relative accuracy asked of GMRES; it is not checked here.
    """
    if isinstance(network.weights, DenseWeights):
        identity = jnp.eye(state.size, dtype=state.dtype)
        return jnp.linalg.solve(identity - effective_weights(network, state), right_hand_side)
    slope = transfer_slope(network, state)

    def matrix(x: State) -> State:
        return x - network.strength * network.weights.apply(slope * x)

    return krylov_solve(matrix, right_hand_side, tolerance=tolerance)


def krylov_solve(matrix: LinearMap, right_hand_side: State, *, tolerance: float) -> State:
    """Solve A x = b for a matrix known by its products, with restarted GMRES."""
    solution, _ = gmres(
        matrix,
        right_hand_side,
        tol=tolerance,
        restart=min(KRYLOV_DIMENSION, right_hand_side.size),
        maxiter=KRYLOV_RESTARTS,
        solve_method="incremental",
    )
    return solution


__all__ = ["effective_weights", "krylov_solve", "solve_linearised", "transfer_slope"]
