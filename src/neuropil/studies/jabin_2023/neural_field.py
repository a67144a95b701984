"""Neurons that are close in space and wired differently: where a neural field must fail."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.connectivity import StepKernel, connectome_from_edges, erdos_renyi
from neuropil.meanfield import all_trees, tree_observables, tree_observables_limit
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.types import RandomKey


def run_neural_field(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Two kinds of neurons mixed evenly in space, one of which receives much more.

    A neural field knows a neuron by its place and averages the weights of neighbours: every
    place looks alike, its kernel is constant. The kernel of the tree observables knows two
    types, and finds them from the weights alone.
    """
    numbers = configuration["neural_field"]
    n, p, ratio = numbers["neurons"], numbers["probability"], numbers["ratio"]
    draw = [jax.random.fold_in(key, number) for number in range(3)]
    strong = np.asarray(jax.random.permutation(draw[0], np.arange(n) % 2 == 0))
    factor = np.where(strong, 2 * ratio / (1 + ratio), 2 / (1 + ratio))
    graph = erdos_renyi(n, p, key=draw[1])
    post = np.repeat(np.arange(n), graph.in_degrees)
    weights = configuration["strength"] / (p * n) * factor[post]
    wiring = connectome_from_edges(graph.presynaptic, post, weights, n, unit="mV")
    means = np.full(n, configuration["start"]["mean"])
    begin = model.starts(configuration, means, numbers["realisations"], draw[2])
    end = configuration["duration"]
    found = spikes(
        model.neurons(configuration),
        wiring,
        ExactEvents(),
        begin,
        duration=end,
        key=draw[2],
        realisations=numbers["realisations"],
        sample_times=[end],
        workers=1,
    )
    trees = all_trees(up_to=configuration["largest_tree"])
    at_end = model.values(configuration, found.potentials[:, 0])
    observed = tree_observables(wiring, at_end, trees)
    strength = configuration["strength"]
    kernels = {
        "types": StepKernel(
            strength * np.array([[factor.max()] * 2, [factor.min()] * 2]), np.array([0.5, 0.5])
        ),
        "neural field": StepKernel(np.array([[strength]]), np.ones(1)),
    }
    predicted, rates, laws = [], [], []
    for kernel in kernels.values():
        evolution = model.limit(configuration, kernel)
        averages = model.averages(configuration, evolution)
        predicted.append(np.asarray(tree_observables_limit(kernel, averages, trees).values))
        share = np.asarray(kernel.measure)
        rates.append(float(np.asarray(evolution.rates).mean(axis=0) @ share))
        laws.append(share @ np.asarray(evolution.final))
    edges = np.linspace(configuration["grid"]["lower"], configuration["grid"]["upper"], 301)
    counted, _ = np.histogram(found.potentials, edges, density=True)
    return xr.Dataset(
        {
            "value": (("tree", "function"), np.asarray(observed.values)),
            "error": (("tree", "function"), np.asarray(observed.standard_errors)),
            "predicted": (("kernel", "tree", "function"), np.stack(predicted)),
            "rate": ((), float(found.rates().mean()), {"units": "spikes/ms"}),
            "predicted_rate": ("kernel", rates, {"units": "spikes/ms"}),
            "law": ("bin", counted, {"units": "1/mV"}),
            "predicted_law": (("kernel", "cell"), np.stack(laws), {"units": "1/mV"}),
        },
        {
            "kernel": ("kernel", list(kernels)),
            "tree": ("tree", [tree.name for tree in trees]),
            "bin": ("bin", (edges[1:] + edges[:-1]) / 2, {"units": "mV"}),
            "cell": ("cell", np.asarray(evolution.potentials), {"units": "mV"}),
        },
    )
