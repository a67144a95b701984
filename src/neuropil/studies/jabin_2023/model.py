"""The neurons of the study, their mean-field limit, and averages of test functions."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import AbstractKernel
from neuropil.meanfield import (
    DensityEvolution,
    HostSteps,
    PopulationDensity,
    VoltageGrid,
    distinguishing_functions,
    evolve_density,
)
from neuropil.types import RandomKey

_BLOCK = 1 << 16


def neurons(configuration: Mapping[str, Any], **changed: Any) -> IntegrateAndFire:
    """The integrate-and-fire neurons of the talk, with a bounded smooth hazard."""
    chosen = configuration["neurons"]
    return IntegrateAndFire(
        LinearDrift(chosen["time_constant"], chosen["rest"]),
        hazard=SigmoidHazard(
            chosen["largest_hazard"], chosen["hazard_midpoint"], chosen["hazard_width"]
        ),
        **{"noise": chosen["noise"], **changed},
    )


def start_means(
    configuration: Mapping[str, Any], place: Float[np.ndarray, " places"], modulation: float = 0.0
) -> Float[np.ndarray, " places"]:
    """Mean potential at time 0 of neurons at these places, in mV."""
    return configuration["start"]["mean"] + modulation * np.cos(2 * np.pi * place)


def starts(
    configuration: Mapping[str, Any],
    means: Float[np.ndarray, " neurons"],
    realisations: int,
    key: RandomKey,
) -> Float[np.ndarray, "realisations neurons"]:
    """Independent normal potentials at time 0, in mV."""
    drawn = np.asarray(jax.random.normal(key, (realisations, means.size), float))
    return means + configuration["start"]["deviation"] * drawn


def limit(
    configuration: Mapping[str, Any],
    kernel: AbstractKernel,
    *,
    means: Float[np.ndarray, " types"] | None = None,
    lower: float | None = None,
    upper: float | None = None,
    cells: int | None = None,
    step: float | None = None,
    second_moment: AbstractKernel | None = None,
    times: Float[np.ndarray, " times"] | None = None,
    **changed: Any,
) -> DensityEvolution:
    """The extended mean-field equation from the normal start to the end of the study."""
    numbers, chosen = configuration["grid"], configuration["start"]
    grid = VoltageGrid(
        lower or numbers["lower"], upper or numbers["upper"], cells or numbers["cells"]
    )
    density = PopulationDensity(neurons(configuration, **changed), kernel, grid, second_moment)
    begin = grid.normal_density(chosen["mean"] if means is None else means, chosen["deviation"])
    return evolve_density(
        density,
        HostSteps(step or numbers["step"]),
        begin,
        times=[0.0, configuration["duration"]] if times is None else times,
    )


def functions(configuration: Mapping[str, Any]) -> tuple[Any, ...]:
    """The test functions: waves and sigmoids over the range of the potentials."""
    return distinguishing_functions(**configuration["functions"])


def values(
    configuration: Mapping[str, Any], potentials: Float[np.ndarray, "... neurons"]
) -> Float[np.ndarray, "... neurons functions"]:
    """Every test function of every potential."""
    chosen = functions(configuration)
    flat = np.ravel(potentials)
    found = np.empty((flat.size, len(chosen)))
    # Blocks of one size, so that networks of other sizes compile nothing.
    block = np.zeros(_BLOCK)
    for first in range(0, flat.size, _BLOCK):
        part = flat[first : first + _BLOCK]
        block[: part.size] = part
        found[first : first + part.size] = _evaluated(chosen, jnp.asarray(block))[: part.size]
    return found.reshape(*np.shape(potentials), len(chosen))


@eqx.filter_jit
def _evaluated(chosen: tuple[Any, ...], points: Float[Array, " points"]) -> Array:
    return jnp.stack([phi(points) for phi in chosen], axis=-1)


def averages(
    configuration: Mapping[str, Any], evolution: DensityEvolution
) -> Float[np.ndarray, "types functions"]:
    """The average of every test function over the final density of every type."""
    width = float(evolution.potentials[1] - evolution.potentials[0])
    at_centres = values(configuration, np.asarray(evolution.potentials))
    return width * np.asarray(evolution.final) @ at_centres
