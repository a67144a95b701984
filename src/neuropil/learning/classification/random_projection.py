"""A fixed sparse random projection from many inputs to few."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.types import RandomKey


class SparseRandomProjection(eqx.Module):
    """A linear map whose weights are mostly zero, the others of one size and either sign.

    It keeps squared lengths on average (Li, Hastie and Church, "Very sparse random projections",
    KDD 2006); nothing in it is learned.
    """

    weights: Float[Array, "outputs inputs"]

    def __call__(self, x: Float[Array, "*samples inputs"]) -> Float[Array, "*samples outputs"]:
        """The projection of one input, or of many along leading axes."""
        return x @ self.weights.T


def sparse_random_projection(
    key: RandomKey, *, inputs: int, outputs: int = 20, density: float | None = None
) -> SparseRandomProjection:
    """Weights +-sqrt(1 / (density outputs)), each with probability density / 2, else 0.

    `density` is 1/sqrt(inputs) unless it is given. Raises `ValueError`, naming the argument, for
    sizes below 1 and a density outside (0, 1].
    """
    for name, size in (("inputs", inputs), ("outputs", outputs)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    share = 1.0 / math.sqrt(inputs) if density is None else density
    if not 0 < share <= 1:
        raise ValueError(f"density must lie in (0, 1], got {density}")
    size_key, sign_key = jax.random.split(key)
    present = jax.random.uniform(size_key, (outputs, inputs)) < share
    sign = jax.random.rademacher(sign_key, (outputs, inputs), float)
    return SparseRandomProjection(jnp.where(present, sign / math.sqrt(share * outputs), 0.0))


__all__ = ["SparseRandomProjection", "sparse_random_projection"]
