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
from neuropil.analysis.interval_matrices import (
    contract,
    distance_from_identity,
    invert,
    magnitude,
    middle,
    precondition,
    scale_slopes,
    scale_values,
)
from neuropil.analysis.intervals import compiled, pasted
from neuropil.analysis.tape_machine import registers_for, run

EMPTY, UNIQUE, SPLIT = 0, 1, 2

_ROUNDS = 6
_CUT = 0.4871
_WORTHWHILE = 0.7
_REGULAR = 0.95
_NARROW = 1e-3
_NEWTON_STEPS = 10
_INFLATIONS = 10


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
            work.centre[j] = middle(box[0, j], box[1, j])
        _enclose_values(program, work, work.centre)
        if not contract(work.slope, work.value, work.centre, box, work.terms):
            return EMPTY
        if precondition(work):
            if not contract(work.scaled, work.scaled_value, work.centre, box, work.terms):
                return EMPTY
            if distance_from_identity(work.scaled) < _REGULAR:
                verdict = _decide(program, work, box)
                if verdict != SPLIT:
                    return verdict
        if not _much_smaller(box, work.box):
            return SPLIT
    return SPLIT


@compiled
def cut(box, j):
    """Where to cut a box along a variable; an end of it where no double lies between the ends.

    Off the middle, so that zeros of symmetric systems do not lie on cuts.
    """
    return box[0, j] + _CUT * (box[1, j] - box[0, j])


@compiled
def splitting_direction(work, box, initial):
    """The variable to which the values react most, in proportion to all; else the widest one.

    A value that depends on one variable alone speaks for it however narrow the box has become
    there, so that a variable counts only while it is not much narrower than the widest one, and
    there are doubles between its ends. Where there are none for any variable, this is -1.
    """
    n = box.shape[1]
    score, width = np.zeros(n), np.zeros(n)
    widest = -1
    for j in range(n):
        if box[0, j] < cut(box, j) < box[1, j]:
            width[j] = (box[1, j] - box[0, j]) / (initial[1, j] - initial[0, j])
            if widest < 0 or width[j] > width[widest]:
                widest = j
    for i in range(n):
        total = 0.0
        for k in range(n):
            total += magnitude(work.slope, i, k) * (box[1, k] - box[0, k])
        if 0.0 < total < math.inf:
            for j in range(n):
                score[j] += magnitude(work.slope, i, j) * (box[1, j] - box[0, j]) / total
    best = widest
    for j in range(n):
        if widest >= 0 and score[j] > score[best] and width[j] > _NARROW * width[widest]:
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
    if not _enclose_slopes(program, work, work.enclosure) or not invert(work):
        return False
    _enclose_values(program, work, point)
    scale_values(work)
    for attempt in range(_INFLATIONS):
        for j in range(n):
            size = max(abs(work.scaled_value[0, j]), abs(work.scaled_value[1, j]))
            radius = 4.0**attempt * (2.0 * size + 2e-16 * abs(point[j]) + 1e-200)
            work.enclosure[0, j], work.enclosure[1, j] = point[j] - radius, point[j] + radius
        if not _enclose_slopes(program, work, work.enclosure):
            return False
        scale_slopes(work)
        # Where the map does not contract, it contracts on no larger box either.
        if not distance_from_identity(work.scaled) < 1.0:
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
        scale_slopes(work)
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
        point[j] = middle(box[0, j], box[1, j])
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
    if not precondition(work) or not distance_from_identity(work.scaled) < 1.0:
        return SPLIT
    return EMPTY if outside else UNIQUE


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
    if not _enclose_slopes(program, work, work.enclosure) or not invert(work):
        return False
    for i in range(n):
        work.step[i] = 0.0
        for k in range(n):
            register = program.values[k]
            value = middle(work.low[register], work.high[register])
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
