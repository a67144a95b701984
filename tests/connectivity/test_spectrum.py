from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuropil.connectivity import (
    Connectome,
    connectome_from_scipy,
    nonnegative_bounds,
    spectral_radius,
)
from neuropil.connectivity.components import strong_components
from neuropil.result import NotSolved

matrices = st.integers(1, 8).flatmap(
    lambda n: hnp.arrays(
        float,
        (n, n),
        elements=st.one_of(st.just(0.0), st.floats(-3.0, 3.0).map(lambda x: round(x, 3))),
    )
)


def bounds(matrix, scale=None, **options):
    scale = np.ones(len(matrix)) if scale is None else scale
    return nonnegative_bounds(scipy.sparse.csr_array(matrix), scale, **options)


def exact_largest_ratio(matrix, weighting) -> Fraction:
    """max_i (|matrix| weighting)_i / weighting_i in rational arithmetic."""
    rows = [
        sum(Fraction(abs(row[column])) * Fraction(weighting[column]) for column in row.nonzero()[0])
        for row in matrix
    ]
    return max(row / Fraction(u) for row, u in zip(rows, weighting.tolist(), strict=True))


@given(matrices, st.integers(1, 40))
def test_bounds_hold_in_rational_arithmetic(matrix, iterations):
    found = bounds(matrix, maximum_iterations=iterations)
    rows = [sum(map(Fraction, map(abs, row))) for row in matrix.tolist()]
    columns = [sum(map(Fraction, map(abs, column))) for column in matrix.T.tolist()]
    assert Fraction(found.infinity) >= max(rows)
    assert Fraction(found.one) >= max(columns)
    assert np.all(found.weighting > 0)
    # A positive vector whose largest ratio is at most the bound proves the bound.
    assert exact_largest_ratio(matrix, found.weighting) <= Fraction(found.weighted)
    assert found.weighted <= found.infinity
    assert found.best == min(found.one, found.two, found.infinity, found.weighted)


@given(matrices)
def test_the_two_norm_bound_holds_and_is_tight(matrix):
    largest = np.linalg.norm(np.abs(matrix), 2)
    found = bounds(matrix, maximum_iterations=500).two
    assert found >= largest * (1 - 1e-14)
    # Singular values that nearly coincide are told apart slowly: hence not tighter.
    assert found <= largest * 1.01 + 1e-300


@given(st.integers(2, 40), st.floats(0.02, 1.0), st.integers(0, 1000))
def test_the_weighted_bound_meets_the_spectral_radius(n, density, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    scale = rng.random(n) + 0.1
    radius = np.max(np.abs(np.linalg.eigvals(np.abs(matrix) * scale)))
    found = bounds(matrix, scale)
    assert found.weighted >= radius * (1 - 1e-9)
    if radius > 1e-3:
        assert found.weighted <= radius * (1 + 1e-4)


def test_nilpotent_matrices_have_almost_no_weighted_norm():
    matrix = np.triu(np.ones((8, 8)), 1)
    found = bounds(matrix)
    assert found.infinity >= 7
    assert 0 < found.weighted < 1e-6
    assert exact_largest_ratio(matrix, found.weighting) <= Fraction(found.weighted)


def test_a_long_feedforward_chain_stays_within_floating_point():
    matrix = np.diag(np.ones(299), 1)
    found = bounds(matrix)
    assert found.weighted < 0.5
    assert np.all(np.isfinite(found.weighting))
    assert exact_largest_ratio(matrix, found.weighting) <= Fraction(found.weighted)


def test_reducible_matrices():
    recurrent = np.full((3, 3), 0.25)
    whole = np.zeros((9, 9))
    whole[:3, :3] = recurrent
    whole[3:6, :3] = 100.0
    whole[3:6, 3:6] = recurrent / 2
    whole[6:, 3:6] = 100.0
    found = bounds(whole)
    assert found.infinity > 300
    assert 0.75 <= found.weighted < 0.7501
    # A Jordan block of the largest eigenvalue: the radius is not attained, but approached.
    assert 0.5 <= bounds(np.eye(4) * 0.5 + np.diag(np.ones(3), 1)).weighted < 0.501


def test_periodic_matrices():
    swap = np.array([[0.0, 4.0], [1.0, 0.0]])
    assert 2.0 <= bounds(swap).weighted < 2.00001
    cycle = np.roll(np.diag([1.0, 8.0, 1.0]), 1, axis=0)
    assert 2.0 <= bounds(cycle).weighted < 2.00001


def test_column_scale_multiplies_columns():
    matrix = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert bounds(matrix, np.array([7.0, 0.5])).infinity == pytest.approx(0.5)
    assert bounds(matrix, np.array([7.0, 0.0])).best <= 1e-300


def test_no_edges_no_norm():
    found = bounds(np.zeros((3, 3)))
    assert (found.one, found.two, found.infinity, found.weighted) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("matrix", "scale", "options", "message"),
    [
        (np.ones((2, 3)), np.ones(3), {}, "matrix must be square"),
        (np.ones((2, 2)), np.ones(3), {}, r"column_scale must have shape \(2,\)"),
        (np.ones((2, 2)), np.array([1.0, -1.0]), {}, "finite and not negative"),
        (np.ones((2, 2)), np.array([1.0, np.nan]), {}, "finite and not negative"),
        (np.array([[np.inf]]), np.ones(1), {}, "matrix holds values that are not finite"),
        (np.ones((2, 2)), np.ones(2), {"maximum_iterations": 0}, "at least 1"),
        (np.ones((2, 2)), np.ones(2), {"relative_gap": 0.0}, "relative_gap positive"),
    ],
)
def test_bad_matrices_are_refused(matrix, scale, options, message):
    with pytest.raises(ValueError, match=message):
        bounds(matrix, scale, **options)


