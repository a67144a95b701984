"""Places where a formula of the slides cannot be meant as printed, put to the test."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.connectivity import StepKernel, erdos_renyi
from neuropil.meanfield import PopulationDensity, VoltageGrid, stationary_density
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.types import RandomKey


def run_misprints(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The boundary value at the reset, the range of the rate integral, and alpha."""
    strength, chosen = configuration["strength"], configuration["misprints"]
    kernel = StepKernel(np.array([[strength]]), np.ones(1))
    at_rest = [
        _at_rest(configuration, kernel, float(noise), float(rest))
        for rest, noise in chosen["cases"]
    ]
    n, p = chosen["neurons"], 0.1
    wiring = erdos_renyi(n, p, key=jax.random.fold_in(key, 0), weight=strength / (p * n), unit="mV")
    means = np.full(n, configuration["start"]["mean"])
    begin = model.starts(configuration, means, chosen["realisations"], jax.random.fold_in(key, 1))
    measured = spikes(
        model.neurons(configuration, coupling=chosen["coupling"]),
        wiring,
        ExactEvents(),
        begin,
        duration=configuration["duration"],
        key=jax.random.fold_in(key, 2),
        realisations=chosen["realisations"],
        workers=1,
    ).rates()
    with_alpha, without = (
        float(np.asarray(model.limit(configuration, kernel, coupling=alpha).rates).mean())
        for alpha in (chosen["coupling"], 1.0)
    )
    return xr.Dataset(
        {
            **{
                name: ("case", [each[name] for each in at_rest], {"units": unit})
                for name, unit in _UNITS.items()
            },
            "rate": ((), float(measured.mean()), {"units": "spikes/ms"}),
            "rate_error": (
                (),
                float(measured.mean(axis=1).std(ddof=1) / chosen["realisations"] ** 0.5),
                {"units": "spikes/ms"},
            ),
            "rate_with_alpha": ((), with_alpha, {"units": "spikes/ms"}),
            "rate_without_alpha": ((), without, {"units": "spikes/ms"}),
        },
        {
            "rest": ("case", [rest for rest, _ in chosen["cases"]], {"units": "mV"}),
            "noise": ("case", [noise for _, noise in chosen["cases"]], {"units": "mV/sqrt(ms)"}),
        },
    )


_UNITS = {
    "density_at_reset": "1/mV",
    "printed": "1/mV",
    "mass_below": "",
    "rate_below": "",
    "flux_jump": "",
}


def _at_rest(
    configuration: Mapping[str, Any], kernel: StepKernel, noise: float, rest: float
) -> dict[str, float]:
    """The stationary density just above the reset, the slide's value for it, and the rest.

    `flux_jump` is the jump of the diffusive flux over the reset as a fraction of the rate;
    `mass_below` and `rate_below` are fractions below the reset, which is 0 mV.
    """
    numbers = configuration["grid"]
    grid = VoltageGrid(-30.0, numbers["upper"], 3600)
    changed = {**configuration, "neurons": {**configuration["neurons"], "rest": rest}}
    density = PopulationDensity(model.neurons(changed, noise=noise), kernel, grid)
    found = stationary_density(density)
    centres, f = np.asarray(found.potentials), np.asarray(found.densities)[0]
    width, rate = float(grid.width), float(found.rates[0])
    drift = float(density.drift_at(jnp.zeros(1))[0, 0] + found.inputs[0])
    above = np.searchsorted(centres, 0.0)
    hazard = np.asarray(density.hazard_at(grid.centres))[0]
    # One-sided slopes of second order, continued to the reset half a cell away.
    right, left = np.diff(f[above : above + 4]), np.diff(f[above - 4 : above])
    slope_above = (2 * right[0] - right[1]) / width
    slope_below = (2 * left[-1] - left[-2]) / width
    return {
        "density_at_reset": float(1.5 * f[above] - 0.5 * f[above + 1]),
        "printed": rate / drift,
        "mass_below": width * float(f[:above].sum()),
        "rate_below": width * float((hazard * f)[:above].sum()) / rate,
        "flux_jump": float(-(noise**2) / 2 * (slope_above - slope_below) / rate),
    }
