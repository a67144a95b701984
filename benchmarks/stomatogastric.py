"""Stomatogastric ganglion: throughput of thousands of circuits against one circuit at a time.

Run `python benchmarks/stomatogastric.py`; it prints JSON. The peer is written here: the published
equations and order of update in scalar loops compiled by numba, one circuit at a time, voltages
stored, as the published simulator does it (which takes 0.7 to 1 s for 11 s). Both simulate the
reference circuit with conductances spread by 10 per cent, in steps of 0.025 ms, with and without
noise, on one core, by turns: ratios are medians over the turns, throughputs the best of them.
"""

import json
import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numba
import numpy as np

from neuropil.circuits import StomatogastricGanglion, pyloric_circuit_5a
from neuropil.simulate import (
    ExponentialEuler,
    TabulatedEuler,
    conductance_spikes,
    find_bursts,
    triphasic_rhythm,
)

STEP, NOISE = 0.025, 0.001
TURNS, OWN_CIRCUITS, OWN_DURATION, PEER_DURATION = 7, 64, 4_000.0, 1_000.0
CIRCUITS, DURATION = 1_000, 10_000.0
ARRAYS_CIRCUITS, ARRAYS_DURATION = 256, 50.0


@numba.njit
def _gate(v, a, b):
    return 1.0 / (1.0 + math.exp((v + a) / b))


@numba.njit
def _two(v, a, b, c, d):
    return 1.0 / (math.exp((v + a) / b) + math.exp((v + c) / d))


@numba.njit
def _toward(old, steady, tau, dt):
    return steady + (old - steady) * math.exp(-dt / tau)


@numba.njit(error_model="numpy")
def one_circuit(conductances, strengths, dt, noise, volts):
    """Fill `volts` (3, steps + 1); conductances (3, 8) and strengths (7) in mS."""
    capacitance = 0.6283e-3
    v, calcium = np.full(3, -50.0), np.full(3, 0.05)
    m, h, s = np.zeros((3, 7)), np.zeros((3, 4)), np.zeros(7)
    pre, post = (0, 0, 0, 0, 1, 1, 2), (1, 1, 2, 2, 0, 2, 1)
    reversal = (-70.0, -80.0, -70.0, -80.0, -70.0, -70.0, -70.0)
    closing = (40.0, 100.0, 40.0, 100.0, 40.0, 40.0, 40.0)
    old, onto, pull = np.empty(3), np.empty(3), np.empty(3)
    volts[:, 0] = v
    for i in range(1, volts.shape[1]):
        for j in range(3):
            onto[j], pull[j], old[j] = 0.0, 0.0, v[j]
        for k in range(7):
            onto[post[k]] += strengths[k] * s[k]
            pull[post[k]] += strengths[k] * s[k] * reversal[k]
        for j in range(3):
            g = conductances[j]
            na, cat = g[0] * m[j, 0] ** 3 * h[j, 0], g[1] * m[j, 1] ** 3 * h[j, 1]
            cas, a = g[2] * m[j, 2] ** 3 * h[j, 2], g[3] * m[j, 3] ** 3 * h[j, 3]
            kca, kd, hyper = g[4] * m[j, 4] ** 4, g[5] * m[j, 5] ** 4, g[6] * m[j, 6]
            nernst = 8.31451e3 * 283 / (2 * 96485.3415) * math.log(3000 / calcium[j])
            target = 0.05 - 14961 * (cat + cas) * (v[j] - nernst)
            before = calcium[j]
            calcium[j] = _toward(before, target, 200.0, dt)
            total = onto[j] + na + cat + cas + a + kca + kd + hyper + g[7]
            drive = pull[j] + na * 50 + (cat + cas) * nernst - 80 * (a + kca + kd)
            drive += -20 * hyper - 50 * g[7]
            if noise > 0:
                drive += noise * np.random.normal()  # noqa: NPY002
            if total == 0:
                v[j] = old[j] + dt * drive / capacitance
            else:
                rest = drive / total
                v[j] = rest + (old[j] - rest) * math.exp(-dt * total / capacitance)
            w = old[j]
            m[j, 0] = _toward(m[j, 0], _gate(w, 25.5, -5.29), 2.64 - 2.52 * _gate(w, 120, -25), dt)
            m[j, 1] = _toward(
                m[j, 1], _gate(w, 27.1, -7.2), 43.4 - 42.6 * _gate(w, 68.1, -20.5), dt
            )
            m[j, 2] = _toward(m[j, 2], _gate(w, 33, -8.1), 2.8 + 14 * _two(w, 27, 10, 70, -13), dt)
            m[j, 3] = _toward(
                m[j, 3], _gate(w, 27.2, -8.7), 23.2 - 20.8 * _gate(w, 32.9, -15.2), dt
            )
            m[j, 4] = _toward(
                m[j, 4],
                before / (before + 3) * _gate(w, 28.3, -12.6),
                180.6 - 150.2 * _gate(w, 46, -22.7),
                dt,
            )
            m[j, 5] = _toward(
                m[j, 5], _gate(w, 12.3, -11.8), 14.4 - 12.8 * _gate(w, 28.3, -19.2), dt
            )
            tau = 2 / (math.exp(-14.59 - 0.086 * w) + math.exp(-1.87 + 0.0701 * w))
            m[j, 6] = _toward(m[j, 6], _gate(w, 75, 5.5), tau, dt)
            tau = 1.34 * _gate(w, 62.9, -10) * (1.5 + _gate(w, 34.9, 3.6))
            h[j, 0] = _toward(h[j, 0], _gate(w, 48.9, 5.18), tau, dt)
            h[j, 1] = _toward(h[j, 1], _gate(w, 32.1, 5.5), 210 - 179.6 * _gate(w, 55, -16.9), dt)
            h[j, 2] = _toward(h[j, 2], _gate(w, 60, 6.2), 120 + 300 * _two(w, 55, 9, 65, -16), dt)
            h[j, 3] = _toward(h[j, 3], _gate(w, 56.9, 4.9), 77.2 - 58.4 * _gate(w, 38.9, -26.5), dt)
            volts[j, i] = v[j]
        for k in range(7):
            steady = 1 / (1 + math.exp((-35 - old[pre[k]]) / 5))
            tau = closing[k] * (1 - steady)
            s[k] = steady if dt > tau else s[k] + (steady - s[k]) * dt / tau


