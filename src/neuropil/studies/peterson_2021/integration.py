"""Beyond the document's figures: cells needed to add up evidence over time."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.evidence_accumulation import (
    EvidenceAccumulation,
    IntegratingCells,
)
from neuropil.learning.classification.objectives import NegativeLogLikelihood
from neuropil.learning.classification.training import (
    Samples,
    in_single_precision,
    judge,
    many,
    train_classifiers,
)
from neuropil.types import RandomKey

KINDS = ("slow, local", "fast, all to all", "fast, local", "slow, all to all")
"""Astrocytes, neurons, and both with the time constant of the other."""


def run_integration(
    configuration: Mapping[str, Any], key: RandomKey, *, noise: float
) -> xr.Dataset:
    """Accuracy of every kind by number of cells; after training, also with false weights."""
    numbers = configuration["integration"]
    task = EvidenceAccumulation(numbers["strength"], numbers["steps"])
    draw = jax.random.split(key, 4)
    seen = task.trials(draw[0], numbers["trials"])
    tested = task.trials(draw[1], numbers["test_trials"])
    samples = Samples(*map(np.asarray, (*seen, *tested)))
    errors = jnp.asarray(numbers["errors"])
    shape = (len(KINDS), len(numbers["cells"]), numbers["seeds"])
    accuracy, with_errors = np.empty(shape), np.empty((*shape, len(errors)))
    for row, kind in enumerate(KINDS):
        for column, cells in enumerate(numbers["cells"]):
            own = jax.random.fold_in(draw[2], row * len(numbers["cells"]) + column)
            made = many(partial(_cells, numbers, kind, cells, noise), own, numbers["seeds"])
            found = train_classifiers(
                in_single_precision(made),
                samples,
                BatchedAdam(numbers["learning_rate"]),
                epochs=numbers["epochs"],
                key=own,
                throw=False,
            )
            accuracy[row, column] = found.accuracy[:, -1]
            with_errors[row, column] = _with_false_weights(
                found.networks, tested.evidence.astype(jnp.float32), tested.causes, errors, draw[3]
            )
    return xr.Dataset(
        {
            "accuracy": (("kind", "cells", "seed"), accuracy),
            "accuracy_with_errors": (("kind", "cells", "seed", "error"), with_errors),
            "best": ((), task.best_accuracy),
            "noise": ((), noise),
        },
        {"kind": list(KINDS), "cells": numbers["cells"], "error": numbers["errors"]},
    )


def _cells(
    numbers: Mapping[str, Any], kind: str, cells: int, noise: float, key: RandomKey
) -> IntegratingCells:
    return IntegratingCells(
        cells,
        time_constant=numbers["slow" if kind.startswith("slow") else "fast"],
        step=numbers["step"],
        neighbours=numbers["neighbours"] if kind.endswith("local") else None,
        noise=noise,
        key=key,
    )


@eqx.filter_jit
def _with_false_weights(
    networks: IntegratingCells,
    evidence: Float[Array, "trials steps"],
    causes: Any,
    errors: Float[Array, " errors"],
    key: RandomKey,
) -> Float[Array, "seeds errors"]:
    """Accuracy when every weight among cells is off by a relative error of this size."""

    def one(network: IntegratingCells, own: RandomKey, error: Any) -> Any:
        false = jax.random.normal(own, network.weights.shape, network.weights.dtype)
        factor = 1 + error.astype(network.weights.dtype) * false
        changed = eqx.tree_at(lambda each: each.weights, network, network.weights * factor)
        return judge(changed, evidence, causes, NegativeLogLikelihood(), own)[1]

    keys = jax.random.split(key, networks.weights.shape[0])
    return eqx.filter_vmap(eqx.filter_vmap(one, in_axes=(None, None, 0)), in_axes=(0, 0, None))(
        networks, keys, errors
    )


__all__ = ["KINDS", "run_integration"]
