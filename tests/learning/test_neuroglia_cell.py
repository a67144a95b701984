"""Cells of neurons and glia are Euler steps of circuits, whatever their layout."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from neuropil.circuits import DenseNeuroGlialNetwork, NeuroGlialNetwork, NeuroGlialState
from neuropil.connectivity import random_neuro_glial_wiring
from neuropil.connectivity.hyperedges import NeuroGlialWiring
from neuropil.learning import (
    DomainMatrices,
    FullMatrices,
    HyperedgeList,
    NeuroGliaCell,
    Normal,
    domain_wiring,
    layout_of,
    neuroglia_cell,
)
from neuropil.simulate import NonStiff, integrate

TIME = jnp.asarray(0.0)
RANDOM = random_neuro_glial_wiring(
    jax.random.key(3), n_neurons=7, n_astrocytes=3, n_synapses=19, n_gap_junctions=2
)
# Neurons of one astrocyte that are no neighbours, and not all pairs of them joined.
SCATTERED = NeuroGlialWiring(
    np.array([1, 2, 3, 0, 2, 3, 0, 1, 0, 2]),
    np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3]),
    np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0]),
    n_neurons=4,
    n_astrocytes=2,
    gap_junctions=np.array([[0.0, 0.7], [-0.4, 0.0]]),
)
LAYOUTS = {
    "full": FullMatrices(5, 3),
    "full, all of C": FullMatrices(4, 2, elementwise=False),
    "list": HyperedgeList(RANDOM),
    "domains": DomainMatrices(domain_wiring(6, 3)),
    "scattered domains": DomainMatrices(SCATTERED),
}
VARIED = {
    name: Normal(0.8)
    for name in (
        "hebbian_gain",
        "glial_gain",
        "gap_strength",
        "coincidence_gain",
        "synapses",
        "initial_neurons",
        "initial_astrocytes",
    )
}


def cell_of(layout, **options):
    key = jax.random.key(11)
    return neuroglia_cell(layout, arms=3, channels=2, key=key, **(VARIED | options))


@pytest.fixture(params=LAYOUTS, ids=str)
def cell(request):
    return cell_of(LAYOUTS[request.param], neuron_rate=0.3, time_scale_ratio=0.2)


def euler(cell, state, stimulus):
    """One Euler step of the circuit, in the order of the circuit's state."""
    network, flat = cell.network(stimulus), cell.circuit_state(state)
    return flat + cell.step_size * network.vector_field(TIME, flat)


def test_a_step_is_an_euler_step_of_the_circuit(cell):
    state, stimulus = cell.initial_state(), jnp.array([0.7, -1.3])
    for _ in range(4):
        expected = euler(cell, state, stimulus)
        state = cell.step(state, stimulus)
        np.testing.assert_allclose(cell.circuit_state(state), expected, rtol=0, atol=1e-12)
    assert np.all(np.isfinite(expected))
    assert np.unique(np.asarray(expected)).size > 10


def test_neurons_first_means_that_the_others_see_the_new_neurons(cell):
    first = cell_of(cell.layout, neuron_rate=0.3, time_scale_ratio=0.2, neurons_first=True)
    state, stimulus = cell.initial_state(), jnp.array([0.7, -1.3])
    found = first.step(state, stimulus)
    neurons = cell.step(state, stimulus).neurons
    rest = cell.step(state._replace(neurons=neurons), stimulus)
    np.testing.assert_allclose(found.neurons, neurons, atol=1e-14)
    np.testing.assert_allclose(found.synapses, rest.synapses, atol=1e-14)
    np.testing.assert_allclose(found.astrocytes, rest.astrocytes, atol=1e-14)


def network_over(wiring, key):
    gains = jax.random.normal(key, (2, wiring.n_synapses))
    return NeuroGlialNetwork(
        wiring,
        hebbian_gain=gains[0],
        glial_gain=gains[1],
        coincidence_gain=jnp.linspace(-1.0, 1.5, wiring.n_astrocytes),
        synapse_decay=jnp.linspace(1.0, 1.1, wiring.n_synapses),
        neuron_time_constant=12.0,
        astrocyte_time_constant=80.0,
    )


