"""All stationary states of a system inside a box, with proof."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Bool, Complex, Float64, Int

from neuropil.analysis.branch_and_prune import BranchAndPrune
from neuropil.analysis.equilibrium_types import kind, proved_number_unstable
from neuropil.analysis.frozen_time import VectorFieldAt
from neuropil.analysis.interval_functions import (
    first_of_sets,
    parameters_of,
    require_finite_box,
    trace,
)
from neuropil.analysis.tape import Program
from neuropil.analysis.tape_machine import evaluate
from neuropil.analysis.zero_search import AbstractZeroSearch, Zeros, completeness
from neuropil.result import NotSolved, Outcome
from neuropil.system import AbstractSystem, Box
from neuropil.types import RandomKey


class FixedPoints(eqx.Module):
    """The stationary states that were found, each proved to exist, and what is not decided.

    - `state[p]`: middle of the enclosure, in state units;
    - `enclosure.lower[p]`, `enclosure.upper[p]`: ends between which exactly one stationary state
      lies; one that crosses a face of the box is listed too;
    - `eigenvalues[p]` of the Jacobian at the state, per ms, by falling real part, and how many
      `n_unstable[p]` of them lie right of the imaginary axis; `kind[p]` names the type, which is
      "undetermined" where that number is not proved (close to a bifurcation);
    - `undecided`: boxes that may hold further ones; empty in the good case;
    - `complete`: whether it is proved that there are no others in the box;
    - `n_examined`: how many boxes (or starts) were examined.

    Proofs are about the numbers as the computer holds them (0.3 is the double next to it).
    """

    state: Float64[np.ndarray, "points dimension"]
    enclosure: Box
    eigenvalues: Complex[np.ndarray, "points dimension"]
    n_unstable: Int[np.ndarray, " points"]
    kind: tuple[str, ...] = eqx.field(static=True)
    undecided: Box
    complete: bool
    n_examined: int
    outcome: int
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def __len__(self) -> int:
        return len(self.state)

    @property
    def sentence(self) -> str:
        """What was found and what is proved, in words."""
        plural = "" if len(self) == 1 else "s"
        found = f"{len(self)} stationary state{plural} proved to exist"
        return f"{found}; {completeness(self.complete, len(self.undecided.lower))}"

    def to_xarray(self) -> xr.Dataset:
        """States, enclosures, eigenvalues and types, labelled."""
        unit = {"unit": self.state_unit}
        both = ("point", "component")
        return xr.Dataset(
            {
                "state": (both, self.state, unit),
                "lower": (both, np.asarray(self.enclosure.lower), unit),
                "upper": (both, np.asarray(self.enclosure.upper), unit),
                "eigenvalue": (("point", "mode"), self.eigenvalues, {"unit": "1/ms"}),
                "n_unstable": ("point", self.n_unstable),
                "kind": ("point", np.array(self.kind, str)),
            },
            coords={"component": list(self.state_names)},
            attrs={"complete": int(self.complete), "sentence": self.sentence},
        )


class FixedPointsBatch(eqx.Module):
    """The stationary states of many systems; row p belongs to system `system_index[p]`.

    Fields are those of `FixedPoints`, and `count[s]`, `complete[s]`, `n_examined[s]` and
    `outcome[s]` for each system. `batch[s]` is the result of one system.
    """

    state: Float64[np.ndarray, "points dimension"]
    enclosure: Box
    eigenvalues: Complex[np.ndarray, "points dimension"]
    n_unstable: Int[np.ndarray, " points"]
    is_proved: Bool[np.ndarray, " points"]
    system_index: Int[np.ndarray, " points"]
    undecided: Box
    undecided_index: Int[np.ndarray, " boxes"]
    complete: Bool[np.ndarray, " systems"]
    n_examined: Int[np.ndarray, " systems"]
    outcome: Int[np.ndarray, " systems"]
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def __len__(self) -> int:
        return len(self.complete)

    @property
    def count(self) -> Int[np.ndarray, " systems"]:
        """Number of stationary states of each system."""
        return np.bincount(self.system_index, minlength=len(self))

    @property
    def kind(self) -> list[str]:
        """Type of each stationary state."""
        rows = zip(self.eigenvalues, self.n_unstable, self.is_proved, strict=True)
        return [kind(values, int(n), proved=bool(proved)) for values, n, proved in rows]

    def __getitem__(self, index: int) -> FixedPoints:
        """The result of one system."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"index must be below {len(self)}, got {index}")
        index %= len(self)
        own, left = self.system_index == index, self.undecided_index == index
        rows = zip(self.eigenvalues[own], self.n_unstable[own], self.is_proved[own], strict=True)
        return FixedPoints(
            state=self.state[own],
            enclosure=Box(self.enclosure.lower[own], self.enclosure.upper[own]),
            eigenvalues=self.eigenvalues[own],
            n_unstable=self.n_unstable[own],
            kind=tuple(kind(values, int(n), proved=bool(p)) for values, n, p in rows),
            undecided=Box(self.undecided.lower[left], self.undecided.upper[left]),
            complete=bool(self.complete[index]),
            n_examined=int(self.n_examined[index]),
            outcome=int(self.outcome[index]),
            state_names=self.state_names,
            state_unit=self.state_unit,
        )


