import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.meanfield import tanh_averages

AVERAGES = jax.jit(tanh_averages, static_argnames=("order", "nodes"))
PLACES = [(0.0, 0.3), (0.7, 1.0), (-2.0, 8.4), (1.0, 40.0), (-25.0, 30.0), (3.0, 1000.0)]


def reference(function, mean, variance):
    """To 20 digits, over the pieces in which the integrand varies."""
    with mpmath.workdps(25):
        deviation = mpmath.sqrt(variance)
        ends = [mean + deviation * z for z in (-11, -6, -2, 0, 2, 6, 11)]
        near = [x for x in (-8, -3, 0, 3, 8) if ends[0] < x < ends[-1]]
        density = lambda x: mpmath.npdf(x, mean, deviation)  # noqa: E731
        return float(mpmath.quad(lambda x: function(x) * density(x), sorted({*ends, *near})))


@pytest.mark.parametrize(("mean", "variance"), PLACES)
def test_averages_equal_integrals_to_20_digits(mean, variance):
    found = AVERAGES(jnp.asarray(mean), jnp.asarray(variance), order=2)
    for k in range(3):
        even = reference(lambda x, k=k: mpmath.sech(x) ** (2 * k), mean, variance)
        odd = reference(lambda x, k=k: mpmath.tanh(x) * mpmath.sech(x) ** (2 * k), mean, variance)
        np.testing.assert_allclose(found.even[k], even, rtol=0, atol=1e-14)
        np.testing.assert_allclose(found.odd[k], odd, rtol=0, atol=1e-14)


@pytest.mark.parametrize("mean", [0.0, -1.3, 20.0])
def test_without_variance_they_are_values(mean):
    found = AVERAGES(jnp.asarray(mean), jnp.asarray(0.0), order=2)
    slope = 1 - np.tanh(mean) ** 2
    np.testing.assert_allclose(found.even, slope ** np.arange(3.0), atol=1e-15)
    np.testing.assert_allclose(found.odd, np.tanh(mean) * slope ** np.arange(3.0), atol=1e-15)


@pytest.mark.parametrize(("mean", "variance"), PLACES)
def test_symmetric_to_the_last_bit(mean, variance):
    here, there = (AVERAGES(jnp.asarray(m), jnp.asarray(variance), order=2) for m in (mean, -mean))
    np.testing.assert_array_equal(here.even, there.even)
    np.testing.assert_array_equal(here.odd, -there.odd)


@given(mean=st.floats(-6.0, 6.0), variance=st.floats(0.05, 60.0))
def test_names_are_derivatives_of_each_other(mean, variance):
    """Price's theorem, against differences: d/d(mean) and d/d(variance) of <phi> and <phi^2>."""
    found = AVERAGES(jnp.asarray(mean), jnp.asarray(variance), order=2)
    step = 1e-4

    def difference(read, in_mean, in_variance):
        ahead, behind = (
            read(
                AVERAGES(
                    jnp.asarray(mean + s * in_mean),
                    jnp.asarray(variance + s * in_variance),
                    order=2,
                )
            )
            for s in (step, -step)
        )
        return float(ahead - behind) / (2 * step)

    checks = [
        (lambda a: a.activity, 1, 0, found.gain),
        (lambda a: a.activity, 0, 1, 0.5 * found.curvature),
        (lambda a: a.gain, 1, 0, found.curvature),
        (lambda a: a.gain, 0, 1, 0.5 * found.third_derivative),
        (lambda a: a.square, 1, 0, 2 * found.activity_gain),
        (lambda a: a.square, 0, 1, found.square_slope),
    ]
    for read, in_mean, in_variance, expected in checks:
        np.testing.assert_allclose(difference(read, in_mean, in_variance), expected, atol=1e-6)


@pytest.mark.slow
def test_automatic_derivatives_are_those_of_price():
    def activity(mean, variance):
        return tanh_averages(mean, variance, order=0).activity

    mean, variance = jnp.asarray(0.6), jnp.asarray(1.7)
    found = AVERAGES(mean, variance, order=2)
    np.testing.assert_allclose(jax.grad(activity)(mean, variance), found.gain, rtol=1e-13)
    second = jax.grad(jax.grad(activity, 1), 0)(mean, variance)
    np.testing.assert_allclose(second, 0.5 * found.third_derivative, rtol=1e-12)
    at_zero = jax.grad(activity, 1)(jnp.asarray(0.4), jnp.asarray(0.0))
    np.testing.assert_allclose(at_zero, -np.tanh(0.4) * (1 - np.tanh(0.4) ** 2), rtol=1e-13)
