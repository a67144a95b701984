"""The feasible second-order statistics nearest to infeasible ones."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from neuropil.connectivity.bivariate_normal import excess_from_correlation
from neuropil.connectivity.sonet_feasibility import (
    LatentCorrelations,
    SonetParameters,
    unchecked_correlations,
)

MAXIMUM_PROJECTIONS = 20_000
CONVERGED = 1e-14
UNCHANGED = 1e-9

Point = Float[np.ndarray, "4"]


def nearest_feasible(parameters: SonetParameters) -> tuple[SonetParameters, tuple[str, ...]]:
    """The nearest feasible statistics, and a sentence for each that had to change.

    Nearest in the latent correlations: the sum of squares of the changes of rho_reciprocal and
    of the matrix [[rho_convergent, rho_chain], [rho_chain, rho_divergent]]. The feasible set is
    convex in these, so that the nearest point is unique. Feasible parameters come back as given.
    """
    p = parameters.connection_probability
    asked = unchecked_correlations(parameters)
    found = _project(asked, reciprocal_is_free=parameters.reciprocal is None)
    changes: dict[str, Any] = {}
    sentences = []
    for name in LatentCorrelations._fields:
        before, after = getattr(parameters, name), getattr(found, name)
        if before is None or abs(after - getattr(asked, name)) < UNCHANGED:
            continue
        changes[name] = excess_from_correlation(after, p)
        sentences.append(f"{name} changed from {before:.6g} to {changes[name]:.6g}")
    return replace(parameters, **changes), tuple(sentences)


def _project(asked: LatentCorrelations, *, reciprocal_is_free: bool) -> LatentCorrelations:
    """Dykstra's alternating projections onto the positive matrices and two half-spaces.

    In the coordinates (convergent, divergent, sqrt(2) chain, reciprocal) the distance is the
    Euclidean one. The half-spaces are +-(reciprocal - 2 chain) <= 1 - convergent - divergent.

    Source: Boyle and Dykstra, "A method for finding projections onto the intersection of convex
    sets in Hilbert spaces", Lecture Notes in Statistics 37 (1986).
    """
    root2 = math.sqrt(2)
    tie = 0.0 if reciprocal_is_free else 1.0
    normals = np.array([[1, 1, -root2 * tie, tie], [1, 1, root2 * tie, -tie]])
    point = np.array([asked.convergent, asked.divergent, root2 * asked.chain, asked.reciprocal])
    corrections = np.zeros((3, 4))
    for _ in range(MAXIMUM_PROJECTIONS):
        last_point, last_corrections = point, corrections.copy()
        shifted = point + corrections[0]
        point = _onto_positive(shifted)
        corrections[0] = shifted - point
        for normal, correction in zip(normals, corrections[1:], strict=True):
            shifted = point + correction
            point = _onto_half_space(shifted, normal)
            correction[:] = shifted - point
        moved = np.abs(point - last_point).max() + np.abs(corrections - last_corrections).max()
        if moved < CONVERGED:
            break

    # The point is within the iteration's error of the set; put it inside, one bound at a time.
    point = _onto_positive(point)
    point[:3] /= max(1.0, point[0] + point[1])
    convergent, divergent, chain, reciprocal = (float(value) for value in point)
    chain /= root2
    noise = max(0.0, 1 - convergent - divergent)
    reciprocal = min(max(reciprocal, 2 * chain - noise), 2 * chain + noise)
    return LatentCorrelations(
        2 * chain if reciprocal_is_free else reciprocal, convergent, divergent, chain
    )


def _onto_half_space(point: Point, normal: Point) -> Point:
    excess = max(0.0, float(normal @ point) - 1)
    return point - excess / float(normal @ normal) * normal


def _onto_positive(point: Point) -> Point:
    off_diagonal = point[2] / math.sqrt(2)
    matrix = np.array([[point[0], off_diagonal], [off_diagonal, point[1]]])
    values, vectors = np.linalg.eigh(matrix)
    matrix = (vectors * np.maximum(values, 0)) @ vectors.T
    return np.array(
        [max(matrix[0, 0], 0.0), max(matrix[1, 1], 0.0), math.sqrt(2) * matrix[0, 1], point[3]]
    )


__all__ = ["nearest_feasible"]
