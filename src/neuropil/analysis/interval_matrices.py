"""Compiled linear algebra on interval matrices, in the arrays of a `Workspace`.

Sums are rounded to nearest, and `_ROUNDING` times the sum of magnitudes bounds what that and the
products lose.
"""

import math

from neuropil.analysis import intervals
from neuropil.analysis.intervals import compiled

_ROUNDING = 2.0**-52


@compiled
def middle(lower, upper):
    """A number halfway, up to rounding."""
    return 0.5 * lower + 0.5 * upper


@compiled
def magnitude(matrix, i, j):
    """The largest absolute value of an entry."""
    return max(abs(matrix[0, i, j]), abs(matrix[1, i, j]))


@compiled
def contract(matrix, value, centre, box, terms):
    """Cut off what value + matrix (x - centre) = 0 excludes; false when nothing is left.

    Row i holds for each j: x_j = centre_j - (value_i + sum over k != j of matrix_ik (x_k -
    centre_k)) / matrix_ij. Sums are rounded to nearest; `_ROUNDING` times the sum of magnitudes
    bounds what that and the products lose. Comparisons are written so that a bound that is not a
    number changes nothing.
    """
    n = centre.size
    share = (n + 8) * _ROUNDING
    for i in range(n):
        lower_sum, upper_sum = value[0, i], value[1, i]
        magnitude = max(abs(lower_sum), abs(upper_sum))
        for k in range(n):
            low, high = matrix[0, i, k], matrix[1, i, k]
            left, right = box[0, k] - centre[k], box[1, k] - centre[k]
            p, q, r, s = low * left, low * right, high * left, high * right
            terms[0, k], terms[1, k] = min(min(p, q), min(r, s)), max(max(p, q), max(r, s))
            terms[2, k], terms[3, k] = lower_sum, upper_sum
            lower_sum += terms[0, k]
            upper_sum += terms[1, k]
            magnitude += max(abs(low), abs(high)) * max(abs(left), abs(right))
        slack = share * magnitude + 1e-290
        lower_sum, upper_sum = -slack, slack
        for j in range(n - 1, -1, -1):
            low, high = matrix[0, i, j], matrix[1, i, j]
            if low > 0.0 or high < 0.0:
                a, b = intervals.divide(lower_sum + terms[2, j], upper_sum + terms[3, j], low, high)
                a, b = intervals.subtract(centre[j], centre[j], a, b)
                if a > box[0, j]:
                    box[0, j] = a
                if b < box[1, j]:
                    box[1, j] = b
                if box[0, j] > box[1, j]:
                    return False
            lower_sum += terms[0, j]
            upper_sum += terms[1, j]
    return True


@compiled
def invert(work):
    """C, the inverse of the middle of J, by elimination with row exchanges; false if singular."""
    n = work.centre.size
    left, right = work.elimination, work.inverse
    for i in range(n):
        for j in range(n):
            left[i, j] = middle(work.slope[0, i, j], work.slope[1, i, j])
            right[i, j] = 1.0 if i == j else 0.0
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(left[i, k]) > abs(left[pivot, k]):
                pivot = i
        if not 0.0 < abs(left[pivot, k]) < math.inf:
            return False
        if pivot != k:
            for j in range(n):
                left[k, j], left[pivot, j] = left[pivot, j], left[k, j]
                right[k, j], right[pivot, j] = right[pivot, j], right[k, j]
        scale = 1.0 / left[k, k]
        for j in range(n):
            left[k, j] *= scale
            right[k, j] *= scale
        for i in range(n):
            factor = left[i, k]
            if i != k and factor != 0.0:
                for j in range(n):
                    left[i, j] -= factor * left[k, j]
                    right[i, j] -= factor * right[k, j]
    for i in range(n):
        for j in range(n):
            if not abs(right[i, j]) < math.inf:
                return False
    return True


@compiled
def scale_slopes(work):
    """C J(X), by sums rounded to nearest and a bound of what they lose."""
    n = work.centre.size
    share = (n + 8) * _ROUNDING
    for i in range(n):
        for j in range(n):
            low, high, magnitude = 0.0, 0.0, 0.0
            for k in range(n):
                factor = work.inverse[i, k]
                p, q = factor * work.slope[0, k, j], factor * work.slope[1, k, j]
                low += min(p, q)
                high += max(p, q)
                magnitude += max(abs(p), abs(q))
            slack = share * magnitude + 1e-290
            work.scaled[0, i, j], work.scaled[1, i, j] = low - slack, high + slack


@compiled
def scale_values(work):
    """C f(m), likewise."""
    n = work.centre.size
    share = (n + 8) * _ROUNDING
    for i in range(n):
        low, high, magnitude = 0.0, 0.0, 0.0
        for k in range(n):
            p, q = work.inverse[i, k] * work.value[0, k], work.inverse[i, k] * work.value[1, k]
            low += min(p, q)
            high += max(p, q)
            magnitude += max(abs(p), abs(q))
        slack = share * magnitude + 1e-290
        work.scaled_value[0, i], work.scaled_value[1, i] = low - slack, high + slack


@compiled
def precondition(work):
    """C, C J and C f(m); false when the middle of J is singular."""
    if not invert(work):
        return False
    scale_slopes(work)
    scale_values(work)
    return True


@compiled
def distance_from_identity(matrix):
    """Upper bound of the infinity norm of I - A over an interval matrix A."""
    n = matrix.shape[1]
    largest = 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            one = 1.0 if i == j else 0.0
            a, b = intervals.subtract(one, one, matrix[0, i, j], matrix[1, i, j])
            total = intervals.above(total + max(-a, b))
        if not total <= largest:
            largest = total
    return largest
