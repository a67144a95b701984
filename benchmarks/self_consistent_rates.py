"""Self-consistent rates: many small networks at once, and one of 100 million synapses.

Run `python benchmarks/self_consistent_rates.py`; it prints JSON. The plain formulation is a loop
over networks and strengths of the same iteration in NumPy, with the firing rate by 24-point
quadrature over all neurons at a time; it is timed on a part of the networks and strengths and
scaled up, which `plain_measured_cases` says. Both stop at the same residual, and the results are
compared. The large network runs in a process of its own, so that its memory is its own.
"""

import json
import multiprocessing
import resource
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import dawsn, erfcx

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork, stack_networks
from neuropil.connectivity import DenseWeights, erdos_renyi, sonet, sparse_weights
from neuropil.meanfield import Picard, SiegertTransfer, self_consistent_rates

NETWORKS, NEURONS, PROBABILITY, DRIVE = 400, 100, 0.2, 15.0
STRENGTHS = np.linspace(1.0, 40.0, 40)
TOLERANCE, MAXIMUM_STEPS = 1e-8, 1000
PLAIN_NETWORKS, PLAIN_STRENGTHS = 4, slice(None, None, 4)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def _between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Integral of erfcx from sinh(low) to sinh(high), element by element."""
    t = low[:, None] + (high - low)[:, None] * 0.5 * (NODES + 1)
    return (erfcx(np.sinh(t)) * np.cosh(t)) @ WEIGHTS * 0.5 * (high - low)


def plain_rate(mean_input: np.ndarray) -> np.ndarray:
    """The firing rate of the default neuron in NumPy and SciPy."""
    a, b = (10.0 - mean_input) / 5.0, (20.0 - mean_input) / 5.0
    above_a, above_b = np.maximum(a, 0), np.maximum(b, 0)
    scale = np.exp(-(above_b**2))
    below = _between(np.arcsinh(np.maximum(-b, 0)), np.arcsinh(np.maximum(-a, 0)))
    above = _between(np.arcsinh(above_a), np.arcsinh(above_b))
    peak = 2 * (dawsn(above_b) - np.exp(above_a**2 - above_b**2) * dawsn(above_a))
    return scale / (2.0 * scale + 20.0 * np.sqrt(np.pi) * (peak + scale * (below - above)))


def plain_fixed_point(matrix: np.ndarray, strength: float) -> np.ndarray:
    """The document's iteration for one network at one strength."""
    state = np.full(len(matrix), DRIVE)
    for _ in range(MAXIMUM_STEPS):
        new = DRIVE + strength * (matrix @ plain_rate(state))
        if np.abs(new - state).max() <= TOLERANCE * max(1.0, np.abs(state).max()):
            break
        state = new
    return state


def many_small() -> dict[str, Any]:
    """400 networks of 100 neurons at 40 strengths in one call, against the loop."""
    keys = jax.random.split(jax.random.key(0), NETWORKS)
    matrices = [erdos_renyi(NEURONS, PROBABILITY, key=key).to_dense() for key in keys]
    transfer = SiegertTransfer(LeakyIntegrateAndFire())
    networks = stack_networks(
        [RateNetwork(DenseWeights(jnp.asarray(m)), transfer, DRIVE) for m in matrices]
    )
    method = Picard(tolerance=TOLERANCE, maximum_steps=MAXIMUM_STEPS)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        found = self_consistent_rates(networks, method, strengths=STRENGTHS)
        jax.block_until_ready(found.input)
        times.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    plain = np.array(
        [
            [plain_fixed_point(matrix, g) for g in STRENGTHS[PLAIN_STRENGTHS]]
            for matrix in matrices[:PLAIN_NETWORKS]
        ]
    )
    cases = plain.shape[0] * plain.shape[1]
    plain_time = (time.perf_counter() - begin) * NETWORKS * len(STRENGTHS) / cases
    ours = np.asarray(found.input)[:PLAIN_NETWORKS, PLAIN_STRENGTHS]
    return {
        "cases": NETWORKS * len(STRENGTHS),
        "seconds": min(times[1:]),
        "seconds_with_compilation": times[0],
        "plain_seconds": plain_time,
        "plain_measured_cases": cases,
        "ratio": plain_time / min(times[1:]),
        "largest_relative_difference": float(np.abs(ours / plain - 1).max()),
    }


def _large(connection: Any, neurons: int, probability: float) -> None:
    begin = time.perf_counter()
    drawn = sonet(neurons, probability, convergent=0.2, key=jax.random.key(1)).connectome
    generated = time.perf_counter() - begin
    csr = drawn.row_start.nbytes + drawn.presynaptic.nbytes + drawn.weights.nbytes
    begin = time.perf_counter()
    weights = sparse_weights(drawn)
    transfer = SiegertTransfer(LeakyIntegrateAndFire())
    network = RateNetwork(weights, transfer, DRIVE, 100.0 / (neurons * probability))
    found = self_consistent_rates(network, Picard(tolerance=1e-8))
    jax.block_until_ready(found.input)
    connection.send(
        {
            "neurons": neurons,
            "synapses": drawn.n_edges,
            "generation_seconds": generated,
            "seconds": time.perf_counter() - begin,
            "iterations": int(found.iterations),
            "residual_mV": float(found.residual),
            "csr_GB": csr / 1e9,
            "peak_memory_over_csr": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / csr,
        }
    )


def large(neurons: int = 100_000, probability: float = 0.01) -> dict[str, Any]:
    """One network of 100,000 neurons and 100 million synapses to 1e-8."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_large, args=(sender, neurons, probability))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return {"failed": f"the process ended with exit code {process.exitcode}"}
    finally:
        process.join()


def run() -> dict[str, Any]:
    """Both measurements."""
    return {"many_small": many_small(), "large": large()}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
