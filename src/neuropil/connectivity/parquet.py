"""Edge tables in Parquet files."""

from collections.abc import Iterator
from pathlib import Path

from neuropil.connectivity.tables import TableBlock

ROWS_PER_BLOCK = 50_000


def parquet_blocks(path: Path) -> Iterator[TableBlock]:
    """The rows of a Parquet file as text, the names of the columns first, rows counted from 1.

    Needs pyarrow (`pip install neuropil[parquet]`). Raises `ValueError`, naming the file and the
    row, when it is no Parquet file or an entry is missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            f"{path}: Parquet files need pyarrow; pip install 'neuropil[parquet]'"
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            yield TableBlock([names], [0])
            begin = 1
            for batch in file.iter_batches(ROWS_PER_BLOCK):
                columns = [column.to_pylist() for column in batch.columns]
                for name, column in zip(names, columns, strict=True):
                    if None in column:
                        raise ValueError(
                            f"{path}, row {begin + column.index(None)}, column {name!r}: the "
                            "entry is missing"
                        )
                rows = [[str(entry) for entry in row] for row in zip(*columns, strict=True)]
                yield TableBlock(rows, list(range(begin, begin + len(rows))))
                begin += len(rows)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error


__all__ = ["parquet_blocks"]
