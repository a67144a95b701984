"""Trials a second of learning online, against the same update in a loop of PyTorch.

Run `python benchmarks/online_learning.py`; it prints JSON. A trial is forward, sampling, gradient
and Adam, in single precision, and the process is pinned to one core. PyTorch runs the plain loop:
the cell's equations with its own tensors and autograd, a loss, `torch.optim.Adam`. Where it is not
installed the ratios are left out. The bandwidth that the dense network reaches is told beside that
of reading its two largest matrices and nothing else, measured in the same process.
"""

import json
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuropil.connectivity import random_neuro_glial_wiring
from neuropil.connectivity.hyperedges import NeuroGlialWiring
from neuropil.learning import (
    DomainMatrices,
    FullMatrices,
    HyperedgeList,
    OnlinePolicyGradient,
    Recording,
    domain_wiring,
    gru_cell,
    layout_of,
    leaky_filter_cell,
    lstm_cell,
    neuroglia_cell,
    play,
    vanilla_cell,
)
from neuropil.learning.bandits.tasks import stationary_bandit

NEURONS, ASTROCYTES, UNITS, MEANS = 128, 64, 128, (0.4, 0.8, 0.1)
KEY = jax.random.key(0)
REPEATS = 3


def agent(maker: Callable[..., Any], *given: Any) -> OnlinePolicyGradient:
    """A learner in single precision."""
    return OnlinePolicyGradient(eqx.Partial(maker, *given, dtype=jnp.float32))


def trials_per_second(made: OnlinePolicyGradient, trials: int, **options: Any) -> float:
    """The fastest of some runs, from one process and after compilation."""
    task = stationary_bandit(MEANS)
    stamps: list[float] = []
    play(
        made,
        task,
        trials=trials * (REPEATS + 1),
        key=KEY,
        chunk=trials,
        record=Recording(every=trials),
        progress=lambda *_: stamps.append(time.perf_counter()),
        **options,
    )
    return trials / min(np.diff(stamps))


class Plain:
    """The update of one trial in PyTorch."""

    def __init__(self, torch: Any, parameters: list[Any], step: Callable[[Any], Any], state: Any):
        self.torch, self.step, self.state = torch, step, state
        self.weights = (torch.rand(3, UNITS) * 2 - 1) / UNITS**0.5
        self.bias = torch.zeros(3)
        self.parameters = [*parameters, self.weights, self.bias]
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.optimiser = torch.optim.Adam(self.parameters)
        self.means, self.total, self.count = torch.tensor(MEANS), 0.0, 0

    def trial(self) -> None:
        """Forward, sample, reward, backward, Adam."""
        torch = self.torch
        self.state = self.step(self.state)
        logits = self.weights @ self.state[0] + self.bias
        policy = torch.softmax(logits, 0)
        arm = int(torch.multinomial(policy.detach(), 1))
        reward = float(torch.rand(()) < self.means[arm])
        expected = self.total / max(self.count, 1)
        loss = (expected - reward) * torch.log(policy[arm])
        self.total, self.count = self.total + reward, self.count + 1
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.state = [part.detach() for part in self.state]


def plain_glia(torch: Any) -> Plain:
    """The dense network; C element by element, as a full matrix of 1 GB is no opponent."""
    n, m = NEURONS, ASTROCYTES
    c, d = torch.randn(n, n) / n, torch.randn(n * n, m) / n
    f, h = torch.randn(m, m) / m**0.5, torch.randn(m, n * n) / n
    to_neurons, to_glia = torch.randn(n, 1), torch.randn(m, 1)
    stimulus = torch.ones(1)

    def step(state: list[Any]) -> list[Any]:
        x, w, z = state
        rates, modulation = torch.sigmoid(x), torch.tanh(z)
        pairs = torch.outer(rates, rates)
        new_x = 0.9 * x + 0.1 * (w @ rates + to_neurons @ stimulus)
        new_w = 0.9 * w + 0.1 * (c * pairs + (d @ modulation).reshape(n, n))
        sensed = h @ pairs.reshape(-1)
        new_z = 0.999 * z + 0.001 * (f @ modulation + sensed + to_glia @ stimulus)
        return [new_x, new_w, new_z]

    # Only what a gradient reaches is handed to Adam, as here.
    start = [torch.zeros(n), torch.zeros(n, n), torch.zeros(m)]
    return Plain(torch, [to_neurons], step, start)


def plain_stack(torch: Any, kind: str) -> Plain:
    """Two layers of PyTorch's own recurrent networks."""
    layer = getattr(torch.nn, kind)(1, UNITS, 2)
    stimulus = torch.ones(1, 1)

    def step(state: list[Any]) -> list[Any]:
        hidden = tuple(state[1:]) if len(state) > 2 else state[1]
        output, hidden = layer(stimulus, hidden)
        after = list(hidden) if isinstance(hidden, tuple) else [hidden]
        return [output[0], *after]

    parts = 2 if kind == "LSTM" else 1
    start = [torch.zeros(UNITS), *(torch.zeros(2, UNITS) for _ in range(parts))]
    return Plain(torch, list(layer.parameters()), step, start)


def plain_rate(made: Plain, trials: int) -> float:
    """Trials a second, the fastest of some runs."""
    rates = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        for _ in range(trials):
            made.trial()
        rates.append(trials / (time.perf_counter() - begin))
    return max(rates)


