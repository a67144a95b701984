"""Tree observables of growing networks against their limit."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.connectivity import AbstractKernel, Connectome, midpoints, natural_scaling
from neuropil.meanfield import Tree, all_trees, tree_observables, tree_observables_limit
from neuropil.simulate import ExactEvents, spikes
from neuropil.studies.jabin_2023 import model
from neuropil.studies.jabin_2023.families import family, network
from neuropil.types import RandomKey


def run_family(configuration: Mapping[str, Any], key: RandomKey, *, name: str) -> xr.Dataset:
    """All trees of one family at all sizes, with the limit, rates and the scaling."""
    trees = all_trees(up_to=configuration["largest_tree"])
    kernel, is_random = family(configuration, name)
    chosen = configuration["families"][name]
    modulation = chosen.get("modulation", 0.0)
    means = model.start_means(configuration, midpoints(kernel.n_types), modulation)
    evolution = model.limit(configuration, kernel, means=means, **chosen.get("grid", {}))
    expected = tree_observables_limit(kernel, model.averages(configuration, evolution), trees)
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("value", "error", "spread", "rate", "rate_error", "strength", "weight")
    }
    sizes = chosen["sizes"]
    numbers = configuration["graphs"]
    for place, size in enumerate(sizes):
        most = int(np.clip(numbers["neurons"] // size, numbers["fewest"], numbers["most"]))
        graphs = most if is_random else 1
        fewest = numbers["realisations"]["random" if is_random else "fixed"]
        realisations = max(fewest, configuration["neuron_samples"] // (graphs * size))
        found, rates = [], []
        for graph in range(graphs):
            draw = jax.random.fold_in(jax.random.fold_in(key, place), graph)
            wiring = network(configuration, name, size, jax.random.fold_in(draw, 0))
            observed, rate = simulated(
                configuration, wiring, trees, modulation, realisations, jax.random.fold_in(draw, 1)
            )
            found.append(observed)
            rates.append(rate)
        scaling = natural_scaling(wiring)
        columns["value"].append(np.mean(found, axis=(0, 1)))
        error, spread = error_of(np.stack(found) - np.asarray(expected.values))
        columns["error"].append(error)
        columns["spread"].append(spread)
        every = np.ravel(rates)
        columns["rate"].append(every.mean())
        columns["rate_error"].append(_standard_error(np.stack(rates)))
        columns["strength"].append(scaling.bound)
        columns["weight"].append(scaling.largest_weight)
    spread_out, (rows, names) = ("size",), (("size", "tree"), [tree.name for tree in trees])
    fired = float(np.sum(_mean_rate(kernel, evolution)))
    return xr.Dataset(
        {
            "value": (("size", "tree", "function"), np.stack(columns["value"])),
            "limit": (("tree", "function"), np.asarray(expected.values)),
            "error": (rows, np.stack(columns["error"]), {"long_name": "relative error"}),
            "error_of_error": (rows, np.stack(columns["spread"])),
            "rate": (spread_out, np.array(columns["rate"]), {"units": "spikes/ms"}),
            "rate_error": (spread_out, np.array(columns["rate_error"]), {"units": "spikes/ms"}),
            "limit_rate": ((), fired, {"units": "spikes/ms"}),
            "strength": (spread_out, np.array(columns["strength"]), {"units": "mV"}),
            "largest_weight": (spread_out, np.array(columns["weight"]), {"units": "mV"}),
            "vertices": ("tree", [tree.size for tree in trees]),
        },
        {"size": ("size", sizes), "tree": ("tree", names)},
    )


def simulated(
    configuration: Mapping[str, Any],
    wiring: Connectome,
    trees: tuple[Tree, ...],
    modulation: float,
    realisations: int,
    key: RandomKey,
) -> tuple[Float[np.ndarray, "batches trees functions"], Float[np.ndarray, " realisations"]]:
    """Observables at the end, in two halves of the realisations, and mean rates."""
    n, end = wiring.n_neurons, configuration["duration"]
    means = model.start_means(configuration, midpoints(n), modulation)
    begin = model.starts(configuration, means, realisations, jax.random.fold_in(key, 0))
    found = spikes(
        model.neurons(configuration),
        wiring,
        ExactEvents(),
        begin,
        duration=end,
        key=jax.random.fold_in(key, 1),
        realisations=realisations,
        sample_times=[end],
        workers=1,
    )
    at_end = model.values(configuration, found.potentials[:, 0])
    halves = np.array_split(at_end, 2)
    observed = [np.asarray(tree_observables(wiring, half, trees).values) for half in halves]
    return np.stack(observed), found.n_spikes / (n * end)


def error_of(
    differences: Float[np.ndarray, "graphs halves trees functions"],
) -> tuple[Float[np.ndarray, " trees"], Float[np.ndarray, " trees"]]:
    """Root mean square difference over graphs and functions, without what sampling adds.

    The product of two independent halves estimates the square without bias by sampling; the
    second value is a standard error of the first.
    """
    products = (differences[:, 0] * differences[:, 1]).mean(axis=-1)
    noise = ((differences[:, 0] - differences[:, 1]) ** 2 / 4).mean(axis=-1)
    square = products.mean(axis=0)
    count = len(products)
    error = np.sqrt(np.maximum(square, 0.0))
    if count > 1:
        within = products.std(axis=0, ddof=1) / count**0.5
    else:
        within = noise[0] + 2 * error * np.sqrt(noise[0])
    return error, within / (2 * np.maximum(error, np.sqrt(np.maximum(within, 1e-300))))


def _standard_error(rates: Float[np.ndarray, "graphs realisations"]) -> float:
    """Of the mean over graphs and realisations, graphs being independent of each other."""
    means = rates.mean(axis=1)
    if means.size > 1:
        return float(means.std(ddof=1) / means.size**0.5)
    return float(rates.std(ddof=1) / rates.size**0.5)


def _mean_rate(kernel: AbstractKernel, evolution: Any) -> Float[np.ndarray, " types"]:
    """Mean over time of the rate of each type, times its share of the neurons."""
    return np.asarray(kernel.measure) * np.asarray(evolution.rates).mean(axis=0)
