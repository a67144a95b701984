"""The mean-field equation of one type on 1,500 cells: speed, errors and orders.

Run `python benchmarks/population_density.py`; it prints JSON. Times are of one core, the fastest
of several runs, without compilation.
"""

import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import StepKernel
from neuropil.meanfield.density_evolution import DeviceSteps, HostSteps, evolve_density
from neuropil.meanfield.density_grid import VoltageGrid
from neuropil.meanfield.density_stationary import (
    CellBalance,
    Collocation,
    stationary_density,
)
from neuropil.meanfield.population_density import PopulationDensity

CELLS, DURATION, REPEATS = 1_500, 1_000.0, 10


def population(cells: int) -> PopulationDensity:
    """Leaky neurons that fire by a sigmoid hazard and excite each other."""
    neurons = IntegrateAndFire(
        drift=LinearDrift(20.0, 12.0),
        hazard=SigmoidHazard(0.2, 15.0, 2.0),
        noise=float(np.sqrt(0.9)),
    )
    kernel = StepKernel(np.full((1, 1), 5.0), np.ones(1))
    return PopulationDensity(neurons, kernel, VoltageGrid(-20.0, 40.0, cells))


def fastest(function: Any, *arguments: Any) -> float:
    """Seconds of the fastest of several calls after a first."""
    function(*arguments)
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - begin)
    return min(times)


def speed() -> list[dict[str, Any]]:
    """A second of biological time at several steps, and the error of the rate over its course."""
    density = population(CELLS)
    start = density.grid.normal_density([5.0], [3.0])

    def follow(method: Any, duration: float = DURATION) -> Any:
        return evolve_density(density, method, start, times=[0.0, duration])

    fine = np.asarray(follow(HostSteps(0.0125), 100.0).rates)[:, 0]
    rows = []
    for step in (0.1, 0.25, 0.5, 1.0):
        course = np.asarray(follow(HostSteps(step), 100.0).rates)[:, 0]
        of_steps = fine.reshape(course.size, -1).mean(axis=1)
        rows.append(
            {
                "step_ms": step,
                "host_ms_per_biological_second": 1e3 * fastest(follow, HostSteps(step)),
                "largest_relative_error_of_rate": float(np.abs(course / of_steps - 1).max()),
            }
        )
    device = fastest(lambda: follow(DeviceSteps(1.0), 100.0))
    rows.append({"step_ms": 1.0, "device_ms_per_biological_second": 1e4 * device})
    return rows


def stationary() -> dict[str, Any]:
    """Errors of stationary rates, against collocation with twice the elements."""
    density = population(CELLS)
    exact = stationary_density(density, Collocation(elements=48)).rates[0]
    found = stationary_density(density, Collocation())
    balance = stationary_density(density, CellBalance())
    coarse = stationary_density(population(CELLS // 2), CellBalance())
    errors = [float(jnp.abs(x.rates[0] / exact - 1)) for x in (found, balance, coarse)]
    return {
        "rate_Hz": 1e3 * float(exact),
        "relative_error_collocation": errors[0],
        "relative_error_cells": errors[1],
        "order_in_potential": float(np.log2(errors[2] / errors[1])),
        "seconds_collocation": fastest(lambda: stationary_density(density, Collocation())),
        "seconds_cells": fastest(lambda: stationary_density(density, CellBalance())),
    }


def run() -> dict[str, Any]:
    """All of it; the order in time is that between steps of 1 and 0.5 ms."""
    timed = speed()
    errors = {row["step_ms"]: row.get("largest_relative_error_of_rate") for row in timed[:-1]}
    order = float(np.log2(errors[1.0] / errors[0.5]))
    return {"cells": CELLS, "speed": timed, "order_in_time": order, "stationary": stationary()}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
