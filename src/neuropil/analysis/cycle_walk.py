"""The compiled loop that walks along a branch of limit cycles."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.collocation import Linearised, Mesh, Orbit, linearise
from neuropil.analysis.hopf_points import HopfPoint
from neuropil.analysis.parameters import Residual
from neuropil.analysis.pseudo_arclength import ALONG, BORDER, SHARPEST_TURN
from neuropil.analysis.quick_compilation import quickly_compiled
from neuropil.norms import maximum_norm
from neuropil.result import Outcome
from neuropil.types import Scalar

VANISHED = 0.5
"""Cycles smaller than this share of the first one have shrunk to a point."""


class Collocation(eqx.Module):
    """Orthogonal collocation on a fixed mesh with pseudo-arclength, in one compiled loop.

    Each of `intervals` equal parts of the period carries a polynomial of degree `degree`. Lengths
    are relative: the state is measured in units of its root mean square (at least `state_scale`),
    the period by itself and the parameter by the range. The equations u' = T f are fulfilled to
    `tolerance` of the unit of the state. Steps grow where Newton's method converges fast and are
    halved where it does not, between `smallest_step` and `largest_step`; `first_step` is the size
    of the first cycle. At most `maximum_points` cycles are kept.

    Raises `ValueError` when a field is not positive or the steps are not in order.
    """

    intervals: int = 40
    degree: int = 4
    tolerance: float = 1e-9
    first_step: float = 1e-2
    smallest_step: float = 1e-6
    largest_step: float = 1e-1
    state_scale: float = 1.0
    newton_steps: int = 8
    maximum_points: int = 100

    def __check_init__(self):
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.smallest_step <= self.first_step <= self.largest_step:
            raise ValueError(
                "smallest_step <= first_step <= largest_step must hold, got "
                f"{self.smallest_step}, {self.first_step}, {self.largest_step}"
            )


class Cycles(eqx.Module):
    """The cycles of a walk: buffers of which the first `count` rows are filled."""

    parameter: Float[Array, " points"]
    period: Float[Array, " points"]
    state: Float[Array, "points phases dimension"]
    multipliers: Complex[Array, "points dimension"]
    n_unstable: Int[Array, " points"]
    count: Int[Array, ""]
    reached_border: Bool[Array, ""]
    vanishes: Bool[Array, ""]
    outcome: Int[Array, ""]


class _Ahead(NamedTuple):
    """The last cycle, and how to go on from it."""

    orbit: Orbit
    tangent: Orbit
    step: Scalar
    aim: Int[Array, ""]
    n_points: Int[Array, ""]
    first_size: Scalar
    vanishes: Bool[Array, ""]
    reached_border: Bool[Array, ""]
    finished: Bool[Array, ""]
    outcome: Int[Array, ""]


class _Trial(NamedTuple):
    """A prediction under correction."""

    ahead: _Ahead
    orbit: Orbit
    tangent: Orbit
    transfer: Float[Array, "intervals dimension dimension"]
    moves: Int[Array, ""]
    accepted: Bool[Array, ""]


@quickly_compiled
def walk_cycles(
    residual: Residual, method: Collocation, start: HopfPoint, low: Scalar, high: Scalar
) -> Cycles:
    """Walk from a Hopf point until the parameter leaves the range or the cycles vanish."""
    mesh = Mesh(method.intervals, method.degree)
    span = high - low

    def unit_of(orbit: Orbit) -> Scalar:
        return jnp.sqrt(jnp.maximum(jnp.mean(orbit.values**2), method.state_scale**2))

    def product(one: Orbit, other: Orbit, at: Orbit) -> Scalar:
        """Of two changes of the orbit `at`, in relative lengths."""
        curves = mesh.inner(mesh.at_gauss_points(one.values), mesh.at_gauss_points(other.values))
        return (
            curves / (start.state.size * unit_of(at) ** 2)
            + one.period * other.period / at.period**2
            + one.parameter * other.parameter / span**2
        )

    def along(ahead: _Ahead) -> Orbit:
        return jax.tree.map(lambda x, t: x + ahead.step * t, ahead.orbit, ahead.tangent)

    def improve(now: _Trial) -> _Trial:
        ahead, is_along = now.ahead, now.ahead.aim == ALONG
        # The cycle that is born has no phase but that of the tangent.
        born = ahead.n_points == 0
        reference = jnp.where(born, ahead.tangent.values, ahead.orbit.values)
        phase = mesh.at_gauss_points(reference, derivative=True)
        weight = 1.0 / (start.state.size * unit_of(now.orbit) ** 2)
        plane = Orbit(
            jnp.where(is_along, weight, 0.0) * mesh.at_gauss_points(ahead.tangent.values),
            jnp.where(is_along, ahead.tangent.period / now.orbit.period**2, 0.0),
            jnp.where(is_along, ahead.tangent.parameter / span**2, 1.0),
        )
        found: Linearised = linearise(residual, mesh, now.orbit, phase, plane)
        done = maximum_norm(found.defect) <= method.tolerance * unit_of(now.orbit)
        length = jnp.sqrt(product(found.tangent, found.tangent, now.orbit))
        turn = product(found.tangent, ahead.tangent, now.orbit) / length
        flip = jnp.where(turn < 0, -1.0, 1.0) / length
        tangent = jax.tree.map(lambda t: t * flip, found.tangent)
        usable = jnp.isfinite(turn) & (now.orbit.period > 0)
        # The first tangent is that of a point, along which the parameter does not move.
        success = done & usable & (~is_along | born | (jnp.abs(turn) > SHARPEST_TURN))
        moved = jax.tree.map(jnp.add, now.orbit, found.change)
        moves = now.moves + 1
        finite = jnp.all(jnp.isfinite(moved.values)) & jnp.isfinite(moved.period)
        rejected = ~success & (done | (moves > method.newton_steps) | ~finite)

        value, last = now.orbit.parameter, ahead.orbit
        leaves = is_along & success & ((value < low) | (value > high))
        border = jnp.where(value > high, high, low)
        share = (border - last.parameter) / jnp.where(leaves, value - last.parameter, 1.0)
        on_border = jax.tree.map(lambda x, y: x + share * (y - x), last, now.orbit)
        on_border = on_border._replace(parameter=border)

        step = jnp.where(rejected, 0.5 * ahead.step, ahead.step)
        lost = rejected & (step < method.smallest_step)
        failure = jnp.where(born, Outcome.DIVERGED.value, Outcome.STEP_TOO_SMALL.value)
        ahead = ahead._replace(
            step=step,
            aim=jnp.where(leaves, BORDER, jnp.where(rejected, ALONG, ahead.aim)),
            finished=lost,
            outcome=jnp.where(lost, failure, ahead.outcome),
        )

        def chosen(corrected, converged, border_point, predicted):
            kept = jnp.where(success, converged, corrected)
            return jnp.where(leaves, border_point, jnp.where(rejected, predicted, kept))

        return _Trial(
            ahead=ahead,
            orbit=jax.tree.map(chosen, moved, now.orbit, on_border, along(ahead)),
            tangent=tangent,
            transfer=found.transfer,
            moves=jnp.where(leaves | rejected, 0, moves),
            accepted=success & ~leaves,
        )

    def advance(ahead: _Ahead, _):
        trial = _Trial(
            ahead=ahead,
            orbit=along(ahead),
            tangent=ahead.tangent,
            transfer=jnp.zeros((method.intervals, start.state.size, start.state.size)),
            moves=jnp.asarray(0),
            accepted=jnp.asarray(False),
        )
        end = jax.lax.while_loop(lambda now: ~now.accepted & ~now.ahead.finished, improve, trial)
        new = end.ahead
        swing, last_swing = _swing(end.orbit), _swing(ahead.orbit)
        size = jnp.sqrt(jnp.mean(swing**2))
        # Beyond a point the same cycles come again, half a period later; and the stationary state
        # itself fulfils all equations.
        vanishes = (new.n_points > 0) & (
            (jnp.sum(swing * last_swing) < 0) | (size < VANISHED * new.first_size)
        )
        kept = end.accepted & ~vanishes
        on_border = new.aim == BORDER
        grown = jnp.where(end.moves <= 4, 1.5 * new.step, new.step)
        following = new._replace(
            orbit=end.orbit,
            tangent=end.tangent,
            step=jnp.minimum(grown, method.largest_step),
            aim=jnp.asarray(ALONG),
            n_points=new.n_points + kept.astype(new.n_points.dtype),
            first_size=jnp.where(new.n_points == 0, size, new.first_size),
            vanishes=vanishes,
            reached_border=on_border & ~vanishes,
            finished=on_border | vanishes,
        )
        following = jax.tree.map(lambda yes, no: jnp.where(end.accepted, yes, no), following, new)
        multipliers = jax.lax.cond(kept, _multipliers, _no_multipliers, end.transfer)
        others = jnp.abs(multipliers).at[jnp.argmin(jnp.abs(multipliers - 1.0))].set(0.0)
        empty = jnp.where(kept, 0.0, jnp.nan)
        row = jax.tree.map(lambda leaf: leaf + empty, end.orbit)
        return following, (row, multipliers, jnp.sum(others > 1.0))

    end, (orbits, multipliers, n_unstable) = jax.lax.scan(
        advance, _born(residual, method, mesh, start), length=method.maximum_points
    )
    return Cycles(
        parameter=orbits.parameter,
        period=orbits.period,
        state=orbits.values.reshape(method.maximum_points, -1, start.state.size),
        multipliers=multipliers,
        n_unstable=n_unstable,
        count=end.n_points,
        reached_border=end.reached_border,
        vanishes=end.vanishes,
        outcome=jnp.where(end.finished, end.outcome, Outcome.MAXIMUM_STEPS_REACHED.value),
    )


def _born(residual: Residual, method: Collocation, mesh: Mesh, start: HopfPoint) -> _Ahead:
    """The Hopf point as a cycle without size, and the direction in which cycles leave it."""
    eigenvalues, vectors = jnp.linalg.eig(jax.jacfwd(residual)(start.state, start.parameter))
    wanted = jax.lax.complex(jnp.zeros(()), start.angular_frequency)
    vector = vectors[:, jnp.argmin(jnp.abs(eigenvalues - wanted))]
    n_phases = mesh.intervals * mesh.degree
    angle = jnp.linspace(0.0, 2 * jnp.pi, n_phases, endpoint=False)
    shape = (mesh.intervals, mesh.degree, start.state.size)
    curve = (
        jnp.cos(angle)[:, None] * vector.real[None] - jnp.sin(angle)[:, None] * vector.imag[None]
    ).reshape(shape)
    unit = jnp.sqrt(jnp.maximum(jnp.mean(start.state**2), method.state_scale**2))
    curve = curve * unit / jnp.sqrt(jnp.mean(curve**2))
    nothing = jnp.zeros(())
    return _Ahead(
        orbit=Orbit(
            jnp.broadcast_to(start.state[None, None], shape),
            2 * jnp.pi / start.angular_frequency,
            start.parameter,
        ),
        tangent=Orbit(curve, nothing, nothing),
        step=jnp.asarray(method.first_step),
        aim=jnp.asarray(ALONG),
        n_points=jnp.asarray(0),
        first_size=nothing,
        vanishes=jnp.asarray(False),
        reached_border=jnp.asarray(False),
        finished=jnp.asarray(False),
        outcome=jnp.asarray(Outcome.SUCCESSFUL.value),
    )


def _swing(orbit: Orbit) -> Float[Array, "intervals degree dimension"]:
    return orbit.values - jnp.mean(orbit.values, axis=(0, 1), keepdims=True)


def _multipliers(
    transfer: Float[Array, "intervals dimension dimension"],
) -> Complex[Array, " dimension"]:
    """Eigenvalues of the product of all transfers."""
    n = transfer.shape[-1]
    around, _ = jax.lax.scan(lambda now, one: (one @ now, None), jnp.eye(n), transfer)
    return jnp.linalg.eigvals(around)


def _no_multipliers(
    transfer: Float[Array, "intervals dimension dimension"],
) -> Complex[Array, " dimension"]:
    return jnp.full(transfer.shape[-1], complex(jnp.nan, jnp.nan))


__all__ = ["Collocation", "Cycles", "walk_cycles"]
