"""Files that are either whole or absent: written aside, forced to disk, then renamed."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuropil.studies.failures import OutputFailed

ASIDE = ".part"


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give the path to write aside; rename it to `path` when the block ends without an error.

    The block may make a file or a folder. On any failure nothing of it remains and `path` is as
    it was. Raises `OutputFailed`, which names `path`, when the system refuses to write.
    """
    aside = path.with_name(path.name + ASIDE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(aside)
        yield aside
        _force_to_disk(aside)
        if aside.is_dir():
            remove(path)
        os.replace(aside, path)
        _force_folder_to_disk(path.parent)
    except OSError as error:
        raise OutputFailed(_refused(path, error)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if aside.is_file():
            aside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text so that a reader finds the old file or the new one, never a part."""
    with writing(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under `folder`, by its path relative to the parent of `folder`."""
    return {
        path.relative_to(folder.parent).as_posix(): _checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refused(path: Path, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else str(error)
    message = f"cannot write {path}: {reason}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{message}. Make room and repeat the same command: what is finished is kept."
    return f"{message}. Choose another output folder."


def _force_to_disk(path: Path) -> None:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    if path.is_dir():
        for folder in (path, *(inner for inner in path.rglob("*") if inner.is_dir())):
            _force_folder_to_disk(folder)


def _force_folder_to_disk(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder and does not need to
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
