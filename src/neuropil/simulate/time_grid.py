"""From when to when, and what is saved in between: checked before anything is compiled."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import Scalar

DEFAULT_SAVED_TIMES = 1_000
STEP_TOLERANCE = 1e-6

Times = Sequence[float] | Float[Array | np.ndarray, " times"]


class TimeGrid(eqx.Module):
    """Begin and end of an integration, the times that are saved, and those of jumps, in ms."""

    begin: Scalar
    end: Scalar
    saved: Float[Array, " times"]
    jumps: Float[Array, " jumps"]


def time_grid(
    times: Times | None,
    duration: float | Scalar | None,
    save_at: Times | None,
    jumps: Sequence[float],
    fixed_step: Scalar | None,
) -> TimeGrid:
    """The grid that the arguments of `integrate` describe; what compiled code supplies is trusted.

    Raises `ValueError`, naming the argument, when they describe none.
    """
    if (times is None) == (duration is None):
        given = "neither" if times is None else "both"
        raise ValueError(f"times or duration must be given, one of them; got {given}")
    if times is not None:
        if save_at is not None:
            raise ValueError(
                "save_at goes with duration; with times the states are saved at all of them"
            )
        saved = _ascending("times", times, at_least=2)
        begin, end = saved[0], saved[-1]
    else:
        begin, end = jnp.zeros(()), jnp.asarray(duration, float)
        if not _is_traced(end) and not (end.shape == () and 0 < end < np.inf):
            raise ValueError(f"duration must be positive and finite, got {duration} ms")
        if save_at is None:
            saved = _evenly_spaced(end, fixed_step)
        else:
            saved = _ascending("save_at", save_at, at_least=1)
            _require_within(saved, end)
    if fixed_step is not None:
        if jumps:
            raise ValueError(
                "jumps must be empty for a method of fixed steps: let a step end there"
            )
        _require_multiples("times" if times is not None else "save_at", begin, saved, fixed_step)
        _require_multiples("duration", begin, end[None], fixed_step)
    return TimeGrid(begin, end, saved, _ascending("jumps", jumps, at_least=0))


def _is_traced(value: Any) -> bool:
    return isinstance(value, jax.core.Tracer)


def _ascending(name: str, given: Times, *, at_least: int) -> Float[Array, " times"]:
    values = jnp.asarray(given, float)
    if values.ndim != 1 or values.size < at_least:
        raise ValueError(
            f"{name} must be a sequence of at least {at_least} times, got shape {values.shape}"
        )
    if _is_traced(values):
        return values
    numbers = np.asarray(values)
    wrong = numbers[~np.isfinite(numbers)]
    if wrong.size:
        raise ValueError(f"{name} must be finite, got {wrong[0]}")
    back = np.flatnonzero(np.diff(numbers) <= 0)
    if back.size:
        raise ValueError(
            f"{name} must ascend, got {numbers[back[0]]:g} before {numbers[back[0] + 1]:g} ms"
        )
    return values


def _require_within(saved: Float[Array, " times"], end: Scalar) -> None:
    if _is_traced(saved) or _is_traced(end):
        return
    if saved[0] < 0 or saved[-1] > end:
        raise ValueError(
            f"save_at must lie between 0 and the duration of {end:g} ms, got {saved[0]:g} to "
            f"{saved[-1]:g} ms"
        )


def _require_multiples(
    name: str, begin: Scalar, values: Float[Array, " times"], step: Scalar
) -> None:
    if any(map(_is_traced, (begin, values, step))):
        return
    steps = np.asarray((values - begin) / step)
    off = np.flatnonzero(np.abs(steps - np.round(steps)) > STEP_TOLERANCE)
    if off.size:
        raise ValueError(
            f"{name} must lie a whole number of steps of {step:g} ms after the start, got "
            f"{values[off[0]]:g} ms"
        )


def _evenly_spaced(end: Scalar, fixed_step: Scalar | None) -> Float[Array, " times"]:
    """About a thousand times from 0 to the end, on whole steps where these are fixed."""
    if fixed_step is None:
        return jnp.linspace(0.0, end, DEFAULT_SAVED_TIMES + 1)
    if _is_traced(fixed_step) or _is_traced(end):
        raise ValueError("save_at must be given where step or duration are not known beforehand")
    n_steps = max(1, round(float(end / fixed_step)))
    whole = np.arange(0.0, n_steps, ceil(n_steps / DEFAULT_SAVED_TIMES))
    return jnp.append(whole * fixed_step, end)


__all__ = ["TimeGrid", "Times", "time_grid"]
