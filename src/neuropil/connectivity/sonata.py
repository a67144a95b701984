"""SONATA edge files: the HDF5 format of the Allen Institute and the Blue Brain Project.

Dai et al., "The SONATA data format for efficient description of large-scale network models",
PLoS Comput. Biol. 16(2):e1007696 (2020).
"""

from pathlib import Path
from typing import Any

import numpy as np

from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.conversions import Repeats, connectome_from_edges
from neuropil.connectivity.edge_columns import checked_weights
from neuropil.connectivity.tables import table_blocks


def read_sonata(
    path: str | Path,
    *,
    population: str | None = None,
    weight: str = "syn_weight",
    edge_types: str | Path | None = None,
    n_neurons: int | None = None,
    repeats: Repeats = "sum",
    unit: str = "",
) -> Connectome:
    """The connectome of one population of edges in a SONATA file.

    `population` names it where the file has several. The weight of an edge is the attribute
    `weight` of its group; where a group has none, that of its edge type in the table `edge_types`
    (the accompanying CSV file, separated by blanks); where neither is given, 1. Neurons are the
    node ids 0 to `n_neurons - 1`, or up to the largest id. Needs h5py
    (`pip install neuropil[sonata]`). Raises `ValueError`, naming the file and the edge, when it
    is no such file, ids are out of range, or source and target are different populations.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path}: SONATA files need h5py; pip install 'neuropil[sonata]'"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            edges = _population(file, path, population)
            presynaptic = _ids(edges, "source_node_id", path, n_neurons)
            postsynaptic = _ids(edges, "target_node_id", path, n_neurons)
            if presynaptic.size != postsynaptic.size:
                raise ValueError(
                    f"{path}: {presynaptic.size} source_node_id, but {postsynaptic.size} "
                    "target_node_id"
                )
            ends = [_node_population(edges[f"{end}_node_id"]) for end in ("source", "target")]
            if ends[0] != ends[1]:
                raise ValueError(
                    f"{path}: edges run from population {ends[0]!r} to {ends[1]!r}; a connectome "
                    "holds edges within one population"
                )
            weights, weighted = _weights(edges, path, weight, edge_types, presynaptic.size)
            name = edges.name.rsplit("/", 1)[-1]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path}: not a readable SONATA edge file ({error})") from error
    warnings: tuple[str, ...] = ()
    if not weighted:
        warnings += (f"edges without {weight!r} weigh 1",)
    if n_neurons is None:
        n_neurons = 1 + int(max(presynaptic.max(initial=-1), postsynaptic.max(initial=-1)))
        warnings += ("the number of neurons is taken from the largest id of an edge",)
    return connectome_from_edges(
        presynaptic,
        postsynaptic,
        weights,
        n_neurons,
        repeats=repeats,
        unit=unit,
        provenance=Provenance(name, source=str(path)),
        warnings=warnings,
    )


def _population(file: Any, path: str | Path, population: str | None) -> Any:
    names = list(file["edges"])
    if population is None and len(names) == 1:
        return file["edges"][names[0]]
    if population not in names:
        raise ValueError(
            f"{path}: population must be one of {', '.join(map(repr, names))}, got {population!r}"
        )
    return file["edges"][population]


def _ids(edges: Any, name: str, path: str | Path, n_neurons: int | None) -> np.ndarray:
    ids = edges[name][:]
    limit = np.iinfo(np.int32).max if n_neurons is None else n_neurons
    outside = np.flatnonzero((ids < 0) | (ids >= limit))
    if outside.size:
        raise ValueError(
            f"{path}, edge {outside[0]}, {name}: {ids[outside[0]]} is out of range; 0 to "
            f"{limit - 1} are allowed"
        )
    return ids.astype(np.int64)


def _node_population(ids: Any) -> str:
    name = ids.attrs.get("node_population", "")
    return name.decode() if isinstance(name, bytes) else str(name)


def _weights(edges: Any, path, weight: str, edge_types, n_edges: int) -> tuple[np.ndarray, bool]:
    """Weights of all edges, and whether every one was found."""
    weights = np.ones(n_edges)
    found = np.zeros(n_edges, bool)
    if edge_types is not None:
        of_type = _weights_of_types(Path(edge_types), weight)
        types = edges["edge_type_id"][:]
        unknown = np.flatnonzero(~np.isin(types, list(of_type)))
        if unknown.size:
            raise ValueError(
                f"{path}, edge {unknown[0]}: edge_type_id {types[unknown[0]]} is not in "
                f"{edge_types}"
            )
        weights = np.array([of_type[int(kind)] for kind in types])
        found[:] = True
    if "edge_group_id" in edges:
        groups, places = edges["edge_group_id"][:], edges["edge_group_index"][:]
        for group in np.unique(groups):
            if str(group) in edges and weight in edges[str(group)]:
                of_group = groups == group
                weights[of_group] = edges[str(group)][weight][:][places[of_group]]
                found |= of_group
    wrong = np.flatnonzero(~np.isfinite(weights))
    if wrong.size:
        raise ValueError(f"{path}, edge {wrong[0]}: {weight} {weights[wrong[0]]} is not finite")
    return weights, bool(np.all(found))


def _weights_of_types(path: Path, weight: str) -> dict[int, float]:
    weights: dict[int, float] = {}
    header: list[str] | None = None
    for block in table_blocks(path, " "):
        rows, lines = block.rows, block.lines
        if header is None:
            header, rows, lines = rows[0], rows[1:], lines[1:]
            for name in ("edge_type_id", weight):
                if name not in header:
                    raise ValueError(
                        f"{path}, line 1: no column {name!r} among {', '.join(map(repr, header))}"
                    )
        kinds = [int(row[header.index("edge_type_id")]) for row in rows]
        texts = [row[header.index(weight)] for row in rows]
        values = checked_weights(texts, False, lambda k, lines=lines: f"{path}, line {lines[k]}")
        weights |= dict(zip(kinds, values.tolist(), strict=True))
    return weights


__all__ = ["read_sonata"]
