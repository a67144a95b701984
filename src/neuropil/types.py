"""Aliases for the arrays and keys that appear in signatures."""

from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

ArrayLike: TypeAlias = jax.Array | np.ndarray | float
RandomKey: TypeAlias = Key[Array, ""]
"""A typed JAX key, made by `jax.random.key(seed)`: the only source of randomness."""

Scalar: TypeAlias = Float[Array, ""]
State: TypeAlias = Float[Array, " dimension"]
Rates: TypeAlias = Float[Array, " neurons"]
Indices: TypeAlias = Int[np.ndarray, " edges"]

__all__ = ["ArrayLike", "Indices", "RandomKey", "Rates", "Scalar", "State"]
