"""Complete diagrams: every branch of stationary states in a box over a range of a parameter."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Float64, Int

from neuropil.analysis.branch_and_prune import BranchAndPrune
from neuropil.analysis.diagram_segments import Segment, chains, segments
from neuropil.analysis.fixed_points import FixedPointsBatch, fixed_points_batch
from neuropil.analysis.folds_certified import LARGEST_DIMENSION, AllFolds, all_folds
from neuropil.analysis.parameters import VectorFieldOf, vector_field_of
from neuropil.analysis.pseudo_arclength import PseudoArclength
from neuropil.result import NotSolved
from neuropil.system import AbstractSystem, Box
from neuropil.types import Scalar, State

# Grid values off the even division, so that special points of symmetric systems are not on them.
_SHIFT = 0.0129
_SAME_FOLD = 1e-8


class DiagramBranch(eqx.Module):
    """One branch, from end to end; `closed` if it comes back to its first point."""

    parameter: Float64[np.ndarray, " points"]
    state: Float64[np.ndarray, "points dimension"]
    n_unstable: Int[np.ndarray, " points"]
    closed: bool

    @property
    def stable(self) -> Bool[np.ndarray, " points"]:
        """Where no eigenvalue of the Jacobian has a positive real part."""
        return self.n_unstable == 0


class Diagram(eqx.Module):
    """Every branch of stationary states in a box, and what was proved about them.

    - `branches`: distinct ones, each from end to end, through its folds;
    - `fold_parameter[k]`, `fold_state[k]`, `fold_residual[k]`, and the same for Hopf points (with
      `hopf_angular_frequency`, in rad/ms) and branch points: as in `Branch`, by rising parameter;
    - `certified_folds`: the folds with proof, none where the system has too many dimensions;
    - `certified_at[i]`, `certified_count[i]`: parameter values at which all stationary states in
      the box were found with proof, and how many there are; `branch_count[i]` is the number of
      times that branches pass that value, which is the same in a complete diagram;
    - `mismatches`: a sentence on everything that does not fit; empty in the good case;
    - `complete`: nothing is mismatched and the list of folds is proved to be complete.
    """

    branches: tuple[DiagramBranch, ...]
    fold_parameter: Float64[np.ndarray, " folds"]
    fold_state: Float64[np.ndarray, "folds dimension"]
    fold_residual: Float64[np.ndarray, " folds"]
    hopf_parameter: Float64[np.ndarray, " hopf_points"]
    hopf_state: Float64[np.ndarray, "hopf_points dimension"]
    hopf_angular_frequency: Float64[np.ndarray, " hopf_points"]
    hopf_residual: Float64[np.ndarray, " hopf_points"]
    branch_point_parameter: Float64[np.ndarray, " branch_points"]
    branch_point_state: Float64[np.ndarray, "branch_points dimension"]
    branch_point_residual: Float64[np.ndarray, " branch_points"]
    certified_folds: AllFolds | None
    certified_at: Float64[np.ndarray, " values"]
    certified_count: Int[np.ndarray, " values"]
    branch_count: Int[np.ndarray, " values"]
    mismatches: tuple[str, ...]
    complete: bool
    parameter_name: str = eqx.field(static=True)
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    @property
    def sentence(self) -> str:
        """What was found and what is proved, in words."""
        n, m = len(self.branches), len(self.fold_parameter)
        found = f"{n} branch{'es' * (n != 1)} with {m} fold{'s' * (m != 1)}"
        if self.mismatches:
            return f"{found}; {len(self.mismatches)} mismatches: {'; '.join(self.mismatches)}"
        counts = f"certified counts agree at {len(self.certified_at)} values"
        if self.complete:
            return f"{found}; {counts} of {self.parameter_name}, and there are no further folds"
        return f"{found}; {counts}; that there are no further folds is not proved"

    def to_xarray(self) -> xr.Dataset:
        """Points of all branches by `point`, with the branch of each; special points by kind."""
        unit = {"unit": self.state_unit}
        lengths = [len(branch.parameter) for branch in self.branches]
        empty = np.zeros((0, len(self.state_names)))

        def joined(name: str, nothing: np.ndarray) -> np.ndarray:
            return np.concatenate([nothing, *(getattr(b, name) for b in self.branches)])

        n_unstable = joined("n_unstable", np.zeros(0, int))
        variables: dict[str, Any] = {
            "state": (("point", "component"), joined("state", empty), unit),
            "n_unstable": ("point", n_unstable),
            "stable": ("point", n_unstable == 0),
            "certified_count": ("value", self.certified_count),
            "branch_count": ("value", self.branch_count),
            "hopf_angular_frequency": ("hopf", self.hopf_angular_frequency, {"unit": "rad/ms"}),
        }
        coordinates: dict[str, Any] = {
            self.parameter_name: ("point", joined("parameter", np.zeros(0))),
            "branch": ("point", np.repeat(np.arange(len(lengths)), lengths)),
            f"certified_{self.parameter_name}": ("value", self.certified_at),
            "component": list(self.state_names),
        }
        for kind in ("fold", "hopf", "branch_point"):
            variables[f"{kind}_state"] = ((kind, "component"), getattr(self, f"{kind}_state"), unit)
            place = getattr(self, f"{kind}_parameter")
            coordinates[f"{kind}_{self.parameter_name}"] = (kind, place)
        attributes = {"complete": int(self.complete), "sentence": self.sentence}
        return xr.Dataset(variables, coords=coordinates, attrs=attributes)


class _FunctionSystem(AbstractSystem):
    """A function of state and parameter as a system with one parameter."""

    function: Callable[[State, Scalar], State] = eqx.field(static=True)
    dimension: int = eqx.field(static=True)
    parameter: Float[Array, ""]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Numbered."""
        return tuple(f"component_{i}" for i in range(self.dimension))

    @property
    def state_unit(self) -> str:
        """Not known."""
        return ""

    def vector_field(self, time: Scalar, state: State) -> State:
        """The function."""
        return self.function(state, self.parameter)


