"""Let agents play bandits: runs in chunks that are recorded, kept and can go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from neuropil.learning.bandits.agent import AbstractAgent, AgentState
from neuropil.learning.bandits.checkpoint import RunCheckpoint
from neuropil.learning.bandits.loop import (
    Axes,
    BanditTask,
    advance_all,
    finite_parts,
    start_all,
    trials_for_all,
)
from neuropil.learning.bandits.record import BanditRun, Failure, Recording, projection
from neuropil.result import NotSolved, Outcome
from neuropil.types import RandomKey

Progress = Callable[[int, int], None]
Records = dict[str, np.ndarray]


def play(
    agent: AbstractAgent,
    task: BanditTask,
    *,
    trials: int,
    key: RandomKey,
    seeds: int = 1,
    record: Recording | None = None,
    chunk: int = 1000,
    agent_axes: Any = None,
    task_axes: Any = None,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
    throw: bool = True,
) -> BanditRun:
    """Let an agent choose and learn for `trials` trials, in `seeds` independent runs.

    `agent` is any `AbstractAgent`, `task` a bandit. Run number s draws from `key` and s alone, so
    that more seeds or trials leave the first ones as they are. Several settings go side by side
    where agent or task have arrays with one more axis in front: `agent_axes`, `task_axes` say
    which, as axes of `equinox.filter_vmap` (`equinox.if_array(0)`: all arrays). All settings
    share the random numbers.

    The trials are one compiled loop in chunks of `chunk`; memory does not grow with the trials
    but for the record: six bytes a trial and run, and what `record` asks for (the policy at every
    hundredth trial unless given). After each chunk `progress(done, trials)` is called, and the
    state is kept in the folder `checkpoint`, from which an interrupted call goes on as if it had
    not stopped; `trials` can be raised later.

    Raises `ValueError`, naming the argument, for numbers that are not positive, a chunk that does
    not hold whole records or the window of the agent's gradient, and a context, reward or means of
    the wrong shape. A policy that is not a number ends a run, with the outcome `NOT_FINITE`:
    raised as `NotSolved`, which says at which trial and in which parameter group, or returned
    together with what came before if `throw` is false.
    """
    if record is None:
        record = Recording(every=100 if chunk % 100 == 0 else max(chunk, 1))
    _require(agent, trials, seeds, chunk, record)
    axes = Axes(agent_axes, task_axes)
    keys = jax.vmap(lambda seed: jax.random.fold_in(key, seed))(jnp.arange(seeds))
    states = start_all(agent, task, axes, keys)
    done = 0
    records: list[Records] = []
    keeper = None
    if checkpoint is not None:
        settings = (seeds, chunk, record, axes)
        keeper = RunCheckpoint(Path(checkpoint), (agent, task), settings, key, chunk)
        states, done, records = keeper.latest(states, trials)
    failures: list[Failure] = []
    failing = np.zeros((), bool)
    while done < trials:
        length = min(chunk, trials - done)
        before, first = states, jnp.asarray(done, jnp.int32)
        rows = trials_for_all(task, axes, keys, first, length)
        states, compiled = advance_all(agent, axes, record, before, rows)
        found: Records = jax.device_get(compiled)
        fresh = ~found["is_policy"].all(axis=-1) & ~failing
        if fresh.any():
            flags = finite_parts(agent, axes, before, rows)
            failures += _failures(fresh, found["is_policy"], jax.device_get(flags), done)
            failing = failing | fresh
        records.append(found)
        done += length
        if keeper is not None and length == chunk and not failing.any():
            keeper.keep(states, found, done)
        if progress is not None:
            progress(done, trials)
        if failing.any() if throw else failing.all():
            break
    if failures and throw:
        raise NotSolved(
            f"playing the bandit: {failures[0].sentence}. {Outcome.NOT_FINITE.sentence} "
            "(`throw=False` returns the run up to there.)"
        )
    return _joined(records, states, record, tuple(failures))


def _require(agent: AbstractAgent, trials: int, seeds: int, chunk: int, record: Recording) -> None:
    for name, number in (("trials", trials), ("seeds", seeds), ("chunk", chunk)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if agent.window > chunk:
        raise ValueError(
            f"chunk must hold the window of the agent's gradient, {agent.window} trials, "
            f"got {chunk}"
        )
    if chunk % record.every:
        raise ValueError(f"record.every must divide chunk = {chunk} evenly, got {record.every}")


def _failures(
    fresh: Bool[np.ndarray, "..."],
    is_policy: Bool[np.ndarray, "... trials"],
    is_finite: dict[str, Bool[np.ndarray, "... trials"]],
    first: int,
) -> list[Failure]:
    failures = []
    for run in map(tuple, np.argwhere(fresh)):
        trial = int(np.argmin(is_policy[run]))
        since = {
            name: int(np.argmin(flags[run]))
            for name, flags in is_finite.items()
            if not flags[run][: trial + 1].all()
        }
        earliest = min(since.values(), default=trial)
        groups = tuple(name for name, when in since.items() if when == earliest)
        index = tuple(int(number) for number in run)
        failures.append(Failure(index, first + trial, groups, first + earliest))
    return failures


def _joined(
    records: list[Records],
    states: AgentState,
    recording: Recording,
    failures: tuple[Failure, ...],
) -> BanditRun:
    lead = records[0]["regret"].ndim - 1
    whole = {
        name: np.concatenate([found[name] for found in records if name in found], axis=lead)
        for name in records[0]
        if name != "is_policy"
    }
    regret, arms = whole["regret"], whole["arms"]
    outcome = np.full(regret.shape[:-1], int(Outcome.SUCCESSFUL))
    for failure in failures:
        since: Any = (*failure.run, slice(failure.trial, None))
        regret[since], arms[since] = np.nan, -1
        outcome[failure.run] = Outcome.NOT_FINITE
    recorded = np.arange(recording.every - 1, regret.shape[-1], recording.every)
    return BanditRun(
        regret,
        arms,
        recorded,
        whole["policy"],
        {
            name.removeprefix("activity/"): projection(values, recording.components)
            for name, values in whole.items()
            if name.startswith("activity/")
        },
        {
            name.removeprefix("gradient_norms/"): values
            for name, values in whole.items()
            if name.startswith("gradient_norms/")
        },
        states,
        outcome,
        failures,
    )


__all__ = ["BanditTask", "Progress", "play"]
