"""The document's test of astrocyte computation, where the truth is known."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.analysis.cross_mapping import DelayEmbedding, cross_map
from neuropil.analysis.surrogates import CircularShifts
from neuropil.studies.peterson_2021.circuits import CONDITIONS, recorded
from neuropil.types import RandomKey

DIRECTIONS = ("astrocytes from neurons", "neurons from astrocytes")
CHANNELS = 2
_SMALLEST_LIBRARY = 0.1


def run_cross_mapping(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Skill and significance in both directions, by condition, length and measurement noise."""
    numbers = configuration["cross_mapping"]
    n, lengths = numbers["circuits"], numbers["samples"]
    levels = numbers["measurement_noise"]
    circuit_key, noise_key, draw = jax.random.split(key, 3)
    keys = jax.random.split(circuit_key, n)
    settings = {**numbers["circuit"], "sampling": numbers["sampling"]}
    shape = (len(CONDITIONS), len(DIRECTIONS), n)
    by_length = {name: np.empty((*shape, len(lengths))) for name in ("skill", "p", "growth")}
    by_noise = {name: np.empty((*shape, len(levels))) for name in ("skill", "p", "growth")}
    curves = []
    for row, condition in enumerate(CONDITIONS):
        rates, activity = recorded(settings, condition, max(lengths), keys)
        curves.append((rates[0, :, 0], activity[0, :, 0]))
        for number in range(n):
            series = _components(rates[number]), _components(activity[number])
            own = jax.random.fold_in(draw, number)
            for column, length in enumerate(lengths):
                part = [each[-length:] for each in series]
                _fill(by_length, (row, number, column), numbers, part, own)
            noise = [
                np.asarray(
                    jax.random.normal(jax.random.fold_in(noise_key, 2 * number + k), each.shape)
                )
                for k, each in enumerate(series)
            ]
            for column, level in enumerate(levels):
                blurred = [
                    each + level * each.std(axis=0) * extra
                    for each, extra in zip(series, noise, strict=True)
                ]
                _fill(by_noise, (row, number, column), numbers, blurred, own)
    dims = ("condition", "direction", "circuit")
    return xr.Dataset(
        {
            **{f"{name}_by_length": ((*dims, "length"), each) for name, each in by_length.items()},
            **{f"{name}_by_noise": ((*dims, "noise"), each) for name, each in by_noise.items()},
            "example": (("condition", "part", "time"), np.array(curves)),
        },
        {
            "condition": list(CONDITIONS),
            "direction": list(DIRECTIONS),
            "length": lengths,
            "noise": levels,
            "part": ["neuron", "astrocyte"],
            "time": ("time", numbers["sampling"] * np.arange(max(lengths)), {"units": "ms"}),
        },
    )


def _fill(tables, place, numbers, series, key):
    """Both directions of one pair of series; the cause is the first component of the other."""
    row, circuit, column = place
    neurons, astrocytes = series
    embedding = DelayEmbedding(numbers["dimension"], numbers["delay"], numbers["exclusion"])
    size = len(neurons) - embedding.first
    smallest = max(int(_SMALLEST_LIBRARY * size), numbers["dimension"] * CHANNELS + 2)
    shifts = CircularShifts(max(1, len(neurons) // 8))
    pairs = ((neurons, astrocytes), (astrocytes, neurons))
    for direction, (effect, cause) in enumerate(pairs):
        found = cross_map(
            effect,
            cause[:, 0],
            embedding,
            key=jax.random.fold_in(key, direction),
            library_sizes=[max(smallest, _least(embedding))],
            libraries=numbers["libraries"],
            surrogates=shifts,
            n_surrogates=numbers["surrogates"],
        )
        tables["skill"][row, direction, circuit, column] = found.skill
        tables["p"][row, direction, circuit, column] = found.p_value
        tables["growth"][row, direction, circuit, column] = found.growth


def _least(embedding: DelayEmbedding) -> int:
    return embedding.dimension * CHANNELS + 2 + 2 * embedding.exclusion


def _components(
    values: Float[np.ndarray, "samples cells"],
) -> Float[np.ndarray, "samples channels"]:
    """The first principal components: a low-dimensional description of many cells."""
    centred = values - values.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:CHANNELS].T


__all__ = ["CHANNELS", "DIRECTIONS", "run_cross_mapping"]