def complete_diagram(
    problem: AbstractSystem | Callable[[State, Scalar], State],
    box: Box,
    method: PseudoArclength | None = None,
    *,
    between: tuple[float, float],
    parameter: str = "parameter",
    n_grid: int = 9,
    search: BranchAndPrune | None = None,
    throw: bool = True,
) -> Diagram:
    """Every branch of stationary states in a box, for a parameter `between` two ends.

    Following one branch does not find those that are not connected to it. Here all folds are
    found with proof first (up to 8 dimensions), then all stationary states on a grid of `n_grid`
    parameter values and between neighbouring folds, with proof. Each is followed both ways to the
    next grid value, all in one batch, and the pieces are joined to branches. Every piece must be
    found from both of its ends, the folds on it must be the certified ones, and halfway between
    grid values the number of branches must be that of the states certified there.

    `problem` and `parameter` are as for `continuation`; `box` is as for `fixed_points`, and has
    to hold the branches over the whole range. Raises `ValueError` for bad arguments, and
    `NotSolved`, naming what does not fit, when branches and proofs do not agree or a proof fails;
    `throw=False` returns the diagram with its `mismatches`.
    """
    low, high = (float(end) for end in between)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"between must be two finite rising numbers, got {between}")
    if n_grid < 2:
        raise ValueError(f"n_grid must be at least 2, got {n_grid}")
    if isinstance(problem, AbstractSystem):
        field = vector_field_of(problem, parameter)
    else:
        wrapped = _FunctionSystem(problem, np.shape(box.lower)[-1], jnp.asarray(low))
        field = vector_field_of(wrapped, "parameter")
    system = field.system
    method = PseudoArclength() if method is None else method
    mismatches: list[str] = []
    certified = None
    if len(system.state_names) <= LARGEST_DIMENSION:
        certified = all_folds(
            field, box, search, between=(low, high), parameter=parameter, throw=False
        )
        if not certified.complete:
            mismatches.append(f"folds: {certified.sentence}")
    fold_at = np.zeros(0) if certified is None else certified.parameter
    grid = _grid(low, high, n_grid, fold_at)
    roots = _certified(field, box, search, grid, mismatches, parameter)
    joined = segments(field, method, grid, roots, parameter)
    mismatches += joined.mismatches
    branches = tuple(DiagramBranch(*chain) for chain in chains(joined.segments))
    halfway = _between_grid_values(grid, fold_at)
    counted = _certified(field, box, search, halfway, mismatches, parameter).count
    passing = _count_passing(branches, halfway)
    mismatches += [
        f"at {parameter} = {value:.8g} there are {n} stationary states with proof, and branches "
        f"pass {m} times"
        for value, n, m in zip(halfway, counted, passing, strict=True)
        if n != m
    ]
    special = _special(joined.segments, len(system.state_names))
    if certified is not None:
        mismatches += _unlike(certified, special["fold_parameter"], special["fold_state"])
    order = np.argsort(np.concatenate([grid, halfway]), kind="stable")
    diagram = Diagram(
        branches=branches,
        **special,
        certified_folds=certified,
        certified_at=np.concatenate([grid, halfway])[order],
        certified_count=np.concatenate([roots.count, counted])[order],
        branch_count=np.concatenate([_count_joined(branches, grid, roots), passing])[order],
        mismatches=tuple(mismatches),
        complete=not mismatches and certified is not None,
        parameter_name=parameter,
        state_names=system.state_names,
        state_unit=system.state_unit,
    )
    if throw and mismatches:
        raise NotSolved(f"complete_diagram: {diagram.sentence} (`throw=False` returns it.)")
    return diagram


