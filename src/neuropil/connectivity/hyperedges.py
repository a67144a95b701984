"""Neuron-glia wiring: which neurons a synapse joins, and which astrocyte surrounds it."""

from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Bool, Float, Int, Integer, Shaped

from neuropil.connectivity.connectome import Connectome
from neuropil.connectivity.random_streams import stream_seed
from neuropil.types import RandomKey

GapJunctions: TypeAlias = (
    scipy.sparse.sparray | scipy.sparse.spmatrix | Float[np.ndarray, "to from"]
)
"""Strengths f[k, l] of the influence of astrocyte l on astrocyte k, sparse or dense."""


class NeuroGlialWiring(eqx.Module):
    """A two-layer hypernetwork: neurons, astrocytes, and hyperedges that join them.

    A hyperedge joins a presynaptic neuron, a postsynaptic neuron and an astrocyte, and holds one
    plastic synapse (Gong, Pasqualetti, Papouin and Ching, "Astrocytes as a mechanism for
    meta-plasticity and contextually-guided network function", SI.2). `pre`, `post` and
    `astrocyte` number them from 0, one entry for each hyperedge, in an order that the user
    chooses and every parameter of a synapse follows. `gap_junctions` (F) holds the directed
    influences among astrocytes, row = receiving; without it there are none.

    Two synapses in opposite directions between the same neurons, in the domain of the same
    astrocyte, are one triangle of the hypernetwork: the astrocyte senses the coincident activity
    of the pair once (eq. 2). `is_sensed` is true for the first synapse of each such triangle.

    Raises `ValueError`, naming argument, value and what is allowed, unless every number names a
    neuron or astrocyte that is there, no node is joined to itself in either layer, no ordered
    pair of neurons occurs twice, and astrocytes <= hyperedges <= neurons (neurons - 1).
    """

    pre: Int[Array, " synapses"]
    post: Int[Array, " synapses"]
    astrocyte: Int[Array, " synapses"]
    is_sensed: Bool[Array, " synapses"]
    gap_to: Int[Array, " gaps"]
    gap_from: Int[Array, " gaps"]
    gap_strength: Float[Array, " gaps"]
    n_neurons: int = eqx.field(static=True)
    n_astrocytes: int = eqx.field(static=True)

    def __init__(
        self,
        pre: Integer[np.ndarray | Array, " synapses"],
        post: Integer[np.ndarray | Array, " synapses"],
        astrocyte: Integer[np.ndarray | Array, " synapses"],
        *,
        n_neurons: int,
        n_astrocytes: int,
        gap_junctions: GapJunctions | None = None,
    ):
        if n_neurons < 2:
            raise ValueError(f"n_neurons must be at least 2, got {n_neurons}")
        if n_astrocytes < 1:
            raise ValueError(f"n_astrocytes must be at least 1, got {n_astrocytes}")
        before = _numbers("pre", pre, n_neurons, "neurons")
        after = _numbers("post", post, n_neurons, "neurons")
        glia = _numbers("astrocyte", astrocyte, n_astrocytes, "astrocytes")
        _require_synapses(before, after, n_neurons)
        most = n_neurons * (n_neurons - 1)
        if not n_astrocytes <= before.size <= most:
            raise ValueError(
                f"pre names {before.size} hyperedges; with {n_neurons} neurons and {n_astrocytes} "
                f"astrocytes {n_astrocytes} to {most} are allowed"
            )
        to, origin, strength = _gaps(gap_junctions, n_astrocytes)
        self.pre, self.post, self.astrocyte = map(_index_array, (before, after, glia))
        self.is_sensed = jax.device_put(_first_of_each_triangle(before, after, glia, n_neurons))
        self.gap_to, self.gap_from = _index_array(to), _index_array(origin)
        self.gap_strength = jax.device_put(strength)
        self.n_neurons, self.n_astrocytes = int(n_neurons), int(n_astrocytes)

    @property
    def n_synapses(self) -> int:
        """Number of hyperedges, each of which holds one plastic synapse."""
        return self.pre.shape[-1]

    def of_presynaptic(self, values: Float[Array, " neurons"]) -> Float[Array, " synapses"]:
        """For each synapse the value of its presynaptic neuron."""
        return _gather(values, self.pre)

    def of_postsynaptic(self, values: Float[Array, " neurons"]) -> Float[Array, " synapses"]:
        """For each synapse the value of its postsynaptic neuron."""
        return _gather(values, self.post)

    def of_astrocyte(self, values: Float[Array, " astrocytes"]) -> Float[Array, " synapses"]:
        """For each synapse the value of its astrocyte."""
        return _gather(values, self.astrocyte)

    def sum_by_neuron(self, values: Float[Array, " synapses"]) -> Float[Array, " neurons"]:
        """Sum over the synapses onto each neuron."""
        return _segment_sum(values, self.post, self.n_neurons)

    def sum_by_astrocyte(self, values: Float[Array, " synapses"]) -> Float[Array, " astrocytes"]:
        """Sum over the triangles of each astrocyte: reciprocal pairs of synapses count once."""
        sensed = jnp.where(self.is_sensed, values, jnp.zeros((), values.dtype))
        return _segment_sum(sensed, self.astrocyte, self.n_astrocytes)

    def sum_by_gap(self, values: Float[Array, " gaps"]) -> Float[Array, " astrocytes"]:
        """Sum over the gap junctions that reach each astrocyte."""
        return _segment_sum(values, self.gap_to, self.n_astrocytes)

    def through_gap_junctions(
        self, values: Float[Array, " astrocytes"]
    ) -> Float[Array, " astrocytes"]:
        """What each astrocyte receives from the others: sum over l of f[k, l] values[l]."""
        return self.sum_by_gap(self.gap_strength * _gather(values, self.gap_from))


