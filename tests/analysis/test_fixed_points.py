"""The stationary states of the neuron-glia motif with proof, against values with 50 digits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp
from zero_problems import (
    EQUILIBRIA_FIGURE_2,
    EQUILIBRIUM_FIGURE_8A,
    FOLD_FIGURE_9,
    Given,
    box,
    figure_9_layer,
    layer_box,
    motif_equations,
    polished_zero,
    row,
    stacked,
)

from neuropil.analysis import fixed_points, fixed_points_batch, stability
from neuropil.circuits import (
    NeuroGlialNetwork,
    TripartiteMotif,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
)
from neuropil.connectivity import NeuroGlialWiring
from neuropil.result import NotSolved
from neuropil.system import Box


def test_the_motif_of_figure_2_has_its_three_equilibria_and_no_others():
    motif = tripartite_motif_figure_2()
    found = fixed_points(motif, motif.invariant_box(uniform=True))
    assert found.complete
    assert len(found.undecided.lower) == 0
    np.testing.assert_allclose(found.state, EQUILIBRIA_FIGURE_2, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found.n_unstable, [0, 0, 1])
    assert found.kind == ("stable focus", "stable focus", "saddle")
    assert found.sentence == ("3 stationary states proved to exist; there are no others in the box")


def test_the_motif_of_figure_8a_has_one_stable_equilibrium():
    motif = tripartite_motif_figure_8a()
    found = fixed_points(motif, motif.invariant_box())
    assert found.complete
    np.testing.assert_allclose(found.state, [EQUILIBRIUM_FIGURE_8A], rtol=1e-12)
    np.testing.assert_array_equal(found.n_unstable, [0])


def test_enclosures_hold_the_zero_in_fifty_digits_and_little_else():
    motif = tripartite_motif_figure_2()
    found = fixed_points(motif, motif.invariant_box())
    for state, low, high in zip(
        found.state, found.enclosure.lower, found.enclosure.upper, strict=True
    ):
        zero = polished_zero(motif_equations(motif), state)
        for value, lower, upper in zip(zero, low, high, strict=True):
            assert mp.mpf(float(lower)) <= value <= mp.mpf(float(upper))
            assert upper - lower < 1e-12


def test_eigenvalues_are_those_of_the_vector_field():
    motif = tripartite_motif_figure_2()
    found = fixed_points(motif, motif.invariant_box())
    plain = stability(motif, jnp.asarray(found.state))
    np.testing.assert_array_equal(found.n_unstable, plain.n_unstable)
    np.testing.assert_allclose(
        np.sort_complex(found.eigenvalues), np.sort_complex(plain.eigenvalues), rtol=1e-7
    )
    assert np.all(np.diff(found.eigenvalues.real, axis=1) <= 0)


@pytest.mark.parametrize(
    ("modulation", "count"),
    [(-1.0, 1), (0.0, 1), (FOLD_FIGURE_9[0] - 1e-8, 1), (FOLD_FIGURE_9[0] + 1e-7, 3), (1.0, 3)],
)
def test_the_layer_of_figure_9_has_one_equilibrium_below_the_fold_and_three_above(
    modulation, count
):
    found = fixed_points(figure_9_layer(modulation), layer_box())
    assert found.complete
    assert len(found) == count
    # Stable, and in pairs a saddle and a stable one.
    assert sorted(found.n_unstable) == [0] * (count // 2 + 1) + [1] * (count // 2)


def test_at_the_fold_itself_one_equilibrium_is_proved_and_the_double_one_reported():
    found = fixed_points(figure_9_layer(FOLD_FIGURE_9[0]), layer_box(), throw=False)
    assert len(found) == 1
    assert not found.complete
    double = np.array(FOLD_FIGURE_9[1:])
    inside = (found.undecided.lower[:, :2] <= double) & (double <= found.undecided.upper[:, :2])
    assert inside.all(axis=1).any()
    with pytest.raises(NotSolved, match="fixed_points: 1 stationary state proved to exist"):
        fixed_points(figure_9_layer(FOLD_FIGURE_9[0]), layer_box())


def random_layers(n, seed, *, modulation=(-1.0, 1.0)):
    generator = np.random.default_rng(seed)
    scales = generator.uniform(0.9, 1.1, (n, 4, 2))
    plain = figure_9_layer(0.0).whole

    def scaled(scale, psi):
        return figure_9_layer(
            psi,
            neuron_decay=plain.neuron_decay * scale[0],
            synapse_decay=plain.synapse_decay * scale[1],
            hebbian_gain=plain.hebbian_gain * scale[2],
            glial_gain=plain.glial_gain * scale[3],
        )

    return eqx.filter_vmap(scaled)(jnp.asarray(scales), generator.uniform(*modulation, n))


def boxes_of(layers):
    ends = eqx.filter_vmap(lambda layer: layer.whole.invariant_box())(layers)
    return Box(ends.lower[:, :4], ends.upper[:, :4])


@pytest.mark.slow
def test_counts_are_odd_and_stability_alternates_over_random_parameters():
    layers = random_layers(300, 3)
    found = fixed_points_batch(layers, boxes_of(layers))
    assert found.complete.all()
    assert np.all(found.count % 2 == 1)
    # The field points inwards on the box, so the indices of all zeros sum to one.
    index = np.bincount(found.system_index, weights=(-1.0) ** found.n_unstable)
    np.testing.assert_array_equal(index, 1)
    assert "undetermined" not in found.kind


def test_a_batch_gives_what_one_at_a_time_gives():
    layers = random_layers(6, 11, modulation=(0.7, 1.0))
    ends = boxes_of(layers)
    together = fixed_points_batch(layers, ends)
    for index in range(6):
        one = fixed_points(row(layers, index), Box(ends.lower[index], ends.upper[index]))
        np.testing.assert_array_equal(together[index].enclosure.lower, one.enclosure.lower)
        np.testing.assert_array_equal(together[index].enclosure.upper, one.enclosure.upper)
        assert together[index].kind == one.kind
    with pytest.raises(IndexError, match="index must be below 6, got 6"):
        together[6]


def test_renaming_the_neurons_renames_the_states():
    motif = tripartite_motif_figure_2()
    flipped = jax.tree.map(lambda leaf: leaf[::-1] if jnp.ndim(leaf) else leaf, motif)
    found = fixed_points(motif, motif.invariant_box())
    turned = fixed_points(flipped, flipped.invariant_box())
    states = turned.state[:, [1, 0, 3, 2, 4]]
    order = np.argsort(states[:, 0])
    np.testing.assert_allclose(states[order], found.state, rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(turned.n_unstable[order], found.n_unstable)


@pytest.mark.slow
def test_slower_time_leaves_the_states_and_slows_the_eigenvalues():
    slow = eqx.tree_at(
        lambda m: (m.neuron_time_constant, m.synapse_time_constant, m.astrocyte_time_constant),
        tripartite_motif_figure_2(),
        replace_fn=lambda tau: 7.0 * tau,
    )
    motif = tripartite_motif_figure_2()
    found = fixed_points(motif, motif.invariant_box())
    later = fixed_points(slow, motif.invariant_box())
    np.testing.assert_allclose(later.state, found.state, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(7.0 * later.eigenvalues, found.eigenvalues, rtol=1e-9, atol=1e-15)


def test_a_larger_box_holds_nothing_more():
    motif = tripartite_motif_figure_2()
    ends = motif.invariant_box()
    found = fixed_points(motif, ends)
    for times in (2.0, 10.0):
        grown = Box(
            ends.lower - times * (ends.upper - ends.lower),
            ends.upper + 0.7 * times * (ends.upper - ends.lower),
        )
        larger = fixed_points(motif, grown)
        assert larger.complete
        np.testing.assert_allclose(larger.state, found.state, rtol=1e-13, atol=1e-14)


@pytest.mark.slow
def test_the_ring_of_two_neurons_is_the_motif():
    """The network of two neurons, two synapses and one astrocyte has the motif's equilibria."""
    motif = tripartite_motif_figure_2()
    wiring = NeuroGlialWiring(
        np.array([0, 1]), np.array([1, 0]), np.array([0, 0]), n_neurons=2, n_astrocytes=1
    )
    network = NeuroGlialNetwork(
        wiring,
        neuron_decay=motif.neuron_decay,
        synapse_decay=motif.synapse_decay,
        astrocyte_decay=motif.astrocyte_decay,
        hebbian_gain=motif.hebbian_gain,
        glial_gain=motif.glial_gain,
        coincidence_gain=motif.coincidence_gain,
    )
    found = fixed_points(network, network.invariant_box())
    assert found.complete
    np.testing.assert_allclose(found.state, EQUILIBRIA_FIGURE_2, rtol=1e-12, atol=1e-12)


