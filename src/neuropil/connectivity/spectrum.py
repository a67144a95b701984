"""Spectral radius of connection weights, and rigorous upper bounds of norms.

The spectral radius decides about local stability and is a number to be trusted to rounding; the
bounds prove contraction and are therefore rounded outwards.
"""

from typing import no_type_check

import equinox as eqx
import numba
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Float

from neuropil.connectivity.components import strong_components
from neuropil.connectivity.connectome import Connectome
from neuropil.result import NotSolved, Outcome

LARGEST_DENSE_EIGENPROBLEM = 500
UNIT_ROUNDOFF = 2.0**-53
SMALLEST_POSITIVE = 5e-324
WIDEST_WEIGHTING = 1e200
EDGES_VISITED_AT_MOST = 200_000_000
FRACTIONS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""How far above the spectral radius, on the way to the infinity-norm, a weighting may stay."""


class NormBounds(eqx.Module):
    """Upper bounds of operator norms of one non-negative matrix B; never below the true values.

    `one` is the largest column sum, `infinity` the largest row sum, `two` bounds the largest
    singular value. `weighted` bounds the norm induced by max_i |x_i| / `weighting`_i, the best
    diagonal weighting that was found: no norm of B lies below its spectral radius, and this one
    comes close to it.
    """

    one: float
    two: float
    infinity: float
    weighted: float
    weighting: Float[np.ndarray, " neurons"]

    @property
    def best(self) -> float:
        """The smallest of the four: below 1, the matrix contracts in that norm."""
        return min(self.one, self.two, self.infinity, self.weighted)


def spectral_radius(connectome: Connectome, *, tolerance: float = 1e-8) -> float:
    """Largest modulus of the eigenvalues of the weights.

    The largest over the strongly connected components, which share the spectrum of the whole: by
    all eigenvalues of those of up to 500 neurons, by Arnoldi iteration from a fixed start, to
    relative `tolerance`, of larger ones. Raises `NotSolved` when the iteration does not converge.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    n = connectome.n_neurons
    matrix = connectome.to_scipy()
    _, members, first = strong_components(
        connectome.row_start, connectome.presynaptic, connectome.weights, np.ones(n)
    )
    sizes = np.diff(first)
    single = members[first[:-1][sizes == 1]]
    largest = float(np.max(np.abs(matrix.diagonal()[single]), initial=0.0))
    for number in np.flatnonzero(sizes > 1):
        cells = np.sort(members[first[number] : first[number + 1]])
        block = matrix if cells.size == n else matrix[cells][:, cells]
        largest = max(largest, _radius_of_component(block, tolerance))
    return largest


def _radius_of_component(matrix: scipy.sparse.csr_array, tolerance: float) -> float:
    n = matrix.shape[0]
    if n <= LARGEST_DENSE_EIGENPROBLEM:
        return float(np.max(np.abs(np.linalg.eigvals(matrix.toarray()))))
    try:
        eigenvalues = scipy.sparse.linalg.eigs(
            matrix,
            k=4,
            which="LM",
            v0=np.cos(np.arange(n)),
            tol=tolerance,
            return_eigenvectors=False,
        )
    except scipy.sparse.linalg.ArpackNoConvergence as stopped:
        raise NotSolved(f"spectral radius: {Outcome.MAXIMUM_STEPS_REACHED.sentence}") from stopped
    return float(np.max(np.abs(eigenvalues)))


