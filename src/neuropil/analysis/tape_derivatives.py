"""Derivatives of the values on a tape, appended to the same tape.

They are taken operation by operation, so that slopes with a sharp enclosure of their own (of the
logistic function, of tanh) stay single operations, which written out in sums and products would
overestimate.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from neuropil.analysis.operations import Operation
from neuropil.analysis.tape import Tape


class Derivatives:
    """Forward differentiation of a tape by its variables; zeros are never written."""

    def __init__(self, tape: Tape):
        self.tape = tape
        one = tape.constant(1.0)
        self._by_variable: dict[int, dict[int, int]] = {
            variable: {variable: one} for variable in range(tape.n_variables)
        }

    def jacobian(self, values: list[int]) -> list[list[int]]:
        """Registers of the derivative of each value by each variable."""
        zero = self.tape.constant(0.0)
        rows = [self._of(value) for value in values]
        return [[row.get(i, zero) for i in range(self.tape.n_variables)] for row in rows]

    def _of(self, register: int) -> dict[int, int]:
        known = self._by_variable
        pending = [register]
        while pending:
            top = pending[-1]
            missing = [a for a in self.tape.arguments(top) if a not in known]
            pending.extend(missing)
            if not missing:
                if top not in known:
                    known[top] = self._chain(top)
                pending.pop()
        return known[register]

    def _chain(self, register: int) -> dict[int, int]:
        instruction = self.tape.instructions[register]
        if instruction is None:
            return {}
        operation, *arguments = instruction
        rule = _RULES.get(Operation(operation))
        if rule is None:
            return {}
        point = _Point(register, *arguments)
        inner = [self._by_variable[a] for a in self.tape.arguments(register)]
        zero = self.tape.constant(0.0)
        slopes = {}
        for variable in sorted(set().union(*inner)):
            slope = rule(self.tape, point, *[each.get(variable, zero) for each in inner])
            if not self.tape.is_constant(slope, 0.0):
                slopes[variable] = slope
        return slopes


def determinant(tape: Tape, matrix: list[list[int]]) -> int:
    """Register of a determinant, expanded row by row over the sets of columns that are used."""
    minors = {0: tape.constant(1.0)}
    n = len(matrix)
    for row in matrix:
        terms: dict[int, list[int]] = {}
        for used, minor in minors.items():
            for column in range(n):
                if used >> column & 1 or tape.is_constant(row[column], 0.0):
                    continue
                term = tape.emit(Operation.MULTIPLY, row[column], minor)
                if (used >> column).bit_count() % 2:
                    term = tape.emit(Operation.NEGATE, term)
                terms.setdefault(used | 1 << column, []).append(term)
        minors = {used: tape.total(each) for used, each in terms.items()}
    return minors.get((1 << n) - 1, tape.constant(0.0))


class _Point(NamedTuple):
    """The registers of a result and of the arguments of the operation."""

    result: int
    a: int
    b: int
    c: int


_Rule = Callable[..., int]


def _outer(factor: Callable[[Tape, _Point], int]) -> _Rule:
    """Chain rule of a function of one argument, from its derivative."""
    return lambda tape, at, da: tape.emit(Operation.MULTIPLY, factor(tape, at), da)


def _times(tape: Tape, number: float, register: int) -> int:
    return tape.emit(Operation.MULTIPLY, tape.constant(number), register)


def _product_rule(tape: Tape, at: _Point, da: int, db: int) -> int:
    left = tape.emit(Operation.MULTIPLY, da, at.b)
    right = tape.emit(Operation.MULTIPLY, at.a, db)
    return tape.emit(Operation.ADD, left, right)


def _quotient_rule(tape: Tape, at: _Point, da: int, db: int) -> int:
    fall = tape.emit(Operation.MULTIPLY, at.result, db)
    return tape.emit(Operation.DIVIDE, tape.emit(Operation.SUBTRACT, da, fall), at.b)


def _power_slope(tape: Tape, at: _Point) -> int:
    return _times(tape, at.b, tape.emit(Operation.INTEGER_POWER, at.a, at.b - 1))


def _root_slope(tape: Tape, at: _Point) -> int:
    return tape.emit(Operation.DIVIDE, tape.constant(0.5), at.result)


def _reciprocal(tape: Tape, register: int) -> int:
    return tape.emit(Operation.DIVIDE, tape.constant(1.0), register)


def _one_plus(tape: Tape, register: int) -> int:
    return tape.emit(Operation.ADD, tape.constant(1.0), register)


def _error_function_slope(tape: Tape, at: _Point) -> int:
    two_over_root_pi = 2.0 / math.sqrt(math.pi)
    enclosure = tape.constant(
        math.nextafter(two_over_root_pi, 0.0), math.nextafter(two_over_root_pi, 2.0)
    )
    fall = tape.emit(Operation.NEGATE, tape.emit(Operation.SQUARE, at.a))
    return tape.emit(Operation.MULTIPLY, enclosure, tape.emit(Operation.EXPONENTIAL, fall))


def _tanh_curvature(tape: Tape, at: _Point) -> int:
    return tape.emit(
        Operation.MULTIPLY, _times(tape, -2.0, tape.emit(Operation.TANH, at.a)), at.result
    )


def _logistic_curvature(tape: Tape, at: _Point) -> int:
    # 1 - 2 logistic(x) = -tanh(x / 2)
    half = tape.emit(Operation.TANH, _times(tape, 0.5, at.a))
    return tape.emit(Operation.NEGATE, tape.emit(Operation.MULTIPLY, half, at.result))


def _chosen(tape: Tape, condition: int, otherwise: int, chosen: int) -> int:
    return tape.emit(Operation.SELECT, condition, otherwise, chosen)


def _absolute_rule(tape: Tape, at: _Point, da: int) -> int:
    negative = tape.emit(Operation.LESS, at.a, tape.constant(0.0))
    return _chosen(tape, negative, da, tape.emit(Operation.NEGATE, da))


_RULES: dict[Operation, _Rule] = {
    Operation.ADD: lambda tape, at, da, db: tape.emit(Operation.ADD, da, db),
    Operation.SUBTRACT: lambda tape, at, da, db: tape.emit(Operation.SUBTRACT, da, db),
    Operation.MULTIPLY: _product_rule,
    Operation.DIVIDE: _quotient_rule,
    Operation.NEGATE: lambda tape, at, da: tape.emit(Operation.NEGATE, da),
    Operation.MAXIMUM: lambda tape, at, da, db: _chosen(
        tape, tape.emit(Operation.LESS, at.a, at.b), da, db
    ),
    Operation.MINIMUM: lambda tape, at, da, db: _chosen(
        tape, tape.emit(Operation.LESS, at.a, at.b), db, da
    ),
    Operation.ABSOLUTE: _absolute_rule,
    Operation.SELECT: lambda tape, at, condition, db, dc: _chosen(tape, at.a, db, dc),
    Operation.SQUARE: _outer(lambda tape, at: _times(tape, 2.0, at.a)),
    Operation.INTEGER_POWER: _outer(_power_slope),
    Operation.SQUARE_ROOT: _outer(_root_slope),
    Operation.EXPONENTIAL: _outer(lambda tape, at: at.result),
    Operation.EXPONENTIAL_MINUS_ONE: _outer(
        lambda tape, at: tape.emit(Operation.EXPONENTIAL, at.a)
    ),
    Operation.LOGARITHM: _outer(lambda tape, at: _reciprocal(tape, at.a)),
    Operation.LOGARITHM_OF_ONE_PLUS: _outer(
        lambda tape, at: _reciprocal(tape, _one_plus(tape, at.a))
    ),
    Operation.TANH: _outer(lambda tape, at: tape.emit(Operation.TANH_SLOPE, at.a)),
    Operation.TANH_SLOPE: _outer(_tanh_curvature),
    Operation.LOGISTIC: _outer(lambda tape, at: tape.emit(Operation.LOGISTIC_SLOPE, at.a)),
    Operation.LOGISTIC_SLOPE: _outer(_logistic_curvature),
    Operation.ERROR_FUNCTION: _outer(_error_function_slope),
    Operation.ARC_TANGENT: _outer(
        lambda tape, at: _reciprocal(tape, _one_plus(tape, tape.emit(Operation.SQUARE, at.a)))
    ),
    Operation.SINE: _outer(lambda tape, at: tape.emit(Operation.COSINE, at.a)),
    Operation.COSINE: _outer(
        lambda tape, at: tape.emit(Operation.NEGATE, tape.emit(Operation.SINE, at.a))
    ),
}
