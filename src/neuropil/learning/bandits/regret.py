"""Regret: what is lost against the best arm, from the means and never from sampled rewards."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num
from scipy import stats

from neuropil.types import Scalar


class MedianInterval(NamedTuple):
    """Median over seeds, between the two ends of its interval."""

    median: Float[np.ndarray, "..."]
    lower: Float[np.ndarray, "..."]
    upper: Float[np.ndarray, "..."]


def trial_regret(mean_rewards: Float[Array, " arms"], arm: Int[Array, ""]) -> Scalar:
    """Largest mean minus the mean of the arm that was chosen.

    Summed over trials it is the pseudo-regret of Gong et al., eq. 3.
    """
    return jnp.max(mean_rewards) - mean_rewards[arm]


def regret_by_visit(
    regret: Num[np.ndarray, "... trials"], duration: int
) -> Float[np.ndarray, "... visits"]:
    """Mean regret per trial in each visit to a context of `duration` trials; a rest is left out.

    Raises `ValueError` for a duration below one trial or longer than the run.
    """
    trials = regret.shape[-1]
    if not 1 <= duration <= trials:
        raise ValueError(
            f"duration must be from 1 to the {trials} trials of the run, got {duration}"
        )
    visits = trials // duration
    kept = np.asarray(regret, float)[..., : visits * duration]
    return kept.reshape(*regret.shape[:-1], visits, duration).mean(axis=-1)


def escalation(regret: Num[np.ndarray, "... trials"], cycle: int) -> Float[np.ndarray, "..."]:
    """Regret in the last `cycle` trials over that in the first.

    With a cycle in which all contexts come once, a regret that becomes stationary gives a value
    close to 0, one that goes on at the same pace gives 1. Where there is none in the first cycle
    the value is not a number. Raises `ValueError` unless the run holds two cycles.
    """
    trials = regret.shape[-1]
    if not 1 <= cycle <= trials // 2:
        raise ValueError(f"cycle must be from 1 to half of the {trials} trials, got {cycle}")
    first = np.sum(regret[..., :cycle], axis=-1, dtype=float)
    last = np.sum(regret[..., -cycle:], axis=-1, dtype=float)
    return np.divide(last, first, out=np.full(first.shape, np.nan), where=first > 0)


def converging_trial(
    regret: Num[np.ndarray, "... trials"], *, window: int = 500, below: float = 0.01
) -> Float[np.ndarray, "..."]:
    """The first trial after which every `window` trials lose at most `below` each on average.

    Infinite where the last window loses more. Raises `ValueError` for a window that does not fit
    into the run.
    """
    trials = regret.shape[-1]
    if not 1 <= window <= trials:
        raise ValueError(f"window must be from 1 to the {trials} trials of the run, got {window}")
    total = np.cumsum(regret, axis=-1, dtype=float)
    total = np.concatenate([np.zeros((*regret.shape[:-1], 1)), total], axis=-1)
    loses = (total[..., window:] - total[..., :-window]) / window > below
    last = loses.shape[-1] - np.argmax(loses[..., ::-1], axis=-1)
    first = np.where(loses.any(axis=-1), last, 0).astype(float)
    return np.where(loses[..., -1], np.inf, first)


def median_interval(values: Num[np.ndarray, "seeds ..."], *, level: float = 0.95) -> MedianInterval:
    """Median over the first axis with an interval that assumes nothing of the distribution.

    Its ends are two order statistics, as many from either end as keep the probability that they
    enclose the median of the population at `level` or above (binomial with one half); the
    smallest and the largest value where there are too few. Raises `ValueError` when there is no
    value and for a level outside (0, 1).
    """
    seeds = values.shape[0] if values.ndim else 0
    if seeds < 1:
        raise ValueError(f"values must hold one seed or more, got shape {values.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    # Up to `outside` values may lie on either side beyond the ends.
    outside = int(stats.binom.ppf((1 - level) / 2, seeds, 0.5)) - 1
    ordered = np.sort(np.asarray(values, float), axis=0)
    low = min(max(outside, 0), (seeds - 1) // 2)
    return MedianInterval(np.median(ordered, axis=0), ordered[low], ordered[seeds - 1 - low])


__all__ = [
    "MedianInterval",
    "converging_trial",
    "escalation",
    "median_interval",
    "regret_by_visit",
    "trial_regret",
]