def nonnegative_bounds(
    matrix: scipy.sparse.csr_array,
    column_scale: Float[np.ndarray, " neurons"],
    *,
    relative_gap: float = 1e-6,
    maximum_iterations: int | None = None,
) -> NormBounds:
    """Rigorous upper bounds of norms of B = |matrix| diag(column_scale).

    The weighted norm is the Collatz-Wielandt bound max_i (B u)_i / u_i, which holds for every
    positive u. Here u is the Perron vector of each strongly connected component, by power
    iteration until its bounds from above and below agree to `relative_gap`, the components being
    scaled one against the other so that the couplings between them add little. Rounding errors
    are bounded and added (Higham, "Accuracy and Stability of Numerical Algorithms", eq. 3.4), so
    the bounds hold whatever u is and however early the iteration stops: after
    `maximum_iterations`, by default 50 for large matrices and up to 5,000 for small ones. The
    2-norm is bounded in the same way through B^T B and by the root of 1-norm times infinity-norm.
    The matrix is not copied. Raises `ValueError` when it is not square, a scale is negative, or a
    value is not finite.
    """
    n = matrix.shape[0]
    if matrix.ndim != 2 or matrix.shape != (n, n):
        raise ValueError(f"matrix must be square, got shape {matrix.shape}")
    if column_scale.shape != (n,):
        raise ValueError(f"column_scale must have shape ({n},), got {column_scale.shape}")
    if not np.all(np.isfinite(column_scale)) or np.any(column_scale < 0):
        raise ValueError("column_scale must be finite and not negative")
    if not np.all(np.isfinite(matrix.data)):
        raise ValueError("matrix holds values that are not finite")
    if maximum_iterations is None:
        maximum_iterations = int(np.clip(EDGES_VISITED_AT_MOST // max(matrix.nnz, 1), 50, 5_000))
    if maximum_iterations < 1 or not relative_gap > 0:
        raise ValueError(
            "maximum_iterations must be at least 1 and relative_gap positive, got "
            f"{maximum_iterations} and {relative_gap}"
        )
    if n == 0 or matrix.nnz == 0:
        return NormBounds(0.0, 0.0, 0.0, 0.0, np.ones(n))

    product = _Product(matrix, column_scale)
    ones = np.ones(n)
    infinity = float(np.max(product.upper(ones)))
    one = float(np.max(product.transposed_upper(ones)))
    two = min(_root_upward(one * infinity), _two_norm(product, relative_gap, maximum_iterations))
    weighted, weighting = infinity, ones
    for candidate in _weightings(product, infinity, relative_gap, maximum_iterations):
        bound = _collatz_wielandt(product.upper(candidate), candidate)
        if bound < weighted:
            weighted, weighting = bound, candidate
    return NormBounds(one, two, infinity, weighted, weighting)


class _Product:
    """Products with B = |matrix| diag(column_scale) and its transpose, exact and from above."""

    def __init__(self, matrix, column_scale):
        self.arrays = (matrix.indptr, matrix.indices, matrix.data)
        self.column_scale = column_scale
        self.n = column_scale.size
        longest_column, largest_weight = _extent(*self.arrays, np.zeros(self.n, np.int64))
        longest = max(int(np.diff(matrix.indptr).max()), int(longest_column))
        # Each sum of k products of three factors has relative error below (k + 2) u / (1 - ...).
        self.relative = 1 + 4 * (longest + 4) * UNIT_ROUNDOFF
        largest = max(1.0, float(np.max(column_scale)), float(largest_weight))
        self.absolute = 4 * (longest + 4) * SMALLEST_POSITIVE * largest

    def __call__(self, vector):
        received = np.zeros(self.n)
        _multiply(*self.arrays, self.column_scale * vector, received)
        return received

    def transposed(self, vector):
        collected = np.zeros(self.n)
        _multiply_transposed(*self.arrays, vector, collected)
        return self.column_scale * collected

    def upper(self, vector):
        return self(vector) * self.relative + self.absolute

    def transposed_upper(self, vector):
        return self.transposed(vector) * self.relative + self.absolute


def _collatz_wielandt(image, vector) -> float:
    """The largest ratio, rounded upwards; infinite where the vector is not positive."""
    if not np.all(vector > 0):
        return np.inf
    return float(np.nextafter(np.max(image / vector), np.inf))


def _root_upward(value: float) -> float:
    return float(np.nextafter(np.sqrt(np.nextafter(value, np.inf)), np.inf))


def _two_norm(product: _Product, relative_gap: float, maximum_iterations: int) -> float:
    vector = np.ones(product.n)
    best = np.inf
    for _ in range(maximum_iterations):
        image = product.transposed_upper(product.upper(vector))
        bound = _collatz_wielandt(image, vector)
        # Rayleigh's quotient is a lower bound: nothing is gained once the two have met.
        rayleigh = np.dot(vector, image) / np.dot(vector, vector)
        best = min(best, bound)
        if best <= rayleigh * (1 + relative_gap) or not np.isfinite(bound):
            break
        vector = np.maximum(image / np.max(image), 1 / WIDEST_WEIGHTING)
    return _root_upward(best)


def _weightings(product: _Product, infinity: float, relative_gap: float, maximum_iterations: int):
    """Positive vectors that may give a small Collatz-Wielandt bound, the tightest first."""
    component, members, first = strong_components(*product.arrays, product.column_scale)
    perron, radius = _perron_vectors(product, component, relative_gap, maximum_iterations)
    top = float(np.max(radius))
    for fraction in FRACTIONS:
        target = top + (infinity - top) * fraction
        vector = np.zeros(product.n)
        fits = _scale_components(
            *product.arrays,
            product.column_scale,
            component,
            members,
            first,
            perron,
            radius,
            target,
            WIDEST_WEIGHTING,
            vector,
        )
        if fits:
            yield vector
            return


def _perron_vectors(product: _Product, component, relative_gap, maximum_iterations):
    """Perron vector of every strong component, and a bound of its spectral radius from above.

    All components are iterated at once. A multiple of the identity is added in each, without
    which the iteration would cycle in components that are periodic.
    """
    n_components = int(component.max()) + 1
    vector = np.ones(product.n)
    best, best_radius = vector, np.full(n_components, np.inf)
    for iteration in range(maximum_iterations):
        if n_components == 1:
            image = product(vector)
        else:
            image = np.zeros(product.n)
            _multiply_within(*product.arrays, product.column_scale, component, vector, image)
        ratio = image / vector
        upper, lower = np.zeros(n_components), np.full(n_components, np.inf)
        np.maximum.at(upper, component, ratio)
        np.minimum.at(lower, component, ratio)
        improved = upper < best_radius
        best = np.where(improved[component], vector, best)
        best_radius = np.where(improved, upper, best_radius)
        top = float(np.max(best_radius))
        open_ = (best_radius - lower > relative_gap * best_radius) & (upper > top * 1e-3)
        if not np.any(open_):
            break
        # A small shift is best for most networks, a large one for long cycles.
        shift = 0.1 if iteration < 30 else 1.0
        vector = image + shift * upper[component] * vector
        largest = np.zeros(n_components)
        np.maximum.at(largest, component, vector)
        connected = largest[component] > 0
        vector = np.where(connected, vector / np.where(connected, largest[component], 1.0), 1.0)
        vector = np.maximum(vector, 1 / WIDEST_WEIGHTING)
    return best, best_radius


@numba.njit(cache=True, nogil=True)
@no_type_check
def _extent(row_start, columns, weights, counts):
    largest = 0.0
    for edge in range(row_start[-1]):
        counts[columns[edge]] += 1
        largest = max(largest, abs(weights[edge]))
    return counts.max(), largest


@numba.njit(cache=True, nogil=True)
@no_type_check
def _multiply(row_start, columns, weights, vector, received):
    for row in range(row_start.size - 1):
        total = 0.0
        for edge in range(row_start[row], row_start[row + 1]):
            total += abs(weights[edge]) * vector[columns[edge]]
        received[row] = total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _multiply_transposed(row_start, columns, weights, vector, collected):
    for row in range(row_start.size - 1):
        for edge in range(row_start[row], row_start[row + 1]):
            collected[columns[edge]] += abs(weights[edge]) * vector[row]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _multiply_within(row_start, columns, weights, column_scale, component, vector, received):
    for row in range(row_start.size - 1):
        total = 0.0
        for edge in range(row_start[row], row_start[row + 1]):
            column = columns[edge]
            if component[column] == component[row]:
                total += abs(weights[edge]) * column_scale[column] * vector[column]
        received[row] = total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _scale_components(
    row_start,
    columns,
    weights,
    column_scale,
    component,
    members,
    first,
    perron,
    radius,
    target,
    widest,
    vector,
):
    # Components come after all that they receive from, whose entries of `vector` are final: the
    # scale of one is the smallest at which its inputs lift no ratio above `target`.
    for number in range(first.size - 1):
        room = target - radius[number]
        scale = 1.0
        for k in range(first[number], first[number + 1]):
            row = members[k]
            arriving = 0.0
            for edge in range(row_start[row], row_start[row + 1]):
                column = columns[edge]
                if component[column] != number:
                    arriving += abs(weights[edge]) * column_scale[column] * vector[column]
            if arriving > 0.0:
                if room <= 0.0 or arriving / room > widest * perron[row]:
                    return False
                scale = max(scale, arriving / (room * perron[row]))
        for k in range(first[number], first[number + 1]):
            vector[members[k]] = scale * perron[members[k]]
    return True


__all__ = ["NormBounds", "nonnegative_bounds", "spectral_radius"]
