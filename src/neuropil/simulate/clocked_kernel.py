"""The step loop of `ClockedEvents`, compiled for the host.

A step moves every membrane, one cheap pass over the neurons for each thing that happens to it, so
that the compiler can use vector instructions; then only the neurons that fired are visited. What
they send waits in a ring of one row a step of delay: the cost of delivery follows the spikes.
"""

import math
from typing import no_type_check

import numba
import numpy as np

from neuropil.connectivity.random_streams import scrambled, uniform
from neuropil.simulate.elementwise_code import FUNCTION
from neuropil.simulate.random_draws import standard_normal
from neuropil.simulate.spike_endings import (
    FINISHED,
    HAZARD_NOT_A_RATE,
    NOT_FINITE,
    STEP_TOO_LARGE,
    TOO_MANY_SPIKES,
)

LARGEST_SPIKES_A_STEP = 0.2
"""Expected spikes of one neuron in one step, above which a second one is too likely to ignore."""

KEPT, REST, RISE, NOISE, RESET, THRESHOLD, JUMP = range(7)
"""Rows of the table of parameters: V moves to REST + KEPT (V - REST) + RISE I + NOISE normal."""

_VALUES = numba.float64[::1]
_TABLE = numba.float64[:, ::1]
_FUNCTION_ARGUMENTS = (FUNCTION, _VALUES, _TABLE)
_STEP = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add_poisson(arriving, jumps, words, table_of, accepted, alias, bits, state):
    """Add to each neuron its jump times a Poisson number; two neurons share a random word."""
    for pair in range(words.size):
        words[pair] = scrambled(state + np.uint64(pair + 1) * _STEP)
    halves = words.view(np.uint32)
    shift = np.uint32(32 - bits)
    fraction = np.uint32((np.int64(1) << (32 - bits)) - 1)
    if accepted.shape[0] == 1:
        accepted_of_all, alias_of_all = accepted[0], alias[0]
        for i in range(arriving.size):
            column = np.int64(halves[i] >> shift)
            is_column = (halves[i] & fraction) < accepted_of_all[column]
            arriving[i] += jumps[i] * (column if is_column else alias_of_all[column])
    else:
        for i in range(arriving.size):
            column = np.int64(halves[i] >> shift)
            is_column = (halves[i] & fraction) < accepted[table_of[i], column]
            arriving[i] += jumps[i] * (column if is_column else alias[table_of[i], column])
    return state + np.uint64(words.size) * _STEP


@numba.njit(cache=True, nogil=True)
@no_type_check
def _collect(fires, fired):
    """Write down who fires, and forget it; returns how many."""
    count = 0
    for i in range(fires.size):
        fired[count] = i
        count += fires[i]
        fires[i] = False
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
def _hold(potentials, resets, rested, now):
    for i in range(potentials.size):
        potentials[i] = resets[i] if now <= rested[i] else potentials[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fire_by_threshold(potentials, thresholds, rested, now, fires):
    for i in range(potentials.size):
        fires[i] = (potentials[i] >= thresholds[i]) & (now >= rested[i])


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
        numba.uint32[:, ::1],
        numba.int64[:, ::1],
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
    accepted,
    alias,
    alias_bits,
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
    resets, thresholds, jumps = parameters[RESET], parameters[THRESHOLD], parameters[JUMP]
    is_noisy, is_driven = noise.max() > 0, alias_bits > 0
    is_filtered, has_threshold = current_decay > 0, thresholds.min() < np.inf
    may_rest = refractory_steps.max() > 0
    ring = np.zeros((delay_steps, n), np.float32)  # half the memory to scatter into
    currents = np.zeros(n)
    rested = np.zeros(n, np.int64)
    fires = np.zeros(n, np.bool_)
    fired = np.empty(n, np.int64)
    words = np.empty((n + 1) // 2, np.uint64)
    times, neurons = np.empty(1024), np.empty(1024, np.int32)
    samples = np.full((sample_steps.size, sample_neurons.size), np.nan)
    n_spikes, n_sampled = 0, 0
    while n_sampled < sample_steps.size and sample_steps[n_sampled] == 0:
        samples[n_sampled] = potentials[sample_neurons]
        n_sampled += 1
    for now in range(1, n_steps + 1):
        arriving = ring[now % delay_steps]
        if linear:
            _relax(potentials, rest, kept)
            if is_filtered:
                _add_currents(potentials, rise, currents)
            if is_noisy:
                state = _add_noise(potentials, noise, state)
        else:
            state = _move_by_heun(
                drift, drift_scalars, drift_rows, potentials, currents, noise, step, is_noisy, state
            )
        if is_driven:
            state = _add_poisson(
                arriving, jumps, words, table_of, accepted, alias, alias_bits, state
            )
        if is_filtered:
            _renew(currents, current_decay, arriving)
        else:
            _arrive(potentials, arriving)
        if may_rest:
            _hold(potentials, resets, rested, now)
        if has_threshold:
            _fire_by_threshold(potentials, thresholds, rested, now, fires)
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
