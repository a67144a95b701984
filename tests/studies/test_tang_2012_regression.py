import jax
import numpy as np
import pytest

from neuropil.studies.tang_2012.regression import interval_of_mean, predict


def sample(seed: int, networks: int = 60, predictors: int = 3):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(networks, predictors)), generator.normal(size=networks)


def test_an_exact_relation_is_explained_wholly():
    x, _ = sample(0)
    found = predict(x, 3.0 + x @ [1.0, -2.0, 0.5], resamples=50, key=jax.random.key(0))
    assert found.explained == pytest.approx(1.0, abs=1e-12)
    assert found.held_out == pytest.approx(1.0, abs=1e-12)
    assert found.low == pytest.approx(1.0, abs=1e-12)


def test_one_predictor_gives_the_squared_correlation():
    x, noise = sample(1, predictors=1)
    y = x[:, 0] + noise
    found = predict(x, y, resamples=200, key=jax.random.key(0))
    assert found.explained == pytest.approx(np.corrcoef(x[:, 0], y)[0, 1] ** 2, rel=1e-12)
    assert found.low < found.explained < found.high


def test_held_out_share_equals_leaving_each_network_out():
    x, noise = sample(2, networks=25)
    y = x @ [1.0, 0.5, 0.0] + noise
    errors, spread = [], []
    for left_out in range(25):
        others = np.arange(25) != left_out
        design = np.column_stack([np.ones(24), x[others]])
        fit = np.linalg.lstsq(design, y[others])[0]
        errors.append(y[left_out] - fit @ [1.0, *x[left_out]])
        spread.append(y[left_out] - y[others].mean())
    expected = 1 - np.sum(np.square(errors)) / np.sum(np.square(spread))
    found = predict(x, y, resamples=10, key=jax.random.key(0))
    assert found.held_out == pytest.approx(expected, rel=1e-10)


def test_noise_is_not_predicted_on_networks_left_out():
    x, noise = sample(3, networks=400)
    found = predict(x, noise, resamples=10, key=jax.random.key(0))
    assert found.held_out < 0.02


def test_units_do_not_matter_and_constants_are_ignored():
    x, noise = sample(4)
    y = x @ [1.0, 1.0, 1.0] + noise
    key = jax.random.key(1)
    plain = predict(x, y, resamples=40, key=key)
    scaled = predict(
        np.column_stack([x * [1e-6, 1e3, 7.0], np.full(60, 5.0)]), 1e4 * y, resamples=40, key=key
    )
    assert scaled.explained == pytest.approx(plain.explained, rel=1e-9)
    assert scaled.low == pytest.approx(plain.low, rel=1e-9)


def test_networks_without_a_fixed_point_are_left_out():
    x, noise = sample(5)
    y = x[:, 0] + noise
    y_missing = np.append(y, np.nan)
    x_missing = np.vstack([x, np.zeros(3)])
    key = jax.random.key(2)
    assert predict(x_missing, y_missing, resamples=5, key=key) == predict(
        x, y, resamples=5, key=key
    )
    few = predict(x[:5], y[:5], resamples=5, key=key)
    assert np.isnan(few.explained)


def test_interval_covers_the_mean_in_most_samples():
    generator = np.random.default_rng(6)
    covered = 0
    for _ in range(400):
        mean, half = interval_of_mean(generator.normal(2.0, 1.0, size=50))
        covered += abs(mean - 2.0) < half
    assert 0.91 < covered / 400 < 0.98
