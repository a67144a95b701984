"""How self-consistent rates respond to small changes of the network: implicit derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield.batches import map_states
from neuropil.meanfield.linearisation import LinearMap, krylov_solve
from neuropil.types import State

LINEAR_TOLERANCE = 1e-12
WORST_LINEAR_RESIDUAL = 1e-8


def attach_response(network: RateNetwork, fixed_point: State) -> State:
    """The same fixed point, now differentiable in every array of the network.

    By the implicit function theorem (I - g W diag(r'(E))) dE = d(E0 + g W r(E)) at constant E, so
    a derivative costs one linear solve, and holds to second and higher order. Where GMRES does
    not reach a relative residual of 1e-8 the derivative is not a number.
    """
    dense = isinstance(network.weights, DenseWeights)

    def defect(state: State) -> State:
        return state - network.next_input(state)

    return jax.lax.custom_root(
        defect,
        jax.lax.stop_gradient(fixed_point),
        solve=lambda _, found: found,
        tangent_solve=_solve_directly if dense else _solve_by_krylov,
    )


def _solve_directly(matrix: LinearMap, right_hand_side: State) -> State:
    full = jax.jacfwd(matrix)(jnp.zeros_like(right_hand_side))
    return jnp.linalg.solve(full, right_hand_side)


def _solve_by_krylov(matrix: LinearMap, right_hand_side: State) -> State:
    def solve(product: LinearMap, b: State) -> State:
        x = krylov_solve(product, b, tolerance=LINEAR_TOLERANCE)
        error, size = jnp.max(jnp.abs(product(x) - b)), jnp.max(jnp.abs(b))
        return jnp.where(error <= WORST_LINEAR_RESIDUAL * size, x, jnp.nan)

    return jax.lax.custom_linear_solve(matrix, right_hand_side, solve=solve, transpose_solve=solve)


def response_to_strength(
    network: RateNetwork,
    input: Float[Array, "*batch neurons"],
    strength: Float[Array, "*batch"] | None = None,
) -> Float[Array, "*batch neurons"]:
    """dE/dg at fixed points: (I - g W diag(r'(E)))^-1 W r(E), in mV per unit of strength.

    `input` holds fixed points of the network at `strength` (default: its own); a stacked network
    goes with a leading network axis. The derivative of the rates is r'(E) dE/dg. Infinite at a
    fold, where the linearised network is singular.
    """

    def respond(each: RateNetwork, state: State) -> State:
        def at(g: Float[Array, ""]) -> State:
            return attach_response(eqx.tree_at(lambda n: n.strength, each, g), state)

        return jax.jvp(at, (each.strength,), (jnp.ones_like(each.strength),))[1]

    memory = network.weights.n_neurons * min(3 * network.weights.n_neurons, 60)
    return map_states(respond, network, input, strength, memory=memory)


__all__ = ["attach_response", "response_to_strength"]
