"""Zeros in many dimensions: Newton's method from many starts, driven away from what it found."""

import math
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Float64

from neuropil.analysis.intervals import compiled, entry
from neuropil.analysis.krawczyk import copy_box, newton_step, verify, workspace_for
from neuropil.analysis.tape import Program
from neuropil.analysis.tape_machine import set_parameters
from neuropil.analysis.zero_search import (
    NEW,
    UNCLEAR,
    AbstractZeroSearch,
    Zeros,
    apart,
    longer,
    relation,
)
from neuropil.types import RandomKey


class DeflatedNewton(AbstractZeroSearch):
    """Newton's method from random starts in the box, with deflation; each zero is proved to exist.

    Starts are uniform in the box. A zero r that was found is deflated: the method runs on f(x)
    times the product of 1 + 1 / |x - r|^2 over all r, lengths being measured in `reach` times the
    width of the box, component by component; that has the other zeros of f only. What it
    converges to is proved by Krawczyk's test, which also tells two zeros from one found twice. It
    stops after `starts` attempts, or `patience` of them in a row without a new zero; that nothing
    is missing is not proved. The cost of one step grows with the cube of the dimension. Raises
    `ValueError` unless all fields are positive.

    Source: P. E. Farrell, A. Birkisson and S. W. Funke, SIAM J. Sci. Comput. 37, A2026 (2015).
    """

    starts: int = 200
    patience: int = 50
    steps: int = 100
    reach: float = 0.03
    proves_completeness: ClassVar[bool] = False

    def __check_init__(self):
        for name in ("starts", "patience", "steps", "reach"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    def find(
        self,
        program: Program,
        boxes: Float64[np.ndarray, "sets 2 dimension"],
        parameters: Float64[np.ndarray, "sets 2 parameters"],
        *,
        key: RandomKey | None = None,
    ) -> Zeros:
        """Zeros for each parameter set.

        What the method converged to without a proof stays undecided. Raises `ValueError` without
        a key.
        """
        if key is None:
            raise ValueError("key must be given: the starts of DeflatedNewton are random")
        n = boxes.shape[2]
        parts = []
        for index in range(len(boxes)):
            own = jax.random.fold_in(key, index)
            starts = np.asarray(jax.random.uniform(own, (self.starts, n)))
            found, undecided, tried = _deflate(
                program,
                boxes[index],
                parameters[index],
                starts,
                self.patience,
                self.steps,
                self.reach,
            )
            parts.append(
                Zeros(
                    found[:, :2],
                    found[:, 2:],
                    np.full(len(found), index),
                    undecided,
                    np.full(len(undecided), index),
                    np.array([tried]),
                )
            )
        return Zeros(*map(np.concatenate, zip(*parts, strict=True)))


@entry
def _deflate(program, box, parameters, starts, patience, steps, reach):
    n = program.n_variables
    work = workspace_for(program)
    set_parameters(program, work.low, work.high, parameters[0], parameters[1])
    width = np.empty(n)
    for j in range(n):
        width[j] = box[1, j] - box[0, j]
    found, n_found = np.empty((16, 4, n)), 0
    undecided, n_undecided = np.empty((16, 2, n)), 0
    point = np.empty(n)
    tried, idle = 0, 0
    while tried < starts.shape[0] and idle < patience:
        for j in range(n):
            point[j] = box[0, j] + width[j] * starts[tried, j]
        tried += 1
        idle += 1
        if not _deflated_newton(program, work, point, found, n_found, width, steps, reach):
            continue
        proved = verify(program, work, point)
        if proved:
            match = relation(found[:n_found], work.enclosure, work.region)
            if match == NEW:
                if n_found == found.shape[0]:
                    found = longer(found)
                copy_box(work.enclosure, found[n_found, :2])
                copy_box(work.region, found[n_found, 2:])
                n_found += 1
                idle = 0
            if match != UNCLEAR:
                continue
        else:
            for j in range(n):
                margin = 1e-6 * width[j]
                work.enclosure[0, j], work.enclosure[1, j] = point[j] - margin, point[j] + margin
        known = apart(work.enclosure, box)
        for k in range(n_undecided):
            known = known or not apart(undecided[k], work.enclosure)
        if not known:
            if n_undecided == undecided.shape[0]:
                undecided = longer(undecided)
            copy_box(work.enclosure, undecided[n_undecided])
            n_undecided += 1
    inside = 0
    for k in range(n_found):
        if not apart(found[k, :2], box):
            copy_box(found[k, :2], found[inside, :2])
            copy_box(found[k, 2:], found[inside, 2:])
            inside += 1
    return found[:inside], undecided[:n_undecided], tried


@compiled
def _deflated_newton(program, work, point, found, n_found, width, steps, reach):
    """Newton's method on the deflated function, in place; whether it came to rest near the box.

    The step d of f becomes d / (1 + g d) with g the gradient of the logarithm of the deflation
    factor, and is shortened to half of the box.
    """
    n = point.size
    for _ in range(steps):
        if not newton_step(program, work, point):
            return False
        slope, size = 0.0, 0.0
        for k in range(n_found):
            distance, along = 0.0, 0.0
            for j in range(n):
                unit = reach * width[j]
                away = (point[j] - 0.5 * (found[k, 0, j] + found[k, 1, j])) / unit
                distance += away * away
                along += away * work.step[j] / unit
            if distance < 1e-24:
                return False
            slope -= 2.0 * along / (distance * (distance + 1.0))
        shrink = 1.0 / (1.0 + slope)
        for j in range(n):
            size = max(size, abs(shrink * work.step[j]) / width[j])
        if not size < math.inf:
            return False
        if size < 1e-11:
            return True
        shrink *= min(1.0, 0.5 / size)
        for j in range(n):
            point[j] -= shrink * work.step[j]
    return False


__all__ = ["DeflatedNewton"]
