"""Branches of stationary states followed in a parameter, through folds."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.folds import polish_fold
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.result import Outcome, raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class PseudoArclength(eqx.Module):
    """Pseudo-arclength continuation (Keller 1977), in one compiled loop with fixed buffers.

    Lengths are relative: the state is measured in units of its root mean square (at least
    `state_scale`), the parameter in units of the range. A corrected point has a vector field of
    at most `tolerance` (per unit of `state_scale` and ms) in every component. Steps grow where
    Newton's method converges fast and are halved where it does not, between `smallest_step` and
    `largest_step`. At most `maximum_points` points and `maximum_folds` folds are kept.

    Raises `ValueError` when a field is not positive or the steps are not in order.
    """

    tolerance: float = 1e-10
    first_step: float = 1e-2
    smallest_step: float = 1e-7
    largest_step: float = 5e-2
    state_scale: float = 1.0
    newton_steps: int = 8
    maximum_points: int = 400
    maximum_folds: int = 8

    def __check_init__(self):
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.smallest_step <= self.first_step <= self.largest_step:
            raise ValueError(
                "smallest_step <= first_step <= largest_step must hold, got "
                f"{self.smallest_step}, {self.first_step}, {self.largest_step}"
            )


class Branch(eqx.Module):
    """A branch of stationary states, in the order in which it was followed.

    Buffers have a fixed length; the first `n_points` points and `n_folds` folds are filled, the
    rest is not a number. `stable` is true where all eigenvalues of the vector field's Jacobian
    have negative real parts. `reached_end` says whether the branch arrived at `until`; it may
    end at the parameter where it began instead, after a fold. Folds are polished: at
    `fold_parameter` the Jacobian is singular to rounding.
    """

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    eigenvalues: Complex[Array, "points dimension"]
    stable: Bool[Array, " points"]
    n_points: Int[Array, ""]
    fold_parameter: Float[Array, " folds"]
    fold_state: Float[Array, "folds dimension"]
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
    if isinstance(problem, AbstractSystem):
        residual = vector_field_of(problem, parameter)
        begin = residual.value if begin is None else begin
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
    points, folds = _follow(residual, method, jnp.asarray(start, float), *span)
    branch = Branch(
        parameter=points.parameter,
        state=points.state,
        eigenvalues=points.eigenvalues,
        stable=jnp.max(points.eigenvalues.real, axis=-1) < 0,
        n_points=points.count,
        fold_parameter=folds[1],
        fold_state=folds[0],
        n_folds=jnp.sum(jnp.isfinite(folds[1])),
        reached_end=points.reached_end,
        outcome=points.outcome,
        parameter_name=parameter,
        state_names=names,
        state_unit=unit,
    )
    if throw:
        raise_unless_successful(branch.outcome, what=f"continuation in {parameter}", throw=True)
    return branch


class _Points(eqx.Module):
    """What the loop carries: buffers, the current point and how the branch goes on."""

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    slope: Float[Array, " points"]
    direction: Float[Array, "points dimension"]
    eigenvalues: Complex[Array, "points dimension"]
    count: Int[Array, ""]
    tangent: tuple[State, Scalar]
    step: Scalar
    reached_end: Bool[Array, ""]
    finished: Bool[Array, ""]
    outcome: Int[Array, ""]


@eqx.filter_jit
def _follow(residual: Residual, method: PseudoArclength, start: State, begin, until):
    size = start.size
    span = jnp.abs(until - begin)

    def jacobian(state, value):
        return jax.jacfwd(residual)(state, value)

    def metric(state) -> Scalar:
        """Square of the unit in which the state is measured."""
        return jnp.maximum(jnp.mean(state**2), method.state_scale**2)

    def bordered(state, value, tangent):
        """Jacobian of (vector field, arclength) in (state, parameter), with its row of tangent."""
        along = jax.jvp(lambda v: residual(state, v), (value,), (jnp.ones_like(value),))[1]
        weights = tangent[0] / (size * metric(state))
        bottom = jnp.concatenate([weights, tangent[1][None] / span**2])
        top = jnp.concatenate([jacobian(state, value), along[:, None]], axis=1)
        return jnp.concatenate([top, bottom[None]])

    def length(state, tangent):
        return jnp.sqrt(
            jnp.sum(tangent[0] ** 2) / (size * metric(state)) + (tangent[1] / span) ** 2
        )

    def tangent_at(state, value, previous):
        right = jnp.zeros(size + 1, start.dtype).at[-1].set(1.0)
        solution = jnp.linalg.solve(bordered(state, value, previous), right)
        raw = (solution[:-1], solution[-1])
        scale = length(state, raw)
        return raw[0] / scale, raw[1] / scale

    def small(values) -> Bool[Array, ""]:
        return jnp.max(jnp.abs(values)) <= method.tolerance * method.state_scale

    def correct(state, value, tangent):
        """Newton's method in the hyperplane through the prediction, orthogonal to the tangent."""

        def proceed(carry):
            _, _, defect, steps = carry
            return ~small(defect) & jnp.all(jnp.isfinite(defect)) & (steps < method.newton_steps)

        def improve(carry):
            state, value, defect, steps = carry
            right = jnp.append(-defect, jnp.zeros((), defect.dtype))
            change = jnp.linalg.solve(bordered(state, value, tangent), right)
            state, value = state + change[:-1], value + change[-1]
            return state, value, residual(state, value), steps + 1

        begin = (state, value, residual(state, value), jnp.asarray(0))
        state, value, defect, steps = jax.lax.while_loop(proceed, improve, begin)
        return state, value, small(defect), steps

    def correct_at(state, value):
        """Newton's method at a fixed parameter."""
        still = (jnp.zeros_like(state), jnp.ones_like(value))
        state, _, success, _ = correct(state, value, still)
        return state, success

    def record(points: _Points, state, value, tangent) -> _Points:
        eigenvalues = jnp.linalg.eigvals(jacobian(state, value))
        at = points.count
        buffers = (points.parameter, points.state, points.slope, points.direction)
        filled = (value, state, tangent[1], tangent[0])
        parameter, states, slopes, directions = (
            buffer.at[at].set(new) for buffer, new in zip(buffers, filled, strict=True)
        )
        return eqx.tree_at(
            lambda p: (p.parameter, p.state, p.slope, p.direction, p.eigenvalues, p.count),
            points,
            (
                parameter,
                states,
                slopes,
                directions,
                points.eigenvalues.at[at].set(eigenvalues),
                at + 1,
            ),
        )

    def proceed(points: _Points):
        return ~points.finished & (points.count < method.maximum_points)

    def advance(points: _Points) -> _Points:
        at = points.count - 1
        state, value = points.state[at], points.parameter[at]
        predicted = (
            state + points.step * points.tangent[0],
            value + points.step * points.tangent[1],
        )
        new_state, new_value, success, steps = correct(*predicted, points.tangent)
        new_tangent = tangent_at(new_state, new_value, points.tangent)
        # A step that turns by more than about 60 degrees may have jumped to another branch.
        turn = jnp.sum(new_tangent[0] * points.tangent[0]) / (size * metric(new_state))
        turn = turn + new_tangent[1] * points.tangent[1] / span**2
        success = success & (turn > 0.5) & jnp.all(jnp.isfinite(new_tangent[0]))

        beyond_end = (new_value - until) * (until - begin) >= 0
        beyond_begin = (new_value - begin) * (until - begin) <= 0
        leaves = success & (beyond_end | (beyond_begin & (points.count > 1)))
        border = jnp.where(beyond_end, until, begin)
        share = (border - value) / jnp.where(new_value == value, 1.0, new_value - value)
        last_state, on_border = correct_at(state + share * (new_state - state), border)
        success = jnp.where(leaves, on_border, success)
        next_state = jnp.where(leaves, last_state, new_state)
        next_value = jnp.where(leaves, border, new_value)

        grown = jnp.where(steps <= 3, 1.5 * points.step, points.step)
        step = jnp.where(success, jnp.minimum(grown, method.largest_step), 0.5 * points.step)
        given_up = ~success & (step < method.smallest_step)
        recorded = record(points, next_state, next_value, new_tangent)
        kept = jax.tree.map(lambda new, old: jnp.where(success, new, old), recorded, points)
        next_step_tangent = jax.tree.map(
            lambda new, old: jnp.where(success, new, old), new_tangent, points.tangent
        )
        return eqx.tree_at(
            lambda p: (p.tangent, p.step, p.reached_end, p.finished, p.outcome),
            kept,
            (
                next_step_tangent,
                step,
                leaves & beyond_end & success,
                (leaves & success) | given_up,
                jnp.where(given_up, Outcome.STEP_TOO_SMALL.value, points.outcome),
            ),
        )

    first_state, began = correct_at(start, begin)
    forward = (jnp.zeros_like(start), until - begin)
    tangent = tangent_at(first_state, begin, forward)
    empty = jnp.full(method.maximum_points, jnp.nan, start.dtype)
    block = jnp.full((method.maximum_points, size), jnp.nan, start.dtype)
    points = _Points(
        parameter=empty,
        state=block,
        slope=empty,
        direction=block,
        eigenvalues=jax.lax.complex(block, block),
        count=jnp.asarray(0),
        tangent=tangent,
        step=jnp.asarray(method.first_step, start.dtype),
        reached_end=jnp.asarray(False),
        finished=~began,
        outcome=jnp.where(began, Outcome.SUCCESSFUL.value, Outcome.DIVERGED.value),
    )
    points = record(points, first_state, begin, tangent)
    points = jax.lax.while_loop(proceed, advance, points)
    unfinished = ~points.finished & (points.outcome == Outcome.SUCCESSFUL.value)
    outcome = jnp.where(unfinished, Outcome.MAXIMUM_STEPS_REACHED.value, points.outcome)
    points = eqx.tree_at(lambda p: p.outcome, points, outcome)
    return points, _folds(residual, method, points)


def _folds(residual: Residual, method: PseudoArclength, points: _Points):
    """Polished states and parameters of the folds, where the parameter turns back."""
    slope = points.slope
    turns = slope[:-1] * slope[1:] < 0
    (at,) = jnp.nonzero(turns, size=method.maximum_folds, fill_value=-1)
    found = at >= 0
    before, after = jnp.maximum(at, 0), jnp.maximum(at, 0) + 1
    share = slope[before] / jnp.where(found, slope[before] - slope[after], 1.0)

    def between(values):
        share_of = share.reshape((-1,) + (1,) * (values.ndim - 1))
        return values[before] + share_of * (values[after] - values[before])

    polished = jax.vmap(lambda s, p, v: polish_fold(residual, s, p, v))(
        between(points.state), between(points.parameter), between(points.direction)
    )
    state, parameter = polished
    return (
        jnp.where(found[:, None], state, jnp.nan),
        jnp.where(found, parameter, jnp.nan),
    )


__all__ = ["Branch", "PseudoArclength", "continuation"]
