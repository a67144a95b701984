"""Algorithms of bandits against theory, against each other, and against plain loops."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.bandits.algorithms import (
    ContextualAgent,
    DiscountedUpperConfidenceBound,
    SlidingWindowUpperConfidenceBound,
    ThompsonSampling,
    UpperConfidenceBound,
)
from neuropil.learning.bandits.means import FlipFlopMeans
from neuropil.learning.bandits.regret import trial_regret
from neuropil.learning.bandits.tasks import BernoulliBandit, stationary_bandit

KEY = jax.random.key(11)
STATIONARY = stationary_bandit([0.4, 0.8, 0.1])
SWITCHING = BernoulliBandit(FlipFlopMeans(np.array([[0.1, 0.9], [0.8, 0.2]]), 500))


@eqx.filter_jit
def simulated(agent, task, key, trials):
    """Arms, rewards, regrets and the last state of one run."""

    def trial_of(state, number):
        own = jax.random.fold_in(key, number)
        context = task.context_signal(number, jax.random.fold_in(own, 0))
        arm, policy, state = agent.act(
            state, context, task.label(number), jax.random.fold_in(own, 1)
        )
        reward = task.reward(number, arm, jax.random.fold_in(own, 2))
        regret = trial_regret(task.mean_rewards(number), arm)
        return agent.learn(state, arm, reward), (arm, reward, regret, policy)

    state = agent.start(arms=task.arms, channels=task.channels, key=key)
    return jax.lax.scan(trial_of, state, jnp.arange(trials))


def many(agent, task, trials, seeds=40):
    return eqx.filter_vmap(lambda key: simulated(agent, task, key, trials))(
        jax.random.split(KEY, seeds)
    )


AGENTS = {
    "ucb": UpperConfidenceBound(),
    "discounted": DiscountedUpperConfidenceBound(0.99),
    "window": SlidingWindowUpperConfidenceBound(50),
    "thompson": ThompsonSampling(),
    "contextual": ContextualAgent(UpperConfidenceBound(), 2),
}


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_keeps_the_form_of_its_state_and_its_policy_is_what_it_does(name):
    agent = AGENTS[name]
    start = agent.start(arms=2, channels=1, key=KEY)
    state, (arms, _, _, policy) = simulated(agent, SWITCHING, KEY, 30)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), start) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), state
    )
    np.testing.assert_array_equal(policy, np.eye(2)[np.asarray(arms)])


def test_regret_of_ucb_stays_below_its_bound():
    # Auer et al., theorem 1: 8 sum log(n)/gap + (1 + pi^2/3) sum gap, for every horizon.
    _, (_, _, regret, _) = many(UpperConfidenceBound(), STATIONARY, 4000)
    gaps = np.array([0.4, 0.7])
    total = np.cumsum(regret, axis=1).mean(axis=0)
    horizon = np.arange(1, 4001)
    bound = 8 * np.log(horizon) * np.sum(1 / gaps) + (1 + np.pi**2 / 3) * gaps.sum()
    assert np.all(total <= bound)
    # Logarithmic: a factor of ten in time adds the same again and again, up to sampling.
    grown = total[3999] - total[399], total[399] - total[39]
    assert grown[0] < 1.6 * grown[1]


@pytest.mark.slow
def test_regret_of_thompson_sampling_is_below_that_of_ucb():
    ucb, thompson = (
        np.asarray(many(agent, STATIONARY, 2000)[1][2]).sum(axis=1)
        for agent in (UpperConfidenceBound(), ThompsonSampling())
    )
    assert np.median(thompson) < 0.7 * np.median(ucb)


def counted(arms, rewards, n_arms):
    chosen = np.array([(arms == arm).sum() for arm in range(n_arms)])
    earned = np.array([rewards[arms == arm].sum() for arm in range(n_arms)])
    return chosen, earned


def test_the_posterior_of_thompson_sampling_counts_what_was_earned():
    agent = ThompsonSampling(2.0, 3.0)
    state, (arms, rewards, _, _) = simulated(agent, STATIONARY, KEY, 300)
    chosen, earned = counted(np.asarray(arms), np.asarray(rewards), 3)
    first, second = agent.posterior(state)
    np.testing.assert_array_equal(first, 2 + earned)
    np.testing.assert_array_equal(second, 3 + chosen - earned)


def test_thompson_chooses_as_often_as_its_posterior_says():
    # P(Beta(1, 1) > Beta(3, 1)) = 1/4.
    agent = ThompsonSampling()
    state = agent.start(arms=2, channels=1, key=KEY)
    for _ in range(2):
        state = agent.learn(state, jnp.asarray(1), jnp.asarray(1.0))
    act = jax.vmap(lambda key: agent.act(state, jnp.zeros(1), jnp.asarray(0), key)[0])
    share = 1 - float(act(jax.random.split(KEY, 20_000)).mean())
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / 20_000) ** 0.5


@pytest.mark.parametrize(
    "agent",
    [
        DiscountedUpperConfidenceBound(1.0, 2.0),
        SlidingWindowUpperConfidenceBound(600, 2.0),
        SlidingWindowUpperConfidenceBound(1500, 2.0, capacity=2000),
    ],
    ids=["no discount", "window of the whole run", "wider window"],
)
def test_what_forgets_nothing_is_ucb(agent):
    plain = simulated(UpperConfidenceBound(2.0), SWITCHING, KEY, 600)[1]
    for found, expected in zip(simulated(agent, SWITCHING, KEY, 600)[1], plain, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("window", "capacity"), [(37, None), (37, 64), (1, None)])
def test_a_window_holds_the_last_trials(window, capacity):
    agent = SlidingWindowUpperConfidenceBound(window, capacity=capacity)
    state, (arms, rewards, _, _) = simulated(agent, SWITCHING, KEY, 300)
    chosen, earned = counted(np.asarray(arms)[-window:], np.asarray(rewards)[-window:], 2)
    np.testing.assert_array_equal(state.counts.chosen, chosen)
    np.testing.assert_array_equal(state.counts.earned, earned)


def test_discounted_counts_are_geometric_sums():
    agent = DiscountedUpperConfidenceBound(0.9)
    state, (arms, rewards, _, _) = simulated(agent, SWITCHING, KEY, 200)
    weight = 0.9 ** np.arange(199, -1, -1.0)[:, None] * np.eye(2)[np.asarray(arms)]
    np.testing.assert_allclose(state.chosen, weight.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(state.earned, (weight * np.asarray(rewards)[:, None]).sum(axis=0))


@pytest.mark.slow
def test_forgetting_helps_where_the_arms_change():
    agents = UpperConfidenceBound(), SlidingWindowUpperConfidenceBound(100)
    total = [np.asarray(many(agent, SWITCHING, 3000)[1][2]).sum(axis=1) for agent in agents]
    assert np.median(total[1]) < 0.85 * np.median(total[0])


def test_a_copy_for_each_context_is_so_many_runs_of_their_own():
    agent = ContextualAgent(ThompsonSampling(), 2)
    state, (arms, rewards, _, _) = simulated(agent, SWITCHING, KEY, 2000)
    label = np.arange(2000) // 500 % 2
    for context in (0, 1):
        mine = label == context
        chosen, earned = counted(np.asarray(arms)[mine], np.asarray(rewards)[mine], 2)
        np.testing.assert_array_equal(state.chosen[context], chosen)
        np.testing.assert_array_equal(state.earned[context], earned)


def test_knowing_the_context_makes_the_regret_stationary():
    agent = ContextualAgent(UpperConfidenceBound(), 2)
    regret = np.asarray(many(agent, SWITCHING, 6000)[1][2])
    first, last = regret[:, :1000].sum(axis=1), regret[:, -1000:].sum(axis=1)
    assert np.median(last) < 0.25 * np.median(first)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UpperConfidenceBound(-1.0), r"exploration must .* \[0, inf\], got -1.0"),
        (lambda: DiscountedUpperConfidenceBound(1.1), r"discount must .* got 1.1"),
        (lambda: DiscountedUpperConfidenceBound(0.0), r"discount must .* got 0.0"),
        (lambda: SlidingWindowUpperConfidenceBound(0), "window_length must .* got 0"),
        (
            lambda: SlidingWindowUpperConfidenceBound(9, capacity=8),
            r"window_length must .* 8\], got 9",
        ),
        (lambda: ThompsonSampling(0.0), "prior_rewards must .* got 0.0"),
        (lambda: ContextualAgent(UpperConfidenceBound(), 0), "contexts must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
