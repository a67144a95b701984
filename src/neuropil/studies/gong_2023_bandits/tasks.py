"""The tasks of the study by name, each with the length of a visit to a context."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from neuropil.learning.bandits.context_signals import ContextSignal, constant_code
from neuropil.learning.bandits.means import PeriodicMeans, SequentialContexts, SquareWaveMeans
from neuropil.learning.bandits.tasks import BernoulliBandit


class Task(NamedTuple):
    """A bandit, how many trials are run, the trials of a visit, and the visits of a cycle.

    In a stationary task a visit is an eighth of the run.
    """

    bandit: BernoulliBandit
    trials: int
    duration: int
    cycle: int
    switches: bool = True

    @property
    def at_random(self) -> float:
        """What an agent loses a trial that chooses each arm as often as any other."""
        means = np.asarray(jax.vmap(self.bandit.mean_rewards)(jnp.arange(self.trials)))
        return float(np.mean(means.max(axis=1) - means.mean(axis=1)))


def task(configuration: Mapping[str, Any], name: str, context: ContextSignal | None = None) -> Task:
    """`stationary`, `flip-flop`, `square`, `smooth`, `eight-stationary` or `eight-flip-flop`.

    `square` is the flip-flop of the authors' programs, in which all arms take part. A cycle is
    the shortest stretch in which all contexts come. Raises `ValueError` for another name.
    """
    if name in ("stationary", "eight-stationary"):
        numbers = configuration[name]
        return unchanging(configuration, numbers["means"], numbers["trials"])
    if name == "flip-flop":
        numbers = configuration[name]
        low = list(numbers["means"])
        low[numbers["arm"]] = numbers["low"]
        return _alternating([numbers["means"], low], numbers, context)
    if name == "eight-flip-flop":
        numbers = configuration[name]
        return _alternating(
            [numbers["means"], [1 - mean for mean in numbers["means"]]], numbers, context
        )
    if name == "smooth":
        numbers = configuration[name]
        means = PeriodicMeans(numbers["peaks"], numbers["period"], numbers["sharpness"])
        return Task(
            BernoulliBandit(means, context),
            numbers["cycles"] * numbers["period"],
            numbers["period"],
            1,
        )
    if name == "square":
        numbers = configuration[name]
        period = numbers["period"]
        bandit = BernoulliBandit(SquareWaveMeans(numbers["peaks"], period), context)
        return Task(bandit, numbers["cycles"] * period, period // 6, 6)
    raise ValueError(f"there is no task {name!r}")


def unchanging(configuration: Mapping[str, Any], means: Sequence[float], trials: int) -> Task:
    """A bandit whose signal is 1 and never changes.

    It is laid out as a bandit with two equal contexts, of as many visits as the flip-flop has, so
    that agents are compiled once for both.
    """
    order = [0] * configuration["flip-flop"]["visits"]
    chosen = sequence([means, means], order, trials, ContextSignal(constant_code(2)))
    return chosen._replace(trials=trials, duration=trials // 8, cycle=1, switches=False)


def gap_task(configuration: Mapping[str, Any], gap: float) -> Task:
    """Three arms that pay 0.6 - lambda, 0.6 and 0.6 + lambda (SI.6.2)."""
    numbers = configuration["gaps"]
    middle = numbers["middle"]
    return unchanging(configuration, [middle - gap, middle, middle + gap], numbers["trials"])


def sequence(
    means: Sequence[Sequence[float]] | np.ndarray,
    order: Sequence[int],
    duration: int,
    context: ContextSignal | None = None,
) -> Task:
    """Contexts in a given order, once through."""
    ways = SequentialContexts(jnp.asarray(means), jnp.asarray(order), jnp.asarray(duration))
    return Task(BernoulliBandit(ways, context), len(order) * duration, duration, 1)


def _alternating(
    means: Sequence[Sequence[float]], numbers: Mapping[str, Any], context: ContextSignal | None
) -> Task:
    order = [visit % 2 for visit in range(numbers["visits"])]
    return sequence(means, order, numbers["duration"], context)._replace(cycle=2)


__all__ = ["Task", "gap_task", "sequence", "task", "unchanging"]
