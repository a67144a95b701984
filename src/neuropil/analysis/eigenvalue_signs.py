"""Which side of the imaginary axis the eigenvalues lie on, with and without computing them."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.types import Scalar

LARGEST_TABLE = 4


class EigenvalueSigns(NamedTuple):
    """Number of eigenvalues right of the imaginary axis, and a sign that flips where two cross.

    `pair_sign` is the sign of the product of all sums of two eigenvalues, up to a factor that
    depends on the dimension alone. It changes at a Hopf point, and at a neutral saddle, where two
    real eigenvalues are opposite.
    """

    n_unstable: Int[Array, ""]
    pair_sign: Scalar


def signs_by_table(jacobian: Float[Array, "n n"]) -> EigenvalueSigns:
    """From the Routh table of the characteristic polynomial, for a few dimensions.

    The number of sign changes in its first column is that of eigenvalues to the right (Routh);
    the product of the first column without its ends is the last but one Hurwitz determinant,
    which is the product of all sums of two eigenvalues (Orlando). Source: F. R. Gantmacher, The
    Theory of Matrices (Chelsea, 1959), vol. 2, ch. XV.
    """
    n = len(jacobian)
    size = jnp.max(jnp.abs(jacobian))
    scaled = jacobian / jnp.where(size > 0, size, 1.0)
    coefficients = _characteristic(scaled)
    upper, lower = coefficients[0::2], coefficients[1::2]
    column = [upper[0]]
    for _ in range(n):
        column.append(lower[0])
        following = [*lower[1:], jnp.zeros(())]
        ratio = upper[0] / lower[0]
        rest = [
            upper[k + 1] - ratio * (following[k] if k < len(following) else 0.0)
            for k in range(len(upper) - 1)
        ]
        upper, lower = lower, rest or [jnp.zeros(())]
    first = jnp.sign(jnp.stack(column))
    return EigenvalueSigns(jnp.sum(first[1:] * first[:-1] < 0), jnp.prod(first[1:-1]))


def _characteristic(matrix: Float[Array, "n n"]) -> list[Scalar]:
    """Coefficients of det(x - A), highest power first (Faddeev and Le Verrier)."""
    n = len(matrix)
    coefficients, product = [jnp.ones(())], matrix
    for k in range(1, n + 1):
        coefficients.append(-jnp.trace(product) / k)
        if k < n:
            factor = product + coefficients[-1] * jnp.eye(n)
            # A sum of products, since XLA calls a library for each small matrix product.
            product = jnp.sum(matrix[:, :, None] * factor[None, :, :], axis=1)
    return coefficients


def signs_of(eigenvalues: Complex[Array, " n"]) -> EigenvalueSigns:
    """From the eigenvalues themselves."""
    return EigenvalueSigns(jnp.sum(eigenvalues.real > 0), _pair_sign(eigenvalues))


def _pair_sign(eigenvalues: Complex[Array, " n"]) -> Scalar:
    one, other = np.triu_indices(eigenvalues.size, k=1)
    sums = eigenvalues[one] + eigenvalues[other]
    size = jnp.abs(sums)
    directions = sums / jnp.where(size > 0, size, 1.0).astype(sums.dtype)
    return jnp.sign(jnp.prod(directions).real)


def crosses_in_pairs(
    n_unstable: Int[Array, " points"], pair_sign: Float[Array, " points"]
) -> Bool[Array, " steps"]:
    """Between which neighbouring points two eigenvalues may have crossed the axis together."""
    flips = pair_sign[:-1] * pair_sign[1:] < 0
    return flips | (jnp.abs(n_unstable[1:] - n_unstable[:-1]) >= 2)


__all__ = ["EigenvalueSigns", "crosses_in_pairs", "signs_by_table", "signs_of"]
