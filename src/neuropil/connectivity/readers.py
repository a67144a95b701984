"""A user's own connectome from a file, checked as it is read."""

from pathlib import Path

from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.conversions import Repeats, connectome_from_edges
from neuropil.connectivity.edge_columns import Column
from neuropil.connectivity.edge_tables import read_edges, read_nodes
from neuropil.connectivity.published import list_connectomes, load_connectome
from neuropil.connectivity.sonata import read_sonata
from neuropil.connectivity.storage import load


def read_connectome(
    source: str | Path,
    *,
    presynaptic: Column = None,
    postsynaptic: Column = None,
    weight: Column | bool = None,
    header: bool | None = None,
    delimiter: str | None = None,
    nodes: str | Path | None = None,
    n_neurons: int | None = None,
    counts: bool | None = None,
    repeats: Repeats = "sum",
    unit: str = "",
) -> Connectome:
    """A connectome from a file, or by the name of a published one (`list_connectomes`).

    By the ending of the file: `.npz` as written by `save`; `.h5` SONATA edges (see `read_sonata`
    for its options); `.parquet`; anything else is a text table, compressed if it ends in `.gz`.
    Every row of a table is one edge from a presynaptic to a postsynaptic cell.

    - `presynaptic`, `postsynaptic`, `weight` name columns, or give their positions from 0. Left
      out, columns are recognised by their usual names; a table without a header holds
      presynaptic cell, postsynaptic cell and weight in this order. With `weight=False`, and in a
      table of two columns, every edge weighs 1. `header` says whether the first row names the
      columns, where that is not seen from the names.
    - `delimiter` is recognised from the first line: tab, comma, semicolon or blanks.
    - Cells are what the columns hold: their names become the labels, in ascending order when all
      are whole numbers and else as they come. With `nodes`, the path of a table with the columns
      `label` and, if known, `cell_type`, `x`, `y`, `z`, they are those of that table, in its
      order. With `n_neurons` they are the numbers 0 to `n_neurons - 1`.
    - `counts` demands weights that are whole and not negative; by default where the column is
      called count, synapses or the like.
    - `repeats` is `"sum"` or `"refuse"`, for several edges between the same two cells.

    Raises `ValueError`, naming file, line and column, when the table is not such a list of edges.
    """
    path = Path(source)
    if not path.is_file():
        if str(source) in list_connectomes():
            return load_connectome(str(source))
        raise ValueError(
            f"there is no file {str(source)!r}, nor a published connectome of that name; there "
            f"are {', '.join(list_connectomes())}"
        )
    if path.suffix == ".npz":
        return load(path)
    if path.suffix in (".h5", ".hdf5"):
        return read_sonata(path, n_neurons=n_neurons, repeats=repeats, unit=unit)
    if n_neurons is not None and n_neurons < 1:
        raise ValueError(f"n_neurons must be at least 1, got {n_neurons}")
    if n_neurons is not None and nodes is not None:
        raise ValueError("give `nodes` or `n_neurons`, not both")

    known = None if nodes is None else read_nodes(Path(nodes))
    edges = read_edges(
        path,
        presynaptic=presynaptic,
        postsynaptic=postsynaptic,
        weight=weight,
        header=header,
        delimiter=delimiter,
        labels=None if known is None else known.labels,
        n_neurons=n_neurons,
        counts=counts,
    )
    return connectome_from_edges(
        edges.presynaptic,
        edges.postsynaptic,
        edges.weights,
        n_neurons if n_neurons is not None else len(edges.labels or ()),
        repeats=repeats,
        labels=edges.labels,
        cell_types=None if known is None else known.cell_types,
        positions=None if known is None else known.positions,
        unit=unit,
        provenance=Provenance(path.name, source=str(source)),
        warnings=edges.warnings,
    )


__all__ = ["read_connectome"]
