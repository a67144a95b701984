"""Speed, sharpness and correctness of the certified analysis, on the neuron-glia motif.

Run `python benchmarks/certified_analysis.py`; it prints JSON. The first call is timed in a fresh
process with an empty cache of compiled code, and again with the cache it left. Counts of stationary
states are judged by a route of its own: the layer system reduced to one equation in one unknown,
of which the sign changes on a fine grid are counted.
"""

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

PAIRS = {
    "neuron_decay": (0.3, 0.4),
    "synapse_decay": (1.0, 0.5),
    "hebbian_gain": (6.0, -5.0),
    "glial_gain": (-2.0, 3.0),
}
FOLD = 0.781805127560162503890721346
FOLD_STATE = (1.527308192587218, -1.945162916807643, -1.0, 4.0)
CERTIFIED_SETS, JUDGED_SETS, FOLD_BATCHES = 10_000, 400, (1_000, 10_000, 100_000)
GRID_POINTS = 20_001


def layer_of(pairs: Any, modulation: Any) -> Any:
    """The layer system with the output of the astrocyte as its slow state."""
    from neuropil.circuits import Activation, TripartiteMotif
    from neuropil.system import layer

    motif = TripartiteMotif(**pairs, astrocyte_activation=Activation(_identity, -1.0, 1.0))
    return layer(motif, modulation)


def _identity(z: Any) -> Any:
    return z


def random_parameters(n: int, seed: int, lowest: float, spread: float = 0.1) -> tuple[Any, Any]:
    """Parameters of Fig. 9 with each changed by up to a share `spread`, and psi from `lowest`."""
    generator = np.random.default_rng(seed)
    pairs = {
        name: jnp.asarray(value * generator.uniform(1 - spread, 1 + spread, (n, 2)))
        for name, value in PAIRS.items()
    }
    return pairs, jnp.asarray(generator.uniform(lowest, 1.0, n))


def timed(call: Callable[[], Any], repeats: int = 3) -> tuple[Any, float]:
    """The result, and the least time of some calls in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = jax.block_until_ready(call())
        times.append(time.perf_counter() - begin)
    return result, min(times)


def boxes_of(layers: Any) -> Any:
    """Where the components of each layer system end up."""
    from neuropil.system import Box

    ends = eqx.filter_vmap(lambda system: system.whole.invariant_box())(layers)
    return Box(np.asarray(ends.lower)[:, :4], np.asarray(ends.upper)[:, :4])


def certified_sets() -> dict[str, Any]:
    """All stationary states of the layer system for many parameter sets."""
    from neuropil.analysis import fixed_points_batch

    layers = eqx.filter_vmap(layer_of)(*random_parameters(CERTIFIED_SETS, 0, -1.0))
    boxes = boxes_of(layers)
    found, seconds = timed(lambda: fixed_points_batch(layers, boxes, throw=False))
    return {
        "sets": CERTIFIED_SETS,
        "seconds": seconds,
        "sets_by_count": np.bincount(found.count).tolist(),
        "unresolved": int((~found.complete).sum()),
        "boxes_per_set": float(found.n_examined.mean()),
    }


def certified_motif() -> dict[str, Any]:
    """All stationary states of the whole motif, in the set Omega of Theorem 1."""
    from neuropil.analysis import fixed_points
    from neuropil.circuits import tripartite_motif_figure_2, tripartite_motif_figure_8a

    result = {}
    for preset in (tripartite_motif_figure_2, tripartite_motif_figure_8a):
        motif = preset()
        box = motif.invariant_box(uniform=True)
        found, seconds = timed(lambda motif=motif, box=box: fixed_points(motif, box))
        result[preset.__name__] = {
            "seconds": seconds,
            "stationary_states": len(found),
            "boxes": found.n_examined,
            "widest_enclosure": float(np.max(found.enclosure.upper - found.enclosure.lower)),
        }
    return result


def counts_by_sign_changes(pairs: Any, modulation: Any) -> np.ndarray:
    """Number of stationary states of the layer, by sign changes of one equation in x2.

    With q = phi(x2), x1 = (c2 phi(x1) q + d2 s) q / (a1 b2) has one solution, because c2 < 0 makes
    the right side fall with x1; bisection finds it for every x2 of a grid.
    """
    a, b, c, d = (np.asarray(pairs[name]) for name in PAIRS)
    counts = []
    for s, (a1, a2), (b1, b2), (c1, c2), (d1, d2) in zip(
        np.asarray(modulation), a, b, c, d, strict=True
    ):
        reach = (abs(c1) + abs(d1)) / (a2 * b1) + 1.0
        x2 = np.linspace(-reach, reach, GRID_POINTS)
        q = 1 / (1 + np.exp(-x2))
        high = np.full_like(x2, (abs(c2) + abs(d2)) / (a1 * b2) + 1.0)
        low = -high
        for _ in range(50):
            x1 = 0.5 * (low + high)
            p = 1 / (1 + np.exp(-x1))
            rises = (c2 * p * q + d2 * s) * q / (a1 * b2) > x1
            low, high = np.where(rises, x1, low), np.where(rises, high, x1)
        left = (c1 * p * q + d1 * s) * p / (a2 * b1) - x2
        counts.append(np.count_nonzero(np.diff(np.sign(left))))
    return np.array(counts)


def judged_counts() -> dict[str, Any]:
    """Certified counts on random sets near the fold against those by sign changes."""
    from neuropil.analysis import fixed_points_batch

    pairs, modulation = random_parameters(JUDGED_SETS, 1, 0.6)
    layers = eqx.filter_vmap(layer_of)(pairs, modulation)
    found = fixed_points_batch(layers, boxes_of(layers), throw=False)
    judged = counts_by_sign_changes(pairs, modulation)
    return {
        "sets": JUDGED_SETS,
        "right": int((found.count == judged).sum()),
        "unresolved": int((~found.complete).sum()),
        "sets_by_count": np.bincount(judged).tolist(),
    }


def fold_enclosure() -> dict[str, Any]:
    """The fold of Fig. 9 by proof: the width of its enclosure, and that there is no other."""
    from neuropil.analysis import all_folds
    from neuropil.system import Box

    pairs = {name: jnp.asarray(value) for name, value in PAIRS.items()}
    system = layer_of(pairs, jnp.asarray(0.0))
    ends = system.whole.invariant_box()
    box = Box(ends.lower[:4], ends.upper[:4])
    found, seconds = timed(
        lambda: all_folds(system, box, between=(-1.0, 1.0), parameter="slow_state")
    )
    return {
        "seconds": seconds,
        "folds": len(found),
        "complete": found.complete,
        "boxes": found.n_examined,
        "width": float(found.parameter_upper[0] - found.parameter_lower[0]),
        "holds_reference": bool(found.parameter_lower[0] <= FOLD <= found.parameter_upper[0]),
    }


def folds_in_batches() -> dict[str, Any]:
    """Folds by Newton's method on the extended system, and the share that converged."""
    from neuropil.analysis import fold

    @eqx.filter_jit
    @eqx.filter_vmap
    def located(pairs: Any) -> tuple[Any, Any]:
        system = layer_of(pairs, jnp.asarray(0.78))
        start = jnp.asarray(FOLD_STATE)
        found = fold(system, start, parameter="slow_state", throw=False)
        return found.parameter, found.outcome

    result: dict[str, Any] = {}
    for n in FOLD_BATCHES:
        pairs, _ = random_parameters(n, 2, 0.6, spread=0.02)
        begin = time.perf_counter()
        jax.block_until_ready(located(pairs))
        first = time.perf_counter() - begin
        (_, outcome), seconds = timed(lambda pairs=pairs: located(pairs))
        result[str(n)] = {
            "microseconds_per_fold": 1e6 * seconds / n,
            "first_call_seconds": first,
            "converged_share": float(np.mean(np.asarray(outcome) == 0)),
        }
    return result


