"""The compiled loop over time steps of conductance-based cells, eight circuits at a time.

Per step, with everything on the right taken before it: conductances and calcium current from the
gates; calcium, then voltage, by exponential Euler; gates by exponential Euler towards the steady
state at the old voltage; synapses by forward Euler, at most to their steady state. This is the
order of the published simulator (Goncalves et al., eLife 9:e56261, 2020). With `gates_first`
conductances are those of the new gates and synapses.

Lanes are circuits, except for the gates of one cell: there the lanes are its channels, so that
one row of the table serves them all.
"""

from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int, UInt8

from neuropil.simulate.conductance_endings import (
    FINISHED,
    NOT_FINITE,
    STOPPED,
    TOO_MANY_SPIKES,
    VOLTAGE_OUT_OF_RANGE,
)
from neuropil.simulate.gate_tables import N_KINDS, ORDER
from neuropil.simulate.vector_functions import (
    LARGEST_EXPONENT,
    exponential,
    logarithm_of_parts,
    split,
    two_normals,
)
from neuropil.simulate.vector_lanes import (
    LANES,
    as_byte,
    as_words,
    below,
    each,
    load,
    load_truths,
    load_words,
    multiply_add,
    store,
    transposed,
    where,
)

STEPS_BETWEEN_LOOKS = 4096
"""Steps after which the flag that stops a loop is looked at."""

LITTLE = 1e-5


class Circuit(NamedTuple):
    """What all circuits share, as arrays and numbers for the compiled loop.

    Conductances are in mS; `relaxations` of calcium and `step_over_capacitance` belong to one
    step. `power_bits` holds, for the powers 1, 2 and 4, one byte for each eight channels.
    """

    rows: Float[np.ndarray, " numbers"]
    n_intervals: int
    lowest: float
    highest: float
    spacing: float
    width: int
    power_bits: UInt8[np.ndarray, " bytes"]
    calcium_bits: UInt8[np.ndarray, " bytes"]
    reversal: Float[np.ndarray, " channels"]
    carries_calcium: Float[np.ndarray, " channels"]
    baseline: float
    log_outside: float
    nernst_slope: float
    half_activation: float
    inflow: float
    calcium_kept: float
    step: float
    step_over_capacitance: float
    postsynaptic: Int[np.ndarray, " synapses"]
    synaptic_reversal: Float[np.ndarray, " synapses"]
    synaptic_rate: Float[np.ndarray, " synapses"]
    release_of: Int[np.ndarray, " synapses"]
    release_cell: Int[np.ndarray, " releases"]
    midpoint: Float[np.ndarray, " releases"]
    inverse_width: Float[np.ndarray, " releases"]
    gates_first: bool


class Lanes(NamedTuple):
    """States and parameters of eight circuits; changed in place.

    Flat arrays whose last axis is the circuit, except `gates` (cell, circuit, m and h, channel)
    and `conductances` (cell, circuit, channel).
    """

    voltages: Float[np.ndarray, " cells_8"]
    calcium: Float[np.ndarray, " cells_8"]
    gates: Float[np.ndarray, " cells_8_2_channels"]
    synapses: Float[np.ndarray, " synapses_8"]
    conductances: Float[np.ndarray, " cells_8_channels"]
    synaptic_conductances: Float[np.ndarray, " synapses_8"]
    injected: Float[np.ndarray, " cells_8"]
    streams: Int[np.ndarray, " 8"]


