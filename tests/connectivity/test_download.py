import hashlib
from pathlib import Path

import pytest

from neuropil.connectivity import PublishedFile, fetch

GOOD = b"presynaptic postsynaptic weight\n"
FILE = PublishedFile(
    "folder/edges.txt", "https://example.invalid/edges.txt", hashlib.sha256(GOOD).hexdigest()
)


class Server:
    """Stands in for the network: hands out one content and counts how often."""

    def __init__(self, content: bytes):
        self.content = content
        self.asked = 0

    def __call__(self, url, output_file, pooch):
        assert url == FILE.address
        self.asked += 1
        Path(output_file).write_bytes(self.content)


@pytest.fixture(autouse=True)
def no_local_data(monkeypatch):
    monkeypatch.delenv("NEUROPIL_DATA", raising=False)


def test_a_file_is_downloaded_once(tmp_path):
    server = Server(GOOD)
    for _ in range(2):
        path = fetch(FILE, folder=tmp_path, downloader=server)
        assert path.read_bytes() == GOOD
    assert server.asked == 1


def test_a_wrong_download_is_refused_and_leaves_the_copy(tmp_path):
    older = tmp_path / "folder" / "edges.txt"
    older.parent.mkdir()
    older.write_bytes(b"an older but good copy")
    with pytest.raises(ValueError, match=r"does not have the published SHA-256 .* is as it was"):
        fetch(FILE, folder=tmp_path, downloader=Server(b"truncat"))
    assert older.read_bytes() == b"an older but good copy"
    assert [file.name for file in older.parent.iterdir()] == ["edges.txt"]
    assert fetch(FILE, folder=tmp_path, downloader=Server(GOOD)).read_bytes() == GOOD


def test_a_wrong_first_download_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="was thrown away"):
        fetch(FILE, folder=tmp_path, downloader=Server(b"other"))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_local_folder_comes_first_and_is_verified_too(tmp_path, monkeypatch):
    local = tmp_path / "data" / "folder" / "edges.txt"
    local.parent.mkdir(parents=True)
    local.write_bytes(GOOD)
    monkeypatch.setenv("NEUROPIL_DATA", str(tmp_path / "data"))
    server = Server(GOOD)
    assert fetch(FILE, folder=tmp_path / "cache", downloader=server) == local
    assert server.asked == 0
    local.write_bytes(GOOD + b"one more line\n")
    with pytest.raises(ValueError, match=r"edges.txt: SHA-256 is .*, but that of the published"):
        fetch(FILE, folder=tmp_path / "cache", downloader=server)
    local.unlink()
    assert fetch(FILE, folder=tmp_path / "cache", downloader=server).read_bytes() == GOOD
    assert server.asked == 1
