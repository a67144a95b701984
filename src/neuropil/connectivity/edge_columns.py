"""Which columns of an edge table are which, and which neurons its cells are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

PRESYNAPTIC_NAMES = (
    "pre", "presynaptic", "preid", "prelabel", "precell", "preneuron", "preptrootid",
    "prerootid", "bodyidpre", "source", "src", "sourceid", "sourcenodeid", "from", "sender",
)  # fmt: skip
POSTSYNAPTIC_NAMES = (
    "post", "postsynaptic", "postid", "postlabel", "postcell", "postneuron", "postptrootid",
    "postrootid", "bodyidpost", "target", "dst", "targetid", "targetnodeid", "to", "receiver",
)  # fmt: skip
WEIGHT_NAMES = ("weight", "weights", "w", "strength", "synweight")
COUNT_NAMES = (
    "count", "counts", "synapses", "nsynapses", "nsyn", "nsyns", "syncount", "synapsecount",
    "numberofsynapses", "number", "sections",
)  # fmt: skip
LABEL_NAMES = ("label", "name", "id", "cell", "neuron", "node", "nodeid", "bodyid", "rootid")
TYPE_NAMES = ("celltype", "type", "celltypes", "class", "cellclass", "group")

Column = str | int | None
"""A column by its name, or by its position from 0; None to recognise it."""
Where = Callable[[int], str]
"""Says where in the file an entry stands: "line 7" or "row 7"."""


@dataclass(frozen=True)
class EdgeColumns:
    """Positions of the columns; `weight` is None where every edge weighs 1."""

    presynaptic: int
    postsynaptic: int
    weight: int | None
    has_header: bool
    weight_counts: bool
    names: tuple[str, ...]

    @property
    def might_have_a_header(self) -> bool:
        """Whether the first row could hold names that were not recognised, unlike numbers."""
        cells = (self.names[self.presynaptic], self.names[self.postsynaptic])
        return not self.has_header and self.weight is None and not any(map(_is_number, cells))

    def name(self, position: int) -> str:
        """What to call a column in a message."""
        return f"column {self.names[position]!r}" if self.has_header else f"column {position + 1}"


def recognised(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Position of the column whose name comes first among `wanted`."""
    plain = [
        "".join(character for character in name.lower() if character.isalnum()) for name in names
    ]
    return next((plain.index(name) for name in wanted if name in plain), None)


def find_columns(
    place: str,
    first_row: Sequence[str],
    presynaptic: Column,
    postsynaptic: Column,
    weight: Column | bool,
    *,
    header: bool | None = None,
) -> EdgeColumns:
    """Decide which columns hold the edges, from the first row of a table.

    Columns may be given by name or position; otherwise they are recognised by name, and in a
    table without a header they are, in this order, presynaptic, postsynaptic, weight. `weight` is
    False where every edge weighs 1. `header` says whether the row names columns, None to see by
    itself. `place` says in messages where the row stands. Raises `ValueError`, naming the columns
    that there are.
    """
    width = len(first_row)
    by_name = any(isinstance(column, str) for column in (presynaptic, postsynaptic, weight))
    known_pre = recognised(first_row, PRESYNAPTIC_NAMES)
    known_post = recognised(first_row, POSTSYNAPTIC_NAMES)
    if header is None:
        header = by_name or (known_pre is not None and known_post is not None)
    listing = ", ".join(repr(name) for name in first_row)
    asked = {"presynaptic": presynaptic, "postsynaptic": postsynaptic, "weight": weight}
    for what, column in asked.items():
        if isinstance(column, str) and column not in first_row:
            raise ValueError(f"{place}: no column {column!r} (given as `{what}`) among {listing}")

    def position(what: str, column: Column | bool, found: int | None) -> int:
        if isinstance(column, str):
            return list(first_row).index(column)
        if column is not None:
            if not 0 <= column < width:
                raise ValueError(
                    f"{place}: `{what}` is column {column}, but columns 0 to {width - 1} "
                    "are all there are"
                )
            return int(column)
        if found is None:
            raise ValueError(
                f"{place}: no {what} column recognised among {listing}; name the columns "
                "with `presynaptic`, `postsynaptic` and `weight`"
            )
        return found

    def in_order(place: int) -> int | None:
        return place if place < width and not header else None

    pre = position("presynaptic", presynaptic, known_pre if header else in_order(0))
    post = position("postsynaptic", postsynaptic, known_post if header else in_order(1))
    counts = False
    if weight is False or (weight is None and width == 2):
        return EdgeColumns(pre, post, None, header, counts, tuple(first_row))
    known_weight = in_order(2)
    if header:
        known_weight = recognised(first_row, WEIGHT_NAMES + COUNT_NAMES)
    weight_at = position("weight", None if weight is True else weight, known_weight)
    if not header and not _is_number(first_row[weight_at]):
        raise ValueError(
            f"{place}: columns {listing} are not recognised as a header, and the weight "
            f"{first_row[weight_at]!r} is not a number; name the columns with `presynaptic`, "
            "`postsynaptic` and `weight`"
        )
    if header:
        counts = recognised([first_row[weight_at]], COUNT_NAMES) is not None
    return EdgeColumns(pre, post, weight_at, header, counts, tuple(first_row))


