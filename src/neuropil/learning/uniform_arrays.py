"""First weights: uniform numbers for many arrays from one draw."""

import math
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import jax
from jaxtyping import Array, Float

from neuropil.types import RandomKey


@partial(jax.jit, static_argnames=("shapes", "bounds", "dtype"))
def uniform_arrays(
    key: RandomKey,
    shapes: tuple[tuple[int, ...], ...],
    bounds: tuple[float, ...],
    dtype: Any = float,
) -> tuple[Float[Array, "..."], ...]:
    """Independent numbers, those of each array uniform between minus and plus its bound.

    They are cut out of a single draw, as every draw of its own takes longer to compile than all
    the rest of a small network.
    """
    ends = list(accumulate((math.prod(shape) for shape in shapes), initial=0))
    drawn = jax.random.uniform(key, (ends[-1],), dtype, -1.0, 1.0)
    return tuple(
        bound * drawn[first:last].reshape(shape)
        for shape, bound, (first, last) in zip(shapes, bounds, pairwise(ends), strict=True)
    )


__all__ = ["uniform_arrays"]
