"""What makes two runs the same run: study, configuration, seed and code."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import neuropil
from neuropil.studies.contract import AbstractStudy

KEY_LENGTH = 16

_PACKAGE = Path(neuropil.__file__).parent
_STUDIES = _PACKAGE / "studies"

# These rooms present results and cannot change them.
_PRESENTING_ROOMS = ("cli", "cli.py", "plots", "web")

# Claims and figures are made anew from the stored shards each time a study is reproduced, so a
# change of theirs needs no new run.
_PRESENTING_PARTS = ("claims", "figures")


def canonical(record: Mapping[str, Any]) -> str:
    """One text for each JSON object: sorted names, no blanks, shortest exact numbers.

    Raises `ValueError` when `record` is not plain JSON: other types, names that are not text,
    sequences that are not lists, numbers that are not finite.
    """
    try:
        text = json.dumps(
            record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"configuration must be plain, finite JSON values: {error}") from error
    if json.loads(text) != record:
        raise ValueError(
            "configuration must be plain JSON values: lists instead of tuples, and names as text"
        )
    return text


def code_version(study: AbstractStudy) -> str:
    """SHA-256 of the source that can change a result: the library and the study's own files.

    Left out are the rooms that only present results (`cli`, `plots`, `web`), other studies, and
    a study's files and folders called `claims` and `figures`. A study outside the package adds
    the Python files of the folder of its package, or the one file that defines it where there is
    no package. Raises `ValueError` when its source cannot be read.
    """
    source = _study_source(study)
    own = [source] if source.is_file() else source.rglob("*.py")
    files = [
        *((file.relative_to(_PACKAGE), file) for file in _library_files()),
        *(
            (file.relative_to(source.parent), file)
            for file in own
            if not _presents(file.relative_to(source.parent))
        ),
    ]
    digest = hashlib.sha256()
    for name, file in sorted(files):
        if file.is_file() and not any(_ignored(part) for part in name.parts):
            digest.update(name.as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def run_key(study: str, configuration: Mapping[str, Any], seed: int, code: str) -> str:
    """The name of a run's folder: the same for the same study, configuration, seed and code."""
    identity = {"study": study, "configuration": configuration, "seed": seed, "code": code}
    return hashlib.sha256(canonical(identity).encode()).hexdigest()[:KEY_LENGTH]


def _library_files() -> list[Path]:
    studies = {path for path in _STUDIES.iterdir() if path.is_dir()}
    return [
        file
        for file in _PACKAGE.rglob("*")
        if file.relative_to(_PACKAGE).parts[0] not in _PRESENTING_ROOMS
        and not studies & set(file.parents)
    ]


def _presents(name: Path) -> bool:
    return any(part.removesuffix(".py") in _PRESENTING_PARTS for part in name.parts[1:])


def _ignored(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _study_source(study: AbstractStudy) -> Path:
    """The folder of the study's package, or the single file that defines it."""
    module = sys.modules[type(study).__module__]
    try:
        file = Path(inspect.getfile(type(study))).resolve(strict=True)
    except (TypeError, OSError) as error:
        raise ValueError(
            f"study {study.name!r} is defined where its source cannot be read ({module.__name__}): "
            "move it to a file, so that a change of its code gives a new run"
        ) from error
    package = module.__name__ if hasattr(module, "__path__") else module.__package__
    return file.parent if package else file
