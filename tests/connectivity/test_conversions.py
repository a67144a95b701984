import networkx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import (
    connectome_from_edges,
    connectome_from_networkx,
    connectome_from_scipy,
)

edges = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([-1.5, 0.5, 2.0])),
    max_size=25,
)


@given(edges)
def test_edges_add_up_in_any_order(listed):
    expected = np.zeros((6, 6))
    for pre, post, weight in listed:
        expected[post, pre] += weight
    pre, post, weights = (
        (np.array(part) for part in zip(*listed, strict=True))
        if listed
        else (
            np.zeros(0, int),
            np.zeros(0, int),
            np.zeros(0),
        )
    )
    connectome = connectome_from_edges(pre, post, weights, 6)
    assert np.array_equal(connectome.to_dense(), expected)
    repeats = len(listed) - len({(pre, post) for pre, post, _ in listed})
    expected_warnings = (
        (f"edges that repeated a pair of neurons and were added up: {repeats}",) if repeats else ()
    )
    assert connectome.warnings == expected_warnings


def test_repeats_are_refused_when_asked():
    ones = np.array([1, 1])
    with pytest.raises(ValueError, match="1 edges repeat a pair of neurons"):
        connectome_from_edges(ones, ones, np.ones(2), 2, repeats="refuse")


def test_edges_to_neurons_that_do_not_exist_are_refused():
    inside, outside = np.array([0, 1]), np.array([0, 2])
    with pytest.raises(ValueError, match="postsynaptic runs from 0 to 2; with 2 neurons"):
        connectome_from_edges(inside, outside, np.ones(2), 2)
    with pytest.raises(ValueError, match="presynaptic runs from 0 to 2"):
        connectome_from_edges(outside, inside, np.ones(2), 2)


def test_scipy_repeats_are_summed_and_zeros_dropped():
    matrix = scipy.sparse.coo_array(
        (np.array([1.0, 2.0, 0.0]), (np.array([0, 0, 1]), np.array([1, 1, 0]))), shape=(2, 2)
    )
    connectome = connectome_from_scipy(matrix)
    assert connectome.n_edges == 1
    assert connectome.to_dense().tolist() == [[0.0, 3.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (scipy.sparse.csr_array(np.ones((2, 3))), r"must be square, got shape \(2, 3\)"),
        (scipy.sparse.csr_array(np.ones((2, 2)) * 1j), "must be real"),
    ],
)
def test_matrices_that_are_no_weights_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        connectome_from_scipy(matrix)


def test_networkx_edges_run_from_pre_to_post():
    graph = networkx.DiGraph(name="pair")
    graph.add_node("b", cell_type="inter")
    graph.add_node("a", cell_type="motor")
    graph.add_edge("a", "b", weight=3)
    connectome = connectome_from_networkx(graph)
    assert connectome.labels == ("b", "a")
    assert connectome.cell_types == ("inter", "motor")
    assert connectome.to_dense().tolist() == [[0.0, 3.0], [0.0, 0.0]]
    assert connectome.provenance.name == "pair"


def test_networkx_undirected_edges_count_both_ways_and_loops_once():
    graph = networkx.Graph([(0, 1, {"gap": 2.0}), (1, 1, {"gap": 5.0})])
    connectome = connectome_from_networkx(graph, weight="gap")
    assert connectome.to_dense().tolist() == [[0.0, 2.0], [2.0, 5.0]]
    assert connectome_from_networkx(graph, weight=None).to_dense()[1, 1] == 1.0


def test_networkx_parallel_edges_add_up():
    graph = networkx.MultiDiGraph([(0, 1), (0, 1)])
    assert connectome_from_networkx(graph).to_dense()[1, 0] == 2.0


@pytest.mark.parametrize("weight", ["strong", np.nan, None])
def test_networkx_weights_must_be_numbers(weight):
    graph = networkx.DiGraph([("a", "b", {"weight": weight})])
    with pytest.raises(ValueError, match="edge 'a' -> 'b': weight must be a finite number"):
        connectome_from_networkx(graph)
