"""Compiled tests of a box: it holds no zero, exactly one, or the part that is left smaller.

For f with slopes f(x) - f(m) in J(X) (x - m) for all x in the box X and its centre m, and any
matrix C (here the inverse of the middle of J):

- all zeros in X lie in the interval Newton set, of which every row gives one bound for every
  variable that it depends on monotonically; what is cut off holds no zero;
- if the norm of I - C J(X) is below 1, f is one to one on X, so X holds at most one zero;
- if K(Y) = m - C f(m) + (I - C J(Y)) (Y - m) lies in the interior of Y, then Y holds exactly one
  zero, and it lies in K(Y) (Krawczyk, Computing 4, 1969; Moore, SIAM Journal on Numerical
  Analysis 14, 1977; Neumaier, "Interval Methods for Systems of Equations", 1990).

With intervals as parameters every statement holds for each parameter value in them.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from neuropil.analysis import intervals
from neuropil.analysis.intervals import compiled, pasted
from neuropil.analysis.tape_machine import registers_for, run

EMPTY, UNIQUE, SPLIT = 0, 1, 2

_ROUNDS = 6
_WORTHWHILE = 0.7
_REGULAR = 0.95
_NARROW = 1e-3
_NEWTON_STEPS = 10
_INFLATIONS = 10
_ROUNDING = 2.0**-52


class Workspace(NamedTuple):
    """Arrays that the tests of one thread write to.

    `low` and `high` are the registers; `slope` and `scaled` hold the lower and upper ends of J(X)
    and C J(X); `value` those of f(m) and C f(m); `box` is the one that J belongs to.
    """

    low: Float64[np.ndarray, " registers"]
    high: Float64[np.ndarray, " registers"]
    slope: Float64[np.ndarray, "2 n n"]
    scaled: Float64[np.ndarray, "2 n n"]
    inverse: Float64[np.ndarray, "n n"]
    elimination: Float64[np.ndarray, "n n"]
    value: Float64[np.ndarray, "2 n"]
    scaled_value: Float64[np.ndarray, "2 n"]
    centre: Float64[np.ndarray, " n"]
    box: Float64[np.ndarray, "2 n"]
    terms: Float64[np.ndarray, "4 n"]
    enclosure: Float64[np.ndarray, "2 n"]
    region: Float64[np.ndarray, "2 n"]
    step: Float64[np.ndarray, " n"]


@compiled
def workspace_for(program):
    """Fresh arrays for a program with as many values as variables."""
    n = program.n_variables
    low, high = registers_for(program)
    return Workspace(
        low,
        high,
        np.empty((2, n, n)),
        np.empty((2, n, n)),
        np.empty((n, n)),
        np.empty((n, n)),
        np.empty((2, n)),
        np.empty((2, n)),
        np.empty(n),
        np.empty((2, n)),
        np.empty((4, n)),
        np.empty((2, n)),
        np.empty((2, n)),
        np.empty(n),
    )


@pasted
def examine(program, work, box):
    """Shrink a box in place until it is decided or no longer shrinks.

    Returns EMPTY where it holds no zero; UNIQUE where `work.region`, which contains the box,
    holds exactly one, in `work.enclosure`; SPLIT otherwise.
    """
    n = program.n_variables
    for _ in range(_ROUNDS):
        if not _enclose_slopes(program, work, box):
            return EMPTY if _excluded(program, work) else SPLIT
        if _excluded(program, work):
            return EMPTY
        copy_box(box, work.box)
        for j in range(n):
            work.centre[j] = _middle(box[0, j], box[1, j])
        _enclose_values(program, work, work.centre)
        if not _contract(work.slope, work.value, work.centre, box, work.terms):
            return EMPTY
        if _precondition(work):
            if not _contract(work.scaled, work.scaled_value, work.centre, box, work.terms):
                return EMPTY
            if _distance_from_identity(work.scaled) < _REGULAR:
                verdict = _decide(program, work, box)
                if verdict != SPLIT:
                    return verdict
        if not _much_smaller(box, work.box):
            return SPLIT
    return SPLIT


@compiled
def splitting_direction(work, box, initial):
    """The variable to which the values react most, in proportion to all; else the widest one.

    A value that depends on one variable alone speaks for it however narrow the box has become
    there, so that a variable counts only while it is not much narrower than the widest one.
    """
    n = box.shape[1]
    score, width = np.zeros(n), np.empty(n)
    widest = 0
    for j in range(n):
        width[j] = (box[1, j] - box[0, j]) / (initial[1, j] - initial[0, j])
        if width[j] > width[widest]:
            widest = j
    for i in range(n):
        total = 0.0
        for k in range(n):
            total += _magnitude(work.slope, i, k) * (box[1, k] - box[0, k])
        for j in range(n):
            score[j] += _magnitude(work.slope, i, j) * (box[1, j] - box[0, j]) / total
    best = widest
    for j in range(n):
        if not score[j] < math.inf:
            return widest
        if score[j] > score[best] and width[j] > _NARROW * width[widest]:
            best = j
    return best


@compiled
def copy_box(source, target):
    """Copy lower and upper ends."""
    for j in range(source.shape[1]):
        target[0, j], target[1, j] = source[0, j], source[1, j]


@pasted
def verify(program, work, point):
    """Prove a zero near a point: Newton's method, then Krawczyk's test on boxes around its end.

    Returns whether it succeeded; `work.region` then holds exactly one zero, in `work.enclosure`.
    """
    n = program.n_variables
    if not _newton(program, work, point):
        return False
    for j in range(n):
        work.centre[j] = work.enclosure[0, j] = work.enclosure[1, j] = point[j]
    if not _enclose_slopes(program, work, work.enclosure) or not _invert(work):
        return False
    _enclose_values(program, work, point)
    _scale_values(work)
    for attempt in range(_INFLATIONS):
        for j in range(n):
            size = max(abs(work.scaled_value[0, j]), abs(work.scaled_value[1, j]))
            radius = 4.0**attempt * (2.0 * size + 2e-16 * abs(point[j]) + 1e-200)
            work.enclosure[0, j], work.enclosure[1, j] = point[j] - radius, point[j] + radius
        if not _enclose_slopes(program, work, work.enclosure):
            return False
        _scale_slopes(work)
        # Where the map does not contract, it contracts on no larger box either.
        if not _distance_from_identity(work.scaled) < 1.0:
            return False
        inside = True
        for i in range(n):
            lower, upper = _krawczyk_row(work, i)
            if not (work.enclosure[0, i] < lower and upper < work.enclosure[1, i]):
                inside = False
            work.box[0, i], work.box[1, i] = lower, upper
        if inside:
            copy_box(work.enclosure, work.region)
            _tighten(program, work)
            return True
    return False


@pasted
def _tighten(program, work):
    """Repeat Krawczyk's map on a box that holds one zero; the box ends up in `work.enclosure`.

    The map is about the centre, so its slopes are taken over a box that contains the centre too.
    """
    n = program.n_variables
    for _ in range(3):
        for i in range(n):
            work.enclosure[0, i] = min(work.box[0, i], work.centre[i])
            work.enclosure[1, i] = max(work.box[1, i], work.centre[i])
        _enclose_slopes(program, work, work.enclosure)
        _scale_slopes(work)
        for i in range(n):
            lower, upper = _krawczyk_row(work, i)
            work.box[0, i] = max(lower, work.box[0, i])
            work.box[1, i] = min(upper, work.box[1, i])
    copy_box(work.box, work.enclosure)


@pasted
def _decide(program, work, box):
    """A box on which f is nearly linear: where is its zero, if it has one?"""
    n = program.n_variables
    point = np.empty(n)
    for j in range(n):
        point[j] = _middle(box[0, j], box[1, j])
    if not verify(program, work, point):
        return SPLIT
    outside = False
    for j in range(n):
        lower, upper = work.enclosure[0, j], work.enclosure[1, j]
        if upper < box[0, j] or lower > box[1, j]:
            outside = True
        work.region[0, j], work.region[1, j] = min(box[0, j], lower), max(box[1, j], upper)
    if not _enclose_slopes(program, work, work.region):
        return SPLIT
    if not _precondition(work) or not _distance_from_identity(work.scaled) < 1.0:
        return SPLIT
    return EMPTY if outside else UNIQUE


@compiled
def _middle(lower, upper):
    return 0.5 * lower + 0.5 * upper


@compiled
def _magnitude(matrix, i, j):
    return max(abs(matrix[0, i, j]), abs(matrix[1, i, j]))


@compiled
def _enclose_slopes(program, work, box):
    """f(X) in the registers and J(X); false where J(X) is infinite or f is not continuous."""
    n = program.n_variables
    for j in range(n):
        work.low[j], work.high[j] = box[0, j], box[1, j]
    smooth = run(program, program.stages[1], program.stages[2], work.low, work.high)
    run(program, program.stages[2], program.stages[3], work.low, work.high)
    for i in range(n):
        for j in range(n):
            register = program.slopes[i, j]
            lower, upper = work.low[register], work.high[register]
            work.slope[0, i, j], work.slope[1, i, j] = lower, upper
            smooth = smooth and lower > -math.inf and upper < math.inf
    return smooth


@compiled
def _excluded(program, work):
    """Whether some value cannot be 0, from the registers."""
    for i in range(program.values.size):
        register = program.values[i]
        if work.low[register] > 0.0 or work.high[register] < 0.0:
            return True
    return False


@compiled
def _enclose_values(program, work, point):
    """f at a point."""
    n = program.n_variables
    for j in range(n):
        work.low[j], work.high[j] = point[j], point[j]
    run(program, program.stages[1], program.stages[2], work.low, work.high)
    for i in range(n):
        work.value[0, i] = work.low[program.values[i]]
        work.value[1, i] = work.high[program.values[i]]


@compiled
def _contract(matrix, value, centre, box, terms):
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
def _precondition(work):
    """C, C J and C f(m); false when the middle of J is singular."""
    if not _invert(work):
        return False
    _scale_slopes(work)
    _scale_values(work)
    return True


@compiled
def _invert(work):
    """C, the inverse of the middle of J, by elimination with row exchanges; false if singular."""
    n = work.centre.size
    left, right = work.elimination, work.inverse
    for i in range(n):
        for j in range(n):
            left[i, j] = _middle(work.slope[0, i, j], work.slope[1, i, j])
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
def _scale_slopes(work):
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
def _scale_values(work):
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
def _distance_from_identity(matrix):
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


@compiled
def _krawczyk_row(work, i):
    """Row i of centre - C f(centre) + (I - C J(Y)) (Y - centre), with Y in `work.enclosure`."""
    centre = work.centre
    low, high = intervals.subtract(
        centre[i], centre[i], work.scaled_value[0, i], work.scaled_value[1, i]
    )
    for j in range(centre.size):
        one = 1.0 if i == j else 0.0
        a, b = intervals.subtract(one, one, work.scaled[0, i, j], work.scaled[1, i, j])
        c, d = intervals.subtract(work.enclosure[0, j], work.enclosure[1, j], centre[j], centre[j])
        a, b = intervals.multiply(a, b, c, d)
        low, high = intervals.add(low, high, a, b)
    return low, high


@pasted
def newton_step(program, work, point):
    """Newton's step J^-1 f at a point, into `work.step`; false where J is singular or infinite."""
    n = point.size
    for j in range(n):
        work.enclosure[0, j] = work.enclosure[1, j] = point[j]
    if not _enclose_slopes(program, work, work.enclosure) or not _invert(work):
        return False
    for i in range(n):
        work.step[i] = 0.0
        for k in range(n):
            register = program.values[k]
            value = _middle(work.low[register], work.high[register])
            work.step[i] += work.inverse[i, k] * value
    return True


@pasted
def _newton(program, work, point):
    """Newton's method in place, until the steps no longer fall; false when it runs away."""
    last = math.inf
    for _ in range(_NEWTON_STEPS):
        if not newton_step(program, work, point):
            return False
        size = 0.0
        for i in range(point.size):
            size = max(size, abs(work.step[i]) / (abs(point[i]) + 1e-3))
        if not size < math.inf:
            return False
        if size >= 0.5 * last and size < 1e-8:
            return True
        for i in range(point.size):
            point[i] -= work.step[i]
        if size < 1e-16:
            return True
        last = size
    return last < 1e-6


@compiled
def _much_smaller(box, before):
    """Whether the widest direction, each relative to its width before, has shrunk."""
    largest = 0.0
    for j in range(box.shape[1]):
        width = before[1, j] - before[0, j]
        if width > 0.0:
            largest = max(largest, (box[1, j] - box[0, j]) / width)
    return largest < _WORTHWHILE
