"""What an agent is that chooses among arms and learns from what it earns."""

from abc import abstractmethod
from typing import Any, TypeAlias

import equinox as eqx
from jaxtyping import Array, Float, Int

from neuropil.types import RandomKey

AgentState: TypeAlias = Any
"""A pytree of arrays: all that an agent remembers, its learned weights among them."""


class AbstractAgent(eqx.Module):
    """An agent in a bandit task: its fields are its parameters, what it learns is in its state.

    A trial is one `act` and then one `learn`. The methods are pure and can be compiled and
    batched; the leaves of an agent with one more axis than usual are so many agents. The state
    that `act` returns may have another structure than the one it was given; after `learn` it has
    that of `start` again.
    """

    @property
    def window(self) -> int:
        """Trials back that a gradient looks, one where there is none."""
        return 1

    @abstractmethod
    def start(self, *, arms: int, channels: int, key: RandomKey) -> AgentState:
        """The state before the first trial of a task with `arms` arms and `channels` of context."""

    @abstractmethod
    def act(
        self,
        state: AgentState,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], AgentState]:
        """The arm that is chosen, the probability of each arm, and the state after the choice.

        `context` is the signal that the agent may see. `label` is the true number of the context
        that rules, for agents that are told it; all others ignore it.
        """

    @abstractmethod
    def learn(self, state: AgentState, arm: Int[Array, ""], reward: Float[Array, ""]) -> AgentState:
        """The state after the reward of the arm that was chosen."""

    def activity(self, acted: AgentState) -> dict[str, Float[Array, "..."]]:
        """Parts of the state that `act` returns, by name; none unless an agent has them."""
        del acted
        return {}

    def gradient_norms(
        self, acted: AgentState, reward: Float[Array, ""]
    ) -> dict[str, Float[Array, ""]]:
        """Norms of the gradient by parameter group, given the reward; none without a gradient."""
        del acted, reward
        return {}

    def parameter_groups(self, state: AgentState) -> dict[str, Any]:
        """Parts of a state between trials by name, among which a failure is looked for."""
        return {"state": state}


__all__ = ["AbstractAgent", "AgentState"]
