"""Norms that tell a missing number from a small one."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def maximum_norm(values: Float[Array, "..."], axis: int | None = None) -> Float[Array, "..."]:
    """max |values| over an axis or over all, not a number where one of them is not a number.

    On processors `jnp.max` alone may overlook what is not a number, or take it for minus infinity,
    where the compiler has turned the reduction into vector code.
    """
    largest = jnp.max(jnp.abs(values), axis=axis)
    return jnp.where(jnp.any(jnp.isnan(values), axis=axis), jnp.nan, largest)


__all__ = ["maximum_norm"]
