import math

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from small_networks import random_network

from neuropil.meanfield.tree_distances import (
    distinguishing_functions,
    largest_difference,
    negative_sobolev_of_samples,
    tensorised_negative_sobolev,
)
from neuropil.meanfield.tree_observables import tree_observables
from neuropil.meanfield.trees import all_trees

RNG = np.random.default_rng(7)
places = st.lists(st.floats(-50, 50), min_size=1, max_size=12).map(np.array)


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(0.1, 10))
def test_two_points_are_as_far_apart_as_the_green_kernel_says(x, y, length):
    found = negative_sobolev_of_samples(np.array([x]), np.array([y]), length=length)
    expected = math.sqrt(-math.expm1(-abs(x - y) / length) / length)
    assert np.isclose(found, expected, rtol=1e-10, atol=1e-12)


@given(places, places, st.floats(0.3, 5))
def test_sorted_sums_are_the_sums_over_all_pairs(first, second, length):
    both = np.concatenate([first, second])
    mass = np.concatenate(
        [np.full(first.size, 1 / first.size), np.full(second.size, -1 / second.size)]
    )
    green = np.exp(-np.abs(both[:, None] - both[None, :]) / length) / (2 * length)
    found = negative_sobolev_of_samples(first, second, length=length)
    assert np.isclose(found**2, mass @ green @ mass, rtol=1e-9, atol=1e-12)


def gaussian_overlap(mean, variance):
    """The Green kernel of length 1 averaged over a normal difference of two potentials."""
    deviation = math.sqrt(variance)
    upper = math.exp(variance / 2 - mean) * scipy.stats.norm.cdf(mean / deviation - deviation)
    lower = math.exp(variance / 2 + mean) * scipy.stats.norm.cdf(-mean / deviation - deviation)
    return (upper + lower) / 2


EDGES = np.linspace(-9, 10, 1201)


def on_bins(mean, deviation):
    return np.diff(scipy.stats.norm.cdf(EDGES, mean, deviation)) / np.diff(EDGES)


def test_gaussians_are_as_far_apart_as_their_closed_form():
    expected = math.sqrt(
        gaussian_overlap(0, 2.0) + gaussian_overlap(0, 0.72) - 2 * gaussian_overlap(0.8, 1.36)
    )
    found = tensorised_negative_sobolev(on_bins(0.0, 1.0), on_bins(0.8, 0.6), EDGES)
    assert np.isclose(found, expected, rtol=1e-4)
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    masses = {
        "first_masses": on_bins(0.0, 1.0) * np.diff(EDGES),
        "second_masses": on_bins(0.8, 0.6) * np.diff(EDGES),
    }
    by_points = negative_sobolev_of_samples(centres, centres, **masses)
    assert np.isclose(by_points, expected, rtol=1e-3)


@pytest.mark.parametrize("vertices", [2, 3])
def test_the_norm_of_a_product_is_the_product_of_norms(vertices):
    edges = np.array([-2.0, -1.0, 0.3, 0.5, 2.5])
    factors = RNG.normal(size=(vertices, 4))
    zero, product, expected = np.zeros(4), np.ones(()), 1.0
    for factor in factors:
        product = np.multiply.outer(product, factor)
        expected *= tensorised_negative_sobolev(factor, zero, edges, length=0.7)
    found = tensorised_negative_sobolev(product, np.zeros_like(product), edges, length=0.7)
    assert np.isclose(found, expected, rtol=1e-12)


def test_splitting_bins_changes_nothing():
    edges = np.array([0.0, 1.0, 3.0, 3.5])
    heights = RNG.normal(size=(3, 3))
    finer = np.sort(np.concatenate([edges, [0.4, 1.7, 3.2]]))
    repeated = np.repeat(np.repeat(heights, 2, axis=0), 2, axis=1)
    coarse = tensorised_negative_sobolev(heights, 0 * heights, edges)
    fine = tensorised_negative_sobolev(repeated, 0 * repeated, finer)
    assert np.isclose(coarse, fine, rtol=1e-12)


def test_samples_of_one_law_approach_it_as_said():
    """The mean square is (1 / 2 - self-overlap of the law) / N."""
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    law = {"second_masses": on_bins(0.0, 1.0) * np.diff(EDGES)}
    squares = [
        negative_sobolev_of_samples(RNG.normal(size=200), centres, **law) ** 2 for _ in range(300)
    ]
    expected = (0.5 - gaussian_overlap(0, 2.0)) / 200
    error = np.std(squares) / math.sqrt(300)
    assert abs(np.mean(squares) - expected) < 4 * error
    assert error < 0.1 * expected


def test_functions_are_bounded_and_tell_laws_apart():
    functions = distinguishing_functions(-5.0, 20.0)
    grid = jnp.linspace(-100.0, 100.0, 4001)
    values = np.array([function(grid) for function in functions])
    assert np.abs(values).max() <= 1.0
    inside = (grid >= -5) & (grid <= 20)
    # On the range they are independent, so that no difference of laws hides from all.
    assert np.linalg.matrix_rank(values[:, np.asarray(inside)], tol=1e-3) == len(functions)


def test_largest_difference_is_over_functions():
    network = random_network(RNG, 8)
    first, second = (tree_observables(network, RNG.normal(size=(8, 3))) for _ in range(2))
    found = largest_difference(first, second)
    assert found.shape == (len(all_trees()),)
    assert np.array_equal(found, np.abs(first.values - second.values).max(axis=1))
    with pytest.raises(ValueError, match="the same trees and test functions"):
        largest_difference(first, tree_observables(network, np.ones(8)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: distinguishing_functions(1.0, 1.0), "low must be below high"),
        (lambda: distinguishing_functions(0.0, 1.0, waves=0, steps=0), "some functions"),
        (
            lambda: tensorised_negative_sobolev(np.ones(2), np.ones(3), np.arange(3.0)),
            "2 bins along every axis",
        ),
        (
            lambda: tensorised_negative_sobolev(np.ones(2), np.ones(2), np.zeros(3)),
            "bin_edges must ascend",
        ),
        (
            lambda: negative_sobolev_of_samples(np.ones(2), np.ones(2), length=0.0),
            "length must be positive and finite, got 0.0",
        ),
        (lambda: negative_sobolev_of_samples(np.ones(2), np.zeros(0)), "second must hold finite"),
        (
            lambda: negative_sobolev_of_samples(
                np.ones(2), np.ones(1), first_masses=np.full(2, np.nan)
            ),
            "first_masses must hold one finite number",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
