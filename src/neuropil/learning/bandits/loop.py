"""The compiled loop over trials, and the tables of all that a trial does not owe to the agent."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from neuropil.learning.bandits.agent import AbstractAgent, AgentState
from neuropil.learning.bandits.record import Recording
from neuropil.types import RandomKey


@runtime_checkable
class BanditTask(Protocol):
    """What is asked of a task; `BernoulliBandit` is one."""

    @property
    def arms(self) -> int:
        """Number of arms."""

    @property
    def channels(self) -> int:
        """Numbers in the signal of the context."""

    def mean_rewards(self, trial: Int[Array, ""]) -> Float[Array, " arms"]:
        """The mean reward of each arm."""

    def label(self, trial: Int[Array, ""]) -> Int[Array, ""]:
        """Which context rules."""

    def context_signal(self, trial: Int[Array, ""], key: RandomKey) -> Float[Array, " channels"]:
        """What the agent may see of it."""

    def reward(
        self, trial: Int[Array, ""], arm: Int[Array, ""], key: RandomKey
    ) -> Float[Array, ""]:
        """What an arm pays."""


class Axes(NamedTuple):
    """Which arrays of agent and task have one more axis in front, for settings; None: none."""

    agent: Any
    task: Any

    @property
    def has_settings(self) -> bool:
        """Whether there are several settings."""
        return self.agent is not None or self.task is not None


class Trials(NamedTuple):
    """All that trials do not owe to the agent: a table, or one row of it."""

    context: Float[Array, "... channels"]
    label: Int[Array, "..."]
    rewards: Float[Array, "... arms"]
    regrets: Float[Array, "... arms"]
    key: Key[Array, "..."]


def start_all(
    agent: AbstractAgent, task: BanditTask, axes: Axes, keys: Key[Array, " seeds"]
) -> AgentState:
    """The state of every run before the first trial.

    It is not compiled as a whole: its parts are few, and most agents of a comparison share them.
    """

    def start(agent: AbstractAgent, task: BanditTask, key: RandomKey) -> AgentState:
        require_task(task)
        # Trials take their streams by their number, below this one.
        own = jax.random.fold_in(key, jnp.uint32(0xFFFFFFFF))
        return agent.start(arms=task.arms, channels=task.channels, key=own)

    return _for_all(start, axes, (None,), keys.size)(agent, task, keys)


@eqx.filter_jit
def trials_for_all(
    task: BanditTask,
    axes: Axes,
    keys: Key[Array, " seeds"],
    first: Int[Array, ""],
    length: int,
) -> Trials:
    """What `length` trials from trial `first` on hold for every run, whoever plays.

    It is a program of its own, which all agents on tasks of one kind share.
    """

    def tables(agent: None, task: BanditTask, key: RandomKey) -> Trials:
        del agent
        return _trials(task, key, first, length)

    return _for_all(tables, Axes(None, axes.task), (None,), keys.size)(None, task, keys)


@eqx.filter_jit
def advance_all(
    agent: AbstractAgent, axes: Axes, recording: Recording, states: AgentState, trials: Trials
) -> tuple[AgentState, dict[str, Array]]:
    """Every run on through its trials, and the record of them by name."""

    def advance(
        agent: AbstractAgent, task: None, state: AgentState, trials: Trials
    ) -> tuple[AgentState, dict[str, Array]]:
        del task
        return _advance(agent, recording, state, trials)

    return _with_trials(advance, axes, trials)(agent, None, states, trials)


@eqx.filter_jit
def finite_parts(
    agent: AbstractAgent, axes: Axes, states: AgentState, trials: Trials
) -> dict[str, Array]:
    """Whether each part of each run's state is finite at the start of each trial."""

    def follow(
        agent: AbstractAgent, task: None, state: AgentState, trials: Trials
    ) -> dict[str, Array]:
        del task
        arrays, rest = eqx.partition(state, eqx.is_array)

        def one(arrays: AgentState, trial: Trials) -> tuple[AgentState, dict[str, Array]]:
            before = eqx.combine(arrays, rest)
            found = {name: _finite(p) for name, p in agent.parameter_groups(before).items()}
            after, _, _ = _play_one(agent, before, trial)
            return eqx.filter(after, eqx.is_array), found

        return jax.lax.scan(one, arrays, trials)[1]

    return _with_trials(follow, axes, trials)(agent, None, states, trials)


def _with_trials(function: Any, axes: Axes, trials: Trials) -> Any:
    """The function of agent, task, state and trials for all runs; settings share trials or not."""
    by_array = eqx.if_array(0)
    has_own = axes.task is not None
    seeds = trials.label.shape[int(has_own)]
    outer = (by_array, by_array if has_own else None)
    return _for_all(function, axes, outer, seeds)


def _for_all(function: Any, axes: Axes, outer: tuple[Any, ...], seeds: int) -> Any:
    """The function for all seeds along an axis, and for all settings along one before it.

    `outer` says which arguments after agent and task have an axis of settings, too.
    """
    by_array = eqx.if_array(0)
    seed_axes = tuple(by_array for _ in outer)
    if seeds == 1:
        # One run is not a batch of one: products of a matrix with a batch of vectors cost more.
        def for_seeds(agent: Any, task: Any, *given: Any) -> Any:
            found = function(agent, task, *_each_array(lambda leaf: leaf[0], given))
            return _each_array(lambda leaf: leaf[None], found)
    else:
        for_seeds = eqx.filter_vmap(function, in_axes=(None, None, *seed_axes))
    if not axes.has_settings:
        return for_seeds
    return eqx.filter_vmap(for_seeds, in_axes=(axes.agent, axes.task, *outer))


