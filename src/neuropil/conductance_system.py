"""Conductance-based cells of one compartment: channels, calcium and graded synapses as a system."""

from abc import abstractmethod
from itertools import pairwise
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class Channels(NamedTuple):
    """The ion channels that every cell has, one number for each of them.

    A channel conducts g m^p h: m to the power `activation_powers` (0 where nothing activates it),
    and h where `has_inactivation`. `reversal_potentials` (mV) are not looked at where
    `carries_calcium`, whose reversal potential is that of calcium. Where `is_gated_by_calcium`
    the steady state of m is multiplied by c / (c + half activation), c being the concentration.
    """

    names: tuple[str, ...]
    reversal_potentials: Float[np.ndarray, " channels"]
    activation_powers: Int[np.ndarray, " channels"]
    has_inactivation: Bool[np.ndarray, " channels"]
    carries_calcium: Bool[np.ndarray, " channels"]
    is_gated_by_calcium: Bool[np.ndarray, " channels"]


class Calcium(NamedTuple):
    """Calcium in each cell: tau dc/dt = baseline - inflow I - c, and E = slope ln(outside / c).

    Concentrations in µM, `time_constant` in ms, `inflow` in µM per µA of calcium current,
    `nernst_slope` in mV.
    """

    baseline: float
    outside: float
    half_activation: float
    time_constant: float
    inflow: float
    nernst_slope: float


class GradedSynapses(NamedTuple):
    """Synapses whose transmitter follows the presynaptic voltage, one number for each of them.

    Open fraction s: ds/dt = (s_inf - s) / tau with s_inf = 1 / (1 + exp((midpoint - V) / width))
    and tau = closing_time (1 - s_inf); current g s (V - reversal). mV and ms.
    """

    names: tuple[str, ...]
    presynaptic: Int[np.ndarray, " synapses"]
    postsynaptic: Int[np.ndarray, " synapses"]
    reversal_potentials: Float[np.ndarray, " synapses"]
    midpoints: Float[np.ndarray, " synapses"]
    widths: Float[np.ndarray, " synapses"]
    closing_times: Float[np.ndarray, " synapses"]


class Gates(NamedTuple):
    """Steady states and time constants (ms) of the gates of all channels at some voltages."""

    steady_states: Float[Array, "*voltages channels"]
    time_constants: Float[Array, "*voltages channels"]


class ConductanceState(NamedTuple):
    """The parts of a state; gates that a channel does not have are 1."""

    voltages: Float[Array, " cells"]
    calcium: Float[Array, " cells"]
    activations: Float[Array, "cells channels"]
    inactivations: Float[Array, "cells channels"]
    synapses: Float[Array, " synapses"]


