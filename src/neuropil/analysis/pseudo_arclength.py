"""The compiled loop that walks along a branch of zeros by pseudo-arclength continuation."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.eigenvalue_signs import (
    LARGEST_TABLE,
    EigenvalueSigns,
    signs_by_table,
    signs_of,
)
from neuropil.analysis.elimination import solve_with_sign
from neuropil.analysis.on_demand import on_demand
from neuropil.analysis.parameters import Residual
from neuropil.norms import maximum_norm
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
    `maximum_points` points, `maximum_folds` folds, `maximum_hopf_points` Hopf points and
    `maximum_branch_points` branch points are kept; with zero they are not looked for, which saves
    compilation. How many eigenvalues are unstable is always counted; they are kept themselves
    when `eigenvalues` is set, which takes most of the time in systems of few dimensions.

    Raises `ValueError` when another field is not positive or the steps are not in order.
    """

    tolerance: float = 1e-10
    first_step: float = 1e-2
    smallest_step: float = 1e-7
    largest_step: float = 5e-2
    state_scale: float = 1.0
    newton_steps: int = 8
    maximum_points: int = 400
    maximum_folds: int = 8
    maximum_hopf_points: int = 8
    maximum_branch_points: int = 8
    eigenvalues: bool = False

    def __check_init__(self):
        may_be_none = ("maximum_folds", "maximum_hopf_points", "maximum_branch_points")
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name in may_be_none and not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value}")
            if name not in (*may_be_none, "eigenvalues") and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not self.smallest_step <= self.first_step <= self.largest_step:
            raise ValueError(
                "smallest_step <= first_step <= largest_step must hold, got "
                f"{self.smallest_step}, {self.first_step}, {self.largest_step}"
            )


class Points(eqx.Module):
    """The points of a walk: buffers of which the first `count` rows are filled.

    `border_sign` is the sign of the determinant of the Jacobian by state and parameter, bordered
    by the tangent: it changes at branch points.
    """

    parameter: Float[Array, " points"]
    state: Float[Array, "points dimension"]
    tangent_parameter: Float[Array, " points"]
    tangent_state: Float[Array, "points dimension"]
    border_sign: Float[Array, " points"]
    pair_sign: Float[Array, " points"]
    n_unstable: Int[Array, " points"]
    eigenvalues: Complex[Array, "points dimension"] | None
    count: Int[Array, ""]
    reached_end: Bool[Array, ""]
    outcome: Int[Array, ""]


class _Ahead(NamedTuple):
    """The last point of the branch, and how to go on from it.

    `curvature` is the change of the tangent over the last step by its length. `aim` says what the
    next point is for: the start, one along the tangent, or the last one on a border.
    """

    point: Float[Array, " dimension_plus_one"]
    tangent: Float[Array, " dimension_plus_one"]
    curvature: Float[Array, " dimension_plus_one"]
    step: Scalar
    aim: Int[Array, ""]
    n_points: Int[Array, ""]
    reached_end: Bool[Array, ""]
    finished: Bool[Array, ""]
    outcome: Int[Array, ""]


class _Trial(NamedTuple):
    """A prediction that is being corrected by Newton's method in the plane normal to `plane`."""

    ahead: _Ahead
    point: Float[Array, " dimension_plus_one"]
    plane: Float[Array, " dimension_plus_one"]
    moves: Int[Array, ""]
    jacobian: Float[Array, "dimension dimension"]
    tangent: Float[Array, " dimension_plus_one"]
    border_sign: Scalar
    accepted: Bool[Array, ""]


