"""The compiled loop that walks along a branch of zeros by pseudo-arclength continuation."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.parameters import Residual
from neuropil.result import Outcome
from neuropil.types import Scalar, State

SHARPEST_TURN = 0.8
"""Cosine of the largest angle between tangents at neighbouring points."""

START, ALONG, BORDER = 0, 1, 2


class PseudoArclength(eqx.Module):
    """Pseudo-arclength continuation (Keller 1977), in one compiled loop with fixed buffers.

    Lengths are relative: the state is measured in units of its root mean square (at least
    `state_scale`), the parameter in units of the range. At a corrected point the vector field is
    at most `tolerance` of that unit of the state, per ms, in every component. Steps grow where
    Newton's method converges fast, and are halved where it does not or where the branch turns by
    more than about 35 degrees in one step, between `smallest_step` and `largest_step`. At most
    `maximum_points` points and `maximum_folds` folds are kept.

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


class Points(eqx.Module):
    """The points of a walk: buffers of which the first `count` rows are filled."""

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    tangent_parameter: Float[Array, " points"]
    tangent_state: Float[Array, "points dimension"]
    eigenvalues: Complex[Array, "points dimension"]
    count: Int[Array, ""]


class Walk(eqx.Module):
    """Points so far, and where the next correction begins.

    `aim` says what it is for: the start, the next point along the tangent, or the last point on a
    border of the range; `goal` is where the first and the last begin.
    """

    points: Points
    step: Scalar
    aim: Int[Array, ""]
    goal: Float[Array, " dimension_plus_one"]
    reached_end: Bool[Array, ""]
    finished: Bool[Array, ""]
    outcome: Int[Array, ""]


class _Correction(NamedTuple):
    """A state with the parameter behind it, corrected towards the branch."""

    point: Float[Array, " dimension_plus_one"]
    jacobian: Float[Array, "dimension dimension_plus_one"]
    tangent: Float[Array, " dimension_plus_one"]
    done: Bool[Array, ""]
    moves: Int[Array, ""]


@eqx.filter_jit
def walk(
    residual: Residual, method: PseudoArclength, start: State, begin: Scalar, until: Scalar
) -> Walk:
    """Walk from the zero near `start` at `begin` until the parameter leaves the range.

    Pure and batchable. States and parameter are one vector here, the parameter last. Every
    evaluation of the vector field with its Jacobian goes through the one place in `_correct`,
    which keeps the compiled program small.
    """
    size = start.size

    def weights_at(point):
        """Of the squares of all components in the square of a length."""
        unit = jnp.maximum(jnp.mean(point[:-1] ** 2), method.state_scale**2)
        return jnp.append(jnp.full(size, 1 / (size * unit)), 1 / (until - begin) ** 2)

    def advance(now: Walk) -> Walk:
        points, along = now.points, now.aim == ALONG
        last = points.count - 1
        point = jnp.append(points.state[last], points.parameter[last])
        previous = jnp.append(points.tangent_state[last], points.tangent_parameter[last])
        fixed_parameter = jnp.zeros(size + 1).at[-1].set(1.0)
        onwards = fixed_parameter * (until - begin)
        previous = jnp.where(now.aim == START, onwards, previous)

        predicted = jnp.where(along, point + now.step * previous, now.goal)
        plane = jnp.where(along, previous * weights_at(predicted), fixed_parameter)
        found = _correct(residual, method, predicted, plane)
        weights = weights_at(found.point)
        cosine = jnp.sum(weights * found.tangent * previous)
        tangent = found.tangent * jnp.where(cosine < 0, -1.0, 1.0)
        tangent = tangent / jnp.sqrt(jnp.sum(weights * tangent**2))
        turn = jnp.sum(weights * tangent * previous)
        # A step that turns more sharply may have jumped to another branch, or over two folds.
        success = found.done & jnp.all(jnp.isfinite(tangent)) & (~along | (turn > SHARPEST_TURN))

        value = found.point[-1]
        beyond_end = (value - until) * (until - begin) >= 0
        beyond_begin = (value - begin) * (until - begin) <= 0
        leaves = along & success & (beyond_end | (beyond_begin & (points.count > 1)))
        border = jnp.where(beyond_end, until, begin)
        share = (border - point[-1]) / jnp.where(leaves, value - point[-1], 1.0)
        on_border = (point + share * (found.point - point)).at[-1].set(border)

        recorded = success & ~leaves
        grown = jnp.where(found.moves <= 3, 1.5 * now.step, now.step)
        grown = jnp.where(along, jnp.minimum(grown, method.largest_step), now.step)
        step = jnp.where(success, grown, 0.5 * now.step)
        lost = ~success & ((now.aim == START) | (step < method.smallest_step))
        failure = jnp.where(now.aim == START, Outcome.DIVERGED.value, Outcome.STEP_TOO_SMALL.value)
        ended = recorded & (now.aim == BORDER)
        return Walk(
            points=_record(points, recorded, found._replace(tangent=tangent)),
            step=step,
            aim=jnp.where(leaves, BORDER, ALONG),
            goal=jnp.where(leaves, on_border, now.goal),
            reached_end=ended & (value == until),
            finished=ended | lost,
            outcome=jnp.where(lost, failure, now.outcome),
        )

    initial = Walk(
        points=_no_points(method.maximum_points, size),
        step=jnp.asarray(method.first_step),
        aim=jnp.asarray(START),
        goal=jnp.append(start, begin),
        reached_end=jnp.asarray(False),
        finished=jnp.asarray(False),
        outcome=jnp.asarray(Outcome.SUCCESSFUL.value),
    )
    end = jax.lax.while_loop(
        lambda now: ~now.finished & (now.points.count < method.maximum_points), advance, initial
    )
    stopped = jnp.where(end.finished, end.outcome, Outcome.MAXIMUM_STEPS_REACHED.value)
    return eqx.tree_at(lambda walk: walk.outcome, end, stopped)


