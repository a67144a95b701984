"""All roots of a function of one variable on an interval, in compiled code of fixed shape."""

from collections.abc import Callable
from math import ceil, log2
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.types import Scalar

ScalarFunction = Callable[[Scalar], Scalar]


class Crossings(NamedTuple):
    """Intervals at whose ends a function has different signs, in ascending order.

    Only the first `number` of them exist; `number` may be larger than there is room for.
    `is_finite` tells whether the function was a number at all points that were looked at.
    """

    lower: Float[Array, " branches"]
    upper: Float[Array, " branches"]
    lower_value: Float[Array, " branches"]
    upper_value: Float[Array, " branches"]
    exists: Bool[Array, " branches"]
    number: Int[Array, ""]
    is_finite: Bool[Array, ""]


def crossings(
    function: ScalarFunction, grid: Float[Array, " points"], *, maximum: int
) -> Crossings:
    """Where `function` changes its sign along an ascending grid, `maximum` places at most.

    Between neighbours of one sign the function may still cross zero twice. So it is evaluated
    once more in each cell, where the cubic through the four values around comes nearest to the
    other sign. Zero counts as positive. The grid must have four points or more.
    """
    values = jax.vmap(function)(grid)
    between = _nearest_to_zero(grid, values)
    points = _alternate(grid, between)
    all_values = _alternate(values, jax.vmap(function)(between))
    is_positive = all_values >= 0
    changes = is_positive[:-1] != is_positive[1:]
    first = jnp.nonzero(changes, size=maximum, fill_value=0)[0]
    number = jnp.sum(changes)
    return Crossings(
        points[first],
        points[first + 1],
        all_values[first],
        all_values[first + 1],
        jnp.arange(maximum) < number,
        number,
        jnp.all(jnp.isfinite(all_values)),
    )


def bracketed_root(
    function: ScalarFunction,
    lower: Scalar,
    upper: Scalar,
    lower_value: Scalar,
    upper_value: Scalar,
    *,
    tolerance: float,
) -> Scalar:
    """The root between two points at which the function has different signs.

    To within `tolerance` times the width of the bracket. Never more than one evaluation more
    than bisection, and far fewer where the function is smooth: Oliveira and Takahashi, "An
    enhancement of the bisection method average performance preserving minmax optimality" (2020).
    """
    bisections = ceil(log2(1 / tolerance))
    sign = jnp.where(upper_value >= 0, 1.0, -1.0)
    width = upper - lower

    # On the unit interval, and increasing.
    def step(carry):
        a, b, at_a, at_b, steps = carry
        middle = 0.5 * (a + b)
        slack = tolerance * jnp.exp2(bisections - steps) - 0.5 * (b - a)
        rise = at_b - at_a
        secant = jnp.where(rise > 0, (at_b * a - at_a * b) / jnp.where(rise > 0, rise, 1), middle)
        towards = jnp.sign(middle - secant)
        shift = 0.2 * (b - a) ** 2
        moved = jnp.where(shift <= jnp.abs(middle - secant), secant + towards * shift, middle)
        x = jnp.where(jnp.abs(moved - middle) <= slack, moved, middle - towards * slack)
        value = sign * function(lower + width * x)
        is_right = value >= 0
        return (
            jnp.where(is_right, a, x),
            jnp.where(is_right, x, b),
            jnp.where(is_right, at_a, value),
            jnp.where(is_right, value, at_b),
            steps + 1,
        )

    def proceed(carry):
        a, b, _, _, steps = carry
        return (b - a > 2 * tolerance) & (steps <= bisections)

    begin = (
        jnp.zeros_like(lower),
        jnp.ones_like(lower),
        sign * lower_value,
        sign * upper_value,
        jnp.asarray(0.0),
    )
    a, b, _, _, _ = jax.lax.while_loop(proceed, step, begin)
    return lower + width * 0.5 * (a + b)


def _nearest_to_zero(grid, values):
    """One point inside each cell: where the cubic through it and its neighbours is least.

    Least in absolute value, that is; through the four points of the grid around the cell.
    """
    first = jnp.diff(values) / jnp.diff(grid)
    second = jnp.diff(first) / (grid[2:] - grid[:-2])
    third = jnp.diff(second) / (grid[3:] - grid[:-3])
    begin = np.clip(np.arange(grid.size - 1) - 1, 0, grid.size - 4)

    def slope(place):
        u, v, w = (place - grid[begin + k] for k in range(3))
        return first[begin] + second[begin] * (u + v) + third[begin] * (u * v + u * w + v * w)

    width, rise = jnp.diff(grid), jnp.diff(values)
    left, right = slope(grid[:-1]) * width, slope(grid[1:]) * width
    # left u + quadratic u^2 + cubic u^3 along the cell, 0 <= u <= 1.
    quadratic, cubic = 3 * rise - 2 * left - right, left + right - 2 * rise
    discriminant = jnp.sqrt(jnp.maximum(quadratic**2 - 3 * cubic * left, 0.0))
    stable = -(quadratic + jnp.where(quadratic < 0, -1.0, 1.0) * discriminant)
    places = (
        stable / jnp.where(cubic == 0, 1.0, 3 * cubic),
        left / jnp.where(stable == 0, 1.0, stable),
    )
    sign = jnp.where(values[:-1] >= 0, 1.0, -1.0)

    def height(u):
        is_inside = (u > 0) & (u < 1)
        return jnp.where(is_inside, sign * (left + (quadratic + cubic * u) * u) * u, jnp.inf)

    best = jnp.where(height(places[0]) < height(places[1]), *places)
    best = jnp.where(jnp.isfinite(height(best)), best, 0.5)
    return grid[:-1] + jnp.clip(best, 0.01, 0.99) * width


def _alternate(
    outer: Float[Array, " points"], inner: Float[Array, " cells"]
) -> Float[Array, " all"]:
    pairs = jnp.stack([outer[:-1], inner], axis=1).reshape(-1)
    return jnp.concatenate([pairs, outer[-1:]])


__all__ = ["Crossings", "bracketed_root", "crossings"]