def special_motif(c2, split=(0.2, 0.5)):
    """The parameters of SI.4 with a1 b2 = a2 b1 = 0.1, c1 = c2 and d = e = h = 1."""
    a, b = split
    return TripartiteMotif(
        neuron_decay=jnp.full(2, a),
        synapse_decay=jnp.full(2, b),
        hebbian_gain=jnp.stack([c2, c2]),
        glial_gain=jnp.ones(2),
    )


@pytest.mark.parametrize("split", [(0.2, 0.5), (0.1, 1.0)])
def test_the_two_fixed_points_of_the_supplement_do_not_exist(split):
    """SI.4 states two for every c2 in between; there is one, proved for the whole range."""
    ends = jnp.linspace(-1.5595, -1.1307, 401)
    motifs = eqx.filter_vmap(lambda c: special_motif(c, split))(ends)
    box = special_motif(jnp.asarray(-1.6), split).invariant_box()
    first, last = row(motifs, slice(None, -1)), row(motifs, slice(1, None))
    found = fixed_points_batch(first, box, up_to=last)
    assert found.complete.all()
    np.testing.assert_array_equal(found.count, 1)
    # Neighbouring ranges share an end, at which there is one state: it is one branch.
    assert np.all(found.enclosure.lower[1:] <= found.enclosure.upper[:-1])
    assert np.all(found.enclosure.lower[:-1] <= found.enclosure.upper[1:])


