"""Tables of edges and of nodes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from neuropil.connectivity.edge_columns import (
    LABEL_NAMES,
    TYPE_NAMES,
    CellNumbers,
    Column,
    EdgeColumns,
    checked_weights,
    find_columns,
    recognised,
)
from neuropil.connectivity.parquet import parquet_blocks
from neuropil.connectivity.tables import (
    TableBlock,
    ends_in_the_middle_of_a_line,
    table_blocks,
)


@dataclass(frozen=True)
class EdgeTable:
    """Edges between numbered cells; `labels` is None where cells are mere numbers."""

    presynaptic: Int64[np.ndarray, " edges"]
    postsynaptic: Int64[np.ndarray, " edges"]
    weights: Float[np.ndarray, " edges"]
    labels: tuple[str, ...] | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class NodeTable:
    """What a table says about each cell."""

    labels: tuple[str, ...]
    cell_types: tuple[str, ...] | None
    positions: Float[np.ndarray, "neurons 3"] | None


def read_edges(
    path: Path,
    *,
    presynaptic: Column = None,
    postsynaptic: Column = None,
    weight: Column | bool = None,
    header: bool | None = None,
    delimiter: str | None = None,
    labels: tuple[str, ...] | None = None,
    n_neurons: int | None = None,
    counts: bool | None = None,
) -> EdgeTable:
    """The edges of a text table or a Parquet file; the arguments are those of `read_connectome`.

    `labels` are the only cells allowed, where given. Raises `ValueError`, naming file, line and
    column, for whatever is not an edge.
    """
    is_parquet = path.suffix == ".parquet"
    line_word = "row" if is_parquet else "line"
    cells = CellNumbers(labels, n_neurons)
    columns: EdgeColumns | None = None
    parts = []
    for block in parquet_blocks(path) if is_parquet else table_blocks(path, delimiter):
        if columns is None:
            columns = find_columns(
                f"{path}" if is_parquet else f"{path}, line {block.lines[0]}",
                block.rows[0],
                presynaptic,
                postsynaptic,
                weight,
                header=True if is_parquet else header,
            )
            if columns.has_header:
                block = TableBlock(block.rows[1:], block.lines[1:])
        parts.append(_edges_of_block(path, block, line_word, columns, cells, counts))
    if columns is None or not any(part[0].size for part in parts):
        raise ValueError(f"{path}: there are no edges in it")
    pre, post, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    found_labels, final = cells.finish()
    if final is not None:
        pre, post = final[pre], final[post]
    warnings: tuple[str, ...] = ()
    if columns.weight is None and weight is not False:
        warnings += ("there is no column of weights: every edge weighs 1",)
    if header is None and columns.might_have_a_header:
        warnings += ("no header was recognised: the first row is taken as an edge",)
    if not is_parquet and ends_in_the_middle_of_a_line(path):
        warnings += ("the last line has no line break: the file may have been cut off",)
    return EdgeTable(pre, post, weights, found_labels, warnings)


def read_nodes(path: Path) -> NodeTable:
    """Labels, and types and positions where the table has such columns."""
    header: list[str] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    for block in table_blocks(path):
        if header is None:
            header, block = block.rows[0], TableBlock(block.rows[1:], block.lines[1:])
        rows += block.rows
        lines += block.lines
    if header is None or not rows:
        raise ValueError(f"{path}: there are no nodes in it")
    label = recognised(header, LABEL_NAMES)
    if label is None:
        raise ValueError(f"{path}, line 1: no column `label` among {', '.join(map(repr, header))}")
    table = TableBlock(rows, lines)
    labels = table.column(label)
    seen: dict[str, int] = {}
    for line, name in zip(lines, labels, strict=True):
        if name in seen:
            raise ValueError(f"{path}, line {line}: label {name!r} again, after line {seen[name]}")
        seen[name] = line
    kind = recognised(header, TYPE_NAMES)
    positions = None
    axes = [recognised(header, (axis,)) for axis in "xyz"]
    found = [axis for axis in axes if axis is not None]
    if len(found) == 3:
        coordinates = [
            checked_weights(
                table.column(axis),
                False,
                lambda k, name=header[axis]: f"{path}, line {lines[k]}, column {name!r}",
                what="position",
            )
            for axis in found
        ]
        positions = np.stack(coordinates, axis=1)
    return NodeTable(tuple(labels), None if kind is None else tuple(table.column(kind)), positions)


def _edges_of_block(path, block, line_word, columns, cells, counts):
    def where_in(position: int):
        name = columns.name(position)
        return lambda k: f"{path}, {line_word} {block.lines[k]}, {name}"

    pre = cells.numbers(block.column(columns.presynaptic), where_in(columns.presynaptic))
    post = cells.numbers(block.column(columns.postsynaptic), where_in(columns.postsynaptic))
    if columns.weight is None:
        return pre, post, np.ones(pre.size)
    must_count = columns.weight_counts if counts is None else counts
    texts = block.column(columns.weight)
    return pre, post, checked_weights(texts, must_count, where_in(columns.weight))


__all__ = ["EdgeTable", "NodeTable", "read_edges", "read_nodes"]
