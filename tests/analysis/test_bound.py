"""Boxes that systems do not leave: Theorem 1 of the neuron-glia paper by intervals."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zero_problems import EQUILIBRIUM_FIGURE_8A, Given, box, layer_box

from neuropil.analysis import DecayBound, InwardFaces, bound
from neuropil.circuits import (
    NeuroGlialNetwork,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
    tripartite_motif_figure_9,
)
from neuropil.connectivity import random_neuro_glial_wiring
from neuropil.result import NotSolved, Outcome
from neuropil.system import Box, layer

MOTIFS = (tripartite_motif_figure_2, tripartite_motif_figure_8a, tripartite_motif_figure_9)


def network(**changes):
    wiring = random_neuro_glial_wiring(
        jax.random.key(2),
        n_neurons=5,
        n_astrocytes=3,
        n_synapses=8,
        n_gap_junctions=2,
        gap_strength=-0.7,
    )
    generator = np.random.default_rng(1)
    gains = {
        "hebbian_gain": generator.normal(size=8),
        "glial_gain": generator.normal(size=8),
        "neuron_decay": generator.uniform(0.5, 2.0, 5),
        "synapse_decay": generator.uniform(0.5, 2.0, 8),
        "neuron_input": generator.normal(size=5),
    }
    return NeuroGlialNetwork(wiring, **{k: jnp.asarray(v) for k, v in gains.items()}, **changes)


def assert_holds(outer, inner):
    scale = 1e-13 * (np.abs(outer.lower) + np.abs(outer.upper))
    assert np.all(np.asarray(outer.lower) <= inner.lower + scale)
    assert np.all(np.asarray(outer.upper) >= inner.upper - scale)


def assert_equal(found, closed, chosen=slice(None), *, rtol=1e-12):
    for one, other in zip(found, closed, strict=True):
        np.testing.assert_allclose(one[chosen], other[chosen], rtol=rtol, atol=rtol)


@pytest.mark.slow
@pytest.mark.parametrize("preset", MOTIFS)
def test_the_first_passes_give_the_invariant_box_of_a_motif_and_later_ones_less(preset):
    motif = preset()
    closed = motif.invariant_box()
    # Synapses and astrocyte are bounded by the activations alone, neurons by the synapses.
    once = bound(motif, DecayBound(maximum_steps=1), throw=False)
    assert_equal(once.box, closed, slice(2, 5))
    assert not once.invariant
    twice = bound(motif, DecayBound(maximum_steps=2))
    assert twice.invariant
    assert twice.attracting
    assert_equal(twice.box, closed, slice(0, 2))
    # Theorem 1: all of them within the set Omega, which has one bound for all of a kind.
    final = bound(motif).box
    for outer, inner in pairwise((motif.invariant_box(uniform=True), closed, twice.box, final)):
        assert_holds(outer, inner)


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("make", [*MOTIFS, network])
def test_invariant_boxes_are_proved_face_by_face(make, uniform):
    """They are computed without outward rounding, so they may have to grow by that."""
    system = make()
    closed = system.invariant_box(uniform=uniform)
    proved = bound(system, InwardFaces(closed))
    assert proved.invariant
    assert_equal(proved.box, closed, rtol=1e-10)
    assert_holds(proved.box, closed)


def test_the_box_of_a_network_with_inputs_and_gap_junctions_lies_in_its_invariant_box():
    system = network()
    closed = system.invariant_box()
    once = bound(system, DecayBound(maximum_steps=1), throw=False)
    assert_equal(once.box, closed, slice(5, None))
    found = bound(system)
    assert found.attracting
    assert_holds(closed, found.box)


def test_a_box_that_shrinks_to_a_point_is_the_only_equilibrium():
    """The bounds of Fig. 8A's motif tighten each other until they meet."""
    motif = tripartite_motif_figure_8a()
    found = bound(motif)
    assert_holds(found.box, Box(np.array(EQUILIBRIUM_FIGURE_8A), np.array(EQUILIBRIUM_FIGURE_8A)))
    assert np.max(found.box.upper - found.box.lower) < 1e-10


def test_the_box_of_a_layer_holds_its_equilibria():
    motif = tripartite_motif_figure_9()
    found = bound(layer(motif, 0.3))
    ends = layer_box(motif)
    assert np.all(found.box.lower >= np.asarray(ends.lower) - 1e-9)
    assert np.all(found.box.upper <= np.asarray(ends.upper) + 1e-9)


def driven_motif():
    return eqx.tree_at(
        lambda m: m.neuron_input,
        tripartite_motif_figure_2(),
        lambda time: jnp.stack([0.5 * jnp.sin(0.05 * time), 0.3 * jnp.tanh(0.01 * time)]),
    )


def test_inputs_that_change_are_bounded_over_all_times_or_a_span():
    passes = DecayBound(maximum_steps=2)
    closed = driven_motif().invariant_box(neuron_input_bound=np.array([0.5, 0.3]))
    assert_equal(bound(driven_motif(), passes).box, closed, slice(0, 2))
    # tanh lies above 0 from time 0 on, and sin(t / 20) below its crest until 20 ms.
    early = bound(driven_motif(), passes, time=(0.0, 20.0)).box
    plain = tripartite_motif_figure_2().invariant_box()
    decay = np.array([0.7, 0.6])
    highest = np.array([0.5 * np.sin(1.0), 0.3 * np.tanh(0.2)]) / decay
    np.testing.assert_allclose(early.lower[:2], plain.lower[:2], rtol=1e-12)
    np.testing.assert_allclose(early.upper[:2], plain.upper[:2] + highest, rtol=1e-12)