def circuits(number: int) -> StomatogastricGanglion:
    """The reference circuit, conductances spread by 10 per cent; the first one as it is."""
    one = pyloric_circuit_5a()
    spread = np.random.default_rng(0).uniform(0.9, 1.1, (number, 3, 8))
    spread[0] = 1
    return jax.vmap(StomatogastricGanglion)(
        one.maximal_conductances * spread, jnp.tile(one.synaptic_conductances, (number, 1))
    )


def _seconds(call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def per_core(noise: float) -> dict[str, float]:
    """Circuit-seconds per second on one core, both by turns."""
    many, method = circuits(OWN_CIRCUITS), TabulatedEuler(noise=noise)
    key = jax.random.key(0) if noise else None
    volts = np.empty((3, round(PEER_DURATION / STEP) + 1))
    conductances = np.asarray(many.maximal_conductances[0]) * many.area
    strengths = np.asarray(many.synaptic_conductances[0])

    def own(duration=OWN_DURATION):
        conductance_spikes(many, method, duration=duration, key=key, workers=1)

    def peer():
        one_circuit(conductances, strengths, STEP, noise, volts)

    own(1.0), peer()
    seconds = np.array([(_seconds(own), _seconds(peer)) for _ in range(TURNS)])
    biological = np.array([OWN_CIRCUITS * OWN_DURATION, PEER_DURATION]) / 1000
    throughput = biological / seconds
    best = [float(each) for each in throughput.max(axis=0)]
    return {
        "noise": noise,
        "circuit_seconds_per_second": best[0],
        "peer_circuit_seconds_per_second": best[1],
        "nanoseconds_per_step": 1e6 * STEP / best[0],
        "peer_nanoseconds_per_step": 1e6 * STEP / best[1],
        "ratio_per_core": float(np.median(throughput[:, 0] / throughput[:, 1])),
        "ratio_of_the_best": best[0] / best[1],
    }


def thousand_circuits() -> dict[str, Any]:
    """1,000 circuits for 10 s on all cores, with the statistics of their rhythm."""
    many, method = circuits(CIRCUITS), TabulatedEuler(noise=NOISE)
    begin = time.perf_counter()
    found = conductance_spikes(many, method, duration=DURATION, key=jax.random.key(0))
    simulated = time.perf_counter()
    rhythm = triphasic_rhythm(find_bursts(found))
    end = time.perf_counter()
    return {
        "circuits": CIRCUITS,
        "seconds": simulated - begin,
        "circuit_seconds_per_second": CIRCUITS * DURATION / 1000 / (simulated - begin),
        "seconds_statistics": end - simulated,
        "pyloric_share": float(rhythm.is_pyloric.mean()),
    }


def arrays() -> dict[str, float]:
    """The formulation in JAX on the default device."""
    many, method = circuits(ARRAYS_CIRCUITS), ExponentialEuler()

    def run():
        conductance_spikes(many, method, duration=ARRAYS_DURATION)

    first, second = _seconds(run), _seconds(run)
    return {
        "seconds_first_call": first,
        "circuit_seconds_per_second": ARRAYS_CIRCUITS * ARRAYS_DURATION / 1000 / second,
    }


def accuracy() -> dict[str, float]:
    """The largest deviation of a voltage from the peer's over the first 100 ms, and the table's."""
    one, method = pyloric_circuit_5a(), TabulatedEuler()
    volts = np.empty((3, 4001))
    conductances = np.asarray(one.maximal_conductances) * one.area
    one_circuit(conductances, np.asarray(one.synaptic_conductances), STEP, 0.0, volts)
    found = conductance_spikes(one, method, duration=100.0, sample_every=1)
    table = method.table(one)
    return {
        "millivolts": float(np.abs(found.voltages[0].T - volts).max()),
        "table_steady_states": table.steady_error,
        "table_relaxation": table.relaxation_error,
    }


def run() -> dict[str, Any]:
    """All measurements."""
    return {
        "per_core": [per_core(0.0), per_core(NOISE)],
        "thousand_circuits": thousand_circuits(),
        "arrays": arrays(),
        "accuracy": accuracy(),
        "limits": (
            "half of the time goes into the polynomials of the gates (12 loads and 8 fused "
            "multiply-adds of eight doubles for each cell and circuit), a sixth into synapses, the "
            "rest into conductances, one exponential, one logarithm and two divisions a cell: "
            "arithmetic on vectors of eight, not memory"
        ),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