class Recorder(NamedTuple):
    """Where spikes and samples go, and how each circuit ended; changed in place."""

    times: Float[np.ndarray, "8 cells spikes"]
    counts: Int[np.ndarray, "8 cells"]
    sampled: Float[np.ndarray, "samples cells 8"]
    endings: Int[np.ndarray, " 8"]
    failing_cells: Int[np.ndarray, " 8"]
    end_steps: Int[np.ndarray, " 8"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _quadratic(rows, place, x, stride):
    value = multiply_add(load(rows, place + 2 * stride), x, load(rows, place + stride))
    return multiply_add(value, x, load(rows, place))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _move_synapses(
    voltages, synapses, strengths, injected, postsynaptic, reversal, rate, release_of,
    release_cell, midpoint, inverse_width, released, excess, onto, pull, gates_first,
):  # fmt: skip
    """The step of the synapses, and their conductance and drive onto each cell before it."""
    zero, one = each(0.0), each(1.0)
    for place in range(0, onto.size, 8):
        store(onto, place, zero)
        store(pull, place, load(injected, place))
    for r in range(release_cell.size):
        v = load(voltages, 8 * release_cell[r])
        above = (v - each(midpoint[r])) * each(inverse_width[r])
        above = where(above < each(LARGEST_EXPONENT), above, each(LARGEST_EXPONENT))
        above = where(each(-LARGEST_EXPONENT) < above, above, each(-LARGEST_EXPONENT))
        e = exponential(above)
        more = one + e
        store(excess, 8 * r, more)
        store(released, 8 * r, e / more)
    for k in range(postsynaptic.size):
        s = load(synapses, 8 * k)
        r = 8 * release_of[k]
        share = load(excess, r) * each(rate[k])
        share = where(share < one, share, one)
        new = multiply_add(share, load(released, r) - s, s)
        store(synapses, 8 * k, new)
        conductance = load(strengths, 8 * k) * (new if gates_first else s)
        place = 8 * postsynaptic[k]
        store(onto, place, load(onto, place) + conductance)
        drive = multiply_add(conductance, each(reversal[k]), load(pull, place))
        store(pull, place, drive)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _note(circuit, lanes, recorder, cell, before, after, threshold, step_number):
    """Spikes and failures of one cell in this step; circuits that have ended say no more."""
    for lane in range(8):
        if recorder.endings[lane] != FINISHED:
            continue
        old, new = before[lane], after[lane]
        ending = FINISHED
        if not (np.isfinite(new) and lanes.calcium[8 * cell + lane] > 0):
            ending = NOT_FINITE
        elif new < circuit.lowest or new >= circuit.highest:
            ending = VOLTAGE_OUT_OF_RANGE
        elif old < threshold and new >= threshold:
            n = recorder.counts[lane, cell]
            if n == recorder.times.shape[2]:
                ending = TOO_MANY_SPIKES
            else:
                share = (threshold - old) / (new - old)
                recorder.times[lane, cell, n] = circuit.step * (step_number - 1 + share)
                recorder.counts[lane, cell] = n + 1
        if ending != FINISHED:
            recorder.endings[lane] = ending
            recorder.failing_cells[lane] = cell
            recorder.end_steps[lane] = step_number


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def simulate_lanes(circuit, lanes, recorder, n_steps, threshold, noise, sample_every, stop):
    """Follow eight circuits for some steps; stop early where all ended, or where asked to."""
    # An array read from a tuple costs a reference count each time: all are read once, here.
    voltages, concentrations, gates = lanes.voltages, lanes.calcium, lanes.gates
    conductances, synapses, injected = lanes.conductances, lanes.synapses, lanes.injected
    strengths, postsynaptic = lanes.synaptic_conductances, circuit.postsynaptic
    synaptic_reversal, rate = circuit.synaptic_reversal, circuit.synaptic_rate
    release_of, release_cell = circuit.release_of, circuit.release_cell
    midpoint, inverse_width = circuit.midpoint, circuit.inverse_width
    power_bits, calcium_bits = circuit.power_bits, circuit.calcium_bits
    fixed_reversal, carries_calcium = circuit.reversal, circuit.carries_calcium
    endings, sampled = recorder.endings, recorder.sampled
    rows, width, gates_first = circuit.rows, circuit.width, circuit.gates_first
    stride, n_blocks = N_KINDS * width, width // LANES
    row_size = (ORDER + 1) * stride
    n_cells = voltages.size // 8
    n_releases = max(1, release_cell.size)
    released, excess = np.empty(8 * n_releases), np.empty(8 * n_releases)
    onto, pull = np.empty(8 * n_cells), np.empty(8 * n_cells)
    normals = np.zeros(8 * (n_cells + 1))
    rows_of, fractions, shares = np.empty(8, np.int64), np.empty(8), np.empty(8)
    before, after, flows = np.empty(8), np.empty(8), np.empty(64)
    zero, one, sixth, minus_half = each(0.0), each(1.0), each(1.0 / 6.0), each(-0.5)
    last = each(circuit.n_intervals - 1e-9)
    first_volt, per_volt = each(circuit.lowest), each(1.0 / circuit.spacing)
    top_volt, threshold8 = each(circuit.highest), each(threshold)
    half, kept = each(circuit.half_activation), each(circuit.calcium_kept)
    slope, log_outside = each(circuit.nernst_slope), each(circuit.log_outside)
    inflow, baseline = each(-circuit.inflow), each(circuit.baseline)
    dt_c = each(circuit.step_over_capacitance)
    stream = load_words(lanes.streams, 0)
    for now in range(1, n_steps + 1):
        _move_synapses(
            voltages, synapses, strengths, injected, postsynaptic, synaptic_reversal, rate,
            release_of, release_cell, midpoint, inverse_width, released, excess, onto, pull,
            gates_first,
        )  # fmt: skip
        if noise > 0:
            for c in range(0, n_cells, 2):
                stream, x, y = two_normals(stream)
                store(normals, 8 * c, x)
                store(normals, 8 * c + 8, y)
            for c in range(n_cells):
                drive = multiply_add(load(normals, 8 * c), each(noise), load(pull, 8 * c))
                store(pull, 8 * c, drive)
        for c in range(n_cells):
            v, calcium = load(voltages, 8 * c), load(concentrations, 8 * c)
            x = (v - first_volt) * per_volt
            x = where(x < last, x, last)
            x = where(x < zero, zero, x)
            row = below(x)
            store(rows_of, 0, as_words(row))
            store(fractions, 0, x - row)
            # One division gives both calcium / (calcium + half) and the ratio of the logarithm.
            mantissa, power = split(calcium)
            over, under = calcium + half, mantissa + one
            inverse = one / (over * under)
            store(shares, 0, calcium * (inverse * under))
            log_calcium = logarithm_of_parts((mantissa - one) * (inverse * over), power)
            reversal = (log_outside - log_calcium) * slope

            total, drive, through_calcium = load(onto, 8 * c), load(pull, 8 * c), zero
            for block in range(n_blocks):
                by_one = load_truths(power_bits, block)
                by_two = load_truths(power_bits, n_blocks + block)
                by_four = load_truths(power_bits, 2 * n_blocks + block)
                by_calcium = load_truths(calcium_bits, block)
                shift = 8 * block
                for lane in range(8):
                    place = rows_of[lane] * row_size + shift
                    fraction = each(fractions[lane])
                    own = (8 * c + lane) * width + shift
                    m = load(gates, own + (8 * c + lane) * width)
                    h = load(gates, own + (8 * c + lane + 1) * width)
                    steady = _quadratic(rows, place, fraction, stride)
                    steady = where(by_calcium, steady * each(shares[lane]), steady)
                    moved = _quadratic(rows, place + width, fraction, stride)
                    new_m = multiply_add(moved, steady - m, m)
                    store(gates, own + (8 * c + lane) * width, new_m)
                    steady = _quadratic(rows, place + 2 * width, fraction, stride)
                    moved = _quadratic(rows, place + 3 * width, fraction, stride)
                    new_h = multiply_add(moved, steady - h, h)
                    store(gates, own + (8 * c + lane + 1) * width, new_h)
                    if gates_first:
                        m, h = new_m, new_h
                    squared = m * m
                    flow = load(conductances, own) * h
                    flow = where(by_one, flow * m, flow)
                    flow = where(by_two, flow * squared, flow)
                    flow = where(by_four, flow * (squared * squared), flow)
                    store(flows, 8 * lane, flow)
                by_channel = transposed(
                    load(flows, 0), load(flows, 8), load(flows, 16), load(flows, 24),
                    load(flows, 32), load(flows, 40), load(flows, 48), load(flows, 56),
                )  # fmt: skip
                # Two chains of sums of four wait less than one of eight.
                total_2, drive_2, calcium_2 = zero, zero, zero
                for k in range(4):
                    flow, flow_2 = by_channel[k], by_channel[k + 4]
                    total, total_2 = total + flow, total_2 + flow_2
                    place, place_2 = shift + k, shift + k + 4
                    drive = multiply_add(flow, each(fixed_reversal[place]), drive)
                    drive_2 = multiply_add(flow_2, each(fixed_reversal[place_2]), drive_2)
                    through_calcium = multiply_add(
                        flow, each(carries_calcium[place]), through_calcium
                    )
                    calcium_2 = multiply_add(flow_2, each(carries_calcium[place_2]), calcium_2)
                total, drive = total + total_2, drive + drive_2
                through_calcium = through_calcium + calcium_2
            current = through_calcium * (v - reversal)
            target = multiply_add(current, inflow, baseline)
            calcium = multiply_add(kept, calcium - target, target)
            store(concentrations, 8 * c, calcium)
            drive = multiply_add(through_calcium, reversal, drive)
            decay = total * dt_c
            conducts = each(LITTLE) < decay
            rest = drive / where(conducts, total, one)
            exponent = where(decay < each(LARGEST_EXPONENT), decay, each(LARGEST_EXPONENT))
            new = multiply_add(exponential(zero - exponent), v - rest, rest)
            if as_byte(conducts) != 255:
                # Where little flows, the resting voltage is far away and the difference from it
                # loses digits; there (1 - exp(-decay)) / decay is its series.
                series = multiply_add(multiply_add(decay, sixth, minus_half), decay, one)
                push = multiply_add(zero - total, v, drive)
                new = where(conducts, new, multiply_add(push * series, dt_c, v))
            store(voltages, 8 * c, new)
            spikes = as_byte((v < threshold8) & (new >= threshold8))
            inside = as_byte((new >= first_volt) & (new < top_volt) & (zero < calcium))
            if spikes != 0 or inside != 255:
                store(before, 0, v)
                store(after, 0, new)
                _note(circuit, lanes, recorder, c, before, after, threshold, now)
        if sample_every > 0 and now % sample_every == 0:
            sampled[now // sample_every] = voltages.reshape(n_cells, 8)
        if now % STEPS_BETWEEN_LOOKS == 0:
            if stop[0] != 0:
                for lane in range(8):
                    if endings[lane] == FINISHED:
                        endings[lane] = STOPPED
                        recorder.end_steps[lane] = now
                return
            if np.all(endings != FINISHED):
                return


__all__ = ["STEPS_BETWEEN_LOOKS", "Circuit", "Lanes", "Recorder", "simulate_lanes"]
