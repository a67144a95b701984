"""Functions of a network and its states, mapped over networks, starts and strengths at once."""

from collections.abc import Callable
from math import prod
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits import RateNetwork
from neuropil.types import State

LARGEST_BLOCK = 16_000_000
"""Numbers that the columns worked on side by side may occupy: 128 MB."""

COLUMNS_SIDE_BY_SIDE = 16
"""Enough for products of matrices to pay; columns in a loop wait for the slowest of a block."""

Result = TypeVar("Result")
BlockFunction = Callable[[RateNetwork, Float[Array, " columns"], Float[Array, "columns n"]], Result]


def is_stacked(network: RateNetwork) -> bool:
    """Whether the network is one made by `stack_networks`, with a leading network axis."""
    return network.strength.ndim == 1


def network_at(stacked: RateNetwork, index: int) -> RateNetwork:
    """One of the networks that were stacked."""
    arrays, settings = eqx.partition(stacked, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda leaf: leaf[index], arrays), settings)


def at_strength(network: RateNetwork, strength: Float[Array, "..."]) -> RateNetwork:
    """The same network with another connection strength."""
    return eqx.tree_at(lambda each: each.strength, network, strength)


def map_states(
    function: Callable[[RateNetwork, State], Result],
    network: RateNetwork,
    states: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"] | None = None,
    *,
    memory: int,
) -> Result:
    """`function(network at a strength, state)` of every state, with the axes `batch` in front.

    A stacked network needs its network axis first in `batch`. `strengths` defaults to those of
    the network; `memory` is how many numbers one evaluation takes. Raises `ValueError` when
    `states` does not fit the network.
    """

    def of_block(network: RateNetwork, strengths, states):
        return jax.vmap(lambda g, state: function(at_strength(network, g), state))(
            strengths, states
        )

    return map_blocks(of_block, network, states, strengths, memory=memory)


def map_blocks(
    function: BlockFunction[Result],
    network: RateNetwork,
    states: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"] | None = None,
    *,
    memory: int,
) -> Result:
    """Like `map_states`, for a function of one network and several states, each at its strength."""
    require_fitting(network, states)
    batch = states.shape[:-1]
    stacked = is_stacked(network)
    strengths = spread_strengths(network, states, strengths)
    columns = prod(batch[stacked:])
    widest = max(1, min(COLUMNS_SIDE_BY_SIDE, LARGEST_BLOCK // memory))
    blocks = -(-columns // widest)
    width = -(-columns // blocks)

    def of_one_network(network: RateNetwork, strengths, states):
        # Neighbours in strength take about the same number of steps. What is missing in the last
        # block is filled up with its last column.
        order = jnp.argsort(strengths)
        filled = jnp.append(order, jnp.repeat(order[-1:], blocks * width - columns))
        found = jax.lax.map(
            lambda block: function(network, *block),
            (
                strengths[filled].reshape(blocks, width),
                states[filled].reshape(blocks, width, -1),
            ),
        )
        where = jnp.argsort(order)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[where], found)

    if stacked:
        arrays, settings = eqx.partition(network, eqx.is_array)
        result = jax.lax.map(
            lambda each: of_one_network(eqx.combine(each[0], settings), *each[1:]),
            (
                arrays,
                strengths.reshape(batch[0], columns),
                states.reshape(batch[0], columns, -1),
            ),
        )
    else:
        result = of_one_network(network, strengths.reshape(columns), states.reshape(columns, -1))
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1 + stacked :]), result)


def spread_strengths(
    network: RateNetwork,
    states: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"] | None,
) -> Float[Array, "*batch"]:
    """A strength for each state: the network's own where none are given."""
    if strengths is not None:
        return strengths
    batch, stacked = states.shape[:-1], is_stacked(network)
    unit_axes = (1,) * (len(batch) - stacked)
    return jnp.broadcast_to(network.strength.reshape(*batch[:stacked], *unit_axes), batch)


def require_fitting(network: RateNetwork, states: Float[Array, "..."]) -> None:
    """Raise `ValueError` when states do not fit a network, stacked or not."""
    n = network.weights.n_neurons
    if states.ndim < 1 or states.shape[-1] != n:
        raise ValueError(
            f"states must have one value for each of the {n} neurons in the last axis, "
            f"got shape {states.shape}"
        )
    if is_stacked(network) and states.shape[:-1][:1] != network.strength.shape:
        raise ValueError(
            f"states of {network.strength.size} stacked networks must have the network axis "
            f"first, got shape {states.shape}"
        )


__all__ = [
    "at_strength",
    "is_stacked",
    "map_blocks",
    "map_states",
    "network_at",
    "require_fitting",
    "spread_strengths",
]
