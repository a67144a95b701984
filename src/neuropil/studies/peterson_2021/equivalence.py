"""Theorem II.2 in the direction that is needed: neurons that were trained, as astrocytes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.learning.astrocyte import (
    TANH_TRANSPORT,
    TwoLayerNetwork,
    approximate,
    leak_errors,
    to_astrocytes,
)
from neuropil.learning.classification.dense_networks import Perceptron
from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.training import many, train_classifiers
from neuropil.studies.peterson_2021.image_sources import images_named, projected
from neuropil.types import RandomKey

FUNCTIONS = {
    "sin(3x)": (lambda x: jnp.sin(3 * x[0]), 1),
    "exp(-x^2 - y^2)": (lambda x: jnp.exp(-(x[0] ** 2) - x[1] ** 2), 2),
    "x y + z": (lambda x: x[0] * x[1] + x[2], 3),
}
_PROBES = 200


def run_equivalence(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """A perceptron trained on small digits as a wave, random ones, and given functions."""
    numbers, settings = configuration["equivalence"], configuration["images"]
    draw = jax.random.split(key, 4)
    data = images_named(configuration, "small-digits")
    samples = projected(data, settings["width"], 1, draw[0])
    hidden = settings["width"]
    trained = train_classifiers(
        many(
            lambda own: Perceptron(
                (settings["width"], hidden, data.n_classes), activation=jnp.tanh, key=own
            ),
            draw[1],
            1,
        ),
        samples,
        BatchedAdam(settings["learning_rate"], batch_size=settings["batch_size"]),
        epochs=numbers["epochs"],
        key=draw[1],
    )
    network = jax.tree.map(lambda leaf: leaf[0], trained.networks)
    two_layer = TwoLayerNetwork(
        network.weights[0], network.biases[0], network.weights[1], network.biases[1], jnp.tanh
    )
    inputs = jnp.asarray(samples.test_inputs[0], float)
    expected = jax.vmap(two_layer)(inputs)
    rows: dict[str, list[float]] = {"depth": [], "cells": [], "error": [], "same_answers": []}
    for neighbours in numbers["neighbours"]:
        wave = to_astrocytes(two_layer, neighbours=neighbours)
        found = jax.jit(jax.vmap(wave.network))(inputs)
        rows["depth"].append(wave.depth)
        rows["cells"].append(wave.n_cells)
        rows["error"].append(float(jnp.max(jnp.abs(found - expected))))
        same = jnp.argmax(found, axis=1) == jnp.argmax(expected, axis=1)
        rows["same_answers"].append(float(jnp.mean(same.astype(float))))
    spreads = np.asarray(numbers["leaks"])
    wave = to_astrocytes(two_layer)
    leaking = leak_errors(wave.network, spreads, inputs[:_PROBES])
    random_errors = [
        _random_error(sizes, jax.random.fold_in(draw[2], number))
        for number, sizes in enumerate(numbers["sizes"])
    ]
    smooth = _smooth(numbers, draw[2])
    asked = {
        name: (function, variables)
        for name, (function, variables) in FUNCTIONS.items()
        if variables <= numbers["variables"]
    }
    approximations = [
        approximate(
            function,
            numbers["requested_error"],
            lower=[-1.0] * variables,
            upper=[1.0] * variables,
            key=jax.random.fold_in(draw[3], number),
        )
        for number, (function, variables) in enumerate(asked.values())
    ]
    return xr.Dataset(
        {
            **{name: ("neighbours", values) for name, values in rows.items()},
            "accuracy": ((), float(trained.accuracy[0, -1])),
            "largest_output": ((), float(jnp.max(jnp.abs(expected)))),
            "leak_error": ("leak", np.asarray(leaking)),
            "random_error": ("size", random_errors),
            "tolerance": ("tolerance_asked", smooth[0]),
            "bound": ("tolerance_asked", smooth[1]),
            "smooth_error": ("tolerance_asked", smooth[2]),
            "approximation_error": ("function", [each.error for each in approximations]),
            "approximation_depth": (
                "function",
                [each.astrocytes.depth for each in approximations],
            ),
            "approximation_cells": (
                "function",
                [each.astrocytes.n_cells for each in approximations],
            ),
        },
        {
            "neighbours": numbers["neighbours"],
            "leak": spreads,
            "size": [" x ".join(map(str, sizes)) for sizes in numbers["sizes"]],
            "function": list(asked),
        },
    )


def _random_network(sizes: list[int], key: RandomKey) -> TwoLayerNetwork:
    network = Perceptron(sizes, activation=jnp.tanh, key=key)
    return TwoLayerNetwork(
        network.weights[0], network.biases[0], network.weights[1], network.biases[1], jnp.tanh
    )


def _random_error(sizes: list[int], key: RandomKey) -> float:
    network = _random_network(sizes, key)
    inputs = jax.random.normal(key, (_PROBES, sizes[0]))
    found = jax.jit(jax.vmap(to_astrocytes(network).network))(inputs)
    return float(jnp.max(jnp.abs(found - jax.vmap(network)(inputs))))


def _smooth(
    numbers: Mapping[str, Any], key: RandomKey
) -> tuple[list[float], list[float], list[float]]:
    """With tanh in every step: what was asked, what is promised, what is found."""
    asked, bounds, errors = [], [], []
    network = _random_network(numbers["sizes"][0], key)
    inputs = jax.random.uniform(key, (_PROBES, network.n_inputs), minval=-1.0, maxval=1.0)
    expected = jax.vmap(network)(inputs)
    for tolerance in numbers["tolerances"]:
        wave = to_astrocytes(network, transport=TANH_TRANSPORT, tolerance=tolerance)
        found = jax.jit(jax.vmap(wave.network))(inputs)
        asked.append(tolerance)
        bounds.append(wave.error_bound)
        errors.append(float(jnp.max(jnp.abs(found - expected))))
    return asked, bounds, errors


__all__ = ["FUNCTIONS", "run_equivalence"]
