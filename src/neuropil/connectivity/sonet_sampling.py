"""Exact sampling of a SONET given its latent variables, in time proportional to the edges.

Given the in-variables x and out-variables y of all neurons, W_ij = 1[x_i + y_j + e_ij > h] with
(e_ij, e_ji) bivariate normal and independent over pairs. Neurons are grouped into cells of
similar x and y; in a cell the probability of an edge has a bound that is nearly reached, and
candidates at the rate of that bound are found by jumping over geometric gaps (Batagelj and
Brandes, "Efficient generation of large random networks", Physical Review E 71, 2005). A
candidate becomes an edge with the ratio of its probability to the bound, so the sample is exact
whatever the cells are; they only decide the cost.

Everything below works in units of the standard deviation of e: `drive_in` is (x - h) and
`drive_out` is y in these units, and P(W_ij = 1) = Phi(drive_in_i + drive_out_j).
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int, Int32, Int64
from scipy.special import ndtr

from neuropil.connectivity.edge_lists import EdgeBlock, rows_from_edges
from neuropil.connectivity.random_streams import stream_start, uniform

GRID_CELLS_PER_ROOT_DEGREE = 4
MAXIMUM_CELLS = 512
EDGES_PER_BLOCK = 1_000_000
VISIT_ALL_ABOVE = 0.75

_LOWEST, _HIGHEST, _PER_UNIT = -8.5, 8.5, 128
_CDF = ndtr(np.linspace(_LOWEST, _HIGHEST, int((_HIGHEST - _LOWEST) * _PER_UNIT) + 1))
_ROOT_HALF = math.sqrt(0.5)


def sample_rows(
    drive_in: Float[np.ndarray, " neurons"],
    drive_out: Float[np.ndarray, " neurons"],
    noise_correlation: float,
    *,
    seed: np.uint64,
    n_cells: int | None = None,
    n_threads: int | None = None,
) -> tuple[Int64[np.ndarray, " neurons_plus_one"], Int32[np.ndarray, " edges"]]:
    """Row starts and presynaptic neurons of one graph with the given latent variables.

    `noise_correlation` is the correlation of e_ij and e_ji. The result depends on `seed` and
    `n_cells` (by default in proportion to the root of the mean degree), but not on `n_threads`
    (by default one for each core this process may use).
    """
    n = drive_in.size
    density = _mean_probability(drive_in, drive_out)
    paired = noise_correlation != 0
    if n_cells is None:
        per_root_degree = GRID_CELLS_PER_ROOT_DEGREE if paired else 1
        n_cells = int(np.clip(per_root_degree * math.sqrt(n * density), 1, MAXIMUM_CELLS))
    cell_of = _cells(drive_in if paired else np.zeros(n), drive_out, n_cells)
    label = np.argsort(cell_of, kind="stable").astype(np.int32)
    start = np.flatnonzero(np.diff(cell_of[label], prepend=-1, append=n_cells))
    sorted_in, sorted_out = drive_in[label], drive_out[label]
    top_in = np.maximum.reduceat(sorted_in, start[:-1])
    top_out = np.maximum.reduceat(sorted_out, start[:-1])
    if paired:
        arrays = (sorted_in, sorted_out, label, start, top_in, top_out)
        block = partial(_paired_edges, *arrays, float(noise_correlation), seed)
        expected_edges = 2 * density * np.arange(n - 1, -1, -1)
    else:
        block = partial(_independent_edges, drive_in, sorted_out, label, start, top_out, seed)
        expected_edges = np.full(n, density * (n - 1))
    return rows_from_edges(_in_blocks(block, expected_edges, n_threads), n)


def _in_blocks(
    block: Callable[[int, int, int], EdgeBlock],
    expected_edges: Float[np.ndarray, " neurons"],
    n_threads: int | None,
) -> list[EdgeBlock]:
    """The edges of all neurons, in blocks of consecutive neurons with about equal work."""
    work = np.concatenate([[0.0], np.cumsum(expected_edges)])
    n_blocks = max(1, round(work[-1] / EDGES_PER_BLOCK))
    inner = np.searchsorted(work, work[-1] * np.arange(1, n_blocks) / n_blocks)
    bounds = np.concatenate([[0], inner, [expected_edges.size]])
    spans = [
        (int(first), int(last), int(1.2 * (work[last] - work[first])) + 2 * expected_edges.size)
        for first, last in pairwise(bounds)
    ]
    if n_threads is None:
        n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if min(n_threads, n_blocks) == 1:
        return [block(*span) for span in spans]
    with ThreadPoolExecutor(min(n_threads, n_blocks)) as pool:
        return list(pool.map(lambda span: block(*span), spans))


def _mean_probability(
    drive_in: Float[np.ndarray, " neurons"], drive_out: Float[np.ndarray, " neurons"]
) -> float:
    """Roughly the mean of Phi(in + out): sizes buffers, blocks and cells."""
    quantiles = np.linspace(0.01, 0.99, 50)
    sums = np.add.outer(np.quantile(drive_in, quantiles), np.quantile(drive_out, quantiles))
    return float(ndtr(sums).mean())


def _cells(
    drive_in: Float[np.ndarray, " neurons"], drive_out: Float[np.ndarray, " neurons"], n_cells: int
) -> Int[np.ndarray, " neurons"]:
    """The cell of each neuron, numbered from 0 without gaps: a grid of at most `n_cells`.

    With bounds f(top) in place of f on intervals that hold equal shares of the integral of
    sqrt(density * f'), the excess of candidates over edges is smallest, and equals the square of
    that integral divided by the number of intervals; the two axes share the cells accordingly.
    """
    in_growth = _bound_growth(drive_in, drive_out)
    out_growth = _bound_growth(drive_out, drive_in)
    most_in, most_out = in_growth.max(), out_growth.max()
    if most_in == 0 or most_out == 0:
        n_in = n_cells if most_in > 0 else 1
    else:
        n_in = int(np.clip(round(math.sqrt(n_cells) * most_in / most_out), 1, n_cells))
    n_out = n_cells // n_in if most_out > 0 else 1
    grid = _interval(in_growth, n_in) * n_out + _interval(out_growth, n_out)
    return np.unique(grid, return_inverse=True)[1]


def _bound_growth(
    own: Float[np.ndarray, " neurons"], other: Float[np.ndarray, " neurons"]
) -> Float[np.ndarray, " neurons"]:
    """For each neuron the integral of sqrt(density * f') up to it; f averages over `other`."""
    order = np.argsort(own)
    mean_edge = ndtr((own[order] + other.mean()) / math.sqrt(1 + other.var()))
    growth = np.empty_like(own)
    growth[order] = np.cumsum(np.sqrt(np.diff(mean_edge, prepend=mean_edge[0])))
    return growth


def _interval(growth: Float[np.ndarray, " neurons"], count: int) -> Int[np.ndarray, " neurons"]:
    most = growth.max()
    if most == 0:
        return np.zeros(growth.size, np.int64)
    return np.minimum((growth * (count / most)).astype(np.int64), count - 1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _cdf_bound(z):
    """At most a hundredth of a standard deviation above Phi(z), and never below it."""
    if z >= _HIGHEST:
        return 1.0
    if z < _LOWEST:
        return _CDF[0]
    return _CDF[int((z - _LOWEST) * _PER_UNIT) + 1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _below_cdf(u, z):
    """Whether u < Phi(z): the table decides, except where u falls between two of its entries."""
    if z >= _HIGHEST:
        return True
    if z >= _LOWEST:
        k = int((z - _LOWEST) * _PER_UNIT)
        if u < _CDF[k]:
            return True
        if u >= _CDF[k + 1]:
            return False
    return u < 0.5 * math.erfc(-z * _ROOT_HALF)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _quantile(u):
    """Phi^-1(u) to 16 digits: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = 2509.0809287301226727 * r + 33430.575583588128105
        top = (top * r + 67265.770927008700853) * r + 45921.953931549871457
        top = (top * r + 13731.693765509461125) * r + 1971.5909503065514427
        top = (top * r + 133.14166789178437745) * r + 3.387132872796366608
        bottom = 5226.495278852854561 * r + 28729.085735721942674
        bottom = (bottom * r + 39307.89580009271061) * r + 21213.794301586595867
        bottom = (bottom * r + 5394.1960214247511077) * r + 687.1870074920579083
        bottom = (bottom * r + 42.313330701600911252) * r + 1.0
        return q * top / bottom
    r = math.sqrt(-math.log(min(u, 1 - u)))
    if r <= 5:
        r -= 1.6
        top = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
        top = (top * r + 0.24178072517745061177) * r + 1.27045825245236838258
        top = (top * r + 3.64784832476320460504) * r + 5.7694972214606914055
        top = (top * r + 4.6303378461565452959) * r + 1.42343711074968357734
        bottom = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
        bottom = (bottom * r + 0.0151986665636164571966) * r + 0.14810397642748007459
        bottom = (bottom * r + 0.68976733498510000455) * r + 1.6763848301838038494
        bottom = (bottom * r + 2.05319162663775882187) * r + 1.0
    else:
        r -= 5
        top = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        top = (top * r + 0.0012426609473880784386) * r + 0.026532189526576123093
        top = (top * r + 0.29656057182850489123) * r + 1.7848265399172913358
        top = (top * r + 5.4637849111641143699) * r + 6.6579046435011037772
        bottom = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
        bottom = (bottom * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4
        bottom = (bottom * r + 0.0148753612908506148525) * r + 0.13692988092273580531
        bottom = (bottom * r + 0.59983220655588793769) * r + 1.0
    return math.copysign(top / bottom, q)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _with_room(edges, used, more):
    """The buffer, lengthened by half or more where it cannot hold `more` further edges."""
    if used + more <= edges.size:
        return edges
    longer = np.empty(max(used + more, edges.size + edges.size // 2), np.int64)
    longer[:used] = edges[:used]
    return longer


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _packed(post, pre):
    return np.int64(post) << 32 | np.int64(pre)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _independent_edges(drive_in, drive_out, label, start, top_out, seed, first, last, room):
    """Edges into neurons `first` to `last`, each ordered pair independent of all others.

    `drive_out` and `label` are sorted by cell, `drive_in` is not.
    """
    edges = np.empty(room, np.int64)
    used = 0
    for i in range(first, last):
        state, u = uniform(stream_start(seed, i))
        # What is left of an exponential waiting time carries over to the next cell.
        wait = -math.log(u)
        edges = _with_room(edges, used, label.size)
        for cell in range(start.size - 1):
            begin, size = start[cell], start[cell + 1] - start[cell]
            bound = _cdf_bound(drive_in[i] + top_out[cell])
            if bound > VISIT_ALL_ABOVE:
                for a in range(begin, begin + size):
                    state, u = uniform(state)
                    if _below_cdf(u, drive_in[i] + drive_out[a]) and label[a] != i:
                        edges[used] = _packed(i, label[a])
                        used += 1
                continue
            rate = -math.log1p(-bound)
            per_rate = 1 / rate
            while wait < rate * size:
                step = min(int(wait * per_rate), size - 1)
                a = begin + step
                state, u = uniform(state)
                if _below_cdf(u * bound, drive_in[i] + drive_out[a]) and label[a] != i:
                    edges[used] = _packed(i, label[a])
                    used += 1
                state, u = uniform(state)
                wait = (step + 1) * rate - math.log(u)
            wait -= rate * size
    return edges[:used]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _paired_edges(
    drive_in, drive_out, label, start, top_in, top_out, correlation, seed, first, last, room
):
    """Edges between neurons `first` to `last` and all later ones, in the order of the cells.

    For a pair (a, b) write p for P(a <- b) and q for P(b <- a). Of the candidates, at rate
    bound_p + bound_q < 1, a share accepted with probability p is an edge a <- b, to which b <- a
    is added with its probability given the noise of the first; another share, accepted with
    probability q, is an edge b <- a, kept only if a <- b does not come with it. So the three
    outcomes with an edge get exactly their probabilities. The number that accepts a candidate
    is also its noise, by the inverse of Phi.
    """
    spread = math.sqrt((1 - correlation) * (1 + correlation))
    edges = np.empty(room, np.int64)
    used = 0
    first_cell = np.searchsorted(start, first, side="right") - 1
    for a in range(first, last):
        state, u = uniform(stream_start(seed, a))
        wait = -math.log(u)
        edges = _with_room(edges, used, 2 * (label.size - a))
        while start[first_cell + 1] <= a + 1 and first_cell < start.size - 2:
            first_cell += 1
        for cell in range(first_cell, start.size - 1):
            begin = max(start[cell], a + 1)
            size = start[cell + 1] - begin
            bound_p = _cdf_bound(drive_in[a] + top_out[cell])
            bound_q = _cdf_bound(top_in[cell] + drive_out[a])
            bound = bound_p + bound_q
            if bound > VISIT_ALL_ABOVE:
                for b in range(begin, begin + size):
                    state, u = uniform(state)
                    state, other = uniform(state)
                    z = drive_in[b] + drive_out[a] - correlation * _quantile(u)
                    if _below_cdf(u, drive_in[a] + drive_out[b]):
                        edges[used] = _packed(label[a], label[b])
                        used += 1
                    if _exceeds(other, z, spread):
                        edges[used] = _packed(label[b], label[a])
                        used += 1
                continue
            rate = -math.log1p(-bound)
            per_rate = 1 / rate
            while wait < rate * size:
                step = min(int(wait * per_rate), size - 1)
                b = begin + step
                state, u = uniform(state)
                u *= bound
                p_drive = drive_in[a] + drive_out[b]
                q_drive = drive_in[b] + drive_out[a]
                if u < bound_p:
                    if _below_cdf(u, p_drive):
                        edges[used] = _packed(label[a], label[b])
                        used += 1
                        state, other = uniform(state)
                        if _exceeds(other, q_drive - correlation * _quantile(u), spread):
                            edges[used] = _packed(label[b], label[a])
                            used += 1
                elif _below_cdf(u - bound_p, q_drive):
                    state, other = uniform(state)
                    z = p_drive - correlation * _quantile(u - bound_p)
                    if not _exceeds(other, z, spread):
                        edges[used] = _packed(label[b], label[a])
                        used += 1
                state, u = uniform(state)
                wait = (step + 1) * rate - math.log(u)
            wait -= rate * size
    return edges[:used]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _exceeds(u, mean, spread):
    """Whether a normal variable with this mean and spread, drawn through u, is positive."""
    if spread == 0:
        return mean > 0
    return _below_cdf(u, mean / spread)


__all__ = ["sample_rows"]
