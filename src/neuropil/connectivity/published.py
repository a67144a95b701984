"""Published connectomes by name: shipped with the package, or fetched when asked for."""

import csv
import hashlib
import json
from pathlib import Path

from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.conversions import connectome_from_edges
from neuropil.connectivity.download import PublishedFile, fetch
from neuropil.connectivity.edge_tables import read_edges, read_nodes

SHIPPED = Path(__file__).parent / "data"
SCHEMA = 1

LARVA = "drosophila-larva-winding-2023"
LARVA_ADDRESS = (
    "https://raw.githubusercontent.com/neurodata/bilateral-connectome/"
    "2f56a81187c364fa461ea8d99c299b2a75e58f69/data/elife/"
)
LARVA_EDGES = PublishedFile(
    "drosophila-larva/G_edgelist.txt",
    LARVA_ADDRESS + "G_edgelist.txt",
    "4f1e576776a1a02d3cc103d997e1ea7fa41a1f0e47859d94ee8f83790e2ed216",
)
LARVA_CELLS = PublishedFile(
    "drosophila-larva/meta_data.csv",
    LARVA_ADDRESS + "meta_data.csv",
    "9f393b4c481d31926aa46d031061a559db7999afe76a6ad7d740db43c6f785f4",
)


def list_connectomes(folder: str | Path | None = None) -> tuple[str, ...]:
    """Names that `load_connectome` knows: those that ship and those that it fetches.

    With `folder`, the names of the tables in that folder.
    """
    shipped = sorted(path.stem for path in Path(folder or SHIPPED).glob("*.json"))
    return tuple(shipped) if folder is not None else (*shipped, LARVA)


def load_connectome(name: str, *, folder: str | Path | None = None) -> Connectome:
    """A published connectome, with labels, cell types, unit, source and licence.

    - `celegans-cook-2019-chemical`, `celegans-cook-2019-electrical`: the 302 neurons of the adult
      hermaphrodite *C. elegans* (Cook et al. 2019). Shipped.
    - `drosophila-mushroom-body-eichler-2017-left`, `-right`: the mushroom bodies of a larval
      *Drosophila* (Eichler et al. 2017). Shipped.
    - `drosophila-larva-winding-2023`: the whole brain of a larval *Drosophila* (Winding et al.
      2023), 3,554 cells. Taken from the folder that `NEUROPIL_DATA` names, or downloaded once;
      verified by checksum either way.

    With `folder`, reads the tables NAME.edges.tsv.gz, NAME.nodes.tsv.gz and NAME.json there, as
    `tools/extract_connectomes.py` writes them. Raises `ValueError` when there is no such name, or
    a file does not have its recorded checksum.
    """
    known = list_connectomes(folder)
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}; got {name!r}")
    if name == LARVA and folder is None:
        return _load_larva()
    place = Path(folder or SHIPPED)
    record = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
    if record["schema"] != SCHEMA:
        raise ValueError(f"{name}.json has schema {record['schema']}, this version reads {SCHEMA}")
    nodes_file, edges_file = place / f"{name}.nodes.tsv.gz", place / f"{name}.edges.tsv.gz"
    for file in (nodes_file, edges_file):
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != record["sha256"][file.name]:
            raise ValueError(
                f"{file}: SHA-256 is {found}, but {name}.json records {record['sha256'][file.name]}"
            )
    nodes = read_nodes(nodes_file)
    edges = read_edges(edges_file, labels=nodes.labels, counts=True)
    return connectome_from_edges(
        edges.presynaptic,
        edges.postsynaptic,
        edges.weights,
        len(nodes.labels),
        repeats="refuse",
        labels=nodes.labels,
        cell_types=nodes.cell_types,
        unit=record["unit"],
        provenance=Provenance(name, record["source"], record["licence"], tuple(record["notes"])),
    )


def _load_larva() -> Connectome:
    edges_file, cells_file = fetch(LARVA_EDGES), fetch(LARVA_CELLS)
    edges = read_edges(edges_file, counts=True)
    assert edges.labels is not None
    # The table of cells quotes lists, which hold commas and brackets, in other columns.
    with open(cells_file, encoding="utf-8", newline="") as stream:
        groups = {row[""]: row["simple_group"] for row in csv.DictReader(stream)}
    return connectome_from_edges(
        edges.presynaptic,
        edges.postsynaptic,
        edges.weights,
        len(edges.labels),
        repeats="refuse",
        labels=edges.labels,
        cell_types=tuple(groups[label] for label in edges.labels),
        unit="synapses",
        provenance=Provenance(
            LARVA,
            "Winding et al., The connectome of an insect brain, Science 379, eadd9330 (2023), "
            "doi:10.1126/science.add9330; tabulated by Pedigo et al., eLife 12, e83739 (2023)",
            "MIT (repository neurodata/bilateral-connectome)",
            ("cells without any connection in the edge list are left out",),
        ),
    )


__all__ = ["list_connectomes", "load_connectome"]
