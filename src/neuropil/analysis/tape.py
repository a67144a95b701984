"""A function of several real variables written out as a list of scalar operations.

A tape is made once from a function, extended by derivatives, and then evaluated over any number
of boxes by one compiled loop.
"""

from operator import eq, le, lt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from neuropil.analysis.operations import Operation


class Program(NamedTuple):
    """A finished tape, in the form that the compiled loop takes.

    Registers hold, in this order: variables, parameters, constants, and the results of the
    instructions. Instructions come in three stages, from `stages[s]` to before `stages[s + 1]`:
    those that depend on parameters alone, those that complete the values, and the derivatives.
    """

    operation: Int32[np.ndarray, " instructions"]
    arguments: Int64[np.ndarray, "instructions 3"]
    constant_lower: Float64[np.ndarray, " constants"]
    constant_upper: Float64[np.ndarray, " constants"]
    n_variables: int
    n_parameters: int
    stages: Int64[np.ndarray, "4"]
    values: Int32[np.ndarray, " values"]
    slopes: Int32[np.ndarray, "values variables"]


class Tape:
    """Scalar operations in the order in which they are computed; equal ones are kept once."""

    def __init__(self, n_variables: int, n_parameters: int):
        self.n_variables = n_variables
        self.n_parameters = n_parameters
        self.instructions: list[tuple[int, int, int, int] | None] = [None] * (
            n_variables + n_parameters
        )
        self.constants: dict[int, tuple[float, float]] = {}
        self._known: dict[tuple, int] = {}

    def constant(self, lower: float, upper: float | None = None) -> int:
        """The register of a number, or of an interval that encloses one."""
        value = (float(lower), float(lower if upper is None else upper))
        register = self._known.get(value)
        if register is None:
            self.instructions.append(None)
            register = self._known[value] = len(self.instructions) - 1
            self.constants[register] = value
        return register

    def is_constant(self, register: int, value: float) -> bool:
        """Whether a register holds exactly this number."""
        return self.constants.get(register) == (value, value)

    def emit(self, operation: Operation, a: int, b: int = -1, c: int = -1) -> int:
        """The register of an operation, which is simplified where that is exact."""
        simpler = self._simplified(operation, a, b, c)
        if simpler is not None:
            return simpler
        if operation in _COMMUTATIVE and a > b:
            a, b = b, a
        instruction = (int(operation), a, b, c)
        register = self._known.get(instruction)
        if register is None:
            self.instructions.append(instruction)
            register = self._known[instruction] = len(self.instructions) - 1
        return register

    def _simplified(self, operation: Operation, a: int, b: int, c: int) -> int | None:
        match operation:
            case Operation.ADD:
                if self.is_constant(a, 0.0):
                    return b
                if self.is_constant(b, 0.0):
                    return a
            case Operation.SUBTRACT:
                if self.is_constant(b, 0.0):
                    return a
                if self.is_constant(a, 0.0):
                    return self.emit(Operation.NEGATE, b)
                if a == b:
                    return self.constant(0.0)
            case Operation.MULTIPLY:
                for one, other in ((a, b), (b, a)):
                    if self.is_constant(one, 0.0):
                        return one
                    if self.is_constant(one, 1.0):
                        return other
                    if self.is_constant(one, -1.0):
                        return self.emit(Operation.NEGATE, other)
                if a == b:
                    return self.emit(Operation.SQUARE, a)
            case Operation.DIVIDE if self.is_constant(b, 1.0):
                return a
            case Operation.NEGATE:
                if a in self.constants:
                    lower, upper = self.constants[a]
                    return self.constant(0.0 - upper, 0.0 - lower)
                inner = self.instructions[a]
                if inner is not None and inner[0] == Operation.NEGATE:
                    return inner[1]
            case Operation.INTEGER_POWER:
                if b == 0:
                    return self.constant(1.0)
                if b == 1:
                    return a
                if b == 2:
                    return self.emit(Operation.SQUARE, a)
            case Operation.LESS | Operation.LESS_OR_EQUAL | Operation.EQUAL:
                return self._decided(operation, a, b)
            case Operation.MAXIMUM | Operation.MINIMUM if a == b:
                return a
            case Operation.SELECT:
                if self.is_constant(a, 0.0) or b == c:
                    return b
                if self.is_constant(a, 1.0):
                    return c
        return None

    def _decided(self, operation: Operation, a: int, b: int) -> int | None:
        if a == b:
            return self.constant(0.0 if operation == Operation.LESS else 1.0)
        left, right = self.constants.get(a), self.constants.get(b)
        if left is None or right is None or left[0] != left[1] or right[0] != right[1]:
            return None
        compare = {Operation.LESS: lt, Operation.LESS_OR_EQUAL: le, Operation.EQUAL: eq}
        return self.constant(float(compare[operation](left[0], right[0])))

    def arguments(self, register: int) -> list[int]:
        """The registers that an instruction reads; none for a variable, parameter or constant."""
        instruction = self.instructions[register]
        if instruction is None:
            return []
        operation, *registers = instruction
        if operation == Operation.INTEGER_POWER:
            registers = registers[:1]
        return [r for r in registers if r >= 0]

    def total(self, registers: list[int]) -> int:
        """Sum of registers, in pairs."""
        registers = [r for r in registers if not self.is_constant(r, 0.0)]
        while len(registers) > 1:
            paired = [
                self.emit(Operation.ADD, *registers[i : i + 2])
                for i in range(0, len(registers) - 1, 2)
            ]
            registers = paired + registers[len(registers) - len(registers) % 2 :]
        return registers[0] if registers else self.constant(0.0)

    def finish(self, values: list[int], slopes: list[list[int]]) -> Program:
        """Drop what is not needed and sort by what depends on what."""
        wanted_slopes = [register for row in slopes for register in row]
        for_values = self._reachable(values)
        needed = for_values | self._reachable(wanted_slopes)
        varies = self._varying()
        stage = {
            r: 0 if not varies[r] else 1 if r in for_values else 2
            for r in needed
            if self.instructions[r] is not None
        }
        n_inputs = self.n_variables + self.n_parameters
        constants = sorted(r for r in needed if r in self.constants)
        ordered = sorted(stage, key=lambda r: (stage[r], r))
        place = {r: r for r in range(n_inputs)}
        for register in (*constants, *ordered):
            place[register] = len(place)
        place[-1] = -1
        rows = []
        for register in ordered:
            operation, a, b, c = self.instructions[register]
            exponent = operation == Operation.INTEGER_POWER
            rows.append((operation, place[a], b if exponent else place[b], place[c]))
        table = np.array(rows, np.int64).reshape(-1, 4)
        stages = np.array([stage[register] for register in ordered], int)
        return Program(
            operation=table[:, 0].astype(np.int32),
            arguments=np.ascontiguousarray(table[:, 1:]),
            constant_lower=np.array([self.constants[r][0] for r in constants], float),
            constant_upper=np.array([self.constants[r][1] for r in constants], float),
            n_variables=self.n_variables,
            n_parameters=self.n_parameters,
            stages=np.searchsorted(stages, np.arange(4)),
            values=np.array([place[r] for r in values], np.int32),
            slopes=np.array([place[r] for r in wanted_slopes], np.int32).reshape(
                len(values), self.n_variables
            ),
        )

    def _reachable(self, registers: list[int]) -> set[int]:
        reached: set[int] = set()
        pending = list(registers)
        while pending:
            register = pending.pop()
            if register in reached:
                continue
            reached.add(register)
            pending.extend(self.arguments(register))
        return reached

    def _varying(self) -> list[bool]:
        varies = [r < self.n_variables for r in range(len(self.instructions))]
        for register in range(self.n_variables, len(varies)):
            varies[register] = any(varies[a] for a in self.arguments(register))
        return varies


_COMMUTATIVE = {Operation.ADD, Operation.MULTIPLY, Operation.MAXIMUM, Operation.MINIMUM}
