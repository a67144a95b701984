"""An autoencoder and the classifiers that read it, learning side by side."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from neuropil.learning.classification.epochs import BatchedAdam, begin, epoch, orders
from neuropil.learning.classification.objectives import AbstractObjective, NegativeLogLikelihood
from neuropil.learning.classification.training import (
    Samples,
    Scores,
    TrainedClassifiers,
    as_arrays,
    finished,
    outcome_of,
    require_samples,
    seeds_of,
    train_epoch,
)
from neuropil.learning.classification.variational_autoencoder import VariationalAutoencoder
from neuropil.result import raise_unless_successful
from neuropil.types import RandomKey, Scalar


class CoLearned(eqx.Module):
    """Autoencoders after training, and for each kind of classifier how it fared on their latents.

    `loss` is that of the autoencoders in nats an image, one row a seed.
    """

    autoencoders: VariationalAutoencoder
    loss: Float[Array, "seeds epochs"]
    classifiers: dict[str, TrainedClassifiers]


def colearn(
    autoencoders: VariationalAutoencoder,
    classifiers: Mapping[str, Any],
    images: Samples,
    method: BatchedAdam | None = None,
    *,
    autoencoder_method: BatchedAdam | None = None,
    epochs: int,
    key: RandomKey,
    objective: AbstractObjective | None = None,
    throw: bool = True,
) -> CoLearned:
    """Take turns: an epoch of the autoencoder, then one of each classifier on its latents.

    Latents are drawn anew from the posterior in every epoch, at test too (Peterson, "What can
    astrocytes compute?", Methods). Labels never reach the autoencoder, so that all kinds of
    classifiers can share it; each seed has an autoencoder of its own. `autoencoders` and every
    value of `classifiers` are made by `many`, with the same number of seeds; the samples of
    `images` are images with brightness in [0, 1]. The methods are Adam at 0.004 for the
    classifiers and at 0.001 for the autoencoder unless they are given.

    Raises `ValueError` for numbers of seeds or samples that do not fit, and `NotSolved` when a
    loss ceases to be a number, unless `throw` is false.
    """
    method = BatchedAdam() if method is None else method
    slower = BatchedAdam(jnp.asarray(0.001))
    own_method = slower if autoencoder_method is None else autoencoder_method
    objective = NegativeLogLikelihood() if objective is None else objective
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    seeds = require_samples(seeds_of("autoencoders", autoencoders), images)
    for name, networks in classifiers.items():
        if seeds_of(f"classifiers[{name!r}]", networks) != seeds:
            raise ValueError(
                f"classifiers[{name!r}] must be as many as autoencoders, {seeds}, got "
                f"{seeds_of(name, networks)}"
            )
    size = images.targets.shape[0]
    for each in (method, own_method):
        each.require_samples(size)
    images = as_arrays(images, autoencoders)
    model, layout = begin(autoencoders)
    started = {name: begin(networks) for name, networks in classifiers.items()}
    states = {name: state for name, (state, _) in started.items()}
    scores: dict[str, list[Scores]] = {name: [] for name in classifiers}
    losses = []
    for number in range(epochs):
        turns = jax.random.split(jax.random.fold_in(key, number), (3 + len(classifiers), seeds))
        model, loss = _autoencoder_epoch(
            model, layout, images, orders(turns[0], size, own_method), own_method, turns[0]
        )
        losses.append(loss)
        whole = layout.models(model.learned)
        drawn = images._replace(
            inputs=latents(whole, images.inputs, turns[1]),
            test_inputs=latents(whole, images.test_inputs, turns[2]),
        )
        for name, own in zip(classifiers, turns[3:], strict=True):
            order = orders(own, size, method)
            states[name], found = train_epoch(
                states[name], started[name][1], drawn, order, method, objective, own
            )
            scores[name].append(found)
    whole_loss = np.stack(losses, axis=1)
    trained = {
        name: finished(states[name], started[name][1], found) for name, found in scores.items()
    }
    for name, record in trained.items():
        raise_unless_successful(record.outcome, what=f"training of {name!r}", throw=throw)
    raise_unless_successful(outcome_of(whole_loss), what="training of autoencoders", throw=throw)
    return CoLearned(layout.models(model.learned), jnp.asarray(whole_loss), trained)


def autoencoder_loss(
    model: VariationalAutoencoder, image: Float[Array, " pixels"], target: Any, key: RandomKey
) -> Scalar:
    """Loss of an autoencoder on one image, whatever the target."""
    del target
    return model.loss(image, key)


@eqx.filter_jit
def latents(
    autoencoders: VariationalAutoencoder,
    images: Float[Array | np.ndarray, "samples pixels"],
    keys: Key[Array, " seeds"],
) -> Float[Array, "seeds samples latent"]:
    """A draw of the latents of every image from each of many autoencoders."""
    arrays, structure = eqx.partition(autoencoders, eqx.is_array)

    def of_one(own: tuple[Any, RandomKey]) -> Float[Array, "samples latent"]:
        numbers, key = own
        each = jax.random.split(key, images.shape[0])
        return jax.vmap(eqx.combine(numbers, structure).sample)(images, each)

    # One after the other, as hidden cells of all at once would not fit into memory.
    return jax.lax.map(of_one, (arrays, keys))


@eqx.filter_jit
def _autoencoder_epoch(progress, layout, images, order, method, keys):
    return epoch(
        progress, layout, autoencoder_loss, images.inputs, images.targets, order, method, keys
    )


__all__ = ["CoLearned", "autoencoder_loss", "colearn", "latents"]
