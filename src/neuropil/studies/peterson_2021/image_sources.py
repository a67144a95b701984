"""Images of the study, as they reach the classifiers."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from neuropil.learning.classification.image_data import (
    LabelledImages,
    published_images,
    small_digits,
)
from neuropil.learning.classification.random_projection import sparse_random_projection
from neuropil.learning.classification.training import Samples
from neuropil.types import RandomKey


def images_named(configuration: Mapping[str, Any], name: str) -> LabelledImages:
    """The images; at most as many to learn from as the configuration says."""
    found = small_digits() if name == "small-digits" else published_images(name)
    most = configuration["images"]["most"]
    return LabelledImages(
        found.name,
        found.images[:most],
        found.labels[:most],
        found.test_images,
        found.test_labels,
        found.shape,
        found.n_classes,
    )


def pixels(images: LabelledImages) -> Samples:
    """Images themselves as samples."""
    return Samples(images.images, images.labels, images.test_images, images.test_labels)


def projected(images: LabelledImages, width: int, seeds: int, key: RandomKey) -> Samples:
    """Each seed's own sparse random projection of all images, in single precision."""
    seen, tested = [], []
    for own in jax.random.split(key, seeds):
        weights = np.asarray(
            sparse_random_projection(own, inputs=images.n_pixels, outputs=width).weights,
            np.float32,
        )
        seen.append(images.images @ weights.T)
        tested.append(images.test_images @ weights.T)
    return Samples(np.stack(seen), images.labels, np.stack(tested), images.test_labels)


__all__ = ["images_named", "pixels", "projected"]
