import jax
import numpy as np
import pytest
import scipy.sparse
import scipy.stats

from neuropil.connectivity import (
    Connectome,
    connectome_from_scipy,
    erdos_renyi,
    load_connectome,
    motif_statistics,
    sonet,
    sonet_feasibility,
    sonet_twin,
)
from neuropil.connectivity.bivariate_normal import excess_from_correlation, threshold_of
from neuropil.connectivity.sonet import SMALLEST_NOISE_VARIANCE, _latent_variables
from neuropil.connectivity.sonet_feasibility import (
    STATISTICS,
    LatentCorrelations,
    SonetParameters,
    latent_correlations,
)
from neuropil.connectivity.sonet_sampling import sample_rows

KEY = jax.random.key(2011)

# Latent correlations (convergent, divergent, chain) and where in its range the reciprocal one is,
# from -1 (lowest) to 1 (highest); None leaves it to the others.
POINTS = {
    "independent": (0.0, 0.0, 0.0, None),
    "symmetric": (0.0, 0.0, 0.0, 1.0),
    "one-way": (0.0, 0.0, 0.0, -1.0),
    "convergent": (0.4, 0.0, 0.0, None),
    "divergent": (0.0, 0.4, 0.0, 0.5),
    "balanced": (0.2, 0.2, 0.1, None),
    "reciprocal": (0.15, 0.25, 0.15, 0.7),
    "rarely reciprocal": (0.2, 0.15, 0.05, -0.8),
    "lowest chain": (0.2, 0.2, -0.2, 0.3),
    "noise-free": (0.7, 0.3, 0.2, None),
}
CASES = [
    (0.02, "balanced"),
    (0.02, "reciprocal"),
    (0.1, "independent"),
    (0.1, "symmetric"),
    (0.1, "one-way"),
    (0.1, "convergent"),
    (0.1, "reciprocal"),
    (0.1, "rarely reciprocal"),
    (0.1, "lowest chain"),
    (0.1, "noise-free"),
    (0.5, "divergent"),
    (0.5, "one-way"),
    (0.5, "rarely reciprocal"),
    (0.6, "balanced"),
    (0.6, "lowest chain"),
    (0.9, "reciprocal"),
    (0.9, "convergent"),
]


def alphas_at(name, p):
    convergent, divergent, chain, place = POINTS[name]
    alphas = {
        "convergent": excess_from_correlation(convergent, p),
        "divergent": excess_from_correlation(divergent, p),
        "chain": excess_from_correlation(chain, p),
    }
    if place is not None:
        reciprocal = 2 * chain + place * (1 - convergent - divergent)
        alphas["reciprocal"] = excess_from_correlation(reciprocal, p)
    return alphas


def expected_alphas(name, p):
    convergent, divergent, chain, place = POINTS[name]
    noise = (place or 0.0) * (1 - convergent - divergent)
    return {
        **alphas_at(name, p),
        "reciprocal": excess_from_correlation(2 * chain + noise, p),
    }


def frequencies(motifs):
    """P(both edges exist) of each motif in one graph: unbiased at every size."""
    n = motifs.n_neurons
    pairs, triples = n * (n - 1), n * (n - 1) * (n - 2)
    return {
        "reciprocal": motifs.reciprocal / (pairs / 2),
        "convergent": motifs.convergent / (triples / 2),
        "divergent": motifs.divergent / (triples / 2),
        "chain": motifs.chain / triples,
    }


@pytest.mark.parametrize(("p", "name"), CASES)
def test_realised_statistics_are_the_requested_within_sampling_error(p, name):
    """Means over graphs against their own standard error, by Student's t.

    The variation that an alpha shares with the density of its graph has mean zero and is taken
    off, which makes the test several times sharper.
    """
    n, graphs = 400, 30
    asked, expected = alphas_at(name, p), expected_alphas(name, p)
    found = {statistic: [] for statistic in ("density", *STATISTICS)}
    for key in jax.random.split(jax.random.fold_in(KEY, len(name)), graphs):
        motifs = sonet(n, p, **asked, key=key).realised
        found["density"].append(motifs.p / p - 1)
        for statistic, frequency in frequencies(motifs).items():
            ratio = frequency / (p**2 * (1 + expected[statistic])) if frequency else 0.0
            found[statistic].append(ratio - 1 - 2 * (motifs.p / p - 1))
    # One in a thousand of all these comparisons together may fail by chance.
    limit = scipy.stats.t.isf(1e-3 / (2 * 5 * len(CASES)), graphs - 1)
    for statistic, values in found.items():
        if expected.get(statistic) == pytest.approx(-1, abs=1e-12):
            assert motifs.reciprocal == 0
            continue
        error = np.std(values, ddof=1) / np.sqrt(graphs)
        assert error < 0.15
        assert abs(np.mean(values)) <= limit * error + 1e-12, statistic


