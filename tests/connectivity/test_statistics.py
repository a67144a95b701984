import itertools
import time

import jax
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuropil.connectivity import (
    Connectome,
    connectome_from_scipy,
    degree_statistics,
    erdos_renyi_motif_errors,
    expected_degree_moments,
    motif_statistics,
    sonet,
)

graphs = st.integers(1, 7).flatmap(
    lambda n: hnp.arrays(float, (n, n), elements=st.sampled_from([0.0, 1.0, -2.0]))
)


def counted_one_by_one(matrix: np.ndarray) -> dict[str, int]:
    """Motifs by going through all pairs and triples of different neurons."""
    edge = matrix != 0
    n = len(matrix)
    pairs = list(itertools.combinations(range(n), 2))
    return {
        "reciprocal": sum(edge[i, j] and edge[j, i] for i, j in pairs),
        "convergent": sum(
            edge[i, j] and edge[i, k] for i in range(n) for j, k in pairs if i not in (j, k)
        ),
        "divergent": sum(
            edge[j, i] and edge[k, i] for i in range(n) for j, k in pairs if i not in (j, k)
        ),
        "chain": sum(edge[i, j] and edge[j, k] for i, j, k in itertools.permutations(range(n), 3)),
    }


def possible(n: int) -> dict[str, int]:
    """How many motifs a complete graph has."""
    return counted_one_by_one(np.ones((n, n)))


@given(graphs)
def test_motifs_are_those_counted_one_by_one(matrix):
    n = len(matrix)
    motifs = motif_statistics(connectome_from_scipy(scipy.sparse.csr_array(matrix)))
    expected = counted_one_by_one(matrix)
    assert {name: getattr(motifs, name) for name in expected} == expected
    edges = int(np.sum(matrix != 0) - np.sum(np.diag(matrix) != 0))
    assert motifs.n_edges == edges
    for name, places in possible(n).items():
        alpha = getattr(motifs, f"alpha_{name}")
        if edges and places:
            assert motifs.p == pytest.approx(edges / (n * (n - 1)))
            assert expected[name] / places == pytest.approx(motifs.p**2 * (1 + alpha))
        else:
            assert np.isnan(alpha)


@given(graphs)
def test_degrees_and_strengths(matrix):
    statistics = degree_statistics(connectome_from_scipy(scipy.sparse.csr_array(matrix)))
    edge = (matrix != 0) & ~np.eye(len(matrix), dtype=bool)
    into, out = edge.sum(axis=1), edge.sum(axis=0)
    assert np.array_equal(statistics.in_degrees, into)
    assert np.array_equal(statistics.out_degrees, out)
    assert np.array_equal(statistics.in_strengths, matrix.sum(axis=1))
    assert np.array_equal(statistics.out_strengths, matrix.sum(axis=0))
    assert statistics.mean_degree == pytest.approx(into.mean())
    assert statistics.variance_in_degree == pytest.approx(into.var())
    assert statistics.variance_out_degree == pytest.approx(out.var())
    assert statistics.covariance_in_out_degree == pytest.approx(
        np.mean(into * out) - into.mean() * out.mean()
    )
    assert statistics.variance_in_strength == pytest.approx(matrix.sum(axis=1).var())
    assert statistics.covariance_in_out_strength == pytest.approx(
        np.mean(matrix.sum(axis=1) * matrix.sum(axis=0)) - matrix.sum(axis=1).mean() ** 2
    )


@given(graphs)
def test_the_moments_of_any_graph_follow_from_its_own_motifs(matrix):
    connectome = connectome_from_scipy(scipy.sparse.csr_array(matrix))
    motifs, degrees = motif_statistics(connectome), degree_statistics(connectome)
    if motifs.n_edges == 0 or motifs.n_neurons < 3:
        return
    expected = expected_degree_moments(
        motifs.n_neurons,
        motifs.p,
        reciprocal=motifs.alpha_reciprocal,
        convergent=motifs.alpha_convergent,
        divergent=motifs.alpha_divergent,
        chain=motifs.alpha_chain,
    )
    assert expected.mean == pytest.approx(degrees.mean_degree)
    assert expected.variance_in == pytest.approx(degrees.variance_in_degree, abs=1e-12)
    assert expected.variance_out == pytest.approx(degrees.variance_out_degree, abs=1e-12)
    assert expected.covariance == pytest.approx(degrees.covariance_in_out_degree, abs=1e-12)


