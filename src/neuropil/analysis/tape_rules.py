"""What each operation of JAX becomes on a tape.

Rules in `SHAPE_RULES` change shape, order or selection and leave the tape as it is; those in
`RULES` write onto it.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neuropil.analysis.array_indexing import gather_positions, scatter_positions
from neuropil.analysis.operations import Operation
from neuropil.analysis.tape import Tape


class Registers:
    """An array of numbers on a tape, given by their registers."""

    def __init__(self, indices: Any):
        self.indices = np.asarray(indices, int)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.indices.shape


Known = np.ndarray
Value = Registers | Known


def registers_of(tape: Tape, value: Value) -> Registers:
    """An array on the tape, with numbers that are known as constants."""
    if isinstance(value, Registers):
        return value
    flat = [tape.constant(float(number)) for number in np.ravel(value)]
    return Registers(np.reshape(np.array(flat, int), value.shape))


def known(name: str, value: Value) -> np.ndarray:
    """An index or a condition; raises `ValueError` where it depends on the arguments."""
    if isinstance(value, Registers):
        raise ValueError(
            f"the operation {name!r} takes an index or a condition that depends on the arguments "
            "of the function; an interval enclosure needs it fixed"
        )
    return value


def reshaped(value: Value, change: Callable[[np.ndarray], np.ndarray]) -> Value:
    """Apply a change of shape, order or selection to what an array holds."""
    if isinstance(value, Registers):
        return Registers(change(value.indices))
    return change(value)


def joined(values: list[Value], join: Callable[[list[np.ndarray]], np.ndarray]) -> Value:
    """One array of several."""
    if all(isinstance(value, Registers) for value in values):
        return Registers(join([value.indices for value in values]))  # type: ignore[union-attr]
    return join([known("concatenate", value) for value in values])


def _rearranging(change: Callable[[np.ndarray, dict[str, Any]], np.ndarray]):
    def rule(parameters: dict[str, Any], inputs: list[Value]) -> list[Value]:
        return [reshaped(inputs[0], lambda array: change(array, parameters))]

    return rule


def _broadcast_in_dim(array: np.ndarray, parameters: dict[str, Any]) -> np.ndarray:
    shape = [1] * len(parameters["shape"])
    for axis, size in zip(parameters["broadcast_dimensions"], array.shape, strict=True):
        shape[axis] = size
    return np.broadcast_to(array.reshape(shape), parameters["shape"])


def _slice(array: np.ndarray, parameters: dict[str, Any]) -> np.ndarray:
    strides = parameters["strides"] or (1,) * array.ndim
    limits = zip(parameters["start_indices"], parameters["limit_indices"], strides, strict=True)
    return array[tuple(slice(*limit) for limit in limits)]


def _split(parameters: dict[str, Any], inputs: list[Value]) -> list[Value]:
    bounds = np.cumsum([0, *parameters["sizes"]])
    axis = parameters["axis"]
    return [
        reshaped(inputs[0], lambda array, span=span: np.take(array, range(*span), axis))
        for span in itertools.pairwise(bounds)
    ]


def _unstack(parameters: dict[str, Any], inputs: list[Value]) -> list[Value]:
    axis = parameters["axis"]
    return [
        reshaped(inputs[0], lambda array, i=i: np.take(array, i, axis))
        for i in range(inputs[0].shape[axis])
    ]


def _dynamic_slice(parameters: dict[str, Any], inputs: list[Value]) -> list[Value]:
    operand, *starts = inputs
    sizes = parameters["slice_sizes"]
    spans = []
    for start, size, length in zip(starts, sizes, operand.shape, strict=True):
        first = int(np.clip(int(known("dynamic_slice", start)), 0, length - size))
        spans.append(slice(first, first + size))
    return [reshaped(operand, lambda array: array[tuple(spans)])]


def _gather(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    operand = registers_of(tape, inputs[0])
    positions = gather_positions(operand.shape, known("gather", inputs[1]), parameters)
    found = operand.indices.ravel()[np.maximum(positions, 0)]
    return Registers(np.where(positions < 0, tape.constant(math.nan), found))


def _scatter(
    tape: Tape, parameters: dict[str, Any], inputs: list[Value], *, adds: bool
) -> Registers:
    operand, updates = registers_of(tape, inputs[0]), registers_of(tape, inputs[2])
    positions = scatter_positions(
        operand.shape, updates.shape, known("scatter", inputs[1]), parameters
    )
    flat = operand.indices.flatten()
    terms: dict[int, list[int]] = {}
    for position, update in zip(positions.ravel(), updates.indices.ravel(), strict=True):
        if position >= 0:
            terms.setdefault(int(position), []).append(int(update))
    for position, added in terms.items():
        flat[position] = tape.total([int(flat[position]), *added]) if adds else added[-1]
    return Registers(flat.reshape(operand.shape))


def _pad(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    operand, filling = (registers_of(tape, value) for value in inputs)
    sizes = [
        low + high + size + max(size - 1, 0) * between
        for size, (low, high, between) in zip(
            operand.shape, parameters["padding_config"], strict=True
        )
    ]
    if any(min(low, high) < 0 for low, high, _ in parameters["padding_config"]):
        raise ValueError("the operation 'pad' has an interval enclosure for padding of at least 0")
    padded = np.full(sizes, int(filling.indices))
    spans = tuple(
        slice(low, size - high, between + 1)
        for size, (low, high, between) in zip(sizes, parameters["padding_config"], strict=True)
    )
    padded[spans] = operand.indices
    return Registers(padded)


def _elementwise(function: Callable[..., int]):
    """A rule that calls `function(tape, *registers)` for every element."""

    def rule(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
        del parameters
        arrays = np.broadcast_arrays(*[registers_of(tape, value).indices for value in inputs])
        flat = [
            function(tape, *map(int, each)) for each in zip(*map(np.ravel, arrays), strict=True)
        ]
        return Registers(np.reshape(np.array(flat, int), arrays[0].shape))

    return rule


def _operation(operation: Operation):
    return _elementwise(lambda tape, *registers: tape.emit(operation, *registers))


def _reversed(operation: Operation):
    return _elementwise(lambda tape, a, b: tape.emit(operation, b, a))


def _negation(tape: Tape, register: int) -> int:
    return tape.emit(Operation.EQUAL, register, tape.constant(0.0))


def _sign(tape: Tape, register: int) -> int:
    zero = tape.constant(0.0)
    positive = tape.emit(Operation.LESS, zero, register)
    return tape.emit(Operation.SUBTRACT, positive, tape.emit(Operation.LESS, register, zero))


def _power(tape: Tape, base: int, exponent: int) -> int:
    lower, upper = tape.constants.get(exponent, (math.nan, math.nan))
    if lower == upper and lower.is_integer() and abs(lower) < 2**20:
        return tape.emit(Operation.INTEGER_POWER, base, int(lower))
    if lower == upper == 0.5:
        return tape.emit(Operation.SQUARE_ROOT, base)
    logarithm = tape.emit(Operation.LOGARITHM, base)
    return tape.emit(Operation.EXPONENTIAL, tape.emit(Operation.MULTIPLY, exponent, logarithm))


def _integer_pow(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    exponent = parameters["y"]
    raised = _elementwise(lambda tape, a: tape.emit(Operation.INTEGER_POWER, a, exponent))
    return raised(tape, parameters, inputs)


def _select_n(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    which, *cases = inputs
    if isinstance(which, Registers):
        return _operation(Operation.SELECT)(tape, parameters, inputs)
    indices = np.stack([registers_of(tape, case).indices for case in cases])
    which = np.broadcast_to(which, indices.shape[1:]).astype(int)
    return Registers(np.take_along_axis(indices, which[None], 0)[0])


def _convert(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Value:
    dtype = np.dtype(parameters["new_dtype"])
    if np.issubdtype(dtype, np.floating):
        return registers_of(tape, inputs[0])
    return known("convert_element_type", inputs[0]).astype(dtype)


def _reduction(fold: Callable[[Tape, list[int]], int]):
    def rule(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
        indices = registers_of(tape, inputs[0]).indices
        axes = parameters["axes"]
        kept = [axis for axis in range(indices.ndim) if axis not in axes]
        shape = [indices.shape[axis] for axis in kept]
        rows = indices.transpose(*kept, *axes).reshape(math.prod(shape), -1)
        flat = [fold(tape, [int(r) for r in row]) for row in rows]
        return Registers(np.reshape(np.array(flat, int), shape))

    return rule


def _folding(operation: Operation) -> Callable[[Tape, list[int]], int]:
    def fold(tape: Tape, registers: list[int]) -> int:
        result = registers[0]
        for register in registers[1:]:
            result = tape.emit(operation, result, register)
        return result

    return fold


def _cumulative_sum(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    indices = np.moveaxis(registers_of(tape, inputs[0]).indices.copy(), parameters["axis"], 0)
    if parameters["reverse"]:
        indices = indices[::-1]
    add = _operation(Operation.ADD)
    for i in range(1, len(indices)):
        row = add(tape, {}, [Registers(indices[i - 1]), Registers(indices[i])])
        indices[i] = row.indices
    if parameters["reverse"]:
        indices = indices[::-1]
    return Registers(np.moveaxis(indices, 0, parameters["axis"]))


def _dot_general(tape: Tape, parameters: dict[str, Any], inputs: list[Value]) -> Registers:
    (left_sum, right_sum), (left_batch, right_batch) = parameters["dimension_numbers"]
    left, right = (registers_of(tape, value).indices for value in inputs)
    left_free = [i for i in range(left.ndim) if i not in (*left_sum, *left_batch)]
    right_free = [i for i in range(right.ndim) if i not in (*right_sum, *right_batch)]
    batch = [left.shape[i] for i in left_batch]
    shape = batch + [left.shape[i] for i in left_free] + [right.shape[i] for i in right_free]
    n_summed = math.prod(left.shape[i] for i in left_sum)
    rows = left.transpose(*left_batch, *left_free, *left_sum)
    columns = right.transpose(*right_batch, *right_free, *right_sum)
    flat = [
        tape.total(
            [
                tape.emit(Operation.MULTIPLY, int(a), int(b))
                for a, b in zip(row, column, strict=True)
            ]
        )
        for row_block, column_block in zip(
            rows.reshape(math.prod(batch), -1, n_summed),
            columns.reshape(math.prod(batch), -1, n_summed),
            strict=True,
        )
        for row in row_block
        for column in column_block
    ]
    return Registers(np.reshape(np.array(flat, int), shape))


SHAPE_RULES: dict[str, Callable[[dict[str, Any], list[Value]], list[Value]]] = {
    "broadcast_in_dim": _rearranging(_broadcast_in_dim),
    "reshape": _rearranging(lambda array, parameters: array.reshape(parameters["new_sizes"])),
    "squeeze": _rearranging(
        lambda array, parameters: np.squeeze(array, tuple(parameters["dimensions"]))
    ),
    "expand_dims": _rearranging(
        lambda array, parameters: np.expand_dims(array, tuple(parameters["dimensions"]))
    ),
    "transpose": _rearranging(
        lambda array, parameters: np.transpose(array, parameters["permutation"])
    ),
    "rev": _rearranging(lambda array, parameters: np.flip(array, parameters["dimensions"])),
    "slice": _rearranging(_slice),
    "copy": _rearranging(lambda array, parameters: array),
    "copy_p": _rearranging(lambda array, parameters: array),
    "stop_gradient": lambda parameters, inputs: inputs,
    "optimization_barrier": lambda parameters, inputs: inputs,
    "split": _split,
    "unstack": _unstack,
    "dynamic_slice": _dynamic_slice,
    "concatenate": lambda parameters, inputs: [
        joined(inputs, lambda arrays: np.concatenate(arrays, parameters["dimension"]))
    ],
    "stack": lambda parameters, inputs: [
        joined(inputs, lambda arrays: np.stack(arrays, parameters["axis"]))
    ],
}

RULES: dict[str, Callable[[Tape, dict[str, Any], list[Value]], Value]] = {
    "add": _operation(Operation.ADD),
    "add_any": _operation(Operation.ADD),
    "sub": _operation(Operation.SUBTRACT),
    "mul": _operation(Operation.MULTIPLY),
    "div": _operation(Operation.DIVIDE),
    "neg": _operation(Operation.NEGATE),
    "max": _operation(Operation.MAXIMUM),
    "min": _operation(Operation.MINIMUM),
    "abs": _operation(Operation.ABSOLUTE),
    "square": _operation(Operation.SQUARE),
    "sqrt": _operation(Operation.SQUARE_ROOT),
    "rsqrt": _elementwise(
        lambda tape, a: tape.emit(
            Operation.DIVIDE, tape.constant(1.0), tape.emit(Operation.SQUARE_ROOT, a)
        )
    ),
    "exp": _operation(Operation.EXPONENTIAL),
    "expm1": _operation(Operation.EXPONENTIAL_MINUS_ONE),
    "log": _operation(Operation.LOGARITHM),
    "log1p": _operation(Operation.LOGARITHM_OF_ONE_PLUS),
    "tanh": _operation(Operation.TANH),
    "logistic": _operation(Operation.LOGISTIC),
    "erf": _operation(Operation.ERROR_FUNCTION),
    "erfc": _elementwise(
        lambda tape, a: tape.emit(
            Operation.SUBTRACT, tape.constant(1.0), tape.emit(Operation.ERROR_FUNCTION, a)
        )
    ),
    "atan": _operation(Operation.ARC_TANGENT),
    "sin": _operation(Operation.SINE),
    "cos": _operation(Operation.COSINE),
    "sign": _elementwise(_sign),
    "lt": _operation(Operation.LESS),
    "le": _operation(Operation.LESS_OR_EQUAL),
    "gt": _reversed(Operation.LESS),
    "ge": _reversed(Operation.LESS_OR_EQUAL),
    "eq": _operation(Operation.EQUAL),
    "ne": _elementwise(lambda tape, a, b: _negation(tape, tape.emit(Operation.EQUAL, a, b))),
    "and": _operation(Operation.MINIMUM),
    "or": _operation(Operation.MAXIMUM),
    "not": _elementwise(_negation),
    "is_finite": _elementwise(lambda tape, a: tape.constant(1.0)),
    "integer_pow": _integer_pow,
    "pow": _elementwise(_power),
    "clamp": _elementwise(
        lambda tape, low, a, high: tape.emit(
            Operation.MINIMUM, tape.emit(Operation.MAXIMUM, a, low), high
        )
    ),
    "select_n": _select_n,
    "convert_element_type": _convert,
    "reduce_sum": _reduction(lambda tape, registers: tape.total(registers)),
    "reduce_max": _reduction(_folding(Operation.MAXIMUM)),
    "reduce_min": _reduction(_folding(Operation.MINIMUM)),
    "reduce_prod": _reduction(_folding(Operation.MULTIPLY)),
    "cumsum": _cumulative_sum,
    "dot_general": _dot_general,
    "gather": _gather,
    "scatter": lambda tape, parameters, inputs: _scatter(tape, parameters, inputs, adds=False),
    "scatter-add": lambda tape, parameters, inputs: _scatter(tape, parameters, inputs, adds=True),
    "pad": _pad,
}
