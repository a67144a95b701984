"""Adam, one step at a time, over parameters in named groups."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Groups = dict[str, Any]

MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """Decaying sums of gradients and their squares, with what each sum still lacks to a mean.

    `mean_lack` and `square_lack` are the decays to the power of the steps taken.
    """

    mean: Groups
    square: Groups
    mean_lack: Float[Array, ""]
    square_lack: Float[Array, ""]


def no_moments(parameters: Groups) -> Moments:
    """Those before the first gradient."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return Moments(zeros, zeros, jnp.ones(()), jnp.ones(()))


def adam_step(gradient: Groups, moments: Moments) -> tuple[Groups, Moments]:
    """What to subtract from the parameters for a rate of one, and the moments after it.

    Kingma and Ba, "Adam: a method for stochastic optimization", algorithm 1 in the order of
    operations of its section 2, with their decays of 0.9 and 0.999 and epsilon of 1e-8.
    """
    mean_lack, square_lack = MEAN_DECAY * moments.mean_lack, SQUARE_DECAY * moments.square_lack
    spread = jnp.sqrt(1.0 - square_lack)
    size, epsilon = spread / (1.0 - mean_lack), EPSILON * spread

    def mean_after(old: Array, new: Array) -> Array:
        return MEAN_DECAY * old + (1.0 - MEAN_DECAY) * new

    def square_after(old: Array, new: Array) -> Array:
        return SQUARE_DECAY * old + (1.0 - SQUARE_DECAY) * new**2

    def step(mean: Array, square: Array) -> Array:
        dtype = mean.dtype
        return size.astype(dtype) * mean / (jnp.sqrt(square) + epsilon.astype(dtype))

    mean = jax.tree.map(mean_after, moments.mean, gradient)
    square = jax.tree.map(square_after, moments.square, gradient)
    return jax.tree.map(step, mean, square), Moments(mean, square, mean_lack, square_lack)


__all__ = ["Moments", "adam_step", "no_moments"]