def test_a_state_that_cuts_go_through_is_one_state_whatever_the_box():
    """Over intervals of a parameter, both sides of a cut have an enclosure of the same state."""
    ends = jnp.linspace(-1.5595, -1.1307, 401)
    motifs = eqx.filter_vmap(lambda c: special_motif(c, (0.1, 1.0)))(ends)
    first, last = row(motifs, slice(None, -1)), row(motifs, slice(1, None))
    lower, upper = special_motif(jnp.asarray(-1.6), (0.1, 1.0)).invariant_box()
    rng = np.random.default_rng(0)
    for _ in range(6):
        grown = Box(lower * (1 + 0.1 * rng.random(5)), upper * (1 + 0.1 * rng.random(5)))
        found = fixed_points_batch(first, grown, up_to=last, throw=False)
        assert found.complete.all()
        np.testing.assert_array_equal(found.count, 1)


def test_no_number_of_unstable_directions_is_claimed_that_is_not_proved():
    # A centre: eigenvalues on the imaginary axis.
    centre = Given(lambda x, p: jnp.stack([x[1], -x[0]]), 2)
    found = fixed_points(centre, box(2, -1.0, 1.5))
    assert found.kind == ("undetermined",)
    # A defective Jacobian has no basis of eigenvectors; one this far left is still a node.
    defective = Given(lambda x, p: jnp.stack([-x[0] + x[1], -x[1]]), 2)
    assert fixed_points(defective, box(2, -1.0, 1.5)).kind[0] in ("stable node", "undetermined")
    source = Given(lambda x, p: jnp.stack([x[0] + 2 * x[1], -2 * x[0] + x[1]]), 2)
    assert fixed_points(source, box(2, -1.0, 1.5)).kind == ("unstable focus",)


def test_the_dataset_is_labelled():
    motif = tripartite_motif_figure_2()
    table = fixed_points(motif, motif.invariant_box()).to_xarray()
    assert table.sizes == {"point": 3, "component": 5, "mode": 5}
    assert list(table.component.values) == ["x1", "x2", "w1", "w2", "z"]
    assert table.attrs["complete"] == 1
    assert list(table.kind.values) == ["stable focus", "stable focus", "saddle"]
    assert np.all(table.lower <= table.state)


def test_rows_that_do_not_fit_are_refused():
    systems = stacked([Given(lambda x, p: x - p, 1, 0.1)] * 3)
    with pytest.raises(ValueError, match="box must have one row or 3, got 2"):
        fixed_points_batch(systems, Box(np.zeros((2, 1)), np.ones((2, 1))))
    with pytest.raises(ValueError, match="systems must be a system whose arrays all have the same"):
        fixed_points_batch(Given(lambda x, p: x - p, 1, 0.1), box(1, -1.0, 1.0))
    with pytest.raises(ValueError, match="up_to must have parameters of the same shapes"):
        fixed_points_batch(systems, box(1, -1.0, 1.0), up_to=row(systems, slice(0, 2)))
    squares = Given(lambda x, p: x * x + 0.0 * p, 1, jnp.zeros(3))
    with pytest.raises(NotSolved, match="fixed_points_batch: 3 of 3 systems; the first is 0"):
        fixed_points_batch(squares, box(1, -1.0, 1.0))
