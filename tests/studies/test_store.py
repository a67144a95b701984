import hashlib
import resource

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neuropil.studies import DrawnFigure, OutputFailed, RunDamaged, RunHeld, Shard
from neuropil.studies.execution import shard_key
from neuropil.studies.store import RunFolder, check_shards
from toy_study import STUDY

SHARD = Shard(7, "north-west")


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def example() -> xr.Dataset:
    configuration = STUDY.configuration("quick")
    return STUDY.run_shard(configuration, 0, shard_key(3, 0)).as_numpy()


def test_arrays_text_gaps_and_attributes_come_back_exactly(folder):
    folder.write_shard(SHARD, example())
    assert folder.has_shard(SHARD)
    xr.testing.assert_identical(folder.read_shard(SHARD), example())


def test_equal_results_give_equal_bytes(folder, tmp_path):
    other = RunFolder(tmp_path / "other")
    for each in (folder, other):
        each.write_shard(SHARD, example())
    names = [f.relative_to(folder.path) for f in folder.path.rglob("*") if f.is_file()]
    assert names
    for name in names:
        assert (folder.path / name).read_bytes() == (other.path / name).read_bytes()


def test_the_list_of_checksums_is_what_sha256sum_reads(folder):
    folder.write_shard(SHARD, example())
    shards = folder.path / "shards"
    lines = (shards / "0007-north-west.sha256").read_text().splitlines()
    assert len(lines) == sum(path.is_file() for path in shards.rglob("*.zarr/**/*"))
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((shards / name).read_bytes()).hexdigest() == digest


def flip_a_bit(group):
    chunk = group / "draws" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)


DAMAGES = {
    "bit": flip_a_bit,
    "truncated": lambda group: (group / "draws" / "0").write_bytes(b""),
    "chunk missing": lambda group: (group / "draws" / "0").unlink(),
    "metadata missing": lambda group: (group / ".zmetadata").unlink(),
    "something added": lambda group: (group / "draws" / "1").write_bytes(b"1"),
    "list missing": lambda group: group.with_suffix(".sha256").unlink(),
    "list empty": lambda group: group.with_suffix(".sha256").write_text(""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_seen_and_mended_by_writing_again(folder, damage):
    folder.write_shard(SHARD, example())
    damage(folder.path / "shards" / "0007-north-west.zarr")
    assert not folder.has_shard(SHARD)
    with pytest.raises(RunDamaged, match=r"0007-north-west\.zarr is missing or damaged"):
        folder.read_shard(SHARD)
    folder.write_shard(SHARD, example())
    xr.testing.assert_identical(folder.read_shard(SHARD), example())


def test_a_shard_that_does_not_fit_on_the_disk_leaves_nothing(folder):
    large = xr.Dataset({"x": ("i", np.random.default_rng(0).normal(size=50_000))})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputFailed, match=r"north-west\.zarr: File too large\. Make room"):
            folder.write_shard(SHARD, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((folder.path / "shards").iterdir())


def test_only_one_writer(folder):
    second = folder.held()
    with folder.held(), pytest.raises(RunHeld, match=f"another run is writing {folder.path}"):
        second.__enter__()
    with folder.held():
        pass


def test_what_a_killed_writer_left_aside_is_cleared(folder):
    leftover = folder.path / "shards" / "0001-x.zarr.part" / "draws"
    leftover.mkdir(parents=True)
    (folder.path / "claims.json.part").write_text("{")
    with folder.held():
        assert {path.name for path in folder.path.iterdir()} == {"shards", "lock"}
        assert not list((folder.path / "shards").iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    inside_a_file = RunFolder(tmp_path / "file" / "run").held()
    with pytest.raises(OutputFailed, match=f"cannot write {tmp_path}/file/run: Not a directory"):
        inside_a_file.__enter__()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"study": 1}'])
def test_damaged_records_are_named(folder, text):
    folder.path.mkdir()
    (folder.path / "claims.json").write_text(text)
    with pytest.raises(RunDamaged, match=r"claims\.json is missing or damaged"):
        folder.read_record("claims")


def test_records_of_another_schema_are_refused(folder):
    folder.path.mkdir()
    (folder.path / "claims.json").write_text('{"schema": 99}')
    with pytest.raises(RunDamaged, match=r"claims\.json has schema 99, this version reads"):
        folder.read_record("claims")


def figures(count):
    for number in range(count):
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot(np.arange(number + 2))
        yield DrawnFigure(f"line-{number}", "A line.", figure)


def test_figures_are_saved_twice_and_reproducibly(folder, tmp_path):
    other = RunFolder(tmp_path / "other")
    for each in (folder, other):
        each.write_figures(figures(2))
    names = {path.name for path in (folder.path / "figures").iterdir()}
    assert names == {"figures.json"} | {
        f"line-{n}.{kind}" for n in (0, 1) for kind in ("png", "svg")
    }
    for name in names:
        first, second = (each.path / "figures" / name for each in (folder, other))
        assert first.read_bytes() == second.read_bytes(), name


def test_a_figure_that_fails_leaves_the_earlier_ones(folder):
    folder.write_figures(figures(1))
    bad = DrawnFigure("../escape", "", Figure())
    with pytest.raises(ValueError, match=r"figure name '\.\./escape' must be letters"):
        folder.write_figures([*figures(2), bad])
    assert not (folder.path / "figures" / "line-1.png").exists()
    assert (folder.path / "figures" / "line-0.png").exists()


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ([], "at least one shard"),
        ([Shard(1, "a")], r"numbered 0 to 0 in order, got \[1\]"),
        ([Shard(0, "a"), Shard(1, "a")], "names must be distinct"),
        ([Shard(0, "a/b")], "shard name 'a/b' must be letters"),
        ([Shard(0, "..")], "shard name '..' must be letters"),
        ([Shard(0, "")], "shard name '' must be letters"),
    ],
)
def test_shards_that_break_the_contract_are_refused(shards, message):
    with pytest.raises(ValueError, match=message):
        check_shards(shards)
