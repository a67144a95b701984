"""The study peterson-2021 at toy size: what its shards compute and when its claims fail."""

import copy

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neuropil.learning.astrocyte.biology import UNDISTURBED
from neuropil.studies import Verdict
from neuropil.studies.peterson_2021 import STUDY
from neuropil.studies.peterson_2021.circuits import CONDITIONS, Stimuli, recorded
from neuropil.studies.peterson_2021.claims import disturbances, integration, learning, theory
from neuropil.studies.peterson_2021.claims.cross_mapping import share
from neuropil.studies.peterson_2021.claims.intervals import median_difference
from neuropil.studies.peterson_2021.classifiers import run_projection
from neuropil.studies.peterson_2021.complexity import run_complexity
from neuropil.studies.peterson_2021.disturbances import disturbed_networks
from neuropil.studies.peterson_2021.networks import image_networks

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def small():
    configuration = copy.deepcopy(STUDY.configuration("quick"))
    configuration["seeds"] = 3
    configuration["images"] |= {"epochs": 20, "most": 640}
    return configuration


def test_both_scales_ask_the_same_questions():
    quick, paper = (STUDY.configuration(scale) for scale in ("quick", "paper"))
    assert quick.keys() == paper.keys()
    assert paper["images"]["names"] == ["mnist", "fashion-mnist"]
    assert paper["seeds"] == 20
    for configuration in (quick, paper):
        names = [shard.name for shard in STUDY.shards(configuration)]
        assert len(set(names)) == len(names)
        assert set(STUDY.headlines(configuration)) <= set(names)


def test_controls_match_what_they_control():
    makers = image_networks("g d g d g d g d g d", 20, 10)
    made = {kind: eqx.filter_eval_shape(make, KEY) for kind, make in makers.items()}
    own = made["recommended"]
    widths = [cells[0] for cells in own.widths]
    assert [weight.shape[0] for weight in made["equal_depth"].weights] == widths[1:]
    assert [weight.shape for weight in made["scattered"].weights] == [(w, 3) for w in widths[1:]]
    close = made["equal_parameters"].n_parameters / own.n_parameters
    assert 0.95 < close < 1.05
    # Table 2: 20 - 20 - 10.
    assert made["neurons"].n_parameters == 20 * 20 + 20 + 20 * 10 + 10
    for make in makers.values():
        answer = eqx.filter_eval_shape(lambda key, make=make: make(key)(jnp.ones(20)), KEY)
        assert answer.shape == (10,)


@pytest.mark.slow
def test_digits_are_learned(small):
    longer = small | {"images": small["images"] | {"epochs": 60}}
    data = run_projection(longer, KEY, images="small-digits", kinds=("recommended", "neurons"))
    for kind in data.kind.values:
        assert np.all(learning.final(data, str(kind)) > 3 * float(data.chance))
        assert not learning.stuck(data, str(kind)).any()


def fake(**final) -> xr.Dataset:
    """Curves that jump from chance to the given final accuracies at an epoch of their own."""
    kinds = list(final)
    seeds, epochs = 12, 30
    rng = np.random.default_rng(0)
    curves = np.full((len(kinds), seeds, epochs), 0.1)
    for row, (level, spread, begin) in enumerate(final.values()):
        at = np.clip(level + spread * rng.normal(size=seeds), 0, 1)
        curves[row, :, begin:] = at[:, None]
    return xr.Dataset(
        {"accuracy": (("kind", "seed", "epoch"), curves), "chance": ((), 0.1), "samples": ((), 9)},
        {"kind": kinds},
    )


@pytest.mark.parametrize(
    ("cells", "verdicts"),
    [
        ((0.85, 0.03, 20), ("reproduced", "reproduced", "reproduced")),
        ((0.60, 0.03, 20), ("not reproduced", "reproduced", "reproduced")),
        ((0.91, 0.003, 5), ("not reproduced", "not reproduced", "not reproduced")),
    ],
)
def test_claims_on_learning_can_fail(cells, verdicts):
    results = {"d-projection": fake(document=cells, neurons=(0.915, 0.005, 5))}
    found = [
        statement(results, "d", "projection", "document").verdict
        for statement in (learning.gap, learning.variance, learning.speed)
    ]
    assert tuple(map(str, found)) == verdicts


def test_epochs_are_counted_to_half_of_what_neurons_reach():
    data = fake(neurons=(0.8, 0.0, 7), slow=(0.5, 0.0, 12), never=(0.4, 0.0, 3))
    for kind, expected in (("neurons", 8.0), ("slow", 13.0), ("never", 31.0)):
        needed = learning.epochs_needed(data, kind)
        np.testing.assert_array_equal(needed, np.full(12, expected))


def test_stuck_are_those_that_one_answer_beats():
    data = fake(good=(0.3, 0.0, 7), one_answer=(0.1, 0.0, 7), wrong=(0.05, 0.0, 7))
    found = [learning.stuck(data, kind).all() for kind in ("good", "one_answer", "wrong")]
    assert found == [False, True, True]


