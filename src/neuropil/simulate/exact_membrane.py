"""One neuron between events, for the event loop of `ExactEvents`: look at it, reset it, move it.

A linear membrane is kept in a frame that decays with it: V_i = rest_i + a_i exp(-rate_i (t - t0)),
plus b_i exp(-(t - t0) / tau_s) for a filtered current. In that frame a spike is one addition for
each target, whenever the target was last looked at; the noise since then is added when it is
looked at next, which is exact in law. Any other membrane is brought up to date at every event.
"""

import math
from typing import no_type_check

import numba
import numpy as np

from neuropil.simulate.elementwise_code import FUNCTION
from neuropil.simulate.random_draws import exponential, standard_normal

DEEPEST = 40
"""Halvings of a step, after which the step is taken as it is: 1e-12 of the span."""

VALUES = numba.float64[::1]
TABLE = numba.float64[:, ::1]
FUNCTION_ARGUMENTS = (FUNCTION, VALUES, TABLE)

RATE, REST, NOISE, RESET, REFRACTORY, POISSON_RATE, POISSON_JUMP, BOUND = range(8)
"""Rows of the table of parameters, which has a column for each neuron."""

MEMBRANE, CURRENT, LAST, RESTED = range(4)
"""Rows of the table of states: a (or V), b (or I), when the neuron was looked at last, and when
its refractory period ends."""


