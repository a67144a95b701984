"""A network of 10,000 neurons, 1,000 astrocytes and 1,000,000 hyperedges, simulated.

Run `python benchmarks/neuroglia_simulation.py`; it prints JSON. The plain formulation holds the
synapses in a full matrix and evaluates the same vector field with NumPy; the two are compared,
value by value, and timed in turn at a tenth of the size, where the matrix fits well in memory.
"""

import json
import resource
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neuropil.circuits import NeuroGlialNetwork
from neuropil.connectivity import NeuroGlialWiring
from neuropil.simulate import NonStiff, integrate

LARGE, SMALL = (10_000, 1_000, 1_000_000), (1_000, 100, 100_000)
DURATION = 100.0
REPEATS = 20


def network(neurons: int, astrocytes: int, hyperedges: int) -> NeuroGlialNetwork:
    """Random hyperedges without repetition, gains that keep activity moderate."""
    generator = np.random.default_rng(0)
    flat = generator.choice(neurons * (neurons - 1), hyperedges, replace=False)
    post, rest = np.divmod(flat, neurons - 1)
    pre = rest + (rest >= post)
    wiring = NeuroGlialWiring(
        pre,
        post,
        generator.integers(0, astrocytes, hyperedges),
        n_neurons=neurons,
        n_astrocytes=astrocytes,
    )
    gain = 20.0 * neurons / hyperedges
    return NeuroGlialNetwork(
        wiring,
        hebbian_gain=jnp.asarray(gain * generator.normal(size=hyperedges)),
        glial_gain=jnp.asarray(gain * generator.normal(size=hyperedges)),
        coincidence_gain=jnp.asarray(astrocytes / hyperedges),
    )


def plain_field(made: NeuroGlialNetwork) -> Callable[[np.ndarray], np.ndarray]:
    """The same equations with full matrices in NumPy."""
    wiring = made.wiring
    n, o = wiring.n_neurons, wiring.n_synapses
    post, pre, astrocyte = (np.asarray(ids) for ids in (wiring.post, wiring.pre, wiring.astrocyte))
    c, d = np.asarray(made.hebbian_gain), np.asarray(made.glial_gain)
    h = float(made.coincidence_gain)
    sensed_at = np.asarray(wiring.is_sensed)

    def field(state: np.ndarray) -> np.ndarray:
        x, w, z = state[:n], state[n : n + o], state[n + o :]
        rates = 1 / (1 + np.exp(-x))
        matrix = np.zeros((n, n))
        matrix[post, pre] = w
        coincidence = np.outer(rates, rates)[post, pre]
        sensed = np.bincount(astrocyte, coincidence * sensed_at, minlength=z.size)
        return np.concatenate(
            [
                (matrix @ rates - x) / 10.0,
                (c * coincidence + d * np.tanh(z)[astrocyte] - w) / 10.0,
                (h * sensed - z) / 1000.0,
            ]
        )

    return field


def large() -> dict[str, Any]:
    """Time and memory of a whole simulation."""
    made = network(*LARGE)
    start = made.join(0.1, 0.0, 0.0)
    begin = time.perf_counter()
    simulated(made, start)
    compiled = time.perf_counter() - begin
    begin = time.perf_counter()
    path = simulated(made, start)
    seconds = time.perf_counter() - begin
    return {
        "neurons": LARGE[0],
        "astrocytes": LARGE[1],
        "hyperedges": LARGE[2],
        "simulated_ms": DURATION,
        "steps": int(path.n_steps),
        "seconds": seconds,
        "seconds_with_compilation": compiled,
        "peak_memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "largest_activity": float(jnp.max(jnp.abs(path.final_state))),
    }


def fastest(function: Callable[..., Any], *arguments: Any) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - begin)
    return min(times)


def simulated(made: NeuroGlialNetwork, start: Any) -> Any:
    """The states of a hundred neurons over time."""
    names = made.state_names[:100]
    path = integrate(
        made, NonStiff(), start, duration=DURATION, save_at=[DURATION], components=names
    )
    return jax.block_until_ready(path)


def against_plain() -> dict[str, Any]:
    """One evaluation of the vector field, by both."""
    made = network(*SMALL)
    n, m, o = SMALL
    state = np.random.default_rng(1).normal(size=n + o + m)
    ours = jax.jit(lambda state: made.vector_field(jnp.zeros(()), state))
    plain = plain_field(made)
    difference = np.abs(np.asarray(ours(jnp.asarray(state))) - plain(state)).max()
    seconds, plain_seconds = fastest(ours, jnp.asarray(state)), fastest(plain, state)
    return {
        "hyperedges": o,
        "largest_difference": float(difference),
        "seconds": seconds,
        "plain_seconds": plain_seconds,
        "ratio": plain_seconds / seconds,
    }


def run() -> dict[str, Any]:
    """The comparison first, as the large network's memory is measured at the end."""
    compared = against_plain()
    return {"large": large(), "vector_field": compared}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