def random_neuro_glial_wiring(
    key: RandomKey,
    *,
    n_neurons: int,
    n_astrocytes: int,
    n_synapses: int,
    n_gap_junctions: int = 0,
    gap_strength: float = 1.0,
) -> NeuroGlialWiring:
    """Synapses placed at random, each in the domain of a random astrocyte.

    Every set of `n_synapses` ordered pairs of different neurons is equally likely. Every
    astrocyte has at least one synapse; apart from that each synapse has an astrocyte of its own
    choice, independently. `n_gap_junctions` unordered pairs of different astrocytes are joined,
    with `gap_strength` in both directions. Synapses are ordered by postsynaptic neuron, then by
    presynaptic neuron, as in a `Connectome`. The wiring depends on `key` alone; it takes time and
    memory in proportion to the synapses.

    Raises `ValueError`, naming the argument, for numbers that leave no such wiring.
    """
    if n_neurons < 2 or n_astrocytes < 1:
        raise ValueError(
            "n_neurons must be at least 2 and n_astrocytes at least 1, "
            f"got {n_neurons} and {n_astrocytes}"
        )
    n_pairs = n_neurons * (n_neurons - 1)
    if not n_astrocytes <= n_synapses <= n_pairs:
        raise ValueError(
            f"n_synapses is {n_synapses}; with {n_neurons} neurons and {n_astrocytes} astrocytes "
            f"{n_astrocytes} to {n_pairs} are allowed"
        )
    n_unordered = n_astrocytes * (n_astrocytes - 1) // 2
    if not 0 <= n_gap_junctions <= n_unordered:
        raise ValueError(
            f"n_gap_junctions is {n_gap_junctions}; {n_astrocytes} astrocytes have 0 to "
            f"{n_unordered} pairs"
        )
    generator = np.random.Generator(np.random.Philox(key=int(stream_seed(key))))
    code = np.sort(generator.choice(n_pairs, n_synapses, replace=False, shuffle=False))
    post, place = np.divmod(code, n_neurons - 1)
    astrocyte = generator.permutation(
        np.concatenate(
            [
                np.arange(n_astrocytes),
                generator.integers(0, n_astrocytes, n_synapses - n_astrocytes),
            ]
        )
    )
    low, high = _unordered_pair(generator.choice(n_unordered, n_gap_junctions, replace=False))
    gaps = scipy.sparse.coo_array(
        (
            np.full(2 * n_gap_junctions, float(gap_strength)),
            (np.concatenate([low, high]), np.concatenate([high, low])),
        ),
        shape=(n_astrocytes, n_astrocytes),
    )
    return NeuroGlialWiring(
        place + (place >= post),
        post,
        astrocyte,
        n_neurons=n_neurons,
        n_astrocytes=n_astrocytes,
        gap_junctions=gaps,
    )


def neuro_glial_wiring_from_connectome(
    connectome: Connectome,
    astrocyte: Integer[np.ndarray, " edges"],
    *,
    n_astrocytes: int | None = None,
    gap_junctions: GapJunctions | None = None,
) -> NeuroGlialWiring:
    """The connections of a connectome, each in the domain of the astrocyte assigned to it.

    `astrocyte` has one number for each connection, in the order of `connectome.weights`; -1
    leaves the connection out, and self-loops must be left out. The synapses keep their order, so
    `connectome.weights[astrocyte >= 0]` are their strengths. `n_astrocytes` is one more than the
    largest number unless given.

    Raises `ValueError`, naming the argument, when these do not make a `NeuroGlialWiring`.
    """
    if astrocyte.size != connectome.n_edges:
        raise ValueError(
            f"astrocyte has {astrocyte.size} entries; the connectome has {connectome.n_edges} "
            "connections"
        )
    if astrocyte.size and astrocyte.min() < -1:
        raise ValueError(
            f"astrocyte holds {astrocyte.min()}; allowed are numbers from 0, and -1 to leave a "
            "connection out"
        )
    kept = astrocyte >= 0
    post = np.repeat(np.arange(connectome.n_neurons), connectome.in_degrees)
    loops = np.flatnonzero(kept & (post == connectome.presynaptic))
    if loops.size:
        raise ValueError(
            f"astrocyte assigns {loops.size} self-loops, first that of neuron {post[loops[0]]}; "
            "synapses join different neurons: give self-loops -1"
        )
    if n_astrocytes is None:
        n_astrocytes = int(astrocyte.max(initial=-1)) + 1
    return NeuroGlialWiring(
        connectome.presynaptic[kept],
        post[kept],
        astrocyte[kept],
        n_neurons=connectome.n_neurons,
        n_astrocytes=n_astrocytes,
        gap_junctions=gap_junctions,
    )


