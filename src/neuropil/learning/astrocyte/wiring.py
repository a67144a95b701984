"""Who is next to whom in a wave: spread, slide and gather, on a line or on a sheet of cells."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.learning.astrocyte.banded_sums import Window, to_narrow, to_wide
from neuropil.learning.astrocyte.neighbourhoods import (
    Cells,
    contracted,
    neighbourhoods,
    partners,
    windows_of,
)


class AbstractWiring(eqx.Module):
    """The connections of one step between two layers of cells.

    Every connection has a place in the bands, shape (neighbours of a cell, *cells): `neighbours`
    ** axes values for each cell of one of the two layers. `cells` are the cells of the layer
    before, one number (a line) or one for each axis (a sheet); on a sheet the neighbourhood is a
    square. With `periodic` the ends are joined, to a ring or a torus.

    Time and memory of `sums` grow with the number of connections.
    """

    cells: eqx.AbstractVar[Cells]
    neighbours: eqx.AbstractVar[int]
    stride: eqx.AbstractVar[int]
    periodic: eqx.AbstractVar[bool]

    @property
    @abstractmethod
    def letter(self) -> str:
        """The letter of this step in the notation: s, d or g."""

    @property
    @abstractmethod
    def reached(self) -> Cells:
        """Cells of the layer after."""

    @property
    @abstractmethod
    def owners(self) -> Cells:
        """Cells that the columns of the bands belong to."""

    @property
    @abstractmethod
    def wide(self) -> Cells:
        """Cells of the layer that neighbours are looked up in, with room beyond open ends."""

    @property
    def is_line(self) -> bool:
        """Whether owner j sees the cells j, j + 1, ... of the wide layer, which lie on a line."""
        return len(self.cells) == 1 and self.stride == 1 and not self.periodic

    @abstractmethod
    def windows(self) -> list[Window]:
        """For each neighbour, the function that shows every owner that cell of the wide layer."""

    @abstractmethod
    def sums(
        self,
        bands: Float[Array, "neighbours ..."],
        signal: Float[Array, "*cells"],
        offset: Float[Array, "*reached"] | None = None,
    ) -> Float[Array, "*reached"]:
        """What every cell of the layer after receives: the weighted sum over its connections.

        An offset of its own is added to each. Many samples of one signal, and many bands, are
        best left to `jax.vmap`: the operation is one that knows of both.
        """

    @abstractmethod
    def connections(
        self,
    ) -> tuple[Bool[np.ndarray, "neighbours ..."], Int[np.ndarray, "neighbours ..."]]:
        """Which places of the bands are connections, and the number of the other cell of each."""

    @property
    def neighbourhood(self) -> int:
        """Connections of a cell that is far from the edges."""
        return self.neighbours ** len(self.cells)

    @property
    def n_connections(self) -> int:
        """Number of connections."""
        return int(np.sum(self.connections()[0]))

    def edges(
        self,
    ) -> tuple[Int[np.ndarray, " edges"], Int[np.ndarray, " edges"], Int[np.ndarray, " edges"]]:
        """Number of the cell after, of the cell before, and flat place in the bands, of each."""
        exists, other = self.connections()
        place = np.flatnonzero(exists)
        owner, partner = place % int(np.prod(self.owners)), other.ravel()[place]
        after, before = (partner, owner) if self.letter == "s" else (owner, partner)
        return after, before, place

    def matrix(
        self, bands: Float[Array | np.ndarray, "neighbours ..."]
    ) -> Float[np.ndarray, "after before"]:
        """The same step as a full matrix, for looking at and for checks."""
        after, before, place = self.edges()
        full = np.zeros((int(np.prod(self.reached)), int(np.prod(self.cells))))
        np.add.at(full, (after, before), np.asarray(bands).ravel()[place])
        return full


class Gather(AbstractWiring):
    """Cell j of the layer after receives from the cells stride j, ..., stride j + k - 1 before.

    n cells become floor((n - k) / stride) + 1, at stride 1 n - k + 1 (Peterson, "What can
    astrocytes compute?", Methods: m > n). On a ring the layer after has as many cells, spaced
    evenly, and each receives from the k cells nearest to it.

    Raises `ValueError` when no cell would be left.
    """

    cells: Cells = eqx.field(static=True)
    neighbours: int = eqx.field(static=True, default=3)
    stride: int = eqx.field(static=True, default=1)
    periodic: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        _require(self)
        if min(self.cells) < self.neighbours:
            raise ValueError(
                f"cells must be at least {self.neighbours} (neighbours) along each axis, for a "
                f"gather would leave none, got {self.cells}"
            )

    @property
    def letter(self) -> str:
        """g."""
        return "g"

    @property
    def reached(self) -> Cells:
        """floor((n - k) / stride) + 1 along each axis."""
        return tuple((n - self.neighbours) // self.stride + 1 for n in self.cells)

    @property
    def owners(self) -> Cells:
        """The cells that receive."""
        return self.reached

    @property
    def wide(self) -> Cells:
        """The layer before."""
        return self.cells

    def windows(self) -> list[Window]:
        """What each cell of the layer after sees."""
        return windows_of(_between(self, self.cells, self.reached))

    def sums(
        self,
        bands: Float[Array, "neighbours ..."],
        signal: Float[Array, "*cells"],
        offset: Float[Array, "*reached"] | None = None,
    ) -> Float[Array, "*reached"]:
        """The weighted sum over the connections of every cell of the layer after."""
        return to_narrow(self, _with_offset(bands, offset), signal)

    def connections(
        self,
    ) -> tuple[Bool[np.ndarray, "neighbours ..."], Int[np.ndarray, "neighbours ..."]]:
        """All places; the other cell is the one before."""
        return partners(_between(self, self.cells, self.reached), self.cells)


class Slide(AbstractWiring):
    """Cell j receives from itself and its neighbours, (k - 1) // 2 before it and k // 2 behind.

    The number of cells stays (Peterson, Methods: m = n). With open ends, cells at the edges
    receive from fewer.

    Raises `ValueError` for a stride, and for a ring smaller than a neighbourhood.
    """

    cells: Cells = eqx.field(static=True)
    neighbours: int = eqx.field(static=True, default=3)
    stride: int = eqx.field(static=True, default=1)
    periodic: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        _require(self)
        if self.stride != 1:
            raise ValueError(f"stride must be 1 for a slide, which keeps width, got {self.stride}")
        if self.periodic and min(self.cells) < self.neighbours:
            raise ValueError(
                f"cells must be at least {self.neighbours} (neighbours) on a ring, got {self.cells}"
            )

    @property
    def letter(self) -> str:
        """d."""
        return "d"

    @property
    def reached(self) -> Cells:
        """As many as before."""
        return self.cells

    @property
    def owners(self) -> Cells:
        """The cells that receive."""
        return self.cells

    def _indices(self, *, padded: int) -> list[Int[np.ndarray, "_neighbours _owners"]]:
        indices = [
            neighbourhoods(np.arange(n) - self._before + padded, self.neighbours)
            for n in self.cells
        ]
        if self.periodic:
            return [index % n for index, n in zip(indices, self.cells, strict=True)]
        return indices

    @property
    def _before(self) -> int:
        return (self.neighbours - 1) // 2

    @property
    def wide(self) -> Cells:
        """The layer before, and room for neighbours beyond its ends where they are open."""
        room = 0 if self.periodic else self.neighbours - 1
        return tuple(n + room for n in self.cells)

    def windows(self) -> list[Window]:
        """What each cell sees."""
        return windows_of(self._indices(padded=0 if self.periodic else self._before))

    def sums(
        self,
        bands: Float[Array, "neighbours ..."],
        signal: Float[Array, "*cells"],
        offset: Float[Array, "*reached"] | None = None,
    ) -> Float[Array, "*reached"]:
        """The weighted sum over the connections of every cell of the layer after."""
        room = (self._before, self.neighbours - 1 - self._before)
        padded = signal if self.periodic else jnp.pad(signal, room)
        return to_narrow(self, _with_offset(bands, offset), padded)

    def connections(
        self,
    ) -> tuple[Bool[np.ndarray, "neighbours ..."], Int[np.ndarray, "neighbours ..."]]:
        """Those that do not reach over an open end; the other cell is the one before."""
        return partners(self._indices(padded=0), self.cells)


class Spread(AbstractWiring):
    """Cell s of the layer before sends to the cells stride s, ..., stride s + k - 1 after.

    n cells become stride (n - 1) + k, at stride 1 n + k - 1 (Peterson, Methods: m < n): the
    connections of a gather, the other way. On a ring the cells are spaced evenly and each sends
    to the k cells nearest to it.
    """

    cells: Cells = eqx.field(static=True)
    neighbours: int = eqx.field(static=True, default=3)
    stride: int = eqx.field(static=True, default=1)
    periodic: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        _require(self)

    @property
    def letter(self) -> str:
        """s."""
        return "s"

    @property
    def reached(self) -> Cells:
        """Stride (n - 1) + k along each axis."""
        return tuple(self.stride * (n - 1) + self.neighbours for n in self.cells)

    @property
    def owners(self) -> Cells:
        """The cells that send."""
        return self.cells

    @property
    def wide(self) -> Cells:
        """The layer after."""
        return self.reached

    def windows(self) -> list[Window]:
        """What each cell of the layer before would see of the layer after."""
        return windows_of(_between(self, self.reached, self.cells))

    def sums(
        self,
        bands: Float[Array, "neighbours ..."],
        signal: Float[Array, "*cells"],
        offset: Float[Array, "*reached"] | None = None,
    ) -> Float[Array, "*reached"]:
        """The weighted sum over the connections of every cell of the layer after."""
        received = to_wide(self, bands, signal)
        if offset is None:
            return received
        # One neighbour of weight one, the cell itself.
        alone = Slide(self.reached, 1)
        return alone.sums(jnp.ones((1, *self.reached), bands.dtype), received, offset)

    def connections(
        self,
    ) -> tuple[Bool[np.ndarray, "neighbours ..."], Int[np.ndarray, "neighbours ..."]]:
        """All places; the other cell is the one after."""
        return partners(_between(self, self.reached, self.cells), self.reached)


def _require(wiring: AbstractWiring) -> None:
    cells, neighbours, stride = wiring.cells, wiring.neighbours, wiring.stride
    if not cells or min(cells) < 1:
        raise ValueError(f"cells must be at least 1 along each axis, got {cells}")
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, got {neighbours}")
    if not 1 <= stride <= neighbours:
        raise ValueError(
            f"stride must lie between 1 and neighbours = {neighbours}, so that no cell is "
            f"left out, got {stride}"
        )


def _between(
    wiring: AbstractWiring, wide: Cells, narrow: Cells
) -> list[Int[np.ndarray, "_neighbours _owners"]]:
    return contracted(wide, narrow, wiring.neighbours, wiring.stride, periodic=wiring.periodic)


def _with_offset(
    bands: Float[Array, "neighbours ..."], offset: Float[Array, "..."] | None
) -> Float[Array, "_bands ..."]:
    return bands if offset is None else jnp.concatenate([bands, offset[None]])


__all__ = ["AbstractWiring", "Gather", "Slide", "Spread"]