def _first_calls(connection: Any) -> None:
    compiled = {"numba": 0, "jax": 0}

    begin = time.perf_counter()
    from numba.core import event

    from neuropil.analysis import fixed_points
    from neuropil.circuits import tripartite_motif_figure_2, tripartite_motif_figure_8a

    imported = time.perf_counter() - begin

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            compiled["numba"] += 1

        def on_end(self, event: Any) -> None:
            pass

    def on_duration(name: str, seconds: float, **_: Any) -> None:
        compiled["jax"] += name.endswith("backend_compile_duration")

    event.register("numba:compile", Listener())
    jax.monitoring.register_event_duration_secs_listener(on_duration)
    motif, other = tripartite_motif_figure_2(), tripartite_motif_figure_8a()
    box, other_box = motif.invariant_box(), other.invariant_box()
    begin, cpu = time.perf_counter(), time.process_time()
    fixed_points(motif, box)
    first, first_cpu = time.perf_counter() - begin, time.process_time() - cpu
    at_first = dict(compiled)
    begin = time.perf_counter()
    fixed_points(other, other_box)
    connection.send(
        {
            "import_seconds": imported,
            "first_call_seconds": first,
            "first_call_processor_seconds": first_cpu,
            "repeat_call_seconds": time.perf_counter() - begin,
            "compilations_first_call": at_first,
            "compilations_repeat_call": {key: compiled[key] - at_first[key] for key in compiled},
        }
    )


def first_calls() -> dict[str, Any]:
    """The first call in a fresh process: with nothing compiled yet, and with what that left."""
    context = multiprocessing.get_context("spawn")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("NUMBA_CACHE_DIR")
        os.environ["NUMBA_CACHE_DIR"] = folder
        try:
            for name in ("empty_cache", "filled_cache"):
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_first_calls, args=(sender,))
                process.start()
                sender.close()
                results[name] = receiver.recv()
                process.join()
        finally:
            os.environ.pop("NUMBA_CACHE_DIR")
            if before is not None:
                os.environ["NUMBA_CACHE_DIR"] = before
    return results


def run() -> dict[str, Any]:
    """All measurements."""
    return {
        "first_calls": first_calls(),
        "certified_sets": certified_sets(),
        "certified_motif": certified_motif(),
        "judged_counts": judged_counts(),
        "fold_enclosure": fold_enclosure(),
        "folds_in_batches": folds_in_batches(),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
