"""What a classifier is trained for, and when its answer counts as right."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from neuropil.types import Scalar


class AbstractObjective(eqx.Module):
    """A loss to be made small, and a test whether an output is right."""

    @abstractmethod
    def loss(self, output: Float[Array, " outputs"], target: Num[Array, "..."]) -> Scalar:
        """Loss of one output."""

    @abstractmethod
    def is_right(
        self, output: Float[Array, " outputs"], target: Num[Array, "..."]
    ) -> Bool[Array, ""]:
        """Whether one output counts as right."""


class NegativeLogLikelihood(AbstractObjective):
    """Outputs are the logarithms of odds of the classes, the target is the number of one.

    The loss is minus the logarithm of the probability of that class, in nats; the output is right
    when that class has the largest.
    """

    def loss(self, output: Float[Array, " outputs"], target: Num[Array, "..."]) -> Scalar:
        """Minus log of the target's probability under the softmax of the outputs."""
        return -jax.nn.log_softmax(output)[target]

    def is_right(
        self, output: Float[Array, " outputs"], target: Num[Array, "..."]
    ) -> Bool[Array, ""]:
        """Whether the target's output is the largest; not where outputs are not numbers."""
        return jnp.all(jnp.isfinite(output)) & (jnp.argmax(output) == target)


class SquaredError(AbstractObjective):
    """The target is a value for the only output, which is right when within `tolerance`."""

    tolerance: float = 0.01

    def loss(self, output: Float[Array, " outputs"], target: Num[Array, "..."]) -> Scalar:
        """Squared distance from the target."""
        return jnp.sum((output - target) ** 2)

    def is_right(
        self, output: Float[Array, " outputs"], target: Num[Array, "..."]
    ) -> Bool[Array, ""]:
        """Whether the output is closer to the target than the tolerance."""
        return jnp.all(jnp.abs(output - target) < self.tolerance)


__all__ = ["AbstractObjective", "NegativeLogLikelihood", "SquaredError"]