def weights(n, m):
    return {
        "neuron_input_weights": np.full((n, 1), 0.4),
        "astrocyte_input_weights": np.linspace(-1, 1, m)[:, None],
        "readout_weights": np.ones((2, n)),
        "readout_bias": np.zeros(2),
    }


@pytest.mark.parametrize("wiring", [domain_wiring(6, 3), SCATTERED], ids=["blocks", "scattered"])
def test_matrices_and_list_are_the_same_network(wiring):
    network = network_over(wiring, jax.random.key(5))
    given = weights(wiring.n_neurons, wiring.n_astrocytes)
    cells = [
        NeuroGliaCell.of(network, layout=layout, step_size=2.0, **given)
        for layout in (DomainMatrices(wiring), HyperedgeList(wiring))
    ]
    states = [cell.initial_state() for cell in cells]
    for trial in range(6):
        stimulus = jnp.array([(-1.0) ** trial])
        states = [c.step(s, stimulus) for c, s in zip(cells, states, strict=True)]
    one, other = (c.circuit_state(s) for c, s in zip(cells, states, strict=True))
    np.testing.assert_allclose(one, other, atol=1e-13)
    assert np.abs(np.asarray(one)).min() > 1e-6


@pytest.mark.parametrize("wiring", [RANDOM, SCATTERED], ids=["random", "domains"])
def test_the_circuit_comes_back_out_of_its_cell(wiring):
    network = network_over(wiring, jax.random.key(6))
    cell = NeuroGliaCell.of(network, **weights(wiring.n_neurons, wiring.n_astrocytes))
    back = cell.network()
    state = jax.random.normal(jax.random.key(1), (len(network.state_names),))
    np.testing.assert_allclose(
        back.vector_field(TIME, state), network.vector_field(TIME, state), rtol=1e-12, atol=1e-14
    )


def test_a_dense_circuit_comes_back_out_of_its_cell():
    keys = jax.random.split(jax.random.key(8), 4)
    n, m = 3, 2
    network = DenseNeuroGlialNetwork(
        *(
            jax.random.normal(key, shape)
            for key, shape in zip(
                keys, ((n * n, n * n), (n * n, m), (m, m), (m, n * n)), strict=True
            )
        )
    )
    back = NeuroGliaCell.of(network, **weights(n, m)).network()
    state = jnp.linspace(-1.0, 1.0, n + n * n + m)
    np.testing.assert_allclose(
        back.vector_field(TIME, state), network.vector_field(TIME, state), rtol=1e-13
    )


@pytest.mark.slow
def test_a_cell_relaxes_as_its_circuit_does_in_continuous_time():
    """Two routes to the same state: many steps of the cell, and an adaptive integrator."""
    cell = cell_of(LAYOUTS["domains"], neuron_rate=0.002, time_scale_ratio=0.1)
    stimulus = jnp.array([0.5, 0.2])
    network = cell.network(stimulus)
    start = cell.initial_state()
    path = integrate(network, NonStiff(), cell.circuit_state(start), duration=600.0)
    state = jax.lax.fori_loop(0, 600, lambda _, s: cell.step(s, stimulus), start)
    error = np.abs(np.asarray(cell.circuit_state(state) - path.final_state)).max()
    assert error < 5e-3
    assert np.abs(np.asarray(path.final_state - cell.circuit_state(start))).max() > 0.3


def test_astrocytes_of_rate_zero_stay_where_they_start():
    cell = cell_of(LAYOUTS["domains"], time_scale_ratio=0.0)
    state = cell.step(cell.initial_state(), jnp.ones(2))
    np.testing.assert_array_equal(state.astrocytes, cell.initial_astrocytes)
    assert np.any(np.asarray(state.synapses) != np.asarray(cell.initial_state().synapses))
    with pytest.raises(ValueError, match="astrocyte_rate"):
        cell.network()


