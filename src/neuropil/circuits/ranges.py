"""Ranges of quantities, for closed-form bounds on the states of a circuit."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits.activation import AbstractActivation


class Range(NamedTuple):
    """All numbers from `lower` to `upper`; of arrays, element by element."""

    lower: Float[Array, "..."]
    upper: Float[Array, "..."]

    def scaled(self, factor: Float[Array, "..."]) -> "Range":
        """The products with a number of either sign."""
        return Range(
            jnp.minimum(factor * self.lower, factor * self.upper),
            jnp.maximum(factor * self.lower, factor * self.upper),
        )

    def times(self, other: "Range") -> "Range":
        """The products with the numbers of another range."""
        with_lower, with_upper = self.scaled(other.lower), self.scaled(other.upper)
        return Range(
            jnp.minimum(with_lower.lower, with_upper.lower),
            jnp.maximum(with_lower.upper, with_upper.upper),
        )

    def plus(self, other: "Range") -> "Range":
        """The sums with the numbers of another range."""
        return Range(self.lower + other.lower, self.upper + other.upper)

    def each(self, function: Callable[[Float[Array, "..."]], Float[Array, "..."]]) -> "Range":
        """A function that never decreases, applied to both ends."""
        return Range(function(self.lower), function(self.upper))

    @property
    def magnitude(self) -> Float[Array, "..."]:
        """The largest absolute value."""
        return jnp.maximum(jnp.abs(self.lower), jnp.abs(self.upper))


def symmetric(magnitude: Float[Array, "..."]) -> Range:
    """All numbers of at most this absolute value."""
    return Range(-magnitude, magnitude)


def activation_range(name: str, activation: AbstractActivation) -> Range:
    """The values of a bounded activation.

    Raises `ValueError`, naming the activation, for one without bounds.
    """
    lower, upper = float(activation.lower), float(activation.upper)
    if not -float("inf") < lower < upper < float("inf"):
        raise ValueError(f"{name} must be bounded, got values from {lower} to {upper}")
    return Range(jnp.asarray(lower), jnp.asarray(upper))


__all__ = ["Range", "activation_range", "symmetric"]
