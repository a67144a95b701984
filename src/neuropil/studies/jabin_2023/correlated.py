"""Initial data that are not independent: local correlations are forgotten, global ones are not."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.meanfield import all_trees, tree_observables, tree_observables_limit
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.studies.jabin_2023.convergence import error_of
from neuropil.studies.jabin_2023.families import family, network
from neuropil.types import RandomKey

STARTS = ("independent", "pairs", "shared")


def run_correlated(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Errors of the trees when potentials begin equal in pairs, or share a random shift.

    All three starts have the same one-neuron law. In pairs of neurons of the same type the
    observables still begin at their limits, as the theorem asks; with a shift common to the
    whole network they do not. They are seen early, before the noise has forgotten the start.
    """
    numbers, chosen = configuration["correlated"], configuration["start"]
    configuration = {**configuration, "duration": numbers["duration"]}
    trees = all_trees(up_to=3)
    kernel = family(configuration, "sparse").kernel
    shared = numbers["shared_deviation"]
    spread = float(np.hypot(chosen["deviation"], shared))
    begin = {**configuration, "start": {**chosen, "deviation": spread}}
    evolution = model.limit(begin, kernel)
    expected = tree_observables_limit(kernel, model.averages(configuration, evolution), trees)
    errors, spreads = [], []
    for place, size in enumerate(numbers["sizes"]):
        draw = jax.random.fold_in(key, place)
        realisations = max(40, configuration["neuron_samples"] // size)
        wiring = network(configuration, "sparse", size, jax.random.fold_in(draw, 0))
        own = np.asarray(jax.random.normal(jax.random.fold_in(draw, 1), (realisations, size)))
        common = np.asarray(jax.random.normal(jax.random.fold_in(draw, 2), (realisations, 1)))
        drawn = {
            "independent": spread * own,
            "pairs": spread * np.repeat(own[:, ::2], 2, axis=1),
            "shared": chosen["deviation"] * own + shared * common,
        }
        found = [
            _observed(configuration, wiring, chosen["mean"] + drawn[name], trees, draw)
            - np.asarray(expected.values)
            for name in STARTS
        ]
        judged = [error_of(each[None]) for each in found]
        errors.append([error for error, _ in judged])
        spreads.append([error for _, error in judged])
    return xr.Dataset(
        {
            "error": (("size", "start", "tree"), np.array(errors)),
            "error_of_error": (("size", "start", "tree"), np.array(spreads)),
            "scale": ("tree", np.abs(np.asarray(expected.values)).max(axis=1)),
        },
        {
            "size": ("size", numbers["sizes"]),
            "start": ("start", list(STARTS)),
            "tree": ("tree", [tree.name for tree in trees]),
        },
    )


def _observed(configuration, wiring, begin, trees, key):
    """Observables at the end in two halves of the realisations."""
    end = configuration["duration"]
    found = spikes(
        model.neurons(configuration),
        wiring,
        ExactEvents(),
        begin,
        duration=end,
        key=jax.random.fold_in(key, 3),
        realisations=len(begin),
        sample_times=[end],
        workers=1,
    )
    halves = np.array_split(model.values(configuration, found.potentials[:, 0]), 2)
    return np.stack([np.asarray(tree_observables(wiring, half, trees).values) for half in halves])