def fixed_points(
    system: AbstractSystem,
    box: Box,
    method: AbstractZeroSearch | None = None,
    *,
    up_to: AbstractSystem | None = None,
    time: float = 0.0,
    key: RandomKey | None = None,
    throw: bool = True,
) -> FixedPoints:
    """All states in a box at which the vector field at `time` vanishes.

    With the default method, `BranchAndPrune()`, each is proved to exist and to be the only one in
    its enclosure, and no others are left; `DeflatedNewton` serves dimensions where that is too
    dear, proves what it finds, and does not prove that nothing is missing (it needs a `key`).

    `up_to` is a second system of the same structure; everything found is then proved for every
    system between the two, parameter by parameter: each enclosure holds exactly one stationary
    state of each of them.

    Raises `ValueError` for a box that is empty, not finite or of the wrong dimension, for a
    parameter that is not finite, or when the vector field uses an operation without interval
    enclosure; `NotSolved` when boxes stay undecided, which `throw=False` returns.
    """
    dimension = len(system.state_names)
    field = VectorFieldAt(system, jnp.asarray(time, float))
    traced = trace(field, dimension)
    last = None if up_to is None else VectorFieldAt(up_to, field.time)
    parameters = _range_of_parameters(field, last, traced.parameters)
    ends = require_finite_box(box, dimension)
    batch = _find(system, _square(traced.program(), dimension), ends[None], parameters, method, key)
    found = batch[0]
    if throw and found.outcome != Outcome.SUCCESSFUL:
        raise NotSolved(f"fixed_points: {found.sentence} (`throw=False` returns it.)")
    return found


def fixed_points_batch(
    systems: AbstractSystem,
    box: Box,
    method: AbstractZeroSearch | None = None,
    *,
    up_to: AbstractSystem | None = None,
    time: float = 0.0,
    key: RandomKey | None = None,
    throw: bool = True,
) -> FixedPointsBatch:
    """`fixed_points` of many systems that differ in their parameters, on all cores at once.

    Every array of `systems`, and of `up_to`, has a leading axis, one row for each system; the ends
    of `box` have it too, or are shared. Raises as `fixed_points` does, and `ValueError` when the
    rows do not fit together.
    """
    n_systems, first = first_of_sets(systems)
    dimension = len(first.state_names)
    field = VectorFieldAt(systems, jnp.full(n_systems, float(time)))
    traced = trace(field, dimension, stacked=True)
    ends = require_finite_box(box, dimension)
    if ends.ndim == 3 and ends.shape[1] != n_systems:
        raise ValueError(f"box must have one row or {n_systems}, got {ends.shape[1]}")
    boxes = np.stack([np.broadcast_to(end, (n_systems, dimension)) for end in ends], axis=1)
    last = None if up_to is None else VectorFieldAt(up_to, field.time)
    parameters = _range_of_parameters(field, last, traced.parameters)
    batch = _find(first, _square(traced.program(), dimension), boxes, parameters, method, key)
    failed = np.flatnonzero(batch.outcome != Outcome.SUCCESSFUL)
    if throw and failed.size:
        raise NotSolved(
            f"fixed_points_batch: {failed.size} of {len(batch)} systems; the first is "
            f"{failed[0]}: {batch[int(failed[0])].sentence} (`throw=False` returns all.)"
        )
    return batch


