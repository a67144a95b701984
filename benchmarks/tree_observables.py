"""Seconds for tree observables, beside one scipy product for each edge of each tree.

Prints JSON: the 17 trees of up to five vertices on SONETs of growing size, for one state of the
network and for 16 at once, and colour refinement of sparse graphs. Times are the least of some
repeats, after compilation.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from neuropil.connectivity import Connectome, erdos_renyi, load_connectome, sonet
from neuropil.connectivity.colour_refinement import colour_refinement
from neuropil.meanfield.tree_observables import tree_observables
from neuropil.meanfield.trees import all_trees

SIZES = (500, 2000, 8000)
PROBABILITY = 0.1
ALPHAS = {"convergent": 0.4, "divergent": 0.4, "chain": 0.3}
STATES = 16
REPEATS = 3


def least(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the fastest call, and what it returned."""
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def one_product_an_edge(connectome: Connectome, values: np.ndarray) -> np.ndarray:
    """The same recursion tree by tree, with scipy and without sharing branches."""
    weights = connectome.to_scipy()
    found = []
    for tree in all_trees():
        at = [values.copy() for _ in range(tree.size)]
        for parent, child in reversed(tree.edges):
            at[parent] *= weights @ at[child]
        found.append(at[0].mean())
    return np.array(found)


def trees(neurons: int) -> dict[str, Any]:
    """All trees up to five vertices on one SONET."""
    graph = sonet(
        neurons, PROBABILITY, **ALPHAS, key=jax.random.key(0), weight=1 / (neurons * PROBABILITY)
    ).connectome
    rng = np.random.default_rng(0)
    state, states = rng.random(neurons), rng.random((STATES, neurons, 1))
    tree_observables(graph, state)
    tree_observables(graph, states)
    seconds, ours = least(lambda: tree_observables(graph, state))
    seconds_of_many, _ = least(lambda: tree_observables(graph, states))
    plain_seconds, plain = least(lambda: one_product_an_edge(graph, state))
    return {
        "neurons": neurons,
        "edges": graph.n_edges,
        "seconds": seconds,
        f"seconds_{STATES}_states": seconds_of_many,
        "plain_seconds": plain_seconds,
        "ratio": plain_seconds / seconds,
        "largest_relative_difference": float(np.abs(ours.values[:, 0] / plain - 1).max()),
    }


def colours(name: str, connectome: Connectome) -> dict[str, Any]:
    """The coarsest equitable partition, and ten colours."""
    colour_refinement(connectome, depth=1)
    seconds, exact = least(lambda: colour_refinement(connectome))
    coarse_seconds, coarse = least(lambda: colour_refinement(connectome, resolution=10))
    return {
        "network": name,
        "neurons": connectome.n_neurons,
        "edges": connectome.n_edges,
        "seconds": seconds,
        "colours": exact.n_colours.tolist(),
        "seconds_10_colours": coarse_seconds,
        "mean_defect_over_bound": [
            float(coarse.mean_defect[0] / coarse.bound),
            float(coarse.mean_defect[-1] / coarse.bound),
        ],
    }


def run() -> dict[str, Any]:
    """Trees by size, colours by network."""
    graph = erdos_renyi(100_000, 1e-4, key=jax.random.key(0))
    mushroom_body = "drosophila-mushroom-body-eichler-2017-left"
    return {
        "trees": [trees(size) for size in SIZES],
        "colours": [
            colours("Erdos-Renyi", graph),
            colours(mushroom_body, load_connectome(mushroom_body)),
        ],
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
