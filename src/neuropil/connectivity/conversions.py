"""Connectomes from edges and matrices in memory."""

from collections.abc import Hashable
from typing import Any, Literal

import numpy as np
import scipy.sparse
from jaxtyping import Float, Integer

from neuropil.connectivity.connectome import Connectome, Provenance

Repeats = Literal["sum", "refuse"]


def connectome_from_scipy(
    matrix: scipy.sparse.sparray | scipy.sparse.spmatrix, **fields: Any
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


def connectome_from_edges(
    presynaptic: Integer[np.ndarray, " edges"],
    postsynaptic: Integer[np.ndarray, " edges"],
    weights: Float[np.ndarray, " edges"],
    n_neurons: int,
    *,
    repeats: Repeats = "sum",
    **fields: Any,
) -> Connectome:
    """A connectome from edges in any order: from `presynaptic[k]` onto `postsynaptic[k]`.

    Several edges between the same two neurons are added up, with an entry in `warnings`, or
    refused with `repeats="refuse"`. Weights of zero are kept. `fields` are those of `Connectome`.
    Raises `ValueError` when a number of a neuron lies outside 0 to `n_neurons - 1`.
    """
    if repeats not in ("sum", "refuse"):
        raise ValueError(f'repeats must be "sum" or "refuse", got {repeats!r}')
    for name, numbers in (("presynaptic", presynaptic), ("postsynaptic", postsynaptic)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < n_neurons:
            raise ValueError(
                f"{name} runs from {numbers.min()} to {numbers.max()}; with {n_neurons} neurons "
                f"0 to {n_neurons - 1} are allowed"
            )
    csr = scipy.sparse.csr_array(
        (weights, (postsynaptic, presynaptic)), shape=(n_neurons, n_neurons)
    )
    csr.sum_duplicates()
    csr.sort_indices()
    repeated = weights.size - csr.nnz
    warnings = tuple(fields.pop("warnings", ()))
    if repeated and repeats == "refuse":
        raise ValueError(f'{repeated} edges repeat a pair of neurons; `repeats="sum"` adds them up')
    if repeated:
        warnings += (f"edges that repeated a pair of neurons and were added up: {repeated}",)
    return Connectome(csr.indptr, csr.indices, csr.data, warnings=warnings, **fields)


def connectome_from_networkx(graph: Any, *, weight: str | None = "weight") -> Connectome:
    """A connectome from a NetworkX graph whose edges run from presynaptic to postsynaptic.

    `weight` names the edge attribute that holds the weight; edges without it, or all of them when
    `weight` is None, weigh 1. Parallel edges are added up. An undirected edge counts in both
    directions, as electrical synapses do. The nodes, in the order of the graph, become the labels
    (as text), and node attributes `cell_type` the cell types when every node has one. Raises
    `ValueError`, naming the edge, when a weight is not a finite number.
    """
    nodes: list[Hashable] = list(graph.nodes)
    number_of = {node: number for number, node in enumerate(nodes)}
    presynaptic, postsynaptic, weights = [], [], []
    for pre, post, attributes in graph.edges(data=True):
        value = 1.0 if weight is None else attributes.get(weight, 1.0)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if not np.isfinite(number):
            raise ValueError(
                f"edge {pre!r} -> {post!r}: {weight} must be a finite number, got {value!r}"
            )
        presynaptic.append(number_of[pre])
        postsynaptic.append(number_of[post])
        weights.append(number)
        if not graph.is_directed() and pre != post:
            presynaptic.append(number_of[post])
            postsynaptic.append(number_of[pre])
            weights.append(number)
    cell_types = [graph.nodes[node].get("cell_type") for node in nodes]
    return connectome_from_edges(
        np.array(presynaptic, np.int64),
        np.array(postsynaptic, np.int64),
        np.array(weights, float),
        len(nodes),
        labels=tuple(str(node) for node in nodes),
        cell_types=None if None in cell_types else tuple(str(kind) for kind in cell_types),
        provenance=Provenance(str(graph.name or "NetworkX graph")),
    )


__all__ = ["Repeats", "connectome_from_edges", "connectome_from_networkx", "connectome_from_scipy"]