def dense_gaussian_graphs(rng, graphs, n, p, correlations):
    """Graphs by thresholding the joint Gaussian of all edges, with its definition as covariance."""
    edges = [(i, j) for i in range(n) for j in range(n) if i != j]
    covariance = np.eye(len(edges))
    for a, (i, j) in enumerate(edges):
        for b, (k, m) in enumerate(edges):
            if (i, j) == (m, k):
                covariance[a, b] = correlations.reciprocal
            elif a != b and i == k:
                covariance[a, b] = correlations.convergent
            elif a != b and j == m:
                covariance[a, b] = correlations.divergent
            elif j == k or i == m:
                covariance[a, b] = correlations.chain
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = rng.standard_normal((graphs, len(edges))) @ root.T > threshold_of(p)
    matrices = np.zeros((graphs, n, n), int)
    matrices[:, *np.array(edges).T] = drawn
    return matrices


def census(matrices):
    """How many graphs have each number of edges, reciprocal pairs and largest in-degree."""
    edges = matrices.sum((1, 2))
    reciprocal = (matrices * matrices.transpose(0, 2, 1)).sum((1, 2)) // 2
    largest = matrices.sum(2).max(1)
    return np.bincount((edges * 8 + reciprocal) * 4 + largest, minlength=13 * 32)


@pytest.mark.parametrize(
    ("p", "name"),
    [
        (0.3, "reciprocal"),
        pytest.param(0.6, "lowest chain", marks=pytest.mark.slow),
    ],
)
def test_small_graphs_are_distributed_as_by_the_definition(p, name):
    """Four neurons: the whole graph, not only pairs of edges, has the law of the definition."""
    n, graphs = 4, 4000
    latent = latent_correlations(SonetParameters(n, p, **alphas_at(name, p)))
    rng = np.random.default_rng(0)
    defined = census(dense_gaussian_graphs(rng, 10 * graphs, n, p, latent))
    x, y = _latent_variables(n * graphs, latent, KEY)
    spread = np.sqrt(latent.noise_variance)
    drive_in = ((x - threshold_of(p)) / spread).reshape(graphs, n)
    drive_out = (y / spread).reshape(graphs, n)
    found = np.zeros((graphs, n, n), int)
    correlation = latent.noise_covariance / latent.noise_variance
    for k in range(graphs):
        row_start, presynaptic = sample_rows(
            drive_in[k], drive_out[k], correlation, seed=np.uint64(k)
        )
        found[k, np.repeat(np.arange(n), np.diff(row_start)), presynaptic] = 1
    counts = np.stack([census(found), defined])
    common = counts.sum(0) > 200
    table = np.column_stack([counts[:, common], counts[:, ~common].sum(1)])
    assert table.shape[1] > 20
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize("covariance", [(0.3, 0.5, -0.2), (0.0, 0.4, 0.0), (0.4, 0.1, 0.2)])
def test_latent_variables_have_the_asked_covariance(covariance):
    convergent, divergent, chain = covariance
    n = 400_000
    drawn = _latent_variables(n, LatentCorrelations(0.0, convergent, divergent, chain), KEY)
    expected = np.array([[convergent, chain], [chain, divergent]])
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / n)
    assert np.all(np.abs(np.cov(drawn) - expected) <= 4.5 * error)
    assert np.all(np.abs(np.mean(drawn, 1)) <= 4.5 * np.sqrt(np.diag(expected) / n))


def test_symmetric_and_one_way_graphs():
    p = 0.2
    symmetric = sonet(80, p, reciprocal=1 / p - 1, key=KEY).connectome.to_dense()
    assert np.array_equal(symmetric, symmetric.T)
    assert symmetric.any()
    one_way = sonet(80, p, reciprocal=-1.0, key=KEY).connectome.to_dense()
    assert one_way.any()
    assert not np.any(one_way * one_way.T)
    tournament = sonet(80, 0.5, reciprocal=-1.0, key=KEY).connectome.to_dense()
    assert np.array_equal(tournament + tournament.T, 1 - np.eye(80))


def test_without_noise_rows_are_nested():
    """With x alone, every neuron has all inputs or none; with y alone, the same of outputs."""
    p = 0.3
    rows = sonet(60, p, convergent=1 / p - 1, key=KEY).connectome
    assert set(rows.in_degrees) == {0, 59}
    columns = sonet(60, p, divergent=1 / p - 1, key=KEY).connectome
    assert set(columns.out_degrees) == {0, 59}
    assert SMALLEST_NOISE_VARIANCE < 1e-15


def test_result_holds_request_realisation_and_weights():
    graph = sonet(300, 0.1, convergent=0.3, chain=0.0, key=KEY, weight=-2.5, unit="mV ms")
    assert graph.requested == SonetParameters(300, 0.1, None, 0.3, 0.0, 0.0)
    assert graph.realised == motif_statistics(graph.connectome)
    assert graph.changes == ()
    assert set(graph.connectome.weights) == {-2.5}
    assert graph.connectome.unit == "mV ms"
    assert graph.connectome.presynaptic.dtype == np.int32
    assert graph.connectome.row_start.dtype == np.int64
    assert "convergent 0.3" in graph.connectome.provenance.notes[0]


