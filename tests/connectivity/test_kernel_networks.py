import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import StepKernel, connectome_from_edges
from neuropil.connectivity.kernel_curves import curve_kernel
from neuropil.connectivity.kernel_estimates import LowRankKernel, step_kernel, weights_kernel
from neuropil.connectivity.kernel_networks import curve_network, sample_network
from neuropil.connectivity.natural_scaling import natural_scaling, require_natural_scaling

KERNEL = StepKernel(np.array([[2.0, -1.0], [0.5, 3.0]]), np.array([0.4, 0.6]))


@pytest.mark.parametrize("neurons", [10, 50])
def test_copies_of_the_types_give_the_kernel_back(neurons):
    sampled = sample_network(KERNEL, neurons)
    found = step_kernel(sampled.connectome, sampled.types)
    assert np.allclose(found.matrix, KERNEL.matrix, rtol=1e-12)
    assert np.allclose(found.measure, KERNEL.measure, rtol=1e-12)
    assert np.all(np.diff(sampled.place) > 0)


@pytest.mark.parametrize("probability", [0.3, 2000**-0.5])
def test_random_thinning_keeps_the_mean(probability):
    neurons = 2000
    sampled = sample_network(KERNEL, neurons, probability=probability, key=jax.random.key(8))
    found = np.asarray(step_kernel(sampled.connectome, sampled.types).matrix)
    smallest_block = (0.4 * neurons) ** 2
    error = np.abs(KERNEL.matrix) * np.sqrt((1 - probability) / probability / smallest_block)
    # The diagonal is left out, which takes at most 1 / (0.4 N).
    assert np.all(np.abs(found - KERNEL.matrix) < 4 * error + np.abs(KERNEL.matrix) / 800)
    mean_degree = sampled.connectome.in_degrees.mean()
    assert np.isclose(mean_degree, probability * neurons, rtol=0.05)


def test_a_function_of_place_is_a_kernel_too():
    sampled = sample_network(lambda xi, zeta: 1.0 + xi * zeta, 40)
    place = sampled.place
    expected = (1 + place[:, None] * place[None, :]) / 40
    assert np.allclose(sampled.connectome.to_dense(), expected, rtol=1e-14)
    low_rank = LowRankKernel(
        np.stack([np.ones(40), place], axis=1),
        np.stack([np.ones(40), place], axis=1),
        np.full(40, 1 / 40),
    )
    again = sample_network(low_rank, 40).connectome
    assert np.allclose(again.to_dense(), expected, rtol=1e-12)


@given(
    st.integers(3, 40),
    st.integers(1, 39),
    st.lists(st.floats(-3, 3), min_size=1, max_size=3),
    st.lists(st.sampled_from([0.5, -1.0, 2.0]), min_size=3, max_size=3),
)
def test_neighbours_of_curves_are_the_nearest(neurons, neighbours, shifts, weights):
    neighbours = min(neighbours, neurons - 1)
    for shift, weight in zip(shifts, weights, strict=False):
        network = curve_network([lambda x: x + shift], [weight], neurons, neighbours=neighbours)  # noqa: B023
        matrix = network.connectome.to_dense()
        assert np.all(np.diag(matrix) == 0)
        assert np.all((matrix != 0).sum(axis=1) == neighbours)
        assert np.allclose(matrix.sum(axis=1), weight)
        distance = np.abs(network.place[None, :] - (network.place + shift)[:, None]) % 1.0
        distance = np.minimum(distance, 1 - distance)
        np.fill_diagonal(distance, np.nan)
        taken = np.where(matrix != 0, distance, -1.0)
        left = np.where(matrix == 0, distance, np.inf)
        assert np.all(np.nanmax(taken, axis=1) <= np.nanmin(left, axis=1) + 1e-9)


