import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import vector_field_of
from neuropil.circuits import tripartite_motif_figure_9
from neuropil.system import layer

STATE = jnp.array([0.5, -1.0, 0.3, 2.0, 0.1])


def test_one_entry_of_an_array_is_a_parameter():
    motif = tripartite_motif_figure_9()
    field = vector_field_of(motif, "neuron_decay[1]")
    assert float(field.value) == 0.4
    changed = field(STATE, jnp.asarray(0.9)) - field(STATE, field.value)
    # tau dx2/dt has the term -a2 x2, with tau = 10 ms; nothing else depends on a2.
    np.testing.assert_allclose(changed, [0.0, 0.5 / 10.0, 0.0, 0.0, 0.0], atol=1e-15)


def test_an_array_of_one_entry_needs_no_index():
    system = layer(tripartite_motif_figure_9(), 0.2)
    for name in ("slow_state", "slow_state[0]"):
        field = vector_field_of(system, name)
        assert float(field.value) == 0.2
        expected = layer(tripartite_motif_figure_9(), 0.7).vector_field(jnp.zeros(()), STATE[:4])
        np.testing.assert_array_equal(field(STATE[:4], jnp.asarray(0.7)), expected)


def test_a_path_leads_into_a_module():
    system = layer(tripartite_motif_figure_9(), 0.2)
    assert float(vector_field_of(system, "whole.hebbian_gain[0]").value) == 6.0


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("neuron_decoy", "'neuron_decoy' is not a field of TripartiteMotif"),
        ("neuron_decay", r"have an index, as in 'neuron_decay\[0\]': its shape is \(2,\)"),
        ("neuron_decay[2]", r"index outside the array, whose shape is \(2,\)"),
        ("neuron_decay[0, 1]", r"index outside the array, whose shape is \(2,\)"),
        ("neuron_decay[-1]", "must be a field, a path with dots"),
        ("neuron_activation", "must be a real scalar array"),
    ],
)
def test_what_is_no_parameter_is_named(parameter, message):
    with pytest.raises(ValueError, match=message):
        vector_field_of(tripartite_motif_figure_9(), parameter)
