import numpy as np
import pytest
import scipy.sparse

from neuropil.connectivity import edge_lists
from neuropil.connectivity.edge_lists import rows_from_edges


def shuffled_blocks(n, density, seed, n_blocks=5):
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.csr_array(rng.random((n, n)) < density)
    post, pre = matrix.nonzero()
    edges = rng.permutation(post.astype(np.int64) << 32 | pre)
    return np.array_split(edges, n_blocks), matrix


@pytest.mark.parametrize(
    ("n", "density"), [(1, 1.0), (7, 0.0), (7, 1.0), (33, 0.2), (100, 0.02), (301, 0.3)]
)
@pytest.mark.parametrize("edges_per_bucket", [2**17, 50, 1])
def test_rows_are_those_of_the_sparse_matrix(monkeypatch, n, density, edges_per_bucket):
    monkeypatch.setattr(edge_lists, "EDGES_PER_BUCKET", edges_per_bucket)
    blocks, matrix = shuffled_blocks(n, density, seed=n)
    row_start, presynaptic = rows_from_edges(blocks, n)
    matrix.sort_indices()
    assert np.array_equal(row_start, matrix.indptr)
    assert np.array_equal(presynaptic, matrix.indices)


def test_one_crowded_row_among_empty_ones(monkeypatch):
    monkeypatch.setattr(edge_lists, "EDGES_PER_BUCKET", 10)
    columns = np.random.default_rng(0).permutation(1000)
    row_start, presynaptic = rows_from_edges([np.int64(400) << 32 | columns], 1000)
    assert np.array_equal(presynaptic, np.arange(1000))
    assert np.array_equal(row_start, np.repeat([0, 1000], [401, 600]))