def test_same_key_same_graph():
    one, again = (sonet(200, 0.1, convergent=0.3, key=KEY).connectome for _ in range(2))
    other = sonet(200, 0.1, convergent=0.3, key=jax.random.key(1)).connectome
    assert np.array_equal(one.presynaptic, again.presynaptic)
    assert not np.array_equal(one.row_start, other.row_start)


def test_smallest_graphs():
    counts = [
        sonet(2, 0.5, reciprocal=1.0, key=key).connectome.n_edges
        for key in jax.random.split(KEY, 40)
    ]
    assert set(counts) == {0, 2}


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="n_neurons is 0; it must be a whole number, at least 2"):
        sonet(0, 0.1, key=KEY)
    with pytest.raises(ValueError, match=r"connection_probability is 1\.0; .* between 0 and 1"):
        sonet(10, 1.0, key=KEY)
    with pytest.raises(ValueError, match="weight is nan; it must be finite"):
        sonet(10, 0.1, key=KEY, weight=float("nan"))
    with pytest.raises(ValueError, match=r"chain is 0\.5; it must be between 0 and 0 at"):
        sonet(10, 0.1, chain=0.5, convergent=0.4, key=KEY)


# Twins


@pytest.mark.parametrize(
    "name", ["celegans-cook-2019-chemical", "drosophila-mushroom-body-eichler-2017-left"]
)
def test_twins_of_real_connectomes_have_their_statistics(name):
    real = load_connectome(name)
    measured = motif_statistics(real)
    twins = [sonet_twin(real, key=key, nearest=True) for key in jax.random.split(KEY, 40)]
    asked = twins[0].requested
    assert asked.n_neurons == real.n_neurons
    assert asked.connection_probability == measured.p
    changed = [sentence.split()[0] for sentence in twins[0].changes]
    for statistic in STATISTICS:
        if statistic not in changed:
            assert getattr(asked, statistic) == getattr(measured, f"alpha_{statistic}")
        p = measured.p
        ratios = [
            frequencies(twin.realised)[statistic] / p**2 / (1 + getattr(asked, statistic))
            - 1
            - 2 * (twin.realised.p / p - 1)
            for twin in twins
        ]
        assert abs(np.mean(ratios)) < 4.5 * np.std(ratios) / np.sqrt(40), statistic


def test_twin_ignores_self_loops_and_weights():
    graph = sonet(200, 0.2, convergent=0.2, divergent=0.2, key=KEY).connectome
    with_loops = connectome_from_scipy(
        graph.scaled(3.0).to_scipy() + 2 * scipy.sparse.eye_array(200)
    )
    plain, other = (sonet_twin(c, key=KEY) for c in (graph, with_loops))
    assert plain.requested == other.requested
    assert np.array_equal(plain.connectome.presynaptic, other.connectome.presynaptic)
    assert set(plain.connectome.weights) == {1.0}


def ring(n):
    """Every neuron drives its two successors: degrees vary less than in any SONET."""
    matrix = np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), 2, axis=0)
    rows, columns = np.nonzero(matrix)
    order = np.lexsort((columns, rows))
    return Connectome(2 * np.arange(n + 1), columns[order], np.ones(2 * n))


def test_infeasible_twin_is_refused_or_replaced_by_the_nearest():
    with pytest.raises(ValueError, match=r"convergent is -0\.\d+; it must be between 0 and"):
        sonet_twin(ring(40), key=KEY)
    twin = sonet_twin(ring(40), key=KEY, nearest=True)
    measured = motif_statistics(ring(40))
    assert twin.requested.convergent == 0
    assert any(
        sentence.startswith(f"convergent changed from {measured.alpha_convergent:.6g} to 0")
        for sentence in twin.changes
    )
    statistics = {name: getattr(twin.requested, name) for name in STATISTICS}
    assert sonet_feasibility(measured.p, **statistics).feasible


@pytest.mark.parametrize("n_edges", [0, 6])
def test_empty_and_complete_connectomes_have_no_twin(n_edges):
    matrix = np.ones((3, 3)) - np.eye(3) if n_edges else np.zeros((3, 3))
    rows, columns = np.nonzero(matrix)
    connectome = Connectome(
        np.concatenate([[0], np.cumsum(matrix.sum(1).astype(int))]), columns, np.ones(rows.size)
    )
    with pytest.raises(ValueError, match=rf"3 neurons and {n_edges} edges .* some but not all"):
        sonet_twin(connectome, key=KEY)
    with pytest.raises(ValueError, match="at least 3 neurons"):
        sonet_twin(erdos_renyi(2, 0.5, key=KEY), key=KEY)
