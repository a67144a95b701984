"""Sums over neighbours as one operation, which batches and differentiates as a whole.

Left to itself, `jax.vmap` puts samples first and cells last, and compiled loops run over the few
cells of a layer. Here cells come first, then models, then samples, wherever there are many, so
that loops run over samples; and the gradient of a weight, a sum over samples, is taken in parts
that fit into vector registers.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

Signal = Float[Array, "..."]
Window = Callable[[Signal], Signal]

_LANES = 8
_TERMS = 16


@runtime_checkable
class Neighbourhoods(Protocol):
    """Who is next to whom between a wide layer and a narrow one; hashed and compared by value."""

    @property
    def wide(self) -> tuple[int, ...]:
        """Cells of the wide layer along each axis."""

    @property
    def owners(self) -> tuple[int, ...]:
        """Cells of the narrow layer along each axis, to which the bands belong."""

    @property
    def is_line(self) -> bool:
        """Whether neighbour k of cell j is cell j + k of the wide layer, cells on a line."""

    def windows(self) -> Sequence[Window]:
        """For each neighbour, the function that shows every narrow cell that of the wide layer."""


def to_narrow(
    geometry: Neighbourhoods, bands: Float[Array, "neighbours ..."], wide: Signal
) -> Signal:
    """What every cell of the narrow layer receives: sum_k bands_k wide_k.

    With one more band than there are neighbours, the last is added as it is: an offset.
    """
    return _bind(geometry, "narrow", bands, wide, offset=len(bands) > len(geometry.windows()))


def to_wide(
    geometry: Neighbourhoods, bands: Float[Array, "neighbours ..."], narrow: Signal
) -> Signal:
    """What every cell of the wide layer receives: the transpose of `to_narrow`, no offset."""
    return _bind(geometry, "wide", bands, narrow)


def _bind(
    geometry: Neighbourhoods,
    role: str,
    first: Signal,
    second: Signal,
    *,
    offset: bool = False,
    models: bool = False,
    samples: bool = False,
) -> Signal:
    """Of the three sides bands, wide and narrow, the one named by `role` from the others.

    Bands have shape (neighbours, *owners, *models), signals (*cells, *models, *samples). Wide
    comes from bands and narrow, narrow from bands and wide, bands from wide and narrow.
    """
    return banded_sums.bind(
        first, second, geometry=geometry, role=role, offset=offset, models=models, samples=samples
    )


def _computed(first, second, *, geometry, role, offset, models, samples):
    del models
    windows = geometry.windows()
    # Without barriers XLA computes a sum anew in every loop that uses it.
    if role == "bands":
        second = lax.optimization_barrier(second)
        total = partial(_over_samples, samples=samples)
        rows = [total(window(first), second) for window in windows]
        return jnp.stack([*rows, total(second)] if offset else rows)
    bands = first[..., None] if samples else first
    if role == "wide" and geometry.is_line:
        return lax.optimization_barrier(_wide_on_a_line(bands, second))
    if role == "wide":
        shape = geometry.wide + second.shape[len(geometry.owners) :]
        wide = jax.ShapeDtypeStruct(shape, second.dtype)
        parts = [
            jax.linear_transpose(window, wide)(band * second)[0]
            for band, window in zip(bands, windows, strict=True)
        ]
        return lax.optimization_barrier(sum(parts[1:], start=parts[0]))
    parts = [band * window(second) for band, window in zip(bands, windows, strict=False)]
    parts += [bands[-1]] if offset else []
    return sum(parts[1:], start=parts[0])


def _wide_on_a_line(bands: Signal, narrow: Signal) -> Signal:
    """Sums of slices of what is padded once, where every window alone would be padded."""
    last = len(bands) - 1
    room = ((last, last), *[(0, 0)] * (narrow.ndim - 1))
    rows = lax.optimization_barrier(jnp.pad(bands, ((0, 0), *room)))
    padded = lax.optimization_barrier(jnp.pad(narrow, room))
    size = narrow.shape[0] + last
    parts = [
        rows[place, last - place :][:size] * padded[last - place :][:size]
        for place in range(len(bands))
    ]
    return sum(parts[1:], start=parts[0])


def _over_samples(*factors: Signal, samples: bool) -> Signal:
    """The product of the factors, summed over samples where there are many."""
    if not samples:
        return math.prod(factors[1:], start=factors[0])
    size = factors[0].shape[-1]
    lanes = max(_LANES, size // _TERMS)
    if size % lanes:
        return jnp.sum(math.prod(factors[1:], start=factors[0]), axis=-1)
    # Sums of whole vectors first: a plain sum is taken one number after the other.
    parts = []
    for place in range(0, size, lanes):
        here = [factor[..., place : place + lanes] for factor in factors]
        parts.append(math.prod(here[1:], start=here[0]))
    return jnp.sum(sum(parts[1:], start=parts[0]), axis=-1)


def _batched(args, dims, *, geometry, role, offset, models, samples):
    first, second = args
    if role != "bands" and dims[0] is None:
        second = jnp.moveaxis(second, dims[1], -1)
        size = second.shape[-1]
        if samples:
            second = second.reshape(*second.shape[:-2], -1)
        found = _bind(geometry, role, first, second, offset=offset, models=models, samples=True)
        if samples:
            found = found.reshape(*found.shape[:-1], -1, size)
        return found, found.ndim - 1
    size = next(arg.shape[dim] for arg, dim in zip(args, dims, strict=True) if dim is not None)
    axes = len(geometry.owners)
    first = _with_models(first, dims[0], size, axes + (role != "bands"), models)
    second = _with_models(second, dims[1], size, axes, models)
    found = _bind(geometry, role, first, second, offset=offset, models=True, samples=samples)
    place = axes + (role == "bands")
    if models:
        found = found.reshape(*found.shape[:place], -1, size, *found.shape[place + 1 :])
    return found, place + models


def _with_models(values: Signal, dim: int | None, size: int, place: int, models: bool) -> Signal:
    """With `size` models for each that there was, their axis at a place."""
    if dim is None:
        shape = (*values.shape[: place + models], size, *values.shape[place + models :])
        values = jnp.broadcast_to(jnp.expand_dims(values, place + models), shape)
    else:
        values = jnp.moveaxis(values, dim, place + models)
    if models:
        values = values.reshape(*values.shape[:place], -1, *values.shape[place + 2 :])
    return values


def _differentiated(primals, tangents, *, geometry, role, offset, models, samples):
    first, second = primals
    along_first, along_second = tangents
    axes = {"models": models, "samples": samples}
    value = _bind(geometry, role, first, second, offset=offset, **axes)
    parts = []
    if not isinstance(along_first, ad.Zero):
        if role == "bands":
            part = _bind(geometry, role, along_first, second, **axes)
            # The band of the offset is a sum of the other side alone.
            part = jnp.concatenate([part, jnp.zeros_like(part[:1])]) if offset else part
        else:
            part = _bind(geometry, role, along_first, second, offset=offset, **axes)
        parts.append(part)
    if not isinstance(along_second, ad.Zero):
        with_offset = offset and role == "bands"
        linear = first[:-1] if offset and role == "narrow" else first
        parts.append(_bind(geometry, role, linear, along_second, offset=with_offset, **axes))
    return value, sum(parts[1:], start=parts[0])


def _transposed(cotangent, first, second, *, geometry, role, offset, models, samples):
    if isinstance(cotangent, ad.Zero):
        return None, None
    axes = {"models": models, "samples": samples}
    is_first = ad.is_undefined_primal(first)
    if role == "bands":
        linear = cotangent[:-1] if offset else cotangent
        found = (
            _bind(geometry, "wide", linear, second, **axes)
            if is_first
            else _bind(geometry, "narrow", cotangent, first, offset=offset, **axes)
        )
    elif is_first:
        sides = (second, cotangent) if role == "narrow" else (cotangent, second)
        found = _bind(geometry, "bands", *sides, offset=offset, **axes)
    else:
        other = "wide" if role == "narrow" else "narrow"
        found = _bind(geometry, other, first, cotangent, **axes)
    return (found, None) if is_first else (None, found)


def _shaped(*args, **options):
    found = jax.eval_shape(
        partial(_computed, **options),
        *(jax.ShapeDtypeStruct(each.shape, each.dtype) for each in args),
    )
    return jax.core.ShapedArray(found.shape, found.dtype)


banded_sums = Primitive("banded_sums")
banded_sums.def_impl(
    jax.jit(_computed, static_argnames=("geometry", "role", "offset", "models", "samples"))
)
banded_sums.def_abstract_eval(_shaped)
mlir.register_lowering(banded_sums, mlir.lower_fun(_computed, multiple_results=False))
batching.primitive_batchers[banded_sums] = _batched
ad.primitive_jvps[banded_sums] = _differentiated
ad.primitive_transposes[banded_sums] = _transposed


__all__ = ["Neighbourhoods", "Signal", "Window", "to_narrow", "to_wide"]
