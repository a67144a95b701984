"""The logistic distribution against SciPy, and its derivatives against the closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from neuropil.inference.domains import Interval
from neuropil.inference.logistic import lesser_share, log_logistic

PLACES = np.array([-700.0, -40.0, -3.0, -1e-9, 0.0, 1e-9, 0.5, 8.0, 40.0, 700.0])


def test_density_and_share_are_those_of_scipy():
    one_by_one = log_logistic(jnp.asarray(PLACES)[:, None])
    np.testing.assert_allclose(one_by_one, stats.logistic.logpdf(PLACES), rtol=1e-14)
    np.testing.assert_allclose(log_logistic(jnp.asarray(PLACES)), np.sum(one_by_one), rtol=1e-14)
    np.testing.assert_allclose(
        lesser_share(jnp.asarray(PLACES)), stats.logistic.sf(np.abs(PLACES)), rtol=1e-14
    )


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_the_log_density(order):
    derivative = jax.grad(lambda y: log_logistic(y[None]))
    expected = -np.tanh(PLACES / 2)
    if order == 2:
        derivative, expected = jax.grad(derivative), -0.5 / np.cosh(PLACES / 2) ** 2
    np.testing.assert_allclose(jax.vmap(derivative)(PLACES), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("order", [1, 2])
def test_values_of_an_interval_have_no_kink_in_its_middle(order):
    domain = Interval(-1.0, 3.0)
    density = stats.logistic.pdf(PLACES)
    slope = jax.grad(lambda y: domain.value(y[None]))
    expected = 4.0 * density
    if order == 2:
        slope, expected = jax.grad(slope), -4.0 * density * np.tanh(PLACES / 2)
    np.testing.assert_allclose(jax.vmap(slope)(PLACES), expected, rtol=1e-12, atol=1e-15)


def test_values_of_an_interval_keep_their_digits_at_both_ends():
    domain = Interval(0.0, 1.0)
    far = stats.logistic.sf(40.0)
    np.testing.assert_allclose(domain.value(jnp.asarray([-40.0])), far, rtol=1e-14)
    assert domain.value(jnp.asarray([40.0])) == 1.0 - far
