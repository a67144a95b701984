"""A box that a system does not leave, found and proved by interval arithmetic."""

import math
from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64

from neuropil.analysis.frozen_time import VectorFieldAt
from neuropil.analysis.interval_functions import require_boxes, trace
from neuropil.analysis.tape import Program
from neuropil.analysis.tape_machine import evaluate
from neuropil.result import NotSolved, Outcome
from neuropil.system import AbstractSystem, Box


class Bound(eqx.Module):
    """A box, and what is proved about it.

    - `invariant`: no trajectory leaves it, whatever the time within the span that was given;
    - `attracting`: all trajectories, from anywhere, come arbitrarily close to it and stay so, so
      that it holds every stationary state, cycle and other attractor.
    """

    box: Box
    invariant: bool
    attracting: bool
    outcome: int
    sentence: str = eqx.field(static=True)


class AbstractBoundMethod(eqx.Module):
    """A way to a box that a system does not leave."""

    @abstractmethod
    def find(self, field: "TracedField", names: tuple[str, ...]) -> Bound:
        """The box, for a vector field that can be evaluated over boxes."""


class TracedField:
    """The values and slopes of a vector field over boxes and over a span of time."""

    def __init__(self, program: Program, parameters: Float64[np.ndarray, "2 parameters"]):
        self.dimension = program.n_variables
        self._program = program
        self._parameters = parameters

    def __call__(self, boxes: Float64[np.ndarray, "boxes 2 dimension"]) -> tuple[Any, ...]:
        """Lower and upper values `[box, i]`, lower and upper slopes `[box, i, j]`."""
        lower, upper = (np.ascontiguousarray(boxes[:, end]) for end in (0, 1))
        own = [np.tile(row, (len(boxes), 1)) for row in self._parameters]
        *results, continuous = evaluate(self._program, lower, upper, *own)
        if not continuous.all():
            raise ValueError(
                "the vector field is not proved continuous on the box (a comparison, a divisor, a "
                "root or a logarithm), so no bound follows from it"
            )
        return tuple(results)


