"""How self-consistent rates respond to small changes of the network: implicit derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield.batches import map_states, require_fitting, spread_strengths
from neuropil.meanfield.linearisation import LinearMap, krylov_solve
from neuropil.norms import maximum_norm
from neuropil.types import State

LINEAR_TOLERANCE = 1e-12
WORST_LINEAR_RESIDUAL = 1e-8


@eqx.filter_custom_jvp
def attach_response(
    network: RateNetwork,
    fixed_points: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"],
) -> Float[Array, "*batch neurons"]:
    """The same fixed points, now differentiable in every array of the network and the strengths.

    By the implicit function theorem (I - g W diag(r'(E))) dE = d(E0 + g W r(E)) at constant E, so
    a derivative costs one linear solve, and holds to second and higher order. Where GMRES does
    not reach a relative residual of 1e-8 the derivative is not a number.
    """
    del network, strengths
    return fixed_points


# The rule belongs to whole batches: within `jax.lax.map` JAX takes second derivatives of the
# function as it is written, not of the rule.
@attach_response.def_jvp
def _attach_response_jvp(primals, tangents):
    network, fixed_points, strengths = primals
    states = attach_response(network, fixed_points, strengths)

    def following(network: RateNetwork, strengths: Float[Array, "*batch"]):
        return map_states(
            RateNetwork.next_input, network, states, strengths, memory=4 * states.shape[-1]
        )

    _, change = eqx.filter_jvp(following, (network, strengths), (tangents[0], tangents[2]))
    return states, map_states(
        _respond, network, states, strengths, change, memory=linear_memory(network)
    )


def linear_memory(network: RateNetwork) -> int:
    """Numbers that one linear system takes: a matrix and its factors, or a Krylov basis."""
    neurons = network.weights.n_neurons
    return neurons * min(3 * neurons, 60)


def _respond(network: RateNetwork, state: State, change: State) -> State:
    def defect(at: State) -> State:
        return at - network.next_input(at)

    matrix = jax.linearize(defect, state)[1]
    dense = isinstance(network.weights, DenseWeights)
    return (_solve_directly if dense else _solve_by_krylov)(matrix, change)


def _solve_directly(matrix: LinearMap, right_hand_side: State) -> State:
    full = jax.jacfwd(matrix)(jnp.zeros_like(right_hand_side))
    return jnp.linalg.solve(full, right_hand_side)


def _solve_by_krylov(matrix: LinearMap, right_hand_side: State) -> State:
    def solve(product: LinearMap, b: State) -> State:
        x = krylov_solve(product, b, tolerance=LINEAR_TOLERANCE)
        error, size = maximum_norm(product(x) - b), maximum_norm(b)
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

    require_fitting(network, input)
    strengths = spread_strengths(network, input, strength)

    def at(strengths: Float[Array, "*batch"]) -> Float[Array, "*batch neurons"]:
        return attach_response(network, input, strengths)

    return jax.jvp(at, (strengths,), (jnp.ones_like(strengths),))[1]


__all__ = ["attach_response", "response_to_strength"]