def test_without_astrocytes_is_without_what_they_give_to_synapses(cell):
    alone = cell_of(cell.layout, neuron_rate=0.3, has_astrocytes=False)
    silent = eqx.tree_at(lambda c: c.glial_gain, cell, jnp.zeros_like(cell.glial_gain))
    states = [alone.initial_state(), silent.initial_state()]
    for _ in range(3):
        states = [c.step(s, jnp.ones(2)) for c, s in zip((alone, silent), states, strict=True)]
    np.testing.assert_allclose(states[0].neurons, states[1].neurons, atol=1e-14)
    np.testing.assert_allclose(states[0].synapses, states[1].synapses, atol=1e-14)
    assert "glial_gain" not in alone.groups


def test_without_plasticity_neurons_are_a_leaky_network(cell):
    fixed = cell_of(cell.layout, has_plastic_synapses=False)
    state = fixed.initial_state()
    matrix = np.asarray(cell.layout.held(fixed.synapses))
    if matrix.ndim == 1:
        wiring = cell.layout.wiring
        pairs = (matrix, (np.asarray(wiring.post), np.asarray(wiring.pre)))
        matrix = scipy.sparse.coo_array(pairs, shape=(wiring.n_neurons,) * 2).toarray()
    rates = 1 / (1 + np.exp(-np.asarray(state.neurons)))
    drive = matrix @ rates + np.asarray(fixed.neuron_input_weights) @ np.ones(2)
    expected = 0.9 * np.asarray(state.neurons) + 0.1 * drive
    np.testing.assert_allclose(fixed.step(state, jnp.ones(2)).neurons, expected, atol=1e-13)


def test_a_layout_is_chosen_by_how_the_wiring_fills_it():
    assert isinstance(layout_of(domain_wiring(8, 2)), DomainMatrices)
    assert isinstance(layout_of(RANDOM), HyperedgeList)


def test_read_out_and_activity(cell):
    state = cell.initial_state()
    np.testing.assert_allclose(
        cell.read(state), cell.readout_weights @ state.neurons + cell.readout_bias, rtol=1e-13
    )
    assert isinstance(state, NeuroGlialState)
    assert set(cell.activity(state)) == {"neurons", "synapses", "astrocytes"}


@pytest.mark.slow
def test_single_precision_stays_single():
    cell = cell_of(LAYOUTS["domains"], dtype=jnp.float32)
    state = cell.step(cell.initial_state(), jnp.ones(2, jnp.float32))
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {np.dtype("float32")}
    assert cell.network().hebbian_gain.dtype == np.dtype("float64")


@pytest.mark.parametrize(
    ("attempt", "names"),
    [
        (lambda: domain_wiring(6, 4), "n_astrocytes"),
        (lambda: DomainMatrices(RANDOM), "wiring"),
        (lambda: FullMatrices(0, 2), "n_neurons"),
        (lambda: cell_of(LAYOUTS["full"], neuron_rate=0.0), "neuron_rate"),
        (lambda: cell_of(LAYOUTS["full"], time_scale_ratio=-1.0), "time_scale_ratio"),
        (lambda: cell_of(LAYOUTS["full"], has_astrocytes=False).network(), "astrocytes"),
        (
            lambda: NeuroGliaCell.of(
                network_over(RANDOM, jax.random.key(0)), step_size=20.0, **weights(7, 3)
            ),
            "step_size",
        ),
        (
            lambda: NeuroGliaCell.of(network_over(RANDOM, jax.random.key(0)), **weights(6, 3)),
            "neuron_input_weights",
        ),
        (
            lambda: DenseNeuroGlialNetwork(
                np.ones((3, 3)), np.ones((9, 2)), np.ones((2, 2)), np.ones((9, 2))
            ),
            "coincidence_gain",
        ),
    ],
)
def test_what_does_not_fit_is_named(attempt, names):
    with pytest.raises(ValueError, match=names):
        attempt()
