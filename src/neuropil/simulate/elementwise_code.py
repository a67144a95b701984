"""Functions of JAX that act element by element, as compiled scalar functions for host loops."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numba
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal
from jaxtyping import Array, Float

SIGNATURE = numba.float64(numba.float64, numba.int64, numba.float64[::1], numba.float64[:, ::1])
"""(potential, number of the neuron, constants of all neurons, constants of each) -> value."""

FUNCTION = numba.types.FunctionType(SIGNATURE)


class ElementwiseCode(NamedTuple):
    """A compiled scalar function, and the constants it is called with.

    `function(v, i, scalars, rows)` is the value for neuron i at v.
    """

    function: Any
    scalars: Float[np.ndarray, " scalars"]
    rows: Float[np.ndarray, "rows neurons"]


def elementwise_code(
    function: Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]],
    n_neurons: int,
    *,
    name: str,
) -> ElementwiseCode:
    """Compile a function from all potentials to a value for each, one neuron at a time.

    Parameters inside `function` become arguments, so that other values of them compile nothing.

    Raises `ValueError`, naming the function by `name`, when it does not act element by element or
    uses an operation that has no scalar form here.
    """
    probe = jax.ShapeDtypeStruct((n_neurons,), np.float64)
    try:
        closed = jax.make_jaxpr(function)(probe)
    except TypeError as error:
        raise ValueError(f"{name} does not fit {n_neurons} neurons: {error}") from error
    writer = _Writer(n_neurons, name)
    argument = _Scalar("v", is_truth=False)
    (result,) = writer.write(closed, [argument])
    lines = "".join(f"    {line}\n" for line in writer.lines)
    source = f"def scalar(v, i, scalars, rows):\n{lines}    return {result.text}\n"
    rows = np.stack(writer.rows) if writer.rows else np.zeros((0, 1))
    return ElementwiseCode(_compiled(source), np.array(writer.scalars, np.float64), rows)


@functools.lru_cache(maxsize=256)
def _compiled(source: str) -> Any:
    names: dict[str, Any] = {"math": math, "np": np}
    exec(source, names)  # the source is written below, from a fixed table of operations
    return numba.njit(SIGNATURE, error_model="numpy", nogil=True)(names["scalar"])


class _Scalar(NamedTuple):
    """The name or number that stands for one element, and whether it is a truth value."""

    text: str
    is_truth: bool


class _Writer:
    """Writes the operations of a jaxpr as lines of Python on one element."""

    def __init__(self, n_neurons: int, name: str):
        self.n_neurons, self.name = n_neurons, name
        self.lines: list[str] = []
        self.scalars: list[float] = []
        self.rows: list[np.ndarray] = []

    def write(self, closed: ClosedJaxpr, arguments: list[_Scalar]) -> list[_Scalar]:
        """Write all equations; returns what the outputs are called."""
        jaxpr = closed.jaxpr
        known: dict[Any, _Scalar] = dict(zip(jaxpr.invars, arguments, strict=True))
        for variable, value in zip(jaxpr.constvars, closed.consts, strict=True):
            known[variable] = self._constant(np.asarray(value))

        def read(atom: Any) -> _Scalar:
            return (
                self._constant(np.asarray(atom.val)) if isinstance(atom, Literal) else known[atom]
            )

        for equation in jaxpr.eqns:
            inputs = [read(atom) for atom in equation.invars]
            if equation.primitive.name in _CALLS:
                inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
                closed_inner = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
                outputs = self.write(closed_inner, inputs)
            else:
                outputs = [self._operation(equation, inputs)]
            known.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _constant(self, value: np.ndarray) -> _Scalar:
        if value.size == 1 and value.dtype == bool:
            return _Scalar(str(bool(value.ravel()[0])), is_truth=True)
        if value.dtype == bool:
            raise ValueError(f"{self.name} holds truth values for single neurons, unsupported here")
        if value.size == 1:
            self.scalars.append(float(value.ravel()[0]))
            return _Scalar(f"scalars[{len(self.scalars) - 1}]", is_truth=False)
        if value.shape == (self.n_neurons,):
            self.rows.append(value.astype(np.float64))
            return _Scalar(f"rows[{len(self.rows) - 1}, i]", is_truth=False)
        raise ValueError(
            f"{self.name} must act element by element on {self.n_neurons} neurons: it holds an "
            f"array of shape {value.shape}"
        )

    def _operation(self, equation: Any, inputs: list[_Scalar]) -> _Scalar:
        operation = equation.primitive.name
        sizes = {math.prod(atom.aval.shape) for atom in (*equation.invars, *equation.outvars)}
        if operation not in _TEXTS or not sizes <= {1, self.n_neurons}:
            raise ValueError(
                f"{self.name} must act element by element on {self.n_neurons} neurons with "
                f"ordinary functions; it uses `{operation}`"
            )
        if operation == "integer_pow" and equation.params["y"] < 0:
            text = f"1.0 / ({inputs[0].text}) ** {-equation.params['y']}"
        elif operation == "integer_pow":
            text = f"({inputs[0].text}) ** {equation.params['y']}"
        else:
            text = _TEXTS[operation].format(*(f"({each.text})" for each in inputs))
        name = f"x{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return _Scalar(name, is_truth=equation.outvars[0].aval.dtype == bool)


_CALLS = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "checkpoint")
_TEXTS = {
    "add": "{} + {}",
    "add_any": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "neg": "-{}",
    "pow": "{} ** {}",
    "integer_pow": "",
    "square": "{0} * {0}",
    "sqrt": "math.sqrt({0}) if {0} >= 0.0 else math.nan",
    "rsqrt": "1.0 / math.sqrt({0}) if {0} >= 0.0 else math.nan",
    "cbrt": "np.cbrt({})",
    "exp": "np.exp({})",
    "exp2": "2.0 ** {}",
    "expm1": "np.expm1({})",
    "log": "np.log({})",
    "log1p": "np.log1p({})",
    "sin": "np.sin({})",
    "cos": "np.cos({})",
    "tan": "np.tan({})",
    "atan": "np.arctan({})",
    "atan2": "math.atan2({}, {})",
    "sinh": "np.sinh({})",
    "cosh": "np.cosh({})",
    "tanh": "np.tanh({})",
    "logistic": "1.0 / (1.0 + np.exp(-{}))",
    "erf": "math.erf({})",
    "erfc": "math.erfc({})",
    "abs": "abs({})",
    "sign": "np.sign({})",
    "floor": "np.floor({})",
    "ceil": "np.ceil({})",
    # Not a number on either side is the result, as it is in JAX.
    "max": "{0} if {0} > {1} or {0} != {0} else {1}",
    "min": "{0} if {0} < {1} or {0} != {0} else {1}",
    "clamp": "min(max({1}, {0}), {2}) if {1} == {1} else {1}",
    "select_n": "{2} if {0} else {1}",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} and {}",
    "or": "{} or {}",
    "not": "not {}",
    "is_finite": "math.isfinite({})",
    "convert_element_type": "float({})",
    "broadcast_in_dim": "{}",
    "reshape": "{}",
    "squeeze": "{}",
    "copy": "{}",
    "stop_gradient": "{}",
}

__all__ = ["FUNCTION", "ElementwiseCode", "elementwise_code"]