def require_task(task: BanditTask) -> None:
    """Raise `ValueError`, naming what it is, for a context, reward or means of the wrong shape."""
    trial = jax.ShapeDtypeStruct((), jnp.int32)
    key = jax.eval_shape(lambda: jax.random.key(0))
    found = {
        "context_signal": (jax.eval_shape(task.context_signal, trial, key), (task.channels,)),
        "mean_rewards": (jax.eval_shape(task.mean_rewards, trial), (task.arms,)),
        "reward": (jax.eval_shape(task.reward, trial, trial, key), ()),
        "label": (jax.eval_shape(task.label, trial), ()),
    }
    for name, (value, shape) in found.items():
        if value.shape != shape:
            raise ValueError(
                f"task.{name} must have shape {shape} for {task.arms} arms and {task.channels} "
                f"channels of context, got {value.shape}"
            )


def _trials(task: BanditTask, key: RandomKey, first: Int[Array, ""], length: int) -> Trials:
    """Everything that can be known before the agent acts: one compiled table, outside the loop."""

    def one(trial: Int[Array, ""]) -> Trials:
        own = jax.random.fold_in(key, trial)
        for_context, for_agent, for_reward = jax.random.split(own, 3)
        means = task.mean_rewards(trial)
        arms = jnp.arange(task.arms, dtype=jnp.int32)
        rewards = jax.vmap(lambda arm: task.reward(trial, arm, for_reward))(arms)
        return Trials(
            task.context_signal(trial, for_context),
            task.label(trial),
            rewards,
            jnp.max(means) - means,
            for_agent,
        )

    return jax.vmap(one)(first + jnp.arange(length, dtype=jnp.int32))


def _play_one(
    agent: AbstractAgent, state: AgentState, trial: Trials
) -> tuple[AgentState, dict[str, Array], tuple[AgentState, Float[Array, ""]]]:
    arm, policy, acted = agent.act(state, trial.context, trial.label, trial.key)
    reward = trial.rewards[arm]
    found = {
        "regret": trial.regrets[arm].astype(jnp.float32),
        "arms": arm.astype(jnp.int16),
        "policy": policy,
    }
    return agent.learn(acted, arm, reward), found, (acted, reward)


def _advance(
    agent: AbstractAgent, recording: Recording, state: AgentState, trials: Trials
) -> tuple[AgentState, dict[str, Array]]:
    arrays, rest = eqx.partition(state, eqx.is_array)

    def brief(arrays: AgentState, trial: Trials) -> tuple[AgentState, dict[str, Array]]:
        after, found, _ = _play_one(agent, eqx.combine(arrays, rest), trial)
        return eqx.filter(after, eqx.is_array), found

    def full(arrays: AgentState, trial: Trials) -> tuple[AgentState, dict[str, Array]]:
        after, found, (acted, reward) = _play_one(agent, eqx.combine(arrays, rest), trial)
        parts = agent.activity(acted)
        for name in recording.activity:
            if name not in parts:
                raise ValueError(
                    f"record.activity names {name!r}; the agent's activity is {tuple(parts)}"
                )
            found[f"activity/{name}"] = jnp.ravel(parts[name])
        if recording.gradient_norms:
            for name, norm in agent.gradient_norms(acted, reward).items():
                found[f"gradient_norms/{name}"] = norm
        return eqx.filter(after, eqx.is_array), found

    def block(arrays: AgentState, trials: Trials) -> tuple[AgentState, dict[str, Array]]:
        arrays, found = jax.lax.scan(brief, arrays, jax.tree.map(lambda leaf: leaf[:-1], trials))
        arrays, last = full(arrays, jax.tree.map(lambda leaf: leaf[-1], trials))
        for name in found:
            last[name] = jnp.concatenate([found[name], last[name][None]])
        return arrays, last

    length, every = trials.label.shape[0], recording.every
    whole = length // every * every
    thorough = bool(recording.activity) or recording.gradient_norms
    records: dict[str, Array] = {}
    if thorough and whole:
        blocks = jax.tree.map(
            lambda leaf: leaf[:whole].reshape(whole // every, every, *leaf.shape[1:]), trials
        )
        arrays, records = jax.lax.scan(block, arrays, blocks)
        for name in ("regret", "arms", "policy"):
            records[name] = records[name].reshape(whole, *records[name].shape[2:])
    if not thorough or whole < length:
        rest_from = whole if thorough else 0
        left = jax.tree.map(lambda leaf: leaf[rest_from:], trials)
        arrays, found = jax.lax.scan(brief, arrays, left)
        for name, values in found.items():
            records[name] = jnp.concatenate([records[name], values]) if name in records else values
    records["is_policy"] = jnp.all(jnp.isfinite(records["policy"]), axis=-1)
    records["policy"] = records["policy"][every - 1 : whole : every]
    return eqx.combine(arrays, rest), records


def _finite(part: Any) -> Array:
    floats = [leaf for leaf in jax.tree.leaves(part) if eqx.is_inexact_array(leaf)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in [jnp.zeros(()), *floats]]))


def _each_array(change: Callable[[Array], Array], tree: Any) -> Any:
    return jax.tree.map(lambda leaf: change(leaf) if eqx.is_array(leaf) else leaf, tree)


__all__ = [
    "Axes",
    "BanditTask",
    "Trials",
    "advance_all",
    "finite_parts",
    "require_task",
    "start_all",
    "trials_for_all",
]