class CellNumbers:
    """Numbers for cells as they turn up in a file.

    Cells are known beforehand by `labels`, or are the numbers 0 to `n_neurons - 1`, or are taken
    as they come.
    """

    def __init__(self, labels: Sequence[str] | None, n_neurons: int | None):
        self.closed = labels is not None
        self.n_neurons = n_neurons
        self.number_of = {label: number for number, label in enumerate(labels or ())}

    def numbers(self, cells: Sequence[str], where: Where) -> Int64[np.ndarray, " edges"]:
        """The number of each cell; raises `ValueError` saying where an unknown one stands."""
        if self.n_neurons is not None and not self.closed:
            return self._checked(cells, self.n_neurons, where)
        number_of = self.number_of
        if self.closed:
            found = [number_of.get(cell, -1) for cell in cells]
            if -1 in found:
                place = found.index(-1)
                raise ValueError(f"{where(place)}: cell {cells[place]!r} is not among the nodes")
            return np.array(found, np.int64)
        return np.array([number_of.setdefault(cell, len(number_of)) for cell in cells], np.int64)

    def _checked(
        self, cells: Sequence[str], n_neurons: int, where: Where
    ) -> Int64[np.ndarray, " edges"]:
        try:
            numbers = np.array([int(cell) for cell in cells], np.int64)
        except (ValueError, OverflowError):
            place = next(k for k, cell in enumerate(cells) if not cell.lstrip("+-").isdecimal())
            raise ValueError(
                f"{where(place)}: cell {cells[place]!r} is not a whole number, as it must be "
                "when `n_neurons` is given"
            ) from None
        outside = np.flatnonzero((numbers < 0) | (numbers >= n_neurons))
        if outside.size:
            raise ValueError(
                f"{where(int(outside[0]))}: cell {numbers[outside[0]]} is out of range; with "
                f"{n_neurons} neurons 0 to {n_neurons - 1} are allowed"
            )
        return numbers

    def finish(self) -> tuple[tuple[str, ...] | None, Int64[np.ndarray, " cells"] | None]:
        """Labels, and the final number of each cell met, None where it keeps its own.

        Cells taken as they came are put in ascending order when all are whole numbers.
        """
        if self.n_neurons is not None and not self.closed:
            return None, None
        labels = tuple(self.number_of)
        if self.closed or not all(label.lstrip("+-").isdecimal() for label in labels):
            return labels, None
        order = sorted(range(len(labels)), key=lambda number: int(labels[number]))
        final = np.empty(len(labels), np.int64)
        final[order] = np.arange(len(labels))
        return tuple(labels[number] for number in order), final


def checked_weights(
    texts: Sequence[str], counts: bool, where: Where, *, what: str = "weight"
) -> Float[np.ndarray, " edges"]:
    """Numbers from text; raises `ValueError` saying where one is wrong, and why.

    With `counts`, they must also be whole and not negative.
    """
    try:
        weights = np.array([float(text) for text in texts])
    except (TypeError, ValueError):
        place = next(k for k, text in enumerate(texts) if not _is_number(text))
        raise ValueError(f"{where(place)}: {what} {texts[place]!r} is not a number") from None
    wrong = np.flatnonzero(~np.isfinite(weights))
    if wrong.size:
        raise ValueError(f"{where(int(wrong[0]))}: {what} {texts[wrong[0]]!r} is not finite")
    if counts:
        wrong = np.flatnonzero((weights < 0) | (weights != np.round(weights)))
        if wrong.size:
            raise ValueError(
                f"{where(int(wrong[0]))}: {what} {texts[wrong[0]]} is not a count; whole numbers "
                "from 0 are allowed (`counts=False` allows any number)"
            )
    return weights


def _is_number(text: str) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


__all__ = [
    "CellNumbers",
    "Column",
    "EdgeColumns",
    "Where",
    "checked_weights",
    "find_columns",
    "recognised",
]
