import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import erdos_renyi, load_connectome, signed, sonet

KEY = jax.random.key(11)


@pytest.mark.slow
@given(
    st.sampled_from([10, 33, 80]), st.floats(0.1, 0.9), st.floats(0.1, 20.0), st.integers(0, 1000)
)
def test_signs_are_those_of_the_presynaptic_neuron(n, fraction, ratio, seed):
    plain = erdos_renyi(n, 0.4, key=jax.random.key(seed), weight=0.7, unit="mV ms")
    mixed = signed(
        plain, inhibitory_fraction=fraction, inhibitory_ratio=ratio, key=jax.random.key(seed + 1)
    )
    types = np.array(mixed.cell_types)
    inhibitory = types == "inhibitory"
    assert set(types) == {"excitatory", "inhibitory"}
    assert inhibitory.sum() == round(fraction * n)
    expected = plain.to_dense() * np.where(inhibitory, -ratio, 1.0)[None, :]
    assert np.array_equal(mixed.to_dense(), expected)
    assert mixed.unit == "mV ms"


def test_default_ratio_balances_the_columns():
    mixed = signed(erdos_renyi(1003, 0.2, key=KEY), key=KEY)
    inhibitory = np.array(mixed.cell_types) == "inhibitory"
    assert inhibitory.sum() == 201
    column_weight = np.where(inhibitory, mixed.weights.min(), 1.0)
    assert mixed.weights.max() == 1
    assert column_weight.sum() == pytest.approx(0, abs=1e-9)


def test_every_neuron_is_as_likely_to_be_inhibitory():
    graph = erdos_renyi(10, 0.5, key=KEY)
    counts = np.zeros(10)
    for key in jax.random.split(KEY, 300):
        counts += np.array(signed(graph, inhibitory_fraction=0.3, key=key).cell_types) == (
            "inhibitory"
        )
    assert np.all(np.abs(counts - 90) < 4.5 * np.sqrt(300 * 0.3 * 0.7))


@pytest.mark.slow
def test_sonets_and_real_connectomes_take_signs_too():
    graph = sonet(60, 0.3, convergent=0.2, key=KEY).connectome
    assert (signed(graph, key=KEY).weights < 0).any()
    real = load_connectome("celegans-cook-2019-chemical")
    mixed = signed(real, key=KEY)
    assert mixed.labels == real.labels
    assert np.array_equal(np.abs(np.sign(mixed.weights)), np.sign(real.weights))


def test_bad_arguments_are_named():
    graph = erdos_renyi(10, 0.5, key=KEY)
    for fraction in (0.0, 1.0, -0.5, float("nan")):
        with pytest.raises(ValueError, match=r"inhibitory_fraction is .* between 0 and 1"):
            signed(graph, inhibitory_fraction=fraction, key=KEY)
    with pytest.raises(ValueError, match="makes 0 of 10 neurons inhibitory"):
        signed(graph, inhibitory_fraction=0.01, key=KEY)
    for ratio in (0.0, -4.0, float("inf")):
        with pytest.raises(ValueError, match=r"inhibitory_ratio is .* positive and finite"):
            signed(graph, inhibitory_ratio=ratio, key=KEY)
    with pytest.raises(ValueError, match="connectome has negative weights, down to -4"):
        signed(signed(graph, key=KEY), key=KEY)
