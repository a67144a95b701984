"""What every search for the zeros of a tape in boxes takes and gives."""

from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float64, Int64

from neuropil.analysis.intervals import compiled
from neuropil.analysis.tape import Program
from neuropil.types import RandomKey


class Zeros(NamedTuple):
    """Everything that was found; rows of each list belong to the parameter set in its `..._set`.

    `enclosure[:, 0]` and `enclosure[:, 1]` are lower and upper ends, and so for `region`, in which
    the zero is the only one, and for `undecided`. `examined` counts boxes by parameter set.
    """

    enclosure: Float64[np.ndarray, "zeros 2 dimension"]
    region: Float64[np.ndarray, "zeros 2 dimension"]
    zero_set: Int64[np.ndarray, " zeros"]
    undecided: Float64[np.ndarray, "boxes 2 dimension"]
    undecided_set: Int64[np.ndarray, " boxes"]
    examined: Int64[np.ndarray, " sets"]


class AbstractZeroSearch(eqx.Module):
    """A way to the zeros of a function in a box, each of them proved to exist."""

    proves_completeness: eqx.AbstractClassVar[bool]

    @abstractmethod
    def find(
        self,
        program: Program,
        boxes: Float64[np.ndarray, "sets 2 dimension"],
        parameters: Float64[np.ndarray, "sets 2 parameters"],
        *,
        key: RandomKey | None,
    ) -> Zeros:
        """The zeros of a program with as many values as variables, for each parameter set."""


NEW, SAME, UNCLEAR = 0, 1, 2


@compiled
def relation(found, enclosure, region):
    """Whether a zero is one of those found: its enclosure lies where that one is the only zero."""
    for k in range(found.shape[0]):
        if apart(found[k, :2], enclosure):
            continue
        if within(enclosure, found[k, 2:]) or within(found[k, :2], region):
            return SAME
        return UNCLEAR
    return NEW


@compiled
def apart(one, other):
    """Whether two boxes have no point in common."""
    for j in range(one.shape[1]):  # noqa: SIM110 - numba has no `any`
        if one[1, j] < other[0, j] or other[1, j] < one[0, j]:
            return True
    return False


@compiled
def within(inner, outer):
    """Whether a box lies in another one."""
    for j in range(inner.shape[1]):
        if not (outer[0, j] <= inner[0, j] and inner[1, j] <= outer[1, j]):
            return False
    return True


@compiled
def longer(rows):
    """The same rows with as many more to be filled."""
    return np.concatenate((rows, rows))


def completeness(complete: bool, n_undecided: int) -> str:
    """What is proved about zeros that were not found, in words."""
    if n_undecided:
        plural = "es stay" if n_undecided > 1 else " stays"
        return (
            f"{n_undecided} box{plural} undecided: a further one there is neither found nor "
            "excluded; it may be degenerate (a fold), or need a smaller `tolerance` or a larger "
            "`maximum_boxes`"
        )
    return (
        "there are no others in the box"
        if complete
        else "that there are no others in the box is not proved"
    )
