"""Computations that a batch skips where none of its members wants them."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

Result = TypeVar("Result")


def on_demand(wanted: Bool[Array, ""], compute: Callable[[], Result], otherwise: Result) -> Result:
    """What is computed if wanted, else `otherwise`.

    A loop of one pass or none: of `jax.lax.cond` a batch computes both sides.
    """

    def once(_):
        return jnp.asarray(False), compute()

    return jax.lax.while_loop(lambda now: now[0], once, (wanted, otherwise))[1]


__all__ = ["on_demand"]
