"""Distributions that parameters are drawn from before learning."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.types import RandomKey


class AbstractInitialValues(eqx.Module):
    """Independent values of one distribution."""

    @abstractmethod
    def __call__(
        self, key: RandomKey, shape: tuple[int, ...], dtype: Any = float
    ) -> Float[Array, "..."]:
        """An array of the shape."""


class Normal(AbstractInitialValues):
    """Gaussian with mean zero."""

    deviation: float | Float[Array, ""] = 1.0

    def __call__(
        self, key: RandomKey, shape: tuple[int, ...], dtype: Any = float
    ) -> Float[Array, "..."]:
        """`deviation` times standard normal values."""
        return jnp.asarray(self.deviation, dtype) * jax.random.normal(key, shape, dtype)


class Uniform(AbstractInitialValues):
    """Uniform between -`bound` and `bound`."""

    bound: float | Float[Array, ""] = 1.0

    def __call__(
        self, key: RandomKey, shape: tuple[int, ...], dtype: Any = float
    ) -> Float[Array, "..."]:
        """Uniform values."""
        return jnp.asarray(self.bound, dtype) * jax.random.uniform(key, shape, dtype, -1.0, 1.0)


class Constant(AbstractInitialValues):
    """The same value everywhere."""

    value: float | Float[Array, ""] = 0.0

    def __call__(
        self, key: RandomKey, shape: tuple[int, ...], dtype: Any = float
    ) -> Float[Array, "..."]:
        """`value` in every place; the key is not used."""
        del key
        return jnp.broadcast_to(jnp.asarray(self.value, dtype), shape)


__all__ = ["AbstractInitialValues", "Constant", "Normal", "Uniform"]