def test_neighbours_of_curves_approach_the_curve_kernel():
    curves, weights = [lambda x: x, lambda x: 2 * x + 0.1], [1.0, -2.0]
    kernel = curve_kernel(curves, weights, 1000)

    def wave(place):
        return np.cos(2 * np.pi * place)

    limit = eqx.filter_jit(kernel.apply)(jnp.asarray(wave((np.arange(1000) + 0.5) / 1000)))
    errors = []
    for neurons in (100, 1000):
        network = curve_network(curves, weights, neurons)
        received = network.connectome.to_scipy() @ wave(network.place)
        grid = (np.arange(1000) + 0.5) / 1000
        expected = np.interp(network.place, grid, np.asarray(limit), period=1.0)
        errors.append(np.abs(received - expected).max())
    # The share of the ring that is averaged over falls as N^(-1/2), the error as its square.
    assert errors[1] < 0.2 * errors[0]


def test_families_that_are_scaled_naturally_pass():
    sizes = (100, 400, 1600)
    curves = [curve_network([lambda x: x], [1.0], n).connectome for n in sizes]
    growth = require_natural_scaling(curves)
    assert np.isclose(growth.largest_weight, -0.5, atol=0.02)
    assert abs(growth.in_strength) < 0.01
    dense = [sample_network(KERNEL, n).connectome for n in sizes]
    assert np.isclose(require_natural_scaling(dense).largest_weight, -1.0)
    keys = jax.random.split(jax.random.key(0), 3)
    sparse = [
        sample_network(KERNEL, n, probability=n**-0.5, key=key).connectome
        for n, key in zip(sizes, keys, strict=True)
    ]
    assert np.isclose(require_natural_scaling(sparse).largest_weight, -0.5)


def star(neurons, *, inwards, weight):
    """One neuron that all others send to, or that sends to all others."""
    hub, leaves = np.zeros(neurons - 1, int), np.arange(1, neurons)
    pair = (leaves, hub) if inwards else (hub, leaves)
    return connectome_from_edges(*pair, np.full(neurons - 1, weight), neurons)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            [star(n, inwards=True, weight=n**-0.5) for n in (100, 400)],
            r"onto one neuron is 9.9, 19.95 along the family and grows as N\^0.51",
        ),
        (
            [star(n, inwards=False, weight=n**-0.5) for n in (100, 400)],
            "from one neuron .* grows",
        ),
        (
            [star(n, inwards=True, weight=1.0).with_weights(np.eye(n - 1)[0]) for n in (5, 50)],
            "connection of weight|largest weight is 1, 1 along the family",
        ),
        ([star(9, inwards=True, weight=1.0)], "at least two sizes"),
        ([star(n, inwards=True, weight=0.0) for n in (5, 9)], "weight other than zero"),
    ],
)
def test_families_that_are_not_are_refused(family, message):
    with pytest.raises(ValueError, match=message):
        require_natural_scaling(family)


def test_scaling_of_one_network():
    network = connectome_from_edges(
        np.array([1, 2, 0]), np.array([0, 0, 2]), np.array([2.0, -3.0, 1.0]), 3, unit="mV"
    )
    found = natural_scaling(network)
    assert (found.in_strength, found.out_strength, found.largest_weight) == (5.0, 3.0, 3.0)
    assert found.bound == 5.0
    assert "receives more than 5 mV or sends more than 3 mV" in found.sentence
    empty = connectome_from_edges(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 2)
    assert natural_scaling(empty).bound == 0.0
    assert "0" in natural_scaling(empty).sentence


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_network(KERNEL, 1), "n_neurons must be at least 2, got 1"),
        (lambda: sample_network(KERNEL, 5001), "give a probability"),
        (lambda: sample_network(KERNEL, 10, probability=0.5), "key must be given"),
        (
            lambda: sample_network(curve_kernel([lambda x: x], [1.0], 4), 10),
            "got CurveKernel, which has no values",
        ),
        (
            lambda: sample_network(weights_kernel(star(4, inwards=True, weight=1.0)), 10),
            "got WeightsKernel",
        ),
        (
            lambda: curve_network([lambda x: x], [1.0], 10, neighbours=10),
            "neighbours must be between 1 and 9, got 10",
        ),
        (lambda: curve_network([lambda x: x], [1.0, 2.0], 10), "one number for each of 1 curves"),
        (lambda: curve_network([lambda x: x], [1.0], 1), "n_neurons must be at least 2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
