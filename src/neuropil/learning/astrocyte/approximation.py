"""Any continuous function of a few variables, computed by a wave to a requested error."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.equivalence import AstrocyteEquivalent, to_astrocytes
from neuropil.learning.astrocyte.transport import LINEAR_TRANSPORT, AbstractTransport
from neuropil.learning.astrocyte.two_layer import TwoLayerNetwork
from neuropil.types import RandomKey

GRID = {1: 2001, 2: 121, 3: 31}
"""Points along each axis of the grid on which an error is measured, by number of variables."""
FIRST_HIDDEN = 8
SAMPLES_PER_UNIT = 12
SHARE_OF_FIT = 0.9
"""Share of the requested error that the fit may use; the rest is for transport."""


class Approximation(NamedTuple):
    """A wave that approximates a function.

    `error` is the largest error of the wave on a grid that the fit has not seen; `two_layer` is
    the network it was built from, `tried` the numbers of hidden units with the error of each.
    """

    astrocytes: AstrocyteEquivalent
    two_layer: TwoLayerNetwork
    error: float
    tried: tuple[tuple[int, float], ...]


def approximate(
    function: Callable[[Float[Array, " variables"]], Float[Array, "..."]],
    error: float,
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    key: RandomKey,
    neighbours: int = 3,
    transport: AbstractTransport = LINEAR_TRANSPORT,
    activation: Callable[[Float[Array, "..."]], Float[Array, "..."]] = jnp.tanh,
    most_hidden: int = 512,
) -> Approximation:
    """A wave within `error` of a function of one to three variables, in the box lower ... upper.

    Hidden units have random directions, places and slopes; their output weights are the least
    squares fit at random points, half of them crowded towards the faces of the box. Their number
    is doubled until the largest error on a dense grid, faces included, is below 0.9 `error`; the
    rest is left to transport that is not exact (see `to_astrocytes`). `function` maps one point
    to a number or a vector and is written for JAX.

    Raises `ValueError` for another number of variables, an empty box, an error that is not
    positive, and when `most_hidden` units do not reach the error, with what they reached.
    """
    low, high = np.asarray(lower, float), np.asarray(upper, float)
    _require(low, high, error, most_hidden)
    grid = jnp.asarray(_grid(low, high))

    def values(points: Float[Array, "points variables"]) -> Float[np.ndarray, "points outputs"]:
        return np.asarray(jax.vmap(lambda point: jnp.atleast_1d(function(point)))(points))

    expected = values(grid)
    tried: list[tuple[int, float]] = []
    hidden = FIRST_HIDDEN
    while hidden <= most_hidden:
        key, fit_key = jax.random.split(key)
        network = _fitted(values, low, high, hidden, activation, fit_key)
        tried.append((hidden, float(np.max(np.abs(jax.vmap(network)(grid) - expected)))))
        if tried[-1][1] <= SHARE_OF_FIT * error:
            astrocytes = to_astrocytes(
                network,
                neighbours=neighbours,
                transport=transport,
                inputs_within=float(np.max(np.abs([low, high]))),
                tolerance=(1 - SHARE_OF_FIT) * error,
            )
            found = np.asarray(jax.jit(jax.vmap(astrocytes.network))(grid))
            measured = float(np.max(np.abs(found - expected)))
            return Approximation(astrocytes, network, measured, tuple(tried))
        hidden *= 2
    raise ValueError(
        f"error must be at least what {most_hidden} hidden units reach, "
        f"{min(reached for _, reached in tried) / SHARE_OF_FIT:.3g} here, got {error}"
    )


def _require(
    low: Float[np.ndarray, " _variables"],
    high: Float[np.ndarray, " _variables"],
    error: float,
    most_hidden: int,
) -> None:
    if low.ndim != 1 or low.shape != high.shape or low.size not in GRID:
        raise ValueError(
            f"lower and upper must hold one to three numbers each, got {low} and {high}"
        )
    if not (np.all(np.isfinite([low, high])) and np.all(low < high)):
        raise ValueError(f"lower must be finite and below upper, got {low} and {high}")
    if not (np.isfinite(error) and error > 0):
        raise ValueError(f"error must be finite and positive, got {error}")
    if most_hidden < FIRST_HIDDEN:
        raise ValueError(f"most_hidden must be at least {FIRST_HIDDEN}, got {most_hidden}")


def _grid(
    low: Float[np.ndarray, " variables"], high: Float[np.ndarray, " variables"]
) -> Float[np.ndarray, "points variables"]:
    number = GRID[low.size]
    axes = [np.linspace(begin, end, number) for begin, end in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, low.size)


def _fitted(
    values: Callable[[Float[Array, "points variables"]], Float[np.ndarray, "points outputs"]],
    low: Float[np.ndarray, " _variables"],
    high: Float[np.ndarray, " _variables"],
    hidden: int,
    activation: Callable[[Float[Array, "..."]], Float[Array, "..."]],
    key: RandomKey,
) -> TwoLayerNetwork:
    size = low.size
    direction_key, slope_key, place_key, point_key, crowd_key = jax.random.split(key, 5)
    direction = jax.random.normal(direction_key, (hidden, size))
    direction = direction / jnp.linalg.norm(direction, axis=1, keepdims=True)
    # Slopes from those of the whole box to those at which units share the box among them.
    steepest = np.log(1.0 + 2.0 * hidden ** (1 / size))
    slope = jnp.exp(jax.random.uniform(slope_key, (hidden,), float, np.log(0.5), steepest))
    place = jax.random.uniform(place_key, (hidden, size), float, -1.0, 1.0)
    weights = direction * slope[:, None]
    bias = -jnp.sum(weights * place, axis=1)

    number = SAMPLES_PER_UNIT * hidden
    even = jax.random.uniform(point_key, (number, size), float, -1.0, 1.0)
    crowded = jnp.sin(jax.random.uniform(crowd_key, (number, size), float, -1.0, 1.0) * np.pi / 2)
    points = jnp.concatenate([even, crowded])
    features = np.asarray(activation(points @ weights.T + bias[None, :]))
    features = np.concatenate([features, np.ones((2 * number, 1))], axis=1)
    middle, half = (low + high) / 2, (high - low) / 2
    targets = values(middle[None, :] + half[None, :] * points)
    fit, *_ = np.linalg.lstsq(features, targets, rcond=1e-10)
    # From the box -1 ... 1, in which units were drawn, to the given one.
    scaled = weights / half[None, :]
    return TwoLayerNetwork(
        scaled, bias - scaled @ middle, jnp.asarray(fit[:-1].T), jnp.asarray(fit[-1]), activation
    )


__all__ = ["Approximation", "approximate"]
