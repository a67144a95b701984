"""Kinds of networks that are compared, each a function from a key to one network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from neuropil.learning.astrocyte import AstrocyteNetwork
from neuropil.learning.astrocyte.network import FORMS
from neuropil.learning.classification.dense_networks import Perceptron, RandomlyWired, hidden_for
from neuropil.types import RandomKey

Maker = Callable[[RandomKey], Any]

CONTROLS = ("equal_parameters", "equal_depth", "scattered")
"""Neurons with as many parameters in two layers, with as many layers as wide, and those with as
few connections, drawn at random; activations and first weights are those of `recommended`."""

LABELS = {
    "document": "astrocytes (document)",
    "published_code": "astrocytes (public code)",
    "recommended": "astrocytes (recommended)",
    "neurons": "neurons",
    "equal_parameters": "neurons, equal parameters",
    "equal_depth": "neurons, equal depth",
    "scattered": "neurons, scattered",
}


def astrocytes(form: str, steps: str, width: int, **options: Any) -> Maker:
    """Astrocytes of a form."""

    def make(key: RandomKey) -> AstrocyteNetwork:
        return AstrocyteNetwork.from_notation(steps, width=width, form=form, key=key, **options)

    return make


def image_networks(steps: str, width: int, classes: int) -> dict[str, Maker]:
    """All kinds for images: three of astrocytes, the neurons of Table 2, three controls."""
    example = astrocytes("recommended", steps, width)(jax.random.key(0))
    widths = [cells[0] for cells in example.widths]
    hidden = hidden_for(example.n_parameters, inputs=width, outputs=classes)
    like: dict[str, Any] = {"activation": jnp.tanh, "activation_every": 2, "gain": 3**0.5}
    return {
        **{form: astrocytes(form, steps, width) for form in FORMS},
        "neurons": lambda key: Perceptron((width, width, classes), key=key),
        "equal_parameters": lambda key: Perceptron(
            (width, hidden, classes), activation=jnp.tanh, key=key
        ),
        "equal_depth": lambda key: Perceptron(widths, key=key, **like),
        "scattered": lambda key: RandomlyWired(widths, key=key, **like),
    }


__all__ = ["CONTROLS", "FORMS", "LABELS", "Maker", "astrocytes", "image_networks"]
