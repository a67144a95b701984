"""Real connectomes, coarse-grained by colour refinement, against their own spikes."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.connectivity import (
    AbstractKernel,
    StepKernel,
    colour_refinement,
    load_connectome,
    natural_scaling,
    step_kernel,
    weights_kernel,
)
from neuropil.meanfield import (
    all_trees,
    tensorised_negative_sobolev,
    tree_observables,
    tree_observables_limit,
)
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.types import RandomKey


def run_connectome(configuration: Mapping[str, Any], key: RandomKey, *, name: str) -> xr.Dataset:
    """One-neuron law and trees of up to four vertices, at growing resolution.

    Weights are synapse counts, scaled so that a neuron receives `strength` mV on average from
    each spike of all the others. Resolution: numbers of colours; then all neurons apart, and
    all apart with the shot noise of finitely many synapses.
    """
    numbers = configuration["connectomes"]
    counts = load_connectome(name)
    factor = numbers["strength"] * counts.n_neurons / counts.weights.sum()
    wiring = counts.scaled(factor, unit="mV")
    n, end = wiring.n_neurons, configuration["duration"]
    means = np.full(n, configuration["start"]["mean"])
    begin = model.starts(configuration, means, numbers["realisations"], jax.random.fold_in(key, 0))
    found = spikes(
        model.neurons(configuration),
        wiring,
        ExactEvents(),
        begin,
        duration=end,
        key=jax.random.fold_in(key, 1),
        realisations=numbers["realisations"],
        sample_times=[end],
        workers=1,
    )
    trees = all_trees(up_to=4)
    ends = found.potentials[:, 0]
    observed = tree_observables(wiring, model.values(configuration, ends), trees)
    rates = found.rates().mean(axis=0)
    errors, rate_errors, distances, defects, colours, labels = [], [], [], [], [], []
    numerics = {name: numbers[name] for name in ("lower", "upper", "cells", "step")}
    for label, kernel, colour, defect, squares in _resolutions(numbers["resolutions"], wiring):
        evolution = model.limit(configuration, kernel, second_moment=squares, **numerics)
        averages = model.averages(configuration, evolution)
        predicted = np.asarray(tree_observables_limit(kernel, averages, trees).values)
        errors.append(np.abs(predicted - np.asarray(observed.values)).max(axis=1))
        of_neurons = np.asarray(evolution.rates).mean(axis=0)[colour]
        rate_errors.append(float(np.sqrt(np.mean((of_neurons - rates) ** 2))))
        law = np.asarray(kernel.measure) @ np.asarray(evolution.final)
        centres = np.asarray(evolution.potentials)
        width = centres[1] - centres[0]
        edges = np.append(centres - width / 2, centres[-1] + width / 2)
        distances.append(tensorised_negative_sobolev(law, _histogram(ends, edges), edges))
        defects.append(defect)
        colours.append(kernel.n_types)
        labels.append(label)
    first, second = (_histogram(half, edges) for half in np.array_split(ends, 2))
    halves_apart = tensorised_negative_sobolev(first, second, edges)
    scaling = natural_scaling(wiring)
    return xr.Dataset(
        {
            "error": (("resolution", "tree"), np.stack(errors)),
            "standard_error": ("tree", np.asarray(observed.standard_errors).max(axis=1)),
            "scale": ("tree", np.abs(np.asarray(observed.values)).max(axis=1)),
            "rate_error": ("resolution", rate_errors, {"units": "spikes/ms"}),
            "law_distance": ("resolution", distances),
            "law_noise": ((), halves_apart),
            "defect": ("resolution", defects, {"units": "mV"}),
            "colours": ("resolution", colours),
            "rate": ("neuron", rates, {"units": "spikes/ms"}),
            "neurons": ((), n),
            "strength": ((), scaling.bound, {"units": "mV"}),
            "largest_weight": ((), scaling.largest_weight, {"units": "mV"}),
        },
        {
            "resolution": ("resolution", labels),
            "tree": ("tree", [tree.name for tree in trees]),
        },
    )


def _histogram(
    potentials: Float[np.ndarray, "realisations neurons"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, " bins"]:
    counts, _ = np.histogram(potentials, edges)
    return counts / (potentials.size * np.diff(edges))


def _resolutions(colour_counts, wiring):
    """(name, kernel, type of each neuron, mean defect, second moment of the weights)."""
    n = wiring.n_neurons
    found: list[tuple[str, AbstractKernel, np.ndarray, float, StepKernel | None]] = []
    for count in colour_counts:
        if count < n:
            refined = colour_refinement(wiring, resolution=count)
            colour = refined.colours[-1]
            defect = float(refined.mean_defect[-1])
            found.append((str(count), step_kernel(wiring, colour), colour, defect, None))
    own = weights_kernel(wiring)
    squares = StepKernel(n * wiring.to_dense() ** 2, own.measure)
    every = np.arange(n)
    return [*found, ("all", own, every, 0.0, None), ("all, shot noise", own, every, 0.0, squares)]