class AbstractConductanceSystem(AbstractSystem):
    """Cells with the same kinds of channels, in densities of their own, and graded synapses.

    The membrane of each cell obeys C dV/dt = sum g (E - V) over its channels and the synapses
    onto it, plus `injected_currents`. Whoever derives from this class says which channels, which
    calcium and which synapses (the three properties), and how gates depend on the voltage of a
    cell (the two methods, written for JAX, elementwise in the voltages); the equations follow,
    and every verb takes them. `maximal_conductances` are in mS/cm^2, `synaptic_conductances` in
    mS, `capacitance` in µF and `area` in cm^2, both of one cell, `injected_currents` in µA.
    """

    maximal_conductances: eqx.AbstractVar[Float[Array, "cells channels"]]
    synaptic_conductances: eqx.AbstractVar[Float[Array, " synapses"]]
    injected_currents: eqx.AbstractVar[Float[Array, " cells"]]

    @property
    @abstractmethod
    def cell_names(self) -> tuple[str, ...]:
        """One name for each cell."""

    @property
    @abstractmethod
    def channels(self) -> Channels:
        """The channels of every cell."""

    @property
    @abstractmethod
    def calcium(self) -> Calcium:
        """Calcium in every cell."""

    @property
    @abstractmethod
    def synapses(self) -> GradedSynapses:
        """Who inhibits or excites whom."""

    @property
    @abstractmethod
    def capacitance(self) -> float:
        """Of one cell, in µF."""

    @property
    @abstractmethod
    def area(self) -> float:
        """Of the membrane of one cell, in cm^2."""

    @abstractmethod
    def activation(self, voltages: Float[Array, "*voltages"]) -> Gates:
        """Of all channels at each voltage; anything where a channel has no such gate."""

    @abstractmethod
    def inactivation(self, voltages: Float[Array, "*voltages"]) -> Gates:
        """Of all channels at each voltage; anything where a channel has no such gate."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """Voltages, calcium, activations, inactivations (cell by cell), synapses."""
        cells, channels = self.cell_names, self.channels
        return (
            *(f"{cell} voltage" for cell in cells),
            *(f"{cell} calcium" for cell in cells),
            *(f"{cell} {channels.names[k]} activation" for cell in cells for k in self._activated),
            *(
                f"{cell} {channels.names[k]} inactivation"
                for cell in cells
                for k in self._inactivated
            ),
            *(f"{name} synapse" for name in self.synapses.names),
        )

    @property
    def state_unit(self) -> str:
        """Of voltages and of calcium; gates and synapses have none."""
        return "mV (voltages), µM (calcium)"

    @property
    def _activated(self) -> list[int]:
        return [int(k) for k in np.flatnonzero(self.channels.activation_powers)]

    @property
    def _inactivated(self) -> list[int]:
        return [int(k) for k in np.flatnonzero(self.channels.has_inactivation)]

    def parts(self, state: State) -> ConductanceState:
        """Voltages, calcium, gates and synapses of a state."""
        n, width = len(self.cell_names), len(self.channels.names)
        activated, inactivated = self._activated, self._inactivated
        ends = np.cumsum([0, n, n, n * len(activated), n * len(inactivated)])
        voltages, calcium, m, h = (state[begin:end] for begin, end in pairwise(ends))
        gates = jnp.ones((n, width))
        return ConductanceState(
            voltages,
            calcium,
            gates.at[:, np.array(activated, int)].set(m.reshape(n, -1)),
            gates.at[:, np.array(inactivated, int)].set(h.reshape(n, -1)),
            state[ends[-1] :],
        )

    def join(self, parts: ConductanceState) -> State:
        """The state with the given parts: the inverse of `parts`."""
        return jnp.concatenate(
            [
                parts.voltages,
                parts.calcium,
                parts.activations[:, np.array(self._activated, int)].reshape(-1),
                parts.inactivations[:, np.array(self._inactivated, int)].reshape(-1),
                parts.synapses,
            ]
        )

    def state_at_rest(self, voltage: float = -50.0) -> State:
        """All cells at one voltage, calcium at its baseline, and everything else closed.

        Gates and synapses are 0, inactivations too: the published start of the pyloric model.
        """
        n, width = len(self.cell_names), len(self.channels.names)
        return self.join(
            ConductanceState(
                jnp.full(n, float(voltage)),
                jnp.full(n, float(self.calcium.baseline)),
                jnp.zeros((n, width)),
                jnp.zeros((n, width)),
                jnp.zeros(len(self.synapses.names)),
            )
        )

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the state, per ms."""
        del time
        parts, calcium = self.parts(state), self.calcium
        flow = membrane_flow(self, parts)
        m, h = gates_now(self, parts)
        open_fraction, synaptic_time = synapses_now(self, parts.voltages)
        return self.join(
            ConductanceState(
                (flow.drive - flow.conductance * parts.voltages) / self.capacitance,
                (calcium.baseline - calcium.inflow * flow.calcium_current - parts.calcium)
                / calcium.time_constant,
                (m.steady_states - parts.activations) / m.time_constants,
                (h.steady_states - parts.inactivations) / h.time_constants,
                (open_fraction - parts.synapses) / synaptic_time,
            )
        )


