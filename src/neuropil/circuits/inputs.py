"""Inputs to a circuit: constants and functions of time, and how far they reach."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import Scalar

InputFunction = Callable[[Scalar], Float[Array, "..."]]
"""From the time in ms to one value, or one for each target."""


class ConstantInput(eqx.Module):
    """An input that does not change: `value` at all times."""

    value: Float[Array, "..."]

    def __call__(self, time: Scalar) -> Float[Array, "..."]:
        """The value, whatever the time."""
        del time
        return self.value


def as_input(given: Any) -> InputFunction:
    """A function of time as it is; numbers as a `ConstantInput`."""
    return given if callable(given) else ConstantInput(jnp.asarray(given, float))


def require_input(name: str, given: InputFunction, n_targets: int) -> None:
    """Raise `ValueError`, naming the input, unless it fits the number of its targets.

    Constants must also be finite.
    """
    found = jax.eval_shape(given, jax.ShapeDtypeStruct((), float))
    shape = getattr(found, "shape", None)
    if shape not in ((), (n_targets,)) or not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(
            f"{name} must give one floating-point number or one for each of {n_targets} targets, "
            f"got {found}"
        )
    if not isinstance(given, ConstantInput) or isinstance(given.value, jax.core.Tracer):
        return
    if not np.all(np.isfinite(given.value)):
        raise ValueError(f"{name} must be finite, got {given.value}")


def input_range(
    name: str, given: InputFunction, bound: float | Float[Array | np.ndarray, "..."] | None
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Lowest and highest value: from -`bound` to `bound`, or the value of a constant.

    Raises `ValueError`, naming the argument `name`_bound, for a function of time without a bound
    and for a bound that is negative or not a number.
    """
    if bound is not None:
        limit = jnp.asarray(bound, float)
        if not isinstance(limit, jax.core.Tracer) and not np.all(limit >= 0):
            raise ValueError(f"{name}_bound must not be negative, got {limit}")
        return -limit, limit
    if isinstance(given, ConstantInput):
        return given.value, given.value
    raise ValueError(
        f"{name} is a function of time: state how far it reaches, {name}_bound = max |{name}|"
    )


__all__ = ["ConstantInput", "InputFunction", "as_input", "input_range", "require_input"]
