"""What a reward is compared with before it moves a policy."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractBaseline(eqx.Module):
    """A number that follows the rewards."""

    def start(self) -> Float[Array, " memory"]:
        """The memory before the first reward: sum, and weight of what it sums."""
        return jnp.zeros(2)

    @abstractmethod
    def follow(
        self, memory: Float[Array, " memory"], reward: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, " memory"]]:
        """The baseline of this reward, and the memory after it."""


class RunningMean(AbstractBaseline):
    """The mean of all rewards: those before the present one, zero at first; or with it.

    Gong et al. (Methods) write "the average of rewards up to t"; their public code takes the
    rewards before t.
    """

    includes_present: bool = eqx.field(static=True, default=False)

    def follow(
        self, memory: Float[Array, " memory"], reward: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, " memory"]]:
        """Sum over count."""
        after = memory + jnp.stack([reward, jnp.ones_like(reward)])
        total, count = after if self.includes_present else memory
        return total / jnp.maximum(count, 1.0), after


class ExponentialMean(AbstractBaseline):
    """Moves by `rate` times the difference to each reward; the rewards before t, zero at first."""

    rate: float | Float[Array, ""] = 0.01

    def __check_init__(self):
        if isinstance(self.rate, float) and not 0 < self.rate <= 1:
            raise ValueError(f"rate must lie above 0 and at most at 1, got {self.rate}")

    def follow(
        self, memory: Float[Array, " memory"], reward: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, " memory"]]:
        """A leaky mean."""
        mean = memory[0]
        return mean, memory.at[0].add(self.rate * (reward - mean))


class NoBaseline(AbstractBaseline):
    """Zero: rewards count as they are."""

    def follow(
        self, memory: Float[Array, " memory"], reward: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, " memory"]]:
        """Zero."""
        return jnp.zeros_like(reward), memory


__all__ = ["AbstractBaseline", "ExponentialMean", "NoBaseline", "RunningMean"]
