"""Fig. 4: leak, lost messages and noise, at many levels, on latents of a trained autoencoder."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.learning.astrocyte import AstrocyteNetwork, Biology, Leak, Loss, Noise
from neuropil.learning.classification.colearning import colearn, latents
from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.training import (
    Samples,
    in_single_precision,
    many,
    train_classifiers,
)
from neuropil.studies.peterson_2021.classifiers import autoencoders
from neuropil.studies.peterson_2021.image_sources import images_named, pixels, projected
from neuropil.types import RandomKey, Scalar


def run_disturbances(
    configuration: Mapping[str, Any], key: RandomKey, *, images: str, form: str
) -> xr.Dataset:
    """Astrocytes trained and tested under every level of every disturbance, all at once.

    `control` holds networks of the same form, undisturbed, behind a random projection: what the
    public results of the document show in place of the undisturbed column.
    """
    numbers, settings = configuration["disturbances"], configuration["images"]
    seeds = numbers["seeds"]
    data = images_named({**configuration, "images": {**settings, "most": numbers["most"]}}, images)
    own = {**configuration["autoencoder"], "seeds": seeds}
    draw = jax.random.split(key, 4)
    method = BatchedAdam(settings["learning_rate"], batch_size=settings["batch_size"])
    trained = colearn(
        autoencoders(data.n_pixels, settings["width"], own, draw[0]),
        {},
        pixels(data),
        autoencoder_method=BatchedAdam(own["learning_rate"], batch_size=settings["batch_size"]),
        epochs=numbers["autoencoder_epochs"],
        key=draw[1],
    )
    first, second = jax.random.split(draw[2], (2, seeds))
    seen = np.asarray(latents(trained.autoencoders, jnp.asarray(data.images), first))
    tested = np.asarray(latents(trained.autoencoders, jnp.asarray(data.test_images), second))
    behind_autoencoder = Samples(seen, data.labels, tested, data.test_labels)
    behind_projection = projected(data, settings["width"], seeds, draw[3])

    def final(samples: Samples, **levels: float) -> Float[np.ndarray, " seeds"]:
        found = train_classifiers(
            in_single_precision(disturbed_networks(form, settings, levels, seeds, draw[3])),
            samples,
            method,
            epochs=numbers["epochs"],
            key=draw[3],
            throw=False,
        )
        return np.asarray(found.accuracy)[:, -1]

    undisturbed = final(behind_autoencoder)
    variables = {
        name: (
            (f"{name}_level", "seed"),
            np.stack(
                [final(behind_autoencoder, **{name: x}) if x else undisturbed for x in levels]
            ),
        )
        for name, levels in numbers["levels"].items()
    }
    return xr.Dataset(
        {
            **variables,
            "control": ("seed", final(behind_projection)),
            "chance": ((), data.chance),
        },
        {f"{name}_level": levels for name, levels in numbers["levels"].items()},
    )


def disturbed_networks(
    form: str,
    settings: Mapping[str, Any],
    levels: Mapping[str, float],
    seeds: int,
    key: RandomKey,
) -> AstrocyteNetwork:
    """Networks under the levels given of leak, loss and noise; the same first weights at all.

    The public code blurs over the next cell only and loses signals while training only; the
    document leaves the reach of the leak open ("greater than k neighbors") and speaks of
    connections that fail.
    """
    public = form == "published_code"

    def make(own: RandomKey, numbers: Mapping[str, Scalar]) -> AstrocyteNetwork:
        # Only what is asked for: numbers for chance take longer to draw than a wave to compute.
        biology: dict[str, Any] = {}
        if "leak" in numbers:
            biology["leak"] = Leak(numbers["leak"], reach=1 if public else 3)
        if "loss" in numbers and public:
            biology["signal_loss"] = Loss(numbers["loss"], rescaled=True, test=False)
        elif "loss" in numbers:
            biology["connection_loss"] = Loss(numbers["loss"])
        if "noise" in numbers:
            biology["signal_noise"] = Noise(numbers["noise"])
        return AstrocyteNetwork.from_notation(
            settings["steps"],
            width=settings["width"],
            form=form,
            key=own,
            biology=Biology(**biology),
        )

    each = {name: jnp.asarray(level, float) for name, level in levels.items()}
    return many(lambda own: make(own, each), key, seeds)


__all__ = ["disturbed_networks", "run_disturbances"]
