"""Stable amplification in networks of rank two: the two eigenvalues that define it, in O(N)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits.linear import leading_eigenvalue
from neuropil.types import RandomKey, Scalar

PUBLISHED_SHIFT = 0.01
"""What the published code adds to the diagonal of V^T U."""

_DENSE_UP_TO = 4


class StableAmplification(NamedTuple):
    """Of W = U V^T: `growth` is Re lambda_1(W), `amplification` is lambda_1((W + W^T) / 2).

    tau dx/dt = -x + W x decays where `growth` < 1, and amplifies some direction at first where
    `amplification` > 1.
    """

    growth: Scalar
    amplification: Scalar


def stable_amplification(
    u: Float[Array, "neurons 2"],
    v: Float[Array, "neurons 2"],
    *,
    noise: float | Float[Array, ""] = 0.0,
    key: RandomKey | None = None,
    diagonal_shift: float | Float[Array, ""] = 0.0,
) -> StableAmplification:
    """Leading eigenvalues of W = (U + g chi_U) (V + g chi_V)^T and of its symmetric part.

    `u` and `v` are U and V, `noise` is g, with chi standard normal from `key`. `growth` comes
    from the 2x2 matrix V^T U, whose eigenvalues are those of W but for N - 2 zeros, which are not
    looked at; `diagonal_shift` is added to that matrix (`PUBLISHED_SHIFT` in the published code,
    which raises `growth` by as much; the exact value is 0). `amplification` comes from a 4x4
    matrix. No N x N matrix is formed. Both are differentiable with finite gradients, that of
    `growth` by the rule of `leading_eigenvalue`.

    Source: Bittner et al., eLife 2021 (scaling study). Raises `ValueError` when `u` and `v` are
    not of one shape (N, 2), or noise is asked for without a key.
    """
    if u.shape != v.shape or u.ndim != 2 or u.shape[1] != 2 or not u.shape[0]:
        raise ValueError(f"u and v must both have shape (N, 2), got {u.shape} and {v.shape}")
    if key is not None:
        of_u, of_v = jax.random.split(key)
        u = u + noise * jax.random.normal(of_u, u.shape, u.dtype)
        v = v + noise * jax.random.normal(of_v, v.shape, v.dtype)
    elif isinstance(noise, jax.core.Tracer) or noise != 0:
        raise ValueError(f"key must be given where noise is not 0, got None with noise {noise}")
    small = v.T @ u + diagonal_shift * jnp.eye(2, dtype=u.dtype)
    return StableAmplification(leading_eigenvalue(small).growth_rate, _symmetric_eigenvalue(u, v))


@jax.custom_jvp
def _symmetric_eigenvalue(u: Float[Array, "neurons 2"], v: Float[Array, "neurons 2"]) -> Scalar:
    return _symmetric_eigenpair(u, v)[0]


@_symmetric_eigenvalue.defjvp
def _symmetric_eigenvalue_jvp(primals, tangents):
    u, v = primals
    du, dv = tangents
    eigenvalue, vector = _symmetric_eigenpair(u, v)
    change = (vector @ du) @ (vector @ v) + (vector @ u) @ (vector @ dv)
    return eigenvalue, change


def _symmetric_eigenpair(
    u: Float[Array, "neurons 2"], v: Float[Array, "neurons 2"]
) -> tuple[Scalar, Float[Array, " neurons"]]:
    """Largest eigenvalue of (U V^T + V U^T) / 2, and its eigenvector of length one."""
    if u.shape[0] <= _DENSE_UP_TO:
        product = u @ v.T
        eigenvalues, vectors = jnp.linalg.eigh(0.5 * (product + product.T))
        return eigenvalues[-1], vectors[:, -1]
    # With B = [U V] the symmetric part is B S B^T / 2, where S exchanges the halves: it shares
    # its non-zero eigenvalues with R S R^T / 2 for any R with R^T R = B^T B. From the
    # eigenvectors of B^T B this R exists where columns depend on each other, too.
    columns = jnp.concatenate([u, v], axis=1)
    variances, directions = jnp.linalg.eigh(columns.T @ columns)
    root = directions * jnp.sqrt(jnp.maximum(variances, 0.0))[None]
    exchanged = jnp.roll(root, 2, axis=0)
    reduced = 0.5 * (root.T @ exchanged)
    eigenvalues, vectors = jnp.linalg.eigh(0.5 * (reduced + reduced.T))
    eigenvalue = eigenvalues[-1]
    projections = root @ vectors[:, -1]
    is_positive = eigenvalue > 0
    vector = 0.5 * (columns @ jnp.roll(projections, 2)) / jnp.where(is_positive, eigenvalue, 1.0)
    return eigenvalue, jnp.where(is_positive, vector, 0.0)


__all__ = ["PUBLISHED_SHIFT", "StableAmplification", "stable_amplification"]
