"""Networks of astrocytes: a wave that takes one step after the other."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.biology import UNDISTURBED, Biology
from neuropil.learning.astrocyte.linear_runs import composed
from neuropil.learning.astrocyte.neighbourhoods import Cells
from neuropil.learning.astrocyte.notation import letters, wirings
from neuropil.learning.astrocyte.published_steps import published_steps
from neuropil.learning.astrocyte.steps import (
    AbstractStep,
    CellActivation,
    draws_for,
    identity,
    uniform_steps,
)
from neuropil.types import RandomKey

Signal = Float[Array, "..."]

_LOOPED = 4

FORMS = ("document", "published_code", "recommended")


class AstrocyteNetwork(eqx.Module):
    """Layers of cells that hear only their neighbours, and the steps between them.

    `network(x)` is the activity of the last layer for an input of one value a cell, shape
    (width,) on a line, (rows, columns) on a sheet; batches go through `jax.vmap`. Time and
    memory grow with the number of connections.

    Raises `ValueError` when there is no step, and when one does not start at the width at which
    the one before ends.
    """

    steps: tuple[AbstractStep, ...]

    def __check_init__(self):
        if not self.steps:
            raise ValueError("steps must hold at least one step, got none")
        for number, (step, after) in enumerate(zip(self.steps, self.steps[1:], strict=False)):
            if step.reached != after.cells:
                raise ValueError(
                    f"steps must fit: step {number + 1} ends at {step.reached} cells, "
                    f"step {number + 2} starts at {after.cells}"
                )

    @classmethod
    def from_notation(
        cls,
        notation: str,
        *,
        width: int | Cells,
        key: RandomKey,
        form: str = "recommended",
        neighbours: int = 3,
        stride: int = 1,
        periodic: bool = False,
        activation: CellActivation | None = None,
        activation_every: int | None = None,
        bias: bool = True,
        biology: Biology = UNDISTURBED,
        dtype: jnp.dtype | type = float,
    ) -> "AstrocyteNetwork":
        """A network with random weights, written as in "g d g d": s spread, d slide, g gather.

        The last step is linear. Before it, every `activation_every`-th step has the activation.

        - `document`: steps as the document describes them, on an open line (or a ring, or a
          sheet), additive bias, weights and biases uniform within 1 / sqrt(k), k connections a
          cell; tanh after every step, as the document names no function and its theorem asks for
          a derivative.
        - `published_code`: `PublishedStep` on a line of cells, softmax over the whole layer
          after every second step (its networks for images; its network for XOR has it after
          every one, and no bias).
        - `recommended`: the document's steps with weights within sqrt(3 / k), which keeps the
          size of signals and of gradients over many steps (within 1 / sqrt(k) both fall by a
          factor of about sqrt(3) a step), no offset at the start, and tanh after every second.

        Raises `ValueError` for unknown letters or forms, for a width that the steps cannot be
        walked from, and for options that a form does not have.
        """
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        every = (1 if form == "document" else 2) if activation_every is None else activation_every
        if every < 1:
            raise ValueError(f"activation_every must be at least 1, got {activation_every}")
        bare = letters(notation)
        shown = activation or (softmax if form == "published_code" else jnp.tanh)
        activations = [
            shown if (place + 1) % every == 0 and place + 1 < len(bare) else identity
            for place in range(len(bare))
        ]
        if form == "published_code":
            if (neighbours, stride, periodic) != (3, 1, False) or not isinstance(width, int):
                raise ValueError(
                    "neighbours, stride, periodic and width must be 3, 1, False and one number "
                    "for published_code, whose steps have ends of their own, "
                    f"got {neighbours}, {stride}, {periodic} and {width}"
                )
            return cls(
                published_steps(
                    bare, width, activations, key=key, bias=bias, biology=biology, dtype=dtype
                )
            )
        return cls(
            uniform_steps(
                wirings(bare, width, neighbours=neighbours, stride=stride, periodic=periodic),
                activations,
                key=key,
                gain=3**0.5 if form == "recommended" else 1.0,
                bias_gain=0.0 if form == "recommended" else 1.0,
                bias=bias,
                biology=biology,
                dtype=dtype,
            )
        )

    @property
    def notation(self) -> str:
        """The steps as letters with blanks between."""
        return " ".join(step.letter for step in self.steps)

    @property
    def widths(self) -> tuple[Cells, ...]:
        """Cells of the input and after every step."""
        return (self.steps[0].cells, *(step.reached for step in self.steps))

    @property
    def n_cells(self) -> int:
        """Cells of all layers, the input among them."""
        return sum(int(np.prod(cells)) for cells in self.widths)

    @property
    def n_parameters(self) -> int:
        """Weights of connections that exist, and biases."""
        return sum(step.n_parameters for step in self.steps)

    def with_biology(self, biology: Biology) -> "AstrocyteNetwork":
        """The same weights with another biology in every step."""
        return AstrocyteNetwork(
            tuple(dataclasses.replace(step, biology=biology) for step in self.steps)
        )

    def __call__(
        self,
        x: Float[Array, "*cells"],
        *,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> Float[Array, "*reached"]:
        """Activity of the last layer.

        `training` says which disturbances act; `key` is needed where one of them is random.
        Raises `ValueError` when the input does not have the width of the first layer.
        """
        draws = self._draws(x, key, training=training)
        for steps, own in _sections(self.steps, draws):
            if _is_loop(steps):
                x = _looped(steps, x, own, training)[-1]
                continue
            for part in composed(steps, own, training=training):
                x = part(x)
        return x

    def activity(
        self,
        x: Float[Array, "*cells"],
        *,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> tuple[Float[Array, "..."], ...]:
        """Activity of every layer, the input first; arguments as for a call."""
        draws = self._draws(x, key, training=training)
        layers = [x]
        for steps, own in _sections(self.steps, draws):
            walked = _looped if _is_loop(steps) else _unrolled
            layers.extend(walked(steps, layers[-1], own, training))
        return tuple(layers)

    def _draws(self, x: Signal, key: RandomKey | None, *, training: bool) -> list[Signal]:
        if x.shape != self.steps[0].cells:
            raise ValueError(f"x must have shape {self.steps[0].cells}, got {x.shape}")
        return draws_for(self.steps, key, x.dtype, training=training)


def _is_loop(steps: Sequence[AbstractStep]) -> bool:
    """Whether a section is worth a compiled loop: its steps then differ in their numbers only."""
    return len(steps) >= _LOOPED and len(_runs_of_one_form(steps)) == 1


def _sections(
    steps: Sequence[AbstractStep], draws: Sequence[Signal]
) -> list[tuple[list[AbstractStep], list[Signal]]]:
    """The steps and their draws, cut before and behind every run that is worth a loop."""
    sections: list[tuple[list[AbstractStep], list[Signal]]] = []
    begin = 0
    for run in _runs_of_one_form(steps):
        own = list(draws[begin : begin + len(run)])
        begin += len(run)
        if sections and not _is_loop(run) and not _is_loop(sections[-1][0]):
            sections[-1][0].extend(run)
            sections[-1][1].extend(own)
        else:
            sections.append((run, own))
    return sections


def _runs_of_one_form(steps: Sequence[AbstractStep]) -> list[list[AbstractStep]]:
    """The steps, cut wherever one differs from the step before in more than its numbers."""

    def form(step: AbstractStep) -> Any:
        leaves, structure = jax.tree.flatten(step)
        shapes = [(leaf.shape, leaf.dtype) if eqx.is_array(leaf) else leaf for leaf in leaves]
        return structure, shapes

    return [list(run) for _, run in itertools.groupby(steps, form)]


def _unrolled(
    steps: Sequence[AbstractStep], signal: Signal, draws: Sequence[Signal], training: bool
) -> list[Signal]:
    layers = []
    for step, drawn in zip(steps, draws, strict=True):
        signal = step.respond(signal, drawn, training=training)
        layers.append(signal)
    return layers


def _looped(
    steps: Sequence[AbstractStep], signal: Signal, draws: Sequence[Signal], training: bool
) -> list[Signal]:
    """One compiled loop, so that the time to compile does not grow with the number of steps."""
    arrays = [eqx.filter(step, eqx.is_array) for step in steps]
    rest = eqx.filter(steps[0], eqx.is_array, inverse=True)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays)

    def advance(layer, own):
        numbers, drawn = own
        layer = eqx.combine(numbers, rest).respond(layer, drawn, training=training)
        return layer, layer

    after = jax.eval_shape(
        lambda layer: steps[0].respond(layer, draws[0], training=training), signal
    )
    _, layers = lax.scan(advance, signal.astype(after.dtype), (stacked, jnp.stack(draws)))
    return list(layers)


def softmax(received: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """Shares of exp(received) over the whole layer: an activation that is not local."""
    return jax.nn.softmax(received, axis=tuple(range(received.ndim)))


__all__ = ["AstrocyteNetwork", "softmax"]
