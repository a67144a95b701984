"""The Gymnasium environment: Gymnasium's own checks, and the same task as in JAX."""

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env

from neuropil.learning.bandits.context_signals import ContextSignal, one_hot_code
from neuropil.learning.bandits.environment import BanditEnvironment
from neuropil.learning.bandits.means import FlipFlopMeans
from neuropil.learning.bandits.tasks import BernoulliBandit

TASK = BernoulliBandit(
    FlipFlopMeans(np.array([[0.0, 1.0], [1.0, 0.0]]), 4), ContextSignal(one_hot_code(2))
)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_gymnasium_accepts_it():
    check_env(BanditEnvironment(TASK, trials=20), skip_render_check=True)


def test_an_episode():
    environment = BanditEnvironment(TASK, trials=10)
    observation, info = environment.reset(seed=1)
    for trial in range(10):
        context = trial // 4 % 2
        np.testing.assert_array_equal(observation, np.eye(2)[context])
        assert info["label"] == context
        np.testing.assert_array_equal(info["mean_rewards"], [context, 1 - context])
        observation, reward, terminated, truncated, info = environment.step(trial % 2)
        # The means are 0 and 1, so that nothing is left to chance.
        pays = float(context != trial % 2)
        assert (reward, info["regret"]) == (pays, 1 - pays)
        assert not terminated
        assert truncated == (trial == 9)
    with pytest.raises(ValueError, match="episode of 10 trials is over"):
        environment.step(0)


def test_the_seed_decides_all():
    noisy = BernoulliBandit(
        FlipFlopMeans(np.full((2, 2), 0.5), 3), ContextSignal(one_hot_code(2), noise=1.0)
    )

    def episode(seed):
        environment = BanditEnvironment(noisy, trials=30)
        first, _ = environment.reset(seed=seed)
        steps = [environment.step(0) for _ in range(30)]
        return np.array([first, *(step[0] for step in steps)]), [step[1] for step in steps]

    (seen, paid), (again, same), (other, _) = episode(5), episode(5), episode(6)
    np.testing.assert_array_equal(seen, again)
    assert paid == same
    assert not np.array_equal(seen, other)


def test_what_is_refused():
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        BanditEnvironment(TASK, trials=0)
    environment = BanditEnvironment(TASK)
    with pytest.raises(ValueError, match="call reset first"):
        environment.step(0)
    environment.reset(seed=0)
    with pytest.raises(ValueError, match="action must be from 0 to 1, got 2"):
        environment.step(2)
