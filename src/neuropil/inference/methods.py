"""What every method of inference is: a start, a step, and an answer."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from neuropil.inference.checkpoint import filled
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.target import Problem
from neuropil.types import RandomKey


class AbstractInferenceMethod(eqx.Module):
    """An iterated algorithm for the maximum-entropy distribution.

    The state is a NamedTuple of numbers and arrays, all that the next step needs; the loop with
    progress, checkpoints and interruption is `maximum_entropy`'s.
    """

    @abstractmethod
    def init(self, problem: Problem, key: RandomKey) -> tuple[Problem, Any]:
        """The problem with its scales set, and the state before the first step."""

    def restart(
        self, problem: Problem, start: ParameterDistribution, key: RandomKey
    ) -> tuple[Problem, Any]:
        """As `init`, from the answer to other targets. Raises `TypeError` unless overridden."""
        raise TypeError(f"{type(self).__name__} always starts afresh: leave `start` out")

    def resumed(
        self, problem: Problem, leaves: Sequence[np.ndarray], key: RandomKey
    ) -> tuple[Problem, Any]:
        """As `init`, with the state that a checkpoint kept."""
        problem, state = self.init(problem, key)
        return problem, filled(state, leaves)

    @abstractmethod
    def step(self, problem: Problem, state: Any, key: RandomKey) -> tuple[Any, Any]:
        """The state after one more step, and what the step did."""

    @abstractmethod
    def finished(self, problem: Problem, state: Any) -> bool:
        """Whether tolerances are met or all steps spent."""

    @abstractmethod
    def answer(self, problem: Problem, state: Any, key: RandomKey) -> ParameterDistribution:
        """The distribution as the state has it, with its intervals and outcome."""

    @abstractmethod
    def describe(self, problem: Problem, info: Any) -> dict[str, str]:
        """What a step did, in the few words that progress shows."""


__all__ = ["AbstractInferenceMethod"]
