import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import Connectome, Provenance, connectome_from_edges, load, save


def example() -> Connectome:
    return connectome_from_edges(
        np.array([0, 2, 2]),
        np.array([1, 1, 0]),
        np.array([0.5, -2.0, 1e-300]),
        3,
        labels=("ä", "b", "c"),
        cell_types=("x", "x", "y"),
        positions=np.arange(9.0).reshape(3, 3),
        unit="mV ms",
        provenance=Provenance("example", "a paper", "CC0", ("left out: nothing",)),
        warnings=("beware",),
    )


def test_everything_comes_back(tmp_path):
    path = tmp_path / "c.npz"
    save(example(), path)
    back, original = load(path), example()
    assert np.array_equal(back.to_dense(), original.to_dense())
    assert np.array_equal(back.positions, original.positions)
    for name in ("labels", "cell_types", "unit", "provenance", "warnings"):
        assert getattr(back, name) == getattr(original, name)
    assert [file.name for file in tmp_path.iterdir()] == ["c.npz"]


def test_what_is_not_known_stays_unknown(tmp_path):
    save(connectome_from_edges(np.array([0]), np.array([1]), np.ones(1), 2), tmp_path / "c.npz")
    back = load(tmp_path / "c.npz")
    assert back.labels is back.cell_types is back.positions is None


@given(st.floats(0.0, 0.98))
def test_a_truncated_file_is_refused(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "c.npz"
    save(example(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"c.npz: not a readable connectome file"):
        load(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    save(example(), path)
    content = bytearray(path.read_bytes())
    content[80] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="not a readable connectome file"):
        load(path)


def test_another_schema_and_pickles_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    record = np.frombuffer(json.dumps({"schema": 99}).encode(), np.uint8)
    np.savez(path, record=record)
    with pytest.raises(ValueError, match="its schema is 99, this version reads 1"):
        load(path)
    np.savez(path, record=np.array([{"schema": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load(path)


def test_a_failed_write_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    save(example(), path)
    before = path.read_bytes()

    def full_disk(stream, **arrays):
        stream.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(example().scaled(2.0), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["c.npz"]


def test_names_and_folders_must_fit(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.npz"):
        save(example(), tmp_path / "c.dat")
    with pytest.raises(FileNotFoundError):
        save(example(), tmp_path / "nowhere" / "c.npz")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "c.npz")
