"""Parameters of circuits: converted to arrays, and checked when they are given."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def parameter(default: float) -> Any:
    """A field of an `equinox.Module` that takes numbers, lists or arrays."""
    return eqx.field(converter=lambda value: jnp.asarray(value, float), default=default)


def require_parameters(
    parameters: Mapping[str, tuple[Float[Array, "..."], int]], *, positive: bool
) -> None:
    """Raise `ValueError` unless each is finite (and `positive`), and one value or one an element.

    `parameters` gives for each name the value and the number of elements. Values that compiled
    code is still to supply are checked for shape only.
    """
    for name, (value, size) in parameters.items():
        if value.shape not in ((), (size,)):
            raise ValueError(
                f"{name} must be one value or one for each of {size} elements, "
                f"got shape {value.shape}"
            )
        if isinstance(value, jax.core.Tracer):
            continue
        numbers = np.ravel(value)
        wrong = numbers[~np.isfinite(numbers)]
        if wrong.size:
            raise ValueError(f"{name} must be finite, got {wrong[0]}")
        if positive and np.any(numbers <= 0):
            raise ValueError(f"{name} must be positive, got {numbers[numbers <= 0][0]}")


__all__ = ["parameter", "require_parameters"]
