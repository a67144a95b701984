"""The connectome: who is wired to whom, how strongly, and where that is known from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import equinox as eqx
import numba
import numpy as np
import scipy.sparse
from jaxtyping import Float, Integer

MAXIMUM_DENSE_NEURONS = 5_000

Cells = Sequence[str] | Sequence[int] | np.ndarray
"""Which neurons: their labels, their numbers, or one truth value for each neuron."""


@dataclass(frozen=True)
class Provenance:
    """Where a connectome comes from.

    `name` is short, `source` a citation or a file, `licence` as its publisher states it, and
    `notes` anything a reader must know (what was left out, how it was made).
    """

    name: str
    source: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()


class Connectome(eqx.Module):
    """Sparse connection weights between neurons, with what is known about the neurons.

    `weights[post, pre]` is the strength from the presynaptic neuron `pre` onto the postsynaptic
    neuron `post`: rows are postsynaptic, so `weights @ rates` is what each neuron receives.
    Stored by row (CSR): the presynaptic partners of neuron i are
    `presynaptic[row_start[i]:row_start[i + 1]]`, in ascending order and without repeats.
    `warnings` holds what was noticed while the connectome was read and cannot be seen in it any
    more; `checks()` adds what can.

    Raises `ValueError`, naming the field, when the arrays do not describe such a matrix.
    """

    row_start: Integer[np.ndarray, " neurons_plus_one"]
    presynaptic: Integer[np.ndarray, " edges"]
    weights: Float[np.ndarray, " edges"]
    labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
    cell_types: tuple[str, ...] | None = eqx.field(static=True, default=None)
    positions: Float[np.ndarray, "neurons 3"] | None = None
    unit: str = eqx.field(static=True, default="")
    provenance: Provenance = eqx.field(static=True, default=Provenance("unnamed"))
    warnings: tuple[str, ...] = eqx.field(static=True, default=())

    def __check_init__(self):
        n = self.n_neurons
        if n < 0 or self.row_start[0] != 0 or np.any(np.diff(self.row_start) < 0):
            raise ValueError("row_start must begin with 0 and never decrease")
        if (
            self.row_start[-1] != self.presynaptic.size
            or self.weights.size != self.presynaptic.size
        ):
            raise ValueError(
                f"row_start ends at {self.row_start[-1]}, but there are {self.presynaptic.size} "
                f"presynaptic indices and {self.weights.size} weights: all three must agree"
            )
        if self.n_edges and not 0 <= self.presynaptic.min() <= self.presynaptic.max() < n:
            raise ValueError(
                f"presynaptic indices run from {self.presynaptic.min()} to "
                f"{self.presynaptic.max()}; with {n} neurons 0 to {n - 1} are allowed"
            )
        disordered = _first_disordered_row(self.row_start, self.presynaptic)
        if disordered >= 0:
            raise ValueError(
                f"presynaptic indices of row {disordered} must ascend without repeats; "
                "`connectome_from_scipy` sorts and sums them"
            )
        if not np.all(np.isfinite(self.weights)):
            raise ValueError("weights holds values that are not finite")
        for name in ("labels", "cell_types", "positions"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise ValueError(f"{name} has {len(value)} entries for {n} neurons")
        if self.labels is not None and len(set(self.labels)) != n:
            raise ValueError("labels must be distinct")

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.row_start.size - 1

    @property
    def n_edges(self) -> int:
        """Number of stored connections, each an ordered pair of neurons."""
        return self.presynaptic.size

    @property
    def in_degrees(self) -> Integer[np.ndarray, " neurons"]:
        """Number of presynaptic partners of each neuron, itself included where it has a loop."""
        return np.diff(self.row_start)

    @property
    def out_degrees(self) -> Integer[np.ndarray, " neurons"]:
        """Number of postsynaptic partners of each neuron, itself included where it has a loop."""
        degrees = np.zeros(self.n_neurons, np.int64)
        _count(self.presynaptic, degrees)
        return degrees

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The weights as a SciPy CSR array that shares memory with this object."""
        n = self.n_neurons
        return scipy.sparse.csr_array(
            (self.weights, self.presynaptic, self.row_start), shape=(n, n)
        )

    def transposed(self) -> scipy.sparse.csr_array:
        """The transpose by row: row `pre` lists the postsynaptic partners of that neuron."""
        return scipy.sparse.csr_array(self.to_scipy().T.tocsr())

    def to_dense(self, *, maximum_neurons: int = MAXIMUM_DENSE_NEURONS) -> Float[np.ndarray, "n n"]:
        """The full matrix `weights[post, pre]`, refused above `maximum_neurons`."""
        if self.n_neurons > maximum_neurons:
            raise ValueError(
                f"a dense matrix of {self.n_neurons} neurons is refused: `maximum_neurons` is "
                f"{maximum_neurons}; use `to_scipy()` or `sparse_weights()`"
            )
        return self.to_scipy().toarray()

    def with_weights(
        self, weights: Float[np.ndarray, " edges"], *, unit: str | None = None
    ) -> "Connectome":
        """The same connections with other weights, in the order of `presynaptic`.

        `unit` is kept unless given.
        """
        return Connectome(
            self.row_start,
            self.presynaptic,
            weights,
            labels=self.labels,
            cell_types=self.cell_types,
            positions=self.positions,
            unit=self.unit if unit is None else unit,
            provenance=self.provenance,
            warnings=self.warnings,
        )

    def scaled(self, factor: float, *, unit: str | None = None) -> "Connectome":
        """All weights multiplied by `factor`."""
        if not np.isfinite(factor):
            raise ValueError(f"factor must be finite, got {factor}")
        return self.with_weights(self.weights * factor, unit=unit)

    def binary(self) -> "Connectome":
        """The same connections, each with weight 1; a weight of zero counts as a connection."""
        return self.with_weights(np.ones(self.n_edges), unit="")

    def numbers_of(self, cells: Cells) -> Integer[np.ndarray, " cells"]:
        """The row of each of `cells`, given by labels, by numbers or as a mask.

        Raises `ValueError`, naming the cell, when there is no such cell or one is named twice.
        """
        if isinstance(cells, str):
            raise ValueError(f"cells must be a sequence of labels, got the text {cells!r}")
        given = np.asarray(cells)
        if given.dtype == bool:
            if given.shape != (self.n_neurons,):
                raise ValueError(
                    f"cells must hold one truth value for each of {self.n_neurons} neurons, got "
                    f"shape {given.shape}"
                )
            return np.flatnonzero(given)
        if given.dtype.kind in "iu" or given.size == 0:
            numbers = given.astype(np.int64)
            outside = numbers[(numbers < 0) | (numbers >= self.n_neurons)]
            if outside.size:
                raise ValueError(
                    f"cells holds {outside[0]}; with {self.n_neurons} neurons 0 to "
                    f"{self.n_neurons - 1} are allowed"
                )
        elif given.dtype.kind == "U":
            if self.labels is None:
                raise ValueError("cells are given by label, but this connectome has no labels")
            number_of = {label: number for number, label in enumerate(self.labels)}
            unknown = [label for label in given.tolist() if label not in number_of]
            if unknown:
                raise ValueError(f"cells holds {unknown[0]!r}, which is not a label")
            numbers = np.array([number_of[label] for label in given.tolist()], np.int64)
        else:
            raise ValueError(
                f"cells must be labels, numbers or truth values, got values of type {given.dtype}"
            )
        if np.unique(numbers).size != numbers.size:
            raise ValueError("cells names a neuron twice")
        return numbers

    def restricted_to(self, cells: Cells) -> "Connectome":
        """The connections among `cells` (see `numbers_of`), in the order given."""
        numbers = self.numbers_of(cells)
        block = self.to_scipy()[numbers][:, numbers].tocsr()
        block.sort_indices()

        def chosen(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if names is None else tuple(names[i] for i in numbers)

        return Connectome(
            block.indptr,
            block.indices,
            block.data,
            labels=chosen(self.labels),
            cell_types=chosen(self.cell_types),
            positions=None if self.positions is None else self.positions[numbers],
            unit=self.unit,
            provenance=self.provenance,
            warnings=self.warnings,
        )

    def checks(self) -> tuple[str, ...]:
        """What a reader should know before trusting a result, one sentence each.

        Those noticed while reading, then self-loops, isolated cells and weights of zero.
        """
        found = list(self.warnings)
        self_loops = _number_of_self_loops(self.row_start, self.presynaptic)
        if self_loops:
            found.append(f"self-loops: {self_loops} of {self.n_edges} connections")
        isolated = int(np.sum(self.in_degrees + self.out_degrees == 0))
        if isolated:
            found.append(f"cells without any connection: {isolated} of {self.n_neurons}")
        zeros = self.n_edges - int(np.count_nonzero(self.weights))
        if zeros:
            found.append(f"connections of weight zero: {zeros} of {self.n_edges}")
        return tuple(found)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _first_disordered_row(row_start, presynaptic):
    for row in range(row_start.size - 1):
        for edge in range(row_start[row] + 1, row_start[row + 1]):
            if presynaptic[edge - 1] >= presynaptic[edge]:
                return row
    return -1


@numba.njit(cache=True, nogil=True)
@no_type_check
def _count(neurons, counts):
    for neuron in neurons:
        counts[neuron] += 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def _number_of_self_loops(row_start, presynaptic):
    count = 0
    for row in range(row_start.size - 1):
        for edge in range(row_start[row], row_start[row + 1]):
            count += presynaptic[edge] == row
    return count


__all__ = ["Cells", "Connectome", "Provenance"]
