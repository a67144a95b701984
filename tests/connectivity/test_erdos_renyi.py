import jax
import numpy as np
import pytest
import scipy.stats

from neuropil.connectivity import erdos_renyi, motif_statistics

KEY = jax.random.key(5)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.95])
def test_degrees_are_binomial(p):
    n = 1500
    graph = erdos_renyi(n, p, key=KEY)
    law = scipy.stats.binom(n - 1, p)
    cuts = np.unique(law.ppf(np.linspace(0, 1, 13)[1:-1]))
    expected = n * np.diff(np.concatenate([[0.0], law.cdf(cuts), [1.0]]))
    for degrees in (graph.in_degrees, graph.out_degrees):
        counts = np.bincount(np.searchsorted(cuts, degrees), minlength=cuts.size + 1)
        assert scipy.stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.05, 0.6])
def test_second_order_statistics_are_those_of_independence(p):
    """Per motif of independent edges the products of W - p are uncorrelated."""
    n = 1000
    found = motif_statistics(erdos_renyi(n, p, key=KEY))
    pairs = n * (n - 1)
    triples = pairs * (n - 2)
    assert abs(found.p - p) < 4 * np.sqrt(p * (1 - p) / pairs)
    one = (1 - p) / p
    assert abs(found.alpha_reciprocal) < 4 * one / np.sqrt(pairs / 2)
    assert abs(found.alpha_convergent) < 4 * one / np.sqrt(triples / 2)
    assert abs(found.alpha_divergent) < 4 * one / np.sqrt(triples / 2)
    assert abs(found.alpha_chain) < 4 * one / np.sqrt(triples)


@pytest.mark.slow
def test_every_ordered_pair_is_as_likely_as_any_other():
    n, p, graphs = 5, 0.4, 1000
    counts = np.zeros((n, n))
    for key in jax.random.split(KEY, graphs):
        counts += erdos_renyi(n, p, key=key).to_dense()
    assert np.all(np.diag(counts) == 0)
    off_diagonal = counts[~np.eye(n, dtype=bool)]
    spread = graphs * p * (1 - p)
    chi2 = np.sum((off_diagonal - graphs * p) ** 2) / spread
    assert scipy.stats.chi2.sf(chi2, n * (n - 1)) > 1e-3


def test_extremes_of_the_probability():
    assert erdos_renyi(300, 1e-300, key=KEY).n_edges == 0
    full = erdos_renyi(50, 1 - 1e-15, key=KEY)
    assert full.n_edges == 50 * 49
    assert np.array_equal(full.to_dense(), 1 - np.eye(50))
    pairs = [erdos_renyi(2, 0.5, key=key).n_edges for key in jax.random.split(KEY, 60)]
    assert set(pairs) == {0, 1, 2}


def test_same_key_same_graph_and_weights_as_asked():
    one, again = (erdos_renyi(200, 0.1, key=KEY, weight=-0.3, unit="mV ms") for _ in range(2))
    other = erdos_renyi(200, 0.1, key=jax.random.key(6))
    assert np.array_equal(one.presynaptic, again.presynaptic)
    assert not np.array_equal(one.in_degrees, other.in_degrees)
    assert set(one.weights) == {-0.3}
    assert one.unit == "mV ms"
    assert one.provenance.notes == ("n_neurons 200, connection_probability 0.1",)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="n_neurons is 1; it must be a whole number, at least 2"):
        erdos_renyi(1, 0.1, key=KEY)
    for p in (0.0, 1.0, -0.1, 1.2, float("nan")):
        with pytest.raises(ValueError, match=r"connection_probability is .* between 0 and 1"):
            erdos_renyi(10, p, key=KEY)
    with pytest.raises(ValueError, match="weight is inf; it must be finite"):
        erdos_renyi(10, 0.1, key=KEY, weight=float("inf"))
