"""Steps of stochastic gradient descent in each weight's own scale."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from neuropil.types import Scalar

_FORGETTING = 0.9, 0.999
_LARGEST_SLOPE = 10.0


class Adam(NamedTuple):
    """Running means of slopes and of their squares, weight by weight.

    Source: Kingma & Ba 2015, Adam, ICLR.
    """

    mean: Any
    square: Any
    steps: Scalar


def adam_start(weights: Any) -> Adam:
    """Before the first step."""
    nothing = jax.tree.map(jnp.zeros_like, weights)
    return Adam(nothing, nothing, jnp.zeros(()))


def adam_step(
    weights: Any, slope: Any, adam: Adam, rate: float | Scalar, *, clipped: bool = False
) -> tuple[Any, Adam]:
    """The weights one step downhill; `clipped` shortens slopes that are far longer than usual."""
    if clipped:
        squares = jax.tree.map(lambda leaf: jnp.sum(leaf**2), slope)
        size = jnp.sqrt(jax.tree.reduce(jnp.add, squares))
        share = jnp.minimum(1.0, _LARGEST_SLOPE / jnp.maximum(size, 1e-12))
        slope = jax.tree.map(lambda leaf: share * leaf, slope)
    first, second = _FORGETTING
    steps = adam.steps + 1.0
    mean = jax.tree.map(lambda old, new: first * old + (1 - first) * new, adam.mean, slope)
    square = jax.tree.map(lambda old, new: second * old + (1 - second) * new**2, adam.square, slope)
    weights = jax.tree.map(
        lambda weight, m, s: (
            weight - rate * (m / (1 - first**steps)) / (jnp.sqrt(s / (1 - second**steps)) + 1e-8)
        ),
        weights,
        mean,
        square,
    )
    return weights, Adam(mean, square, steps)


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every number in a tree is finite."""
    return jax.tree.reduce(
        jnp.logical_and, jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), tree)
    )


__all__ = ["Adam", "adam_start", "adam_step", "all_finite"]
