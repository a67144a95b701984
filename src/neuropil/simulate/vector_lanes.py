"""Eight numbers at a time in functions compiled by numba.

LLVM turns a loop into vector instructions only where it can prove that nothing overlaps. Here
vectors are values of their own: `load` eight numbers of an array, compute with them by `+`, `-`,
`*`, `/`, `<`, `>=`, `&`, `|` and the functions below, `store` them. LLVM makes of an operation on
eight doubles one instruction, two or four, as the machine has them.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

LANES = 8
_ALIGNMENT = 64

_FLOAT_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INT_VECTOR = ir.VectorType(ir.IntType(64), LANES)
_TRUTH_VECTOR = ir.VectorType(ir.IntType(1), LANES)
_WORD32 = ir.IntType(32)


class FloatLanes(types.Type):
    """Eight doubles."""

    def __init__(self) -> None:
        super().__init__("FloatLanes")


class IntLanes(types.Type):
    """Eight 64-bit integers."""

    def __init__(self) -> None:
        super().__init__("IntLanes")


class TruthLanes(types.Type):
    """Eight truth values."""

    def __init__(self) -> None:
        super().__init__("TruthLanes")


FLOATS, INTS, TRUTHS = FloatLanes(), IntLanes(), TruthLanes()


def _register(numba_type: type, vector: ir.VectorType) -> None:
    class Model(models.PrimitiveModel):
        def __init__(self, manager: Any, front_end_type: types.Type) -> None:
            super().__init__(manager, front_end_type, vector)

    register_model(numba_type)(Model)


_register(FloatLanes, _FLOAT_VECTOR)
_register(IntLanes, _INT_VECTOR)
_register(TruthLanes, _TRUTH_VECTOR)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _repeated(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_WORD32, 0))
    zeros = ir.Constant(ir.VectorType(_WORD32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, zeros)


def _library_call(builder: Any, name: str, args: Any) -> Any:
    shape = ir.FunctionType(_FLOAT_VECTOR, [_FLOAT_VECTOR] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, shape, name), args)


def aligned(array: np.ndarray) -> np.ndarray:
    """A contiguous copy that begins at a whole multiple of eight doubles in memory.

    There no eight numbers straddle two cache lines, which would cost a sixth of the speed.
    """
    room = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % _ALIGNMENT
    copy = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@intrinsic
def load(_context, array, index):
    """Eight doubles of a contiguous array, from an index on."""

    def write(context, builder, sig, args):
        place = _address(context, builder, sig.args[0], args[0], args[1])
        return builder.load(builder.bitcast(place, _FLOAT_VECTOR.as_pointer()), align=8)

    return FLOATS(array, types.int64), write


@intrinsic
def load_words(_context, array, index):
    """Eight 64-bit integers of a contiguous array, from an index on."""

    def write(context, builder, sig, args):
        place = _address(context, builder, sig.args[0], args[0], args[1])
        return builder.load(builder.bitcast(place, _INT_VECTOR.as_pointer()), align=8)

    return INTS(array, types.int64), write


@intrinsic
def load_truths(_context, array, index):
    """Eight truth values: the bits of one byte of an array, the first being the lowest."""

    def write(context, builder, sig, args):
        place = _address(context, builder, sig.args[0], args[0], args[1])
        return builder.bitcast(builder.load(place), _TRUTH_VECTOR)

    return TRUTHS(array, types.int64), write


@intrinsic
def store(_context, array, index, value):
    """Put eight doubles or integers into a contiguous array, from an index on."""
    vector = _FLOAT_VECTOR if isinstance(value, FloatLanes) else _INT_VECTOR

    def write(context, builder, sig, args):
        place = _address(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, vector.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), write


@intrinsic
def each(_context, value):
    """The same double eight times."""
    return FLOATS(types.float64), lambda c, b, s, args: _repeated(b, args[0], _FLOAT_VECTOR)


@intrinsic
def each_word(_context, value):
    """The same 64-bit integer eight times."""
    return INTS(types.int64), lambda c, b, s, args: _repeated(b, args[0], _INT_VECTOR)


@intrinsic
def multiply_add(_context, a, b, c):
    """a b + c, rounded once."""
    return FLOATS(a, b, c), lambda c, b, s, args: _library_call(b, "llvm.fma.v8f64", args)


def polynomial(*coefficients: float) -> Any:
    """A compiled function of eight doubles: the polynomial, the highest coefficient first.

    Estrin's scheme: pairs of terms, pairs of pairs, so that few products wait for others.
    """

    @intrinsic
    def value(_context, x):
        def write(context, builder, sig, args):
            terms = [ir.Constant(_FLOAT_VECTOR, [float(c)] * LANES) for c in coefficients[::-1]]
            power = args[0]
            while len(terms) > 1:
                pairs = zip(terms[0::2], terms[1::2], strict=False)
                alone = terms[-1:] if len(terms) % 2 else []
                terms = [
                    _library_call(builder, "llvm.fma.v8f64", [upper, power, lower])
                    for lower, upper in pairs
                ] + alone
                power = builder.fmul(power, power)
            return terms[0]

        return FLOATS(x), write

    return value


@intrinsic
def nearest(_context, value):
    """The nearest whole numbers."""
    return FLOATS(value), lambda c, b, s, args: _library_call(b, "llvm.rint.v8f64", args)


@intrinsic
def below(_context, value):
    """The largest whole numbers that are not greater."""
    return FLOATS(value), lambda c, b, s, args: _library_call(b, "llvm.floor.v8f64", args)


@intrinsic
def square_root(_context, value):
    """The square roots."""
    return FLOATS(value), lambda c, b, s, args: _library_call(b, "llvm.sqrt.v8f64", args)


@intrinsic
def as_words(_context, value):
    """Whole numbers as integers."""
    return INTS(value), lambda c, b, s, args: b.fptosi(args[0], _INT_VECTOR)


@intrinsic
def as_floats(_context, value):
    """Integers as doubles."""
    return FLOATS(value), lambda c, b, s, args: b.sitofp(args[0], _FLOAT_VECTOR)


@intrinsic
def bits_of(_context, value):
    """The bits of doubles, as integers."""
    return INTS(value), lambda c, b, s, args: b.bitcast(args[0], _INT_VECTOR)


@intrinsic
def from_bits(_context, value):
    """The doubles that have these bits."""
    return FLOATS(value), lambda c, b, s, args: b.bitcast(args[0], _FLOAT_VECTOR)


@intrinsic
def shifted_up(_context, value, n_bits):
    """Bits moved towards the highest."""

    def write(context, builder, sig, args):
        return builder.shl(args[0], _repeated(builder, args[1], _INT_VECTOR))

    return INTS(value, types.int64), write


@intrinsic
def shifted_down(_context, value, n_bits):
    """Bits moved towards the lowest, zeros following."""

    def write(context, builder, sig, args):
        return builder.lshr(args[0], _repeated(builder, args[1], _INT_VECTOR))

    return INTS(value, types.int64), write


@intrinsic
def where(_context, condition, yes, no):
    """`yes` where the condition holds, else `no`."""
    return yes(condition, yes, no), lambda c, b, s, args: b.select(*args)


@intrinsic
def as_byte(_context, truths):
    """Eight truth values as the bits of a number, the first being the lowest."""

    def write(context, builder, sig, args):
        return builder.zext(builder.bitcast(args[0], ir.IntType(8)), ir.IntType(64))

    return types.int64(truths), write


@intrinsic
def transposed(_context, a, b, c, d, e, f, g, h):
    """Eight rows of eight doubles as eight columns."""

    def write(context, builder, sig, args):
        def mixed(first, second, order):
            mask = ir.Constant(ir.VectorType(_WORD32, LANES), order)
            return builder.shuffle_vector(first, second, mask)

        rows = list(args)
        for stride in (1, 2, 4):
            # Blocks of `stride` change places across the diagonal of blocks twice as wide.
            low = [i + (LANES - stride if i & stride else 0) for i in range(LANES)]
            high = [i + (LANES if i & stride else stride) for i in range(LANES)]
            turned = list(rows)
            for i in range(LANES):
                if not i & stride:
                    turned[i] = mixed(rows[i], rows[i + stride], low)
                    turned[i + stride] = mixed(rows[i], rows[i + stride], high)
            rows = turned
        return context.make_tuple(builder, sig.return_type, rows)

    return types.UniTuple(FLOATS, LANES)(*[FLOATS] * LANES), write


def _binary(
    operation: Callable[..., Any], operand: types.Type, result: types.Type, instruction: Any
) -> None:
    @infer_global(operation)
    class Template(AbstractTemplate):
        def generic(self, args: Any, keywords: Any) -> Any:
            if len(args) == 2 and args[0] == operand and args[1] == operand:
                return signature(result, *args)
            return None

    @lower_builtin(operation, type(operand), type(operand))
    def write(context, builder, sig, args):
        return instruction(builder, *args)


_binary(operator.add, FLOATS, FLOATS, lambda b, x, y: b.fadd(x, y))
_binary(operator.sub, FLOATS, FLOATS, lambda b, x, y: b.fsub(x, y))
_binary(operator.mul, FLOATS, FLOATS, lambda b, x, y: b.fmul(x, y))
_binary(operator.truediv, FLOATS, FLOATS, lambda b, x, y: b.fdiv(x, y))
_binary(operator.lt, FLOATS, TRUTHS, lambda b, x, y: b.fcmp_ordered("<", x, y))
_binary(operator.ge, FLOATS, TRUTHS, lambda b, x, y: b.fcmp_ordered(">=", x, y))
_binary(operator.add, INTS, INTS, lambda b, x, y: b.add(x, y))
_binary(operator.sub, INTS, INTS, lambda b, x, y: b.sub(x, y))
_binary(operator.mul, INTS, INTS, lambda b, x, y: b.mul(x, y))
_binary(operator.xor, INTS, INTS, lambda b, x, y: b.xor(x, y))
_binary(operator.or_, INTS, INTS, lambda b, x, y: b.or_(x, y))
_binary(operator.and_, INTS, INTS, lambda b, x, y: b.and_(x, y))
_binary(operator.and_, TRUTHS, TRUTHS, lambda b, x, y: b.and_(x, y))
_binary(operator.or_, TRUTHS, TRUTHS, lambda b, x, y: b.or_(x, y))

__all__ = [
    "FLOATS",
    "INTS",
    "LANES",
    "TRUTHS",
    "FloatLanes",
    "IntLanes",
    "TruthLanes",
    "aligned",
    "as_byte",
    "as_floats",
    "as_words",
    "below",
    "bits_of",
    "each",
    "each_word",
    "from_bits",
    "load",
    "load_truths",
    "load_words",
    "multiply_add",
    "nearest",
    "polynomial",
    "shifted_down",
    "shifted_up",
    "square_root",
    "store",
    "transposed",
    "where",
]
