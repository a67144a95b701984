"""One epoch of learning: Adam over batches of samples, for many models at once."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from neuropil.learning.adam import Moments, adam_step, no_moments
from neuropil.types import RandomKey, Scalar

SampleLoss: TypeAlias = Callable[
    [Any, Float[Array, " width"], Num[Array, "..."], RandomKey], Scalar
]
"""Loss of a model on one sample: (model, input, target, key) to a number."""


class BatchedAdam(eqx.Module):
    """Adam (Kingma and Ba, 2015) on batches drawn without replacement.

    An epoch is `passes` passes over the samples, each in a new order; what does not fill the last
    batch of a pass is left out of it. Raises `ValueError`, naming the field, for a rate that is
    not positive and for sizes below 1.
    """

    learning_rate: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=0.004
    )
    batch_size: int = eqx.field(static=True, default=128)
    passes: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        for name in ("batch_size", "passes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not isinstance(self.learning_rate, jax.core.Tracer) and not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")

    def require_samples(self, samples: int) -> None:
        """Raise `ValueError` unless so many samples fill a batch."""
        if self.batch_size > samples:
            raise ValueError(
                f"batch_size must be at most the number of samples, {samples}, got "
                f"{self.batch_size}"
            )


Rows = dict[str, Float[Array, "*models numbers"]]
"""Numbers that are learned, one row a model, by their precision."""


class Progress(NamedTuple):
    """What of many models is learned, as it stands, and the memory of Adam: one row a model."""

    learned: Rows
    moments: Moments


class Layout(eqx.Module):
    """Where in a row the numbers of a model are, and what of the models is not learned.

    Rows in place of many small arrays: a step of Adam is then one operation.
    """

    fixed: Any
    places: tuple[tuple[str, int, tuple[int, ...]], ...] = eqx.field(static=True)
    structure: Any = eqx.field(static=True)

    def models(self, rows: Mapping[str, Float[Array, "*models numbers"]]) -> Any:
        """The model of a row, or many models of as many rows."""
        return self.assembled(self.arrays(rows))

    def arrays(
        self, rows: Mapping[str, Float[Array, "*models numbers"]]
    ) -> list[Float[Array, "..."]]:
        """What is learned as the arrays of the model."""
        return [
            rows[dtype][..., first : first + math.prod(shape)].reshape(
                *rows[dtype].shape[:-1], *shape
            )
            for dtype, first, shape in self.places
        ]

    def assembled(self, arrays: Sequence[Float[Array, "..."]]) -> Any:
        """The model made of `arrays` and of what is not learned."""
        return eqx.combine(jax.tree.unflatten(self.structure, list(arrays)), self.fixed)

    def row(self, arrays: Sequence[Float[Array, "..."]]) -> Rows:
        """The arrays of one model as a row, by their precision."""
        parts = dict[str, list[Array]]()
        for (dtype, _, _), array in zip(self.places, arrays, strict=True):
            parts.setdefault(dtype, []).append(array.reshape(-1))
        return {dtype: jnp.concatenate(each) for dtype, each in parts.items()}


def begin(models: Any) -> tuple[Progress, Layout]:
    """Many models before the first step; all their arrays of floating-point numbers are learned."""
    learned, fixed = eqx.partition(models, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(learned)
    places, parts = [], dict[str, list[np.ndarray]]()
    for leaf in leaves:
        row = parts.setdefault(str(leaf.dtype), [])
        places.append((str(leaf.dtype), sum(part.shape[1] for part in row), leaf.shape[1:]))
        row.append(np.reshape(leaf, (leaf.shape[0], -1)))
    rows = {dtype: jnp.asarray(np.concatenate(row, axis=1)) for dtype, row in parts.items()}
    return Progress(rows, no_moments(rows)), Layout(fixed, tuple(places), structure)


def over_models(function: Callable[[Any], Any], models: Any) -> Any:
    """What a function gives for every model; each array of `models` has one more axis, the first.

    One after the other on a processor, in whose cache what one of them needs can stay, all at
    once on an accelerator.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(function, models)
    return jax.vmap(function)(models)


