"""Connectomes in files of our own: compressed NumPy arrays and one JSON record."""

import json
import os
import tempfile
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from neuropil.connectivity.connectome import Connectome, Provenance

SCHEMA = 1
ARRAYS = ("row_start", "presynaptic", "weights")


def save(connectome: Connectome, path: str | Path) -> None:
    """Write a connectome to a `.npz` file, aside first and renamed when it is complete.

    Raises `ValueError` when the name does not end in `.npz`, and `OSError` when the folder cannot
    be written; an older file of that name then stays as it was.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {str(path)!r}")
    record = {
        "schema": SCHEMA,
        "labels": connectome.labels,
        "cell_types": connectome.cell_types,
        "unit": connectome.unit,
        "provenance": asdict(connectome.provenance),
        "warnings": connectome.warnings,
    }
    arrays = {name: getattr(connectome, name) for name in ARRAYS}
    if connectome.positions is not None:
        arrays["positions"] = connectome.positions
    arrays["record"] = np.frombuffer(json.dumps(record).encode(), np.uint8)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def load(path: str | Path) -> Connectome:
    """Read a connectome that `save` wrote.

    Raises `ValueError`, naming the file, when it is truncated, damaged, or not such a file.
    """
    try:
        # Opened here, because NumPy leaves the file open when it is no archive.
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            record = json.loads(file["record"].tobytes())
            if record["schema"] != SCHEMA:
                raise ValueError(f"its schema is {record['schema']}, this version reads {SCHEMA}")
            return Connectome(
                *(file[name] for name in ARRAYS),
                labels=_names(record["labels"]),
                cell_types=_names(record["cell_types"]),
                positions=file["positions"] if "positions" in file.files else None,
                unit=record["unit"],
                provenance=Provenance(
                    **record["provenance"] | {"notes": tuple(record["provenance"]["notes"])}
                ),
                warnings=tuple(record["warnings"]),
            )
    except FileNotFoundError:
        raise
    except (
        ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: not a readable connectome file ({error})") from error


def _names(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


__all__ = ["load", "save"]