def test_trajectories_come_in_and_stay():
    driven = driven_motif()
    found = bound(driven).box
    width = found.upper - found.lower
    starts = found.lower + width * np.random.default_rng(0).uniform(-1.0, 2.0, (64, 5))

    @jax.jit
    @jax.vmap
    def follow(start):
        # Steps of a tenth of the fastest time constant keep each component between where it is
        # and where it is driven to, as the flow does.
        def step(state, time):
            inside = (found.lower <= state) & (state <= found.upper)
            return state + driven.vector_field(time, state), jnp.all(inside)

        return jax.lax.scan(step, start, jnp.arange(20_000.0))

    last, inside = follow(jnp.asarray(starts))
    inside = np.asarray(inside)
    assert not inside[:, 0].all()
    assert np.all(inside[:, 1:] >= inside[:, :-1])
    assert_holds(
        Box(found.lower - 1e-6 * width, found.upper + 1e-6 * width),
        Box(np.asarray(last).min(axis=0), np.asarray(last).max(axis=0)),
    )


def test_decay_that_is_not_constant_and_drives_of_one_sign():
    """dx/dt = u - (2 + sin x) x: between u / 3 and u for u > 0."""
    system = Given(lambda x, p: p - (2.0 + jnp.tanh(p)) * x, 1, 1.5)
    np.testing.assert_allclose(bound(system).box.upper, 1.5 / (2 + np.tanh(1.5)), rtol=1e-12)
    np.testing.assert_allclose(bound(system).box.lower, 1.5 / (2 + np.tanh(1.5)), rtol=1e-12)
    wavy = Given(lambda x, p: 1.0 - 2.0 * x + jnp.sin(x), 1)
    found = bound(wavy)
    root = 0.8878622115744122
    assert found.box.lower[0] <= root <= found.box.upper[0]


def test_a_chain_is_bounded_link_by_link():
    chain = Given(lambda x, p: jnp.stack([jnp.tanh(x[1]) - x[0], x[0] ** 2 - 2.0 * x[1]]), 2)
    found = bound(chain)
    assert np.all(found.box.upper <= [0.5, 0.13])
    assert np.all(found.box.lower <= 0.0)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x, p: x, "x0, x1"),
        (lambda x, p: jnp.stack([-x[0], x[0] - 0.0 * x[1]]), "x1"),
        (lambda x, p: jnp.stack([-x[0] + x[1], -x[1] + x[0]]), "x0, x1"),
    ],
)
def test_components_without_a_bound_are_named(function, names):
    with pytest.raises(NotSolved, match=f"bound: no bound for {names}: either the component"):
        bound(Given(function, 2))
    found = bound(Given(function, 2), throw=False)
    assert (found.invariant, found.attracting) == (False, False)
    assert found.outcome == Outcome.DIVERGED


def test_a_box_that_is_stated_is_proved_by_its_faces():
    motif = tripartite_motif_figure_2()
    omega = motif.invariant_box(uniform=True)
    found = bound(motif, InwardFaces(omega))
    assert found.invariant
    assert not found.attracting
    np.testing.assert_allclose(found.box.upper, omega.upper, rtol=1e-9)
    # Linear coupling has no bound from the whole space, but a box all the same.
    coupled = Given(lambda x, p: jnp.stack([-x[0] + 0.5 * x[1], -x[1] + 0.5 * x[0]]), 2)
    assert bound(coupled, InwardFaces(box(2, -1.0, 1.0))).invariant
    # A box that is too small on two sides grows until it is not.
    driven = Given(lambda x, p: 2.0 + jnp.sin(x) - x, 1)
    grown = bound(driven, InwardFaces(box(1, 0.0, 1.0)))
    assert grown.invariant
    assert 2.0 + np.sin(grown.box.upper[0]) <= grown.box.upper[0]


def test_a_box_that_cannot_be_made_to_hold_names_its_faces():
    saddle = Given(lambda x, p: jnp.stack([x[0], -x[1]]), 2)
    with pytest.raises(
        NotSolved, match="after 5 steps the field points outwards on: lower x0, upp"
    ):
        bound(saddle, InwardFaces(box(2, -1.0, 1.0), maximum_steps=5))


def test_bad_arguments_name_themselves():
    system = Given(lambda x, p: -x, 1)
    with pytest.raises(ValueError, match="tolerance must be positive, got 0"):
        DecayBound(tolerance=0.0)
    with pytest.raises(ValueError, match="maximum_steps must be positive, got 0"):
        InwardFaces(box(1, -1.0, 1.0), maximum_steps=0)
    with pytest.raises(ValueError, match="start must be finite"):
        bound(system, InwardFaces(Box(np.zeros(1), np.array([np.inf]))))
    with pytest.raises(ValueError, match=r"time must be a number or a span \(first, last\)"):
        bound(system, time=(1.0, 0.0))
    with pytest.raises(ValueError, match="parameter must be finite"):
        bound(Given(lambda x, p: p - x, 1, np.inf))
    with pytest.raises(ValueError, match="the vector field is not proved continuous on the box"):
        bound(Given(lambda x, p: jnp.sign(x) - 2 * x, 1))