@pytest.mark.parametrize("form", ["document", "published_code"])
def test_disturbed_networks_differ_in_the_disturbance_alone(small, form):
    def first_step(**levels):
        return disturbed_networks(form, small["images"], levels, 2, KEY).steps[0]

    still, noisy, failing = first_step(), first_step(noise=0.5), first_step(loss=0.1, leak=0.2)
    assert still.biology == UNDISTURBED
    np.testing.assert_array_equal(noisy.biology.signal_noise.deviation, [0.5, 0.5])
    assert noisy.biology.leak is None
    lost = "signal_loss" if form == "published_code" else "connection_loss"
    np.testing.assert_array_equal(getattr(failing.biology, lost).probability, [0.1, 0.1])
    np.testing.assert_array_equal(failing.biology.leak.spread, [0.2, 0.2])
    weights = "weights" if form == "published_code" else "bands"
    for other in (noisy, failing):
        np.testing.assert_array_equal(getattr(still, weights), getattr(other, weights))
    assert not np.array_equal(*getattr(still, weights))


def disturbed(**medians) -> xr.Dataset:
    levels = {"leak": [0.0, 0.2, 0.3, 0.4, 0.6], "loss": [0.0, 0.1], "noise": [0.0, 0.1]}
    given = {"loss": [0.9, 0.8], "noise": [0.9, 0.8], **medians}
    return xr.Dataset(
        {
            name: ((f"{name}_level", "seed"), np.tile(np.array(values)[:, None], (1, 4)))
            for name, values in given.items()
        }
        | {"chance": ((), 0.1)},
        {f"{name}_level": values for name, values in levels.items()},
    )


@pytest.mark.parametrize(
    ("leak", "robust", "sharp"),
    [
        ([0.9, 0.88, 0.85, 0.3, 0.2], True, True),
        ([0.9, 0.5, 0.3, 0.25, 0.2], False, False),
        ([0.9, 0.89, 0.88, 0.88, 0.87], True, False),
    ],
)
def test_a_sharp_fall_is_told_from_a_smooth_one(leak, robust, sharp):
    results = {"disturbances-document": disturbed(leak=leak)}
    found = (
        disturbances.leak_robust(results, "document"),
        disturbances.leak_sharp(results, "document"),
    )
    assert [each.verdict is Verdict.REPRODUCED for each in found] == [robust, sharp]


def test_cells_needed_are_the_fewest():
    accuracy = np.array([[0.6] * 3, [0.9] * 3, [0.95] * 3])[None]
    data = xr.Dataset(
        {"accuracy": (("kind", "cells", "seed"), accuracy), "best": ((), 0.93)},
        {"kind": ["a"], "cells": [1, 2, 4]},
    )
    assert integration.cells_needed(data, "a") == 2
    assert integration.cells_needed(data.assign(best=1.1), "a") == np.inf


def test_complexity_says_what_the_formulae_miss(small):
    data = run_complexity({"complexity": {"largest": 8, "time_per_step": 10.0}}, KEY)
    del small
    assert int(data.example_steps) == 5
    assert float(data.mixing_penalty.sel(before=3, after=3)) == 1
    assert np.isnan(data.width_penalty.sel(before=2, after=3))
    assert float(data.pairs_connected) == pytest.approx(0.9)
    results = {"complexity": data}
    assert theory.widths_differ(results).verdict is Verdict.REPRODUCED
    assert theory.parity(results).verdict is Verdict.NOT_REPRODUCED


def test_stimuli_have_the_variance_they_are_given():
    frequencies, phases = (jax.random.uniform(each, (60,)) for each in jax.random.split(KEY))
    stimuli = Stimuli(0.001 * frequencies, 2 * np.pi * phases[None], jax.numpy.asarray(1.5))
    values = jax.vmap(stimuli)(np.linspace(0, 1e6, 5000))
    assert np.std(values) == pytest.approx(1.5, rel=0.1)


@pytest.mark.slow
def test_astrocytes_apart_do_not_hear_the_neurons(small):
    settings = {
        **small["cross_mapping"]["circuit"], "sampling": 100.0, "transient": 500.0,
        "waves": 10,
    }  # fmt: skip
    keys = jax.random.split(KEY, 1)
    sharper = {**settings, "coincidence_gain": 4.0}
    changed = {
        condition: [
            np.abs(recorded(each, condition, 15, keys)[1]).sum() for each in (settings, sharper)
        ]
        for condition in ("apart", "echo")
    }
    assert changed["apart"][0] == pytest.approx(changed["apart"][1], rel=1e-3)
    assert changed["echo"][0] != pytest.approx(changed["echo"][1], rel=0.02)
    assert set(changed) < set(CONDITIONS)


def test_intervals_hold_what_they_should():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        interval = median_difference(rng.normal(1.0, 1, 20), rng.normal(0.0, 1, 20))
        held += interval.lower <= 1.0 <= interval.upper
    assert 88 <= held <= 100
    exact = share(np.array([True] * 8 + [False] * 2))
    # Clopper and Pearson's interval for 8 of 10.
    assert (exact.lower, exact.upper) == pytest.approx((0.4439, 0.9748), abs=1e-4)
