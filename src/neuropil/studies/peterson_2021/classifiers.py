"""Fig. 3: astrocytes and neurons learn XOR and images."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from neuropil.learning.classification.colearning import colearn
from neuropil.learning.classification.dense_networks import Perceptron
from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.objectives import SquaredError
from neuropil.learning.classification.training import (
    Samples,
    TrainedClassifiers,
    in_single_precision,
    many,
    train_classifiers,
)
from neuropil.learning.classification.variational_autoencoder import VariationalAutoencoder
from neuropil.studies.peterson_2021.image_sources import images_named, pixels, projected
from neuropil.studies.peterson_2021.networks import astrocytes, image_networks
from neuropil.types import RandomKey

XOR_INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_TARGETS = np.array([0.0, 1.0, 1.0, 0.0])


def run_projection(
    configuration: Mapping[str, Any], key: RandomKey, *, images: str, kinds: Sequence[str]
) -> xr.Dataset:
    """Classifiers behind a fixed sparse random projection, a new one for each seed."""
    settings, seeds = configuration["images"], configuration["seeds"]
    # Kinds in different shards are to see the same projections.
    projection_key = jax.random.key(settings["projection_seed"])
    data = images_named(configuration, images)
    samples = projected(data, settings["width"], seeds, projection_key)
    method = BatchedAdam(settings["learning_rate"], batch_size=settings["batch_size"])
    makers = image_networks(settings["steps"], settings["width"], data.n_classes)
    trained = {
        kind: train_classifiers(
            in_single_precision(many(makers[kind], jax.random.fold_in(key, number), seeds)),
            samples,
            method,
            epochs=settings["epochs"],
            key=jax.random.fold_in(key, len(kinds) + number),
            throw=False,
        )
        for number, kind in enumerate(kinds)
    }
    return _recorded(trained, data.chance, len(data.labels))


def run_colearning(
    configuration: Mapping[str, Any], key: RandomKey, *, images: str, kinds: Sequence[str]
) -> xr.Dataset:
    """Classifiers on the latents of a variational autoencoder that learns at the same time."""
    settings, own = configuration["images"], configuration["autoencoder"]
    data = images_named(configuration, images)
    makers = image_networks(settings["steps"], settings["width"], data.n_classes)
    draw = jax.random.split(key, len(kinds) + 2)
    found = colearn(
        autoencoders(data.n_pixels, settings["width"], own, draw[0]),
        {
            kind: in_single_precision(many(makers[kind], draw[2 + number], own["seeds"]))
            for number, kind in enumerate(kinds)
        },
        pixels(data),
        BatchedAdam(settings["learning_rate"], batch_size=settings["batch_size"]),
        autoencoder_method=BatchedAdam(own["learning_rate"], batch_size=settings["batch_size"]),
        epochs=own["epochs"],
        key=draw[1],
        throw=False,
    )
    recorded = _recorded(found.classifiers, data.chance, len(data.labels))
    return recorded.assign(autoencoder_loss=(("seed", "epoch"), np.asarray(found.loss)))


def autoencoders(
    n_pixels: int, latent: int, settings: Mapping[str, Any], key: RandomKey
) -> VariationalAutoencoder:
    """Untrained autoencoders in single precision, one for each seed of the settings."""

    def make(own: RandomKey) -> VariationalAutoencoder:
        return VariationalAutoencoder(
            pixels=n_pixels, hidden=settings["hidden"], latent=latent, key=own
        )

    return in_single_precision(many(make, key, settings["seeds"]))


def run_xor(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The four patterns of XOR, learned and judged on the same four."""
    settings, seeds = configuration["xor"], configuration["seeds"]
    samples = Samples(XOR_INPUTS, XOR_TARGETS, XOR_INPUTS, XOR_TARGETS)
    method = BatchedAdam(settings["learning_rate"], batch_size=4, passes=settings["passes"])
    # Steps change the width by two, so that two cells never become one: the answer of the
    # document's steps is read from both. The public code gathers two cells to one all the same.
    makers = {
        "document": astrocytes("document", settings["steps_to_two"], 2),
        "published_code": astrocytes(
            "published_code", settings["steps"], 2, bias=False, activation_every=1
        ),
        "recommended": astrocytes("recommended", settings["steps_to_two"], 2),
        **{
            f"neurons_{hidden}": lambda own, hidden=hidden: Perceptron((2, hidden, 1), key=own)
            for hidden in settings["hidden"]
        },
    }
    trained = {
        kind: train_classifiers(
            many(make, jax.random.fold_in(key, number), seeds),
            samples,
            method,
            epochs=settings["epochs"],
            key=jax.random.fold_in(key, len(makers) + number),
            objective=SquaredError(settings["tolerance"]),
            throw=False,
        )
        for number, (kind, make) in enumerate(makers.items())
    }
    return _recorded(trained, 0.5, 4)


def _recorded(trained: Mapping[str, TrainedClassifiers], chance: float, samples: int) -> xr.Dataset:
    """Curves of every kind and seed, with the number of parameters of each kind."""
    curves = ("kind", "seed", "epoch")
    variables = {
        name: (curves, np.stack([np.asarray(getattr(each, name)) for each in trained.values()]))
        for name in ("loss", "test_loss", "accuracy")
    }
    return xr.Dataset(
        {
            **variables,
            "parameters": ("kind", [_parameters(each.networks) for each in trained.values()]),
            "outcome": (("kind", "seed"), np.stack([each.outcome for each in trained.values()])),
            "chance": ((), chance),
            "samples": ((), samples),
        },
        {"kind": list(trained)},
    )


def _parameters(networks: Any) -> int:
    """Numbers that one of many networks learns."""
    first = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, networks)
    return int(first.n_parameters)


__all__ = ["autoencoders", "run_colearning", "run_projection", "run_xor"]
