"""Sufficient conditions for a single fixed point: contraction in some norm."""

from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, Float64

from neuropil.analysis.bound import inward_faces, traced_field
from neuropil.analysis.interval_functions import require_boxes
from neuropil.system import AbstractSystem, Box
from neuropil.types import ArrayLike

_UNIT = np.finfo(float).eps


class Norms(NamedTuple):
    """Upper bounds of a matrix norm, or of a logarithmic norm.

    `one` (column sums), `two` (spectral), `infinity` (row sums), and `weighted`, the row sums
    after the best scaling of the variables.
    """

    one: float
    two: float
    infinity: float
    weighted: float


class Contraction(eqx.Module):
    """Whether a map or a flow contracts on a box, and by which norm that is proved.

    - `bounds[i, j]`: upper bound of |dF_i / dx_j|, F the map whose fixed points are asked for;
    - `norms`: of `bounds`; F contracts in a norm that is below 1;
    - `logarithmic_norms`: of the vector field, per ms, or None when only `bounds` were given; below
      0, distances of any two trajectories inside shrink at least at that rate;
    - `weights[i]`: positive; in the norm max |x_i| / weights_i the bound `norms.weighted` holds;
    - `proved_by`: names of the norms that prove contraction, the smallest first;
    - `exists`: whether it is proved that there is a fixed point in the box (the vector field points
      outwards on no face).

    All bounds are rounded upwards.
    """

    bounds: Float64[np.ndarray, "dimension dimension"]
    norms: Norms
    logarithmic_norms: Norms | None
    weights: Float64[np.ndarray, " dimension"]
    proved_by: tuple[str, ...] = eqx.field(static=True)
    exists: bool

    @property
    def unique(self) -> bool:
        """Whether it is proved that there is at most one fixed point in the box."""
        return bool(self.proved_by)

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if not self.unique:
            smallest = min(self.norms)
            return (
                f"no norm proves a single fixed point: the smallest is {smallest:.6g}, not below 1"
            )
        number = "exactly" if self.exists else "at most"
        norm = {"one": "1-norm", "two": "2-norm", "infinity": "infinity-norm"}.get(
            self.proved_by[0], "weighted infinity-norm"
        )
        value = getattr(self.norms, self.proved_by[0])
        return f"{number} one fixed point: the {norm} of the derivative is at most {value:.6g}"


def contraction(
    system: AbstractSystem,
    box: Box,
    *,
    decay: Float[ArrayLike, " dimension"] | None = None,
    time: float = 0.0,
) -> Contraction:
    """Does the system have a single stationary state in a box? A sufficient condition.

    Stationary states are the fixed points of F(x) = x + f(x) / `decay`, component by component;
    for dx/dt = -a x + G(x) with `decay` = a, which is the default (the negated slope of f_i by
    x_i at the middle of its range), F = G / a: the map of Gong, Pasqualetti, Papouin and Ching
    (2023, SI.4, eq. 15). The condition is theirs (eq. 17), |DF| < 1 on the box, in three norms
    and in the best weighted one, for a bound of each entry of DF by interval arithmetic. The
    weighted norm is the smallest of the four for given bounds, up to rounding: contraction in any
    of them implies a spectral radius below 1 of the matrix of bounds.

    A result that proves nothing is returned, not raised. Raises `ValueError` for a box that is
    empty or of the wrong dimension, a decay that is not positive, or an operation without
    interval enclosure.
    """
    ends = np.stack([np.asarray(box.lower, float), np.asarray(box.upper, float)])
    n = len(system.state_names)
    require_boxes(ends[0], ends[1], n)
    field = traced_field(system, time)
    _, _, lower, upper = (result[0] for result in field(ends[None]))
    own = np.arange(n)
    if decay is None:
        middle = -0.5 * (lower[own, own] + upper[own, own])
        decay = np.where(middle > 0, middle, 1.0)
    decay = np.asarray(decay, float)
    if decay.shape != (n,) or not np.all(decay > 0):
        raise ValueError(f"decay must hold {n} positive numbers, got {decay}")
    identity = np.eye(n)
    map_lower = np.nextafter(identity + np.nextafter(lower / decay[:, None], -np.inf), -np.inf)
    map_upper = np.nextafter(identity + np.nextafter(upper / decay[:, None], np.inf), np.inf)
    sizes = np.maximum(np.abs(lower), np.abs(upper))
    return _certificate(
        bounds=np.maximum(np.abs(map_lower), np.abs(map_upper)),
        flow=np.where(identity > 0, upper, sizes),
        exists=bool(inward_faces(field, ends).all()),
    )


