"""Functions of eight numbers at a time against NumPy and against the distribution they draw."""

import numba
import numpy as np
import scipy.stats

from neuropil.simulate.vector_functions import exponential, logarithm, two_normals
from neuropil.simulate.vector_lanes import aligned, load, load_words, store, transposed


@numba.njit
def _exponentials(numbers, result):
    for place in range(0, numbers.size, 8):
        store(result, place, exponential(load(numbers, place)))


@numba.njit
def _logarithms(numbers, result):
    for place in range(0, numbers.size, 8):
        store(result, place, logarithm(load(numbers, place)))


@numba.njit
def _normals(streams, result):
    stream = load_words(streams, 0)
    for place in range(0, result.size, 16):
        stream, across, up = two_normals(stream)
        store(result, place, across)
        store(result, place + 8, up)


@numba.njit
def _turned(square, result):
    columns = transposed(
        load(square, 0), load(square, 8), load(square, 16), load(square, 24),
        load(square, 32), load(square, 40), load(square, 48), load(square, 56),
    )  # fmt: skip
    for k in range(8):
        store(result, 8 * k, columns[k])


EPSILON = np.finfo(float).eps


def test_exponentials_are_exact_to_three_units():
    x = np.concatenate([np.linspace(-700, 700, 40_000), np.linspace(-1e-3, 1e-3, 8_000)])
    found = np.empty_like(x)
    _exponentials(x, found)
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(found / exact - 1)) < 3 * EPSILON


def test_logarithms_are_exact_to_two_units():
    x = np.concatenate([np.exp(np.linspace(-600, 600, 40_000)), np.linspace(0.5, 2.0, 8_000)])
    found = np.empty_like(x)
    _logarithms(x, found)
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / np.maximum(1, np.abs(exact))) < 2 * EPSILON


def test_normal_numbers_are_normal_and_independent():
    found = np.empty(320_000)
    _normals(np.arange(8) * 123_456_789, found)
    assert scipy.stats.kstest(found[::4], "norm").pvalue > 1e-3
    pairs = found.reshape(-1, 2, 8)
    assert abs(np.corrcoef(pairs[:, 0].ravel(), pairs[:, 1].ravel())[0, 1]) < 4 / 160_000**0.5
    assert abs(np.corrcoef(pairs[:, 0, 0], pairs[:, 0, 1])[0, 1]) < 4 / 20_000**0.5
    assert abs(np.corrcoef(pairs[:, 0, 0] ** 2, pairs[:, 1, 0] ** 2)[0, 1]) < 4 / 20_000**0.5


def test_eight_rows_become_eight_columns():
    square = np.random.default_rng(0).normal(size=64)
    found = np.empty(64)
    _turned(square, found)
    np.testing.assert_array_equal(found.reshape(8, 8), square.reshape(8, 8).T)


def test_aligned_copies_begin_where_they_should():
    for size in (1, 7, 100):
        numbers = np.arange(float(size))
        copy = aligned(numbers)
        assert copy.ctypes.data % 64 == 0
        np.testing.assert_array_equal(copy, numbers)
