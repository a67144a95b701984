"""The step loop of `ClockedEvents`, compiled for the host.

A step moves every membrane, one cheap pass over the neurons for each thing that happens to it, so
that the compiler can use vector instructions; then only the neurons that fired are visited. What
they send waits in a ring of one row a step of delay: the cost of delivery follows the spikes.
"""

import math
from typing import no_type_check

import numba
import numpy as np

from neuropil.connectivity.random_streams import uniform
from neuropil.simulate.elementwise_code import FUNCTION
from neuropil.simulate.random_draws import poisson_counts, standard_normal
from neuropil.simulate.spike_endings import (
    FINISHED,
    HAZARD_NOT_A_RATE,
    NOT_FINITE,
    STEP_TOO_LARGE,
    TOO_MANY_SPIKES,
)
from neuropil.simulate.step_coefficients import LARGEST_SPIKES_A_STEP

KEPT, REST, RISE, NOISE, RESET, THRESHOLD, JUMP = range(7)
"""Rows of the table of parameters: V moves to REST + KEPT (V - REST) + RISE I + NOISE normal."""

_VALUES = numba.float64[::1]
_TABLE = numba.float64[:, ::1]
_FUNCTION_ARGUMENTS = (FUNCTION, _VALUES, _TABLE)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _collect(fires, fired):
    """Write down who fires, and forget it; returns how many."""
    count = 0
    eights = fires.view(np.uint64)
    for eight in range(eights.size):
        if eights[eight]:
            for i in range(8 * eight, 8 * eight + 8):
                fired[count] = i
                count += fires[i]
                fires[i] = False
    return count


@numba.njit(cache=True, nogil=True)
@no_type_check
def _hold(resting, n_resting, potentials, resets, thresholds, rested, now, fires):
    """Keep the neurons that rest at their reset; returns how many still do."""
    count = 0
    for i in resting[:n_resting]:
        if now <= rested[i]:
            potentials[i] = resets[i]
            fires[i] = (now == rested[i]) & (resets[i] >= thresholds[i])
            resting[count] = i
            count += 1
    return count


# The passes are functions of their own because the compiler makes vector instructions of them
# only where it sees one loop at a time.


