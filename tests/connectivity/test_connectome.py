import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuropil.connectivity import Connectome, Provenance, connectome_from_scipy

matrices = st.integers(1, 7).flatmap(
    lambda n: hnp.arrays(float, (n, n), elements=st.sampled_from([0.0, 0.0, 1.0, -2.5, 4.0]))
)


def small(**fields) -> Connectome:
    """Neuron 0 excites 1 (2.0) and 2 (3.0), neuron 2 inhibits 0 (-1.0)."""
    return Connectome(
        np.array([0, 1, 2, 3]), np.array([2, 0, 0]), np.array([-1.0, 2.0, 3.0]), **fields
    )


def test_rows_are_postsynaptic():
    received = small().to_scipy() @ np.array([10.0, 0.0, 1.0])
    assert received.tolist() == [-1.0, 20.0, 30.0]
    assert small().to_dense()[1, 0] == 2.0


@given(matrices)
def test_a_matrix_survives_the_way_through(matrix):
    connectome = connectome_from_scipy(scipy.sparse.csr_array(matrix))
    assert np.array_equal(connectome.to_dense(), matrix)
    assert np.array_equal(connectome.transposed().toarray(), matrix.T)
    assert np.array_equal(connectome.in_degrees, (matrix != 0).sum(axis=1))
    assert np.array_equal(connectome.out_degrees, (matrix != 0).sum(axis=0))


@given(matrices, st.data())
def test_restriction_is_the_submatrix_in_the_order_given(matrix, data):
    n = len(matrix)
    chosen = data.draw(st.lists(st.integers(0, n - 1), unique=True, min_size=1))
    labels = tuple(f"n{i}" for i in range(n))
    connectome = connectome_from_scipy(
        scipy.sparse.csr_array(matrix), labels=labels, cell_types=labels
    )
    expected = matrix[np.ix_(chosen, chosen)]
    by_number = connectome.restricted_to(np.array(chosen))
    by_label = connectome.restricted_to([labels[i] for i in chosen])
    assert np.array_equal(by_number.to_dense(), expected)
    assert np.array_equal(by_label.to_dense(), expected)
    assert by_label.labels == by_label.cell_types == tuple(labels[i] for i in chosen)
    mask = np.isin(np.arange(n), chosen)
    ascending = np.flatnonzero(mask)
    assert np.array_equal(
        connectome.restricted_to(mask).to_dense(), matrix[np.ix_(ascending, ascending)]
    )


def test_positions_follow_their_neurons():
    positions = np.arange(9.0).reshape(3, 3)
    restricted = small(positions=positions).restricted_to([2, 0])
    assert np.array_equal(restricted.positions, positions[[2, 0]])


def test_new_weights_keep_the_connections_and_what_is_known():
    provenance = Provenance("three", notes=("made up",))
    connectome = small(labels=("a", "b", "c"), unit="mV ms", provenance=provenance)
    doubled = connectome.scaled(2.0)
    assert np.array_equal(doubled.to_dense(), 2 * connectome.to_dense())
    assert doubled.labels == ("a", "b", "c")
    assert (doubled.unit, doubled.provenance) == ("mV ms", provenance)
    binary = connectome.binary()
    assert np.array_equal(binary.to_dense(), connectome.to_dense() != 0)
    assert binary.unit == ""


def test_checks_name_self_loops_isolated_cells_and_zeros():
    connectome = Connectome(
        np.array([0, 2, 2, 2, 3]),
        np.array([0, 1, 1]),
        np.array([1.0, 0.0, 1.0]),
        warnings=("read with care",),
    )
    assert connectome.checks() == (
        "read with care",
        "self-loops: 1 of 3 connections",
        "cells without any connection: 1 of 4",
        "connections of weight zero: 1 of 3",
    )
    assert small().checks() == ()


@pytest.mark.parametrize(
    ("row_start", "presynaptic", "weights", "message"),
    [
        ([1, 1, 2, 3], [2, 0, 0], [1.0, 2.0, 3.0], "row_start must begin with 0"),
        ([0, 2, 1, 3], [2, 0, 0], [1.0, 2.0, 3.0], "never decrease"),
        ([0, 1, 2, 4], [2, 0, 0], [1.0, 2.0, 3.0], "row_start ends at 4, but there are 3"),
        ([0, 1, 2, 3], [3, 0, 0], [1.0, 2.0, 3.0], "from 0 to 3; with 3 neurons 0 to 2"),
        ([0, 1, 2, 3], [-1, 0, 0], [1.0, 2.0, 3.0], "from -1 to 0"),
        ([0, 0, 0, 3], [0, 2, 1], [1.0, 2.0, 3.0], "row 2 must ascend"),
        ([0, 0, 2, 3], [1, 1, 0], [1.0, 2.0, 3.0], "row 1 must ascend without repeats"),
        ([0, 1, 2, 3], [2, 0, 0], [1.0, np.nan, 3.0], "weights holds values that are not finite"),
    ],
)
def test_arrays_that_are_no_matrix_are_refused(row_start, presynaptic, weights, message):
    with pytest.raises(ValueError, match=message):
        Connectome(np.array(row_start), np.array(presynaptic), np.array(weights))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": ("a", "b")}, "labels has 2 entries for 3 neurons"),
        ({"labels": ("a", "b", "a")}, "labels must be distinct"),
        ({"cell_types": ("a",)}, "cell_types has 1 entries"),
        ({"positions": np.zeros((2, 3))}, "positions has 2 entries"),
    ],
)
def test_descriptions_must_fit(fields, message):
    with pytest.raises(ValueError, match=message):
        small(**fields)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([0, 3], "cells holds 3; with 3 neurons 0 to 2"),
        ([0, 0], "names a neuron twice"),
        (["a", "z"], "cells holds 'z', which is not a label"),
        ("ab", "must be a sequence of labels"),
        (np.array([True, False]), "one truth value for each of 3 neurons"),
        (np.array([0.5]), "labels, numbers or truth values"),
    ],
)
def test_unknown_cells_are_named(cells, message):
    with pytest.raises(ValueError, match=message):
        small(labels=("a", "b", "c")).numbers_of(cells)


def test_labels_are_needed_to_choose_by_label():
    with pytest.raises(ValueError, match="this connectome has no labels"):
        small().restricted_to(["a"])


def test_a_large_dense_matrix_is_refused():
    with pytest.raises(ValueError, match="dense matrix of 3 neurons is refused"):
        small().to_dense(maximum_neurons=2)


def test_a_factor_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="factor must be finite, got inf"):
        small().scaled(np.inf)
