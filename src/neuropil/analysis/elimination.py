"""Linear systems of a few unknowns, eliminated so that batches of them run as vector code."""

import jax
import jax.numpy as jnp
from jax.lax.linalg import lu, triangular_solve
from jaxtyping import Array, Float

from neuropil.types import Scalar

LARGEST_WRITTEN_OUT = 6


@jax.custom_batching.custom_vmap
def solve_with_sign(
    matrix: Float[Array, "n n"], right: Float[Array, "n columns"]
) -> tuple[Float[Array, "n columns"], Scalar]:
    """The solution of matrix x = right, and the sign of the determinant.

    Gaussian elimination with row exchanges, by LAPACK. Under `jax.vmap` it is written out up to
    six unknowns, to run through the batch: there LAPACK spends its time on calls.
    """
    n = len(matrix)
    # Eliminated together with the matrix, the right sides need no permutation.
    factors, exchanges, _ = lu(jnp.concatenate([matrix, right], axis=1))
    odd = jnp.sum(exchanges != jnp.arange(n, dtype=exchanges.dtype)) % 2 == 1
    sign = jnp.prod(jnp.sign(jnp.diagonal(factors))) * jnp.where(odd, -1.0, 1.0)
    return triangular_solve(factors[:, :n], factors[:, n:], left_side=True), sign


@solve_with_sign.def_vmap
def _solve_batch(size, is_batched, matrix, right):
    matrix, right = (
        values if batched else jnp.broadcast_to(values, (size, *values.shape))
        for values, batched in zip((matrix, right), is_batched, strict=True)
    )
    small = matrix.shape[1] <= LARGEST_WRITTEN_OUT
    return (_batch_written_out if small else _batch_by_lapack)(matrix, right), (True, True)


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


# Loops within loops are batched several times: like this, the elimination is traced once.
_batch_written_out = jax.jit(jax.vmap(_written_out))
_batch_by_lapack = jax.jit(jax.vmap(solve_with_sign.fun))

__all__ = ["solve_with_sign"]