def walk(
    residual: Residual, method: PseudoArclength, start: State, begin: Scalar, until: Scalar
) -> Points:
    """Walk from the zero near `start` at `begin` until the parameter leaves the range.

    Pure and batchable. States and parameter are one vector here, the parameter last. One pass of
    the outer loop gives one point, which keeps what it writes free of selections when batched;
    one pass of the inner loop is one step of Newton's method, whatever it is for.
    """
    size = start.size
    fixed_parameter = jnp.zeros(size + 1).at[-1].set(1.0)
    onwards = fixed_parameter * (until - begin)

    def weights_at(point):
        """Of the squares of all components in the square of a length."""
        unit = jnp.maximum(jnp.mean(point[:-1] ** 2), method.state_scale**2)
        return jnp.append(jnp.full(size, 1 / (size * unit)), 1 / (until - begin) ** 2)

    def aimed(ahead: _Ahead, weights, border_point) -> tuple[Array, Array]:
        """Where the correction begins, and in which plane it stays."""
        along = ahead.point + ahead.step * (ahead.tangent + 0.5 * ahead.step * ahead.curvature)
        is_along = ahead.aim == ALONG
        predicted = jnp.where(is_along, along, border_point)
        return predicted, jnp.where(is_along, ahead.tangent * weights, fixed_parameter)

    def evaluate(point):
        value = residual(point[:-1], point[-1])
        return value, value

    def improve(now: _Trial, weights) -> _Trial:
        ahead, along = now.ahead, now.ahead.aim == ALONG
        jacobian, defect = jax.jacfwd(evaluate, has_aux=True)(now.point)
        scale = jnp.sqrt(jnp.maximum(jnp.mean(now.point[:-1] ** 2), method.state_scale**2))
        done = maximum_norm(defect) <= method.tolerance * scale
        # The tangent solves the same system: one elimination serves both.
        right = jnp.zeros((size + 1, 2)).at[:-1, 0].set(-defect).at[-1, 1].set(1.0)
        bordered = jnp.concatenate([jacobian, now.plane[None]])
        solution, sign = solve_with_sign(bordered, right)
        change, tangent = solution.T

        flip = jnp.where(jnp.sum(weights * tangent * ahead.tangent) < 0, -1.0, 1.0)
        tangent = tangent * flip / jnp.sqrt(jnp.sum(weights * tangent**2))
        turn = jnp.sum(weights * tangent * ahead.tangent)
        # A step that turns more sharply may have jumped to another branch, or over two folds.
        usable = jnp.all(jnp.isfinite(tangent)) & (~along | (turn > SHARPEST_TURN))
        success = done & usable
        moves = now.moves + 1
        hopeless = moves > method.newton_steps
        rejected = ~success & (done | hopeless | ~jnp.all(jnp.isfinite(now.point + change)))

        value, last = now.point[-1], ahead.point
        beyond_end = (value - until) * (until - begin) >= 0
        beyond_begin = (value - begin) * (until - begin) <= 0
        leaves = along & success & (beyond_end | (beyond_begin & (ahead.n_points > 1)))
        border = jnp.where(beyond_end, until, begin)
        share = (border - last[-1]) / jnp.where(leaves, value - last[-1], 1.0)
        on_border = (last + share * (now.point - last)).at[-1].set(border)

        step = jnp.where(rejected, 0.5 * ahead.step, ahead.step)
        starting = ahead.aim == START
        lost = rejected & (starting | (step < method.smallest_step))
        failure = jnp.where(starting, Outcome.DIVERGED.value, Outcome.STEP_TOO_SMALL.value)
        ahead = ahead._replace(
            step=step,
            aim=jnp.where(leaves, BORDER, jnp.where(rejected, ALONG, ahead.aim)),
            finished=lost,
            outcome=jnp.where(lost, failure, ahead.outcome),
        )
        predicted, plane = aimed(ahead, weights, on_border)
        again = leaves | rejected
        return _Trial(
            ahead=ahead,
            point=jnp.where(again, predicted, jnp.where(success, now.point, now.point + change)),
            plane=jnp.where(again, plane, now.plane),
            moves=jnp.where(again, 0, moves),
            jacobian=jacobian[:, :-1],
            tangent=tangent,
            border_sign=sign * flip,
            accepted=success & ~leaves,
        )

    def advance(ahead: _Ahead, _):
        weights = weights_at(ahead.point)
        point, plane = aimed(ahead, weights, ahead.point)
        trial = _Trial(
            ahead=ahead,
            point=point,
            plane=plane,
            moves=jnp.asarray(0),
            jacobian=jnp.zeros((size, size)),
            tangent=ahead.tangent,
            border_sign=jnp.zeros(()),
            accepted=jnp.asarray(False),
        )
        end = jax.lax.while_loop(
            lambda now: ~now.accepted & ~now.ahead.finished,
            lambda now: improve(now, weights),
            trial,
        )
        new, moved = end.ahead, end.point - ahead.point
        length = jnp.sqrt(jnp.sum(weights * moved**2))
        first = ahead.aim == START
        bent = (end.tangent - ahead.tangent) / jnp.where(first, 1.0, length)
        grown = jnp.where((end.moves <= 3) & ~first, 1.5 * new.step, new.step)
        on_border = new.aim == BORDER
        following = new._replace(
            point=end.point,
            tangent=end.tangent,
            curvature=jnp.where(first, 0.0, bent),
            step=jnp.minimum(grown, method.largest_step),
            aim=jnp.asarray(ALONG),
            n_points=new.n_points + 1,
            reached_end=on_border & (end.point[-1] == until),
            finished=on_border,
        )
        kept = end.accepted
        following = jax.tree.map(lambda yes, no: jnp.where(kept, yes, no), following, new)
        signs, eigenvalues = _signs(method, end.jacobian, kept)
        empty = jnp.where(kept, 0.0, jnp.nan)
        row = (end.point + empty, end.tangent + empty, end.border_sign, signs, eigenvalues)
        return following, row

    initial = _Ahead(
        point=jnp.append(start, begin),
        tangent=onwards,
        curvature=jnp.zeros(size + 1),
        step=jnp.asarray(method.first_step),
        aim=jnp.asarray(START),
        n_points=jnp.asarray(0),
        reached_end=jnp.asarray(False),
        finished=jnp.asarray(False),
        outcome=jnp.asarray(Outcome.SUCCESSFUL.value),
    )
    end, rows = jax.lax.scan(advance, initial, length=method.maximum_points)
    points, tangents, border_sign, signs, eigenvalues = rows
    return Points(
        parameter=points[:, -1],
        state=points[:, :-1],
        tangent_parameter=tangents[:, -1],
        tangent_state=tangents[:, :-1],
        border_sign=border_sign,
        pair_sign=signs.pair_sign,
        n_unstable=signs.n_unstable,
        eigenvalues=eigenvalues,
        count=end.n_points,
        reached_end=end.reached_end,
        outcome=jnp.where(end.finished, end.outcome, Outcome.MAXIMUM_STEPS_REACHED.value),
    )


def _signs(
    method: PseudoArclength, jacobian: Float[Array, "dimension dimension"], wanted: Bool[Array, ""]
) -> tuple[EigenvalueSigns, Complex[Array, " dimension"] | None]:
    """On which side the eigenvalues lie, and themselves if they are to be kept."""
    by_table = len(jacobian) <= LARGEST_TABLE
    nothing = jnp.full(len(jacobian), complex(jnp.nan, jnp.nan))

    def find():
        computed = method.eigenvalues or not by_table
        eigenvalues = jnp.linalg.eigvals(jacobian) if computed else nothing
        return signs_by_table(jacobian) if by_table else signs_of(eigenvalues), eigenvalues

    none = EigenvalueSigns(jnp.asarray(0), jnp.zeros(()))
    signs, eigenvalues = on_demand(wanted, find, (none, nothing))
    return signs, eigenvalues if method.eigenvalues else None


__all__ = ["Points", "PseudoArclength", "walk"]
