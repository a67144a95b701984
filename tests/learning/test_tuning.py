"""A stated search: what it tries, what it chooses, and that it is judged on other runs."""

import jax
import numpy as np
import pytest

from neuropil.learning.bandits.algorithms import SlidingWindowUpperConfidenceBound
from neuropil.learning.bandits.means import FlipFlopMeans
from neuropil.learning.bandits.run import play
from neuropil.learning.bandits.tasks import BernoulliBandit
from neuropil.learning.bandits.tuning import tuned

KEY = jax.random.key(2)
TASK = BernoulliBandit(FlipFlopMeans(np.array([[0.05, 0.95], [0.95, 0.05]]), 300))
GRID = {"window_length": [3, 60, 2000], "exploration": [0.1, 1.0]}


def windowed(window_length, exploration):
    return SlidingWindowUpperConfidenceBound(window_length, exploration, capacity=2000)


@pytest.fixture(scope="module")
def search():
    return tuned(windowed, GRID, TASK, trials=2000, seeds=6, fresh_seeds=4, key=KEY)


@pytest.mark.slow
def test_every_combination_is_tried(search):
    expected = [(w, e) for w in GRID["window_length"] for e in GRID["exploration"]]
    assert search.names == ("window_length", "exploration")
    np.testing.assert_array_equal(search.settings, expected)
    assert search.final_regret.shape == (6, 6)


def test_the_best_median_wins_and_forgetting_all_but_three_trials_does_not(search):
    winner = np.median(search.final_regret, axis=1).argmin()
    assert tuple(search.best.values()) == tuple(search.settings[winner])
    assert search.best["window_length"] > 3
    assert int(search.agent.window_length) == search.best["window_length"]
    is_outer = search.best["window_length"] != 60
    assert search.is_at_edge == {"window_length": is_outer, "exploration": True}


def test_side_by_side_is_as_one_by_one(search):
    alone = play(
        windowed(60, 1.0), TASK, trials=2000, seeds=6, key=jax.random.fold_in(KEY, 0)
    ).regret.sum(axis=-1)
    np.testing.assert_allclose(search.final_regret[3], alone, rtol=1e-6)


def test_the_choice_is_judged_on_runs_that_it_has_not_seen(search):
    assert search.fresh.regret.shape == (4, 2000)
    fresh = search.fresh.regret.sum(axis=-1)
    seen = search.final_regret.ravel()
    assert not np.isin(np.round(fresh, 3), np.round(seen, 3)).all()


def test_an_empty_grid_is_refused():
    for grid in ({}, {"window_length": []}):
        with pytest.raises(ValueError, match="grid must give at least one value"):
            tuned(windowed, grid, TASK, trials=10, seeds=1, fresh_seeds=1, key=KEY)
