"""Accuracy and throughput of the firing rate, beside NNMT where it is installed.

Run `python benchmarks/firing_rate.py`; it prints JSON. Errors are relative to 50-digit values that
are computed here by `tools/firing_rate_references.py`, for rates above 1e-304 spikes/ms. Both
packages get the same numbers in mV and ms, alone for accuracy and in one array for throughput, in
turn and in one process, and the best of several rounds counts. NNMT uses one thread; `cpu_time`
compares processor time, which does not depend on the number of threads.
"""

import importlib.util
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

from neuropil.meanfield.firing_rate import firing_rate

REFERENCES = Path(__file__).resolve().parents[1] / "tools" / "firing_rate_references.py"
SMALLEST = mp.mpf(10) ** -304
MEAN_INPUTS, NOISES = (0.0, 40.0), (1.0, 10.0)
STEEP_POINT = {"mean_input": 25.0, "noise": 1.0}


def load_references() -> ModuleType:
    """The script that computes reference values, as a module."""
    spec = importlib.util.spec_from_file_location("firing_rate_references", REFERENCES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_nnmt() -> ModuleType | None:
    """NNMT's functions for delta synapses, where it is installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from nnmt.lif import delta
    except ImportError:
        return None
    return delta


def nnmt_arguments(arguments: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments in NNMT's order; potentials relative to the leak potential."""
    leak = arguments["leak_potential"]
    return (
        arguments["mean_input"],
        arguments["noise"],
        arguments["reset"] - leak,
        arguments["threshold"] - leak,
        arguments["membrane_time_constant"],
        arguments["refractory_period"],
    )


def relative_error(value: float, exact: mp.mpf) -> float:
    """|value / exact - 1|; zero where the exact value is too small for double precision."""
    if abs(exact) < SMALLEST:
        return 0.0
    return float(abs(mp.mpf(value) / exact - 1))


def nnmt_error(delta: ModuleType, arguments: dict[str, float], exact: mp.mpf) -> float:
    """Relative error of NNMT's rate, infinite where it raises or is not finite."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(delta._firing_rates_for_given_input(*nnmt_arguments(arguments)))
    except Exception:  # whatever it raises counts as a failure
        return np.inf
    return relative_error(value, exact) if np.isfinite(value) else np.inf


def accuracy(delta: ModuleType | None) -> dict[str, Any]:
    """Largest relative errors over the table of references."""
    references = load_references()
    names = references.ARGUMENTS
    table = references.cases()
    exact = [references.reference(arguments) for arguments in table]

    def rate_of(values: jax.Array) -> jax.Array:
        first, second, *others = values
        return firing_rate(first, second, **dict(zip(names[2:], others, strict=True)))

    points = jnp.asarray([list(arguments.values()) for arguments in table])
    rates = np.asarray(jax.vmap(rate_of)(points))
    gradients = np.asarray(jax.vmap(jax.grad(rate_of))(points))
    hessians = np.asarray(jax.vmap(jax.hessian(rate_of))(points))

    rate_errors, gradient_errors, hessian_errors = [], [], []
    for i, row in enumerate(exact):
        rate_errors.append(relative_error(rates[i], row["rate"]))
        gradient_errors += map(relative_error, gradients[i], row["gradient"])
        upper = hessians[i][np.triu_indices(len(names))]
        pairs = [(j, k) for j in range(len(names)) for k in range(j, len(names))]
        for value, wanted, (j, k) in zip(upper, row["hessian"], pairs, strict=True):
            # The two terms of which a second derivative of 1 / interval is the sum.
            product = 2 * row["gradient"][j] * row["gradient"][k] / row["rate"]
            size = abs(product) + abs(wanted - product)
            if size > SMALLEST:
                hessian_errors.append(float(abs(mp.mpf(value) - wanted) / size))

    report: dict[str, Any] = {
        "points": len(table),
        "smallest_rate_spikes_per_second": mp.nstr(
            1000 * min(row["rate"] for row in exact if row["rate"] > SMALLEST), 3
        ),
        "rate": max(rate_errors),
        "first_derivatives": max(gradient_errors),
        "second_derivatives_relative_to_their_terms": max(hessian_errors),
        "not_finite": int(
            sum((~np.isfinite(values)).sum() for values in (rates, gradients, hessians))
        ),
    }
    if delta is not None:
        errors = [
            nnmt_error(delta, arguments, row["rate"])
            for arguments, row in zip(table, exact, strict=True)
        ]
        report["nnmt_rate_where_it_answers"] = max(e for e in errors if np.isfinite(e))
        report["nnmt_failures"] = int(np.isinf(errors).sum())
    return report


def steep_point(delta: ModuleType | None) -> dict[str, float]:
    """The response to mean input at one point, in spikes/s per volt."""
    references = load_references()
    arguments = references.case(*STEEP_POINT.values())
    exact = references.reference(arguments)["gradient"][0]
    slope = jax.grad(lambda mean_input: firing_rate(mean_input, STEEP_POINT["noise"]))
    report = {
        **STEEP_POINT,
        "exact": float(1e6 * exact),
        "neuropil": 1e6 * float(slope(STEEP_POINT["mean_input"])),
    }
    if delta is not None:
        derivative = delta._derivative_of_firing_rates_wrt_mean_input
        report["nnmt"] = 1e6 * float(derivative(*nnmt_arguments(arguments)))
    return report


def clock(function: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def throughput(delta: ModuleType | None, evaluations: int, rounds: int) -> dict[str, Any]:
    """Nanoseconds an evaluation, the best of several rounds taken in turn."""
    rng = np.random.default_rng(0)
    mean_inputs = rng.uniform(*MEAN_INPUTS, evaluations)
    noises = rng.uniform(*NOISES, evaluations)
    on_device = jnp.asarray(mean_inputs), jnp.asarray(noises)
    rate = jax.jit(firing_rate)
    both = jax.jit(
        lambda e, s: jax.jvp(lambda x: firing_rate(x, s), (e,), (jnp.ones_like(e),)),
    )
    contestants: dict[str, Callable[[], Any]] = {
        "rate": lambda: rate(*on_device).block_until_ready(),
        "rate_and_slope": lambda: jax.block_until_ready(both(*on_device)),
    }
    if delta is not None:
        contestants["nnmt"] = lambda: delta._firing_rates_for_given_input(
            mean_inputs, noises, 10.0, 20.0, 20.0, 2.0
        )
    for name in ("rate", "rate_and_slope"):
        contestants[name]()  # compilation
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            seconds[name] += [clock(call) for _ in range(1 if name == "nnmt" else 5)]
    wall, cpu = (
        {name: min(pair[kind] for pair in taken) / evaluations for name, taken in seconds.items()}
        for kind in (0, 1)
    )
    report: dict[str, Any] = {
        "evaluations": evaluations,
        "mean_input_mV": MEAN_INPUTS,
        "noise_mV": NOISES,
        "wall_ns": {name: 1e9 * value for name, value in wall.items()},
        "cpu_ns": {name: 1e9 * value for name, value in cpu.items()},
        "device": jax.devices()[0].device_kind,
    }
    if delta is not None:
        theirs = contestants["nnmt"]()
        report["largest_relative_difference"] = float(
            np.max(np.abs(np.asarray(rate(*on_device)) / theirs - 1.0))
        )
        report["ratio_wall"] = wall["nnmt"] / wall["rate"]
        report["ratio_cpu_time"] = cpu["nnmt"] / cpu["rate"]
    return report


def run(evaluations: int = 1_000_000, rounds: int = 4) -> dict[str, Any]:
    """Accuracy, one derivative in detail, and throughput."""
    delta = load_nnmt()
    return {
        "throughput": throughput(delta, evaluations, rounds),
        "relative_error": accuracy(delta),
        "slope_spikes_per_second_per_volt": steep_point(delta),
        "nnmt_installed": delta is not None,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
