"""Which of several branches is meant: a choice that is always said, never made in silence."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Overlaps = Float[Array, " branches"]
Flags = Bool[Array, " branches"]


class AbstractBranchChoice(eqx.Module):
    """A rule that picks one of the branches of a network, by its number.

    Branches come in ascending order of their overlap kappa. Those that attract are stable to
    changes of kappa that all else follows at once: the lowest and the highest always do, and
    repelling ones lie between them.
    """

    @abstractmethod
    def choose(self, overlaps: Overlaps, exists: Flags, attracts: Flags) -> Int[Array, ""]:
        """The number of the chosen branch."""


class HighestBranch(AbstractBranchChoice):
    """The attracting branch with the largest overlap."""

    def choose(self, overlaps: Overlaps, exists: Flags, attracts: Flags) -> Int[Array, ""]:
        """The last one that attracts."""
        del overlaps
        return exists.size - 1 - jnp.argmax((exists & attracts)[::-1])


class LowestBranch(AbstractBranchChoice):
    """The attracting branch with the smallest overlap."""

    def choose(self, overlaps: Overlaps, exists: Flags, attracts: Flags) -> Int[Array, ""]:
        """The first one that attracts."""
        del overlaps
        return jnp.argmax(exists & attracts)


class BranchReachedFrom(AbstractBranchChoice):
    """The attracting branch that the network comes to from an overlap `start`.

    That is, by the flow d kappa/dt = M_n <phi> + Sigma_nI <phi'> - kappa in which the variance
    follows kappa at once; a repelling branch divides the starts below it from those above, and a
    start on it counts as above. Raises `ValueError` when `start` is not one finite number.
    """

    start: Float[Array, ""] = eqx.field(converter=lambda value: jnp.asarray(value, float))

    def __check_init__(self):
        value: Any = self.start
        if value.shape != ():
            raise ValueError(f"start must be one overlap, got shape {value.shape}")
        if not isinstance(value, jax.core.Tracer) and not np.isfinite(value):
            raise ValueError(f"start must be finite, got {value}")

    def choose(self, overlaps: Overlaps, exists: Flags, attracts: Flags) -> Int[Array, ""]:
        """The attracting branch with as many repelling ones below it as the start has."""
        below = jnp.sum(exists & ~attracts & (overlaps <= self.start))
        rank = jnp.cumsum(exists & attracts) - 1
        return jnp.argmax(exists & attracts & (rank == below))


__all__ = ["AbstractBranchChoice", "BranchReachedFrom", "HighestBranch", "LowestBranch"]