def _find(
    system: AbstractSystem,
    program: Program,
    boxes: Float64[np.ndarray, "systems 2 dimension"],
    parameters: Float64[np.ndarray, "systems 2 parameters"],
    method: AbstractZeroSearch | None,
    key: RandomKey | None,
) -> FixedPointsBatch:
    method = BranchAndPrune() if method is None else method
    zeros = method.find(program, np.ascontiguousarray(boxes), parameters, key=key)
    zeros = _sorted(zeros)
    lower, upper = (np.ascontiguousarray(zeros.enclosure[:, end]) for end in (0, 1))
    own = parameters[zeros.zero_set]
    slopes = evaluate(program, lower, upper, own[:, 0].copy(), own[:, 1].copy())[2:4]
    eigenvalues, n_unstable, is_proved = proved_number_unstable(*slopes)
    decided = np.bincount(zeros.undecided_set, minlength=len(boxes)) == 0
    failed = Outcome.MAXIMUM_STEPS_REACHED
    return FixedPointsBatch(
        state=0.5 * lower + 0.5 * upper,
        enclosure=Box(lower, upper),  # type: ignore[arg-type]
        eigenvalues=eigenvalues,
        n_unstable=n_unstable,
        is_proved=is_proved,
        system_index=zeros.zero_set,
        undecided=Box(zeros.undecided[:, 0], zeros.undecided[:, 1]),  # type: ignore[arg-type]
        undecided_index=zeros.undecided_set,
        complete=decided & method.proves_completeness,
        n_examined=zeros.examined,
        outcome=np.where(decided, int(Outcome.SUCCESSFUL), int(failed)),
        state_names=system.state_names,
        state_unit=system.state_unit,
    )


def _sorted(zeros: Zeros) -> Zeros:
    """By system, then by state."""
    keys = (*zeros.enclosure[:, 0].T[::-1], zeros.zero_set)
    order = np.lexsort(keys)
    return zeros._replace(
        enclosure=zeros.enclosure[order],
        region=zeros.region[order],
        zero_set=zeros.zero_set[order],
    )


def _range_of_parameters(
    first: VectorFieldAt,
    last: VectorFieldAt | None,
    parameters: Float64[np.ndarray, "systems parameters"],
) -> Float64[np.ndarray, "systems 2 parameters"]:
    """The parameters of `first`, given as rows, and those up to `last`, from low to high."""
    if last is None:
        return np.stack([parameters, parameters], axis=1)
    if not eqx.tree_equal(
        *(eqx.filter(field, eqx.is_inexact_array, inverse=True) for field in (first, last))
    ):
        raise ValueError("up_to must differ from the system in the values of real parameters only")
    shapes = [
        [np.shape(leaf) for leaf in jax.tree.leaves(eqx.filter(field, eqx.is_inexact_array))]
        for field in (first, last)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"up_to must have parameters of the same shapes as the system, {shapes[0]}, "
            f"got {shapes[1]}"
        )
    ends = (parameters, parameters_of(last, len(parameters)))
    return np.stack([np.minimum(*ends), np.maximum(*ends)], axis=1)


def _square(program: Program, dimension: int) -> Program:
    if program.values.size != dimension:
        raise ValueError(
            f"the vector field must have {dimension} components, one for each name of the state, "
            f"got {program.values.size}"
        )
    return program


__all__ = ["FixedPoints", "FixedPointsBatch", "fixed_points", "fixed_points_batch"]
