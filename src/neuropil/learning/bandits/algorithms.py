"""Bandit algorithms that learn from counts: confidence bounds, posteriors, and their controls."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.learning.bandits.agent import AbstractAgent, AgentState
from neuropil.types import RandomKey, Scalar


class ArmCounts(NamedTuple):
    """How often each arm was chosen and what it earned in all, possibly discounted."""

    chosen: Float[Array, " arms"]
    earned: Float[Array, " arms"]


class WindowedCounts(NamedTuple):
    """Counts over the last trials, which stand in a ring with `place` the oldest of them.

    `arms` holds the arm of each trial, one past the last arm where there was none yet.
    """

    counts: ArmCounts
    arms: Int[Array, " capacity"]
    rewards: Float[Array, " capacity"]
    place: Int[Array, ""]


class ContextualChoice(NamedTuple):
    """Between choice and reward: a state for each context, and what this one's copy has become."""

    states: AgentState
    own: AgentState
    label: Int[Array, ""]


def _number(default: float):
    return eqx.field(converter=lambda value: jnp.asarray(value, float), default=default)


class AbstractConfidenceBound(AbstractAgent):
    """The arm with the largest bound on its mean, arms that were never chosen first."""

    exploration: eqx.AbstractVar[Float[Array, ""]]

    def start(self, *, arms: int, channels: int, key: RandomKey) -> ArmCounts:
        """No counts."""
        del channels, key
        return _no_counts(arms)

    def act(
        self,
        state: ArmCounts,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], ArmCounts]:
        """The arm with the largest bound."""
        del context, label, key
        return *_largest_bound(state, self.exploration), state


class UpperConfidenceBound(AbstractConfidenceBound):
    """UCB: the arm with the largest m + sqrt(c log(t)/n), arms that were never chosen first.

    m is the mean reward of an arm that was chosen n times in t trials and c the `exploration`
    (Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002: UCB1 with c = 2). Raises
    `ValueError` for a c that is negative.
    """

    exploration: Float[Array, ""] = _number(2.0)

    def __check_init__(self):
        _require("exploration", self.exploration, 0, np.inf)

    def learn(self, state: ArmCounts, arm: Int[Array, ""], reward: Scalar) -> ArmCounts:
        """Counts with one more trial."""
        return _counted(state, arm, reward, jnp.ones(()))


class DiscountedUpperConfidenceBound(AbstractConfidenceBound):
    """D-UCB: UCB in which trials count less the longer ago they are, by `discount` each trial.

    Garivier and Moulines (ALT 2011, eq. 2 and 3); their padding 2 B sqrt(xi log n/N) is that of
    UCB here with `exploration` 4 B^2 xi, which makes 2.4 for their xi = 0.6 and rewards up to 1.
    With a discount of 1 it is UCB. Raises `ValueError` for a discount outside (0, 1] and a
    negative exploration.
    """

    discount: Float[Array, ""] = _number(0.95)
    exploration: Float[Array, ""] = _number(2.4)

    def __check_init__(self):
        _require("discount", self.discount, 1e-12, 1)
        _require("exploration", self.exploration, 0, np.inf)

    def learn(self, state: ArmCounts, arm: Int[Array, ""], reward: Scalar) -> ArmCounts:
        """Older trials discounted, and one more."""
        return _counted(state, arm, reward, self.discount)


class SlidingWindowUpperConfidenceBound(AbstractAgent):
    """SW-UCB: UCB that knows the last `window_length` trials only.

    Garivier and Moulines (ALT 2011); with t no larger than the window, their padding
    B sqrt(xi log(t)/N) is that of UCB here with `exploration` B^2 xi. The trials stand in a ring
    of `capacity` places, at first `window_length` of them, so that agents with different windows
    can be compiled as one; a trial costs the same whatever the window. With a window that holds
    all trials it is UCB. Raises `ValueError` for a window of less than one trial or more than the
    capacity, and a negative exploration.
    """

    window_length: Int[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value), default=1000
    )
    exploration: Float[Array, ""] = _number(0.6)
    capacity: int = eqx.field(static=True)

    def __init__(
        self,
        window_length: int | Int[Array, ""] = 1000,
        exploration: float | Float[Array, ""] = 0.6,
        capacity: int | None = None,
    ):
        self.window_length = jnp.asarray(window_length)
        self.exploration = jnp.asarray(exploration, float)
        self.capacity = int(window_length) if capacity is None else capacity

    def __check_init__(self):
        _require("window_length", self.window_length, 1, self.capacity)
        _require("exploration", self.exploration, 0, np.inf)

    def start(self, *, arms: int, channels: int, key: RandomKey) -> WindowedCounts:
        """An empty window."""
        del channels, key
        empty = jnp.full(self.capacity, arms)
        return WindowedCounts(
            _no_counts(arms), empty, jnp.zeros(self.capacity), jnp.zeros((), empty.dtype)
        )

    def act(
        self,
        state: WindowedCounts,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], WindowedCounts]:
        """The arm with the largest bound."""
        del context, label, key
        return *_largest_bound(state.counts, self.exploration), state

    def learn(self, state: WindowedCounts, arm: Int[Array, ""], reward: Scalar) -> WindowedCounts:
        """The oldest trial leaves the window, the newest enters."""
        (chosen, earned), place = state.counts, state.place
        arms = jnp.arange(chosen.shape[0], dtype=state.arms.dtype)
        leaves = (arms == state.arms[place]).astype(float)
        enters = (arms == arm.astype(arms.dtype)).astype(float)
        counts = ArmCounts(
            chosen + enters - leaves, earned + reward * enters - state.rewards[place] * leaves
        )
        return WindowedCounts(
            counts,
            state.arms.at[place].set(arm.astype(arms.dtype)),
            state.rewards.at[place].set(reward),
            (place + 1) % self.window_length.astype(place.dtype),
        )


