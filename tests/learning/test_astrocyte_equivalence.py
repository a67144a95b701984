"""Neural networks turned into waves, and functions computed by them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.learning.astrocyte import (
    LOGISTIC_TRANSPORT,
    TANH_TRANSPORT,
    Leak,
    RectifiedTransport,
    SmoothTransport,
    TwoLayerNetwork,
    approximate,
    leak_errors,
    to_astrocytes,
)

KEY = jax.random.key(0)


def two_layer(n, r, p, activation=jnp.tanh, seed=0):
    draw = np.random.default_rng(seed)
    shapes = ((r, n), (r,), (p, r), (p,))
    return TwoLayerNetwork(*(jnp.asarray(draw.normal(size=s)) for s in shapes), activation)


def inputs_for(network, number=5, within=1.0):
    return jax.random.uniform(KEY, (number, network.n_inputs), float, -within, within)


def by_matrices(network, x):
    """The wave, walked with full matrices in NumPy."""
    for step in network.steps:
        x = step.matrix() @ x + (0 if step.bias is None else np.asarray(step.bias)[:, None])
        x = np.asarray(step.activation(jnp.asarray(x)))
    return x


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7), st.integers(3, 8))
def test_any_two_layer_network_is_a_wave(n, r, p, neighbours):
    network = two_layer(n, r, p)
    wave = to_astrocytes(network, neighbours=neighbours)
    x = np.random.default_rng(1).normal(size=(n, 5))
    w, b, v, c = (np.asarray(part) for part in jax.tree.leaves(eqx.filter(network, eqx.is_array)))
    expected = v @ np.tanh(w @ x + b[:, None]) + c[:, None]
    np.testing.assert_allclose(by_matrices(wave.network, x), expected, atol=1e-12)
    assert all(step.wiring.neighbours <= neighbours for step in wave.network.steps)
    assert wave.error_bound == 0
    reach = (neighbours - 1) // 2
    rounds = -(-(n + r - 1) // reach) - (-(r + p - 1) // reach)
    trimmed = -(-max(n, r + p) // (2 * reach))
    assert rounds <= wave.depth <= rounds + 2 * trimmed
    assert wave.n_cells == sum(width for (width,) in wave.network.widths)
    assert wave.width <= n + 2 * (r + p + reach)


def test_a_trained_perceptron_becomes_a_wave_that_runs():
    perceptron = eqx.nn.MLP(6, 3, 8, 1, activation=jax.nn.relu, key=KEY)
    wave = to_astrocytes(perceptron, neighbours=5)
    x = jax.random.normal(KEY, (20, 6))
    found = jax.jit(jax.vmap(wave.network))(x)
    np.testing.assert_allclose(found, jax.vmap(perceptron)(x), atol=1e-13)


def test_more_neighbours_make_a_shorter_wave():
    network = two_layer(12, 12, 5)
    depths = [to_astrocytes(network, neighbours=k).depth for k in (3, 5, 7, 11)]
    assert depths == sorted(depths, reverse=True)
    assert depths[0] > 4 * depths[-1]


@pytest.mark.parametrize(
    ("transport", "activation"),
    [(TANH_TRANSPORT, jnp.tanh), (LOGISTIC_TRANSPORT, jax.nn.sigmoid)],
    ids=["tanh", "logistic"],
)
@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_smooth_cells_compute_within_the_bound(transport, activation, tolerance):
    network = two_layer(3, 5, 2, activation)
    wave = to_astrocytes(network, transport=transport, inputs_within=2.0, tolerance=tolerance)
    x = np.asarray(inputs_for(network, 200, 2.0))
    error = np.abs(by_matrices(wave.network, x.T).T - jax.vmap(network)(x)).max()
    assert 0 < error <= wave.error_bound <= tolerance
    assert all(step.activation is not None for step in wave.network.steps)
    shown = [step.activation is transport.activation for step in wave.network.steps]
    assert shown == [True] * (wave.depth - 1) + [False]


def test_the_error_of_tanh_falls_with_the_square_of_the_scale():
    network = two_layer(2, 4, 1)
    x = np.asarray(inputs_for(network, 100))
    errors, scales = [], []
    for tolerance in (1e-2, 1e-4, 1e-6):
        wave = to_astrocytes(network, transport=TANH_TRANSPORT, tolerance=tolerance)
        errors.append(np.abs(by_matrices(wave.network, x.T).T - jax.vmap(network)(x)).max())
        scales.append(wave.scale)
    slopes = np.diff(np.log(errors)) / np.diff(np.log(scales))
    np.testing.assert_allclose(slopes, 2.0, atol=0.05)


def test_rectified_cells_are_exact_on_a_bounded_set_only():
    network = two_layer(4, 6, 2, jax.nn.relu)
    wave = to_astrocytes(network, transport=RectifiedTransport(), inputs_within=3.0)
    assert wave.error_bound == 0
    assert all(step.activation is jax.nn.relu for step in wave.network.steps[:-1])

    def error(within):
        x = np.asarray(inputs_for(network, 300, within))
        return np.abs(by_matrices(wave.network, x.T).T - jax.vmap(network)(x)).max()

    assert error(3.0) < 1e-11
    assert error(3000.0) > 1.0


def test_the_bound_holds_at_any_point_of_expansion():
    """softplus about 0, to second order: its second derivative is at most 1/4."""
    soft = jax.nn.softplus
    transport = SmoothTransport(soft, 0.0, float(np.log(2)), 0.5, 1 / 8, 2, 1.0)
    network = two_layer(2, 3, 1, soft)
    wave = to_astrocytes(network, transport=transport, tolerance=1e-3)
    x = np.asarray(inputs_for(network, 100))
    error = np.abs(by_matrices(wave.network, x.T).T - jax.vmap(network)(x)).max()
    assert error <= wave.error_bound <= 1e-3


def test_leak_breaks_what_was_exact():
    network = two_layer(3, 4, 2)
    wave = to_astrocytes(network).network
    errors = leak_errors(wave, np.array([0.0, 0.1, 0.2, 0.4]), inputs_for(network, 30))
    assert errors[0] < 1e-13
    # Below a fifth of a cell next to nothing reaches the neighbour: exp(-1 / (2 0.1^2)) = 2e-22.
    assert errors[1] < 1e-13
    assert 1e-7 < errors[2] < errors[3]
    with pytest.raises(ValueError, match="spreads must be"):
        leak_errors(wave, np.array([-0.1]), inputs_for(network, 2))
    assert Leak(0.4).reach == 3


@pytest.mark.slow
def test_a_function_of_one_variable_to_a_requested_error():
    found = approximate(
        lambda x: jnp.sin(x[0]) + 0.5 * x[0], 1e-2, lower=[-2], upper=[3], key=KEY, neighbours=7
    )
    assert found.error <= 1e-2
    assert found.tried[-1][0] == found.two_layer.n_hidden
    fresh = jnp.linspace(-2, 3, 777)[:, None]
    away = jax.vmap(found.two_layer)(fresh)[:, 0] - (jnp.sin(fresh) + 0.5 * fresh)[:, 0]
    assert np.abs(away).max() <= 1.05e-2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "variables", "error"),
    [
        (lambda x: jnp.exp(-(x[0] ** 2)) * jnp.cos(2 * x[1]), 2, 1e-2),
        (lambda x: jnp.stack([x[0] * x[1] * x[2], jnp.tanh(x[0] + x[1] - x[2])]), 3, 5e-2),
    ],
)
def test_functions_of_two_and_three_variables(function, variables, error):
    box = {"lower": [-1.0] * variables, "upper": [1.0] * variables}
    found = approximate(function, error, **box, key=KEY, neighbours=15, transport=TANH_TRANSPORT)
    assert 0 < found.error <= error
    assert all(step.wiring.neighbours <= 15 for step in found.astrocytes.network.steps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lower": [0.0] * 4, "upper": [1.0] * 4}, "one to three numbers"),
        ({"upper": [1.0, 2.0]}, "one to three numbers"),
        ({"upper": [-1.0]}, "lower must be finite and below upper"),
        ({"error": 0.0}, "error must be finite and positive"),
        ({"most_hidden": 4}, "most_hidden must be at least 8"),
        ({"error": 1e-13, "most_hidden": 8}, "error must be at least what 8 hidden units reach"),
    ],
)
def test_approximations_that_cannot_be_are_refused(arguments, message):
    plain = {"error": 0.1, "lower": [0.0], "upper": [1.0], "key": KEY}
    with pytest.raises(ValueError, match=message):
        approximate(lambda x: jnp.sin(9 * x[0]), **plain | arguments)


def test_what_cannot_be_turned_is_refused():
    network = two_layer(2, 3, 1)
    with pytest.raises(ValueError, match="neighbours must be at least 3"):
        to_astrocytes(network, neighbours=2)
    with pytest.raises(ValueError, match="transport must have the activation"):
        to_astrocytes(network, transport=RectifiedTransport())
    with pytest.raises(ValueError, match="tolerance must be finite and positive"):
        to_astrocytes(network, tolerance=0.0)
    with pytest.raises(ValueError, match="tolerance must be at least what scaled signals reach"):
        to_astrocytes(network, transport=TANH_TRANSPORT, tolerance=1e-30)
    with pytest.raises(ValueError, match="perceptron must have depth 1"):
        to_astrocytes(eqx.nn.MLP(2, 1, 3, 2, key=KEY))
    with pytest.raises(ValueError, match="perceptron must have a linear output"):
        to_astrocytes(eqx.nn.MLP(2, 1, 3, 1, final_activation=jnp.tanh, key=KEY))
    with pytest.raises(ValueError, match="perceptron must take and give vectors"):
        to_astrocytes(eqx.nn.MLP("scalar", 1, 3, 1, key=KEY))
    with pytest.raises(ValueError, match=r"input_bias must have shape \(3,\)"):
        TwoLayerNetwork(jnp.ones((3, 2)), jnp.ones(2), jnp.ones((1, 3)), jnp.ones(1))
