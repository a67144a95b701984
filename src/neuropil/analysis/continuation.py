"""Branches of stationary states followed in a parameter, through folds."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.hopf_points import HopfPoint
from neuropil.analysis.interval_functions import first_of_sets
from neuropil.analysis.parameters import Residual, VectorFieldOf, vector_field_of
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength, walk
from neuropil.analysis.quick_compilation import quickly_compiled
from neuropil.analysis.special_points import SpecialPoints, special_points
from neuropil.result import raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class Branch(eqx.Module):
    """A branch of stationary states, in the order in which it was followed.

    Buffers have a fixed length; the first `n_points` points, `n_folds` folds, `n_hopf_points`
    Hopf points and `n_branch_points` branch points are filled, the rest is not a number.
    `n_unstable` counts the eigenvalues of the vector field's Jacobian with positive real parts,
    and `stable` is true where there are none; `eigenvalues` are kept where the method says so.
    `reached_end` says whether the branch arrived at `until`; it may end at the parameter where it
    began instead, after a fold.

    Special points are bracketed by test functions and polished by Newton's method on extended
    systems; residuals say what that has left (see `Fold`, `HopfPoint`, `BranchPoint`). Where
    polishing fails a point is kept where it was bracketed. A turn at a branch point is no fold.
    """

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    tangent_parameter: Float[Array, " points"]
    tangent_state: Float[Array, "points dimension"]
    eigenvalues: Complex[Array, "points dimension"] | None
    n_unstable: Int[Array, " points"]
    stable: Bool[Array, " points"]
    n_points: Int[Array, ""]
    fold_parameter: Float[Array, " folds"]
    fold_state: Float[Array, "folds dimension"]
    fold_residual: Float[Array, " folds"]
    n_folds: Int[Array, ""]
    hopf_parameter: Float[Array, " hopf_points"]
    hopf_state: Float[Array, "hopf_points dimension"]
    hopf_angular_frequency: Float[Array, " hopf_points"]
    hopf_residual: Float[Array, " hopf_points"]
    n_hopf_points: Int[Array, ""]
    branch_point_parameter: Float[Array, " branch_points"]
    branch_point_state: Float[Array, "branch_points dimension"]
    branch_point_residual: Float[Array, " branch_points"]
    n_branch_points: Int[Array, ""]
    reached_end: Bool[Array, ""]
    outcome: Int[Array, ""]
    parameter_name: str = eqx.field(static=True)
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def hopf_point(self, index: int = 0) -> HopfPoint:
        """One Hopf point, to begin `limit_cycles` at. For a single branch.

        Raises `IndexError` when there are not as many.
        """
        if not 0 <= index < int(self.n_hopf_points):
            raise IndexError(
                f"index must be at least 0 and below {int(self.n_hopf_points)}, the number of "
                f"Hopf points, got {index}"
            )
        return HopfPoint(
            state=self.hopf_state[index],
            parameter=self.hopf_parameter[index],
            angular_frequency=self.hopf_angular_frequency[index],
            residual=self.hopf_residual[index],
        )

    def to_xarray(self) -> xr.Dataset:
        """Filled points by `point` and `component`, special points by kind. For one branch."""
        points = int(self.n_points)
        unit = {"unit": self.state_unit}
        variables = {
            "state": (("point", "component"), np.asarray(self.state)[:points], unit),
            "stable": ("point", np.asarray(self.stable)[:points]),
            "n_unstable": ("point", np.asarray(self.n_unstable)[:points]),
        }
        coordinates = {self.parameter_name: ("point", np.asarray(self.parameter)[:points])}
        for name, count, at, states in (
            ("fold", self.n_folds, self.fold_parameter, self.fold_state),
            ("hopf", self.n_hopf_points, self.hopf_parameter, self.hopf_state),
            (
                "branch_point",
                self.n_branch_points,
                self.branch_point_parameter,
                self.branch_point_state,
            ),
        ):
            filled = np.asarray(states)[: int(count)]
            variables[f"{name}_state"] = ((name, "component"), filled, unit)
            coordinates[f"{name}_{self.parameter_name}"] = (name, np.asarray(at)[: int(count)])
        frequency = np.asarray(self.hopf_angular_frequency)[: int(self.n_hopf_points)]
        variables["hopf_angular_frequency"] = ("hopf", frequency, {"unit": "rad/ms"})
        return xr.Dataset(variables, coords={**coordinates, "component": list(self.state_names)})


def continuation(
    problem: AbstractSystem | Callable[[State, Scalar], State],
    method: PseudoArclength,
    start: State,
    *,
    parameter: str = "parameter",
    until: float | Scalar,
    begin: float | Scalar | None = None,
    throw: bool = True,
) -> Branch:
    """Follow the stationary state near `start` as a parameter moves towards `until`.

    `problem` is a system, whose field `parameter` is moved from its present value (one number, a
    path to one with dots, or an entry as in `neuron_decay[1]`), or a function of state and
    parameter that vanishes on the branch, with `begin` given. `start` is corrected at the
    beginning. The branch ends exactly at `until`, or where it comes back to where it began.

    With `throw=False` everything but the checks of arguments is pure JAX, and `jax.vmap` follows
    many branches at once. What is compiled is kept for systems of the same shape, whatever their
    parameters, and for the same function object.

    Needs double precision: the bordered systems are nearly singular at folds. Raises
    `ValueError` when the parameter does not exist, the range is empty or the start does not
    fit, and `NotSolved` when no branch begins at `start` or it cannot be followed to an end.
    Source: H. B. Keller, in Applications of Bifurcation Theory (Academic Press, 1977).
    """
    residual: Residual
    if isinstance(problem, AbstractSystem):
        residual = field = vector_field_of(problem, parameter)
        begin = field.value if begin is None else begin
        names, unit = problem.state_names, problem.state_unit
    else:
        residual = problem
        if begin is None:
            raise ValueError("begin must be given when the problem is a plain function")
        names, unit = tuple(f"component_{i}" for i in range(len(start))), ""
    if start.shape != (len(names),):
        raise ValueError(f"start must have shape ({len(names)},), got {start.shape}")
    walk = (jnp.asarray(start, float), jnp.asarray(begin, float), jnp.asarray(until, float))
    _require_range(parameter, *walk)
    branch = _followed(residual, method, *walk, (parameter, names, unit))
    if throw:
        raise_unless_successful(branch.outcome, what=f"continuation in {parameter}", throw=True)
    return branch


def continuation_batch(
    systems: AbstractSystem,
    method: PseudoArclength,
    start: Float[Array, "*systems dimension"],
    *,
    parameter: str,
    until: float | Float[Array, "..."],
    begin: float | Float[Array, "..."] | None = None,
    throw: bool = True,
) -> Branch:
    """`continuation` of many systems that differ in their parameters, all at once.

    Every array of `systems` has a leading axis, one row for each system, and so has every array
    of the result; `start` has one row, or as many, and `until` and `begin` are shared where they
    are numbers. Beside `jax.vmap` of `continuation`, which gives the same branches, this compiles
    in about half of the time. Raises as `continuation` does, and `ValueError` when the rows do
    not fit together.
    """
    n_systems, first = first_of_sets(systems)
    names = first.state_names
    vector_field_of(first, parameter)
    fields = VectorFieldOf(systems, parameter)
    if start.ndim != 2 or start.shape[0] not in (1, n_systems) or start.shape[1] != len(names):
        raise ValueError(
            f"start must have shape ({n_systems}, {len(names)}) or (1, {len(names)}), "
            f"got {start.shape}"
        )
    if begin is None:
        begin = eqx.filter_vmap(lambda field: field.value)(fields)
    for name, values in (("begin", begin), ("until", until)):
        if jnp.shape(values) not in ((), (n_systems,)):
            raise ValueError(
                f"{name} must be a number or have shape ({n_systems},), got {jnp.shape(values)}"
            )
    # By NumPy, as JAX would compile every copy.
    shapes = (n_systems, len(names)), (n_systems,), (n_systems,)
    starts, begins, untils = (
        jnp.asarray(np.broadcast_to(np.asarray(values, float), shape))
        for values, shape in zip((start, begin, until), shapes, strict=True)
    )
    _require_range(parameter, starts, begins, untils)
    labels = (parameter, names, first.state_unit)
    branches = _followed_batch(fields, method, starts, begins, untils, labels)
    if throw:
        raise_unless_successful(branches.outcome, what=f"continuation in {parameter}", throw=True)
    return branches


def _require_range(parameter: str, start: Array, begin: Array, until: Array) -> None:
    """Raise `ValueError` unless every walk has a way to go; what is traced is not looked at."""
    if any(isinstance(value, jax.core.Tracer) for value in (start, begin, until)):
        return
    first, last = np.ravel(begin), np.ravel(until)
    empty = ~np.isfinite(first) | ~np.isfinite(last) | (first == last)
    if np.any(empty):
        worst = int(np.argmax(empty))
        raise ValueError(
            f"until must be finite and differ from where {parameter} begins, got "
            f"{float(last[worst])} and {float(first[worst])}"
        )
    if not np.all(np.isfinite(start)):
        raise ValueError("start holds values that are not finite")


@quickly_compiled
def _followed(
    residual: Residual,
    method: PseudoArclength,
    start: State,
    begin: Scalar,
    until: Scalar,
    labels: tuple[str, tuple[str, ...], str],
) -> Branch:
    points, special = follow(residual, method, start, begin, until)
    return _branch(points, special, labels)


@quickly_compiled
def _followed_batch(
    residual: Residual,
    method: PseudoArclength,
    start: Float[Array, "systems dimension"],
    begin: Float[Array, " systems"],
    until: Float[Array, " systems"],
    labels: tuple[str, tuple[str, ...], str],
) -> Branch:
    def one(residual, start, begin, until):
        points, special = follow(residual, method, start, begin, until)
        return _branch(points, special, labels)

    return eqx.filter_vmap(one)(residual, start, begin, until)


def follow(
    residual: Residual, method: PseudoArclength, start: State, begin: Scalar, until: Scalar
) -> tuple[Points, SpecialPoints]:
    """`continuation` without checks and names: pure and batchable."""
    points = walk(residual, method, start, begin, until)
    return points, special_points(residual, method, points)


def _branch(
    points: Points, special: SpecialPoints, labels: tuple[str, tuple[str, ...], str]
) -> Branch:
    folds, hopf_points, branch_points = special
    name, names, unit = labels

    def number(values):
        return jnp.sum(jnp.isfinite(values.parameter))

    return Branch(
        parameter=points.parameter,
        state=points.state,
        tangent_parameter=points.tangent_parameter,
        tangent_state=points.tangent_state,
        eigenvalues=points.eigenvalues,
        n_unstable=points.n_unstable,
        stable=(points.n_unstable == 0) & jnp.isfinite(points.parameter),
        n_points=points.count,
        fold_parameter=folds.parameter,
        fold_state=folds.state,
        fold_residual=folds.residual,
        n_folds=number(folds),
        hopf_parameter=hopf_points.parameter,
        hopf_state=hopf_points.state,
        hopf_angular_frequency=hopf_points.angular_frequency,
        hopf_residual=hopf_points.residual,
        n_hopf_points=number(hopf_points),
        branch_point_parameter=branch_points.parameter,
        branch_point_state=branch_points.state,
        branch_point_residual=branch_points.residual,
        n_branch_points=number(branch_points),
        reached_end=points.reached_end,
        outcome=points.outcome,
        parameter_name=name,
        state_names=names,
        state_unit=unit,
    )


__all__ = ["Branch", "PseudoArclength", "continuation", "continuation_batch", "follow"]
