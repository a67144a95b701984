"""The tree-indexed hierarchy of the talk, and what it leaves out."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.connectivity import sample_network
from neuropil.meanfield import all_trees, hierarchy_terms
from neuropil.studies.jabin_2023 import model
from neuropil.studies.jabin_2023.families import family
from neuropil.types import RandomKey


def run_hierarchy(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Terms of d/dt tau_N(T) for trees of up to three vertices, at growing size.

    `without_interaction` is what remains of the exact generator when the last term of the talk
    is read as printed, as a derivative with respect to a variable it does not depend on.
    """
    numbers = configuration["hierarchy"]
    trees = all_trees(up_to=3)
    kernel = family(configuration, "dense").kernel
    chosen = model.neurons(configuration)
    remainders, interactions, totals = [], [], []
    for place, size in enumerate(numbers["sizes"]):
        draw = jax.random.fold_in(key, place)
        wiring = sample_network(
            kernel, size, probability=numbers["probability"], key=jax.random.fold_in(draw, 0)
        ).connectome
        means = np.full(size, configuration["neurons"]["hazard_midpoint"])
        potentials = model.starts(
            configuration, means, numbers["realisations"], jax.random.fold_in(draw, 1)
        )
        terms = [hierarchy_terms(tree, potentials, wiring, chosen, _wave) for tree in trees]
        remainders.append([np.sqrt(np.mean(each.remainder**2)) for each in terms])
        interactions.append([np.sqrt(np.mean(each.interaction**2)) for each in terms])
        totals.append([np.sqrt(np.mean(each.exact**2)) for each in terms])
    dimensions = ("size", "tree")
    return xr.Dataset(
        {
            "remainder": (dimensions, np.array(remainders)),
            "interaction": (dimensions, np.array(interactions)),
            "exact": (dimensions, np.array(totals)),
        },
        {"size": ("size", numbers["sizes"]), "tree": ("tree", [tree.name for tree in trees])},
    )


def _wave(potential):
    """A smooth bounded function whose slope does not vanish where the potentials are."""
    return jnp.sin(potential / 12.0)