@numba.njit(
    numba.types.Tuple((numba.float64, numba.uint64))(
        *FUNCTION_ARGUMENTS,
        numba.int64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.uint64,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def advance(drift, scalars, rows, i, v, current, tau, noise, span, tolerance, state):
    """V after `span` of dV = (b(V) + I) dt + noise dW, I decaying with `tau`.

    Heun's method, halved until halving moves V by less than `tolerance`; the Brownian path is
    refined by its bridge, so that the choice of steps does not bias it.
    """
    lengths, increments = np.empty(DEEPEST), np.empty(DEEPEST)
    state, z = standard_normal(state)
    lengths[0], increments[0] = span, noise * math.sqrt(span) * z
    depth, gone = 1, 0.0
    while depth > 0:
        h, dw = lengths[depth - 1], increments[depth - 1]
        if noise > 0:
            state, z = standard_normal(state)
        first = 0.5 * dw + 0.5 * noise * math.sqrt(h) * z
        i0 = current * math.exp(-gone / tau) if tau > 0 else 0.0
        i1 = current * math.exp(-(gone + 0.5 * h) / tau) if tau > 0 else 0.0
        i2 = current * math.exp(-(gone + h) / tau) if tau > 0 else 0.0
        b0 = drift(v, i, scalars, rows) + i0
        whole = v + 0.5 * h * (b0 + drift(v + h * b0 + dw, i, scalars, rows) + i2) + dw
        half = v + 0.25 * h * (b0 + drift(v + 0.5 * h * b0 + first, i, scalars, rows) + i1) + first
        b1 = drift(half, i, scalars, rows) + i1
        rest = dw - first
        end = half + 0.25 * h * (b1 + drift(half + 0.5 * h * b1 + rest, i, scalars, rows) + i2)
        end += rest
        depth -= 1
        if abs(end - whole) <= tolerance or depth + 2 > DEEPEST or not math.isfinite(end):
            v = end
            gone += h
        else:
            lengths[depth], increments[depth] = 0.5 * h, rest
            lengths[depth + 1], increments[depth + 1] = 0.5 * h, first
            depth += 2
    return v, state


@numba.njit(
    numba.types.Tuple((numba.float64, numba.uint64))(
        *FUNCTION_ARGUMENTS,
        numba.boolean,
        TABLE,
        TABLE,
        numba.int64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.float64,
        numba.uint64,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def look(drift, scalars, rows, linear, parameters, states, i, t, origin, tau, tolerance, state):
    """V_i at time t, all that happened to neuron i alone until then included."""
    last = states[LAST, i]
    if linear:
        if t < states[RESTED, i]:
            return parameters[RESET, i], state
        rate, slow = parameters[RATE, i], 1.0 / tau if tau > 0 else 0.0
        if t > last:
            noise, arrivals = parameters[NOISE, i], parameters[POISSON_RATE, i]
            if noise > 0:
                state, z = standard_normal(state)
                # Written as a difference over the span: no cancellation between large powers.
                spread = -math.expm1(-2.0 * rate * (t - last)) / (2.0 * rate)
                states[MEMBRANE, i] += noise * math.sqrt(spread) * math.exp(rate * (t - origin)) * z
            if arrivals > 0:
                state, gap = exponential(state)
                at = last + gap / arrivals
                jump = parameters[POISSON_JUMP, i]
                while at < t:
                    grown = math.exp(rate * (at - origin))
                    if tau > 0:
                        part = jump / (tau * (rate - slow))
                        states[CURRENT, i] += part * math.exp(slow * (at - origin))
                        states[MEMBRANE, i] -= part * grown
                    else:
                        states[MEMBRANE, i] += jump * grown
                    state, gap = exponential(state)
                    at += gap / arrivals
            states[LAST, i] = t
        v = parameters[REST, i] + states[MEMBRANE, i] * math.exp(-rate * (t - origin))
        if tau > 0:
            v += states[CURRENT, i] * math.exp(-slow * (t - origin))
        return v, state
    arrivals = parameters[POISSON_RATE, i]
    while last < t:
        at, arrives = t, False
        if arrivals > 0:
            state, gap = exponential(state)
            arrives = last + gap / arrivals < t
            at = last + gap / arrivals if arrives else t
        awake = min(max(states[RESTED, i], last), at)
        current = states[CURRENT, i]
        if tau > 0:
            current *= math.exp(-(awake - last) / tau)
        if at > awake:
            states[MEMBRANE, i], state = advance(
                drift,
                scalars,
                rows,
                i,
                states[MEMBRANE, i],
                current,
                tau,
                parameters[NOISE, i],
                at - awake,
                tolerance,
                state,
            )
            if tau > 0:
                current *= math.exp(-(at - awake) / tau)
        if arrives:
            if tau > 0:
                current += parameters[POISSON_JUMP, i] / tau
            elif at >= states[RESTED, i]:
                states[MEMBRANE, i] += parameters[POISSON_JUMP, i]
        states[CURRENT, i] = current
        last = at
    states[LAST, i] = t
    return states[MEMBRANE, i], state


@numba.njit(
    numba.uint64(
        numba.boolean, TABLE, TABLE, numba.int64, numba.float64, *2 * (numba.float64,), numba.uint64
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
@no_type_check
def reset(linear, parameters, states, i, t, origin, tau, state):
    """Neuron i has fired at time t."""
    rested = t + parameters[REFRACTORY, i]
    states[RESTED, i] = rested
    if not linear:
        states[MEMBRANE, i] = parameters[RESET, i]
        return state
    rate, rest = parameters[RATE, i], parameters[REST, i]
    grown = math.exp(rate * (rested - origin))
    states[MEMBRANE, i] = (parameters[RESET, i] - rest) * grown
    states[LAST, i] = rested
    if tau > 0:
        slow = 1.0 / tau
        arrivals = parameters[POISSON_RATE, i]
        if arrivals > 0 and rested > t:
            part = parameters[POISSON_JUMP, i] / (tau * (rate - slow))
            state, gap = exponential(state)
            at = t + gap / arrivals
            while at < rested:
                states[CURRENT, i] += part * math.exp(slow * (at - origin))
                state, gap = exponential(state)
                at += gap / arrivals
        states[MEMBRANE, i] -= states[CURRENT, i] * math.exp(-slow * (rested - origin)) * grown
    return state


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def move_linear(targets, weights, one_rate, may_rest, parameters, states, t, origin, tau):
    """Each of the targets receives its weight, or all of them the only one, at time t."""
    shared = weights.size != targets.size
    if tau == 0 and one_rate and not may_rest and targets.size:
        grown = math.exp(parameters[RATE, 0] * (t - origin))
        membranes = states[MEMBRANE]
        if shared:
            jump = weights[0] * grown
            for k in targets:
                membranes[k] += jump
        else:
            for edge in range(targets.size):
                membranes[targets[edge]] += weights[edge] * grown
        return
    for edge in range(targets.size):
        k = np.int64(targets[edge])
        weight = weights[0] if shared else weights[edge]
        rate = parameters[RATE, k]
        if tau > 0:
            slow = 1.0 / tau
            part = weight / (tau * (rate - slow))
            # A current that arrives during rest must leave the reset potential as it is.
            seen = max(t, states[RESTED, k])
            states[CURRENT, k] += part * math.exp(slow * (t - origin))
            states[MEMBRANE, k] -= part * math.exp(rate * (seen - origin) - slow * (seen - t))
        elif t >= states[RESTED, k]:
            states[MEMBRANE, k] += weight * math.exp(rate * (t - origin))


__all__ = ["advance", "look", "move_linear", "reset"]
