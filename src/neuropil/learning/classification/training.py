"""Train many networks to classify: all seeds at once, every epoch a compiled loop."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from neuropil.learning.classification.epochs import (
    BatchedAdam,
    Layout,
    Progress,
    SampleLoss,
    begin,
    epoch,
    orders,
    over_models,
)
from neuropil.learning.classification.objectives import AbstractObjective, NegativeLogLikelihood
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import RandomKey, Scalar

Network = TypeVar("Network")


class Samples(NamedTuple):
    """Inputs with their targets, to learn from and to be judged by.

    Inputs have one row a sample, the same for all seeds, or (seeds, samples, width) where each
    seed has its own. Targets are what the objective asks for: numbers of classes, or values.
    """

    inputs: Float[Array | np.ndarray, "*seeds samples width"]
    targets: Num[Array | np.ndarray, " samples"]
    test_inputs: Float[Array | np.ndarray, "*seeds test_samples width"]
    test_targets: Num[Array | np.ndarray, " test_samples"]


class TrainedClassifiers(eqx.Module):
    """Networks after training and how they came there, one row a seed.

    `loss` is the mean over the batches of an epoch, while weights change; `test_loss` and
    `accuracy`, the share of test samples that are right, follow each epoch. `outcome` is
    `Outcome.NOT_FINITE` for a seed whose loss ceased to be a number.
    """

    networks: Any
    loss: Float[Array, "*seeds epochs"]
    test_loss: Float[Array, "*seeds epochs"]
    accuracy: Float[Array, "*seeds epochs"]
    outcome: Int[Array, "*seeds"]


class Scores(NamedTuple):
    """Loss in training, loss and accuracy on the test samples, of many networks."""

    loss: Float[Array | np.ndarray, "seeds ..."]
    test_loss: Float[Array | np.ndarray, "seeds ..."]
    accuracy: Float[Array | np.ndarray, "seeds ..."]


def many(make: Callable[..., Network], key: RandomKey, seeds: int) -> Network:
    """`seeds` networks as one: each array has one more axis, the first.

    `make` makes a network from a key. Raises `ValueError` for `seeds` below 1.
    """
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    # One after the other: a program that draws all first weights at once takes longer to compile
    # than training itself.
    made = [make(own) for own in jax.random.split(key, seeds)]
    return jax.tree.map(
        lambda *leaves: jnp.asarray(np.stack(leaves)) if eqx.is_array(leaves[0]) else leaves[0],
        *made,
    )


def in_single_precision(networks: Network) -> Network:
    """The same networks with numbers of 32 bits, on which training takes about half the time."""
    return jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, networks
    )


def train_classifiers(
    networks: Any,
    samples: Samples,
    method: BatchedAdam | None = None,
    *,
    epochs: int,
    key: RandomKey,
    objective: AbstractObjective | None = None,
    throw: bool = True,
) -> TrainedClassifiers:
    """Train networks that differ in their numbers, as made by `many`, on the same targets.

    A network is any module that is called as `network(x, key=key, training=training)` and returns
    its outputs; every sample comes with a key of its own. All its arrays of floating-point
    numbers are trained, except where it stops their gradient itself. Inputs are taken in the
    precision of the networks. `objective` is `NegativeLogLikelihood()` unless it is given.

    Compiled once for each architecture and each number of seeds and samples. Raises
    `ValueError` for samples that do not fit each other, the seeds or the batch, and `NotSolved`
    when the loss of a seed ceases to be a number, unless `throw` is false.
    """
    method = BatchedAdam() if method is None else method
    objective = NegativeLogLikelihood() if objective is None else objective
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    seeds = require_samples(seeds_of("networks", networks), samples)
    size = samples.targets.shape[0]
    method.require_samples(size)
    samples = as_arrays(samples, networks)
    progress, layout = begin(networks)
    curves = []
    for number in range(epochs):
        keys = jax.random.split(jax.random.fold_in(key, number), seeds)
        order = orders(keys, size, method)
        progress, found = train_epoch(progress, layout, samples, order, method, objective, keys)
        curves.append(found)
    trained = finished(progress, layout, curves)
    raise_unless_successful(trained.outcome, what="training of classifiers", throw=throw)
    return trained


@eqx.filter_jit
def train_epoch(
    progress: Progress,
    layout: Layout,
    samples: Samples,
    order: Int[Array, "seeds batches size"],
    method: BatchedAdam,
    objective: AbstractObjective,
    keys: Key[Array, " seeds"],
) -> tuple[Progress, Scores]:
    """Train for an epoch, then judge; samples as arrays."""
    loss_of = classifier_loss(objective)
    progress, loss = epoch(
        progress, layout, loss_of, samples.inputs, samples.targets, order, method, keys
    )
    numbers, rest = eqx.partition(layout.models(progress.learned), eqx.is_array)
    own_inputs = samples.test_inputs if samples.test_inputs.ndim == 3 else None

    def judged(own: Any) -> tuple[Scalar, Scalar]:
        numbers, seen, key = own
        return judge(
            eqx.combine(numbers, rest),
            samples.test_inputs if seen is None else seen,
            samples.test_targets,
            objective,
            jax.random.fold_in(key, 2),
        )

    test_loss, accuracy = over_models(judged, (numbers, own_inputs, keys))
    return progress, Scores(loss, test_loss, accuracy)


def finished(progress: Progress, layout: Layout, scores: Sequence[Scores]) -> TrainedClassifiers:
    """What came of training, from the scores of every epoch."""
    curves = Scores(*(np.stack(each, axis=1) for each in zip(*scores, strict=True)))
    return TrainedClassifiers(
        networks=layout.models(progress.learned),
        loss=jnp.asarray(curves.loss),
        test_loss=jnp.asarray(curves.test_loss),
        accuracy=jnp.asarray(curves.accuracy),
        outcome=outcome_of(curves.loss),
    )


def classifier_loss(objective: AbstractObjective) -> SampleLoss:
    """Loss of one sample while a network is trained."""

    def loss(network: Any, x: Any, target: Any, key: RandomKey) -> Scalar:
        return objective.loss(network(x, key=key, training=True), target)

    return loss


def judge(
    network: Any,
    inputs: Float[Array | np.ndarray, "samples width"],
    targets: Num[Array | np.ndarray, " samples"],
    objective: AbstractObjective,
    key: RandomKey,
) -> tuple[Scalar, Scalar]:
    """Mean loss and share of right answers of one network as it is used, without training."""
    keys = jax.random.split(key, inputs.shape[0])
    outputs = jax.vmap(lambda x, own: network(x, key=own, training=False))(inputs, keys)
    answers = jnp.asarray(targets)
    loss = jax.vmap(objective.loss)(outputs, answers)
    right = jax.vmap(objective.is_right)(outputs, answers)
    return jnp.mean(loss), jnp.mean(right.astype(loss.dtype))


def outcome_of(loss: Float[Array | np.ndarray, "*seeds epochs"]) -> Int[Array, "*seeds"]:
    """Whether every loss is a number."""
    good = jnp.all(jnp.isfinite(loss), axis=-1)
    return jnp.where(good, int(Outcome.SUCCESSFUL), int(Outcome.NOT_FINITE))


def seeds_of(name: str, networks: Any) -> int:
    """The size of the first axis, which all arrays share. Raises `ValueError` otherwise."""
    leaves = jax.tree.leaves(eqx.filter(networks, eqx.is_array))
    sizes = {leaf.shape[:1] for leaf in leaves}
    if len(sizes) != 1 or () in sizes:
        raise ValueError(
            f"{name} must be made by `many`: all arrays must share their first axis, got axes of "
            f"{sorted(sizes)}"
        )
    return int(sizes.pop()[0])


def require_samples(seeds: int, samples: Samples) -> int:
    """`seeds`, when the samples fit each other and the seeds. Raises `ValueError` otherwise."""
    for part in ("", "test_"):
        inputs, targets = getattr(samples, f"{part}inputs"), getattr(samples, f"{part}targets")
        if inputs.ndim not in (2, 3) or inputs.shape[-2] != targets.shape[0]:
            raise ValueError(
                f"{part}inputs must have a row for each of {targets.shape[0]} {part}targets, got "
                f"shape {inputs.shape}"
            )
        if inputs.ndim != samples.inputs.ndim or inputs.shape[:-2] not in ((), (seeds,)):
            raise ValueError(
                f"{part}inputs must be shared by all seeds, or there for each of {seeds}, and the "
                f"other inputs likewise, got shape {inputs.shape}"
            )
    return seeds


def as_arrays(samples: Samples, networks: Any) -> Samples:
    """Samples on the device, their floating-point numbers in the precision of the networks."""
    numbers = jnp.result_type(*jax.tree.leaves(eqx.filter(networks, eqx.is_inexact_array)))

    def converted(values: Any) -> Array:
        whole = jnp.issubdtype(values.dtype, jnp.integer)
        return jnp.asarray(values, values.dtype if whole else numbers)

    return Samples(*map(converted, samples))


__all__ = [
    "Samples",
    "Scores",
    "TrainedClassifiers",
    "as_arrays",
    "classifier_loss",
    "finished",
    "in_single_precision",
    "judge",
    "many",
    "outcome_of",
    "require_samples",
    "seeds_of",
    "train_classifiers",
    "train_epoch",
]
