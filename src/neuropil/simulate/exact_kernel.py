"""The event loop of `ExactEvents`, compiled for the host.

Candidate spikes of the whole network come at the largest rate there can be; each falls on a
neuron at random, which is then looked at and fires with probability hazard / largest rate
(thinning: Lewis and Shedler, Naval Research Logistics 26:403, 1979). Between candidates nothing
need be known of a neuron but what the others have sent it.
"""

import math
from typing import no_type_check

import numba
import numpy as np

from neuropil.connectivity.random_streams import uniform
from neuropil.simulate.exact_membrane import (
    BOUND,
    CURRENT,
    FUNCTION_ARGUMENTS,
    MEMBRANE,
    RATE,
    REFRACTORY,
    RESTED,
    TABLE,
    VALUES,
    look,
    move_linear,
    reset,
)
from neuropil.simulate.random_draws import exponential
from neuropil.simulate.spike_endings import (
    FINISHED,
    HAZARD_NOT_A_RATE,
    HAZARD_TOO_LARGE,
    NOT_FINITE,
    TOO_MANY_SPIKES,
)

LARGEST_EXPONENT = 50.0
"""How far the decaying frame may run before it is set back: far from overflow, rarely."""

_RESULT = numba.types.Tuple(
    (VALUES, numba.int32[::1], TABLE, numba.int64, numba.int64, numba.float64, numba.float64)
)


@numba.njit(
    _RESULT(
        *FUNCTION_ARGUMENTS,
        *FUNCTION_ARGUMENTS,
        numba.boolean,
        TABLE,
        TABLE,
        numba.int64[::1],
        numba.uint16[::1],
        numba.uint32[::1],
        VALUES,
        numba.boolean,
        numba.float64,
        numba.float64,
        numba.float64,
        VALUES,
        numba.int64[::1],
        numba.float64,
        numba.int64,
        numba.uint64,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def simulate_exactly(
    hazard,
    hazard_scalars,
    hazard_rows,
    drift,
    drift_scalars,
    drift_rows,
    linear,
    parameters,
    states,
    row_start,
    near_targets,
    far_targets,
    weights,
    is_shared,
    delay,
    tau,
    duration,
    sample_times,
    sample_neurons,
    tolerance,
    maximum_spikes,
    state,
):
    """Spike times and neurons, sampled potentials, and how, where, when and at what it ended."""
    n = parameters.shape[1]
    bound = parameters[BOUND].max()
    all_candidates = bound * n
    fastest = max(parameters[RATE].max(), 1.0 / tau if tau > 0 else 0.0)
    one_rate = parameters[RATE].min() == parameters[RATE].max()
    may_rest = parameters[REFRACTORY].max() > 0
    times, neurons = np.empty(1024), np.empty(1024, np.int32)
    samples = np.full((sample_times.size, sample_neurons.size), np.nan)
    n_spikes, n_delivered, n_sampled = 0, 0, 0
    origin = 0.0
    state, gap = exponential(state)
    candidate = gap / all_candidates
    ending, where, when, value = FINISHED, -1, duration, 0.0
    while True:
        delivery = times[n_delivered] + delay if n_delivered < n_spikes else np.inf
        sampling = sample_times[n_sampled] if n_sampled < sample_times.size else np.inf
        t = min(candidate, delivery, sampling)
        if t > duration:
            break
        if linear and fastest * (t - origin) > LARGEST_EXPONENT:
            for k in range(n):
                states[MEMBRANE, k] *= math.exp(-parameters[RATE, k] * (t - origin))
                if tau > 0:
                    states[CURRENT, k] *= math.exp(-(t - origin) / tau)
            origin = t
        if delivery <= candidate and delivery <= sampling:
            source = neurons[n_delivered]
            n_delivered += 1
            first, after = row_start[source], row_start[source + 1]
            if linear:
                own = weights[source : source + 1] if is_shared else weights[first:after]
                if near_targets.size:
                    move_linear(
                        near_targets[first:after], own, one_rate, may_rest, parameters, states, t,
                        origin, tau,
                    )  # fmt: skip
                else:
                    move_linear(
                        far_targets[first:after], own, one_rate, may_rest, parameters, states, t,
                        origin, tau,
                    )  # fmt: skip
                continue
            for edge in range(first, after):
                k = np.int64(near_targets[edge] if near_targets.size else far_targets[edge])
                v, state = look(
                    drift, drift_scalars, drift_rows, linear, parameters, states, k, t, origin,
                    tau, tolerance, state,
                )  # fmt: skip
                weight = weights[source] if is_shared else weights[edge]
                if tau > 0:
                    states[CURRENT, k] += weight / tau
                elif t >= states[RESTED, k]:
                    states[MEMBRANE, k] += weight
            continue
        if sampling <= candidate:
            for column in range(sample_neurons.size):
                samples[n_sampled, column], state = look(
                    drift, drift_scalars, drift_rows, linear, parameters, states,
                    sample_neurons[column], t, origin, tau, tolerance, state,
                )  # fmt: skip
            n_sampled += 1
            continue
        state, gap = exponential(state)
        candidate = t + gap / all_candidates
        state, u = uniform(state)
        i = min(np.int64(u * n), n - 1)
        if t < states[RESTED, i]:
            continue
        v, state = look(
            drift, drift_scalars, drift_rows, linear, parameters, states, i, t, origin, tau,
            tolerance, state,
        )  # fmt: skip
        rate = hazard(v, i, hazard_scalars, hazard_rows)
        if not math.isfinite(v):
            ending, where, when, value = NOT_FINITE, i, t, v
            break
        if not rate >= 0:
            ending, where, when, value = HAZARD_NOT_A_RATE, i, t, rate
            break
        if rate > parameters[BOUND, i] * (1 + 1e-12):
            ending, where, when, value = HAZARD_TOO_LARGE, i, t, rate
            break
        state, u = uniform(state)
        if u * bound >= rate:
            continue
        if n_spikes == maximum_spikes:
            ending, where, when = TOO_MANY_SPIKES, i, t
            break
        if n_spikes == times.size:
            longer_times, longer_neurons = np.empty(2 * n_spikes), np.empty(2 * n_spikes, np.int32)
            longer_times[:n_spikes], longer_neurons[:n_spikes] = times, neurons
            times, neurons = longer_times, longer_neurons
        times[n_spikes], neurons[n_spikes] = t, i
        n_spikes += 1
        state = reset(linear, parameters, states, i, t, origin, tau, state)
    return (
        times[:n_spikes].copy(), neurons[:n_spikes].copy(), samples, ending, where, when, value
    )  # fmt: skip


__all__ = ["simulate_exactly"]
