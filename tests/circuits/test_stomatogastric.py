"""Parameters, ranges and limits of both models of the stomatogastric ganglion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import (
    HUB,
    PYLORIC_CELLS,
    StomatogastricGanglion,
    StomatogastricHub,
    pyloric_circuit,
    pyloric_circuit_5a,
    pyloric_circuits,
    pyloric_parameters,
)

CIRCUIT = pyloric_circuit_5a()
TIME = jnp.zeros(())


def test_the_parameters_are_31_named_ranges_around_the_cells():
    ranges = pyloric_parameters()
    assert len(set(ranges.names)) == len(ranges.units) == ranges.lower.size == 31
    assert np.all(ranges.lower < ranges.upper)
    assert np.all(ranges.lower >= 0)
    for name, values in PYLORIC_CELLS.items():
        first = 8 * [kind in name for kind in ("AB/PD", "LP", "PY")].index(True)
        inside = slice(first, first + 8)
        assert np.all((ranges.lower[inside] <= values) & (values <= ranges.upper[inside]))
    # Of AB/PD, sodium: 100 to 400 widened by 100.
    assert (ranges.lower[0], ranges.upper[0]) == (0.0, 500.0)
    np.testing.assert_allclose(ranges.upper[24:26], [1e-2, 1e-3])
    assert sum(ranges.is_logarithmic) == 7


def test_rows_are_circuits():
    rows = np.concatenate(
        [np.ravel(CIRCUIT.maximal_conductances), CIRCUIT.synaptic_conductances]
    ) * np.array([[1.0], [2.0]])
    many = pyloric_circuits(rows)
    np.testing.assert_allclose(many.maximal_conductances[1], 2 * CIRCUIT.maximal_conductances)
    synapses_only = pyloric_circuits(rows[:, 24:], CIRCUIT)
    np.testing.assert_allclose(synapses_only.synaptic_conductances, many.synaptic_conductances)
    np.testing.assert_allclose(synapses_only.maximal_conductances[1], CIRCUIT.maximal_conductances)
    for bad, cells, text in (
        (rows[:, :5], None, "rows of 31 or of 7 numbers"),
        (rows[:, 24:], None, "cells must be a circuit"),
        (-rows, None, "parameters must be finite and not negative"),
    ):
        with pytest.raises(ValueError, match=text):
            pyloric_circuits(bad, cells)


def test_bad_circuits_are_named():
    with pytest.raises(ValueError, match=r"cells must hold one of LP 1, .* got 'PY 1'"):
        pyloric_circuit(("AB/PD 1", "PY 1", "PY 1"), (0.0,) * 7)
    with pytest.raises(ValueError, match="synaptic_conductances must be finite and not negative"):
        StomatogastricGanglion(CIRCUIT.maximal_conductances, jnp.full(7, -1.0))
    with pytest.raises(ValueError, match="hub_inhibition must be finite and not negative"):
        StomatogastricHub(5.0, -1.0)


def test_a_state_is_its_parts():
    state = jnp.linspace(0.1, 0.9, len(CIRCUIT.state_names))
    np.testing.assert_array_equal(CIRCUIT.join(CIRCUIT.parts(state)), state)


def test_leak_alone_is_a_filter():
    conductances = jnp.zeros((3, 8)).at[:, 7].set(jnp.array([0.01, 0.02, 0.03]))
    circuit = StomatogastricGanglion(conductances, jnp.zeros(7), jnp.array([0.0, 1e-5, 0.0]))
    change = circuit.vector_field(TIME, circuit.state_at_rest(-40.0))
    expected = (
        -10 * np.array([0.01, 0.02, 0.03]) * 0.628e-3 + np.array([0.0, 1e-5, 0.0])
    ) / 0.6283e-3
    np.testing.assert_allclose(change[:3], expected, rtol=1e-12)
    np.testing.assert_allclose(change[3:6], 0.0, atol=1e-15)


def test_an_open_synapse_pulls_its_target_to_its_reversal():
    for number, (post, reversal) in enumerate(
        [(1, -70.0), (1, -80.0), (2, -70.0), (2, -80.0), (0, -70.0), (2, -70.0), (1, -70.0)]
    ):
        circuit = StomatogastricGanglion(jnp.zeros((3, 8)), jnp.zeros(7).at[number].set(1e-3))
        rest = circuit.state_at_rest(-50.0)
        change = circuit.vector_field(TIME, rest.at[-7 + number].set(0.5))
        expected = np.zeros(3)
        expected[post] = 0.5e-3 * (reversal + 50.0) / 0.6283e-3
        np.testing.assert_allclose(change[:3], expected, rtol=1e-12, atol=1e-15)


def test_gap_junctions_conserve_charge_and_vanish_between_equals():
    quiet = {
        name: jnp.zeros(5)
        for name in (
            "calcium_conductances", "potassium_conductances", "hyperpolarisation_conductances",
        )
    }  # fmt: skip
    joined = StomatogastricHub(5.0, 0.0, 0.0, **quiet, leak_conductance=0.0)
    state = jnp.concatenate([jnp.array([-30.0, 4.0, -11.0, 60.0, 7.0]), jnp.zeros(10)])
    change = joined.vector_field(TIME, state)[:5]
    np.testing.assert_allclose(change, 5e-3 * np.array([0, -15, 15 + 18, 0, -18]), atol=1e-12)
    level = joined.vector_field(TIME, state.at[:5].set(-20.0))[:5]
    np.testing.assert_allclose(level, 0.0, atol=1e-15)


@pytest.mark.slow
def test_each_pair_and_the_hub_are_inhibited_by_the_right_cells():
    state = StomatogastricHub(0.0, 0.0).published_start()

    def onto(name):
        slope = jax.jacfwd(
            lambda value: StomatogastricHub(
                0.0, **{"hub_inhibition": 0.0, "side_inhibition": 0.0, name: value}
            ).vector_field(TIME, state)
        )(jnp.asarray(1.0))
        return np.asarray(slope[:5])

    volts = np.asarray(state[:5])
    released = 1 / (1 + np.exp((-25 - volts) / 5))
    pull = 1e-3 * (-75 - volts)
    np.testing.assert_allclose(
        onto("side_inhibition"), pull * released[[1, 0, 2, 4, 3]] * [1, 1, 0, 1, 1], rtol=1e-12
    )
    expected = np.zeros(5)
    expected[HUB] = pull[HUB] * (released[0] + released[3])
    np.testing.assert_allclose(onto("hub_inhibition"), expected, rtol=1e-12)
