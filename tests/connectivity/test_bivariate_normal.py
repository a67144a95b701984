import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity.bivariate_normal import (
    correlation_from_excess,
    excess_from_correlation,
    excess_range,
    threshold_of,
)

PROBABILITIES = [1e-4, 0.01, 0.158, 0.159, 0.4999, 0.65, 0.842, 1 - 1e-4]
CORRELATIONS = [-1.0, -1 + 1e-12, -0.99, -0.6, 1e-9, 0.2, 0.7, 1 - 1e-6, 1.0]


def reference_excess(correlation: float, probability: float) -> mpmath.mpf:
    """P(X > h, Y > h) / p^2 - 1 to 28 digits, by an integral over the first variable."""
    with mpmath.workdps(32):
        p, rho = mpmath.mpf(probability), mpmath.mpf(correlation)
        h = -mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)
        spread = mpmath.sqrt((1 - rho) * (1 + rho))
        centre = h / rho if rho else h
        end = max(h, 0) + 15
        steps = (centre + k * spread for k in (-12, -3, 0, 3, 12))
        corners = {h, 0, 1, 3, 6, end} | set(steps)

        def exceeds_both(x):
            return mpmath.npdf(x) * mpmath.ncdf((rho * x - h) / spread)

        inside = sorted(corner for corner in corners if h <= corner <= end)
        return mpmath.quad(exceeds_both, inside) / p**2 - 1


@pytest.mark.parametrize(
    ("probability", "correlation"),
    [
        (1e-4, -0.6),
        (1e-4, 1e-9),
        (1e-4, 0.2),
        (1e-4, 1 - 1e-6),
        (0.02, -0.3),
        (0.158, -0.9),  # on either side of the threshold between the two formulas
        (0.159, -0.9),
        (0.4999, -1 + 1e-6),
        (0.4999, -0.4),
        (0.6, 0.7),
        (0.842, -0.99),
        (0.9, 0.3),
        (1 - 1e-4, -0.3),
        (1 - 1e-4, 0.9),
    ],
)
def test_excess_agrees_with_an_integral_to_thirty_digits(probability, correlation):
    exact = reference_excess(correlation, probability)
    error = abs(excess_from_correlation(correlation, probability) - exact)
    assert error <= 2e-14 * (1 + abs(exact))


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_perfect_correlations_reach_the_range(probability):
    lowest, highest = excess_range(probability)
    assert excess_from_correlation(-1.0, probability) == pytest.approx(lowest, abs=2e-14)
    assert excess_from_correlation(1.0, probability) == pytest.approx(highest, rel=2e-14)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_correlation_is_recovered(probability):
    for correlation in CORRELATIONS:
        excess = excess_from_correlation(correlation, probability)
        lowest, highest = excess_range(probability)
        found = correlation_from_excess(min(max(excess, lowest), highest), probability)
        again = excess_from_correlation(found, probability)
        assert abs(again - excess) <= 1e-14 * (1 + abs(excess)), correlation
        # Only where the excess still tells correlations apart can the correlation come back.
        if correlation > -0.5:
            assert found == pytest.approx(correlation, abs=1e-12)


def test_fair_coins_have_the_arcsine_law():
    for correlation in np.linspace(-1, 1, 21):
        expected = 2 / math.pi * math.asin(correlation)
        assert excess_from_correlation(correlation, 0.5) == pytest.approx(expected, abs=1e-15)


@given(st.floats(-1, 1), st.floats(1e-4, 0.5))
def test_complement_has_the_same_covariance(correlation, probability):
    other = 1 - probability
    covariance = excess_from_correlation(correlation, probability) * probability**2
    assert excess_from_correlation(correlation, other) * other**2 == pytest.approx(
        covariance, abs=1e-15
    )


@given(st.floats(1e-4, 1 - 1e-4), st.floats(-1, 1), st.floats(-1, 1))
def test_excess_increases_with_correlation(probability, one, other):
    low, high = sorted((one, other))
    rounding = 1e-13 / probability
    assert excess_from_correlation(low, probability) <= (
        excess_from_correlation(high, probability) + rounding
    )


def test_ends_of_the_range_are_perfect_correlations():
    for probability in PROBABILITIES:
        lowest, highest = excess_range(probability)
        assert correlation_from_excess(lowest, probability) == -1
        assert correlation_from_excess(highest, probability) == 1
        assert correlation_from_excess(0.0, probability) == 0


def test_small_excess_keeps_its_relative_accuracy():
    """The slope at zero is (phi(h) / p)^2."""
    p = 0.01
    density = math.exp(-(threshold_of(p) ** 2) / 2) / math.sqrt(2 * math.pi)
    assert excess_from_correlation(1e-10, p) == pytest.approx(1e-10 * (density / p) ** 2, rel=1e-9)
    assert correlation_from_excess(1e-10, p) == pytest.approx(1e-10 * (p / density) ** 2, rel=1e-7)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.2, 1.5, math.nan])
@pytest.mark.parametrize("function", [threshold_of, excess_range])
def test_probability_outside_the_open_interval_is_refused(function, probability):
    with pytest.raises(ValueError, match=r"probability is .* strictly between 0 and 1"):
        function(probability)


def test_impossible_correlations_and_excesses_are_refused():
    with pytest.raises(ValueError, match=r"correlation is 1.1; it must be between -1 and 1"):
        excess_from_correlation(1.1, 0.1)
    with pytest.raises(ValueError, match=r"excess is 9.5; .* 0.1 allow -1.0 to 9.0"):
        correlation_from_excess(9.5, 0.1)
    with pytest.raises(ValueError, match="excess is nan"):
        correlation_from_excess(math.nan, 0.1)
