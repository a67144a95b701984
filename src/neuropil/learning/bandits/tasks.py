"""Bandits whose arms pay one or nothing, and whose contexts change."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neuropil.learning.bandits.context_signals import ContextSignal, scalar_code
from neuropil.learning.bandits.means import AbstractMeans, FlipFlopMeans, StationaryMeans
from neuropil.types import RandomKey, Scalar


class BernoulliBandit(eqx.Module):
    """Arms that pay 1 with the probabilities of `means` and else 0, under a signal of the context.

    Gong et al., "Astrocytes as a mechanism for meta-plasticity and contextually-guided network
    function", Methods. Trials are counted from 0. Without a `context` the signal is one clean
    number, from -1 to 1 in equal steps over the contexts. Raises `ValueError` unless the signal
    has a code for each context.
    """

    means: AbstractMeans
    context: ContextSignal

    def __init__(self, means: AbstractMeans, context: ContextSignal | None = None):
        self.means = means
        self.context = ContextSignal(scalar_code(means.contexts)) if context is None else context

    def __check_init__(self):
        if self.context.contexts != self.means.contexts:
            raise ValueError(
                f"context must have a code for each of {self.means.contexts} contexts, got a code "
                f"of shape {self.context.code.shape}"
            )

    @property
    def arms(self) -> int:
        """Number of arms."""
        return self.means.arms

    @property
    def contexts(self) -> int:
        """Number of contexts."""
        return self.means.contexts

    @property
    def channels(self) -> int:
        """Numbers in the signal of the context."""
        return self.context.channels

    def mean_rewards(self, trial: Int[Array, ""]) -> Float[Array, " arms"]:
        """The probability of reward of each arm."""
        return self.means.at(trial)

    def label(self, trial: Int[Array, ""]) -> Int[Array, ""]:
        """Which context rules."""
        return self.means.label(trial)

    def context_signal(self, trial: Int[Array, ""], key: RandomKey) -> Float[Array, " channels"]:
        """What an agent may see of the context."""
        return self.context.at(self.means, trial, key)

    def reward(self, trial: Int[Array, ""], arm: Int[Array, ""], key: RandomKey) -> Scalar:
        """1 or 0 for the arm that was chosen."""
        pays = jax.random.uniform(key) < self.mean_rewards(trial)[arm]
        return pays.astype(float)


def stationary_bandit(
    means: Sequence[float] | Float[Array, " arms"], context: ContextSignal | None = None
) -> BernoulliBandit:
    """A bandit whose arms never change."""
    return BernoulliBandit(StationaryMeans(jnp.asarray(means, float)), context)


def flip_flop_bandit(
    means: Sequence[float] | Float[Array, " arms"] = (0.4, 0.92, 0.1),
    *,
    arm: int = 1,
    low: float = 0.042,
    duration: int = 5000,
    context: ContextSignal | None = None,
) -> BernoulliBandit:
    """Two contexts in turn that differ in one `arm`, which pays `low` in the second.

    The document's flip-flop (Fig. 3: arm 2 alternates between 0.92 and 0.042). It does not state
    the means of the other arms nor how long a context lasts: they are those of its stationary
    task and half a period of its smooth one. Raises `ValueError` for an arm that does not exist
    and what `FlipFlopMeans` refuses.
    """
    high = jnp.asarray(means, float)
    if not 0 <= arm < high.shape[0]:
        raise ValueError(f"arm must be a number from 0 to {high.shape[0] - 1}, got {arm}")
    rows = jnp.stack([high, high.at[arm].set(low)])
    return BernoulliBandit(FlipFlopMeans(rows, jnp.asarray(duration)), context)


__all__ = ["BernoulliBandit", "flip_flop_bandit", "stationary_bandit"]
