"""Means, contexts, signals and regret of bandits, against what their equations say."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.learning.bandits.context_signals import (
    ContextSignal,
    constant_code,
    one_hot_code,
    scalar_code,
)
from neuropil.learning.bandits.means import (
    FlipFlopMeans,
    PeriodicMeans,
    SequentialContexts,
    SquareWaveMeans,
    StationaryMeans,
)
from neuropil.learning.bandits.regret import (
    converging_trial,
    escalation,
    median_interval,
    regret_by_visit,
    trial_regret,
)
from neuropil.learning.bandits.tasks import BernoulliBandit, flip_flop_bandit, stationary_bandit

KEY = jax.random.key(3)
TRIALS = jnp.arange(400)
ROWS = np.array([[0.1, 0.9, 0.3], [0.9, 0.2, 0.3]])


def along(function, trials=TRIALS):
    return np.asarray(jax.vmap(function)(trials))


def test_contexts_follow_each_other_and_come_back():
    means = FlipFlopMeans(ROWS, 7)
    labels = along(means.label)
    np.testing.assert_array_equal(labels, np.arange(400) // 7 % 2)
    np.testing.assert_array_equal(along(means.at), ROWS[labels])


def test_visits_come_in_the_order_that_is_asked_for():
    order = [1, 0, 0, 1, 0]
    means = SequentialContexts(ROWS, order, 10)
    expected = np.append(np.repeat(order, 10), np.full(350, 0))
    np.testing.assert_array_equal(along(means.label), expected)
    np.testing.assert_array_equal(along(means.at), ROWS[expected])


def test_smooth_means_are_those_of_equation_9():
    peaks, period, sharpness = np.array([0.7, 0.4, 0.9]), 90.0, 6.0
    found = along(PeriodicMeans(peaks, period, sharpness).at)
    phase = 2 * np.pi * (np.arange(400)[:, None] / period + np.arange(1, 4)[None] / 3)
    np.testing.assert_allclose(found, peaks / (1 + np.exp(-sharpness * np.sin(phase))), rtol=1e-9)
    np.testing.assert_allclose(found[90:180], found[:90], rtol=1e-9)


def test_the_best_arm_of_periodic_means_is_the_context():
    means = PeriodicMeans([0.8, 0.8, 0.8], 100.0)
    labels = along(means.label)
    np.testing.assert_array_equal(labels, along(means.at).argmax(axis=1))
    assert set(labels) == {0, 1, 2}


def test_square_waves_are_the_limit_of_smooth_ones():
    peaks = [0.92, 0.5, 0.7]
    # Away from the jumps, and with the pay of an arm that is down taken out of both.
    between = TRIALS[TRIALS % 97 != 0]
    square = along(SquareWaveMeans(peaks, 97.0).at, between)
    smooth = along(PeriodicMeans(peaks, 97.0, 1e5).at, between)
    np.testing.assert_allclose((square - np.array(peaks) / 21) * 21 / 20, smooth, atol=1e-9)
    assert square.min() == pytest.approx(0.5 * 0.1 / 2.1)


def test_late_trials_are_as_exact_as_early_ones():
    means = SquareWaveMeans([0.9, 0.8], 10.0)
    late = jnp.asarray(10**12 + 3)
    np.testing.assert_array_equal(means.at(late), means.at(jnp.asarray(3)))


def test_the_documents_flip_flop():
    task = flip_flop_bandit()
    first, second = (task.mean_rewards(jnp.asarray(t)) for t in (4999, 5000))
    np.testing.assert_array_equal(first, [0.4, 0.92, 0.1])
    np.testing.assert_array_equal(second, [0.4, 0.042, 0.1])
    assert (task.arms, task.contexts, task.channels) == (3, 2, 1)


def test_rewards_are_ones_as_often_as_the_means_say():
    task = stationary_bandit([0.2, 0.75])
    keys = jax.random.split(KEY, 20_000)
    drawn = jax.vmap(lambda key: task.reward(jnp.asarray(0), jnp.asarray(1), key))(keys)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert abs(drawn.mean() - 0.75) < 4 * (0.75 * 0.25 / 20_000) ** 0.5


def test_codes():
    np.testing.assert_array_equal(scalar_code(2), [[-1.0], [1.0]])
    np.testing.assert_array_equal(scalar_code(3), [[-1.0], [0.0], [1.0]])
    np.testing.assert_array_equal(scalar_code(1), [[1.0]])
    np.testing.assert_array_equal(one_hot_code(3), np.eye(3))
    assert np.ptp(constant_code(4)) == 0


def signals(signal, means, trials=TRIALS):
    keys = jax.random.split(KEY, len(trials))
    return np.asarray(jax.vmap(lambda t, key: signal.at(means, t, key))(trials, keys))


MEANS = FlipFlopMeans(ROWS, 50)
LABELS = np.arange(400) // 50 % 2


def test_a_clean_signal_is_the_code():
    found = signals(ContextSignal(one_hot_code(2), amplitude=3.0), MEANS)
    np.testing.assert_array_equal(found, 3.0 * np.eye(2)[LABELS])


@given(delay=st.integers(0, 300))
def test_a_late_signal_is_the_clean_one_of_before(delay):
    clean = ContextSignal(scalar_code(2))
    late = eqx.tree_at(lambda s: s.delay, clean, jnp.asarray(delay))
    before, now = signals(clean, MEANS), signals(late, MEANS)
    np.testing.assert_array_equal(now[delay:], before[: 400 - delay])
    assert np.all(now[:delay] == -1)


def test_noise_has_its_size():
    trials = jnp.arange(20_000)
    found = signals(ContextSignal(np.zeros((2, 2)), noise=0.5), MEANS, trials)
    assert abs(found.std() - 0.5) < 4 * 0.5 / (2 * 40_000) ** 0.5
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / 20_000**0.5


@pytest.mark.parametrize(("share", "stretch"), [(0.0, 1), (0.3, 1), (0.5, 20), (1.0, 3)])
def test_the_share_that_is_withheld(share, stretch):
    signal = ContextSignal(constant_code(2), withheld=share, stretch=stretch)
    trials = jnp.arange(2000 * stretch)
    shows = signals(signal, MEANS, trials)[:, 0] != 0
    assert 1 - shows.mean() == pytest.approx(share, abs=0.002)
    assert np.all(shows.reshape(-1, stretch) == shows[::stretch, None])


def test_regret_is_lost_against_the_best_mean():
    task = BernoulliBandit(MEANS)
    arms = jnp.arange(400) % 3

    def one(trial, arm):
        return trial_regret(task.mean_rewards(trial), arm)

    found = np.asarray(jax.vmap(one)(TRIALS, arms))
    assert found.min() == 0
    np.testing.assert_allclose(found, 0.9 - ROWS[LABELS, np.arange(400) % 3])


def test_visits_and_escalation():
    regret = np.concatenate([np.full(40, 0.5), np.full(40, 0.25), np.full(45, 0.1)])[None]
    np.testing.assert_allclose(regret_by_visit(regret, 40), [[0.5, 0.25, 0.1]])
    np.testing.assert_allclose(escalation(regret, 40), [0.2])
    assert np.isnan(escalation(np.zeros((1, 10)), 5))[0]
    with pytest.raises(ValueError, match=r"duration must .* the 125 trials .* got 126"):
        regret_by_visit(regret, 126)
    with pytest.raises(ValueError, match="cycle must be from 1 to half of the 125 trials, got 63"):
        escalation(regret, 63)


def test_convergence_is_after_the_last_bad_window():
    regret = np.zeros((3, 1000))
    regret[0, :300] = 0.5
    regret[1, :] = 0.5
    found = converging_trial(regret, window=100, below=0.01)
    # Windows of 100 that lose 1 in all still hold two of the bad trials.
    np.testing.assert_array_equal(found, [298, np.inf, 0])


@pytest.mark.parametrize("seeds", [7, 10, 25])
def test_the_interval_covers_the_median_as_often_as_promised(seeds):
    drawn = np.random.default_rng(0).exponential(size=(seeds, 20_000))
    found = median_interval(drawn)
    covers = (found.lower <= np.log(2)) & (np.log(2) <= found.upper)
    assert covers.mean() > 0.95 - 0.005
    narrower = np.sort(drawn, axis=0)[1:-1]
    narrow = median_interval(narrower)
    np.testing.assert_array_equal(found.median, np.median(drawn, axis=0))
    assert np.all(narrow.lower >= found.lower)


def test_few_seeds_have_their_range_as_interval():
    found = median_interval(np.array([3.0, 1.0, 2.0]))
    assert (float(found.median), float(found.lower), float(found.upper)) == (2, 1, 3)
    assert median_interval(np.array([4.0])).upper == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StationaryMeans([0.5, 1.2]), r"means must lie in \[0, 1\], got 1.2"),
        (lambda: StationaryMeans([0.5, np.nan]), r"means must lie in \[0, 1\], got nan"),
        (lambda: StationaryMeans([0.5]), r"two arms or more, got shape \(1,\)"),
        (lambda: FlipFlopMeans(ROWS, 0), "duration must be one trial or more, got 0"),
        (lambda: FlipFlopMeans(ROWS[:1], 5), r"two contexts or more.*got shape \(1, 3\)"),
        (lambda: FlipFlopMeans(-ROWS, 5), r"means must lie in \[0, 1\], got -0.1"),
        (lambda: PeriodicMeans([0.5, 0.5], 0.0), "period must be one trial or more, got 0.0"),
        (lambda: PeriodicMeans([0.5, 0.5], sharpness=0.0), "sharpness must be positive"),
        (lambda: SquareWaveMeans([0.5, 0.5], 0), "period must be one trial or more, got 0.0"),
        (lambda: SequentialContexts(ROWS, [0, 2], 5), r"contexts from 0 to 1, got \[0, 2\]"),
        (lambda: SequentialContexts(ROWS, np.zeros(0, int), 5), "order must be a list of one"),
        (lambda: ContextSignal(np.ones((2, 0))), r"code must have a row.*got shape \(2, 0\)"),
        (lambda: ContextSignal(scalar_code(2), noise=-1.0), r"noise must .* \[0, inf\], got -1.0"),
        (lambda: ContextSignal(scalar_code(2), withheld=1.5), r"withheld must .* got 1.5"),
        (lambda: ContextSignal(scalar_code(2), delay=-1), "delay must .* got -1"),
        (lambda: ContextSignal(scalar_code(2), stretch=0), "stretch must .* got 0"),
        (lambda: ContextSignal(np.full((2, 1), np.inf)), "code must be finite"),
        (lambda: BernoulliBandit(MEANS, ContextSignal(scalar_code(3))), "each of 2 contexts"),
        (lambda: flip_flop_bandit(arm=3), "arm must be a number from 0 to 2, got 3"),
        (lambda: one_hot_code(0), "contexts must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_many_tasks_are_compiled_as_one():
    tasks = eqx.filter_vmap(lambda means: stationary_bandit(means))(jnp.asarray(ROWS))
    found = eqx.filter_vmap(lambda task: task.mean_rewards(jnp.asarray(5)))(tasks)
    np.testing.assert_array_equal(found, ROWS)