def bandwidth() -> float:
    """Bytes a second at which one core reads D and H, at best, in arrays of their size.

    The fastest of NumPy's products with vectors, of its scalar product of the two, and of a
    compiled loop of products, over many short runs.
    """
    d = np.full((NEURONS**2, ASTROCYTES), 1e-3, np.float32)
    h = np.ascontiguousarray(d.T)
    flat_d, flat_h = d.ravel(), h.ravel()
    compiled = tuple(map(jnp.asarray, (d, h)))
    start = np.ones(ASTROCYTES, np.float32)
    repeats = 20

    @jax.jit
    def loop(matrices: tuple[jax.Array, jax.Array], z: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, repeats, lambda _, z: matrices[1] @ (matrices[0] @ z), z)

    def products() -> None:
        for _ in range(repeats):
            h @ (d @ start)

    def scalar_products() -> None:
        for _ in range(repeats):
            flat_d @ flat_h

    def seconds(function: Callable[[], Any]) -> float:
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin

    def compiled_products() -> None:
        jax.block_until_ready(loop(compiled, jnp.asarray(start)))

    compiled_products()
    best = min(
        seconds(route)
        for _ in range(60)
        for route in (products, scalar_products, compiled_products)
    )
    return 2 * d.nbytes * repeats / best


def networks() -> dict[str, tuple[OnlinePolicyGradient, int, Callable[[Any], Plain] | None]]:
    """Learner, trials to time, and the plain form of it."""
    sparse = random_neuro_glial_wiring(
        jax.random.key(1), n_neurons=NEURONS, n_astrocytes=ASTROCYTES, n_synapses=1024
    )
    return {
        "dense": (agent(neuroglia_cell, FullMatrices(NEURONS, ASTROCYTES)), 3_000, plain_glia),
        "hyperedges, domains": (
            agent(neuroglia_cell, DomainMatrices(domain_wiring(NEURONS, ASTROCYTES))),
            30_000,
            plain_glia,
        ),
        "hyperedges, 1024 at random": (agent(neuroglia_cell, layout_of(sparse)), 30_000, None),
        "vanilla": (agent(vanilla_cell), 10_000, lambda torch: plain_stack(torch, "RNN")),
        "gru": (agent(gru_cell), 5_000, lambda torch: plain_stack(torch, "GRU")),
        "lstm": (agent(lstm_cell), 5_000, lambda torch: plain_stack(torch, "LSTM")),
        "leaky filter": (agent(leaky_filter_cell), 50_000, None),
    }


def against_plain() -> dict[str, Any]:
    """Rates of both, in turn."""
    try:
        import torch
    except ImportError:
        torch = None
    else:
        torch.set_num_threads(1)
    found: dict[str, Any] = {}
    before = bandwidth()
    for name, (made, trials, plain) in networks().items():
        rate = trials_per_second(made, trials)
        found[name] = {"trials_per_second": rate}
        if torch is None:
            found[name]["note"] = "PyTorch is not installed: no ratio"
        elif plain is not None:
            plain_trials = plain_rate(plain(torch), 600)
            found[name] |= {"plain_trials_per_second": plain_trials, "ratio": rate / plain_trials}
    # Other work on the machine can only slow a measurement down.
    measured = max(before, bandwidth())
    needed = 2 * 4 * NEURONS**2 * ASTROCYTES * found["dense"]["trials_per_second"]
    found["dense"] |= {
        "bandwidth_GB_per_second": needed / 1e9,
        "bandwidth_limit_GB_per_second": measured / 1e9,
        "share_of_limit": needed / measured,
    }
    return found


def wide_wiring(hyperedges: int) -> NeuroGlialWiring:
    """Hyperedges on a ring: a neuron hears every seventh of those on one side."""
    neurons = max(1_000, hyperedges // 100)
    per_neuron = hyperedges // neurons
    post = np.repeat(np.arange(neurons), per_neuron)
    pre = (post + 1 + np.tile(np.arange(per_neuron), neurons) * 7) % neurons
    return NeuroGlialWiring(pre, post, post * 8 // neurons, n_neurons=neurons, n_astrocytes=8)


def per_hyperedge() -> dict[str, float]:
    """Nanoseconds a trial for each hyperedge, from twenty thousand to ten million."""
    found = {}
    for hyperedges, trials in ((20_000, 200), (100_000, 50), (1_000_000, 8), (10_000_000, 2)):
        layout = HyperedgeList(wide_wiring(hyperedges))
        rate = trials_per_second(agent(neuroglia_cell, layout), trials)
        found[str(layout.wiring.n_synapses)] = 1e9 / rate / layout.wiring.n_synapses
    return found


def memory() -> dict[str, float]:
    """What ten times the trials add to the memory of the process, in MB, less their record."""
    made = agent(leaky_filter_cell)
    task = stationary_bandit(MEANS)

    def peak(trials: int) -> float:
        run = play(made, task, trials=trials, key=KEY, chunk=10_000, record=Recording(every=10_000))
        record = run.regret.nbytes + run.arms.nbytes
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - record) / 1e6

    peak(20_000)
    short, long = peak(100_000), peak(1_000_000)
    return {"MB_at_100000": short, "MB_at_1000000": long, "MB_added": long - short}


def run() -> dict[str, Any]:
    """Memory first, as the peak of a process does not come down again."""
    return {
        "memory": memory(),
        "networks": against_plain(),
        "nanoseconds_per_hyperedge_and_trial": per_hyperedge(),
    }


if __name__ == "__main__":
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    print(json.dumps(run(), indent=2))
