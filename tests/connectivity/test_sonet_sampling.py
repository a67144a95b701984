"""The sampler against exact probabilities: latent variables are fixed, only the noise is drawn."""

import numpy as np
import pytest
import scipy.stats
from scipy.special import ndtr, ndtri

from neuropil.connectivity import sonet_sampling
from neuropil.connectivity.sonet_sampling import (
    _below_cdf,
    _cdf_bound,
    _independent_edges,
    _paired_edges,
    _quantile,
    sample_rows,
)

SIGNIFICANCE = 1e-4
SEED = np.uint64(20110528)


def dense(rows, n):
    row_start, presynaptic = rows
    matrix = np.zeros((n, n), bool)
    matrix[np.repeat(np.arange(n), np.diff(row_start)), presynaptic] = True
    return matrix


def both_exceed(z, other, correlation, n_nodes=300):
    """P(e > -z, e' > -other) of standard normals, by Gauss-Legendre over the first one's tail."""
    if abs(correlation) == 1:
        p, q = ndtr(z), ndtr(other)
        return np.minimum(p, q) if correlation == 1 else np.maximum(0, p + q - 1)
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    noise = -ndtri(ndtr(z)[..., None] * (nodes + 1) / 2)
    given = ndtr((other[..., None] + correlation * noise) / np.sqrt(1 - correlation**2))
    return ndtr(z) * (given @ weights) / 2


def types_of_neurons(n, mean, spread, n_types, seed):
    """Latent variables that take few values, so that many pairs share their probabilities."""
    rng = np.random.default_rng(seed)
    values = mean / 2 + spread * rng.standard_normal((2, n_types))
    kind = rng.integers(n_types, size=n)
    return kind, values[0], values[1]


def outcomes_by_type(matrix, kind, n_types):
    """Counts of pairs (connected both ways, forwards only, backwards only), by type of each."""
    member = np.eye(n_types)[kind]

    def summed(pairs):
        return member.T @ pairs.astype(float) @ member

    both = summed(matrix & matrix.T)
    forwards = summed(matrix & ~matrix.T)
    sizes = np.outer(member.sum(0), member.sum(0)) - np.diag(member.sum(0))
    return both, forwards, sizes


@pytest.mark.parametrize("correlation", [0.0, 0.6, -0.6, 0.97, -0.97, 1.0, -1.0])
@pytest.mark.parametrize(
    ("mean", "spread", "n_cells"),
    [
        (-2.3, 0.5, 1),  # all types in one cell: bounds far from the probabilities
        (-1.6, 0.6, 9),
        (-1.0, 0.9, 40),  # every type in a cell of its own, some visited pair by pair
        (0.3, 0.8, 6),
        (1.8, 0.5, 4),
    ],
)
def test_pairs_have_their_exact_joint_probabilities(correlation, mean, spread, n_cells):
    n, n_types = 1200, 6
    kind, drive_in, drive_out = types_of_neurons(n, mean, spread, n_types, seed=7)
    rows = sample_rows(drive_in[kind], drive_out[kind], correlation, seed=SEED, n_cells=n_cells)
    matrix = dense(rows, n)
    assert not matrix.diagonal().any()

    both, forwards, sizes = outcomes_by_type(matrix, kind, n_types)
    z = drive_in[:, None] + drive_out[None, :]
    exact_both = both_exceed(z, z.T, correlation)
    exact_forwards = ndtr(z) - exact_both
    statistic, freedom = 0.0, 0
    for a in range(n_types):
        for b in range(a + 1):
            if a == b:
                counts = [both[a, a] / 2, forwards[a, a]]
                chances = [exact_both[a, a], 2 * exact_forwards[a, a]]
                size = sizes[a, a] / 2
            else:
                counts = [both[a, b], forwards[a, b], forwards[b, a]]
                chances = [exact_both[a, b], exact_forwards[a, b], exact_forwards[b, a]]
                size = sizes[a, b]
            counts.append(size - sum(counts))
            chances.append(1 - sum(chances))
            expected = size * np.array(chances)
            # Categories expected less than ten times are put together.
            rare = expected < 10
            observed = np.append(np.array(counts)[~rare], np.array(counts)[rare].sum())
            expected = np.append(expected[~rare], expected[rare].sum())
            kept = expected > 1e-6
            assert observed[~kept].sum() == 0
            statistic += np.sum((observed - expected)[kept] ** 2 / expected[kept])
            freedom += kept.sum() - 1
    assert scipy.stats.chi2.sf(statistic, freedom) > SIGNIFICANCE


