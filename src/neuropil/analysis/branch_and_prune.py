"""Branch and prune: all zeros of many parameter sets in a box, by one compiled work list."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from neuropil.analysis.intervals import compiled, entry
from neuropil.analysis.krawczyk import (
    EMPTY,
    SPLIT,
    UNIQUE,
    copy_box,
    cut,
    examine,
    splitting_direction,
    workspace_for,
)
from neuropil.analysis.tape import Program
from neuropil.analysis.tape_machine import set_parameters
from neuropil.analysis.zero_search import (
    NEW,
    SAME,
    UNCLEAR,
    AbstractZeroSearch,
    Zeros,
    apart,
    longer,
    relation,
)
from neuropil.types import RandomKey

_SETS_AT_A_TIME = 256
# Further verdicts beside those of `examine`.
_EXHAUSTED, _UNCLEAR = -1, -2


class BranchAndPrune(AbstractZeroSearch):
    """Bisection of the box, with interval tests that discard boxes or prove a single zero in them.

    Proves that nothing is missing. Boxes narrower than `tolerance` times the width of the whole
    in every direction stay undecided (zeros closer to each other than that, and degenerate ones),
    and so do the boxes left over after `maximum_boxes`; undecided boxes that touch, or nearly so,
    are merged. The cost grows exponentially with the dimension in general; bounded activations
    keep it small up to about ten. Raises `ValueError` unless both fields are positive.

    Source: R. B. Kearfott, "Rigorous Global Search: Continuous Problems" (1996).
    """

    tolerance: float = 1e-9
    maximum_boxes: int = 100_000
    proves_completeness: ClassVar[bool] = True

    def __check_init__(self):
        for name in ("tolerance", "maximum_boxes"):
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
        """All zeros for each parameter set, on all cores; nothing here is random."""
        del key
        limits = (float(self.tolerance), int(self.maximum_boxes))

        def part(span: tuple[int, int]) -> Zeros:
            found, undecided, counts = _search(program, boxes, parameters, *span, *limits)
            sets = np.arange(*span)
            return Zeros(
                enclosure=found[:, :2],
                region=found[:, 2:],
                zero_set=np.repeat(sets, counts[:, 0]),
                undecided=undecided,
                undecided_set=np.repeat(sets, counts[:, 1]),
                examined=counts[:, 2],
            )

        spans = list(pairwise([*range(0, len(boxes), _SETS_AT_A_TIME), len(boxes)]))
        n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        if min(n_threads, len(spans)) == 1:
            parts = [part(span) for span in spans]
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                parts = list(pool.map(part, spans))
        return Zeros(*map(np.concatenate, zip(*parts, strict=True)))


@entry
def _search(program, boxes, parameters, first, last, tolerance, maximum_boxes):
    """The zeros, what is undecided, and how many there are of each, and of boxes, for each set."""
    n = boxes.shape[2]
    found, undecided = np.empty((16, 4, n)), np.empty((16, 2, n))
    # With the literal 0 numba would compile the functions that take it twice.
    n_found, n_undecided = np.int64(0), np.int64(0)
    counts = np.empty((last - first, 3), np.int64)
    stack = np.empty((64, 2, n))
    box, slack = np.empty((2, n)), np.empty(n)
    work = workspace_for(program)
    for index in range(first, last):
        set_parameters(program, work.low, work.high, parameters[index, 0], parameters[index, 1])
        initial = boxes[index]
        for j in range(n):
            slack[j] = tolerance * (initial[1, j] - initial[0, j])
        own_found, own_undecided, n_examined = n_found, n_undecided, 0
        copy_box(initial, stack[0])
        height = 1
        while height:
            height -= 1
            copy_box(stack[height], box)
            verdict = _EXHAUSTED
            if n_examined < maximum_boxes:
                n_examined += 1
                verdict = examine(program, work, box)
            if verdict == UNIQUE:
                match = relation(found[own_found:n_found], work.enclosure, work.region)
                if match == UNCLEAR:
                    n_examined += 1
                    match = _joined(program, work, found[own_found:n_found])
                if match == NEW:
                    if n_found == found.shape[0]:
                        found = longer(found)
                    copy_box(work.enclosure, found[n_found, :2])
                    copy_box(work.region, found[n_found, 2:])
                    n_found += 1
                verdict = _UNCLEAR if match == UNCLEAR else EMPTY
            if verdict == EMPTY:
                continue
            if verdict == SPLIT and not _narrow(box, slack):
                direction = splitting_direction(work, box, initial)
                if direction >= 0:
                    if height + 2 > stack.shape[0]:
                        stack = longer(stack)
                    copy_box(box, stack[height])
                    copy_box(box, stack[height + 1])
                    stack[height, 0, direction] = cut(box, direction)
                    stack[height + 1, 1, direction] = cut(box, direction)
                    height += 2
                    continue
            # Neighbours mostly follow each other, so that most boxes are merged here.
            if n_undecided > own_undecided and _near(undecided[n_undecided - 1], box, slack):
                _hull(undecided[n_undecided - 1], box)
                continue
            if n_undecided == undecided.shape[0]:
                undecided = longer(undecided)
            copy_box(box, undecided[n_undecided])
            n_undecided += 1
        n_undecided = _merge(undecided, own_undecided, n_undecided, slack)
        counts[index - first, 0] = n_found - own_found
        counts[index - first, 1] = n_undecided - own_undecided
        counts[index - first, 2] = n_examined
    return found[:n_found], undecided[:n_undecided], counts


@compiled
def _joined(program, work, found):
    """SAME where the enclosure of a zero and those it overlaps lie in a box that holds only one.

    Regions end where boxes were cut, so that two may share a zero and neither hold the other's
    enclosure, which is wide where parameters are intervals.
    """
    box = work.enclosure.copy()
    for k in range(found.shape[0]):
        if not apart(found[k, :2], work.enclosure):
            _hull(box, found[k, :2])
    return SAME if examine(program, work, box) == UNIQUE else UNCLEAR


@compiled
def _narrow(box, slack):
    for j in range(box.shape[1]):  # noqa: SIM110 - numba has no `all`
        if box[1, j] - box[0, j] > slack[j]:
            return False
    return True


@compiled
def _near(one, other, slack):
    """Whether two boxes touch, or their gap is no wider than the boxes that are split no more."""
    for j in range(one.shape[1]):
        if one[1, j] + slack[j] < other[0, j] or other[1, j] + slack[j] < one[0, j]:
            return False
    return True


@compiled
def _hull(box, other):
    """Let a box grow until it holds another one."""
    for k in range(box.shape[1]):
        box[0, k] = min(box[0, k], other[0, k])
        box[1, k] = max(box[1, k], other[1, k])


@compiled
def _merge(boxes, first, last, slack):
    """Replace boxes that are near by their hull, in place; returns the new end of the list."""
    changed = True
    while changed:
        changed = False
        i = first
        while i < last:
            j = i + 1
            while j < last:
                if not _near(boxes[i], boxes[j], slack):
                    j += 1
                    continue
                _hull(boxes[i], boxes[j])
                last -= 1
                copy_box(boxes[last], boxes[j])
                changed = True
            i += 1
    return last
