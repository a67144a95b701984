"""The steps of the public code against a plain walk over its sources."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.astrocyte import Biology, Leak, Loss, Noise, published_step

KEY = jax.random.key(1)


def walked(kind, width, x, weight_of, bias):
    """Sources in turn; each adds to its cells, which are then multiplied by 1 + bias."""
    reached = {"s": width + 2, "d": width, "g": max(width - 2, 1)}[kind]
    y = np.zeros(reached)
    for source in range(width if kind == "s" else reached):
        touched = {source, source + 1, source + 2}
        if kind != "s":
            touched = {(cell - 1) % reached for cell in touched}
        for cell in touched:
            y[cell] += weight_of(cell, source) * x[source]
            y[cell] *= 1 + bias[cell]
    return y


@pytest.mark.parametrize("kind", "sdg")
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 10, 20])
def test_the_closed_form_is_the_walk(kind, width):
    step = published_step(kind, width, key=KEY)
    bare = published_step(kind, width, key=KEY, bias=False)
    weights = bare.matrix()
    x = np.random.default_rng(0).normal(size=width)
    zero = np.zeros(weights.shape[0])
    expected = walked(kind, width, x, lambda j, s: weights[j, s], np.asarray(step.bias))
    np.testing.assert_allclose(step.matrix() @ x, expected, atol=1e-14)
    np.testing.assert_allclose(eqx.filter_jit(step)(jnp.asarray(x)), expected, atol=1e-14)
    unbiased = walked(kind, width, x, lambda j, s: weights[j, s], zero)
    np.testing.assert_allclose(weights @ x, unbiased, atol=1e-14)
    assert step.n_parameters == np.count_nonzero(weights) + weights.shape[0]


def test_weights_are_smaller_than_three_neighbours_would_ask_for():
    weights = np.concatenate(
        [np.ravel(published_step("d", 30, key=jax.random.key(s)).weights) for s in range(40)]
    )
    assert 0.99 / np.sqrt(30) < np.abs(weights).max() <= 1 / np.sqrt(30)
    np.testing.assert_allclose(weights.std(), 1 / np.sqrt(90), rtol=0.03)


def test_a_gather_never_reads_its_last_two_cells_and_a_slide_is_a_ring():
    heard = published_step("g", 20, key=KEY).matrix() != 0
    assert heard.shape == (18, 20)
    assert not heard[:, 18:].any()
    assert heard[0, 17]
    np.testing.assert_array_equal(heard[:, :18].sum(axis=0), 3)
    ring = published_step("d", 20, key=KEY).matrix() != 0
    assert ring[0, 19]
    assert ring[19, 0]
    assert published_step("g", 2, key=KEY).matrix()[0, 1] == 0


def test_a_step_has_no_offset():
    assert not np.any(published_step("g", 8, key=KEY)(jnp.zeros(8)))


def test_leak_is_the_blur_of_an_image_one_cell_wide():
    spread = 0.4
    plain = published_step("d", 9, key=KEY)
    leaking = published_step("d", 9, key=KEY, biology=Biology(leak=Leak(spread, reach=1)))
    x = jax.random.normal(KEY, (9,))
    line = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * spread**2))
    kernel = np.outer(line, line) / line.sum() ** 2
    image = np.zeros((11, 3))
    image[1:-1, 1] = plain(x)
    blurred = [np.sum(kernel * image[row - 1 : row + 2]) for row in range(1, 10)]
    np.testing.assert_allclose(leaking(x), blurred, atol=1e-14)
    with pytest.raises(ValueError, match="reach must be 1"):
        published_step("d", 9, key=KEY, biology=Biology(leak=Leak(spread)))


def test_noise_and_failures_act_on_what_a_step_gives():
    x = jax.random.normal(KEY, (2000,))
    plain = published_step("d", 2000, key=KEY)(x)
    noisy = published_step("d", 2000, key=KEY, biology=Biology(signal_noise=Noise(0.2)))
    np.testing.assert_allclose(np.std(noisy(x, key=KEY) - plain), 0.2, rtol=0.08)
    dropout = Loss(0.25, rescaled=True, test=False)
    failing = published_step("d", 2000, key=KEY, biology=Biology(signal_loss=dropout))
    left = np.asarray(failing(x, key=KEY, training=True))
    np.testing.assert_allclose(left[left != 0], np.asarray(plain)[left != 0] / 0.75, rtol=1e-12)
    np.testing.assert_allclose(np.mean(left == 0), 0.25, atol=0.04)
    np.testing.assert_array_equal(failing(x), plain)


@pytest.mark.parametrize(("kind", "width"), [("x", 5), ("s", 0)])
def test_impossible_steps_are_refused(kind, width):
    with pytest.raises(ValueError, match="must be"):
        published_step(kind, width, key=KEY)