def _correct(
    residual: Residual,
    method: PseudoArclength,
    predicted: Float[Array, " dimension_plus_one"],
    plane: Float[Array, " dimension_plus_one"],
) -> _Correction:
    """Newton's method in the plane through the prediction with normal `plane`."""
    size = predicted.size - 1

    def evaluate(point):
        value = residual(point[:-1], point[-1])
        return value, value

    def proceed(now: _Correction):
        usable = jnp.all(jnp.isfinite(now.point))
        return ~now.done & usable & (now.moves <= method.newton_steps)

    def improve(now: _Correction) -> _Correction:
        jacobian, defect = jax.jacfwd(evaluate, has_aux=True)(now.point)
        root_mean_square = jnp.sqrt(jnp.mean(now.point[:-1] ** 2))
        scale = jnp.maximum(root_mean_square, method.state_scale)
        done = jnp.max(jnp.abs(defect)) <= method.tolerance * scale
        # The tangent solves the same system: one factorisation serves both.
        right = jnp.zeros((size + 1, 2)).at[:-1, 0].set(-defect).at[-1, 1].set(1.0)
        change, tangent = jnp.linalg.solve(jnp.vstack([jacobian, plane]), right).T
        point = jnp.where(done, now.point, now.point + change)
        return _Correction(point, jacobian, tangent, done, now.moves + (~done).astype(int))

    return jax.lax.while_loop(
        proceed,
        improve,
        _Correction(
            point=predicted,
            jacobian=jnp.zeros((size, size + 1)),
            tangent=jnp.zeros(size + 1),
            done=jnp.asarray(False),
            moves=jnp.asarray(0),
        ),
    )


def _record(points: Points, recorded: Bool[Array, ""], found: _Correction) -> Points:
    eigenvalues = jax.lax.cond(
        recorded,
        lambda: jnp.linalg.eigvals(found.jacobian[:, :-1]),
        lambda: jnp.zeros_like(points.eigenvalues[0]),
    )
    # What is not recorded is written past the end, which drops it.
    row = jnp.where(recorded, points.count, points.parameter.size)
    return Points(
        parameter=points.parameter.at[row].set(found.point[-1], mode="drop"),
        state=points.state.at[row].set(found.point[:-1], mode="drop"),
        tangent_parameter=points.tangent_parameter.at[row].set(found.tangent[-1], mode="drop"),
        tangent_state=points.tangent_state.at[row].set(found.tangent[:-1], mode="drop"),
        eigenvalues=points.eigenvalues.at[row].set(eigenvalues, mode="drop"),
        count=points.count + recorded.astype(int),
    )


def _no_points(rows: int, size: int) -> Points:
    values, vectors = jnp.full(rows, jnp.nan), jnp.full((rows, size), jnp.nan)
    eigenvalues = jax.lax.complex(vectors, vectors)
    return Points(values, vectors, values, vectors, eigenvalues, jnp.asarray(0))


__all__ = ["Points", "PseudoArclength", "Walk", "walk"]
