"""The pyloric network of the stomatogastric ganglion: AB/PD, LP and PY with seven synapses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits.pyloric_cells import (
    CELL_NAMES,
    CHANNEL_NAMES,
    PYLORIC_CELLS,
    SYNAPSE_NAMES,
)
from neuropil.conductance_system import (
    AbstractConductanceSystem,
    Calcium,
    Channels,
    Gates,
    GradedSynapses,
)

_TEMPERATURE = 283.0
_GAS, _FARADAY = 8.31451e3, 96485.3415  # mJ / (mol K), C / mol
_GLUTAMATE, _ACETYLCHOLINE = (-70.0, 40.0), (-80.0, 100.0)  # reversal in mV, closing in ms
_TRANSMITTERS = (
    _GLUTAMATE, _ACETYLCHOLINE, _GLUTAMATE, _ACETYLCHOLINE, _GLUTAMATE, _GLUTAMATE, _GLUTAMATE,
)  # fmt: skip

_CHANNELS = Channels(
    names=CHANNEL_NAMES,
    reversal_potentials=np.array([50.0, np.nan, np.nan, -80.0, -80.0, -80.0, -20.0, -50.0]),
    activation_powers=np.array([3, 3, 3, 3, 4, 4, 1, 0]),
    has_inactivation=np.array([True, True, True, True, False, False, False, False]),
    carries_calcium=np.array([False, True, True, False, False, False, False, False]),
    is_gated_by_calcium=np.array([False, False, False, False, True, False, False, False]),
)
_CALCIUM = Calcium(
    baseline=0.05,
    outside=3000.0,
    half_activation=3.0,
    time_constant=200.0,
    inflow=14961.0,
    nernst_slope=_GAS * _TEMPERATURE / (2 * _FARADAY),
)
_SYNAPSES = GradedSynapses(
    names=SYNAPSE_NAMES,
    presynaptic=np.array([0, 0, 0, 0, 1, 1, 2]),
    postsynaptic=np.array([1, 1, 2, 2, 0, 2, 1]),
    reversal_potentials=np.array([reversal for reversal, _ in _TRANSMITTERS]),
    midpoints=np.full(7, -35.0),
    widths=np.full(7, 5.0),
    closing_times=np.array([closing for _, closing in _TRANSMITTERS]),
)


def _falling(voltages: Float[Array, "*v"], shift: float, width: float) -> Float[Array, "*v"]:
    """1 / (1 + exp((V + shift) / width)): rising in V where the width is negative."""
    return jax.nn.sigmoid(-(voltages + shift) / width)


def _bell(
    voltages: Float[Array, "*v"], shift_a: float, width_a: float, shift_b: float, width_b: float
) -> Float[Array, "*v"]:
    return 1 / (jnp.exp((voltages + shift_a) / width_a) + jnp.exp((voltages + shift_b) / width_b))


class StomatogastricGanglion(AbstractConductanceSystem):
    """The three-cell pyloric network with its seven synapses and 31 conductances.

    AB/PD (the pacemaker: AB and PD as one cell), LP and PY have fast sodium (Na), transient and
    slow calcium (CaT, CaS), transient potassium (A), calcium-dependent and delayed-rectifier
    potassium (KCa, Kd), hyperpolarisation-activated (H) and leak channels; `CHANNEL_NAMES` gives
    their order and `SYNAPSE_NAMES` that of the synapses, glutamatergic but for the cholinergic
    ones of PD. `maximal_conductances` (3, 8) in mS/cm^2, `synaptic_conductances` (7,) in mS,
    `injected_currents` (3,) in µA; at 10 degrees Celsius.

    Many circuits are one object with a leading axis on these arrays, made by
    `jax.vmap(StomatogastricGanglion)(conductances, synapses)`.

    Source: Prinz, Bucher and Marder, Nature Neuroscience 7:1345 (2004) and J. Neurophysiol.
    90:3998 (2003), with the constants of Goncalves et al., eLife 9:e56261 (2020).

    Raises `ValueError`, naming the parameter, for another shape, and for conductances that are
    negative or not finite.
    """

    maximal_conductances: Float[Array, "3 8"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float)
    )
    synaptic_conductances: Float[Array, " 7"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float)
    )
    injected_currents: Float[Array, " 3"] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=(0.0, 0.0, 0.0)
    )

    def __check_init__(self):
        for name, value, shape, lowest in (
            ("maximal_conductances", self.maximal_conductances, (3, 8), 0.0),
            ("synaptic_conductances", self.synaptic_conductances, (7,), 0.0),
            ("injected_currents", self.injected_currents, (3,), -np.inf),
        ):
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
            if isinstance(value, jax.core.Tracer):
                continue
            numbers = np.ravel(value)
            wrong = numbers[~np.isfinite(numbers) | (numbers < lowest)]
            if wrong.size:
                rule = "finite and not negative" if lowest == 0 else "finite"
                raise ValueError(f"{name} must be {rule}, got {wrong[0]}")

    @property
    def cell_names(self) -> tuple[str, ...]:
        """AB/PD, LP and PY."""
        return CELL_NAMES

    @property
    def channels(self) -> Channels:
        """The eight channels."""
        return _CHANNELS

    @property
    def calcium(self) -> Calcium:
        """Calcium enters through CaT and CaS and opens KCa."""
        return _CALCIUM

    @property
    def synapses(self) -> GradedSynapses:
        """The seven synapses."""
        return _SYNAPSES

    @property
    def capacitance(self) -> float:
        """0.6283 nF."""
        return 0.6283e-3

    @property
    def area(self) -> float:
        """0.628e-3 cm^2."""
        return 0.628e-3

    def activation(self, voltages: Float[Array, "*voltages"]) -> Gates:
        """m of all channels but leak."""
        v = voltages
        steady = [
            _falling(v, 25.5, -5.29),
            _falling(v, 27.1, -7.2),
            _falling(v, 33.0, -8.1),
            _falling(v, 27.2, -8.7),
            _falling(v, 28.3, -12.6),
            _falling(v, 12.3, -11.8),
            _falling(v, 75.0, 5.5),
            jnp.ones_like(v),
        ]
        times = [
            2.64 - 2.52 * _falling(v, 120.0, -25.0),
            43.4 - 42.6 * _falling(v, 68.1, -20.5),
            2.8 + 14.0 * _bell(v, 27.0, 10.0, 70.0, -13.0),
            23.2 - 20.8 * _falling(v, 32.9, -15.2),
            180.6 - 150.2 * _falling(v, 46.0, -22.7),
            14.4 - 12.8 * _falling(v, 28.3, -19.2),
            2.0 / (jnp.exp(-14.59 - 0.086 * v) + jnp.exp(-1.87 + 0.0701 * v)),
            jnp.ones_like(v),
        ]
        return Gates(jnp.stack(steady, axis=-1), jnp.stack(times, axis=-1))

    def inactivation(self, voltages: Float[Array, "*voltages"]) -> Gates:
        """h of Na, CaT, CaS and A."""
        v = voltages
        one = jnp.ones_like(v)
        steady = [
            _falling(v, 48.9, 5.18),
            _falling(v, 32.1, 5.5),
            _falling(v, 60.0, 6.2),
            _falling(v, 56.9, 4.9),
        ]
        times = [
            1.34 * _falling(v, 62.9, -10.0) * (1.5 + _falling(v, 34.9, 3.6)),
            210.0 - 179.6 * _falling(v, 55.0, -16.9),
            120.0 + 300.0 * _bell(v, 55.0, 9.0, 65.0, -16.0),
            77.2 - 58.4 * _falling(v, 38.9, -26.5),
        ]
        rest = [one] * 4
        return Gates(jnp.stack(steady + rest, axis=-1), jnp.stack(times + rest, axis=-1))


def pyloric_circuit(
    cells: tuple[str, str, str],
    synaptic_conductances: Float[Array | np.ndarray, " 7"] | tuple[float, ...],
) -> StomatogastricGanglion:
    """A circuit of three model cells of `PYLORIC_CELLS` with given synapses (mS).

    Raises `ValueError` for a cell that is not there or stands in another's place.
    """
    for name, kind in zip(cells, CELL_NAMES, strict=True):
        if name not in PYLORIC_CELLS or not name.startswith(kind):
            known = ", ".join(each for each in PYLORIC_CELLS if each.startswith(kind))
            raise ValueError(f"cells must hold one of {known} for {kind}, got {name!r}")
    return StomatogastricGanglion(
        jnp.array([PYLORIC_CELLS[name] for name in cells]),
        jnp.asarray(synaptic_conductances, float),
    )


def pyloric_circuits(
    parameters: Float[Array | np.ndarray, "circuits parameters"],
    cells: StomatogastricGanglion | None = None,
) -> StomatogastricGanglion:
    """Many circuits from rows of parameters: one object with a leading axis on every array.

    Rows of 31 are those of `pyloric_parameters` (conductances in mS/cm^2, synapses in mS); rows
    of 7 are the synapses alone, and the rest is that of `cells`. Differentiable.

    Raises `ValueError` for rows of another length, for rows of 7 without `cells`, and as
    `StomatogastricGanglion`.
    """
    rows = jnp.asarray(parameters, float)
    n_cells, n_channels, n_synapses = len(CELL_NAMES), len(CHANNEL_NAMES), len(SYNAPSE_NAMES)
    n_conductances = n_cells * n_channels
    if rows.ndim != 2 or rows.shape[1] not in (n_synapses, n_conductances + n_synapses):
        raise ValueError(f"parameters must be rows of 31 or of 7 numbers, got shape {rows.shape}")
    if rows.shape[1] == n_synapses:
        if cells is None:
            raise ValueError("cells must be a circuit where parameters holds the synapses alone")
        conductances = jnp.broadcast_to(
            cells.maximal_conductances, (rows.shape[0], n_cells, n_channels)
        )
    else:
        conductances = rows[:, :n_conductances].reshape(-1, n_cells, n_channels)
    if not isinstance(rows, jax.core.Tracer):
        wrong = np.argwhere(~(np.isfinite(rows) & (np.asarray(rows) >= 0)))
        if wrong.size:
            row, column = wrong[0]
            raise ValueError(
                f"parameters must be finite and not negative, got {rows[row, column]} in row {row}"
            )
    return jax.vmap(StomatogastricGanglion)(conductances, rows[:, -n_synapses:])


def pyloric_circuit_5a() -> StomatogastricGanglion:
    """The cells of figure 5a of Prinz et al. 2004, with synapses that give a pyloric rhythm.

    Of the two pacemakers named for that figure, AB/PD 1; with AB/PD 2 and these synapses, and
    without noise, the pacemaker stays silent.
    """
    return pyloric_circuit(("AB/PD 1", "LP 3", "PY 1"), (1e-5, 1e-4, 1e-5, 3e-6, 3e-5, 1e-6, 3e-6))


def pyloric_circuit_5b() -> StomatogastricGanglion:
    """The cells of figure 5b of Prinz et al. 2004, with the synapses of `pyloric_circuit_5a`.

    With these synapses, and without noise, the pacemaker stays silent.
    """
    return pyloric_circuit(("AB/PD 5", "LP 4", "PY 5"), (1e-5, 1e-4, 1e-5, 3e-6, 3e-5, 1e-6, 3e-6))


__all__ = [
    "StomatogastricGanglion",
    "pyloric_circuit",
    "pyloric_circuit_5a",
    "pyloric_circuit_5b",
    "pyloric_circuits",
]
