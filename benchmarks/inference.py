"""Inference: truth of entropies, time to a certified answer, simulations against published runs.

Run `python benchmarks/inference.py [truth] [linear] [rank-two]`; it prints JSON. `linear` starts
a process of its own, so that imports and compilation count. The published runs are those that
the authors of the method logged (Bittner et al., eLife 2021, and its public repository): entropy
and simulations of their best seed.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from neuropil.circuits import leading_eigenvalue, stable_amplification
from neuropil.inference import Behaviour, Interval, NaturalPath, Support, maximum_entropy

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "inference"))
from closed_forms import FAMILIES, LARGE_FAMILIES

LINEAR_ENTROPY = 7.0417
PUBLISHED_RUNS = {2: (-5.96, 300_000), 5: (-0.77, 200_000), 25: (-13.7, 400_000)}

LINEAR = """
import time
begin = time.perf_counter()
import json, sys
sys.path.insert(0, sys.argv[1])
import inference as benchmark
found = benchmark.linear_answer(0)
print("RESULT", json.dumps(dict(seconds=time.perf_counter() - begin, entropy=found.entropy.value,
    entropy_error=found.entropy.standard_error, gap=found.entropy_gap,
    simulations=found.simulations, met=all(each.met for each in found.constraints))))
"""


def linear_answer(seed: int):
    """The two-dimensional linear system, published form."""

    def statistics(p):
        found = leading_eigenvalue(p["A"])
        return {"growth": found.growth_rate, "frequency": found.angular_frequency}

    behaviour = Behaviour(
        statistics,
        {"growth": 0.0, "frequency": 2 * np.pi},
        variances={"growth": 0.25**2, "frequency": (np.pi / 5) ** 2},
    )
    support = Support({"A": Interval(-10, 10, shape=(2, 2))})
    return maximum_entropy(behaviour, support, key=jax.random.key(seed))


def linear() -> dict[str, Any]:
    """Cold, in a process of its own, and warm; against quadrature."""
    folder = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", LINEAR, folder], capture_output=True, text=True, check=True
    )
    line = next(each for each in done.stdout.splitlines() if each.startswith("RESULT"))
    linear_answer(0)
    begin = time.perf_counter()
    linear_answer(1)
    return {
        "cold": json.loads(line.removeprefix("RESULT")),
        "warm_seconds": time.perf_counter() - begin,
        "true_entropy": LINEAR_ENTROPY,
    }


def truth() -> dict[str, Any]:
    """Every closed form: how far the entropy is off, and how often intervals hold eta."""
    results = {}
    for name, family in {**FAMILIES, **LARGE_FAMILIES}.items():
        problem = family()
        begin = time.perf_counter()
        found = maximum_entropy(
            problem.behaviour, problem.support, key=jax.random.key(0), check=False, throw=False
        )
        covered = [
            found.natural_parameters[row].lower <= eta <= found.natural_parameters[row].upper
            for row, eta in problem.eta.items()
        ]
        results[name] = {
            "parameters": problem.support.dimension,
            "seconds": time.perf_counter() - begin,
            "entropy_off": found.entropy.value - problem.entropy,
            "standard_error": found.entropy.standard_error,
            "intervals_that_hold_eta": float(np.mean(covered)),
            "simulations": found.simulations,
            "met": all(report.met for report in found.constraints),
        }
    return results


def rank_two() -> dict[str, Any]:
    """The scaling study: entropy, certificate and simulations against the published runs."""

    def statistics(p):
        found = stable_amplification(p["U"], p["V"])
        return {"growth": found.growth, "amplification": found.amplification}

    behaviour = Behaviour(
        statistics,
        {"growth": 0.5, "amplification": 1.5},
        variances={"growth": 0.25**2, "amplification": 0.25**2},
    )
    results = {}
    for size, (published, published_simulations) in PUBLISHED_RUNS.items():
        support = Support(
            {"U": Interval(-1, 1, shape=(size, 2)), "V": Interval(-1, 1, shape=(size, 2))}
        )
        method = NaturalPath(particles=2048 if size >= 25 else None)
        begin = time.perf_counter()
        found = maximum_entropy(
            behaviour, support, method, key=jax.random.key(0), check=False, throw=False
        )
        results[str(4 * size)] = {
            "seconds": time.perf_counter() - begin,
            "entropy": found.entropy.value,
            "standard_error": found.entropy.standard_error,
            "gap": found.entropy_gap,
            "largest_constraint_error": max(
                abs(each.reached.value - each.target) for each in found.constraints
            ),
            "simulations": found.simulations,
            "published_entropy": published,
            "published_simulations": published_simulations,
            "nats_above_published": found.entropy.value - published,
        }
    return results


PARTS = {"linear": linear, "rank-two": rank_two, "truth": truth}


def run() -> dict[str, Any]:
    """All parts."""
    return {name: part() for name, part in PARTS.items()}


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PARTS)
    unknown = set(chosen) - set(PARTS)
    if unknown:
        raise SystemExit(f"parts must be of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    print(json.dumps({name: PARTS[name]() for name in chosen}, indent=2))