def contraction_of_bounds(bounds: Float[ArrayLike, "rows columns"]) -> Contraction:
    """The same condition for a map F with |dF_i / dx_j| <= `bounds[i, j]` throughout.

    Raises `ValueError` unless `bounds` is square, and its entries are numbers of at least 0.
    """
    bounds = np.asarray(bounds, float)
    if bounds.shape[0] != bounds.shape[1]:
        raise ValueError(f"bounds must be square, got shape {bounds.shape}")
    if not np.all(bounds >= 0):
        raise ValueError(f"bounds must hold numbers of at least 0, got {bounds}")
    return _certificate(bounds=bounds, flow=None, exists=False)


def _certificate(
    *,
    bounds: Float64[np.ndarray, "dimension dimension"],
    flow: Float64[np.ndarray, "dimension dimension"] | None,
    exists: bool,
) -> Contraction:
    weighted, weights = _best_row_sum(bounds)
    squared, _ = _best_row_sum(_upwards(bounds.T @ bounds, len(bounds)))
    norms = Norms(
        one=_largest_row_sum(bounds.T),
        two=float(np.nextafter(np.sqrt(squared), np.inf)),
        infinity=_largest_row_sum(bounds),
        weighted=weighted,
    )
    proving = sorted((value, name) for name, value in norms._asdict().items() if value < 1.0)
    return Contraction(
        bounds=bounds,
        norms=norms,
        logarithmic_norms=None if flow is None else _logarithmic_norms(flow),
        weights=weights,
        proved_by=tuple(name for _, name in proving),
        exists=exists,
    )


def _logarithmic_norms(flow: Float64[np.ndarray, "dimension dimension"]) -> Norms:
    """Of a matrix with the largest diagonal and the largest absolute entries off it."""
    return Norms(
        one=_largest_row_sum(flow.T),
        two=_best_row_sum(np.nextafter(0.5 * (flow + flow.T), np.inf))[0],
        infinity=_largest_row_sum(flow),
        weighted=_best_row_sum(flow)[0],
    )


def _upwards(value: np.ndarray, n_terms: int) -> np.ndarray:
    """A sum of products of numbers of at least 0, raised by more than its rounding."""
    return value * (1.0 + 2.0 * (n_terms + 2) * _UNIT) + 1e-300


def _largest_row_sum(
    matrix: Float64[np.ndarray, "n n"], weights: Float64[np.ndarray, " n"] | None = None
) -> float:
    """Upper bound of max_i sum_j matrix_ij weights_j / weights_i; the diagonal may be negative."""
    if not np.all(np.isfinite(matrix)):
        return np.inf
    weights = np.ones(len(matrix)) if weights is None else weights
    off_diagonal = matrix - np.diag(np.diag(matrix))
    ratio = _upwards((off_diagonal @ weights) / weights, len(matrix) + 2)
    return float(np.max(np.nextafter(np.diag(matrix) + ratio, np.inf)))


def _best_row_sum(matrix: Float64[np.ndarray, "n n"]) -> tuple[float, Float64[np.ndarray, " n"]]:
    """The smallest weighted row sum (Collatz and Wielandt) and its weights.

    The right eigenvector of the largest eigenvalue makes all weighted row sums equal to it. Where
    the matrix falls apart into blocks it has zeros, so small numbers are added to all entries.
    """
    n = len(matrix)
    best = (_largest_row_sum(matrix), np.ones(n))
    if not np.isfinite(best[0]):
        return best
    size = max(float(np.abs(matrix).max()), 1e-300)
    for share in (1e-3, 1e-6, 1e-9, 1e-12):
        eigenvalues, vectors = np.linalg.eig(matrix + share * size / n)
        weights = np.abs(vectors[:, np.argmax(eigenvalues.real)].real)
        if np.all(weights > 0):
            best = min(best, (_largest_row_sum(matrix, weights), weights), key=lambda pair: pair[0])
    return best


__all__ = ["Contraction", "Norms", "contraction", "contraction_of_bounds"]