@partial(jax.jit, static_argnames=("samples", "size", "passes"))
def _orders(keys, *, samples, size, passes):
    def of_epoch(key):
        own = jax.random.split(jax.random.fold_in(key, 0), passes)
        drawn = jax.vmap(lambda each: shuffled(each, samples))(own)
        return drawn[:, : samples // size * size].reshape(-1, size)

    return jax.vmap(of_epoch)(keys)


def shuffled(key: RandomKey, samples: int) -> Int[Array, " samples"]:
    """The numbers below `samples` in random order.

    They are sorted as the last bits of random words of 64 bits: on a processor
    `jax.random.permutation` takes eight times as long, and longer than an epoch of a small network.
    """
    last = np.uint64(2 ** samples.bit_length() - 1)
    words = jax.random.bits(key, (samples,), jnp.uint64) & ~last
    ordered = jnp.sort(words | jnp.arange(samples, dtype=jnp.uint64))
    return (ordered & last).astype(jnp.int32)


def orders(
    keys: Key[Array, " models"], samples: int, method: BatchedAdam
) -> Int[Array, "models batches size"]:
    """For every model, which samples make up each batch of an epoch, from the key of its epoch.

    A program of its own, compiled once for all kinds of models.
    """
    return _orders(keys, samples=samples, size=method.batch_size, passes=method.passes)


def epoch(
    progress: Progress,
    layout: Layout,
    loss: SampleLoss,
    inputs: Float[Array | np.ndarray, "*models samples width"],
    targets: Num[Array | np.ndarray, " samples"],
    order: Int[Array, "models batches size"],
    method: BatchedAdam,
    keys: Key[Array, " models"],
) -> tuple[Progress, Float[Array, " models"]]:
    """One epoch of every model; also the means of their losses, each before the step it leads to.

    `inputs` are shared by all models, or there for each of them.
    """
    inputs, targets = jnp.asarray(inputs), jnp.asarray(targets)
    numbers, rest = eqx.partition(layout, eqx.is_array)
    own_inputs = inputs if inputs.ndim == 3 else None

    def of_one(own: Any) -> tuple[Progress, Scalar]:
        (rows, mean, square), numbers, seen, order, key = own
        lacks = progress.moments.mean_lack, progress.moments.square_lack
        return _epoch_of_one(
            Progress(rows, Moments(mean, square, *lacks)),
            eqx.combine(numbers, rest),
            loss,
            (inputs if seen is None else seen, targets),
            order,
            method,
            key,
        )

    rows = (progress.learned, progress.moments.mean, progress.moments.square)
    after, values = over_models(of_one, (rows, numbers, own_inputs, order, keys))
    lacks = after.moments.mean_lack[0], after.moments.square_lack[0]
    moments = Moments(after.moments.mean, after.moments.square, *lacks)
    return Progress(after.learned, moments), values


def _epoch_of_one(
    progress: Progress,
    layout: Layout,
    loss: SampleLoss,
    samples: tuple[Array, Array],
    order: Int[Array, "batches size"],
    method: BatchedAdam,
    key: RandomKey,
) -> tuple[Progress, Scalar]:
    inputs, targets = samples
    batches, size = order.shape

    # The longer axis last: networks of few cells loop over samples, and large matrices are
    # multiplied as they are stored.
    samples_last = inputs.shape[1] < size

    def batch(chosen: Int[Array, " size"]) -> Float[Array, "first last"]:
        rows = inputs.at[chosen].get(mode="promise_in_bounds")
        return rows.T if samples_last else rows

    def mean_loss(arrays: Any, seen: Any, answers: Any, key: RandomKey) -> Scalar:
        model = layout.assembled(arrays)
        each = jax.vmap(partial(loss, model), in_axes=(int(samples_last), 0, 0))
        return jnp.mean(each(seen, answers, jax.random.split(key, size)))

    def step(now: tuple[Progress, Any], drawn: Any) -> tuple[tuple[Progress, Any], Scalar]:
        progress, seen = now
        following, answers, key = drawn
        # By array: the slope of a row would be a sum of rows, one for every array cut out of it.
        arrays = layout.arrays(progress.learned)
        value, slopes = jax.value_and_grad(mean_loss)(arrays, seen, answers, key)
        along, moments = adam_step(layout.row(slopes), progress.moments)
        learned = {
            # In the precision of the model, whatever that of the rate.
            dtype: row - method.learning_rate.astype(row.dtype) * along[dtype]
            for dtype, row in progress.learned.items()
        }
        return (Progress(learned, moments), batch(following)), value

    keys = jax.random.split(jax.random.fold_in(key, 1), batches)
    # Every step collects the inputs of the next: what a loop carries is written out once, where
    # XLA would collect them anew for each operation that reads them. The last are not used.
    following = jnp.roll(order, -1, axis=0)
    (progress, _), values = jax.lax.scan(
        step, (progress, batch(order[0])), (following, targets[order], keys)
    )
    return progress, jnp.mean(values)


__all__ = [
    "BatchedAdam",
    "Layout",
    "Progress",
    "SampleLoss",
    "begin",
    "epoch",
    "orders",
    "over_models",
    "shuffled",
]
