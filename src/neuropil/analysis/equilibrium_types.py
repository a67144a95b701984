"""What kind of equilibrium a Jacobian belongs to, with proof."""

import numpy as np
from jaxtyping import Bool, Complex, Float64, Int

UNDETERMINED = "undetermined"


def proved_number_unstable(
    lower: Float64[np.ndarray, "points n n"], upper: Float64[np.ndarray, "points n n"]
) -> tuple[
    Complex[np.ndarray, "points n"], Int[np.ndarray, " points"], Bool[np.ndarray, " points"]
]:
    """Eigenvalues of the middle, eigenvalues right of the imaginary axis, and whether proved.

    With V the computed eigenvectors of the middle and W their computed inverse, every matrix J
    between the ends is similar to (W V)^-1 W J V, which is nearly diagonal: its eigenvalues lie
    in discs (Gershgorin) whose radii hold the width of J, the defect W V - I and the rounding of
    all products. Where no disc meets the imaginary axis the count is proved for every J.
    Eigenvalues are sorted by falling real part.
    """
    n = lower.shape[-1]
    if lower.size == 0:
        return np.zeros((0, n), complex), np.zeros(0, int), np.zeros(0, bool)
    middle, radius = 0.5 * lower + 0.5 * upper, 0.5 * (upper - lower)
    # Twice the accumulated rounding of three complex products and of the middle itself.
    unit = (16 * n + 32) * np.finfo(float).eps
    eigenvalues, vectors = np.linalg.eig(middle)
    inverse = np.linalg.pinv(vectors)
    size = np.abs(inverse) @ np.abs(middle) @ np.abs(vectors)
    matrix = inverse @ middle @ vectors
    error = unit * size + 1.01 * np.abs(inverse) @ (radius + unit * np.abs(middle)) @ np.abs(
        vectors
    )
    defect = np.abs(inverse @ vectors - np.eye(n)) + unit * (np.abs(inverse) @ np.abs(vectors))
    epsilon = 1.01 * _row_sums(defect).max(axis=-1, keepdims=True)
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    away = np.abs(matrix - diagonal[..., None, :] * np.eye(n)) + error
    with np.errstate(divide="ignore"):
        spill = np.where(epsilon < 0.5, epsilon / (1.0 - epsilon), np.inf)
    whole = _row_sums(np.abs(matrix) + error).max(axis=-1, keepdims=True)
    discs = 1.01 * (_row_sums(away) + spill * whole)
    proved = np.all(np.abs(diagonal.real) > discs, axis=-1)
    order = np.lexsort((eigenvalues.imag, -eigenvalues.real), axis=-1)
    eigenvalues = np.take_along_axis(eigenvalues, order, -1).astype(complex)
    return eigenvalues, np.sum(diagonal.real > 0, axis=-1), proved


def kind(eigenvalues: Complex[np.ndarray, " n"], n_unstable: int, *, proved: bool) -> str:
    """Name of an equilibrium: stable or unstable node or focus, saddle, or undetermined.

    A focus has eigenvalues off the real axis; whether it has is not part of the proof.
    """
    if not proved:
        return UNDETERMINED
    if 0 < n_unstable < eigenvalues.size:
        return "saddle"
    shape = "focus" if np.any(eigenvalues.imag != 0) else "node"
    return f"{'unstable' if n_unstable else 'stable'} {shape}"


def _row_sums(matrix: Float64[np.ndarray, "points n n"]) -> Float64[np.ndarray, "points n"]:
    return matrix.sum(axis=-1)
