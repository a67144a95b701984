"""From a system and a start to its states over time."""

from collections.abc import Sequence
from math import ceil, log2

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from neuropil.result import Outcome
from neuropil.simulate.methods import AbstractMethod
from neuropil.simulate.time_grid import TimeGrid, time_grid
from neuropil.simulate.trajectory import Trajectory
from neuropil.system import AbstractSystem
from neuropil.types import RandomKey, Scalar, State

FINITE_RANGE = 1e100
DEFAULT_MAXIMUM_STEPS = 100_000


def integrate(
    system: AbstractSystem,
    method: AbstractMethod,
    start: Sequence[float] | Float[Array | np.ndarray, " dimension"],
    *,
    times: Sequence[float] | Float[Array | np.ndarray, " times"] | None = None,
    duration: float | Float[Array, ""] | None = None,
    save_at: Sequence[float] | Float[Array | np.ndarray, " times"] | None = None,
    jumps: Sequence[float] = (),
    components: Sequence[str] | None = None,
    key: RandomKey | None = None,
    maximum_steps: int | None = None,
    throw: bool = True,
) -> Trajectory:
    """Follow a system from a start: the states at given times.

    Either `times`: the integration begins at the first, ends at the last and is saved at all of
    them; or `duration`: it begins at 0, and is saved at `save_at`, by default at about 1,000
    evenly spaced times. All are in ms. `start` is in state units. `jumps` are times at which an
    input of the system is discontinuous: adaptive steps end there, so that none is lost.
    `components` names those to save, where all would not fit into memory. `key` is for methods
    with noise. `maximum_steps` is 100,000 for adaptive steps and what fixed steps need; it bounds
    the memory of derivatives.

    Everything is compiled once for each type of system and method, size and number of times;
    another call with other parameters (arrays of the system), start, times or tolerances
    compiles nothing. Under `jax.vmap`, `jax.jit` and `jax.grad` (reverse mode) `throw` must be
    false.

    A flow that leaves the finite range (1e100 in absolute value), or whose derivative ceases to
    exist, ends there: `Trajectory.failure` says when and in which variable, and `NotSolved` is
    raised with it unless `throw` is false. Raises `ValueError`, naming the argument, for times
    that are too few, not finite or not ascending, for a start of the wrong size, and for a
    method that does not fit the system.
    """
    names = system.state_names
    state = _start(start, len(names))
    grid = time_grid(times, duration, save_at, jumps, method.fixed_step)
    saved = _numbers_of(components, names)
    method.require(system, state, key)
    if throw and _is_traced((system, method, state, grid)):
        raise ValueError(
            "throw must be False inside jax.vmap, jax.jit and jax.grad, where failure cannot raise"
        )
    limit = _step_limit(maximum_steps, method.fixed_step, grid)
    states, end = _solve(system, method, state, grid, saved, key, limit)
    trajectory = Trajectory(
        times=grid.saved,
        states=states,
        outcome=end.outcome,
        end_time=end.time,
        failing_component=end.component,
        n_steps=end.n_steps,
        names=names if components is None else tuple(components),
        system_names=names,
        unit=system.state_unit,
    )
    if throw:
        trajectory.raise_unless_successful()
    return trajectory


class _End(eqx.Module):
    outcome: Int[Array, ""]
    time: Scalar
    component: Int[Array, ""]
    n_steps: Int[Array, ""]


@eqx.filter_jit
def _solve(
    system: AbstractSystem,
    method: AbstractMethod,
    start: State,
    grid: TimeGrid,
    saved: Int[Array, " components"] | None,
    key: RandomKey | None,
    maximum_steps: int,
) -> tuple[Float[Array, "times components"], _End]:
    def chosen(state):
        return state if saved is None else state[saved]

    scheme = method.scheme(system, start, grid.begin, grid.end, key)
    control = scheme.step_control
    if grid.jumps.size or scheme.ends_at_saved:
        control = diffrax.ClipStepSizeController(
            control,
            step_ts=grid.saved if scheme.ends_at_saved else None,
            jump_ts=grid.jumps if grid.jumps.size else None,
        )
    solution = diffrax.diffeqsolve(
        scheme.terms,
        scheme.solver,
        grid.begin,
        grid.end,
        scheme.first_step,
        start,
        saveat=diffrax.SaveAt(
            subs=[
                diffrax.SubSaveAt(ts=grid.saved, fn=lambda t, y, _: chosen(y)),
                diffrax.SubSaveAt(t1=True),
            ]
        ),
        stepsize_controller=control,
        event=diffrax.Event(lambda t, y, args, **_: ~jnp.all(jnp.abs(y) < FINITE_RANGE)),
        max_steps=maximum_steps,
        throw=False,
    )
    assert solution.ts is not None
    assert solution.ys is not None
    end_time, end_state = solution.ts[1][0], solution.ys[1][0]
    outcome, component = _judge(system, solution.result, grid, end_time, end_state)
    n_steps = jnp.asarray(solution.stats["num_steps"], int)
    is_reached = (grid.saved <= end_time) | (outcome == Outcome.SUCCESSFUL)
    states = jnp.where(is_reached[:, None], solution.ys[0], jnp.nan)
    return states, _End(outcome, end_time, component, n_steps)


