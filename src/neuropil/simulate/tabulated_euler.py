"""Exponential Euler steps with tabulated gates, eight circuits at a time on each core."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from math import exp, log

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from neuropil.conductance_system import AbstractConductanceSystem
from neuropil.connectivity.random_streams import scrambled, stream_seed, stream_start
from neuropil.simulate.conductance_endings import FINISHED
from neuropil.simulate.conductance_kernel import Circuit, Lanes, Recorder, simulate_lanes
from neuropil.simulate.conductance_methods import (
    AbstractConductanceMethod,
    ConductanceOutcome,
    ConductanceRequest,
    first_circuit,
    require_step_and_noise,
)
from neuropil.simulate.gate_tables import GateTable, gate_table
from neuropil.simulate.vector_lanes import LANES, aligned


class TabulatedEuler(AbstractConductanceMethod):
    """Exponential Euler on the host, the gates from a table: the fast method on processors.

    The scheme of `ExponentialEuler`, order 1 in `step` (ms). Steady states and relaxation of all
    gates are quadratic polynomials on intervals of `voltage_spacing` mV from `lowest_voltage` to
    `highest_voltage`; a table that deviates from the functions by more than `table_tolerance`
    (absolute in steady states, relative in relaxation) is refused, and a circuit whose voltage
    leaves the range ends there. Circuits may differ in conductances, synapses and currents; what
    else a system holds must be the same in all of them. Noise and `gates_first` as in
    `AbstractConductanceMethod`.

    Raises `ValueError`, naming the field, for a step or spacing that is not positive, negative
    noise, and a range that is empty.
    """

    step: float = eqx.field(static=True, default=0.025)
    noise: float = eqx.field(static=True, default=0.0)
    noise_is_white: bool = eqx.field(static=True, default=False)
    gates_first: bool = eqx.field(static=True, default=False)
    lowest_voltage: float = eqx.field(static=True, default=-150.0)
    highest_voltage: float = eqx.field(static=True, default=150.0)
    voltage_spacing: float = eqx.field(static=True, default=0.25)
    table_tolerance: float = eqx.field(static=True, default=1e-6)

    def __check_init__(self):
        require_step_and_noise(self)
        for name in ("voltage_spacing", "table_tolerance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.lowest_voltage + self.voltage_spacing <= self.highest_voltage:
            raise ValueError(
                "lowest_voltage must lie below highest_voltage by at least voltage_spacing, got "
                f"{self.lowest_voltage} and {self.highest_voltage} mV"
            )

    def table(self, system: AbstractConductanceSystem) -> GateTable:
        """The table of one circuit, with its errors."""
        return gate_table(
            system,
            self.step,
            lowest=self.lowest_voltage,
            highest=self.highest_voltage,
            spacing=self.voltage_spacing,
            tolerance=self.table_tolerance,
        )

    def require(self, systems: AbstractConductanceSystem, n_circuits: int) -> None:
        """Circuits must have the same kinetics."""
        rest = eqx.tree_at(
            lambda s: (s.maximal_conductances, s.synaptic_conductances, s.injected_currents),
            systems,
            (None, None, None),
        )
        for leaf in jax.tree.leaves(eqx.filter(rest, eqx.is_array)):
            if not np.all(np.asarray(leaf) == np.asarray(leaf[:1])):
                raise ValueError(
                    "systems may differ only in conductances, synapses and injected currents for "
                    "`TabulatedEuler`: use `ExponentialEuler`"
                )
        powers = first_circuit(systems).channels.activation_powers
        if np.any((powers < 0) | (powers > 7)):
            raise ValueError(f"activation_powers must lie between 0 and 7, got {powers}")

    def run(
        self,
        systems: AbstractConductanceSystem,
        starts: Float[np.ndarray, "circuits dimension"],
        request: ConductanceRequest,
    ) -> ConductanceOutcome:
        """Simulate in groups of eight, one group a thread at a time."""
        one = first_circuit(systems)
        table = self.table(one)
        circuit = _circuit(one, table, self.step, self.gates_first)
        n_circuits, n_cells = starts.shape[0], len(one.cell_names)
        outcome = ConductanceOutcome(
            times=np.empty((n_circuits, n_cells, 0)),
            counts=np.zeros((n_circuits, n_cells), np.int64),
            voltages=np.empty((n_circuits, request.n_samples, n_cells)),
            final_states=np.empty_like(starts),
            endings=np.zeros(n_circuits, np.int64),
            end_steps=np.zeros(n_circuits, np.int64),
            failing_cells=np.zeros(n_circuits, np.int64),
        )
        seed = None if request.key is None else stream_seed(request.key)
        stop = np.zeros(1, np.int64)

        times: dict[int, Float[np.ndarray, "group cells longest"]] = {}

        def simulate(group: int) -> int:
            chosen = np.arange(group * LANES, min((group + 1) * LANES, n_circuits))
            padded = np.resize(chosen, LANES)
            streams = np.zeros(LANES, np.int64)
            if seed is not None:
                numbers = [scrambled(np.uint64(stream_start(seed, int(i)))) for i in padded]
                streams = np.array(numbers, np.uint64).view(np.int64)
            lanes = _lanes(systems, one, starts, padded, table.width, streams)
            recorder = _recorder(request, n_cells)
            recorder.sampled[:1] = lanes.voltages.reshape(n_cells, LANES)
            simulate_lanes(
                circuit, lanes, recorder, request.n_steps, request.threshold,
                self.noise_per_step, request.sample_every, stop,
            )  # fmt: skip
            n = chosen.size
            longest = int(recorder.counts[:n].max(initial=0))
            times[group] = recorder.times[:n, :, :longest].copy()
            outcome.counts[chosen] = recorder.counts[:n]
            outcome.voltages[chosen] = np.moveaxis(recorder.sampled, 2, 0)[:n]
            outcome.final_states[chosen] = _states(one, lanes, table.width)[:n]
            outcome.endings[chosen] = recorder.endings[:n]
            reached = np.where(recorder.endings == FINISHED, request.n_steps, recorder.end_steps)
            outcome.end_steps[chosen] = reached[:n]
            outcome.failing_cells[chosen] = recorder.failing_cells[:n]
            return n

        done = 0
        try:
            for n in _on_threads(simulate, -(-n_circuits // LANES), request.workers):
                done += n
                if request.progress is not None:
                    request.progress(done, n_circuits)
        finally:
            stop[0] = 1
        return outcome._replace(times=_together(times, int(outcome.counts.max(initial=0))))


def _on_threads(simulate, n_groups: int, workers: int) -> Iterator[int]:
    """What each group returns, as they come; at most `workers` are under way."""
    queue = iter(range(n_groups))
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[int]] = set()
        try:
            while True:
                while len(running) < workers and (group := next(queue, None)) is not None:
                    running.add(pool.submit(simulate, group))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _together(
    times: dict[int, Float[np.ndarray, "group cells longest"]], longest: int
) -> Float[np.ndarray, "circuits cells longest_of_all"]:
    """The spike times of all groups in their order."""
    return np.concatenate(
        [
            np.pad(times[group], ((0, 0), (0, 0), (0, longest - times[group].shape[2])))
            for group in range(len(times))
        ]
    )


def _bits(truths: np.ndarray, width: int) -> UInt8[np.ndarray, " bytes"]:
    padded = np.zeros(width, bool)
    padded[: truths.size] = truths
    return np.packbits(padded, bitorder="little")


def _padded(values: np.ndarray, width: int) -> Float[np.ndarray, "... width"]:
    whole = np.zeros((*values.shape[:-1], width))
    whole[..., : values.shape[-1]] = values
    return whole


def _circuit(
    system: AbstractConductanceSystem, table: GateTable, step: float, gates_first: bool
) -> Circuit:
    """What all circuits share."""
    channels, calcium, synapses = system.channels, system.calcium, system.synapses
    powers, width = channels.activation_powers, table.width
    release = np.stack([synapses.presynaptic, synapses.midpoints, synapses.widths], axis=1)
    distinct, release_of = np.unique(release, axis=0, return_inverse=True)
    return Circuit(
        rows=aligned(table.rows.ravel()),
        n_intervals=table.rows.shape[0],
        lowest=float(table.lowest),
        highest=float(table.highest),
        spacing=float(table.spacing),
        width=width,
        power_bits=np.concatenate([_bits(powers & bit != 0, width) for bit in (1, 2, 4)]),
        calcium_bits=_bits(channels.is_gated_by_calcium, width),
        reversal=_padded(
            np.where(channels.carries_calcium, 0.0, channels.reversal_potentials), width
        ),
        carries_calcium=_padded(channels.carries_calcium.astype(float), width),
        baseline=float(calcium.baseline),
        log_outside=log(calcium.outside),
        nernst_slope=float(calcium.nernst_slope),
        half_activation=float(calcium.half_activation),
        inflow=float(calcium.inflow),
        calcium_kept=exp(-step / calcium.time_constant),
        step=float(step),
        step_over_capacitance=step / system.capacitance,
        postsynaptic=synapses.postsynaptic.astype(np.int64),
        synaptic_reversal=synapses.reversal_potentials.astype(float),
        synaptic_rate=step / synapses.closing_times,
        release_of=release_of.reshape(-1).astype(np.int64),
        release_cell=np.ascontiguousarray(distinct[:, 0]).astype(np.int64),
        midpoint=np.ascontiguousarray(distinct[:, 1]),
        inverse_width=1.0 / distinct[:, 2],
        gates_first=gates_first,
    )


def _flat(by_circuit: np.ndarray) -> Float[np.ndarray, " numbers"]:
    """(circuit, cell, ...) as (cell, circuit, ...), flat."""
    return aligned(np.moveaxis(by_circuit, 0, 1).astype(float)).ravel()


def _lanes(
    systems: AbstractConductanceSystem,
    one: AbstractConductanceSystem,
    starts: Float[np.ndarray, "circuits dimension"],
    chosen: Int[np.ndarray, " 8"],
    width: int,
    streams: Int[np.ndarray, " 8"],
) -> Lanes:
    n, (activated, inactivated) = len(one.cell_names), _gated(one)
    sizes = np.cumsum([n, n, n * activated.size, n * inactivated.size])
    voltages, calcium, m, h, synapses = np.split(starts[chosen], sizes, axis=1)
    gates = np.ones((LANES, n, 2, width))
    gates[:, :, 0, activated] = m.reshape(LANES, n, -1)
    gates[:, :, 1, inactivated] = h.reshape(LANES, n, -1)
    conductances = np.asarray(systems.maximal_conductances)[chosen] * one.area
    return Lanes(
        voltages=_flat(voltages),
        calcium=_flat(calcium),
        gates=_flat(gates),
        synapses=_flat(synapses),
        conductances=_flat(_padded(conductances, width)),
        synaptic_conductances=_flat(np.asarray(systems.synaptic_conductances)[chosen]),
        injected=_flat(np.asarray(systems.injected_currents)[chosen]),
        streams=streams,
    )


def _states(
    one: AbstractConductanceSystem, lanes: Lanes, width: int
) -> Float[np.ndarray, "8 dimension"]:
    n, n_channels = len(one.cell_names), len(one.channels.names)
    gates = np.moveaxis(lanes.gates.reshape(n, LANES, 2, width)[..., :n_channels], 1, 0)
    activated, inactivated = _gated(one)
    return np.concatenate(
        [
            lanes.voltages.reshape(n, LANES).T,
            lanes.calcium.reshape(n, LANES).T,
            gates[:, :, 0, activated].reshape(LANES, -1),
            gates[:, :, 1, inactivated].reshape(LANES, -1),
            lanes.synapses.reshape(-1, LANES).T,
        ],
        axis=1,
    )


def _gated(
    one: AbstractConductanceSystem,
) -> tuple[Int[np.ndarray, " activated"], Int[np.ndarray, " inactivated"]]:
    """Numbers of the channels with an activation, and of those with an inactivation."""
    channels = one.channels
    return np.flatnonzero(channels.activation_powers), np.flatnonzero(channels.has_inactivation)


def _recorder(request: ConductanceRequest, n_cells: int) -> Recorder:
    return Recorder(
        times=np.empty((LANES, n_cells, request.maximum_spikes)),
        counts=np.zeros((LANES, n_cells), np.int64),
        sampled=np.empty((request.n_samples, n_cells, LANES)),
        endings=np.zeros(LANES, np.int64),
        failing_cells=np.zeros(LANES, np.int64),
        end_steps=np.zeros(LANES, np.int64),
    )


__all__ = ["TabulatedEuler"]