class MembraneFlow(NamedTuple):
    """C dV/dt = drive - conductance V of each cell: mS and µA; and its calcium current in µA."""

    conductance: Float[Array, " cells"]
    drive: Float[Array, " cells"]
    calcium_current: Float[Array, " cells"]


def membrane_flow(system: AbstractConductanceSystem, parts: ConductanceState) -> MembraneFlow:
    """Total conductance and drive of each cell in a state."""
    channels, synapses = system.channels, system.synapses
    conductances = (
        system.maximal_conductances
        * system.area
        * integer_powers(parts.activations, channels.activation_powers)
        * parts.inactivations
    )
    carries = jnp.asarray(channels.carries_calcium, float)
    fixed = jnp.asarray(np.where(channels.carries_calcium, 0.0, channels.reversal_potentials))
    reversal = calcium_reversal(system, parts.calcium)
    through_calcium = jnp.sum(conductances * carries[None], axis=1)
    arriving = system.synaptic_conductances * parts.synapses
    none = jnp.zeros(parts.voltages.size)
    post = synapses.postsynaptic
    return MembraneFlow(
        jnp.sum(conductances, axis=1) + none.at[post].add(arriving),
        jnp.sum(conductances * fixed[None], axis=1)
        + through_calcium * reversal
        + none.at[post].add(arriving * jnp.asarray(synapses.reversal_potentials))
        + system.injected_currents,
        through_calcium * (parts.voltages - reversal),
    )


def gates_now(system: AbstractConductanceSystem, parts: ConductanceState) -> tuple[Gates, Gates]:
    """Steady states and time constants of activations and inactivations; 1 where there is none."""
    channels = system.channels
    share = (parts.calcium / (parts.calcium + system.calcium.half_activation))[:, None]
    factor = jnp.where(channels.is_gated_by_calcium[None], share, 1.0)
    m, h = system.activation(parts.voltages), system.inactivation(parts.voltages)
    active, inactive = channels.activation_powers[None] > 0, channels.has_inactivation[None]
    return (
        Gates(
            jnp.where(active, m.steady_states * factor, 1.0),
            jnp.where(active, m.time_constants, 1.0),
        ),
        Gates(
            jnp.where(inactive, h.steady_states, 1.0), jnp.where(inactive, h.time_constants, 1.0)
        ),
    )


def synapses_now(
    system: AbstractConductanceSystem, voltages: Float[Array, " cells"]
) -> tuple[Float[Array, " synapses"], Float[Array, " synapses"]]:
    """Steady open fraction and time constant (ms) of each synapse."""
    synapses = system.synapses
    above = (voltages[synapses.presynaptic] - synapses.midpoints) / synapses.widths
    excess = jnp.exp(above)
    return excess / (1 + excess), jnp.asarray(synapses.closing_times) / (1 + excess)


def calcium_reversal(
    system: AbstractConductanceSystem, calcium: Float[Array, " cells"]
) -> Float[Array, " cells"]:
    """Nernst potential of calcium in each cell, in mV."""
    constants = system.calcium
    return constants.nernst_slope * jnp.log(constants.outside / calcium)


def integer_powers(
    bases: Float[Array, "cells channels"], powers: Int[np.ndarray, " channels"]
) -> Float[Array, "cells channels"]:
    """Each column to its power, by multiplications alone."""
    result, square, left = jnp.ones_like(bases), bases, np.asarray(powers)
    while np.any(left > 0):
        result = jnp.where((left % 2 == 1)[None], result * square, result)
        square, left = square * square, left // 2
    return result


__all__ = [
    "AbstractConductanceSystem",
    "Calcium",
    "Channels",
    "ConductanceState",
    "Gates",
    "GradedSynapses",
    "MembraneFlow",
    "calcium_reversal",
    "gates_now",
    "integer_powers",
    "membrane_flow",
    "synapses_now",
]