@pytest.mark.parametrize("correlation", [0.0, 0.7, -0.7])
def test_pairs_are_independent_of_each_other(correlation):
    """Given the latent variables, degrees vary and covary as sums of independent pairs do."""
    n = 1500
    rng = np.random.default_rng(3)
    drive_in = -1.5 + 0.6 * rng.standard_normal(n)
    drive_out = 0.6 * rng.standard_normal(n)
    rows = sample_rows(drive_in, drive_out, correlation, seed=SEED)
    z = drive_in[:, None] + drive_out[None, :]
    p = ndtr(z)
    np.fill_diagonal(p, 0)
    some = rng.permutation(n)[:150]
    both = both_exceed(z[some], z.T[some], correlation, n_nodes=40)
    both[np.arange(150), some] = 0
    row_start, presynaptic = rows
    in_residual = np.diff(row_start) - p.sum(1)
    out_residual = np.bincount(presynaptic, minlength=n) - p.sum(0)
    for residual, variance in (
        (in_residual, np.sum(p * (1 - p), 1)),
        (out_residual, np.sum(p * (1 - p), 0)),
    ):
        statistic = np.sum(residual**2 / variance)
        assert abs(statistic - n) < 4.5 * np.sqrt(2 * n)
    covariance = np.sum(both - p[some] * p.T[some], 1)
    product = (in_residual * out_residual)[some]
    spread = np.sqrt(np.sum(p * (1 - p), 1) * np.sum(p * (1 - p), 0))[some]
    assert abs(np.sum(product - covariance)) < 4.5 * np.sqrt(np.sum(2 * spread**2))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_graph_depends_on_the_seed_alone(correlation, monkeypatch):
    rng = np.random.default_rng(0)
    drive_in, drive_out = rng.standard_normal((2, 700)) - 0.5
    arguments = (drive_in, drive_out, correlation)
    one = sample_rows(*arguments, seed=SEED, n_threads=1)
    other = sample_rows(*arguments, seed=np.uint64(1))
    assert not np.array_equal(one[1], other[1])
    monkeypatch.setattr(sonet_sampling, "EDGES_PER_BLOCK", 1500)
    for n_threads in (1, 3, None):
        again = sample_rows(*arguments, seed=SEED, n_threads=n_threads)
        assert np.array_equal(one[0], again[0])
        assert np.array_equal(one[1], again[1])


@pytest.mark.parametrize("room", [0, 1, 10_000])
def test_edges_do_not_depend_on_the_room_for_them(room):
    rng = np.random.default_rng(0)
    n = 60
    drive_in, drive_out = rng.standard_normal((2, n))
    label = rng.permutation(n).astype(np.int32)
    start = np.array([0, 20, 21, n])
    tops = [np.maximum.reduceat(drive, start[:-1]) for drive in (drive_in, drive_out)]
    alone = (drive_in, drive_out, label, start, tops[1], SEED, 0, n)
    paired = (drive_in, drive_out, label, start, *tops, 0.4, SEED, 5, n - 3)
    for kernel, arguments in ((_independent_edges, alone), (_paired_edges, paired)):
        reference = kernel(*arguments, 100_000)
        assert reference.size > 500
        assert np.array_equal(kernel(*arguments, room), reference)


def test_extreme_drives():
    """Without noise that matters, edges are decided by the drives."""
    rng = np.random.default_rng(1)
    drive_in, drive_out = 1e10 * rng.standard_normal((2, 300))
    expected = drive_in[:, None] + drive_out[None, :] > 0
    np.fill_diagonal(expected, False)
    for correlation in (0.0, 0.5, -1.0):
        found = dense(sample_rows(drive_in, drive_out, correlation, seed=SEED), 300)
        assert np.array_equal(found, expected)
    nothing = np.full(300, -1e10)
    assert sample_rows(nothing, nothing, 0.0, seed=SEED)[1].size == 0
    assert sample_rows(-nothing, -nothing, 0.3, seed=SEED)[1].size == 300 * 299


def test_work_stays_near_the_number_of_edges(monkeypatch):
    """Bounds exceed the probabilities by little: few candidates are turned down."""
    rng = np.random.default_rng(2)
    n = 4000
    drive_in = -2.0 + 0.8 * rng.standard_normal(n)
    drive_out = 0.8 * rng.standard_normal(n)
    for grid, most in ((False, 1.1), (True, 1.25)):
        cell = sonet_sampling._cells(drive_in if grid else np.zeros(n), drive_out, 80)
        top_in = np.array([drive_in[cell == k].max() for k in range(cell.max() + 1)])
        top_out = np.array([drive_out[cell == k].max() for k in range(cell.max() + 1)])
        size = np.bincount(cell)
        edges = ndtr(drive_in[:, None] + drive_out[None, :]).sum()
        if grid:
            edges *= 2
            bounds = ndtr(drive_in[:, None] + top_out) + ndtr(drive_out[:, None] + top_in)
        else:
            bounds = ndtr(drive_in[:, None] + top_out)
        assert edges <= (bounds @ size).sum() <= most * edges


def test_quantile_agrees_with_scipy():
    u = np.concatenate([np.logspace(-300, -0.31, 2000), 1 - np.logspace(-15.5, -0.31, 500)])
    found = np.array([_quantile(value) for value in u])
    assert np.allclose(found, ndtri(u), rtol=3e-15, atol=3e-15)


def test_comparison_with_the_distribution_function_is_exact():
    rng = np.random.default_rng(4)
    z = np.concatenate([rng.uniform(-9, 9, 3000), [-1e10, -40.0, -8.5, 8.5, 50.0, 1e10]])
    p = ndtr(z)
    for factor in (1 - 1e-13, 1 - 1e-4, 0.5):
        assert all(_below_cdf(u, x) for u, x in zip(p * factor, z, strict=True) if u > 0)
    for factor in (1 + 1e-13, 1 + 1e-4, 1.5):
        above = p * factor
        assert not any(_below_cdf(u, x) for u, x in zip(above, z, strict=True) if 0 < u < 1)
    bound = np.array([_cdf_bound(x) for x in z])
    assert np.all(bound >= p)
    assert np.all(bound <= np.maximum(ndtr(z + 0.01), 1e-17))
