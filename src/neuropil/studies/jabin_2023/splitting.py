"""The error of a finite network in two parts: chaos on its own graph, and graph against kernel."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.connectivity import StepKernel, sample_network, weights_kernel
from neuropil.meanfield import all_trees, tree_observables_limit
from neuropil.studies.jabin_2023 import model
from neuropil.studies.jabin_2023.convergence import error_of, simulated
from neuropil.studies.jabin_2023.families import family
from neuropil.types import RandomKey


def run_split(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Both parts at growing sizes, for all trees of up to three vertices.

    Chaos: expectations over realisations of a network against the mean-field equation with one
    type for each of its neurons. Kernel: that equation against the one of the limit.
    """
    numbers = configuration["split"]
    trees = all_trees(up_to=3)
    numerics = {name: numbers[name] for name in ("lower", "upper", "cells", "step")}
    kernel = family(configuration, "dense").kernel
    evolution = model.limit(configuration, kernel, **numerics)
    expected = np.asarray(
        tree_observables_limit(kernel, model.averages(configuration, evolution), trees).values
    )
    rows: dict[str, list[Any]] = {"chaos": [], "chaos_error": [], "kernel": [], "kernel_error": []}
    corrected = []
    for place, size in enumerate(numbers["sizes"]):
        chaos, graph, better = [], [], []
        realisations = max(4, numbers["neuron_samples"] // (numbers["graphs"] * size))
        for number in range(numbers["graphs"]):
            draw = jax.random.fold_in(jax.random.fold_in(key, place), number)
            wiring = sample_network(
                kernel, size, probability=numbers["probability"], key=jax.random.fold_in(draw, 0)
            ).connectome
            own = weights_kernel(wiring)
            observed, _ = simulated(
                configuration, wiring, trees, 0.0, realisations, jax.random.fold_in(draw, 1)
            )
            plain = model.limit(configuration, own, **numerics)
            squares = StepKernel(size * wiring.to_dense() ** 2, own.measure)
            spread = model.limit(configuration, own, second_moment=squares, **numerics)
            on_graph = [
                np.asarray(
                    tree_observables_limit(own, model.averages(configuration, each), trees).values
                )
                for each in (plain, spread)
            ]
            chaos.append(observed - on_graph[0])
            better.append(observed - on_graph[1])
            graph.append(np.stack([on_graph[0] - expected] * 2))
        for name, differences in (("chaos", chaos), ("kernel", graph)):
            error, spread_of_error = error_of(np.stack(differences))
            rows[name].append(error)
            rows[f"{name}_error"].append(spread_of_error)
        corrected.append(error_of(np.stack(better))[0])
    return xr.Dataset(
        {name: (("size", "tree"), np.stack(values)) for name, values in rows.items()}
        | {
            "corrected": (("size", "tree"), np.stack(corrected)),
            "scale": ("tree", np.abs(expected).max(axis=1)),
        },
        {"size": ("size", numbers["sizes"]), "tree": ("tree", [tree.name for tree in trees])},
    )
