"""What is kept of a run in a bandit task."""

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int


class Recording(eqx.Module):
    """What to keep beside regret and arms, at every `every`-th trial.

    The policy is always kept. `activity` names parts of the agent's state (`synapses`,
    `astrocytes`), of which `components` principal components are kept. `gradient_norms` keeps the
    norm of the gradient in each parameter group. Until the run ends the recorded states
    themselves are held, whose number is that of recorded trials times their size.

    Raises `ValueError`, naming the argument, for numbers below one.
    """

    every: int = eqx.field(static=True, default=100)
    activity: tuple[str, ...] = eqx.field(static=True, default=())
    components: int = eqx.field(static=True, default=3)
    gradient_norms: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        for name in ("every", "components"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Projection(NamedTuple):
    """Recorded states along the directions in which they vary most, of each run its own.

    `scores` is (..., recorded trials, components), about `mean` (..., dimension) along the rows
    of `axes` (..., components, dimension); `explained` is the share of the variance along each.
    """

    scores: Float[np.ndarray, "..."]
    axes: Float[np.ndarray, "..."]
    mean: Float[np.ndarray, "..."]
    explained: Float[np.ndarray, "..."]


class Failure(NamedTuple):
    """Where a policy stopped being numbers.

    `run` is its index along the axes of the run, `trial` the first trial without a policy,
    `groups` the parts of the agent that stopped being finite first, and `since` the trial at the
    start of which they were not.
    """

    run: tuple[int, ...]
    trial: int
    groups: tuple[str, ...]
    since: int

    @property
    def sentence(self) -> str:
        """What happened, where."""
        where = f"run {self.run}: " if self.run else ""
        parts = ", ".join(self.groups) or "no parameter group, but the read-out"
        return (
            f"{where}the policy is not a number at trial {self.trial}; not finite first, at trial "
            f"{self.since}: {parts}"
        )


class BanditRun(eqx.Module):
    """What an agent did: leading axes are settings (if there are several) and runs.

    - `regret` (..., trials): best mean less the mean of the arm chosen, from the means of the
      task and not from rewards (Gong et al., eq. 3); `arms` (..., trials) those chosen.
    - `recorded_trials` and, at these, `policy` (..., recorded, arms), `activity` by part, and
      `gradient_norms` (..., recorded) by parameter group.
    - `state`: the agents after the last trial, with what they have learned.
    - `outcome`: a `neuropil.result.Outcome` for each; after a failure regret is not a number and
      the arm is -1, and `failures` say where.
    """

    regret: Float[np.ndarray, "... trials"]
    arms: Int[np.ndarray, "... trials"]
    recorded_trials: Int[np.ndarray, " recorded"]
    policy: Float[np.ndarray, "... recorded arms"]
    activity: dict[str, Projection]
    gradient_norms: dict[str, Float[np.ndarray, "... recorded"]]
    state: Any
    outcome: Int[np.ndarray, "..."]
    failures: tuple[Failure, ...]

    @property
    def cumulative_regret(self) -> Float[np.ndarray, "... trials"]:
        """The sum of regrets up to and with each trial."""
        return np.cumsum(self.regret.astype(float), axis=-1)


def projection(states: Float[np.ndarray, "... recorded dimension"], components: int) -> Projection:
    """Principal components, of each run its own, by singular values."""
    found = [
        _components(one, components) for one in states.reshape(-1, *states.shape[-2:]).astype(float)
    ]
    lead = states.shape[:-2]
    return Projection(
        *(np.stack(parts).reshape(*lead, *parts[0].shape) for parts in zip(*found, strict=True))
    )


def _components(states: Float[np.ndarray, "recorded dimension"], components: int):
    finite = np.all(np.isfinite(states), axis=1)
    mean = np.mean(states[finite], axis=0) if finite.any() else np.zeros(states.shape[1])
    usable = np.where(finite[:, None], states - mean[None, :], 0.0)
    left, values, right = np.linalg.svd(usable, full_matrices=False)
    number = min(components, values.size)
    total = max(float(np.sum(values**2)), np.finfo(float).tiny)
    scores = left[:, :number] * values[None, :number]
    return scores, right[:number], mean, values[:number] ** 2 / total


__all__ = ["BanditRun", "Failure", "Projection", "Recording", "projection"]
