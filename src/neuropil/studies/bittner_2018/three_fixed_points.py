"""Neuron-glia motifs with exactly three stationary states beyond a prescribed fold."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neuropil.analysis import all_folds, fixed_points_batch, fold
from neuropil.circuits import TripartiteMotif, tripartite_motif_figure_9
from neuropil.inference import (
    Behaviour,
    BlackBox,
    Interval,
    NaturalPath,
    Support,
    maximum_entropy,
    reweighted,
)
from neuropil.result import Outcome
from neuropil.studies.bittner_2018.two_ways import answer_coordinates, answer_variables
from neuropil.system import Box, LayerSystem, layer
from neuropil.types import RandomKey, Scalar, State

PARAMETERS = ("hebbian_gain_1", "hebbian_gain_2", "glial_gain_1", "glial_gain_2", "neuron_decay_1")
STEPS = 4
Parameters = Mapping[str, Float[Array, "..."]]


class KnownFold(eqx.Module):
    """The fold of Fig. 9, from which all others are followed, and the parameters there."""

    values: Float[Array, "5"]
    state: State
    astrocyte: Scalar


def motif_with(values: Float[Array, "5"]) -> TripartiteMotif:
    """The motif of Fig. 9 with other values of `PARAMETERS`."""
    known = tripartite_motif_figure_9()
    return replace(
        known,
        hebbian_gain=values[:2],
        glial_gain=values[2:4],
        neuron_decay=jnp.stack([values[4], known.neuron_decay[1]]),
    )


def layer_box(motif: TripartiteMotif) -> Box:
    """The neurons and synapses of Omega: holds every stationary state of the layer."""
    omega = motif.invariant_box(uniform=True)
    return Box(omega.lower[:4], omega.upper[:4])


@cache
def known_fold() -> KnownFold:
    """The only fold of Fig. 9 at outputs of the astrocyte up to 0.99, found with proof."""
    motif = tripartite_motif_figure_9()
    end = float(np.arctanh(0.99))
    found = all_folds(
        layer(motif, 0.0), layer_box(motif), parameter="slow_state", between=(-end, end)
    )
    if len(found) != 1:
        raise ValueError(f"Fig. 9 must have one fold, got {len(found)}")
    values = jnp.concatenate([motif.hebbian_gain, motif.glial_gain, motif.neuron_decay[:1]])
    return KnownFold(values, jnp.asarray(found.state[0]), jnp.asarray(found.parameter[0]))


def fold_output(known: KnownFold, values: Float[Array, "5"]) -> Scalar:
    """The astrocyte's output psi(z) at the fold of a motif, followed from that of Fig. 9.

    NaN where it was lost on the way, as it is where it would lie beyond the range of psi, or
    where the two states that meet there lie below it and not above.
    """

    def at(values, state, astrocyte):
        system = layer(motif_with(values), astrocyte)
        return fold(system, state, parameter="slow_state", throw=False)

    def follow(found, share):
        between = known.values + share * (values - known.values)
        point = at(between, *found)
        return (point.state, point.parameter), None

    shares = jnp.arange(1, STEPS) / STEPS
    start, _ = jax.lax.scan(follow, (known.state, known.astrocyte), shares)
    point = at(values, *start)
    system = layer(motif_with(values), point.parameter)
    upwards = _bend(system, point.state, point.null_vector) > 0
    valid = (point.outcome == Outcome.SUCCESSFUL.value) & upwards
    return jnp.where(valid, jnp.tanh(point.parameter), jnp.nan)


def _bend(system: LayerSystem, state: State, kernel: State) -> Scalar:
    """Second derivative of the astrocyte's state z along the branch through a fold.

    With x' = v, J x'' + f_z z'' = -f_xx v v, and x'' at right angles to v.
    """

    def field(state: State, astrocyte: Float[Array, "1"]) -> State:
        return replace(system, slow_state=astrocyte).vector_field(jnp.zeros(()), state)

    def along(state: State) -> State:
        return jax.jvp(lambda x: field(x, system.slow_state), (state,), (kernel,))[1]

    jacobian, by_astrocyte = jax.jacfwd(field, (0, 1))(state, system.slow_state)
    curvature = jax.jvp(along, (state,), (kernel,))[1]
    bordered = jnp.concatenate([jacobian, by_astrocyte], axis=1)
    bordered = jnp.concatenate([bordered, jnp.append(kernel, 0.0)[None]])
    return jnp.linalg.solve(bordered, -jnp.append(curvature, 0.0))[-1]


@eqx.filter_jit
def _fold_outputs(known: KnownFold, values: Float[Array, "motifs 5"]) -> Float[Array, " motifs"]:
    return jax.vmap(lambda each: fold_output(known, each))(values)


def fold_statistics(parameters: Mapping[str, Any]) -> dict[str, Float[np.ndarray, " motifs"]]:
    """`fold` of many motifs at once."""
    return {"fold": np.asarray(_fold_outputs(known_fold(), _stacked(parameters)))}


def certified_counts(
    values: Float[Array, "motifs 5"], outputs: Float[Array, " motifs"]
) -> tuple[Int[np.ndarray, " motifs"], Int[np.ndarray, " motifs"]]:
    """How many stationary states each layer has at an output psi(z), and whether it is proved."""
    motifs = eqx.filter_vmap(motif_with)(values)
    systems = eqx.filter_vmap(layer)(motifs, jnp.arctanh(outputs))
    box = eqx.filter_vmap(layer_box)(motifs)
    found = fixed_points_batch(
        systems, Box(jnp.asarray(box.lower), jnp.asarray(box.upper)), throw=False
    )
    return found.count, found.complete.astype(int)


def support_of(configuration: Mapping[str, Any]) -> Support:
    """Every parameter between fractions of its value in Fig. 9."""
    width = configuration["three_fixed_points"]["range"]
    ends = ((1.0 - width) * known_fold().values, (1.0 + width) * known_fold().values)
    return Support(
        {
            name: Interval(*sorted((float(first), float(last))))
            for name, first, last in zip(PARAMETERS, *ends, strict=True)
        }
    )


def run_three_fixed_points(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The distribution of motifs by their fold, a second way to it, and certified counts."""
    settings = configuration["three_fixed_points"]
    support = support_of(configuration)
    behaviour = Behaviour(
        BlackBox(fold_statistics, batched=True),
        {"fold": settings["fold"]},
        variances={"fold": settings["deviation"] ** 2},
    )
    path_key, draw_key, sample_key = jax.random.split(key, 3)
    method = NaturalPath(particles=settings["particles"])
    found = maximum_entropy(behaviour, support, method, key=path_key, throw=False)
    drawn = jax.vmap(support.parameters)(support.draw(draw_key, settings["drawn"]))
    recorded = fold_statistics(drawn)
    table = {name: np.asarray(value) for name, value in drawn.items()}
    weighed = reweighted(behaviour, support, table, recorded)

    sample = found.sample(sample_key, settings["stored"])
    fresh = fold_statistics(sample)["fold"]
    values = _stacked(sample)[: settings["counted"]]
    outputs = jnp.asarray(fresh)[: settings["counted"]]
    sides = [certified_counts(values, outputs + side * settings["beside"]) for side in (-1.0, 1.0)]
    return xr.Dataset(
        {
            "value": (("sample", "parameter"), np.asarray(_stacked(sample))),
            "sampled_fold": ("sample", fresh),
            "reference": ("parameter", np.asarray(known_fold().values)),
            "drawn_fold": ("draw", recorded["fold"][: settings["stored"]]),
            "count": (("side", "motif"), np.stack([count for count, _ in sides])),
            "complete": (("side", "motif"), np.stack([complete for _, complete in sides])),
            **answer_variables(found, weighed),
        },
        coords={"parameter": list(PARAMETERS), "side": ["below", "above"]},
        attrs={"fold_unit": "astrocyte output, without a unit"},
    ).assign_coords(answer_coordinates(found))


def _stacked(parameters: Mapping[str, Any]) -> Float[Array, "motifs 5"]:
    return jnp.stack([jnp.asarray(parameters[name]) for name in PARAMETERS], axis=-1)


__all__ = [
    "PARAMETERS",
    "certified_counts",
    "fold_output",
    "fold_statistics",
    "known_fold",
    "motif_with",
    "run_three_fixed_points",
    "support_of",
]
