"""Branches of stationary states followed in a parameter, through folds."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.folds import Fold, polish_fold
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength, walk
from neuropil.result import raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class Branch(eqx.Module):
    """A branch of stationary states, in the order in which it was followed.

    Buffers have a fixed length; the first `n_points` points and `n_folds` folds are filled, the
    rest is not a number. `stable` is true where all eigenvalues of the vector field's Jacobian
    have negative real parts. `reached_end` says whether the branch arrived at `until`; it may
    end at the parameter where it began instead, after a fold. Folds are polished until the
    Jacobian is singular to rounding; `fold_residual` is what polishing has left of max |(f, J v)|,
    v being the unit null vector. Where polishing fails the fold is kept where it was bracketed.
    """

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    tangent_parameter: Float[Array, " points"]
    tangent_state: Float[Array, "points dimension"]
    eigenvalues: Complex[Array, "points dimension"]
    stable: Bool[Array, " points"]
    n_points: Int[Array, ""]
    fold_parameter: Float[Array, " folds"]
    fold_state: Float[Array, "folds dimension"]
    fold_residual: Float[Array, " folds"]
    n_folds: Int[Array, ""]
    reached_end: Bool[Array, ""]
    outcome: Int[Array, ""]
    parameter_name: str = eqx.field(static=True)
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def to_xarray(self) -> xr.Dataset:
        """Filled points by `point` and `component`, folds by `fold`. For a single branch."""
        points, folds = int(self.n_points), int(self.n_folds)
        return xr.Dataset(
            {
                "state": (
                    ("point", "component"),
                    np.asarray(self.state)[:points],
                    {"unit": self.state_unit},
                ),
                "stable": ("point", np.asarray(self.stable)[:points]),
                "fold_state": (
                    ("fold", "component"),
                    np.asarray(self.fold_state)[:folds],
                    {"unit": self.state_unit},
                ),
            },
            coords={
                self.parameter_name: ("point", np.asarray(self.parameter)[:points]),
                f"fold_{self.parameter_name}": ("fold", np.asarray(self.fold_parameter)[:folds]),
                "component": list(self.state_names),
            },
        )


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

    `problem` is a system, whose scalar field `parameter` is moved from its present value, or a
    function of state and parameter that vanishes on the branch, with `begin` given. `start` is
    corrected at the beginning. The branch ends exactly at `until`, or where it comes back to
    where it began. With `throw=False` everything but the checks of arguments is pure JAX, and
    `jax.vmap` follows many branches at once.

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
    found = walk(residual, method, jnp.asarray(start, float), *span)
    points, folds = found.points, _folds(residual, method, found.points)
    branch = Branch(
        parameter=points.parameter,
        state=points.state,
        tangent_parameter=points.tangent_parameter,
        tangent_state=points.tangent_state,
        eigenvalues=points.eigenvalues,
        stable=jnp.max(points.eigenvalues.real, axis=-1) < 0,
        n_points=points.count,
        fold_parameter=folds.parameter,
        fold_state=folds.state,
        fold_residual=folds.residual,
        n_folds=jnp.sum(jnp.isfinite(folds.parameter)),
        reached_end=found.reached_end,
        outcome=found.outcome,
        parameter_name=parameter,
        state_names=names,
        state_unit=unit,
    )
    if throw:
        raise_unless_successful(branch.outcome, what=f"continuation in {parameter}", throw=True)
    return branch


@eqx.filter_jit
def _folds(residual: Residual, method: PseudoArclength, points: Points) -> Fold:
    """Polished folds: where the parameter turns back from one point to the next."""
    slope = points.tangent_parameter
    turns = slope[:-1] * slope[1:] < 0
    (at,) = jnp.nonzero(turns, size=method.maximum_folds, fill_value=-1)

    def polish(before):
        share = slope[before] / (slope[before] - slope[before + 1])

        def between(values):
            return values[before] + share * (values[before + 1] - values[before])

        return polish_fold(
            residual,
            between(points.state),
            between(points.parameter),
            between(points.tangent_state),
            largest_move=jnp.linalg.norm(points.state[before + 1] - points.state[before]),
        )

    nothing = jnp.full_like(slope[0], jnp.nan)
    none = Fold(jnp.full_like(points.state[0], jnp.nan), nothing, nothing)
    return jax.lax.map(lambda before: jax.lax.cond(before >= 0, polish, lambda _: none, before), at)


__all__ = ["Branch", "PseudoArclength", "continuation"]
