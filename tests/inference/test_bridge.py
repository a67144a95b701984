"""Normalising constants by a bridge: a known integral, and where there is no bridge."""

import jax
import numpy as np
import pytest

from neuropil.inference.bridge import bridged

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def log_gaussian(points):
    """Unnormalised; its integral is (2 pi)^(free / 2)."""
    return -0.5 * np.sum(np.asarray(points) ** 2, axis=-1)


def test_a_gaussian_has_its_integral():
    points = RNG.normal(size=(8, 200, 3))
    found = bridged(log_gaussian, points, log_gaussian(points), KEY, 200)
    error = found.std(ddof=1) / np.sqrt(8)
    assert found.mean() == pytest.approx(1.5 * np.log(2 * np.pi), abs=4 * error)
    assert error < 0.02


def test_too_few_points_for_a_covariance_give_no_integral():
    points = RNG.normal(size=(8, 5, 40))
    assert np.isnan(bridged(log_gaussian, points, log_gaussian(points), KEY, 5)).all()


def test_draws_that_all_miss_give_no_integral():
    points = RNG.normal(size=(8, 50, 2))
    nowhere = lambda drawn: np.full(len(drawn), -np.inf)  # noqa: E731
    assert np.isnan(bridged(nowhere, points, log_gaussian(points), KEY, 50)).all()
