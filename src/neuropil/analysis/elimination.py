"""Linear systems of a few unknowns, eliminated so that batches of them run as vector code."""

import jax.numpy as jnp
from jax.scipy.linalg import lu_factor, lu_solve
from jaxtyping import Array, Float

from neuropil.types import Scalar

LARGEST_WRITTEN_OUT = 6


def solve_with_sign(
    matrix: Float[Array, "n n"], right: Float[Array, "n columns"]
) -> tuple[Float[Array, "n columns"], Scalar]:
    """The solution of matrix x = right, and the sign of the determinant.

    Gaussian elimination with row exchanges. Up to six unknowns it is written out, which under
    `jax.vmap` runs through the batch: there LAPACK spends its time on calls.
    """
    if len(matrix) <= LARGEST_WRITTEN_OUT:
        return _written_out(matrix, right)
    factors, exchanges = lu_factor(matrix)
    parity = jnp.sum(exchanges != jnp.arange(len(matrix), dtype=exchanges.dtype)) % 2
    sign = jnp.prod(jnp.sign(jnp.diagonal(factors))) * jnp.where(parity == 1, -1.0, 1.0)
    return lu_solve((factors, exchanges), right), sign


def _written_out(
    matrix: Float[Array, "n n"], right: Float[Array, "n columns"]
) -> tuple[Float[Array, "n columns"], Scalar]:
    n = len(matrix)
    places = jnp.arange(n)
    rows = jnp.concatenate([matrix, right], axis=1)
    sign = jnp.ones(())
    for c in range(n):
        largest = c + jnp.argmax(jnp.abs(rows[c:, c]))
        exchanged = jnp.where(places == c, largest, jnp.where(places == largest, c, places))
        rows = rows[exchanged]
        sign = sign * jnp.sign(rows[c, c]) * jnp.where(largest == c, 1.0, -1.0)
        pivot = rows[c] / rows[c, c]
        others = rows - rows[:, c, None] * pivot[None]
        rows = jnp.where((places == c)[:, None], pivot[None], others)
    return rows[:, n:], sign


__all__ = ["solve_with_sign"]
