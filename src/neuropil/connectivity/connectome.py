"""The connectome: who is wired to whom, how strongly, and where that is known from."""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
import scipy.sparse
from jaxtyping import Float, Integer

MAXIMUM_DENSE_NEURONS = 5_000


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

    def __check_init__(self):
        n = self.n_neurons
        if self.row_start[0] != 0 or np.any(np.diff(self.row_start) < 0):
            raise ValueError("row_start must begin with 0 and never decrease")
        if self.row_start[-1] != self.presynaptic.size or self.weights.size != self.presynaptic.size:
            raise ValueError(
                f"row_start ends at {self.row_start[-1]}, but there are {self.presynaptic.size} "
                f"presynaptic indices and {self.weights.size} weights: all three must agree"
            )
        if self.n_edges and not 0 <= self.presynaptic.min() <= self.presynaptic.max() < n:
            raise ValueError(
                f"presynaptic indices run from {self.presynaptic.min()} to "
                f"{self.presynaptic.max()}; with {n} neurons 0 to {n - 1} are allowed"
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


def connectome_from_scipy(
    matrix: scipy.sparse.sparray | scipy.sparse.spmatrix, **fields
) -> Connectome:
    """A connectome from a square SciPy sparse matrix read as `weights[post, pre]`.

    Repeated entries are summed and explicit zeros dropped. `fields` are those of `Connectome`
    (`labels`, `cell_types`, `positions`, `unit`, `provenance`). Raises `ValueError` when the
    matrix is not square or not real.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix must be square, got shape {matrix.shape}")
    if np.iscomplexobj(matrix):
        raise ValueError("matrix must be real, got complex weights")
    csr = scipy.sparse.csr_array(matrix, copy=True).astype(float)
    csr.sum_duplicates()
    csr.eliminate_zeros()
    csr.sort_indices()
    return Connectome(csr.indptr, csr.indices, csr.data, **fields)