def _grid(
    low: float, high: float, n_grid: int, fold_at: Float64[np.ndarray, " folds"]
) -> Float64[np.ndarray, " grid"]:
    """Even values, a little off, and one between neighbouring folds that have none between."""
    even = np.linspace(low, high, n_grid)
    even[1:-1] += _SHIFT * (high - low) / (n_grid - 1)
    middles = [
        0.5 * (one + other)
        for one, other in pairwise(fold_at)
        if other > one and not np.any((even > one) & (even < other))
    ]
    return np.unique(np.concatenate([even, middles]))


def _between_grid_values(
    grid: Float64[np.ndarray, " grid"], fold_at: Float64[np.ndarray, " folds"]
) -> Float64[np.ndarray, " gaps"]:
    """The middle of the widest gap without a fold between neighbouring grid values."""
    middles = []
    for one, other in pairwise(grid):
        inside = fold_at[(fold_at > one) & (fold_at < other)]
        marks = np.concatenate([[one], inside, [other]])
        widest = int(np.argmax(np.diff(marks)))
        middles.append(0.5 * (marks[widest] + marks[widest + 1]))
    return np.array(middles)


def _certified(
    field: VectorFieldOf,
    box: Box,
    search: BranchAndPrune | None,
    values: Float64[np.ndarray, " values"],
    mismatches: list[str],
    name: str,
) -> FixedPointsBatch:
    """All stationary states at each value, with proof; where that fails, a sentence is added."""
    systems = eqx.filter_vmap(field.system_at)(jnp.asarray(values))
    found = fixed_points_batch(systems, box, search, throw=False)
    mismatches += [
        f"at {name} = {value:.8g}: {found[index].sentence}"
        for index, value in enumerate(values)
        if not found.complete[index]
    ]
    return found


def _count_passing(
    branches: Sequence[DiagramBranch], values: Float64[np.ndarray, " values"]
) -> Int[np.ndarray, " values"]:
    """How many times branches pass a parameter value at which none of their points lies."""
    total = np.zeros(len(values), int)
    for branch in branches:
        above = branch.parameter[:, None] > values[None]
        total += np.sum(above[1:] != above[:-1], axis=0)
    return total


def _count_joined(
    branches: Sequence[DiagramBranch],
    grid: Float64[np.ndarray, " grid"],
    roots: FixedPointsBatch,
) -> Int[np.ndarray, " grid"]:
    """How many different points of branches lie exactly at grid values."""
    total = np.zeros(len(grid), int)
    for branch in branches:
        own = branch.parameter[: -1 if branch.closed else None]
        total += np.sum(own[:, None] == grid[None], axis=0)
    return total


def _special(found: Sequence[Segment], dimension: int) -> dict[str, Any]:
    """Folds, Hopf points and branch points of all segments, by rising parameter."""
    fields: dict[str, Any] = {}
    for prefix, kind in (
        ("fold", "folds"),
        ("hopf", "hopf_points"),
        ("branch_point", "branch_points"),
    ):
        kept = [getattr(segment.special, kind) for segment in found]
        names = ["parameter", "state", "residual"] + ["angular_frequency"] * (prefix == "hopf")
        for name in names:
            shape = (0, dimension) if name == "state" else (0,)
            every = np.concatenate([np.zeros(shape), *(getattr(one, name) for one in kept)])
            fields[f"{prefix}_{name}"] = every
        place = fields[f"{prefix}_parameter"]
        order = np.argsort(place)[: int(np.sum(np.isfinite(place)))]
        for name in names:
            fields[f"{prefix}_{name}"] = fields[f"{prefix}_{name}"][order]
    return fields


def _unlike(
    certified: AllFolds,
    parameter: Float64[np.ndarray, " folds"],
    state: Float64[np.ndarray, "folds dimension"],
) -> list[str]:
    """Sentences on folds that are on branches or certified, but not both."""
    sentences = []
    scale = _SAME_FOLD * np.maximum(1.0, np.abs(certified.state).max(initial=0.0))
    name = certified.parameter_name

    def near(k: int, at: float, where: np.ndarray) -> bool:
        own = np.abs(certified.state[k] - where).max()
        return bool(abs(certified.parameter[k] - at) <= scale and own <= 1e3 * scale)

    for k in range(len(certified)):
        hits = sum(near(k, at, where) for at, where in zip(parameter, state, strict=True))
        if hits != 1:
            sentences.append(
                f"the certified fold at {name} = {certified.parameter[k]:.8g} is on {hits} branches"
            )
    if certified.complete:
        for at, where in zip(parameter, state, strict=True):
            if not any(near(k, at, where) for k in range(len(certified))):
                sentences.append(f"a branch turns at {name} = {at:.8g}, where no fold is certified")
    return sentences


__all__ = ["Diagram", "DiagramBranch", "complete_diagram"]
