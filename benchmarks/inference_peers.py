"""Simulations against `sbi` (neural posterior estimation) on one and the same distribution.

Run `python benchmarks/inference_peers.py [simulations ...]`; it prints JSON. It needs the package
`sbi`. A maximum-entropy distribution with means and variances constrained is the posterior of a
simulator with Gaussian noise: eta gives the noise and the observation. The peer gets that noise
and that observation, and the simulations named; how far its answer is from the distribution is
the divergence of its samples, in nats, by our density, and the moments that they have.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from inference import LINEAR_ENTROPY, linear_answer
from neuropil.inference import prior_draws, simulator, unflattened

SIMULATIONS = 10_000, 100_000
DRAWS = 20_000


def ours() -> tuple[Any, dict[str, Any]]:
    """The answer, and what it took."""
    begin = time.perf_counter()
    found = linear_answer(0)
    return found, {
        "seconds": time.perf_counter() - begin,
        "simulations": found.simulations,
        "entropy": found.entropy.value,
        "true_entropy": LINEAR_ENTROPY,
        "gap": found.entropy_gap,
        "moments": {each.label: each.reached.value for each in found.constraints},
        "targets": {each.label: each.target for each in found.constraints},
    }


def peer(found: Any, simulations: int) -> dict[str, Any]:
    """Neural posterior estimation with `sbi`, as its tutorial has it."""
    import torch
    from sbi.inference import NPE
    from sbi.utils import BoxUniform

    torch.manual_seed(0)
    problem = found.problem
    behaviour, support = problem.behaviour, problem.support
    linear = np.array([found.natural_parameters[f"mean {n}"].value for n in behaviour.names])
    square = np.array([found.natural_parameters[f"variance {n}"].value for n in behaviour.names])
    target = np.array([behaviour.means[name] for name in behaviour.names])
    noise, observed = np.sqrt(-0.5 / square), target - 0.5 * linear / square
    begin = time.perf_counter()
    draws = prior_draws(support, simulations, key=jax.random.key(1))
    statistics = simulator(behaviour, support, key=jax.random.key(2))(draws)
    statistics = statistics + noise * np.random.default_rng(0).standard_normal(statistics.shape)
    bound = 10.0 * torch.ones(draws.shape[1])
    inference = NPE(prior=BoxUniform(-bound, bound))
    inference.append_simulations(
        torch.tensor(draws, dtype=torch.float32),
        torch.tensor(statistics, dtype=torch.float32),
    ).train()
    posterior = inference.build_posterior()
    at = torch.tensor(observed, dtype=torch.float32)
    sampled = posterior.sample((DRAWS,), x=at, show_progress_bars=False)
    log_density = posterior.log_prob(sampled, x=at).numpy().astype(float)
    seconds = time.perf_counter() - begin
    rows = sampled.numpy().astype(float)
    parameters = {k: jnp.asarray(v) for k, v in unflattened(support, rows).items()}
    reached = simulator(behaviour, support, key=jax.random.key(3))(rows)
    divergence = log_density - found.log_density(parameters)
    moments = dict(
        zip([f"mean {n}" for n in behaviour.names], reached.mean(axis=0).tolist(), strict=True)
    )
    second = ((reached - target) ** 2).mean(axis=0)
    moments |= dict(zip([f"variance {n}" for n in behaviour.names], second.tolist(), strict=True))
    return {
        "simulations": simulations,
        "seconds": seconds,
        "divergence": float(divergence.mean()),
        "entropy": float(-log_density.mean()),
        "moments": moments,
    }


def run(simulations: Sequence[int] = SIMULATIONS) -> dict[str, Any]:
    """Both, side by side."""
    answer, entry = ours()
    return {"ours": entry, "sbi": {str(count): peer(answer, count) for count in simulations}}


if __name__ == "__main__":
    counts = [int(each) for each in sys.argv[1:]]
    print(json.dumps(run(counts or SIMULATIONS), indent=2))
