"""Leak, loss and noise, in the step they disturb."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.astrocyte import (
    AstrocyteNetwork,
    Biology,
    Leak,
    Loss,
    Noise,
    Slide,
    uniform_step,
)

KEY = jax.random.key(3)
SIGNAL = jax.random.normal(KEY, (11,))


def step_with(**biology):
    return uniform_step(Slide((11,), 3), key=KEY, activation=jnp.tanh, biology=Biology(**biology))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(11,), (6, 5)])
def test_leak_moves_transmitter_and_loses_none(shape, periodic):
    signal = jax.random.normal(KEY, shape)

    def leak(spread, reach):
        return Leak(spread, reach)(signal, periodic=periodic)

    leaked = eqx.filter_jit(leak)(0.7, 4)
    assert leaked.shape == shape
    np.testing.assert_allclose(leaked.sum(), signal.sum(), rtol=1e-12)
    assert np.abs(leaked - signal).max() > 0.1
    np.testing.assert_array_equal(eqx.filter_jit(leak)(0.0, 3), signal)


@eqx.filter_jit
def leak_along_line(signal, reach):
    return Leak(1.5, reach)(signal, periodic=False)


def test_leak_is_a_gaussian_of_the_stated_width_that_ends_at_its_reach():
    pulse = jnp.zeros(41).at[20].set(1.0)
    shares = np.asarray(leak_along_line(pulse, 9))
    distance = np.arange(41) - 20
    np.testing.assert_allclose(np.sum(shares * distance**2), 1.5**2, rtol=1e-6)
    np.testing.assert_allclose(shares[23] / shares[20], np.exp(-(3**2) / (2 * 1.5**2)), rtol=1e-12)
    near = np.asarray(leak_along_line(pulse, 2))
    assert set(np.flatnonzero(near)) == {18, 19, 20, 21, 22}


def test_a_step_is_what_its_formula_says():
    step = step_with(leak=Leak(0.5))
    leaked = np.asarray(Leak(0.5)(SIGNAL, periodic=False))
    expected = np.tanh(step.matrix() @ leaked + np.asarray(step.bias))
    np.testing.assert_allclose(step(SIGNAL), expected, atol=1e-14)


def test_lost_connections_are_absent_and_no_others():
    step = eqx.tree_at(lambda s: s.bias, step_with(connection_loss=Loss(0.4)), jnp.zeros(11))
    plain = step.matrix()
    rows = jax.vmap(lambda x: jnp.arctanh(step(x, key=KEY)))(jnp.eye(11)).T
    # The same key breaks the same connections for every input.
    kept = np.abs(rows) > 1e-9
    np.testing.assert_allclose(np.asarray(rows)[kept], plain[kept], atol=1e-12)
    assert 0 < kept.sum() < (plain != 0).sum()


def test_shares_and_sizes_of_chance():
    many = jnp.ones(40_000)
    drawn = jax.random.uniform(KEY, many.shape)
    left = np.asarray(Loss(0.3)(many, drawn))
    assert set(np.unique(left)) == {0.0, 1.0}
    np.testing.assert_allclose(left.mean(), 0.7, atol=4 * np.sqrt(0.21 / 40_000))
    rescaled = np.asarray(Loss(0.3, rescaled=True)(many, drawn))
    np.testing.assert_allclose(rescaled.mean(), 1.0, atol=4 * np.sqrt(0.21 / 40_000) / 0.7)
    noise = np.asarray(Noise(0.5)(many, drawn)) - 1
    np.testing.assert_allclose([noise.mean(), noise.std()], [0.0, 0.5], atol=0.01)
    np.testing.assert_array_equal(Loss(0.0)(many, drawn), many)
    np.testing.assert_array_equal(Loss(1.0)(many, drawn), 0 * many)


@pytest.mark.parametrize(
    "biology",
    [
        {"signal_noise": Noise(0.3, test=False)},
        {"weight_noise": Noise(0.3, test=False)},
        {"connection_loss": Loss(0.5, test=False)},
        {"signal_loss": Loss(0.5, test=False)},
    ],
    ids=lambda biology: next(iter(biology)),
)
def test_what_acts_in_training_alone_leaves_the_test_alone(biology):
    step, plain = step_with(**biology), step_with()
    np.testing.assert_array_equal(step(SIGNAL), plain(SIGNAL))
    trained = step(SIGNAL, key=KEY, training=True)
    assert np.abs(trained - plain(SIGNAL)).max() > 1e-3
    np.testing.assert_array_equal(trained, step(SIGNAL, key=KEY, training=True))
    with pytest.raises(ValueError, match="key must be given"):
        step(SIGNAL, training=True)


@pytest.mark.slow
def test_biology_is_swept_and_not_trained():
    biology = Biology(leak=Leak(0.4), weight_noise=Noise(0.1), signal_loss=Loss(0.1))
    network = AstrocyteNetwork.from_notation("g d", width=11, key=KEY, biology=biology)

    def loss(network):
        return jnp.sum(network(SIGNAL, key=KEY, training=True) ** 2)

    gradient = eqx.filter_jit(eqx.filter_grad(loss))(network)
    for step in gradient.steps:
        assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(step.biology))
        assert np.abs(step.bands).max() > 0

    def leaking(spread):
        return network.with_biology(Biology(leak=Leak(spread)))(SIGNAL)

    together = jax.jit(jax.vmap(leaking))(jnp.array([0.0, 0.3, 0.6]))
    np.testing.assert_allclose(together[1], jax.jit(leaking)(jnp.asarray(0.3)), atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Leak(-0.1), "leak must be finite and not negative"),
        (lambda: Leak(0.1, reach=0), "reach must be at least 1"),
        (lambda: Loss(1.2), r"probability must lie in \[0, 1\]"),
        (lambda: Loss(-0.2), r"probability must lie in \[0, 1\]"),
        (lambda: Loss(1.0, rescaled=True), "below 1 with rescaled"),
        (lambda: Noise(float("nan")), "deviation must be finite"),
    ],
)
def test_impossible_biology_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
