"""Spikes of conductance-based circuits, thousands of parameter sets at once."""

import os

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.conductance_system import AbstractConductanceSystem
from neuropil.simulate.conductance_methods import (
    AbstractConductanceMethod,
    ConductanceRequest,
    Progress,
    first_circuit,
)
from neuropil.simulate.conductance_record import ConductanceSpikes
from neuropil.types import RandomKey

SPIKES_PER_MILLISECOND = 0.3
"""Room for spikes unless `maximum_spikes` says otherwise: more than a cell can fire."""


def conductance_spikes(
    systems: AbstractConductanceSystem,
    method: AbstractConductanceMethod,
    start: Float[Array | np.ndarray, "..."] | None = None,
    *,
    duration: float,
    key: RandomKey | None = None,
    threshold: float = -10.0,
    sample_every: int | None = None,
    maximum_spikes: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    throw: bool = True,
) -> ConductanceSpikes:
    """Simulate circuits for `duration` ms and keep the spikes, not the voltages.

    `systems` is one circuit, or many: one object whose arrays all have a leading axis, made by
    `jax.vmap` over its class. `method` is `TabulatedEuler` (fast on processors) or
    `ExponentialEuler` (JAX, on any device). `start` is one state, or one row a circuit, by
    default `state_at_rest()`. A spike is where the voltage rises through `threshold` (mV), with
    its time interpolated within the step. With `sample_every`, voltages are kept every so many
    steps, the start included.

    A circuit that fails, or a cell of which fires more than `maximum_spikes` (0.3 per ms by
    default), ends there and loses only itself. `key` is needed where the method has noise; each
    circuit has a stream of its own, made from the key and its number. Results depend neither on
    `workers` (by default one a core) nor on how many circuits there are.
    `progress(done, circuits)` is called as they finish.

    Raises `ValueError`, naming the argument, for bad input, before anything is compiled;
    `NotSolved` when a circuit ends early, unless `throw` is false.
    """
    many, n_circuits = _as_many(systems)
    one = first_circuit(many)
    starts = _starts(one, start, n_circuits)
    request = _request(
        method, duration, key, threshold, sample_every, maximum_spikes, workers, progress
    )
    method.require(many, n_circuits)
    found = method.run(many, starts, request)
    longest = int(found.counts.max(initial=0))
    times = found.times[:, :, :longest]
    times[np.arange(longest) >= found.counts[:, :, None]] = np.nan
    every = request.sample_every
    sample_steps = np.arange(0, request.n_steps + 1, every) if every else np.empty(0, np.int64)
    voltages = found.voltages
    voltages[sample_steps[None] >= np.where(found.endings, found.end_steps, np.inf)[:, None]] = (
        np.nan
    )
    recorded = ConductanceSpikes(
        times=times,
        counts=found.counts,
        sample_times=sample_steps * method.step,
        voltages=voltages,
        final_states=found.final_states,
        endings=found.endings,
        end_times=found.end_steps * method.step,
        failing_cells=found.failing_cells,
        cell_names=one.cell_names,
        duration=request.n_steps * method.step,
    )
    if throw:
        recorded.raise_unless_successful()
    return recorded


def _as_many(systems: AbstractConductanceSystem) -> tuple[AbstractConductanceSystem, int]:
    """Circuits with a leading axis on every array, and how many there are."""
    conductances = systems.maximal_conductances
    if conductances.ndim == 2:
        systems = jax.tree.map(
            lambda leaf: jnp.asarray(leaf)[None] if eqx.is_array(leaf) else leaf, systems
        )
    elif conductances.ndim != 3:
        raise ValueError(
            "systems must be one circuit or have one leading axis: maximal_conductances has shape "
            f"{conductances.shape}"
        )
    n_circuits = systems.maximal_conductances.shape[0]
    if not n_circuits:
        raise ValueError("systems must hold at least one circuit")
    for leaf in jax.tree.leaves(eqx.filter(systems, eqx.is_array)):
        if leaf.ndim == 0 or leaf.shape[0] != n_circuits:
            raise ValueError(
                f"every array of systems must have the leading axis of {n_circuits} circuits, got "
                f"shape {leaf.shape}"
            )
        if not np.all(np.isfinite(leaf)):
            raise ValueError("systems holds numbers that are not finite")
    for name in ("maximal_conductances", "synaptic_conductances"):
        lowest = np.min(getattr(systems, name), initial=0.0)
        if lowest < 0:
            raise ValueError(f"{name} must not be negative, got {lowest}")
    return systems, n_circuits


def _starts(
    system: AbstractConductanceSystem,
    start: Float[Array | np.ndarray, "..."] | None,
    n_circuits: int,
) -> Float[np.ndarray, "circuits dimension"]:
    given = np.asarray(system.state_at_rest() if start is None else start, float)
    n = len(system.state_names)
    if given.shape not in ((n,), (n_circuits, n)):
        raise ValueError(
            f"start must be one state of {n} numbers or one row for each of {n_circuits} circuits, "
            f"got shape {given.shape}"
        )
    if not np.all(np.isfinite(given)):
        raise ValueError("start holds numbers that are not finite")
    n_cells = len(system.cell_names)
    if np.any(given[..., n_cells : 2 * n_cells] <= 0):
        raise ValueError("start must hold positive concentrations of calcium")
    return np.ascontiguousarray(np.broadcast_to(given, (n_circuits, n)))


def _request(
    method: AbstractConductanceMethod,
    duration: float,
    key: RandomKey | None,
    threshold: float,
    sample_every: int | None,
    maximum_spikes: int | None,
    workers: int | None,
    progress: Progress | None,
) -> ConductanceRequest:
    if not (np.isfinite(duration) and duration >= method.step):
        raise ValueError(
            f"duration must be finite and at least one step of {method.step} ms, got {duration} ms"
        )
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be finite, got {threshold} mV")
    for name, value in (
        ("sample_every", sample_every),
        ("maximum_spikes", maximum_spikes),
        ("workers", workers),
    ):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if method.noise > 0 and key is None:
        raise ValueError("key must be given, as the method has noise")
    if method.noise == 0 and key is not None:
        raise ValueError("key must be None, as the method has no noise")
    return ConductanceRequest(
        n_steps=round(duration / method.step),
        sample_every=sample_every or 0,
        threshold=float(threshold),
        maximum_spikes=maximum_spikes or 100 + int(SPIKES_PER_MILLISECOND * duration),
        key=key,
        workers=workers or _n_cores(),
        progress=progress,
    )


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


__all__ = ["conductance_spikes"]
