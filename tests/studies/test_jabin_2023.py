"""The study jabin-2023 at toy size: its pieces against closed forms and each other."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neuropil.connectivity import StepKernel, natural_scaling
from neuropil.meanfield import all_trees, tree_observables_limit
from neuropil.studies import Verdict
from neuropil.studies.jabin_2023 import STUDY, model
from neuropil.studies.jabin_2023.claims.convergence import fitted_rate
from neuropil.studies.jabin_2023.convergence import error_of, run_family
from neuropil.studies.jabin_2023.families import FAMILIES, family, network

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def small():
    configuration = copy.deepcopy(STUDY.configuration("quick"))
    configuration["largest_tree"] = 3
    configuration["neuron_samples"] = 100_000
    configuration["grid"] |= {"cells": 350, "step": 0.5}
    for name in FAMILIES:
        configuration["families"][name]["sizes"] = [100, 400, 1600]
    return configuration


def test_every_shard_has_a_name_of_its_own():
    names = [shard.name for shard in STUDY.shards(STUDY.configuration("quick"))]
    assert len(set(names)) == len(names)
    assert set(FAMILIES) < set(names)


def test_both_scales_ask_the_same_questions():
    quick, paper = (STUDY.configuration(scale) for scale in ("quick", "paper"))
    assert quick.keys() == paper.keys()
    assert max(paper["families"]["dense"]["sizes"]) >= 30_000


@pytest.mark.parametrize("name", FAMILIES)
def test_networks_receive_what_the_kernel_says(small, name):
    kernel = family(small, name).kernel
    measure = np.asarray(kernel.measure)
    expected = measure @ np.asarray(kernel.apply(jnp.ones(kernel.n_types)))
    found = [
        network(small, name, 1600, jax.random.fold_in(KEY, number)).weights.sum() / 1600
        for number in range(4)
    ]
    # Self-connections are left out: one part in N.
    error = np.std(found, ddof=1) / 2 + expected / 1600
    assert abs(np.mean(found) - expected) < 4 * error
    assert natural_scaling(network(small, name, 1600, KEY)).largest_weight < 5


def test_the_error_is_free_of_sampling():
    rng = np.random.default_rng(0)
    truth = np.array([0.0, 0.5])[:, None] * np.ones(3)
    differences = truth + rng.normal(size=(4000, 2, 2, 3))
    error, uncertainty = error_of(differences)
    assert abs(error[1] - 0.5) < 4 * uncertainty[1]
    assert error[0] < 0.15  # noise of size 1 is taken out; what is left is its own sampling


def test_slopes_are_fitted_where_errors_are_seen():
    sizes = np.array([10, 100, 1000, 10_000])
    errors = np.array([1.0, 0.1, 0.01, 0.5])
    rate = fitted_rate(sizes, errors, np.array([0.01, 0.001, 0.0001, 0.4]))
    assert rate.slope == pytest.approx(-1)
    assert np.isnan(fitted_rate(sizes, np.zeros(4)).slope)


@pytest.mark.slow
def test_averages_of_a_start_are_those_of_the_normal_law(small):
    kernel = StepKernel(np.zeros((1, 1)), np.ones(1))
    evolution = model.limit({**small, "duration": 0.5}, kernel)
    drawn = model.starts(small, np.full(1, small["start"]["mean"]), 200_000, KEY)
    # Half a millisecond moves the law by less than the sampling error of its functions.
    found = model.values(small, drawn).mean(axis=(0, 1))
    np.testing.assert_allclose(model.averages(small, evolution)[0], found, atol=0.06)


@pytest.fixture(scope="module")
def dense(small) -> xr.Dataset:
    return run_family(small, KEY, name="dense")


@pytest.mark.slow
def test_observables_come_closer_to_the_limit(dense):
    errors = dense.error.values / np.abs(dense.limit).max("function").values
    assert np.all(errors[-1] < 0.4 * errors[0])


def test_the_limit_is_that_of_the_kernel(small, dense):
    kernel = family(small, "dense").kernel
    averages = model.averages(small, model.limit(small, kernel))
    expected = tree_observables_limit(kernel, averages, all_trees(up_to=3)).values
    np.testing.assert_allclose(dense["limit"], expected, rtol=1e-12)


def test_a_false_limit_is_noticed(small, dense):
    # The claim must be able to fail: a kernel ten percent stronger is not the limit.
    from neuropil.studies.jabin_2023.claims.convergence import converges

    moved = dense.copy(deep=True)
    shift = 0.1 * np.abs(dense.limit).max("function")
    moved["error"] = dense.error + shift
    assert converges({"dense": dense}, "dense").verdict is Verdict.REPRODUCED
    assert converges({"dense": moved}, "dense").verdict is Verdict.NOT_REPRODUCED
