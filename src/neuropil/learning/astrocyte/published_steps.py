"""The steps as the public code of the document computes them.

They are kept to measure what that code measured: Peterson, "What can astrocytes compute?",
repository glia_playing_atari, commit 047e47d, glia/gn.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from neuropil.learning.astrocyte.banded_sums import Window, to_narrow
from neuropil.learning.astrocyte.biology import UNDISTURBED, Biology, Leak, disturbed
from neuropil.learning.astrocyte.neighbourhoods import Cells, taken
from neuropil.learning.astrocyte.steps import (
    AbstractStep,
    CellActivation,
    cut,
    identity,
)
from neuropil.learning.uniform_arrays import uniform_arrays
from neuropil.types import RandomKey

NEIGHBOURS = 3


class PublishedStep(AbstractStep):
    """A spread, slide or gather of the public code, which differs from the document's.

    Sources are visited one after the other and each adds to three cells: a spread of n cells to
    n + 2 on a line; a slide on a ring; a gather to max(n - 2, 1) as a slide on a ring of that
    size, in which **the last two cells are never read** (from two cells only the first is). After
    every visit the cells that were touched are multiplied by 1 + b_j, so that with the sources
    s_1, s_2, s_3 of cell j in the order of their visits

        y_j = (1 + b_j)^3 w_1 x_{s_1} + (1 + b_j)^2 w_2 x_{s_2} + (1 + b_j) w_3 x_{s_3}:

    the "bias" multiplies and the step is linear. `weights` holds w_1, w_2, w_3 of every cell,
    those of cells with fewer sources at the end; places without a source are not used.

    `biology` acts on what the step gives: noise, then failures, then leak, over the next cell
    alone and with nothing beyond the ends, and scaled by the largest share once more, as the
    blur is one of an image of width one. Hence a leak must have reach 1.

    Raises `ValueError` for an unknown letter, a width below one, and a leak of another reach.
    """

    weights: Float[Array, "... 3 reached"]
    bias: Float[Array, "... reached"] | None
    kind: str = eqx.field(static=True)
    width: int = eqx.field(static=True)
    activation: CellActivation = identity
    biology: Biology = UNDISTURBED

    def __check_init__(self):
        _require(self.kind, self.width)
        leak = self.biology.leak
        if leak is not None and leak.reach != 1:
            raise ValueError(f"reach must be 1 in a step of the public code, got {leak.reach}")

    @property
    def letter(self) -> str:
        """The kind."""
        return self.kind

    @property
    def cells(self) -> Cells:
        """Cells of the layer before."""
        return (self.width,)

    @property
    def reached(self) -> Cells:
        """Cells of the layer after."""
        return (_reached(self.kind, self.width),)

    @property
    def n_parameters(self) -> int:
        """Weights that are used, and the multiplicative biases."""
        exists, _ = _sources(self.kind, self.width)
        return int(np.sum(exists)) + (0 if self.bias is None else self.bias.shape[-1])

    def matrix(self) -> Float[np.ndarray, "after before"]:
        """The whole step as a full matrix, undisturbed: weights times powers of 1 + bias."""
        exists, sources = _sources(self.kind, self.width)
        factor = 1.0 if self.bias is None else 1 + np.asarray(self.bias)
        full = np.zeros((self.reached[0], self.width))
        for place, (there, source) in enumerate(zip(exists, sources, strict=True)):
            weights = np.asarray(self.weights[place]) * factor ** (NEIGHBOURS - place)
            cells = np.flatnonzero(there)
            full[cells, source[cells]] = weights[cells]
        return full

    def _sums(
        self, activity: Float[Array, " cells"], weights: Float[Array, "3 reached"]
    ) -> Float[Array, " reached"]:
        visits = _Visits(self.kind, self.width)
        exists, _ = _sources(self.kind, self.width)
        used = weights * jnp.asarray(exists, weights.dtype)
        if self.bias is not None:
            factor = 1 + self.bias
            used = used * jnp.stack([factor**touches for touches in range(NEIGHBOURS, 0, -1)])
        return to_narrow(visits, used, activity)

    def n_draws(self, *, training: bool) -> tuple[int, int, int, int]:
        """Those of one pass."""
        cells = self.reached[0]
        return self.biology.n_draws(NEIGHBOURS * cells, cells, training=training)

    def respond(
        self, activity: Float[Array, "*cells"], drawn: Float[Array, " draws"], *, training: bool
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after."""
        biology = self.biology
        parts = cut(drawn, self.n_draws(training=training))
        weights = disturbed(self.weights, biology.weight_noise, parts[0])
        weights = disturbed(weights, biology.connection_loss, parts[1])
        received = self._sums(activity, weights)
        received = disturbed(received, biology.signal_noise, parts[2])
        received = disturbed(received, biology.signal_loss, parts[3])
        if biology.leak is not None:
            received = _published_leak(received, biology.leak)
        return self.activation(received)


