"""Linear systems of a few unknowns, eliminated so that batches of them run as vector code."""

import jax
import jax.numpy as jnp
from jax.lax.linalg import lu, triangular_solve
from jaxtyping import Array, Float

from neuropil.types import Scalar

LARGEST_BATCHED = 6


def solve_with_sign(
    matrix: Float[Array, "n n"], right: Float[Array, "n columns"]
) -> tuple[Float[Array, "n columns"], Scalar]:
    """The solution of matrix x = right, and the sign of the determinant.

    Gaussian elimination with row exchanges. Up to six unknowns it is written in sums and
    products, which under `jax.vmap` run through the batch: there LAPACK spends its time on calls.
    """
    if len(matrix) <= LARGEST_BATCHED:
        return _eliminated(matrix, right)
    # Eliminated together with the matrix, the right sides need no permutation.
    factors, exchanges, _ = lu(jnp.concatenate([matrix, right], axis=1))
    parity = jnp.sum(exchanges != jnp.arange(len(matrix), dtype=exchanges.dtype)) % 2
    sign = jnp.prod(jnp.sign(jnp.diagonal(factors))) * jnp.where(parity == 1, -1.0, 1.0)
    left, right = jnp.split(factors, [len(matrix)], axis=1)
    return triangular_solve(left, right, left_side=True, lower=False), sign


def _eliminated(
    matrix: Float[Array, "n n"], right: Float[Array, "n columns"]
) -> tuple[Float[Array, "n columns"], Scalar]:
    """By a loop over the columns, of which the body is compiled once."""
    n = len(matrix)
    places = jnp.arange(n)

    def eliminate(c, now):
        rows, sign = now
        size = jnp.where(places < c, -1.0, jnp.abs(rows[:, c]))
        largest = jnp.argmax(size)
        # Sums with one term, as indices that differ within a batch are slow.
        taken = (places == largest)[:, None]
        pivot = jnp.sum(jnp.where(taken, rows, 0.0), axis=0)
        sign = sign * jnp.sign(pivot[c]) * jnp.where(largest == c, 1.0, -1.0)
        pivot = (pivot / pivot[c])[None]
        others = jnp.where(taken, rows[c][None], rows)
        others = others - others[:, c][:, None] * pivot
        return jnp.where((places == c)[:, None], pivot, others), sign

    rows = jnp.concatenate([matrix, right], axis=1)
    rows, sign = jax.lax.fori_loop(0, n, eliminate, (rows, jnp.ones(())))
    return rows[:, n:], sign


__all__ = ["solve_with_sign"]
