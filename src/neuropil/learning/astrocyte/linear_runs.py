"""Linear steps in a row composed into one, before they meet a signal.

Steps without an activation between them are one linear map, whose neighbourhood is that of both.
To compose the weights costs nothing that grows with the number of samples; each sample then
takes fewer products, and one step where there were several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.banded_sums import to_narrow
from neuropil.learning.astrocyte.steps import AbstractStep, WaveStep, identity
from neuropil.learning.astrocyte.wiring import Gather, Slide, Spread

Signal = Float[Array, " cells"]

# Beyond, the compiled sum over a neighbourhood grows more than the steps save.
_MOST_NEIGHBOURS = 9


@dataclass(frozen=True)
class LinearMap:
    """Cell j receives from the cells j + `first`, j + `first` + 1, ..., those that there are.

    `bands[k]` holds the weights of neighbour k of every cell, and `offset` is added.
    """

    first: int
    bands: Float[Array, "neighbours reached"]
    offset: Float[Array, " reached"] | None

    def __call__(self, signal: Signal) -> Float[Array, " reached"]:
        """What the cells receive."""
        neighbours, reached = self.bands.shape
        padded = jnp.pad(signal, self._room(signal.shape[0]))
        rows = self.bands
        if self.offset is not None:
            rows = jnp.concatenate([rows, self.offset[None]])
        return to_narrow(Gather((reached + neighbours - 1,), neighbours), rows, padded)

    def after(self, before: "LinearMap") -> "LinearMap":
        """This map of what `before` makes of a signal."""
        neighbours, reached = self.bands.shape
        room = self._room(before.bands.shape[1])
        last, joined = neighbours - 1, neighbours + before.bands.shape[0] - 1
        inner = jnp.pad(before.bands, ((last, last), room))
        bands = sum(
            row[None, :] * inner[last - place :, place:][:joined, :reached]
            for place, row in enumerate(self.bands)
        )
        offset = self.offset
        if before.offset is not None:
            shown = jnp.pad(before.offset, room)
            passed = sum(
                row * shown[place : place + reached] for place, row in enumerate(self.bands)
            )
            offset = passed if offset is None else offset + passed
        return LinearMap(before.first + self.first, bands, offset)

    def is_cheaper_joined(self, before: "LinearMap") -> bool:
        """Whether this map after `before` takes no more products as one."""
        neighbours, reached = self.bands.shape
        joined = neighbours + before.bands.shape[0] - 1
        return (
            joined <= _MOST_NEIGHBOURS and joined * reached <= self.bands.size + before.bands.size
        )

    def _room(self, cells: int) -> tuple[int, int]:
        """Cells to be imagined before the first and behind the last of a layer."""
        neighbours, reached = self.bands.shape
        return -self.first, reached + neighbours - 1 + self.first - cells


def composed(
    steps: Sequence[AbstractStep], draws: Sequence[Float[Array, " _draws"]], *, training: bool
) -> list[Callable[..., Any]]:
    """Functions that do one after the other what the steps do, each with its own draws.

    Steps on open lines that nothing disturbs are joined where that saves work.
    """
    parts: list[Callable[..., Any]] = []
    for step, drawn in zip(steps, draws, strict=True):
        respond = partial(step.respond, drawn=drawn, training=training)
        if not isinstance(step, WaveStep):
            parts.append(respond)
            continue
        linear = _linear_map(step, training=training)
        if linear is None:
            parts.append(respond)
            continue
        before = parts[-1] if parts else None
        if isinstance(before, LinearMap) and linear.is_cheaper_joined(before):
            parts[-1] = linear.after(before)
        else:
            parts.append(linear)
        if step.activation is not identity:
            parts.append(step.activation)
    return parts


def _linear_map(step: WaveStep, *, training: bool) -> LinearMap | None:
    """What the step does before its activation, if that is linear and on an open line."""
    wiring, bands = step.wiring, step.bands
    if step.biology.leak is not None or any(step.n_draws(training=training)):
        return None
    if len(wiring.cells) != 1 or wiring.periodic or wiring.stride != 1:
        return None
    neighbours = wiring.neighbours
    match wiring:
        case Gather():
            return LinearMap(0, bands, step.bias)
        case Slide():
            return LinearMap(-((neighbours - 1) // 2), bands, step.bias)
        case Spread():
            # From the bands of cells that send to those of cells that receive.
            reached, last = wiring.reached[0], neighbours - 1
            padded = jnp.pad(bands, ((0, 0), (last, last)))
            rows = [padded[last - place, place : place + reached] for place in range(neighbours)]
            return LinearMap(-last, jnp.stack(rows), step.bias)
    return None


__all__ = ["LinearMap", "composed"]
