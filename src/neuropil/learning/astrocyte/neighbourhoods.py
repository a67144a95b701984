"""Which cells of a layer are seen from which of another, as slices instead of gathers."""

import itertools

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from neuropil.learning.astrocyte.banded_sums import Window

Cells = tuple[int, ...]
"""Cells along each axis: one number for a line, two for a sheet."""


def taken(
    values: Float[Array, "..."], indices: Int[np.ndarray, " taken"], axis: int
) -> Float[Array, "..."]:
    """`values` at indices known beforehand, along one axis, as joined slices.

    Neighbourhoods are a few runs of regularly spaced indices, and slices and their transposes
    cost much less than a general gather and its scatter.
    """
    runs = [
        lax.slice_in_dim(values, first, last + 1, step, axis)
        for first, last, step in _runs(indices)
    ]
    return runs[0] if len(runs) == 1 else jnp.concatenate(runs, axis=axis)


def _runs(indices: Int[np.ndarray, " taken"]) -> list[tuple[int, int, int]]:
    """First, last and step of runs of constant positive step that make up the indices."""
    runs: list[tuple[int, int, int]] = []
    begin = 0
    while begin < len(indices):
        end = begin
        step = 1
        if begin + 1 < len(indices) and indices[begin + 1] > indices[begin]:
            step = int(indices[begin + 1] - indices[begin])
            while end + 1 < len(indices) and indices[end + 1] - indices[end] == step:
                end += 1
        runs.append((int(indices[begin]), int(indices[end]), step))
        begin = end + 1
    return runs


def neighbourhoods(
    starts: Int[np.ndarray, " owners"], neighbours: int
) -> Int[np.ndarray, "_neighbours _owners"]:
    """The cells that each owner sees along an axis, from its first on."""
    return starts[None, :] + np.arange(neighbours)[:, None]


def contracted(
    wide: Cells, narrow: Cells, neighbours: int, stride: int, *, periodic: bool
) -> list[Int[np.ndarray, "_neighbours _owners"]]:
    """For each axis, the cells of the wide layer next to each cell of the narrow one."""
    indices = []
    for n, m in zip(wide, narrow, strict=True):
        if periodic:
            nearest = np.rint(np.arange(m) * n / m).astype(int) - (neighbours - 1) // 2
            indices.append(neighbourhoods(nearest, neighbours) % n)
        else:
            indices.append(neighbourhoods(stride * np.arange(m), neighbours))
    return indices


def windows_of(indices: list[Int[np.ndarray, "_neighbours _owners"]]) -> list[Window]:
    """For each neighbour, the function that shows every cell the signal of that neighbour."""

    def window(chosen: tuple[Int[np.ndarray, " _owners"], ...]) -> Window:
        def look(signal: Float[Array, "..."]) -> Float[Array, "..."]:
            for axis, along in enumerate(chosen):
                signal = taken(signal, along, axis)
            return signal

        return look

    return [window(chosen) for chosen in itertools.product(*indices)]


def partners(
    indices: list[Int[np.ndarray, "_neighbours _owners"]], cells: Cells
) -> tuple[Bool[np.ndarray, "neighbours ..."], Int[np.ndarray, "neighbours ..."]]:
    """Which neighbours there are, and their numbers in the layer of `cells`."""
    exists, other = [], []
    for chosen in itertools.product(*indices):
        grid = np.meshgrid(*chosen, indexing="ij")
        inside = [(along >= 0) & (along < n) for along, n in zip(grid, cells, strict=True)]
        clipped = [np.clip(along, 0, n - 1) for along, n in zip(grid, cells, strict=True)]
        exists.append(np.all(inside, axis=0))
        other.append(np.ravel_multi_index(tuple(clipped), cells))
    return np.stack(exists), np.stack(other)


__all__ = ["Cells", "contracted", "neighbourhoods", "partners", "taken", "windows_of"]
