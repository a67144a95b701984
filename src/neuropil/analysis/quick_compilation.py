"""Compilation that does not keep a user waiting for the first result."""

import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_OPTIONS = {"xla_cpu_use_fusion_emitters": False}
"""Write small loops as machine code directly: on processors that takes XLA half of the time."""


def quickly_compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`eqx.filter_jit` with quick compilation where the call is not part of another computation.

    XLA takes options for whole computations only, so that within `jax.jit`, `jax.vmap` and
    `jax.grad` this is `eqx.filter_jit` itself.
    """
    nested = eqx.filter_jit(function)
    # The annotations of equinox leave out the options that it hands on to `jax.jit`.
    compiler: Any = eqx.filter_jit
    alone = cache(lambda: compiler(function, compiler_options=_known_options()))

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        # What is made here is abstract where a computation is being traced that has constants only.
        is_part = any(map(_may_be_traced, [jnp.zeros(()), *jax.tree.leaves((args, kwargs))]))
        return (nested if is_part else alone())(*args, **kwargs)

    return call


def _may_be_traced(leaf: Any) -> bool:
    """Whether a leaf is abstract, or a function that may have taken what is abstract with it."""
    if callable(leaf):
        return getattr(inspect.unwrap(leaf), "__closure__", None) is not None
    return isinstance(leaf, jax.core.Tracer)


@cache
def _known_options() -> dict[str, Any]:
    """The options that this version of XLA knows: it refuses others."""
    with jax.ensure_compile_time_eval():
        try:
            jax.jit(jnp.negative, compiler_options=_OPTIONS)(0.0)
        except jax.errors.JaxRuntimeError:
            return {}
    return _OPTIONS


__all__ = ["quickly_compiled"]
