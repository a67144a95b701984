"""The scalar operations that intervals are carried through."""

import enum


class Operation(enum.IntEnum):
    """What an instruction of a tape computes from the registers a, b and c."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    NEGATE = 4
    MAXIMUM = 5
    MINIMUM = 6
    ABSOLUTE = 7
    SQUARE = 8
    INTEGER_POWER = 9  # b is the exponent itself
    LESS = 10  # comparisons give 0, 1, or [0, 1] where undecided
    LESS_OR_EQUAL = 11
    EQUAL = 12
    SELECT = 13  # b where a is 0, c where a is 1
    SINE = 14
    COSINE = 15
    TANH_SLOPE = 16
    LOGISTIC_SLOPE = 17
    # From here on: increasing functions.
    SQUARE_ROOT = 18
    EXPONENTIAL = 19
    EXPONENTIAL_MINUS_ONE = 20
    LOGARITHM = 21
    LOGARITHM_OF_ONE_PLUS = 22
    TANH = 23
    LOGISTIC = 24
    ERROR_FUNCTION = 25
    ARC_TANGENT = 26
