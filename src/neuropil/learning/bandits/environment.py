"""Bandits as environments of Gymnasium, for agents that are not written in JAX."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.learning.bandits.tasks import BernoulliBandit

try:
    import gymnasium
    from gymnasium import spaces
except ImportError as error:
    raise ImportError("environments need gymnasium; pip install 'neuropil[gymnasium]'") from error

Observation = Float[np.ndarray, " channels"]
Arm = int | np.integer
_LARGEST_SEED = 2**31


class BanditEnvironment(gymnasium.Env[Observation, Arm]):
    """One `BernoulliBandit` as a Gymnasium environment; an action is the number of an arm.

    An observation is the signal of the context in the trial that comes next. An episode is cut
    off (`truncated`) after `trials` trials; the task never ends by itself. `info` holds the
    `label` of the context and the `mean_rewards` of the trial that comes next and, after a step,
    the `regret` of the trial that was, computed from the means. Raises `ValueError` for less than
    one trial, and when a step is taken before a reset or after the last trial.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own attribute

    def __init__(self, task: BernoulliBandit, *, trials: int = 10_000):
        if trials < 1:
            raise ValueError(f"trials must be at least 1, got {trials}")
        self.task = task
        self.trials = trials
        self.action_space = spaces.Discrete(task.arms)
        self.observation_space = spaces.Box(-np.inf, np.inf, (task.channels,), np.float64)
        self._trial = trials
        self._key = jax.random.key(0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Back to the first trial; all that is random follows from Gymnasium's own generator."""
        super().reset(seed=seed, options=options)
        self._key = jax.random.key(int(self.np_random.integers(_LARGEST_SEED)))
        self._trial = 0
        return self._observed()

    def step(self, action: Arm) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Choose an arm."""
        if self._trial >= self.trials:
            raise ValueError(f"the episode of {self.trials} trials is over: call reset first")
        arm = int(action)
        if not 0 <= arm < self.task.arms:
            raise ValueError(f"action must be from 0 to {self.task.arms - 1}, got {arm}")
        reward, means = _paid(self.task, jnp.asarray(self._trial), jnp.asarray(arm), self._key)
        self._trial += 1
        observation, info = self._observed()
        info["regret"] = float(jnp.max(means) - means[arm])
        return observation, float(reward), False, self._trial >= self.trials, info

    def _observed(self) -> tuple[Observation, dict[str, Any]]:
        signal, label, means = _shown(self.task, jnp.asarray(self._trial), self._key)
        return np.asarray(signal), {"label": int(label), "mean_rewards": np.asarray(means)}


@eqx.filter_jit
def _paid(task: BernoulliBandit, trial, arm, key):
    own = jax.random.fold_in(jax.random.fold_in(key, 0), trial)
    return task.reward(trial, arm, own), task.mean_rewards(trial)


@eqx.filter_jit
def _shown(task: BernoulliBandit, trial, key):
    own = jax.random.fold_in(jax.random.fold_in(key, 1), trial)
    return task.context_signal(trial, own), task.label(trial), task.mean_rewards(trial)


__all__ = ["BanditEnvironment"]
