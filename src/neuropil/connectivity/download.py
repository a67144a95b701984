"""Published files that are too large to ship: from a local folder, or downloaded and verified."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch

DATA_FOLDER_VARIABLE = "NEUROPIL_DATA"
BYTES_PER_READ = 1 << 20


@dataclass(frozen=True)
class PublishedFile:
    """A file at a pinned address: `name` is its path below a data folder."""

    name: str
    address: str
    sha256: str


def fetch(
    file: PublishedFile,
    *,
    folder: Path | None = None,
    downloader: Callable | None = None,
) -> Path:
    """Where the file lies on this machine, its SHA-256 verified.

    Looked for in the folder that the environment variable `NEUROPIL_DATA` names, then in `folder`
    (by default the cache folder of the user), and downloaded there when it is in neither. A
    download is verified before it takes its place, so that a wrong one never replaces a file.
    `downloader` is passed on to `pooch`. Raises `ValueError` when a checksum does not match, and
    `OSError` when the download fails.
    """
    local = os.environ.get(DATA_FOLDER_VARIABLE)
    if local:
        path = Path(local) / file.name
        if path.is_file():
            found = _sha256(path)
            if found != file.sha256:
                raise ValueError(
                    f"{path}: SHA-256 is {found}, but that of the published file is "
                    f"{file.sha256}; replace the file or unset {DATA_FOLDER_VARIABLE}"
                )
            return path
    target = (folder or Path(pooch.os_cache("neuropil"))) / file.name
    try:
        fetched = pooch.retrieve(
            file.address,
            known_hash=f"sha256:{file.sha256}",
            path=target.parent,
            fname=target.name,
            downloader=downloader,
        )
    except ValueError as error:
        raise ValueError(
            f"{file.address}: the download does not have the published SHA-256 {file.sha256} and "
            f"was thrown away; {target} is as it was"
        ) from error
    return Path(fetched)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while part := stream.read(BYTES_PER_READ):
            digest.update(part)
    return digest.hexdigest()


__all__ = ["DATA_FOLDER_VARIABLE", "PublishedFile", "fetch"]
