"""Limiting kernels that are measures: each neuron listens to single points of [0, 1]."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.connectivity.kernel import AbstractKernel
from neuropil.connectivity.kernel_analytic import (
    FEWEST_NODES_TO_JUDGE,
    midpoints,
    require_bounded_masses,
)

Curve = Callable[[Float[np.ndarray, " types"]], Float[Array | np.ndarray, " types"]]
"""The point of the ring [0, 1) that each receiver listens to, any number modulo 1."""


class CurveKernel(AbstractKernel):
    """w(xi, d zeta) = sum over c of `weights[c]` delta(zeta - curve_c(xi)) on the ring [0, 1).

    Types are the midpoints of equal cells, each with the same `measure`; `places[c, k]` is
    curve_c at the k-th of them, modulo 1. Functions of the type are continued between the
    midpoints by straight lines around the ring: `apply` is exact for functions linear between
    them, and otherwise in error by an eighth of the largest second derivative over types^2, for
    each unit of weight. `apply_transpose` is the exact adjoint of `apply`. Made by `curve_kernel`.

    Raises `ValueError` when the shapes differ.
    """

    places: Float[Array, "curves types"]
    weights: Float[Array, " curves"]
    measure: Float[Array, " types"]

    def __init__(
        self,
        places: Float[Array | np.ndarray, "..."],
        weights: Float[Array | np.ndarray, "..."],
    ):
        self.places = jnp.asarray(places, float)
        self.weights = jnp.asarray(weights, float)
        if self.places.ndim != 2 or self.weights.shape != self.places.shape[:1]:
            raise ValueError(
                "places must have shape (curves, types) and weights (curves,), got "
                f"{self.places.shape} and {self.weights.shape}"
            )
        types = self.places.shape[1]
        self.measure = jnp.full(types, 1.0 / types)

    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each type receives when type l sends `values[l]`."""
        left, right, beyond = _neighbours(self.places)
        seen = (1.0 - beyond) * values[left] + beyond * values[right]
        return self.weights @ seen

    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The integral of `values(xi) w(d xi, zeta_l)` for each type l."""
        left, right, beyond = _neighbours(self.places)
        sent = self.weights[:, None] * values[None, :]
        collected = jnp.zeros(values.shape, sent.dtype).at[left].add((1.0 - beyond) * sent)
        return collected.at[right].add(beyond * sent)


def curve_kernel(
    curves: Sequence[Curve], weights: Sequence[float] | Float[np.ndarray, " curves"], types: int
) -> CurveKernel:
    """Every neuron xi listens to the neurons around curve_c(xi) with total weight `weights[c]`.

    Nearest neighbours on the ring are one curve, xi -> xi; each neuron driven from a quarter of
    the ring away is xi -> xi + 1/4. No density w(xi, zeta) exists: this is a measure in zeta.
    Raises `ValueError` for a curve that gathers a positive fraction of all weight on one point
    (the total weight from a type must stay bounded), a value that is not finite, no types, or as
    many weights as curves not given.
    """
    strengths = np.asarray(weights, float)
    if types < 1:
        raise ValueError(f"types must be at least 1, got {types}")
    if strengths.shape != (len(curves),) or not np.all(np.isfinite(strengths)):
        raise ValueError(
            f"weights must hold one finite number for each of {len(curves)} curves, got {weights}"
        )

    def masses(cells: int) -> tuple[float, float]:
        left, right, beyond = _neighbours(_places(curves, cells))
        sent = np.broadcast_to(np.abs(strengths)[:, None], left.shape)
        heard = np.bincount(left.ravel(), ((1.0 - beyond) * sent).ravel(), cells)
        heard += np.bincount(right.ravel(), (beyond * sent).ravel(), cells)
        return float(np.abs(strengths).sum()), float(heard.max())

    if types >= FEWEST_NODES_TO_JUDGE:
        require_bounded_masses(masses, types)
    return CurveKernel(_places(curves, types), strengths)


def _neighbours(places: Any) -> tuple[Any, Any, Any]:
    """The midpoints on either side of each place, and how far it lies towards the right."""
    types = places.shape[1]
    position = (places % 1.0) * types - 0.5
    below = position // 1.0
    left = below.astype(int) % types
    return left, (left + 1) % types, position - below


def _places(curves: Sequence[Curve], cells: int) -> np.ndarray:
    where = midpoints(cells)
    places = np.array([np.broadcast_to(np.asarray(curve(where)), (cells,)) for curve in curves])
    if not np.all(np.isfinite(places)):
        raise ValueError("curves must be finite everywhere on [0, 1]")
    return places


__all__ = ["Curve", "CurveKernel", "curve_kernel"]
