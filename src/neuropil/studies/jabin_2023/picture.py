"""One network beside its limit: spikes, the density of potentials, rates against the type."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.connectivity import midpoints
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.studies.jabin_2023.families import family, network
from neuropil.types import RandomKey


def run_picture(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """A dense network of a thousand neurons, and the equation over the same time."""
    numbers = configuration["picture"]
    n, end = numbers["neurons"], configuration["duration"]
    kernel = family(configuration, "dense").kernel
    wiring = network(configuration, "dense", n, jax.random.fold_in(key, 0))
    means = np.full(n, configuration["start"]["mean"])
    begin = model.starts(configuration, means, numbers["realisations"], jax.random.fold_in(key, 1))
    found = spikes(
        model.neurons(configuration),
        wiring,
        ExactEvents(),
        begin,
        duration=end,
        key=jax.random.fold_in(key, 2),
        realisations=numbers["realisations"],
        workers=1,
    )
    times, who = found.of(0)
    evolution = model.limit(configuration, kernel, times=np.linspace(0.0, end, 121))
    return xr.Dataset(
        {
            "spike_time": ("spike", times, {"units": "ms"}),
            "spike_neuron": ("spike", who),
            "density": (
                ("time", "potential"),
                np.asarray(kernel.measure @ evolution.densities),
                {"units": "1/mV"},
            ),
            "rate": ("neuron", found.rates().mean(axis=0), {"units": "spikes/ms"}),
            "limit_rate": ("type", np.asarray(evolution.rates).mean(axis=0)),
        },
        {
            "time": ("time", np.asarray(evolution.times), {"units": "ms"}),
            "potential": ("potential", np.asarray(evolution.potentials), {"units": "mV"}),
            "neuron": ("neuron", midpoints(n)),
            "type": ("type", midpoints(kernel.n_types)),
        },
    )