def test_degrees_of_sonets_have_the_expected_moments():
    n, p = 400, 0.1
    asked = {"reciprocal": 1.0, "convergent": 0.4, "divergent": 0.3, "chain": 0.2}
    expected = expected_degree_moments(n, p, **asked)
    measured = []
    for key in jax.random.split(jax.random.key(2), 60):
        degrees = degree_statistics(sonet(n, p, **asked, key=key).connectome)
        # Around the expected mean: over graphs, the mean degree fluctuates too.
        into, out = degrees.in_degrees - expected.mean, degrees.out_degrees - expected.mean
        measured.append([into.mean(), np.mean(into**2), np.mean(out**2), np.mean(into * out)])
    mean = np.mean(measured, axis=0)
    error = np.std(measured, axis=0, ddof=1) / np.sqrt(len(measured))
    target = [0.0, expected.variance_in, expected.variance_out, expected.covariance]
    assert np.all(np.abs(mean - target) < 3.5 * error)
    assert np.all(error[1:] < 0.05 * np.array(target[1:]))


def test_alphas_of_erdos_renyi_graphs_scatter_as_predicted():
    n, p, graphs = 50, 0.2, 200
    rng = np.random.default_rng(5)
    alphas = []
    for _ in range(graphs):
        matrix = (rng.random((n, n)) < p) & ~np.eye(n, dtype=bool)
        motifs = motif_statistics(connectome_from_scipy(scipy.sparse.csr_array(matrix * 1.0)))
        alphas.append([getattr(motifs, f"alpha_{name}") for name in possible(1)])
    errors = erdos_renyi_motif_errors(n, p)
    predicted = np.array([getattr(errors, name) for name in possible(1)])
    # A standard deviation from 200 graphs is itself known to about 5 %.
    np.testing.assert_allclose(np.std(alphas, axis=0), predicted, rtol=0.2)
    # With the number of edges given, two edges exist together a little less often than p^2.
    bias = -(1 - p) / (p * n * (n - 1))
    assert np.all(np.abs(np.mean(alphas, axis=0) - bias) < 4 * predicted / np.sqrt(graphs))


def ring(n: int, degree: int) -> Connectome:
    """Every neuron receives from the `degree` neurons after it, round a ring."""
    presynaptic = (np.arange(n)[:, None] + np.arange(1, degree + 1)) % n
    return Connectome(
        np.arange(n + 1) * degree, np.sort(presynaptic, axis=1).ravel(), np.ones(n * degree)
    )


def test_a_million_edges_by_closed_form():
    n, degree = 20_000, 100
    motifs = motif_statistics(ring(n, degree))
    assert motifs.n_edges == n * degree
    assert motifs.reciprocal == 0
    assert motifs.convergent == motifs.divergent == n * degree * (degree - 1) // 2
    assert motifs.chain == n * degree**2
    complete_ring = motif_statistics(ring(1001, 1000))
    assert complete_ring.reciprocal == 1001 * 1000 // 2
    assert complete_ring.alpha_chain == pytest.approx(0.0)


def test_time_is_linear_in_the_edges():
    def seconds(connectome: Connectome) -> float:
        best = np.inf
        for _ in range(5):
            begin = time.process_time()
            motif_statistics(connectome)
            best = min(best, time.process_time() - begin)
        return best

    # Eight times the edges, by more neurons and by more edges each; a product of matrices would
    # take 8 and 64 times as long.
    base = seconds(ring(5_000, 50))
    assert seconds(ring(40_000, 50)) < 24 * base
    assert seconds(ring(5_000, 400)) < 24 * base


@pytest.mark.parametrize(
    ("n", "p", "message"),
    [
        (0, 0.5, "n_neurons must be at least 1, got 0"),
        (5, 1.5, "p must lie between 0 and 1, got 1.5"),
        (5, np.nan, "p must lie between 0 and 1, got nan"),
    ],
)
def test_impossible_expectations_are_refused(n, p, message):
    with pytest.raises(ValueError, match=message):
        expected_degree_moments(n, p)


def test_impossible_scatter_is_refused():
    with pytest.raises(ValueError, match="n_neurons must be at least 3"):
        erdos_renyi_motif_errors(2, 0.5)
    with pytest.raises(ValueError, match="p must lie above 0"):
        erdos_renyi_motif_errors(5, 0.0)


def test_no_neurons_have_no_degrees():
    with pytest.raises(ValueError, match="no neurons"):
        degree_statistics(Connectome(np.zeros(1, int), np.zeros(0, int), np.zeros(0)))
