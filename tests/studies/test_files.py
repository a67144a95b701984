import errno
import os

import pytest

from neuropil.studies import OutputFailed
from neuropil.studies.files import checksums, write_text, writing

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_appears_whole_and_nothing_stays_aside(tmp_path):
    target = tmp_path / "new" / "folder" / "claims.json"
    with writing(target) as aside:
        aside.write_text("half")
        assert not target.exists()
        aside.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(tmp_path, kind, error):
    target = tmp_path / "result"
    write_text(target, "old")

    def fail():
        with writing(target) as aside:
            if kind == "folder":
                aside.mkdir()
                (aside / "part").write_text("new")
            else:
                aside.write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_replaces_a_folder(tmp_path):
    target = tmp_path / "figures"
    target.mkdir()
    (target / "old.png").touch()
    with writing(target) as aside:
        aside.mkdir()
        (aside / "new.png").touch()
    assert [path.name for path in target.iterdir()] == ["new.png"]


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    target = tmp_path / "shard"
    write_text(target, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed, match=r"cannot write .*shard: No space left.*Make room"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(OutputFailed, match=r"cannot write .*runs/a/b: .*another output folder"):
        write_text(tmp_path / "runs" / "a" / "b", "text")


def test_checksums_are_sha256_by_relative_path(tmp_path):
    (tmp_path / "group" / "x").mkdir(parents=True)
    (tmp_path / "group" / "x" / ".zarray").write_bytes(b"abc")
    assert checksums(tmp_path / "group") == {"group/x/.zarray": SHA256_OF_ABC}
