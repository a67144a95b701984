"""From a function written in `jax.numpy` to a tape: the jaxpr is read operation by operation.

Numbers that the function computes from its arguments live in registers; integers and booleans
that do not depend on the arguments (indices, shapes, masks) are worked out while reading.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.extend.core as jex
import numpy as np

from neuropil.analysis.tape import Tape
from neuropil.analysis.tape_rules import (
    RULES,
    SHAPE_RULES,
    Known,
    Registers,
    Value,
    joined,
    known,
    registers_of,
    reshaped,
)

_CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}


def lower_jaxpr(tape: Tape, closed: jex.ClosedJaxpr, arguments: Sequence[Value]) -> list[Registers]:
    """Write a jaxpr onto a tape; registers of its outputs.

    Raises `ValueError` naming the operation when one has no enclosure here.
    """
    outputs = _Reader(tape).read(closed.jaxpr, closed.consts, arguments)
    return [registers_of(tape, value) for value in outputs]


class _Reader:
    def __init__(self, tape: Tape):
        self.tape = tape

    def read(self, jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Value]) -> list[Value]:
        values: dict[Any, Value] = {}
        values.update(zip(jaxpr.constvars, map(self._constant, constants), strict=True))
        values.update(zip(jaxpr.invars, arguments, strict=True))

        def value_of(atom: Any) -> Value:
            return self._constant(atom.val) if isinstance(atom, jex.Literal) else values[atom]

        for equation in jaxpr.eqns:
            inputs = [value_of(atom) for atom in equation.invars]
            outputs = self._apply(equation, inputs)
            values.update(zip(equation.outvars, outputs, strict=True))
        return [value_of(atom) for atom in jaxpr.outvars]

    def _constant(self, value: Any) -> Value:
        array = np.asarray(value)
        if np.issubdtype(array.dtype, np.floating):
            return registers_of(self.tape, array)
        return array

    def _apply(self, equation: Any, inputs: list[Value]) -> list[Value]:
        name, parameters = equation.primitive.name, equation.params
        if name in _CALLS:
            inner = parameters[_CALLS[name]]
            constants = getattr(inner, "consts", ())
            return self.read(getattr(inner, "jaxpr", inner), constants, inputs)
        if name == "cond":
            branch = parameters["branches"][int(known(name, inputs[0]))]
            return self.read(branch.jaxpr, branch.consts, inputs[1:])
        if name == "scan":
            return self._scan(parameters, inputs)
        if name in SHAPE_RULES:
            return SHAPE_RULES[name](parameters, inputs)
        if all(isinstance(value, Known) for value in inputs) and name != "convert_element_type":
            result = equation.primitive.bind(*map(jax.numpy.asarray, inputs), **parameters)
            outputs = result if equation.primitive.multiple_results else [result]
            return [self._constant(each) for each in outputs]
        if name in RULES:
            return [RULES[name](self.tape, parameters, inputs)]
        raise ValueError(
            f"the function uses the operation {name!r}, for which there is no interval enclosure; "
            f"there is one for {', '.join(sorted({*RULES, *SHAPE_RULES, *_CALLS, 'cond', 'scan'}))}"
        )

    def _scan(self, parameters: dict[str, Any], inputs: list[Value]) -> list[Value]:
        n_constants, n_carried = parameters["num_consts"], parameters["num_carry"]
        constants = inputs[:n_constants]
        carried = inputs[n_constants : n_constants + n_carried]
        rows = inputs[n_constants + n_carried :]
        steps = range(parameters["length"])
        inner = parameters["jaxpr"]
        produced: list[list[Value]] = []
        for step in reversed(steps) if parameters["reverse"] else steps:
            row = [reshaped(value, lambda array, i=step: array[i]) for value in rows]
            outputs = self.read(inner.jaxpr, inner.consts, [*constants, *carried, *row])
            carried = outputs[:n_carried]
            produced.append(outputs[n_carried:])
        if parameters["reverse"]:
            produced.reverse()
        stacked = [joined(list(each), np.stack) for each in zip(*produced, strict=True)]
        return [*carried, *stacked]
