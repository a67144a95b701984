"""Text tables, plain or gzipped, read in blocks that know their line numbers."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROWS_PER_BLOCK = 50_000
COMMENTS = ("#", "%")


@dataclass(frozen=True)
class TableBlock:
    """Some rows of a table, all of one width, and the line on which each ends."""

    rows: list[list[str]]
    lines: list[int]

    def column(self, position: int) -> list[str]:
        """The entries of one column."""
        return [row[position] for row in self.rows]


def table_blocks(path: Path, delimiter: str | None = None) -> Iterator[TableBlock]:
    """Rows of a text table, comments and blank lines left out.

    The delimiter, unless given, is that of the first line: a tab, a comma, a semicolon, or else
    blanks. Raises `ValueError`, naming file and line, when a row is wider or narrower than the
    first, when the file is not text, or when it is compressed and ends too early.
    """
    if delimiter is not None and len(delimiter) != 1:
        raise ValueError(f"delimiter must be one character, got {delimiter!r}")
    reached = 0
    width = 0
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with _opened(path) as stream:
            for reached, row in _rows(stream, delimiter):
                width = width or len(row)
                if len(row) != width:
                    raise ValueError(
                        f"{path}, line {reached}: {len(row)} columns, where the first row has "
                        f"{width}; is the file truncated?"
                    )
                rows.append(row)
                lines.append(reached)
                if len(rows) == ROWS_PER_BLOCK:
                    yield TableBlock(rows, lines)
                    rows, lines = [], []
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}, after line {reached}: not UTF-8 text ({error.reason})"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}, after line {reached}: the compressed file is truncated or damaged ({error})"
        ) from error
    except csv.Error as error:
        raise ValueError(f"{path}, after line {reached}: {error}") from error
    if rows:
        yield TableBlock(rows, lines)


def ends_in_the_middle_of_a_line(path: Path) -> bool:
    """Whether a plain text file lacks its last line break, as one that was cut off does."""
    if path.suffix == ".gz" or path.stat().st_size == 0:
        return False
    with open(path, "rb") as stream:
        stream.seek(-1, io.SEEK_END)
        return stream.read(1) not in b"\r\n"


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _rows(stream, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    skipped = 0
    for first in stream:
        if first.strip() and not first.startswith(COMMENTS):
            break
        skipped += 1
    else:
        return
    if delimiter is None:
        delimiter = next((mark for mark in "\t,;" if mark in first), " ")
    lines = _with_first(first, stream)
    if delimiter.isspace() and delimiter != "\t":
        for number, line in enumerate(lines, skipped + 1):
            fields = line.split()
            if fields and not line.startswith(COMMENTS):
                yield number, fields
        return
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    for row in reader:
        blank = not row or (len(row) == 1 and not row[0].strip())
        if not blank and not row[0].startswith(COMMENTS):
            yield skipped + reader.line_num, [field.strip() for field in row]


def _with_first(first, stream):
    yield first
    yield from stream


__all__ = ["TableBlock", "ends_in_the_middle_of_a_line", "table_blocks"]