@dataclass(frozen=True)
class _Visits:
    """Who is visited by whom, in the terms of `banded_sums`: every cell has three sources."""

    kind: str
    width: int

    @property
    def wide(self) -> Cells:
        return (self.width,)

    @property
    def owners(self) -> Cells:
        return (_reached(self.kind, self.width),)

    @property
    def is_line(self) -> bool:
        return False

    def windows(self) -> list[Window]:
        _, sources = _sources(self.kind, self.width)
        return [lambda signal, own=own: taken(signal, own, 0) for own in sources]


def _require(kind: str, width: int) -> None:
    if kind not in ("s", "d", "g"):
        raise ValueError(f"kind must be s (spread), d (slide) or g (gather), got {kind!r}")
    if width < 1:
        raise ValueError(f"width must be at least 1, got {width}")


def _reached(kind: str, width: int) -> int:
    return {"s": width + 2, "d": width, "g": max(width - 2, 1)}[kind]


def _sources(
    kind: str, width: int
) -> tuple[Bool[np.ndarray, "3 reached"], Int[np.ndarray, "3 reached"]]:
    """Sources of every cell in the order of their visits, and which places have one."""
    reached = _reached(kind, width)
    visited = width if kind == "s" else reached
    touching: list[list[int]] = [[] for _ in range(reached)]
    for source in range(visited):
        if kind == "s":
            touched = {source, source + 1, source + 2}
        else:
            touched = {(source - 1) % reached, source, (source + 1) % reached}
        for cell in touched:
            touching[cell].append(source)
    exists = np.zeros((NEIGHBOURS, reached), bool)
    sources = np.zeros((NEIGHBOURS, reached), int)
    for cell, visits in enumerate(touching):
        exists[NEIGHBOURS - len(visits) :, cell] = True
        sources[NEIGHBOURS - len(visits) :, cell] = visits
    return exists, sources


def _published_leak(signal: Float[Array, " cells"], leak: Leak) -> Float[Array, " cells"]:
    spread = lax.stop_gradient(leak.spread).astype(signal.dtype)
    beside = jnp.exp(-0.5 / jnp.maximum(spread, 1e-3) ** 2)
    centre, side = 1 / (1 + 2 * beside), beside / (1 + 2 * beside)
    padded = jnp.pad(signal, 1)
    return centre * (centre * signal + side * (padded[:-2] + padded[2:]))


def published_step(
    kind: str,
    width: int,
    *,
    key: RandomKey,
    bias: bool = True,
    activation: CellActivation = identity,
    biology: Biology = UNDISTURBED,
    dtype: jnp.dtype | type = float,
) -> PublishedStep:
    """A step with weights and biases uniform between -1 / sqrt(width) and 1 / sqrt(width).

    `width` counts all cells of the layer before, not the three that a cell hears. Raises
    `ValueError` for a kind other than `s`, `d` or `g`, and for a width below one.
    """
    (step,) = published_steps(
        kind, width, (activation,), key=key, bias=bias, biology=biology, dtype=dtype
    )
    return step


def published_steps(
    kinds: str,
    width: int,
    activations: Sequence[CellActivation],
    *,
    key: RandomKey,
    bias: bool = True,
    biology: Biology = UNDISTURBED,
    dtype: jnp.dtype | type = float,
) -> tuple[PublishedStep, ...]:
    """Steps one after the other from a layer of `width` cells, each as in `published_step`."""
    before = []
    for kind in kinds:
        _require(kind, width)
        before.append(width)
        width = _reached(kind, width)
    after = [*before[1:], width]
    bounds = tuple(cells**-0.5 for cells in before)
    drawn = uniform_arrays(
        key,
        (*((NEIGHBOURS, cells) for cells in after), *((cells,) for cells in after)),
        (*bounds, *bounds),
        dtype,
    )
    return tuple(
        PublishedStep(
            weights=weights,
            bias=factor if bias else None,
            kind=kind,
            width=cells,
            activation=activation,
            biology=biology,
        )
        for kind, cells, weights, factor, activation in zip(
            kinds, before, drawn[: len(kinds)], drawn[len(kinds) :], activations, strict=True
        )
    )


__all__ = ["PublishedStep", "published_step", "published_steps"]
