"""Published images: from a local folder, or downloaded, verified by what they hold."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pooch

from neuropil.learning.classification.idx_files import uncompressed

DATA_FOLDER_VARIABLE = "NEUROPIL_DATA"
SYSTEM_FOLDER = Path("/usr/share/datasets")
"""Where Debian's package `dataset-fashion-mnist` puts its files."""

ADDRESSES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist",
    "fashion-mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
    ),
}
"""Folders on the network, by data set; each holds the four files compressed by gzip."""

FILES = {
    "images": "train-images-idx3-ubyte",
    "labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
"""The usual names of the four files of a data set, without the ending of an archive."""

SHA256: Mapping[str, Mapping[str, str]] = {
    "mnist": {
        "images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "test_images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "test_labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
"""Of the files out of their archives, as the archives of one file differ from place to place."""


def published_content(
    data_set: str,
    part: str,
    *,
    folder: Path | None = None,
    downloader: Callable[[str, str], object] | None = None,
) -> bytes:
    """One of the `FILES` of a data set, out of its archive and verified.

    Looked for below the folder that `NEUROPIL_DATA` names (`mnist/train-images-idx3-ubyte.gz`,
    or without `.gz`), below `SYSTEM_FOLDER`, and in `folder` (by default the cache of the user),
    where it is downloaded when it is in none of them. It takes its place there only after its
    SHA-256 has been found right. `downloader(address, path)` writes what is at an address to a
    file. Raises `ValueError` when a checksum does not match or an archive is broken, `OSError`
    when the download fails.
    """
    name = f"{data_set}/{FILES[part]}"
    expected = SHA256[data_set][part]
    local = os.environ.get(DATA_FOLDER_VARIABLE)
    for place in ([Path(local)] if local else []) + [SYSTEM_FOLDER]:
        path = existing(place / name)
        if path is not None:
            return _verified(path.read_bytes(), expected, f"{path}: replace the file")
    target = (folder or Path(pooch.os_cache("neuropil"))) / name
    if target.is_file():
        return _verified(target.read_bytes(), expected, f"{target}: remove the file")
    address = f"{ADDRESSES[data_set]}/{FILES[part]}.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as aside:
        arrived = Path(aside) / "arrived"
        (downloader or _download)(address, str(arrived))
        content = _verified(arrived.read_bytes(), expected, f"{address}: download thrown away")
        whole = Path(aside) / "whole"
        whole.write_bytes(content)
        whole.replace(target)
    return content


def existing(path: Path) -> Path | None:
    """The file itself, or its archive, whichever is there."""
    candidates = (path, path.with_name(f"{path.name}.gz"))
    return next((file for file in candidates if file.is_file()), None)


def _verified(content: bytes, expected: str, what: str) -> bytes:
    plain = uncompressed(content, what)
    found = hashlib.sha256(plain).hexdigest()
    if found != expected:
        raise ValueError(
            f"{what}: SHA-256 of its content is {found}, but that of the published file is "
            f"{expected}"
        )
    return plain


def _download(address: str, path: str) -> None:
    pooch.HTTPDownloader(timeout=60)(address, path, None)


__all__ = ["ADDRESSES", "FILES", "SHA256", "existing", "published_content"]