@numba.njit(cache=True, nogil=True)
@no_type_check
def _relax(potentials, rest, kept):
    for i in range(potentials.size):
        potentials[i] = rest[i] + kept[i] * (potentials[i] - rest[i])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add_currents(potentials, rise, currents):
    for i in range(potentials.size):
        potentials[i] += rise[i] * currents[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _renew(currents, decay, arriving):
    for i in range(currents.size):
        currents[i] = decay * currents[i] + arriving[i]
        arriving[i] = np.float32(0.0)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _arrive(potentials, arriving):
    for i in range(potentials.size):
        potentials[i] += arriving[i]
        arriving[i] = np.float32(0.0)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fire_by_threshold(potentials, thresholds, fires):
    for i in range(potentials.size):
        fires[i] = potentials[i] >= thresholds[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _relax_arrive_and_fire(potentials, rest, kept, arriving, thresholds, fires):
    for i in range(potentials.size):
        moved = rest[i] + kept[i] * (potentials[i] - rest[i]) + arriving[i]
        potentials[i] = moved
        arriving[i] = np.float32(0.0)
        fires[i] = moved >= thresholds[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _move_alike(potentials, rest, kept, threshold, arriving, jump, counts, fires):
    """The pass above and external jumps where all membranes are alike: half the memory read."""
    for i in range(potentials.size):
        received = arriving[i] + jump * np.float32(counts[i])
        moved = rest + kept * (potentials[i] - rest) + received
        potentials[i] = moved
        arriving[i] = np.float32(0.0)
        fires[i] = moved >= threshold


@numba.njit(cache=True, nogil=True)
@no_type_check
def _are_alike(parameters):
    for name in (KEPT, REST, THRESHOLD, JUMP):
        if parameters[name].min() != parameters[name].max():
            return False
    return True


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add_jumps(arriving, jumps, counts):
    for i in range(arriving.size):
        arriving[i] += jumps[i] * np.float32(counts[i])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _send(targets, weights, sent):
    """Add to each target its weight, or to all of them the only one."""
    if weights.size == targets.size:
        for edge in range(targets.size):
            sent[targets[edge]] += np.float32(weights[edge])
    else:
        weight = np.float32(weights[0])
        for k in targets:
            sent[k] += weight


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add_noise(potentials, noise, state):
    for i in range(potentials.size):
        state, z = standard_normal(state)
        potentials[i] += noise[i] * z
    return state


@numba.njit(
    numba.uint64(
        *_FUNCTION_ARGUMENTS, _VALUES, _VALUES, _VALUES, numba.float64, numba.boolean, numba.uint64
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def _move_by_heun(drift, scalars, rows, potentials, currents, noise, step, is_noisy, state):
    """One step of Heun's method for dV = (b(V) + I) dt + noise dW, I held over the step."""
    for i in range(potentials.size):
        dw = 0.0
        if is_noisy:
            state, z = standard_normal(state)
            dw = noise[i] * z
        v, current = potentials[i], currents[i]
        first = drift(v, i, scalars, rows) + current
        second = drift(v + step * first + dw, i, scalars, rows) + current
        potentials[i] = v + 0.5 * step * (first + second) + dw
    return state


@numba.njit(
    numba.types.Tuple((numba.int64, numba.int64, numba.float64, numba.uint64))(
        *_FUNCTION_ARGUMENTS,
        _VALUES,
        numba.int64[::1],
        numba.int64,
        numba.float64,
        numba.boolean[::1],
        numba.uint64,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def _fire_by_hazard(hazard, scalars, rows, potentials, rested, now, step, fires, state):
    """Mark the neurons that fire in this step; how it ended, where, at what, and the stream."""
    for i in range(potentials.size):
        if now < rested[i]:
            continue
        rate = hazard(potentials[i], i, scalars, rows)
        if not rate >= 0:
            return HAZARD_NOT_A_RATE, i, rate, state
        if rate * step > LARGEST_SPIKES_A_STEP:
            return STEP_TOO_LARGE, i, rate, state
        state, u = uniform(state)
        if u < -math.expm1(-rate * step):
            fires[i] = True
    return FINISHED, -1, 0.0, state


@numba.njit(
    numba.types.Tuple(
        (_VALUES, numba.int32[::1], _TABLE, numba.int64, numba.int64, numba.float64, numba.float64)
    )(
        *_FUNCTION_ARGUMENTS,
        *_FUNCTION_ARGUMENTS,
        numba.boolean,
        numba.boolean,
        _TABLE,
        _VALUES,
        numba.int64[::1],
        numba.int64[::1],
        numba.uint8[:, ::1],
        _TABLE,
        numba.int64,
        numba.int64[::1],
        numba.uint16[::1],
        numba.uint32[::1],
        _VALUES,
        numba.boolean,
        numba.int64,
        numba.float64,
        numba.float64,
        numba.int64,
        numba.int64[::1],
        numba.int64[::1],
        numba.int64,
        numba.uint64,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def simulate_by_steps(
    hazard,
    hazard_scalars,
    hazard_rows,
    drift,
    drift_scalars,
    drift_rows,
    has_hazard,
    linear,
    parameters,
    potentials,
    refractory_steps,
    table_of,
    poisson_guide,
    poisson_levels,
    poisson_repeats,
    row_start,
    near_targets,
    far_targets,
    weights,
    is_shared,
    delay_steps,
    current_decay,
    step,
    n_steps,
    sample_steps,
    sample_neurons,
    maximum_spikes,
    state,
):
    """Spike times and neurons, sampled potentials, and how, where, when and at what it ended."""
    n = potentials.size
    kept, rest, rise, noise = (
        parameters[KEPT], parameters[REST], parameters[RISE], parameters[NOISE]
    )  # fmt: skip
    resets, thresholds = parameters[RESET], parameters[THRESHOLD]
    jumps = parameters[JUMP].astype(np.float32)
    is_noisy = noise.max() > 0
    is_filtered, has_threshold = current_decay > 0, thresholds.min() < np.inf
    in_one_pass = linear and has_threshold and not is_noisy and not is_filtered
    alike = in_one_pass and poisson_repeats <= 1 and _are_alike(parameters)
    ring = np.zeros((delay_steps, n), np.float32)  # half the memory to scatter into
    currents = np.zeros(n)
    rested = np.zeros(n, np.int64)
    eights = (n + 7) // 8
    fires, counts = np.zeros(8 * eights, np.bool_), np.zeros(8 * eights, np.uint8)
    fired, resting = np.empty(n + 8, np.int64), np.empty(n, np.int64)
    n_resting = 0
    words = np.empty(2 * eights, np.uint64)
    times, neurons = np.empty(1024), np.empty(1024, np.int32)
    samples = np.full((sample_steps.size, sample_neurons.size), np.nan)
    n_spikes, n_sampled = 0, 0
    while n_sampled < sample_steps.size and sample_steps[n_sampled] == 0:
        samples[n_sampled] = potentials[sample_neurons]
        n_sampled += 1
    for now in range(1, n_steps + 1):
        arriving = ring[now % delay_steps]
        for _ in range(poisson_repeats):
            state = poisson_counts(counts, words, table_of, poisson_guide, poisson_levels, state)
            if not alike:
                _add_jumps(arriving, jumps, counts)
        if alike:
            _move_alike(
                potentials, rest[0], kept[0], thresholds[0], arriving, jumps[0], counts, fires
            )
        elif in_one_pass:
            _relax_arrive_and_fire(potentials, rest, kept, arriving, thresholds, fires)
        else:
            if linear:
                _relax(potentials, rest, kept)
                if is_filtered:
                    _add_currents(potentials, rise, currents)
                if is_noisy:
                    state = _add_noise(potentials, noise, state)
            else:
                state = _move_by_heun(
                    drift, drift_scalars, drift_rows, potentials, currents, noise, step, is_noisy,
                    state,
                )  # fmt: skip
            if is_filtered:
                _renew(currents, current_decay, arriving)
            else:
                _arrive(potentials, arriving)
            if has_threshold:
                _fire_by_threshold(potentials, thresholds, fires)
        n_resting = _hold(resting, n_resting, potentials, resets, thresholds, rested, now, fires)
        if has_hazard:
            ending, where, value, state = _fire_by_hazard(
                hazard, hazard_scalars, hazard_rows, potentials, rested, now, step, fires, state
            )
            if ending != FINISHED:
                return (
                    times[:n_spikes].copy(), neurons[:n_spikes].copy(), samples, ending, where,
                    now * step, value,
                )  # fmt: skip
        n_fired = _collect(fires, fired)
        for i in fired[:n_fired]:
            if not math.isfinite(potentials[i]) or n_spikes == maximum_spikes:
                ending = TOO_MANY_SPIKES if math.isfinite(potentials[i]) else NOT_FINITE
                return (
                    times[:n_spikes].copy(), neurons[:n_spikes].copy(), samples, ending, i,
                    now * step, potentials[i],
                )  # fmt: skip
            if n_spikes == times.size:
                longer, more = np.empty(2 * n_spikes), np.empty(2 * n_spikes, np.int32)
                longer[:n_spikes], more[:n_spikes] = times, neurons
                times, neurons = longer, more
            times[n_spikes], neurons[n_spikes] = now * step, i
            n_spikes += 1
            potentials[i] = resets[i]
            rested[i] = now + refractory_steps[i]
            if refractory_steps[i] > 0:
                resting[n_resting] = i
                n_resting += 1
            # The row of this step was emptied above and waits for the longest delay.
            sent = ring[(now + delay_steps) % delay_steps]
            first, after = row_start[i], row_start[i + 1]
            own = weights[i : i + 1] if is_shared else weights[first:after]
            if near_targets.size:
                _send(near_targets[first:after], own, sent)
            else:
                _send(far_targets[first:after], own, sent)
        while n_sampled < sample_steps.size and sample_steps[n_sampled] == now:
            samples[n_sampled] = potentials[sample_neurons]
            n_sampled += 1
    for i in range(n):
        if not math.isfinite(potentials[i]):
            return (
                times[:n_spikes].copy(), neurons[:n_spikes].copy(), samples, NOT_FINITE, i,
                n_steps * step, potentials[i],
            )  # fmt: skip
    return (
        times[:n_spikes].copy(), neurons[:n_spikes].copy(), samples, FINISHED, -1,
        n_steps * step, 0.0,
    )  # fmt: skip


__all__ = ["KEPT", "JUMP", "NOISE", "RESET", "REST", "RISE", "THRESHOLD", "simulate_by_steps"]