class ThompsonSampling(AbstractAgent):
    """A draw from the posterior of each arm, and the arm with the largest.

    The prior of every arm is Beta(`prior_rewards`, `prior_failures`), at first uniform (Thompson,
    Biometrika 25, 1933). With a `discount` below 1 evidence fades each trial towards the prior.
    The policy that is returned is that of the draw: 1 for the arm chosen. Raises `ValueError`
    for a prior that is not positive and a discount outside (0, 1].
    """

    prior_rewards: Float[Array, ""] = _number(1.0)
    prior_failures: Float[Array, ""] = _number(1.0)
    discount: Float[Array, ""] = _number(1.0)

    def __check_init__(self):
        for name in ("prior_rewards", "prior_failures"):
            _require(name, getattr(self, name), 1e-12, np.inf)
        _require("discount", self.discount, 1e-12, 1)

    def posterior(self, state: ArmCounts) -> tuple[Float[Array, " arms"], Float[Array, " arms"]]:
        """Both parameters of the beta law of each arm."""
        failures = state.chosen - state.earned
        return self.prior_rewards + state.earned, self.prior_failures + failures

    def start(self, *, arms: int, channels: int, key: RandomKey) -> ArmCounts:
        """No evidence."""
        del channels, key
        return _no_counts(arms)

    def act(
        self,
        state: ArmCounts,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], ArmCounts]:
        """The arm with the largest draw."""
        del context, label
        draw = jax.random.beta(key, *self.posterior(state))
        return *_only(jnp.argmax(draw), draw.shape[0]), state

    def learn(self, state: ArmCounts, arm: Int[Array, ""], reward: Scalar) -> ArmCounts:
        """Older evidence discounted, and one more trial."""
        return _counted(state, arm, reward, self.discount)


class ContextualAgent(AbstractAgent):
    """A separate copy of `agent` for each of `contexts` contexts, whose label it is told.

    A copy acts and learns only in trials of its own context: the control that knows the context
    without having to learn what its signal means. Raises `ValueError` for fewer than one context.
    """

    agent: AbstractAgent
    contexts: int = eqx.field(static=True)

    def __check_init__(self):
        if self.contexts < 1:
            raise ValueError(f"contexts must be at least 1, got {self.contexts}")

    def start(self, *, arms: int, channels: int, key: RandomKey) -> AgentState:
        """A state for each context along the first axis, from keys of their own."""
        keys = jax.random.split(key, self.contexts)
        return jax.vmap(lambda own: self.agent.start(arms=arms, channels=channels, key=own))(keys)

    def act(
        self,
        state: AgentState,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], ContextualChoice]:
        """What the copy of this context chooses."""
        own = jax.tree.map(lambda leaf: leaf[label], state)
        arm, policy, own = self.agent.act(own, context, label, key)
        return arm, policy, ContextualChoice(state, own, label)

    def learn(
        self, state: ContextualChoice, arm: Int[Array, ""], reward: Float[Array, ""]
    ) -> AgentState:
        """The copy of this context learns."""
        own = self.agent.learn(state.own, arm, reward)
        return jax.tree.map(lambda leaf, new: leaf.at[state.label].set(new), state.states, own)


def _no_counts(arms: int) -> ArmCounts:
    return ArmCounts(jnp.zeros(arms), jnp.zeros(arms))


def _counted(counts: ArmCounts, arm: Int[Array, ""], reward: Scalar, discount: Scalar) -> ArmCounts:
    this = (jnp.arange(counts.chosen.shape[0], dtype=arm.dtype) == arm).astype(float)
    return ArmCounts(discount * counts.chosen + this, discount * counts.earned + reward * this)


def _largest_bound(
    counts: ArmCounts, exploration: Scalar
) -> tuple[Int[Array, ""], Float[Array, " arms"]]:
    chosen, earned = counts
    is_new = chosen <= 0
    safe = jnp.where(is_new, 1.0, chosen)
    trials = jnp.log(jnp.maximum(jnp.sum(chosen), 1.0))
    bound = jnp.where(is_new, jnp.inf, earned / safe + jnp.sqrt(exploration * trials / safe))
    return _only(jnp.argmax(bound), chosen.shape[0])


def _only(arm: Int[Array, ""], arms: int) -> tuple[Int[Array, ""], Float[Array, " arms"]]:
    """The arm, and the policy that chooses nothing else."""
    return arm, jax.nn.one_hot(arm, arms, dtype=float)


def _require(name: str, value: Array, low: float, high: float) -> None:
    if value.ndim:
        raise ValueError(f"{name} must be one number, got shape {value.shape}")
    if isinstance(value, jax.core.Tracer):
        return
    if not (np.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be finite and lie in [{low:g}, {high:g}], got {value}")


__all__ = [
    "AbstractConfidenceBound",
    "ArmCounts",
    "ContextualAgent",
    "ContextualChoice",
    "DiscountedUpperConfidenceBound",
    "SlidingWindowUpperConfidenceBound",
    "ThompsonSampling",
    "UpperConfidenceBound",
    "WindowedCounts",
]
