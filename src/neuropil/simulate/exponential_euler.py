"""Exponential Euler steps of conductance-based circuits in JAX: on any device, differentiable."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from neuropil.conductance_system import (
    AbstractConductanceSystem,
    gates_now,
    membrane_flow,
    synapses_now,
)
from neuropil.simulate.conductance_endings import FINISHED, NOT_FINITE, TOO_MANY_SPIKES
from neuropil.simulate.conductance_methods import (
    AbstractConductanceMethod,
    ConductanceOutcome,
    ConductanceRequest,
    require_step_and_noise,
)
from neuropil.types import Scalar, State

STEPS_AT_ONCE = 2000
"""Steps between returns to the host, where an interruption is seen."""


def exponential_euler_step(
    system: AbstractConductanceSystem,
    state: State,
    step: float | Scalar,
    noise_currents: Float[Array, " cells"] | None = None,
    *,
    gates_first: bool = False,
) -> State:
    """The state one `step` (ms) later.

    With everything taken before the step: calcium relaxes exponentially to what its current
    would hold, the voltage to the balance of all conductances, the gates to their steady states;
    synapses move by forward Euler, at most to their steady state. This is the published scheme
    of Goncalves et al., eLife 9:e56261 (2020), of order 1 in the step. With `gates_first` currents
    are those of the gates and synapses after the step (see `AbstractConductanceMethod`).
    `noise_currents` (µA) are added to the currents injected into the cells. Differentiable, and
    batched by `jax.vmap`.
    """
    before, calcium = system.parts(state), system.calcium
    m, h = gates_now(system, before)
    open_fraction, synaptic_time = synapses_now(system, before.voltages)
    share = jnp.minimum(step / synaptic_time, 1.0)
    after = before._replace(
        activations=_relaxed(before.activations, m.steady_states, step / m.time_constants),
        inactivations=_relaxed(before.inactivations, h.steady_states, step / h.time_constants),
        synapses=before.synapses + share * (open_fraction - before.synapses),
    )
    parts = after if gates_first else before
    flow = membrane_flow(system, parts)
    drive = flow.drive if noise_currents is None else flow.drive + noise_currents
    target = calcium.baseline - calcium.inflow * flow.calcium_current
    kept = jnp.exp(-step / calcium.time_constant)
    exponent = step * flow.conductance / system.capacitance
    push = drive - flow.conductance * parts.voltages
    return system.join(
        after._replace(
            voltages=parts.voltages + step / system.capacitance * push * _mean_decay(exponent),
            calcium=target + (parts.calcium - target) * kept,
        )
    )


def _relaxed(
    values: Float[Array, "cells channels"],
    targets: Float[Array, "cells channels"],
    exponents: Float[Array, "cells channels"],
) -> Float[Array, "cells channels"]:
    return values - jnp.expm1(-exponents) * (targets - values)


def _mean_decay(exponents: Float[Array, " cells"]) -> Float[Array, " cells"]:
    """(1 - exp(-x)) / x, 1 at 0, with a derivative there too."""
    is_small = exponents < 1e-12
    safe = jnp.where(is_small, 1.0, exponents)
    return jnp.where(is_small, 1.0, -jnp.expm1(-safe) / safe)


class ExponentialEuler(AbstractConductanceMethod):
    """Exponential Euler in JAX: on any device, for every system, slower on processors.

    The scheme of `exponential_euler_step`, all circuits together on the default device. `step`
    is in ms; noise and `gates_first` as in `AbstractConductanceMethod`, noise drawn from other
    streams than that of `TabulatedEuler`. Circuits may differ in whatever their arrays hold.

    Raises `ValueError` for a step that is not positive and noise that is negative.
    """

    step: float = eqx.field(static=True, default=0.025)
    noise: float = eqx.field(static=True, default=0.0)
    noise_is_white: bool = eqx.field(static=True, default=False)
    gates_first: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        require_step_and_noise(self)

    def require(self, systems: AbstractConductanceSystem, n_circuits: int) -> None:
        """Every system will do."""

    def run(
        self,
        systems: AbstractConductanceSystem,
        starts: Float[np.ndarray, "circuits dimension"],
        request: ConductanceRequest,
    ) -> ConductanceOutcome:
        """Simulate all circuits together, some steps at a time."""
        n_circuits, n_cells = starts.shape[0], systems.maximal_conductances.shape[1]
        progress = _Progress(
            jnp.asarray(starts),
            jnp.full((n_circuits, n_cells, request.maximum_spikes), jnp.nan),
            jnp.zeros((n_circuits, n_cells), int),
            jnp.full(n_circuits, FINISHED),
            jnp.zeros(n_circuits, int),
            jnp.zeros(n_circuits, int),
        )
        keys = None
        if (key := request.key) is not None:
            keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(n_circuits))
        every = request.sample_every or STEPS_AT_ONCE
        sampled = [starts[:, :n_cells]]
        for begin in range(0, request.n_steps, every):
            end = min(begin + every, request.n_steps)
            for first in range(begin, end, STEPS_AT_ONCE):
                n = min(STEPS_AT_ONCE, end - first)
                progress = _advance(self, systems, progress, keys, first, n, request.threshold)
                jax.block_until_ready(progress)
            if end - begin == every:
                sampled.append(np.asarray(progress.states[:, :n_cells]))
        if request.progress is not None:
            request.progress(n_circuits, n_circuits)
        ended = np.asarray(progress.endings) != FINISHED
        return ConductanceOutcome(
            times=np.array(progress.times),
            counts=np.array(progress.counts),
            voltages=np.stack(sampled, axis=1)[:, : request.n_samples],
            final_states=np.array(progress.states),
            endings=np.array(progress.endings),
            end_steps=np.where(ended, np.asarray(progress.end_steps), request.n_steps),
            failing_cells=np.array(progress.failing_cells),
        )


class _Progress(NamedTuple):
    states: Float[Array, "*circuits dimension"]
    times: Float[Array, "*circuits cells spikes"]
    counts: Int[Array, "*circuits cells"]
    endings: Int[Array, "*circuits"]
    end_steps: Int[Array, "*circuits"]
    failing_cells: Int[Array, "*circuits"]


@eqx.filter_jit(donate="all-except-first")
def _advance_jit(
    constants: tuple[
        ExponentialEuler,
        AbstractConductanceSystem,
        Key[Array, " circuits"] | None,
        Int[Array, ""],
        Scalar,
    ],
    progress: _Progress,
    n_steps: int,
) -> _Progress:
    method, systems, keys, first_step, threshold = constants

    def circuit(system, key, one):
        def move(one, number):
            current = None
            if key is not None:
                drawn = jax.random.normal(jax.random.fold_in(key, number), (one.counts.size,))
                current = method.noise_per_step * drawn
            new = exponential_euler_step(
                system, one.states, method.step, current, gates_first=method.gates_first
            )
            return _noted(one, new, number, threshold, method.step), None

        numbers = first_step + 1 + jnp.arange(n_steps)
        return jax.lax.scan(move, one, numbers)[0]

    return eqx.filter_vmap(circuit, in_axes=(eqx.if_array(0), 0, 0))(systems, keys, progress)


def _advance(
    method: ExponentialEuler,
    systems: AbstractConductanceSystem,
    progress: _Progress,
    keys: Key[Array, " circuits"] | None,
    first: int,
    n_steps: int,
    threshold: float,
) -> _Progress:
    constants = (method, systems, keys, jnp.asarray(first), jnp.asarray(threshold))
    return _advance_jit(constants, progress, n_steps)


def _noted(
    one: _Progress, new: State, number: Int[Array, ""], threshold: Scalar, step: float
) -> _Progress:
    """One circuit after a step: spikes and failures recorded, unless it had ended before."""
    n_cells, room = one.times.shape
    old_volts, new_volts, calcium = (
        one.states[:n_cells], new[:n_cells], new[n_cells : 2 * n_cells]
    )  # fmt: skip
    runs = one.endings == FINISHED
    fires = (old_volts < threshold) & (new_volts >= threshold) & runs
    is_bad = ~(jnp.isfinite(new_volts) & (calcium > 0)) & runs
    is_full = fires & (one.counts == room)
    share = (threshold - old_volts) / jnp.where(fires, new_volts - old_volts, 1.0)
    times = step * (number.astype(float) - 1 + share)
    place = jnp.where(fires, one.counts, room)
    recorded = one.times.at[jnp.arange(n_cells), place].set(times, mode="drop")
    fails = is_bad | is_full
    which = jnp.argmax(fails)
    ends = jnp.any(fails)
    ending = jnp.where(is_bad[which], NOT_FINITE, TOO_MANY_SPIKES)
    return _Progress(
        new,
        recorded,
        one.counts + (fires & ~is_full).astype(int),
        jnp.where(ends, ending, one.endings),
        jnp.where(ends, number, one.end_steps),
        jnp.where(ends, which, one.failing_cells),
    )


__all__ = ["ExponentialEuler", "exponential_euler_step"]