def _judge(
    system: AbstractSystem,
    result: diffrax.RESULTS,
    grid: TimeGrid,
    time: Scalar,
    state: State,
) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """How an integration ended and, where it failed, which component is at fault."""
    slope = system.vector_field(time, state)
    # Where the vector field ceases to exist, it does so just ahead of the last step.
    ahead = 1e-12 * jnp.maximum(jnp.abs(grid.begin), jnp.abs(grid.end))
    beyond = system.vector_field(time + ahead, state + ahead * slope)
    is_singular = ~jnp.isfinite(slope) | ~jnp.isfinite(beyond)
    has_left = ~(jnp.abs(state) < FINITE_RANGE)
    # A component that would grow by more than itself within a millionth of the whole time.
    span = 1e-6 * (grid.end - grid.begin)
    is_exploding = jnp.abs(slope) * span > 1.0 + jnp.abs(state)

    succeeded = result == diffrax.RESULTS.successful
    ran_out = result == diffrax.RESULTS.max_steps_reached
    not_finite = jnp.any(has_left | is_singular | is_exploding)
    outcome = jnp.select(
        [succeeded, jnp.any(has_left) | (not_finite & ~ran_out), ran_out],
        [Outcome.SUCCESSFUL.value, Outcome.NOT_FINITE.value, Outcome.MAXIMUM_STEPS_REACHED.value],
        Outcome.STEP_TOO_SMALL.value,
    )
    severity = jnp.select([jnp.abs(state) >= FINITE_RANGE, has_left, is_singular], [3, 2, 1], 0)
    speed = jnp.where(jnp.isfinite(slope), jnp.abs(slope), jnp.inf)
    is_suspect = severity == jnp.max(severity)
    component = jnp.where(succeeded, -1, jnp.argmax(jnp.where(is_suspect, speed, -1.0)))
    return outcome, component


def _start(given: Sequence[float] | Float[Array | np.ndarray, "..."], dimension: int) -> State:
    start = jnp.asarray(given, float)
    if start.shape != (dimension,):
        raise ValueError(
            f"start must hold one value for each of {dimension} components of the state, "
            f"got shape {start.shape}"
        )
    if not _is_traced(start) and not np.all(np.isfinite(start)):
        wrong = int(np.flatnonzero(~np.isfinite(start))[0])
        raise ValueError(f"start must be finite, got {start[wrong]} for component {wrong}")
    return start


def _numbers_of(
    components: Sequence[str] | None, names: tuple[str, ...]
) -> Int[Array, " components"] | None:
    if components is None:
        return None
    number_of = {name: number for number, name in enumerate(names)}
    unknown = [name for name in components if name not in number_of]
    if unknown or not components:
        raise ValueError(
            f"components must be one or more of {', '.join(names[:20])}"
            f"{', ...' if len(names) > 20 else ''}; got {unknown[0] if unknown else 'none'!r}"
        )
    return jnp.asarray([number_of[name] for name in components])


def _step_limit(given: int | None, fixed_step: Scalar | None, grid: TimeGrid) -> int:
    if given is not None:
        if given < 1:
            raise ValueError(f"maximum_steps must be at least 1, got {given}")
        return given
    if fixed_step is None or _is_traced((fixed_step, grid.begin, grid.end)):
        return DEFAULT_MAXIMUM_STEPS
    # A power of two, so that durations of the same order share what was compiled.
    return 2 ** (1 + ceil(log2(1.0 + float((grid.end - grid.begin) / fixed_step))))


def _is_traced(tree: PyTree) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


__all__ = ["integrate"]
