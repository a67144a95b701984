import jax
import numba
import numpy as np
import scipy.stats

from neuropil.connectivity.random_streams import stream_seed, stream_start, uniform


@numba.njit
def draw(seed, nodes, count):
    values = np.empty((nodes, count))
    for node in range(nodes):
        state = stream_start(seed, node)
        for k in range(count):
            state, values[node, k] = uniform(state)
    return values


VALUES = draw(stream_seed(jax.random.key(3)), 500, 400)


def test_numbers_are_uniform():
    assert 0 < VALUES.min() < VALUES.max() < 1
    assert scipy.stats.kstest(VALUES.ravel(), "uniform").pvalue > 1e-3


def test_numbers_of_one_stream_and_of_neighbours_are_independent():
    centred = (VALUES - 0.5) * np.sqrt(12)
    pairs = {
        "next number": centred[:, 1:] * centred[:, :-1],
        "next but one": centred[:, 2:] * centred[:, :-2],
        "next node": centred[1:] * centred[:-1],
        "first numbers": centred[1:, 0] * centred[:-1, 0],
    }
    for name, products in pairs.items():
        assert abs(products.mean()) < 4.5 / np.sqrt(products.size), name


def test_low_bits_are_random_too():
    bits = (VALUES * 2**52).astype(np.int64) & 7
    counts = np.bincount(bits.ravel(), minlength=8)
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_keys_and_their_descendants_have_different_seeds():
    keys = [jax.random.key(seed) for seed in range(60)]
    keys += list(jax.random.split(jax.random.key(0), 60))
    keys += [jax.random.fold_in(jax.random.key(1), k) for k in range(60)]
    assert len({int(stream_seed(key)) for key in keys}) == len(keys)


def test_seed_of_a_long_key_depends_on_all_its_words():
    keys = [jax.random.key(seed, impl="rbg") for seed in range(50)]
    assert len({int(stream_seed(key)) for key in keys}) == 50
