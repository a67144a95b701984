"""Limiting kernels that are measures: each neuron listens to single points of [0, 1]."""

from collections.abc import Callable, Sequence

import equinox as eqx
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

    Types are the midpoints of equal cells; `places[c, k]` is curve_c at the k-th of them, modulo
    1. Functions of the type are continued between the midpoints by straight lines around the
    ring: `apply` is exact for functions linear between them, and otherwise in error by an eighth
    of the largest second derivative over types^2. `apply_transpose` is the exact adjoint of
    `apply`. Made by `curve_kernel`.

    Raises `ValueError` when a value is not finite or the shapes differ.
    """

    places: Float[Array, "curves types"] = eqx.field(converter=lambda x: jnp.asarray(x, float))
    weights: Float[Array, " curves"] = eqx.field(converter=lambda x: jnp.asarray(x, float))

    def __check_init__(self):
        if self.places.ndim != 2 or self.weights.shape != self.places.shape[:1]:
            raise ValueError(
                "places must have shape (curves, types) and weights (curves,), got "
                f"{self.places.shape} and {self.weights.shape}"
            )

    @property
    def measure(self) -> Float[Array, " types"]:
        """Equal fractions of neurons in all cells."""
        types = self.places.shape[1]
        return jnp.full(types, 1.0 / types)

    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each type receives when type l sends `values[l]`."""
        left, right, beyond = self._neighbours()
        seen = (1.0 - beyond) * values[left] + beyond * values[right]
        return self.weights @ seen

    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The integral of `values(xi) w(d xi, zeta_l)` for each type l."""
        left, right, beyond = self._neighbours()
        sent = self.weights[:, None] * values[None, :]
        collected = jnp.zeros(values.shape, sent.dtype).at[left].add((1.0 - beyond) * sent)
        return collected.at[right].add(beyond * sent)

    def _neighbours(self):
        """The midpoints on either side of each place, and how far it lies towards the right."""
        types = self.places.shape[1]
        position = (self.places % 1.0) * types - 0.5
        below = jnp.floor(position)
        left = below.astype(int) % types
        return left, (left + 1) % types, position - below


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

    def at(cells: int) -> CurveKernel:
        return CurveKernel(_places(curves, cells), strengths)

    def masses(cells: int) -> tuple[float, float]:
        unsigned = CurveKernel(_places(curves, cells), np.abs(strengths))
        return float(np.abs(strengths).sum()), float(
            np.max(unsigned.apply_transpose(jnp.ones(cells)))
        )

    if types >= FEWEST_NODES_TO_JUDGE:
        require_bounded_masses(masses, types)
    return at(types)


def _places(curves: Sequence[Curve], cells: int) -> np.ndarray:
    where = midpoints(cells)
    places = np.array([np.broadcast_to(np.asarray(curve(where)), (cells,)) for curve in curves])
    if not np.all(np.isfinite(places)):
        raise ValueError("curves must be finite everywhere on [0, 1]")
    return places


__all__ = ["Curve", "CurveKernel", "curve_kernel"]
