"""Branches of stationary states followed in a parameter, through folds."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.hopf_points import HopfPoint
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength, walk
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
    span = (jnp.asarray(begin, float), jnp.asarray(until, float))
    if not any(isinstance(value, jax.core.Tracer) for value in (*span, start)):
        if not np.isfinite(span).all() or span[0] == span[1]:
            raise ValueError(
                f"until must be finite and differ from where {parameter} begins, got "
                f"{float(span[1])} and {float(span[0])}"
            )
        if not np.all(np.isfinite(start)):
            raise ValueError("start holds values that are not finite")
    points, special = follow(residual, method, jnp.asarray(start, float), *span)
    branch = _branch(points, special, parameter, names, unit)
    if throw:
        raise_unless_successful(branch.outcome, what=f"continuation in {parameter}", throw=True)
    return branch


@eqx.filter_jit
def follow(
    residual: Residual, method: PseudoArclength, start: State, begin: Scalar, until: Scalar
) -> tuple[Points, SpecialPoints]:
    """`continuation` without checks and names: pure, compiled and batchable."""
    points = walk(residual, method, start, begin, until)
    return points, special_points(residual, method, points)


@eqx.filter_jit
def _branch(
    points: Points, special: SpecialPoints, name: str, names: tuple[str, ...], unit: str
) -> Branch:
    folds, hopf_points, branch_points = special

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


__all__ = ["Branch", "PseudoArclength", "continuation", "follow"]
