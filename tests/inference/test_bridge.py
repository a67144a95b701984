"""Normalising constants: a bridge to a known integral, none where it leads nowhere, Jensen."""

import jax
import numpy as np
import pytest

from neuropil.inference.bridge import bridged
from neuropil.inference.evidence import estimate_of_log, log_ratio

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


@pytest.mark.parametrize("share", [0.002, 0.5])
def test_a_density_that_most_draws_miss_has_the_share_that_they_hit(share):
    """A box within a box: the works are zero where a draw hits."""
    works = np.where(np.arange(1000) < 1000 * share, 0.0, -np.inf)
    found = log_ratio(works, np.zeros(1000))
    assert found.both == pytest.approx(np.log(share), abs=1e-9)
    assert found.forward == pytest.approx(np.log(share), abs=1e-9)


def test_draws_that_all_miss_give_no_integral():
    points = RNG.normal(size=(8, 50, 2))
    nowhere = lambda drawn: np.full(len(drawn), -np.inf)  # noqa: E731
    assert np.isnan(bridged(nowhere, points, log_gaussian(points), KEY, 50)).all()


@pytest.mark.parametrize("deviation", [0.02, 1.0])
def test_logarithms_of_estimates_without_bias_give_the_logarithm(deviation):
    """exp(N(-s^2 / 2, s^2)) has the mean 1."""
    repeats = RNG.normal(-0.5 * deviation**2, deviation, size=(2000, 16))
    found = [estimate_of_log(each) for each in repeats]
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(2000)
    stated = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert values.std() == pytest.approx(stated, rel=0.15)
    assert np.mean([each.lower < 0 < each.upper for each in found]) > 0.94
