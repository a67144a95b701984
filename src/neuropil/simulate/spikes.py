"""Spikes of a network: many realisations, on all cores, in bounded memory, resumable."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float, Int

from neuropil.connectivity import Connectome
from neuropil.connectivity.random_streams import scrambled, stream_seed, stream_start
from neuropil.simulate.spike_checkpoint import SpikeCheckpoint, fingerprint
from neuropil.simulate.spike_endings import FINISHED
from neuropil.simulate.spike_methods import AbstractSpikeMethod, Prepared, Realisation, Request
from neuropil.simulate.spike_record import Spikes
from neuropil.system import AbstractSpikingSystem
from neuropil.types import RandomKey

Start = float | Float[np.ndarray | jax.Array, "..."]
Progress = Callable[[int, int], None]


def spikes(
    system: AbstractSpikingSystem,
    connectome: Connectome,
    method: AbstractSpikeMethod,
    start: Start | None = None,
    *,
    duration: float,
    key: RandomKey,
    realisations: int = 1,
    sample_times: Sequence[float] | Float[np.ndarray, " samples"] = (),
    sample_neurons: Sequence[int] | Int[np.ndarray, " sampled"] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    throw: bool = True,
) -> Spikes:
    """Simulate the spikes of a network for `duration` ms.

    `system` says what the neurons do, `connectome` who is wired to whom (weights in mV), `method`
    how it is simulated: `ExactEvents`, `ClockedEvents` or, on accelerators, `ClockedArrays`.
    `start` holds the potentials at time 0
    in mV: one value, one a neuron, or one row a realisation; the reset potential by default.
    Membrane potentials of `sample_neurons` (all by default) are kept at `sample_times`.

    Realisations differ in their random numbers alone. Each has a stream of its own, made from
    `key` and its number: results depend neither on `workers` (by default one a core), nor on how
    many realisations there are, nor on interruptions. `progress(done, realisations)` is called as
    they finish. With `checkpoint`, a folder, finished realisations are kept there and not
    simulated again by the same call.

    Raises `ValueError`, naming the argument, for bad input, for a checkpoint of another
    simulation, and for a network that will not fit into memory; `NotSolved` when a realisation
    stops early, unless `throw` is false: then what it had computed is in the result.
    """
    n = connectome.n_neurons
    request = _request(connectome, duration, sample_times, sample_neurons)
    if realisations < 1:
        raise ValueError(f"realisations must be at least 1, got {realisations}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    starts = _starts(system, start, realisations, n)
    prepared = method.prepare(system, connectome, request)
    n_calls = -(-realisations // prepared.most_together)
    n_workers = min(workers or _n_cores(), n_calls)
    _require_memory(prepared, request, realisations, n_workers)
    seed = stream_seed(key)

    def run(group: list[int]) -> list[Realisation]:
        # `scrambled` keeps these streams apart from those that drew a graph from the same key.
        streams = [np.uint64(scrambled(np.uint64(stream_start(seed, r)))) for r in group]
        rows = starts[np.minimum(group, len(starts) - 1)]
        if prepared.run_together is not None:
            return prepared.run_together(rows, np.array(streams))
        return [prepared.run(row, stream) for row, stream in zip(rows, streams, strict=True)]

    found: dict[int, Realisation] = {}
    store = None
    if checkpoint is not None:
        identity = fingerprint(system, connectome, method, starts, request, seed)
        store = SpikeCheckpoint(Path(checkpoint), identity)
        found = store.finished(realisations)
    missing = [r for r in range(realisations) if r not in found]
    together = prepared.most_together
    groups = [missing[i : i + together] for i in range(0, len(missing), together)]
    for group, results in _on_threads(run, groups, n_workers):
        for realisation, result in zip(group, results, strict=True):
            found[realisation] = result
            if store is not None and result.ending == FINISHED:
                store.keep(realisation, result)
            if progress is not None:
                progress(len(found), realisations)
    recorded = _record([found[r] for r in range(realisations)], request, n)
    if throw:
        recorded.raise_unless_successful()
    return recorded


def _on_threads(
    run: Callable[[list[int]], list[Realisation]], groups: list[list[int]], workers: int
) -> Iterator[tuple[list[int], list[Realisation]]]:
    """Results as they come; at most `workers` are under way, so that an interrupt ends soon."""
    queue = iter(groups)
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[list[Realisation]], list[int]] = {}
        try:
            while True:
                while len(running) < workers and (group := next(queue, None)) is not None:
                    running[pool.submit(run, group)] = group
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _request(
    connectome: Connectome,
    duration: float,
    sample_times: Sequence[float] | Float[np.ndarray, " samples"],
    sample_neurons: Sequence[int] | Int[np.ndarray, " sampled"] | None,
) -> Request:
    if not (np.isfinite(duration) and duration > 0):
        raise ValueError(f"duration must be positive and finite, got {duration} ms")
    times = np.asarray(sample_times, float).reshape(-1)
    if np.any(np.isnan(times)) or np.any(np.diff(times) <= 0):
        raise ValueError(f"sample_times must ascend, got {times}")
    if times.size and not 0 <= times[0] <= times[-1] <= duration:
        raise ValueError(
            f"sample_times must lie between 0 and the duration of {duration} ms, got {times[0]} "
            f"to {times[-1]} ms"
        )
    if sample_neurons is None:
        neurons = np.arange(connectome.n_neurons if times.size else 0)
    else:
        neurons = connectome.numbers_of(np.asarray(sample_neurons, np.int64))
    return Request(float(duration), times, neurons.astype(np.int64))


def _starts(
    system: AbstractSpikingSystem, start: Start | None, realisations: int, n_neurons: int
) -> Float[np.ndarray, "one_or_realisations neurons"]:
    given = np.asarray(system.reset if start is None else start, float)
    if given.shape not in ((), (n_neurons,), (realisations, n_neurons)):
        raise ValueError(
            f"start must be one value, one for each of {n_neurons} neurons or one row for each of "
            f"{realisations} realisations, got shape {given.shape}"
        )
    if not np.all(np.isfinite(given)):
        raise ValueError("start holds values that are not finite")
    rows = realisations if given.ndim == 2 else 1
    return np.ascontiguousarray(np.broadcast_to(given, (rows, n_neurons)))


def _require_memory(prepared: Prepared, request: Request, realisations: int, workers: int) -> None:
    sampled = 8 * realisations * request.sample_times.size * request.sample_neurons.size
    needed = prepared.network_bytes + workers * prepared.realisation_bytes + 2 * sampled
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"this needs {needed / 1e9:.1f} GB of memory before the first spike, and the machine "
            f"has {there / 1e9:.1f} GB: sample fewer potentials (2 x {sampled / 1e9:.1f} GB), "
            "simulate fewer realisations at a time, or a smaller network"
        )


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _record(found: list[Realisation], request: Request, n_neurons: int) -> Spikes:
    return Spikes(
        times=np.concatenate([each.times for each in found]),
        neurons=np.concatenate([each.neurons for each in found]),
        start=np.concatenate([[0], np.cumsum([each.times.size for each in found])]),
        sample_times=request.sample_times,
        sampled_neurons=request.sample_neurons,
        potentials=np.stack([each.potentials for each in found]),
        endings=np.array([each.ending for each in found]),
        failing_neurons=np.array([each.neuron for each in found]),
        end_times=np.array([each.time for each in found]),
        failing_values=np.array([each.value for each in found]),
        n_neurons=n_neurons,
        duration=request.duration,
    )


__all__ = ["spikes"]
