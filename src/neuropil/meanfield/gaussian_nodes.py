"""Averages over normal variables by Gauss-Hermite quadrature."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def normal_nodes(
    number: int,
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Nodes and probabilities that average polynomials over a standard normal variable.

    Exact up to degree 2 `number` - 1. Raises `ValueError` when `number` is below 1.
    """
    if number < 1:
        raise ValueError(f"the number of nodes must be at least 1, got {number}")
    nodes, weights = np.polynomial.hermite_e.hermegauss(number)
    return nodes, weights / weights.sum()


def spread(
    function: Callable[[Float[Array, " points"]], Float[Array, " points"]],
    centre: Float[Array, " classes"],
    variance: Float[Array, " classes"],
    number: int,
) -> tuple[Float[Array, " classes"], Float[Array, " classes"]]:
    """Mean and variance of `function` of a normal variable, one for each class.

    `function` acts element by element. With `number` = 1 the variable is its mean.
    """
    nodes, probability = (jnp.asarray(value) for value in normal_nodes(number))
    # The floor keeps the derivative of the square root finite; by symmetry of the nodes what it
    # adds is of the order of the floor itself.
    deviation = jnp.sqrt(variance + 1e-24)
    points = centre[:, None] + deviation[:, None] * nodes[None, :]
    values = function(points.reshape(-1)).reshape(points.shape)
    mean = values @ probability
    return mean, (values - mean[:, None]) ** 2 @ probability


__all__ = ["normal_nodes", "spread"]
