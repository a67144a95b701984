"""Normal, exponential and Poisson numbers against their distributions."""

import jax
import numba
import numpy as np
import pytest
import scipy.stats

from neuropil.connectivity.random_streams import stream_seed
from neuropil.simulate.random_draws import (
    exponential,
    poisson_bits,
    poisson_table,
    standard_normal,
)


@numba.njit
def normals(state, n):
    out = np.empty(n)
    for k in range(n):
        state, out[k] = standard_normal(state)
    return out


@numba.njit
def exponentials(state, n):
    out = np.empty(n)
    for k in range(n):
        state, out[k] = exponential(state)
    return out


SEED = stream_seed(jax.random.key(5))


def test_normal_numbers_are_normal():
    drawn = normals(SEED, 2_000_000)
    assert scipy.stats.kstest(drawn, "norm").pvalue > 1e-3
    for moment, expected, deviation in [(1, 0, 1), (2, 1, 2**0.5), (4, 3, 96**0.5)]:
        assert abs(np.mean(drawn**moment) - expected) < 4 * deviation / 2_000_000**0.5
    beyond = np.sum(np.abs(drawn) > 3.8)  # the tail beyond the outermost layer, and before it
    expected = 2_000_000 * 2 * scipy.stats.norm.sf(3.8)
    assert abs(beyond - expected) < 4 * expected**0.5


def test_normal_numbers_are_not_correlated():
    drawn = normals(SEED, 500_000)
    for lag in (1, 2, 3):
        assert abs(np.mean(drawn[lag:] * drawn[:-lag])) < 4 / 500_000**0.5


def test_exponential_numbers_are_exponential():
    assert scipy.stats.kstest(exponentials(SEED, 200_000), "expon").pvalue > 1e-3


@pytest.mark.parametrize("mean", [0.0, 0.003, 2.0, 17.5, 400.0])
def test_tables_hold_the_poisson_distribution(mean):
    bits = max(poisson_bits(mean), 1)
    table = poisson_table(mean, bits)
    whole = 2.0 ** (32 - bits)
    share = np.zeros(2**bits)
    np.add.at(share, np.arange(2**bits), table.accepted / whole)
    np.add.at(share, table.alias, 1 - table.accepted / whole)
    expected = scipy.stats.poisson.pmf(np.arange(2**bits), mean)
    # Each column is cut to a whole number of 2^-32.
    np.testing.assert_allclose(share / 2**bits, expected, rtol=0, atol=2**bits * 2.0**-32)


def test_too_many_events_a_step_are_refused():
    with pytest.raises(ValueError, match="500 is allowed"):
        poisson_bits(501.0)
