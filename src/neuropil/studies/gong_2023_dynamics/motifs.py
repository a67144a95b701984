"""The motifs that the study examines: those of the figures, and random ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neuropil.circuits import (
    Activation,
    TripartiteMotif,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
    tripartite_motif_figure_9,
)
from neuropil.system import Box, LayerSystem, layer
from neuropil.types import RandomKey

FIGURES = {
    "figure-2": tripartite_motif_figure_2,
    "figure-8a": tripartite_motif_figure_8a,
    "figure-9": tripartite_motif_figure_9,
}


def _identity(value: Float[Array, "..."]) -> Float[Array, "..."]:
    return value


def layer_over_output(motif: TripartiteMotif, output: float = 0.0) -> LayerSystem:
    """The layer system whose parameter is the astrocyte's output psi(z) itself (eq. 27)."""
    by_output = replace(motif, astrocyte_activation=Activation(_identity, -1.0, 1.0))
    return layer(by_output, output)


def layer_box(motif: TripartiteMotif) -> Box:
    """The neurons and synapses of Omega: holds every equilibrium of the layer."""
    omega = motif.invariant_box(uniform=True)
    return Box(omega.lower[:4], omega.upper[:4])


def random_motifs(
    ranges: Mapping[str, Any], count: int, key: RandomKey, *, contracting: bool = False
) -> TripartiteMotif:
    """Motifs without inputs, one for each row of every parameter, uniform in the given ranges.

    With `contracting` only such that obey condition (19).
    """
    keys = iter(jax.random.split(key, 6))

    def uniform(name: str, rows: int, *shape: int) -> Float[Array, "..."]:
        low, high = ranges[name]
        return jax.random.uniform(next(keys), (rows, *shape), minval=low, maxval=high)

    # Of the ranges for contraction more than half obey the condition.
    rows = 4 * count if contracting else count
    values = {
        "neuron_decay": uniform("decay", rows, 2),
        "synapse_decay": uniform("decay", rows, 2),
        "astrocyte_decay": uniform("decay", rows),
        "hebbian_gain": uniform("hebbian_gain", rows, 2),
        "glial_gain": uniform("glial_gain", rows, 2),
        "coincidence_gain": uniform("coincidence_gain", rows),
    }
    made = jax.vmap(lambda each: TripartiteMotif(**each))(values)
    if not contracting:
        return made
    kept = np.flatnonzero(condition_19(made))[:count]
    return jax.tree.map(lambda leaf: leaf[kept], made)


def condition_19(motifs: TripartiteMotif) -> Bool[np.ndarray, " motifs"]:
    """Which motifs obey the sufficient condition (19) for a single fixed point."""
    a, b = np.asarray(motifs.neuron_decay), np.asarray(motifs.synapse_decay)
    c, d = np.abs(motifs.hebbian_gain), np.abs(motifs.glial_gain)
    h = np.abs(motifs.coincidence_gain) / np.asarray(motifs.astrocyte_decay)
    largest_weight = (c.max(1) + d.max(1)) / b.min(1)
    total = (largest_weight[:, None] / a).max(1) + (c / b).sum(1) + h
    return (a > 1).all(1) & ((d / b).sum(1) < 1) & (total < 4)


def symmetric_motifs(
    decays: Float[np.ndarray, "motifs 4"],
    hebbian_gain: Float[np.ndarray, " motifs"],
    glial_gain: float | Float[np.ndarray, " motifs"] = 1.0,
    coincidence_gain: float | Float[np.ndarray, " motifs"] = 1.0,
    astrocyte_decay: float | Float[np.ndarray, " motifs"] = 1.0,
) -> TripartiteMotif:
    """Motifs with c1 = c2 and d1 = d2 (SI.4); `decays` has columns a1, a2, b1, b2."""
    n = len(hebbian_gain)

    def both(value: Any) -> Float[Array, "motifs 2"]:
        return jnp.asarray(np.broadcast_to(np.asarray(value, float), (n,))[:, None] * [1.0, 1.0])

    values = {
        "neuron_decay": jnp.asarray(decays[:, :2]),
        "synapse_decay": jnp.asarray(decays[:, 2:]),
        "hebbian_gain": both(hebbian_gain),
        "glial_gain": both(glial_gain),
        "coincidence_gain": both(coincidence_gain)[:, 0],
        "astrocyte_decay": both(astrocyte_decay)[:, 0],
    }
    return jax.vmap(lambda each: TripartiteMotif(**each))(values)
