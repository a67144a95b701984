"""The compiled loop that evaluates a tape over boxes."""

import math

import numpy as np

from neuropil.analysis import intervals
from neuropil.analysis.intervals import compiled, entry
from neuropil.analysis.operations import Operation

_ADD = int(Operation.ADD)
_SUBTRACT = int(Operation.SUBTRACT)
_MULTIPLY = int(Operation.MULTIPLY)
_DIVIDE = int(Operation.DIVIDE)
_NEGATE = int(Operation.NEGATE)
_MAXIMUM = int(Operation.MAXIMUM)
_MINIMUM = int(Operation.MINIMUM)
_ABSOLUTE = int(Operation.ABSOLUTE)
_SQUARE = int(Operation.SQUARE)
_INTEGER_POWER = int(Operation.INTEGER_POWER)
_LESS = int(Operation.LESS)
_LESS_OR_EQUAL = int(Operation.LESS_OR_EQUAL)
_SELECT = int(Operation.SELECT)
_SINE = int(Operation.SINE)
_COSINE = int(Operation.COSINE)
_TANH_SLOPE = int(Operation.TANH_SLOPE)
_LOGISTIC_SLOPE = int(Operation.LOGISTIC_SLOPE)
_SQUARE_ROOT = int(Operation.SQUARE_ROOT)
_LOGARITHM = int(Operation.LOGARITHM)
_LOGARITHM_OF_ONE_PLUS = int(Operation.LOGARITHM_OF_ONE_PLUS)


@compiled
def registers_for(program):
    """Lower and upper ends of all registers, with the constants in place."""
    first = program.n_variables + program.n_parameters
    n_constants = program.constant_lower.size
    size = first + n_constants + program.operation.size
    lower, upper = np.zeros(size), np.zeros(size)
    for i in range(n_constants):
        lower[first + i], upper[first + i] = program.constant_lower[i], program.constant_upper[i]
        if not lower[first + i] <= upper[first + i]:
            lower[first + i], upper[first + i] = -math.inf, math.inf
    return lower, upper


@compiled
def set_parameters(program, lower, upper, parameter_lower, parameter_upper):
    """Put the parameters into their registers and compute what depends on them alone."""
    for i in range(program.n_parameters):
        lower[program.n_variables + i] = parameter_lower[i]
        upper[program.n_variables + i] = parameter_upper[i]
    run(program, program.stages[0], program.stages[1], lower, upper)


@compiled
def run(program, start, stop, lower, upper):
    """Compute a range of instructions in place.

    Returns whether the operations were all defined and continuous on the box: a comparison that
    is undecided, or a divisor, logarithm or root that leaves its domain, makes it false.
    """
    offset = lower.size - program.operation.size
    continuous = True
    for k in range(start, stop):
        operation = program.operation[k]
        i, j = program.arguments[k, 0], program.arguments[k, 1]
        a, b = lower[i], upper[i]
        if operation == _INTEGER_POWER:
            if j < 0 and a <= 0.0 <= b:
                continuous = False
            low, high = intervals.integer_power(a, b, j)
        else:
            c, d = lower[max(j, 0)], upper[max(j, 0)]
            if operation == _ADD:
                low, high = intervals.add(a, b, c, d)
            elif operation == _SUBTRACT:
                low, high = intervals.subtract(a, b, c, d)
            elif operation == _MULTIPLY:
                low, high = intervals.multiply(a, b, c, d)
            elif operation == _DIVIDE:
                if c <= 0.0 <= d:
                    continuous = False
                low, high = intervals.divide(a, b, c, d)
            elif operation == _NEGATE:
                low, high = -b, -a
            elif operation == _MAXIMUM:
                low, high = max(a, c), max(b, d)
            elif operation == _MINIMUM:
                low, high = min(a, c), min(b, d)
            elif operation == _ABSOLUTE:
                low = a if a >= 0.0 else -b if b <= 0.0 else 0.0
                high = max(-a, b)
            elif operation == _SQUARE:
                low, high = intervals.square(a, b)
            elif operation >= _SQUARE_ROOT:
                if (
                    (operation == _SQUARE_ROOT and a < 0.0)
                    or (operation == _LOGARITHM and a <= 0.0)
                    or (operation == _LOGARITHM_OF_ONE_PLUS and a <= -1.0)
                ):
                    continuous = False
                low, high = intervals.increasing(operation, a, b)
            elif operation == _TANH_SLOPE:
                low, high = intervals.slope(2.0, a, b)
            elif operation == _LOGISTIC_SLOPE:
                low, high = intervals.slope(1.0, a, b)
            elif operation == _SINE:
                low, high = intervals.wave(0.5 * math.pi, a, b)
            elif operation == _COSINE:
                low, high = intervals.wave(0.0, a, b)
            elif operation == _SELECT:
                e = program.arguments[k, 2]
                if b <= 0.0:
                    low, high = c, d
                elif a >= 1.0:
                    low, high = lower[e], upper[e]
                else:
                    low, high = min(c, lower[e]), max(d, upper[e])
            else:
                if operation == _LESS:
                    always, never = b < c, a >= d
                elif operation == _LESS_OR_EQUAL:
                    always, never = b <= c, a > d
                else:
                    always, never = a == b == c == d, b < c or d < a
                low, high = 1.0 if always else 0.0, 0.0 if never else 1.0
                if low != high:
                    continuous = False
        lower[offset + k], upper[offset + k] = low, high
    return continuous


@entry
def evaluate(program, lower, upper, parameter_lower, parameter_upper):
    """Values and slopes over many boxes, each with its own parameters; the rows are boxes.

    Returns lower and upper ends of the values [boxes, values] and of the slopes
    [boxes, values, variables], and whether the values are continuous in the variables on each box.
    """
    n_boxes, n_variables = lower.shape
    n_values = program.values.size
    value_lower, value_upper = np.empty((n_boxes, n_values)), np.empty((n_boxes, n_values))
    slope_lower = np.empty((n_boxes, n_values, n_variables))
    slope_upper = np.empty((n_boxes, n_values, n_variables))
    continuous = np.empty(n_boxes, np.bool_)
    low, high = registers_for(program)
    for box in range(n_boxes):
        set_parameters(program, low, high, parameter_lower[box], parameter_upper[box])
        for j in range(n_variables):
            low[j], high[j] = lower[box, j], upper[box, j]
        continuous[box] = run(program, program.stages[1], program.stages[2], low, high)
        run(program, program.stages[2], program.stages[3], low, high)
        for i in range(n_values):
            value_lower[box, i] = low[program.values[i]]
            value_upper[box, i] = high[program.values[i]]
            for j in range(n_variables):
                slope_lower[box, i, j] = low[program.slopes[i, j]]
                slope_upper[box, i, j] = high[program.slopes[i, j]]
    return value_lower, value_upper, slope_lower, slope_upper, continuous
