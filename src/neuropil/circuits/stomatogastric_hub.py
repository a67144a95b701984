"""The hub of the stomatogastric ganglion: two fast and two slow cells that compete for it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.system import AbstractNoisySystem
from neuropil.types import Scalar, State

HUB_CELL_NAMES = ("fast 1", "fast 2", "hub", "slow 1", "slow 2")
HUB = HUB_CELL_NAMES.index("hub")
_N_CELLS = len(HUB_CELL_NAMES)
_CALCIUM = (0.019, 0.019, 0.017, 0.0085, 0.0085)
_POTASSIUM = (0.039, 0.039, 0.019, 0.015, 0.015)
_HYPERPOLARISATION = (0.025, 0.025, 0.008, 0.010, 0.010)
_CAPACITANCE = 1.0  # nF
_LEAK_REVERSAL, _CALCIUM_REVERSAL, _POTASSIUM_REVERSAL = -40.0, 100.0, -80.0
_HYPERPOLARISATION_REVERSAL, _SYNAPTIC_REVERSAL = -20.0, -75.0
_START = (
    -41.69771, -43.19491, 8.83992, -68.79824, 30.48103,
    0.00151316, 0.19784773, 0.56514935, 0.12214069, 0.35290397,
    0.08614699, 0.04938177, 0.05568701, 0.07007949, 0.05790969,
)  # fmt: skip

# Gap junctions join fast 2 with the hub and the hub with slow 2.
_GAPS = np.array(
    [[0, 0, 0, 0, 0], [0, -1, 1, 0, 0], [0, 1, -2, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, -1]], float
)
# Onto (row) whom (column): within the fast and within the slow pair, and onto the hub.
_SIDES = np.array(
    [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]], float
)
_ONTO_HUB = np.zeros((_N_CELLS, _N_CELLS))
_ONTO_HUB[HUB, [0, 3]] = 1


class StomatogastricHub(AbstractNoisySystem):
    """Five Morris-Lecar cells: the hub follows the fast or the slow pair, or goes between.

    Each cell has leak, calcium, potassium and hyperpolarisation-activated currents; the state is
    the five voltages (mV), then the activations of potassium, then those of the
    hyperpolarisation-activated current. `electrical_conductance` (nS) couples the hub with fast 2
    and slow 2, `hub_inhibition` (nS) is that of fast 1 and slow 1 onto the hub, `side_inhibition`
    (nS) that between the cells of each pair. `calcium_conductances`, `potassium_conductances`
    and `hyperpolarisation_conductances` have one value for each cell, in µS. `noise` is white,
    on the voltages, in mV per square-root ms; by default that of the published step of 25 ms.

    Source: Gutierrez, O'Leary and Marder, Neuron 77:845 (2013), with the constants of Bittner et
    al., eLife 10:e56265 (2021).

    Raises `ValueError`, naming the parameter, for another shape and for numbers that are
    negative or not finite.
    """

    electrical_conductance: Scalar = eqx.field(converter=lambda value: jnp.asarray(value, float))
    hub_inhibition: Scalar = eqx.field(converter=lambda value: jnp.asarray(value, float))
    side_inhibition: Scalar = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=5.0
    )
    calcium_conductances: Float[Array, " 5"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=_CALCIUM
    )
    potassium_conductances: Float[Array, " 5"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=_POTASSIUM
    )
    hyperpolarisation_conductances: Float[Array, " 5"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=_HYPERPOLARISATION
    )
    leak_conductance: Scalar = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=1e-4
    )
    noise: Scalar = eqx.field(converter=lambda value: jnp.asarray(value, float), default=0.005)

    def __check_init__(self):
        for name, value in vars(self).items():
            shape = (_N_CELLS,) if name.endswith("conductances") else ()
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
            if isinstance(value, jax.core.Tracer):
                continue
            numbers = np.ravel(value)
            wrong = numbers[~np.isfinite(numbers) | (numbers < 0)]
            if wrong.size:
                raise ValueError(f"{name} must be finite and not negative, got {wrong[0]}")

    @property
    def state_names(self) -> tuple[str, ...]:
        """Voltages, then both activations, cell by cell."""
        return tuple(
            f"{cell} {what}"
            for what in ("voltage", "potassium activation", "hyperpolarisation activation")
            for cell in HUB_CELL_NAMES
        )

    @property
    def state_unit(self) -> str:
        """Of voltages; activations have none."""
        return "mV (voltages)"

    def published_start(self) -> State:
        """The state in which all published simulations begin."""
        return jnp.array(_START)

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the state, per ms."""
        del time
        v, n, h = jnp.split(state, 3)
        released = jax.nn.sigmoid((v + 25.0) / 5.0)
        inhibition = 1e-3 * (
            self.hub_inhibition * (_ONTO_HUB @ released)
            + self.side_inhibition * (_SIDES @ released)
        )
        open_calcium = 0.5 * (1 + jnp.tanh(v / 20.0))
        current = (
            self.leak_conductance * (_LEAK_REVERSAL - v)
            + self.calcium_conductances * open_calcium * (_CALCIUM_REVERSAL - v)
            + self.potassium_conductances * n * (_POTASSIUM_REVERSAL - v)
            + self.hyperpolarisation_conductances * h * (_HYPERPOLARISATION_REVERSAL - v)
            + inhibition * (_SYNAPTIC_REVERSAL - v)
            + 1e-3 * self.electrical_conductance * (_GAPS @ v)
        )
        potassium_rate = 0.002 * jnp.cosh(v / 30.0)
        potassium_target = 0.5 * (1 + jnp.tanh(v / 15.0))
        h_time = 272.0 + 1499.0 * jax.nn.sigmoid((v + 42.2) / 87.3)
        h_target = jax.nn.sigmoid(-(v + 78.3) / 10.5)
        return jnp.concatenate(
            [
                current / _CAPACITANCE,
                potassium_rate * (potassium_target - n),
                (h_target - h) / h_time,
            ]
        )

    def noise_amplitude(self, time: Scalar, state: State) -> State:
        """`noise` on the voltages, nothing on the activations."""
        del time, state
        return self.noise * jnp.repeat(jnp.array([1.0, 0.0]), np.array([_N_CELLS, 2 * _N_CELLS]))


__all__ = ["HUB", "HUB_CELL_NAMES", "StomatogastricHub"]
