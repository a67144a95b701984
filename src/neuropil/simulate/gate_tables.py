"""Steady states and relaxation of all gates over the voltage, as rows of quadratic polynomials."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.conductance_system import AbstractConductanceSystem
from neuropil.simulate.vector_lanes import LANES

ORDER = 2
N_KINDS = 4
"""Of numbers in a row: steady states and relaxation of activations, then of inactivations."""


class GateTable(NamedTuple):
    """Gates at one step, as polynomials in the voltage: one row an interval of `spacing` mV.

    Row r holds from `lowest` + r `spacing` on, for each power 0 to 2 of the fraction of the
    interval, the coefficients of (steady m, relaxation of m, steady h, relaxation of h), each
    for all channels, padded to `width`; relaxation is 1 - exp(-step / tau). `steady_error` and
    `relaxation_error` are the largest deviations from the functions themselves halfway between
    the nodes: of steady states, and of the relaxation relative to itself.
    """

    rows: Float[np.ndarray, "intervals numbers"]
    lowest: float
    highest: float
    spacing: float
    width: int
    steady_error: float
    relaxation_error: float


def gate_table(
    system: AbstractConductanceSystem,
    step: float,
    *,
    lowest: float,
    highest: float,
    spacing: float,
    tolerance: float,
) -> GateTable:
    """Tabulate the gates of a system between two voltages (mV), for one step (ms).

    Raises `ValueError` where a gate is not finite, and where the table is off by more than
    `tolerance`.
    """
    n_intervals = round((highest - lowest) / spacing)
    nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ORDER + 1) + 0.5) / (ORDER + 1))
    starts = lowest + spacing * np.arange(n_intervals)
    values = _values(system, starts[:, None] + spacing * nodes, step)
    names = system.channels.names
    if not np.all(np.isfinite(values)):
        where = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"the gates of {names[where[-1] % len(names)]} are not finite at "
            f"{starts[where[0]]:.6g} mV: `lowest_voltage` and `highest_voltage` must enclose "
            "voltages at which they are"
        )
    to_coefficients = np.linalg.inv(np.vander(nodes, increasing=True))
    coefficients = np.einsum("pn,inkc->ipkc", to_coefficients, values)

    between = np.append(0.0, 0.5 * (nodes[1:] + nodes[:-1]))
    exact = _values(system, starts[:, None] + spacing * between, step)
    powers = np.vander(between, ORDER + 1, increasing=True)
    deviation = np.abs(np.einsum("np,ipkc->inkc", powers, coefficients) - exact)
    steady_error = float(deviation[:, :, 0::2].max())
    relative = deviation[:, :, 1::2] / np.maximum(exact[:, :, 1::2], np.finfo(float).tiny)
    relaxation_error = float(relative.max())
    if max(steady_error, relaxation_error) > tolerance:
        raise ValueError(
            f"tabulated gates are off by {max(steady_error, relaxation_error):.2g}, more than "
            f"`table_tolerance` {tolerance:.2g}: use a smaller `voltage_spacing` than {spacing} mV"
        )

    n_channels = len(names)
    width = -(-n_channels // LANES) * LANES
    rows = np.zeros((n_intervals, ORDER + 1, N_KINDS, width))
    rows[..., :n_channels] = coefficients
    return GateTable(
        rows.reshape(n_intervals, -1), lowest, highest, spacing, width, steady_error,
        relaxation_error,
    )  # fmt: skip


def _values(
    system: AbstractConductanceSystem, voltages: Float[np.ndarray, "intervals nodes"], step: float
) -> Float[np.ndarray, "intervals nodes kinds channels"]:
    """What the table holds; a gate that a channel does not have relaxes at once to 1."""
    channels = system.channels
    kinds = []
    for gates, is_there in (
        (system.activation(jnp.asarray(voltages)), channels.activation_powers > 0),
        (system.inactivation(jnp.asarray(voltages)), channels.has_inactivation),
    ):
        steady = np.where(is_there, np.asarray(gates.steady_states), 1.0)
        with np.errstate(divide="ignore"):
            relaxation = -np.expm1(-step / np.asarray(gates.time_constants))
        kinds += [steady, np.where(is_there, relaxation, 1.0)]
    return np.stack(kinds, axis=-2)


__all__ = ["N_KINDS", "ORDER", "GateTable", "gate_table"]
