"""Functions of a network and its states, mapped over networks, starts and strengths at once."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits import RateNetwork

LARGEST_BLOCK = 16_000_000
"""Numbers that the columns worked on side by side may occupy: 128 MB."""

COLUMNS_SIDE_BY_SIDE = 16
"""Enough for products of matrices to pay; columns of a block wait for the slowest of them."""

Result = TypeVar("Result")
BlockFunction = Callable[..., Result]


class Layout(NamedTuple):
    """How many columns of a network make a block, and how many networks are done side by side."""

    columns: int
    networks: int


def columns_in_memory(columns: int, numbers: int) -> int:
    """How many of `columns` to work on side by side when each takes this many numbers."""
    return max(1, min(columns, COLUMNS_SIDE_BY_SIDE, LARGEST_BLOCK // numbers))


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
    function: Callable[..., Result],
    network: RateNetwork,
    states: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"] | None = None,
    *others: Float[Array, "*batch neurons"],
    memory: int,
) -> Result:
    """`function(network at a strength, state, *others)` of every state, with `batch` in front.

    A stacked network needs its network axis first in `batch`. `strengths` defaults to those of
    the network; `memory` is how many numbers one evaluation takes. Raises `ValueError` when
    `states` does not fit the network.
    """

    def of_block(network: RateNetwork, strengths, *states):
        return jax.vmap(lambda g, *each: function(at_strength(network, g), *each))(
            strengths, *states
        )

    columns = prod(states.shape[:-1][is_stacked(network) :])
    layout = Layout(columns_in_memory(columns, memory), 1)
    return map_blocks(of_block, network, states, strengths, *others, layout=layout)


def map_blocks(
    function: BlockFunction[Result],
    network: RateNetwork,
    states: Float[Array, "*batch neurons"],
    strengths: Float[Array, "*batch"] | None = None,
    *others: Float[Array, "*batch neurons"],
    layout: Layout,
) -> Result:
    """Like `map_states`, for a function of one network and several states, each at its strength."""
    require_fitting(network, states)
    batch = states.shape[:-1]
    stacked = is_stacked(network)
    strengths = spread_strengths(network, states, strengths)
    columns = prod(batch[stacked:])
    blocks = -(-columns // layout.columns)
    width = -(-columns // blocks)

    def of_one_network(network: RateNetwork, strengths, *states):
        # Neighbours in strength take about the same number of steps. What is missing in the last
        # block is filled up with its last column.
        order = jnp.argsort(strengths)
        filled = jnp.append(order, jnp.repeat(order[-1:], blocks * width - columns))
        found = jax.lax.map(
            lambda block: function(network, *block),
            (
                strengths[filled].reshape(blocks, width),
                *(each[filled].reshape(blocks, width, -1) for each in states),
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
                *(each.reshape(batch[0], columns, -1) for each in (states, *others)),
            ),
            batch_size=layout.networks,
        )
    else:
        rows = (each.reshape(columns, -1) for each in (states, *others))
        result = of_one_network(network, strengths.reshape(columns), *rows)
    return jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1 + stacked :]), result)


def on_all_cores(
    function: Callable[..., Result], network: RateNetwork, *arrays: Float[Array, "..."]
) -> Result:
    """`function(network, *arrays)` of stacked networks, a share of them on each core.

    The compiler spreads one call over the cores of a processor only where arrays are large. What
    is traced, differentiated or on another device is one call.
    """
    leaves = jax.tree.leaves((eqx.filter(network, eqx.is_array), arrays))
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    n_networks = network.strength.size if is_stacked(network) else 1
    if (
        min(n_cores, n_networks // 4) < 2
        or jax.default_backend() != "cpu"
        or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
    ):
        return function(network, *arrays)
    share = -(-n_networks // n_cores)
    settings = eqx.filter(network, eqx.is_array, inverse=True)

    def part(core: int) -> Result:
        # The last share is filled up with the last network: all have the same shape.
        rows = np.minimum(np.arange(core * share, (core + 1) * share), n_networks - 1)
        own, *others = jax.tree.map(
            lambda leaf: leaf[rows], (eqx.filter(network, eqx.is_array), *arrays)
        )
        return jax.block_until_ready(function(eqx.combine(own, settings), *others))

    with ThreadPoolExecutor(n_cores) as pool:
        parts = list(pool.map(part, range(n_cores)))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[:n_networks], *parts)


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
    "Layout",
    "at_strength",
    "columns_in_memory",
    "is_stacked",
    "map_blocks",
    "map_states",
    "network_at",
    "on_all_cores",
    "require_fitting",
    "spread_strengths",
]
