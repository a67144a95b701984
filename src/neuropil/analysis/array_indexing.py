"""Which element goes where in XLA's gather and scatter, worked out for fixed indices."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Int

_CLIP = jax.lax.GatherScatterMode.CLIP


def gather_positions(
    operand_shape: tuple[int, ...], indices: Int[np.ndarray, "..."], parameters: dict[str, Any]
) -> Int[np.ndarray, "..."]:
    """Flat position in the operand of each element of the result, -1 where out of bounds.

    `parameters` are those of the primitive `gather`.
    """
    numbers = parameters["dimension_numbers"]
    return _positions(
        operand_shape,
        indices,
        window_axes=numbers.offset_dims,
        collapsed=numbers.collapsed_slice_dims,
        index_map=numbers.start_index_map,
        operand_batch=numbers.operand_batching_dims,
        index_batch=numbers.start_indices_batching_dims,
        window=parameters["slice_sizes"],
        mode=parameters["mode"],
    )


def scatter_positions(
    operand_shape: tuple[int, ...],
    update_shape: tuple[int, ...],
    indices: Int[np.ndarray, "..."],
    parameters: dict[str, Any],
) -> Int[np.ndarray, "..."]:
    """Flat position in the operand that each element of the updates goes to, -1 for nowhere.

    `parameters` are those of the primitives `scatter` and `scatter-add`.
    """
    numbers = parameters["dimension_numbers"]
    left_out = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    sizes = iter([update_shape[axis] for axis in numbers.update_window_dims])
    window = [1 if axis in left_out else next(sizes) for axis in range(len(operand_shape))]
    return _positions(
        operand_shape,
        indices,
        window_axes=numbers.update_window_dims,
        collapsed=numbers.inserted_window_dims,
        index_map=numbers.scatter_dims_to_operand_dims,
        operand_batch=numbers.operand_batching_dims,
        index_batch=numbers.scatter_indices_batching_dims,
        window=window,
        mode=parameters["mode"],
    )


def _positions(
    operand_shape,
    indices,
    *,
    window_axes,
    collapsed,
    index_map,
    operand_batch,
    index_batch,
    window,
    mode,
) -> Int[np.ndarray, "..."]:
    batch_shape = indices.shape[:-1]
    rank = len(batch_shape) + len(window_axes)
    batch_axes = [axis for axis in range(rank) if axis not in window_axes]

    def along(axes, array):
        shape = [1] * rank
        for axis, size in zip(axes, array.shape, strict=True):
            shape[axis] = size
        return array.reshape(shape)

    position = np.zeros((1,) * rank, int)
    outside = np.zeros((1,) * rank, bool)
    windows = iter(window_axes)
    for axis, length in enumerate(operand_shape):
        coordinate = np.zeros((1,) * rank, int)
        if axis in index_map:
            start = indices[..., index_map.index(axis)].astype(int)
            furthest = length - window[axis]
            if mode == _CLIP:
                start = np.clip(start, 0, furthest)
            outside = outside | along(batch_axes, (start < 0) | (start > furthest))
            coordinate = coordinate + along(batch_axes, start)
        if axis in operand_batch:
            counted = index_batch[operand_batch.index(axis)]
            coordinate = coordinate + along([batch_axes[counted]], np.arange(length))
        elif axis not in collapsed:
            coordinate = coordinate + along([next(windows)], np.arange(window[axis]))
        position = position * length + coordinate
    shape = [0] * rank
    for axis, size in zip(batch_axes, batch_shape, strict=True):
        shape[axis] = size
    kept = [a for a in range(len(operand_shape)) if a not in (*collapsed, *operand_batch)]
    for axis, operand_axis in zip(window_axes, kept, strict=True):
        shape[axis] = window[operand_axis]
    return np.broadcast_to(np.where(outside, -1, position), shape)