def _numbers(name: str, given: Integer[np.ndarray | Array, " synapses"], count: int, of_what: str):
    numbers = np.asarray(given).astype(np.int64)
    outside = numbers[(numbers < 0) | (numbers >= count)]
    if outside.size:
        raise ValueError(
            f"{name} holds {outside[0]}; with {count} {of_what} 0 to {count - 1} are allowed"
        )
    return numbers


def _require_synapses(pre: np.ndarray, post: np.ndarray, n_neurons: int) -> None:
    loops = np.flatnonzero(pre == post)
    if loops.size:
        raise ValueError(
            f"pre and post are both neuron {pre[loops[0]]} in hyperedge {loops[0]}; a synapse "
            "joins two different neurons"
        )
    code = np.sort(post * n_neurons + pre)
    repeats = code[1:][code[1:] == code[:-1]]
    if repeats.size:
        after, before = divmod(int(repeats[0]), n_neurons)
        raise ValueError(
            f"pre and post name the synapse from neuron {before} to neuron {after} twice; each "
            "ordered pair of neurons may occur once"
        )


def _gaps(junctions: GapJunctions | None, n_astrocytes: int):
    if junctions is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    if junctions.shape != (n_astrocytes, n_astrocytes):
        raise ValueError(
            f"gap_junctions must have one row and one column for each of {n_astrocytes} "
            f"astrocytes, got shape {junctions.shape}"
        )
    table = scipy.sparse.csr_array(junctions).tocoo()
    loops = np.flatnonzero(table.row == table.col)
    if loops.size:
        raise ValueError(
            f"gap_junctions joins astrocyte {table.row[loops[0]]} to itself; the diagonal must "
            "hold no entries"
        )
    strengths = table.data.astype(float)
    if not np.all(np.isfinite(strengths)):
        raise ValueError(
            f"gap_junctions must be finite, got {strengths[~np.isfinite(strengths)][0]}"
        )
    return table.row, table.col, strengths


def _first_of_each_triangle(
    pre: np.ndarray, post: np.ndarray, astrocyte: np.ndarray, n_neurons: int
) -> Bool[np.ndarray, " synapses"]:
    pair = np.minimum(pre, post) * n_neurons + np.maximum(pre, post)
    # Stable: among the two synapses of a triangle the one that was named first stays first.
    order = np.lexsort((astrocyte, pair))
    repeats = (np.diff(pair[order]) == 0) & (np.diff(astrocyte[order]) == 0)
    is_first = np.ones(pre.size, bool)
    is_first[order[1:][repeats]] = False
    return is_first


def _unordered_pair(code: Int[np.ndarray, " pairs"]):
    """The pair (low, high) with low < high that is number `code` when counted by `high`."""
    high = np.floor((1.0 + np.sqrt(1.0 + 8.0 * code.astype(float))) / 2.0).astype(np.int64)
    # The root is off by one where its rounding crosses an integer.
    high -= high * (high - 1) // 2 > code
    high += (high + 1) * high // 2 <= code
    return code - high * (high - 1) // 2, high


def _index_array(numbers: Shaped[np.ndarray, " items"]) -> Int[Array, " items"]:
    return jax.device_put(numbers.astype(np.int32))


def _gather(values: Float[Array, " nodes"], nodes: Int[Array, " items"]) -> Float[Array, " items"]:
    # The sum over segments of one element each copies the values: XLA would otherwise merge what
    # computes them into the gather, and evaluate it once for every item instead of every node.
    copied = _segment_sum(values, jnp.arange(values.size), values.size)
    return copied.at[nodes].get(mode="promise_in_bounds")


def _segment_sum(
    values: Float[Array, " items"], segments: Int[Array, " items"], count: int
) -> Float[Array, " segments"]:
    return jax.ops.segment_sum(values, segments, count, mode="promise_in_bounds")


__all__ = [
    "GapJunctions",
    "NeuroGlialWiring",
    "neuro_glial_wiring_from_connectome",
    "random_neuro_glial_wiring",
]
