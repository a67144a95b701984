"""Time, memory and exactness of SONET generation, beside the plain dense formulation.

Run `python benchmarks/sonet.py`; it prints JSON. Each size runs in a process of its own, so that
its memory is its own, after a small graph has compiled everything. The plain formulation draws
the Gaussian of every ordered pair with NumPy; it is timed at a size that fits in memory.
"""

import json
import multiprocessing
import resource
import time
from typing import Any

import jax
import numpy as np

from neuropil.connectivity import motif_statistics, sonet
from neuropil.connectivity.sonet_feasibility import SonetParameters, latent_correlations

ALPHAS = {"reciprocal": 0.6, "convergent": 0.3, "divergent": 0.3, "chain": 0.2}
# Neurons, connection probability, and how many graphs are made; the fastest counts.
SIZES = ((10_000, 0.1, 3), (100_000, 0.01, 1))
PLAIN_NEURONS, PLAIN_PROBABILITY, PLAIN_REPEATS = 4_000, 0.1, 3


def _generate(connection: Any, neurons: int, probability: float, repeats: int) -> None:
    for warm in (200, 400):
        sonet(warm, probability, **ALPHAS, key=jax.random.key(0))
    times = []
    for repeat in range(repeats):
        begin = time.perf_counter()
        made = sonet(neurons, probability, **ALPHAS, key=jax.random.key(repeat))
        times.append(time.perf_counter() - begin)
    realised = made.realised
    connection.send(
        {
            "neurons": neurons,
            "edges": made.connectome.n_edges,
            "seconds": min(times),
            "peak_memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            "requested": ALPHAS,
            "realised": {name: getattr(realised, f"alpha_{name}") for name in ALPHAS},
        }
    )


def apart(neurons: int, probability: float, repeats: int) -> dict[str, Any]:
    """Generation of one size in a fresh process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_generate, args=(sender, neurons, probability, repeats))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return {"failed": f"the process for {neurons} neurons died"}
    finally:
        process.join()


def plain(seed: int) -> np.ndarray:
    """The dense formulation: latent variables, and correlated noise for every pair."""
    generator = np.random.default_rng(seed)
    n = PLAIN_NEURONS
    parameters = SonetParameters(n, PLAIN_PROBABILITY, *ALPHAS.values())
    rho = latent_correlations(parameters)
    covariance = [[rho.convergent, rho.chain], [rho.chain, rho.divergent]]
    x, y = generator.multivariate_normal([0, 0], covariance, size=n).T
    noise = generator.normal(size=(n, n))
    share = rho.noise_covariance / rho.noise_variance
    upper = np.triu(noise, 1)
    lower = share * upper.T + np.sqrt(1 - share**2) * np.tril(noise, -1)
    field = x[:, None] + y[None, :] + np.sqrt(rho.noise_variance) * (upper + lower)
    # Phi^-1(0.9), the threshold for p = 0.1.
    edges = field > 1.2815515655446004
    np.fill_diagonal(edges, False)
    return edges


def against_plain() -> dict[str, Any]:
    """The same graph, by the dense formulation and by ours, in turn."""
    ours, theirs = [], []
    for repeat in range(PLAIN_REPEATS):
        begin = time.perf_counter()
        made = sonet(PLAIN_NEURONS, PLAIN_PROBABILITY, **ALPHAS, key=jax.random.key(repeat))
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        edges = plain(repeat)
        theirs.append(time.perf_counter() - begin)
    return {
        "neurons": PLAIN_NEURONS,
        "edges": [made.connectome.n_edges, int(edges.sum())],
        "seconds": min(ours),
        "plain_seconds": min(theirs),
        "ratio": min(theirs) / min(ours),
        "convergent": motif_statistics(made.connectome).alpha_convergent,
    }


def run() -> dict[str, Any]:
    """All sizes, and the ratio to the plain formulation."""
    sizes = [apart(*size) for size in SIZES]
    return {"sizes": sizes, "plain": against_plain()}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
