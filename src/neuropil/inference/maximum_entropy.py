"""The verb: from a behaviour and a support to the distribution of parameters."""

from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from neuropil.inference.behaviour import Behaviour, constraints_of
from neuropil.inference.checkpoint import InferenceCheckpoint
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.feasibility import faults_of
from neuropil.inference.methods import AbstractInferenceMethod
from neuropil.inference.natural_path import NaturalPath
from neuropil.inference.support import Support
from neuropil.inference.target import Problem
from neuropil.result import raise_unless_successful
from neuropil.types import RandomKey


def maximum_entropy(
    behaviour: Behaviour,
    support: Support,
    method: AbstractInferenceMethod | None = None,
    start: ParameterDistribution | None = None,
    *,
    key: RandomKey,
    checkpoint: Path | str | None = None,
    check: bool = True,
    progress: bool = False,
    throw: bool = True,
) -> ParameterDistribution:
    """The distribution of largest entropy on the support under which the behaviour holds.

    Maximises -E log(q / base) subject to E[statistic] = target for each mean, to
    E[(statistic - target)^2] = variance where one is asked for, and to the bounds (Bittner &
    Cunningham, Cosyne 2019, eq. 1). The solution is an exponential family in the statistics;
    its natural parameters come with it.

    `start` is the answer to the same constraints with other targets: a scan over targets that
    goes from one answer to the next costs little. `check` looks for targets that cannot be had
    before anything is optimised (`feasibility`). `checkpoint` is a folder where the state is kept
    after every step; the same call goes on from there to the same numbers. `progress` shows
    constraints and entropy as they develop, and so does `progress.txt` in that folder.

    Raises `ValueError` for a problem that has no solution as far as can be seen beforehand, and
    `NotSolved` when the tolerances were not met, unless `throw` is false.
    """
    method = NaturalPath() if method is None else method
    noise_key, check_key, init_key, answer_key, key = jax.random.split(key, 5)
    problem = Problem(
        behaviour,
        support,
        constraints_of(behaviour, np.ones(len(behaviour.names))),
        noise_key if behaviour.draws else None,
    )
    if check:
        faults = faults_of(problem, check_key).faults
        if faults:
            raise ValueError("no distribution has these targets: " + "; ".join(faults))
    kept = None if checkpoint is None else InferenceCheckpoint(Path(checkpoint))
    leaves = None if kept is None else kept.latest()
    if leaves is not None:
        problem, state = method.resumed(problem, leaves, init_key)
    elif start is None:
        problem, state = method.init(problem, init_key)
    else:
        problem, state = method.restart(problem, start, init_key)
    if kept is not None:
        kept.claim(problem, method, key)
        kept.keep(state)
    with tqdm(disable=not progress, desc="maximum entropy", unit="step") as bar:
        bar.update(int(state.step))
        while not method.finished(problem, state):
            state, info = method.step(problem, state, jax.random.fold_in(key, int(state.step)))
            described = method.describe(problem, info)
            if kept is not None:
                kept.keep(state)
                told = ", ".join(f"{name} {value}" for name, value in described.items())
                kept.tell(f"step {int(state.step)}: {told}")
            bar.update(1)
            bar.set_postfix(described)
    found = method.answer(problem, state, answer_key)
    raise_unless_successful(np.asarray(int(found.outcome)), what="maximum_entropy", throw=throw)
    return found


__all__ = ["maximum_entropy"]
