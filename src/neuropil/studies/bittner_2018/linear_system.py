"""Two-dimensional linear systems with a band of oscillations, as published and as printed."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.circuits import leading_eigenvalue
from neuropil.inference import (
    AbstractDomain,
    Behaviour,
    Interval,
    RealLine,
    Support,
    feasibility,
    islands,
    maximum_entropy,
    sensitivity,
)
from neuropil.studies.bittner_2018.answers import drawn, stored
from neuropil.types import RandomKey

ENTRIES = ("a1", "a2", "a3", "a4")
_UNITS = {"growth_rate": "1/s", "frequency": "rad/s"}


def matrix(parameters: Mapping[str, Float[Array, ""]]) -> Float[Array, "2 2"]:
    """A = [[a1, a2], [a3, a4]], in 1/s."""
    return jnp.stack([parameters[name] for name in ENTRIES]).reshape(2, 2)


def statistics(parameters: Mapping[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
    """Growth rate in 1/s and angular frequency in rad/s of the leading eigenvalue."""
    found = leading_eigenvalue(matrix(parameters))
    return {"growth_rate": found.growth_rate, "frequency": found.angular_frequency}


def raw_moments(parameters: Mapping[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
    """Both and their squares, the four statistics that the document prints."""
    found = statistics(parameters)
    squares = {f"{name}_squared": value**2 for name, value in found.items()}
    return {**found, **squares}


def behaviour(targets: Mapping[str, Any]) -> Behaviour:
    """Means and variances of growth rate and frequency."""
    return Behaviour(
        statistics,
        dict(zip(_UNITS, targets["means"], strict=True)),
        variances=dict(zip(_UNITS, targets["variances"], strict=True)),
        units=_UNITS,
    )


def printed_behaviour(targets: Mapping[str, Any]) -> Behaviour:
    """The four targets as they are printed: raw moments."""
    names = ("growth_rate", "growth_rate_squared", "frequency", "frequency_squared")
    return Behaviour(raw_moments, dict(zip(names, targets["raw_moments"], strict=True)))


def box(bound: float) -> Support:
    """Every entry between -bound and bound."""
    return _support(Interval(-bound, bound, unit="1/s"))


def unbounded(scale: float) -> Support:
    """Every entry on the real line."""
    return _support(RealLine(scale=scale, unit="1/s"))


def _support(domain: AbstractDomain) -> Support:
    return Support(dict.fromkeys(ENTRIES, domain))


def run_linear_system(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The published form: the answer, its islands, its stiff and degenerate directions."""
    numbers = configuration["linear_system"]
    solve, split, draw = jax.random.split(key, 3)
    answer = maximum_entropy(behaviour(numbers), box(numbers["bound"]), key=solve)
    found = islands(answer, key=split)
    modes = np.stack([[float(island.mode[name]) for name in ENTRIES] for island in found])
    curvature = [sensitivity(answer, island.mode) for island in found]
    samples = drawn(answer, configuration["samples"], draw)
    # Another route to the same numbers: a general eigensolver.
    eigenvalues = np.linalg.eigvals(samples["sample"].values.reshape(-1, 2, 2))
    recomputed = np.stack([eigenvalues.real.max(1), np.abs(eigenvalues.imag).max(1)], axis=1)
    of_islands = xr.Dataset(
        {
            "mass": ("island", [island.mass.value for island in found]),
            "mass_lower": ("island", [island.mass.lower for island in found]),
            "mass_upper": ("island", [island.mass.upper for island in found]),
            "mode": (("island", "parameter"), modes, {"units": "1/s"}),
            "mode_log_density": ("island", [island.log_density for island in found]),
            "eigenvalue": (("island", "direction"), np.stack([c.eigenvalues for c in curvature])),
            "direction_component": (
                ("island", "parameter", "direction"),
                np.stack([c.directions for c in curvature]),
            ),
            "recomputed": (("draw", "name"), recomputed),
        }
    )
    return xr.merge([stored(answer), samples, of_islands])


def run_printed_example(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """What stands in the way of the printed targets, and the problem that can be solved."""
    numbers = configuration["printed_example"]
    meant = behaviour(numbers)
    cases = {
        "printed": (printed_behaviour(numbers), box(numbers["solved_bound"])),
        "meant, box": (meant, box(numbers["bound"])),
        "meant, unbounded": (meant, unbounded(numbers["scale"])),
        "meant, wider box": (meant, box(numbers["solved_bound"])),
    }
    keys = jax.random.split(key, len(cases) + 2)
    found = [
        feasibility(*case, key=each) for case, each in zip(cases.values(), keys[2:], strict=True)
    ]
    answer = maximum_entropy(meant, box(numbers["solved_bound"]), key=keys[0], check=False)
    faults = xr.Dataset(
        {
            "fault": ("case", ["; ".join(each.faults) for each in found]),
            "faults": ("case", [len(each.faults) for each in found]),
            "highest_frequency": (
                "case",
                [each.highest["frequency"] for each in found],
                {"units": "rad/s"},
            ),
            "feasibility_simulations": ("case", [each.simulations for each in found]),
        },
        {"case": list(cases)},
    )
    return xr.merge([stored(answer), drawn(answer, configuration["samples"], keys[1]), faults])


__all__ = [
    "ENTRIES",
    "behaviour",
    "box",
    "matrix",
    "printed_behaviour",
    "raw_moments",
    "run_linear_system",
    "run_printed_example",
    "statistics",
    "unbounded",
]
