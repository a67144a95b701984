"""Normal, exponential and Poisson numbers against their distributions."""

import jax
import numba
import numpy as np
import pytest
import scipy.stats

from neuropil.connectivity.random_streams import stream_seed
from neuropil.simulate.random_draws import (
    UNDECIDED,
    exponential,
    poisson_counts,
    poisson_tables,
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


@pytest.mark.parametrize("mean", [0.0, 0.003, 2.0, 17.5, 40.0])
def test_tables_hold_the_poisson_distribution(mean):
    """What each cell decides, and what is decided within a cell, add up to the distribution."""
    tables = poisson_tables(np.array([mean]))
    cells = tables.guide.shape[1]
    counts = np.arange(tables.levels.shape[1])
    share = np.zeros(counts.size)
    for cell, count in enumerate(tables.guide[0]):
        if count != UNDECIDED:
            share[count] += 1 / cells
        else:
            ends = np.clip(np.append(0.0, tables.levels[0]), cell / cells, (cell + 1) / cells)
            share += np.diff(ends)
    np.testing.assert_allclose(share, scipy.stats.poisson.pmf(counts, mean), rtol=0, atol=1e-14)
    assert np.mean(tables.guide == UNDECIDED) < 0.03


@pytest.mark.parametrize("means", [[2.0], [0.0, 3.0, 17.5], [400.0, 0.5]])
def test_counts_are_poisson_numbers(means):
    means = np.array(means)
    tables = poisson_tables(means)
    n, rounds = 8 * 125 + 3, 300
    table_of = np.arange(n) % means.size
    drawn, state = np.zeros((rounds, n), int), SEED
    counts, words = np.zeros(8 * 126, np.uint8), np.empty(2 * 126, np.uint64)
    for each in drawn:
        for _ in range(tables.repeats):
            state = np.uint64(
                poisson_counts(counts, words, table_of, tables.guide, tables.levels, state)
            )
            each += counts[:n]
    for table, mean in enumerate(means):
        found = drawn[:, table_of == table].ravel()
        assert abs(found.mean() - mean) <= 4 * np.sqrt(mean / found.size)
        assert abs(found.var() - mean) <= 4 * np.sqrt((mean + 2 * mean**2) / found.size)
        present = scipy.stats.poisson.pmf(np.arange(found.max() + 1), mean) * found.size
        seen = np.bincount(found)
        several = present > 20
        squares = (seen[several] - present[several]) ** 2 / present[several]
        assert squares.sum() < scipy.stats.chi2.ppf(1 - 1e-4, max(several.sum(), 1))


def test_too_many_events_a_step_are_refused():
    with pytest.raises(ValueError, match="500 is allowed"):
        poisson_tables(np.array([501.0]))