class DecayBound(AbstractBoundMethod):
    """The box in which decay outweighs everything else, from the whole space inwards.

    For each component, f_i = f_i(x with x_i = 0) + (slope by x_i, between -D and -d) x_i with
    d > 0; so x_i ends up between the lowest and the highest value of f_i(x_i = 0) over the decay.
    The bounds of some components make those of others finite and then smaller; this is repeated
    until they change by less than `tolerance`, relatively, or `maximum_steps` times. It proves
    Theorem 1 of Gong, Pasqualetti, Papouin and Ching (2023, SI.4) for any system of the form
    dx/dt = -a x + (bounded terms), with inputs and with a box for each component of its own.

    Raises `ValueError` unless both fields are positive.
    """

    tolerance: float = 1e-12
    maximum_steps: int = 1000

    def __check_init__(self):
        for name in ("tolerance", "maximum_steps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    def find(self, field: TracedField, names: tuple[str, ...]) -> Bound:
        """The box, proved invariant and attracting; DIVERGED where a component has no bound."""
        n = field.dimension
        box = np.tile([[-math.inf], [math.inf]], (1, n))
        for _ in range(self.maximum_steps):
            smaller = _decayed(field, box)
            change = _relative_change(box, smaller)
            box = smaller
            if change <= self.tolerance:
                break
        unbounded = [
            name for name, end in zip(names, np.isinf(box).any(axis=0), strict=True) if end
        ]
        if unbounded:
            sentence = (
                f"no bound for {', '.join(unbounded)}: either the component does not decay, or "
                "what drives it is not bounded; `InwardFaces` may prove a box that you state"
            )
            return Bound(Box(*box), False, False, int(Outcome.DIVERGED), sentence)
        sentence = "all trajectories come arbitrarily close to the box, and none leaves it"
        return Bound(Box(*box), True, True, int(Outcome.SUCCESSFUL), sentence)


class InwardFaces(AbstractBoundMethod):
    """A box on every face of which the vector field points inwards, grown from `start`.

    Where a face fails it is moved outwards, by `first_growth` of the size of the box (its width,
    or its largest absolute value) and ten times more each time, up to half of the size. That
    trajectories from outside come in is not proved. With the closed-form bound of a system as
    `start` this proves that bound (widened where it holds only without rounding).

    Raises `ValueError` for an empty or infinite start, or fields that are not positive.
    """

    start: Box
    first_growth: float = 1e-12
    maximum_steps: int = 100

    def __check_init__(self):
        for name in ("first_growth", "maximum_steps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    def find(self, field: TracedField, names: tuple[str, ...]) -> Bound:
        """The box, proved invariant; MAXIMUM_STEPS_REACHED when none was found."""
        n = field.dimension
        box = np.stack([np.asarray(self.start.lower, float), np.asarray(self.start.upper, float)])
        require_boxes(box[0], box[1], n)
        if not np.isfinite(box).all():
            raise ValueError(f"start must be finite, got {self.start}")
        growth = np.full((2, n), self.first_growth)
        for _ in range(self.maximum_steps):
            failing = ~inward_faces(field, box)
            if not failing.any():
                sentence = "the vector field points inwards on every face of the box"
                return Bound(Box(*box), True, False, int(Outcome.SUCCESSFUL), sentence)
            size = np.maximum(box[1] - box[0], np.abs(box).max(axis=0)) + 1e-300
            box = box + np.where(failing, growth * size, 0.0) * np.array([[-1.0], [1.0]])
            growth = np.where(failing, np.minimum(10.0 * growth, 0.5), growth)
        faces = [
            f"{side} {names[j]}"
            for i, side in enumerate(("lower", "upper"))
            for j in np.flatnonzero(failing[i])
        ]
        sentence = (
            f"after {self.maximum_steps} steps the field points outwards on: {', '.join(faces)}"
        )
        failed = int(Outcome.MAXIMUM_STEPS_REACHED)
        return Bound(Box(*box), False, False, failed, sentence)


def bound(
    system: AbstractSystem,
    method: AbstractBoundMethod | None = None,
    *,
    time: float | tuple[float, float] = (-math.inf, math.inf),
    throw: bool = True,
) -> Bound:
    """A box that no trajectory leaves, for any system.

    Generalises Theorem 1 of Gong, Pasqualetti, Papouin and Ching (2023, SI.4).

    With the default method, `DecayBound()`, it also attracts all trajectories. Inputs that depend
    on time are bounded over the span `time` (ms), all times by default. The box is rounded
    outwards.

    Raises `ValueError` when a parameter is not finite or the vector field uses an operation
    without interval enclosure; `NotSolved` when no box is found, which `throw=False` returns.
    """
    found = (DecayBound() if method is None else method).find(
        traced_field(system, time), system.state_names
    )
    if throw and found.outcome != Outcome.SUCCESSFUL:
        raise NotSolved(f"bound: {found.sentence} (`throw=False` returns it.)")
    return found


def traced_field(system: AbstractSystem, time: float | tuple[float, float]) -> TracedField:
    """The vector field of a system over boxes, at all times of a span.

    Raises `ValueError` when the span is empty or not a number.
    """
    first, last = time if isinstance(time, tuple) else (time, time)
    if not first <= last:
        raise ValueError(f"time must be a number or a span (first, last), got {time}")
    traced = trace(VectorFieldAt(system, jnp.asarray(0.0)), len(system.state_names))
    parameters = np.tile(traced.parameters, (2, 1))
    parameters[:, -1] = first, last
    return TracedField(traced.program(), parameters)


def inward_faces(field: TracedField, box: Float64[np.ndarray, "2 dimension"]) -> np.ndarray:
    """Whether the field certainly does not point outwards, on each lower and upper face."""
    n = field.dimension
    faces = np.tile(box, (2 * n, 1, 1))
    faces[np.arange(n), 1, np.arange(n)] = box[0]
    faces[n + np.arange(n), 0, np.arange(n)] = box[1]
    lower, upper = field(faces)[:2]
    own = np.arange(n)
    return np.stack([lower[own, own] >= 0.0, upper[n + own, own] <= 0.0])


def _decayed(
    field: TracedField, box: Float64[np.ndarray, "2 dimension"]
) -> Float64[np.ndarray, "2 dimension"]:
    n = field.dimension
    own = np.arange(n)
    at_zero = np.tile(box, (n, 1, 1))
    at_zero[own, :, own] = 0.0
    lower, upper = (values[own, own] for values in field(at_zero)[:2])
    between = np.tile(box, (n, 1, 1))
    between[own, 0, own] = np.minimum(box[0], 0.0)
    between[own, 1, own] = np.maximum(box[1], 0.0)
    slope_lower, slope_upper = (slopes[own, own, own] for slopes in field(between)[2:])
    slowest, fastest = -slope_upper, -slope_lower
    with np.errstate(divide="ignore", invalid="ignore"):
        end_lower = np.nextafter(lower / np.where(lower <= 0, slowest, fastest), -math.inf)
        end_upper = np.nextafter(upper / np.where(upper >= 0, slowest, fastest), math.inf)
    decays = slowest > 0
    return np.stack(
        [
            np.fmax(box[0], np.where(decays, end_lower, -math.inf)),
            np.fmin(box[1], np.where(decays, end_upper, math.inf)),
        ]
    )


def _relative_change(
    before: Float64[np.ndarray, "2 dimension"], after: Float64[np.ndarray, "2 dimension"]
) -> float:
    same = before == after
    with np.errstate(invalid="ignore"):
        change = np.abs(after - before) / (np.abs(after) + 1e-300)
    return float(np.max(np.where(same, 0.0, change)))


__all__ = ["AbstractBoundMethod", "Bound", "DecayBound", "InwardFaces", "bound"]