@given(st.integers(1, 30), st.floats(0.01, 0.3), st.integers(0, 1000))
def test_components_partition_and_are_ordered(n, density, seed):
    rng = np.random.default_rng(seed)
    edges = rng.random((n, n)) < density
    csr = scipy.sparse.csr_array(edges * 1.0)
    component, members, first = strong_components(csr.indptr, csr.indices, csr.data, np.ones(n))
    reaches = np.linalg.matrix_power(edges + np.eye(n), n) > 0
    assert np.array_equal(component[:, None] == component, reaches & reaches.T)
    assert sorted(members.tolist()) == list(range(n))
    for number, (begin, end) in enumerate(pairwise(first)):
        assert np.all(component[members[begin:end]] == number)
    rows, columns = np.nonzero(edges)
    assert np.all(component[columns] <= component[rows])


def test_zero_weights_and_silent_columns_connect_nothing():
    csr = scipy.sparse.csr_array(
        (np.array([0.0, 1.0, 1.0]), np.array([1, 0, 0]), np.array([0, 1, 2, 3])), shape=(3, 3)
    )
    arrays = (csr.indptr, csr.indices, csr.data)
    assert len(set(strong_components(*arrays, np.ones(3))[0])) == 3
    loop = scipy.sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    arrays = (loop.indptr, loop.indices, loop.data)
    assert len(set(strong_components(*arrays, np.ones(2))[0])) == 1
    assert len(set(strong_components(*arrays, np.array([1.0, 0.0]))[0])) == 2


@given(matrices)
def test_spectral_radius_of_small_networks(matrix):
    expected = np.max(np.abs(np.linalg.eigvals(matrix)))
    found = spectral_radius(connectome_from_scipy(scipy.sparse.csr_array(matrix)))
    # Eigenvalues of defective matrices move by the root of rounding errors; 8 neurons at most.
    assert found == pytest.approx(expected, rel=1e-6, abs=0.05)


def test_spectral_radius_of_large_networks():
    rng = np.random.default_rng(0)
    n = 520
    matrix = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.05)
    connectome = connectome_from_scipy(scipy.sparse.csr_array(matrix))
    expected = np.max(np.abs(np.linalg.eigvals(matrix)))
    assert spectral_radius(connectome) == pytest.approx(expected, rel=1e-7)
    assert spectral_radius(connectome) == spectral_radius(connectome)


def test_spectral_radius_of_triangular_networks_is_on_the_diagonal():
    matrix = np.tril(np.ones((600, 600)), -1) * 50.0
    matrix[np.arange(600), np.arange(600)] = np.linspace(-3.0, 2.0, 600)
    connectome = connectome_from_scipy(scipy.sparse.csr_array(matrix))
    assert spectral_radius(connectome) == 3.0


def test_spectral_radius_of_nothing():
    assert spectral_radius(Connectome(np.zeros(4, int), np.zeros(0, int), np.zeros(0))) == 0.0


def test_spectral_radius_says_when_it_did_not_converge(monkeypatch):
    def stubborn(*arguments, **options):
        raise scipy.sparse.linalg.ArpackNoConvergence("no", np.zeros(0), np.zeros((0, 0)))

    monkeypatch.setattr(scipy.sparse.linalg, "eigs", stubborn)
    ring = scipy.sparse.csr_array(np.roll(np.eye(600), 1, axis=0))
    with pytest.raises(NotSolved, match="spectral radius: The maximum number of steps"):
        spectral_radius(connectome_from_scipy(ring))


def test_tolerance_must_be_positive():
    with pytest.raises(ValueError, match="tolerance must be positive"):
        spectral_radius(connectome_from_scipy(scipy.sparse.csr_array(np.eye(2))), tolerance=0.0)
