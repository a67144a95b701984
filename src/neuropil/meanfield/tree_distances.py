"""How far apart two sets of tree observables are, in distances as weak as their convergence."""

from typing import no_type_check

import equinox as eqx
import jax
import jax.numpy as jnp
import numba
import numpy as np
from jaxtyping import Array, Float

from neuropil.meanfield.tree_observables import TreeObservables


class Cosine(eqx.Module):
    """cos(`wave_number` v + `phase`), the wave number in 1/mV."""

    wave_number: float
    phase: float = 0.0

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The value at a potential in mV."""
        return jnp.cos(self.wave_number * potential + self.phase)


class Sigmoid(eqx.Module):
    """1 / (1 + exp(-(v - `midpoint`) / `width`)), both in mV."""

    midpoint: float
    width: float

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The value at a potential in mV."""
        return jax.nn.sigmoid((potential - self.midpoint) / self.width)


def distinguishing_functions(
    low: float, high: float, *, waves: int = 4, steps: int = 5
) -> tuple[Cosine | Sigmoid, ...]:
    """Bounded smooth functions that tell laws on the range of potentials apart (mV).

    Cosines and sines with 1/2, 1, ... half waves over the range, and sigmoids as wide as the
    distance between their midpoints, which divide the range evenly. All are at most 1. Raises
    `ValueError` unless `low` < `high` and there is at least one function.
    """
    if not low < high:
        raise ValueError(f"low must be below high, got {low} and {high}")
    if waves < 0 or steps < 0 or waves + steps == 0:
        raise ValueError(f"waves and steps must give some functions, got {waves} and {steps}")
    unit = np.pi / (high - low)
    cosines = [
        Cosine(number * unit, phase - number * unit * low)
        for number in range(1, waves + 1)
        for phase in (0.0, -np.pi / 2)
    ]
    gap = (high - low) / (steps + 1)
    sigmoids = [Sigmoid(low + (number + 1) * gap, gap / 2) for number in range(steps)]
    return (*cosines, *sigmoids)


def largest_difference(
    first: TreeObservables, second: TreeObservables
) -> Float[np.ndarray, " trees"]:
    """For each tree, the largest difference over the test functions.

    Raises `ValueError` unless both hold the same trees and as many functions.
    """
    names = [[tree.name for tree in each.trees] for each in (first, second)]
    if names[0] != names[1] or first.values.shape != second.values.shape:
        raise ValueError("first and second must hold the same trees and test functions")
    return np.abs(np.asarray(first.values) - np.asarray(second.values)).max(axis=1)


def tensorised_negative_sobolev(
    first: Float[np.ndarray, "..."],
    second: Float[np.ndarray, "..."],
    bin_edges: Float[np.ndarray, " bins_plus_one"],
    *,
    length: float = 1.0,
) -> float:
    """The tensorised H^-1 distance between two densities over bins, one axis for each vertex.

    The square is the integral of h(x) h(y) prod_k exp(-|x_k - y_k| / length) / (2 length), h the
    difference, constant on each bin: integrated exactly. `length` (mV) is how far apart masses
    no longer see each other; the norm has the unit 1/sqrt(mV) for each vertex, times that of the
    observable. Takes bins^(axes + 1) operations.

    Source: the norm of Jabin and Zhou, arXiv:2309.04046, with a length. Raises `ValueError` when
    the shapes differ, do not fit the bins, or `length` is not positive.
    """
    _require_length(length)
    widths = np.diff(bin_edges)
    if np.any(widths <= 0):
        raise ValueError("bin_edges must ascend")
    if first.shape != second.shape or any(axis != widths.size for axis in first.shape):
        raise ValueError(
            f"first and second must have {widths.size} bins along every axis, got {first.shape} "
            f"and {second.shape}"
        )
    difference = first - second
    seen = difference
    between = _green_between_bins(np.asarray(bin_edges, float), length)
    for axis in range(difference.ndim):
        seen = np.moveaxis(np.tensordot(between, seen, axes=(1, axis)), 0, axis)
    return float(np.sqrt(max(0.0, float(np.sum(difference * seen)))))


def negative_sobolev_of_samples(
    first: Float[np.ndarray, " samples"],
    second: Float[np.ndarray, " others"],
    *,
    first_masses: Float[np.ndarray, " samples"] | None = None,
    second_masses: Float[np.ndarray, " others"] | None = None,
    length: float = 1.0,
) -> float:
    """The H^-1 distance between the laws of two samples (mV).

    Samples have equal masses that sum to 1 unless `first_masses` or `second_masses` are given,
    as for a density at the centres of its bins.

    Exact for the sums over all pairs of exp(-|x - y| / length) / (2 length), in O(N log N): the
    square is the integral of the square of h filtered by exp(-x / length) / length, which decays
    between the sorted samples. The mean square for N independent samples of a law and the law
    itself is at most 1 / (2 length N). Raises `ValueError` for an empty sample, values or masses
    that are not finite, masses of another shape, or a `length` that is not positive.
    """
    _require_length(length)
    masses = []
    for name, sample, given in (
        ("first", first, first_masses),
        ("second", second, second_masses),
    ):
        if not sample.size or not np.all(np.isfinite(sample)):
            raise ValueError(f"{name} must hold finite numbers, at least one")
        if given is not None and (given.shape != sample.shape or not np.all(np.isfinite(given))):
            raise ValueError(f"{name}_masses must hold one finite number for each sample")
        masses.append(np.full(sample.size, 1.0 / sample.size) if given is None else given)
    places = np.concatenate([first, second])
    signed = np.concatenate([masses[0], -masses[1]])
    order = np.argsort(places)
    return float(np.sqrt(_filtered_square(places[order] / length, signed[order]) / length))


def _green_between_bins(edges: np.ndarray, length: float) -> np.ndarray:
    """Integrals of the Green kernel over pairs of bins."""
    centres, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    # Between different bins exp(-|x - y|) is a product of one factor for each end.
    reach = 2 * length * np.sinh(half / length)
    apart = np.abs(centres[:, None] - centres[None, :])
    between = np.outer(reach, reach) * np.exp(-apart / length) / (2 * length)
    widths = 2 * half
    np.fill_diagonal(between, widths + length * np.expm1(-widths / length))
    return between


@numba.njit(cache=True, nogil=True)
@no_type_check
def _filtered_square(places, masses):
    level = masses[0]
    total = 0.0
    for place in range(1, places.size):
        gap = places[place] - places[place - 1]
        total -= level * level * np.expm1(-2.0 * gap) / 2.0
        level = level * np.exp(-gap) + masses[place]
    return total + level * level / 2.0


def _require_length(length: float) -> None:
    if not (np.isfinite(length) and length > 0):
        raise ValueError(f"length must be positive and finite, got {length}")


__all__ = [
    "Cosine",
    "Sigmoid",
    "largest_difference",
    "negative_sobolev_of_samples",
    "tensorised_negative_sobolev",
    "distinguishing_functions",
]
