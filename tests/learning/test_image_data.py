"""Images from IDX files: what is read, and everything that must be refused."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neuropil.learning.classification import image_files
from neuropil.learning.classification.idx_files import parse_idx, read_idx
from neuropil.learning.classification.image_data import (
    LabelledImages,
    images_from_folder,
    published_images,
    small_digits,
)


def idx(values: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


RNG = np.random.default_rng(0)
PARTS = {
    "images": RNG.integers(0, 256, (6, 3, 4), np.uint8),
    "labels": np.array([0, 1, 2, 2, 1, 0], np.uint8),
    "test_images": RNG.integers(0, 256, (2, 3, 4), np.uint8),
    "test_labels": np.array([1, 2], np.uint8),
}


def write(folder: Path, parts=PARTS, *, ending: str = ".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, values in parts.items():
        content = idx(values)
        path = folder / f"{image_files.FILES[part]}{ending}"
        path.write_bytes(gzip.compress(content) if ending else content)
    return folder


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, max_side=5)),
    st.integers(0, 200),
)
def test_what_is_written_is_read_and_no_part_of_it(values, cut):
    content = idx(values)
    np.testing.assert_array_equal(parse_idx(content, "file", values.ndim), values)
    if cut < len(content):
        with pytest.raises(ValueError, match=r"truncated|magic"):
            parse_idx(content[:cut], "file", values.ndim)
    with pytest.raises(ValueError, match="longer than its header"):
        parse_idx(content + b"x", "file", values.ndim)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "magic number must be 0x00000801 .* 0x00000d01"),
        (idx(np.zeros((2, 2), np.uint8)), "got 0x00000802"),
        (b"", "magic"),
    ],
)
def test_other_files_are_refused(content, message):
    with pytest.raises(ValueError, match=message):
        parse_idx(content, "file", 1)


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx(PARTS["labels"]))[:-9])
    with pytest.raises(ValueError, match=r"labels.gz: the gzip archive is truncated or damaged"):
        read_idx(path, dimensions=1)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_of_ones_own(tmp_path, ending):
    found = images_from_folder(write(tmp_path / "clothes", ending=ending), n_classes=3)
    assert (found.name, found.shape, found.n_pixels) == ("clothes", (3, 4), 12)
    np.testing.assert_allclose(found.images[4].reshape(3, 4) * 255, PARTS["images"][4], atol=1e-4)
    np.testing.assert_array_equal(found.test_labels, [1, 2])
    assert found.chance == 0.5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": np.array([0, 1, 2, 2, 1, 7], np.uint8)}, r"labels must lie in 0 ... 2, got 7"),
        ({"test_labels": np.array([3, 0], np.uint8)}, r"test_labels must lie in 0 ... 2, got 3"),
        ({"labels": np.zeros(5, np.uint8)}, "as many, and at least one, got 6 and 5"),
        ({"test_images": np.zeros((2, 4, 4), np.uint8)}, r"\(3, 4\), test_images of \(4, 4\)"),
        ({"test_images": np.zeros((0, 3, 4), np.uint8)}, "got 0 and 2"),
    ],
)
def test_folders_that_do_not_fit(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        images_from_folder(write(tmp_path, {**PARTS, **changed}), n_classes=3)


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="has neither t10k-labels-idx1-ubyte nor"):
        images_from_folder(tmp_path)


@pytest.fixture
def published(monkeypatch, tmp_path):
    """`mnist` with the small images above in place of the real ones."""
    sums = {part: hashlib.sha256(idx(values)).hexdigest() for part, values in PARTS.items()}
    monkeypatch.setattr(image_files, "SHA256", {"mnist": sums})
    monkeypatch.setattr(image_files, "SYSTEM_FOLDER", tmp_path / "nothing here")
    monkeypatch.delenv("NEUROPIL_DATA", raising=False)


class Server:
    """Stands in for the network: hands out archives, the first `broken` of them cut."""

    def __init__(self, broken: int = 0):
        self.asked: list[str] = []
        self.broken = broken

    def __call__(self, address: str, path: str):
        self.asked.append(address)
        usual = address.rsplit("/", 1)[1].removesuffix(".gz")
        part = next(part for part, name in image_files.FILES.items() if name == usual)
        content = gzip.compress(idx(PARTS[part]))
        Path(path).write_bytes(content[: -len(content) // 3] if self.broken else content)
        self.broken = max(0, self.broken - 1)


@pytest.mark.usefixtures("published")
def test_files_are_downloaded_once(tmp_path):
    server = Server()
    first = published_images("mnist", folder=tmp_path, downloader=server)
    assert len(server.asked) == 4
    again = published_images("mnist", folder=tmp_path, downloader=server)
    assert len(server.asked) == 4
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.labels, PARTS["labels"])


@pytest.mark.usefixtures("published")
def test_a_partial_download_is_never_taken_for_data(tmp_path):
    server = Server(broken=1)
    with pytest.raises(ValueError, match="truncated or damaged"):
        published_images("mnist", folder=tmp_path, downloader=server)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert published_images("mnist", folder=tmp_path, downloader=server).images.shape == (6, 12)

    def interrupted(address, path):
        Path(path).write_bytes(b"\x1f\x8b half")
        raise OSError("the line is dead")

    (tmp_path / "mnist" / "train-images-idx3-ubyte").unlink()
    with pytest.raises(OSError, match="dead"):
        published_images("mnist", folder=tmp_path, downloader=interrupted)
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 3


@pytest.mark.usefixtures("published")
def test_a_local_folder_comes_first_and_is_verified_too(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROPIL_DATA", str(tmp_path))
    write(tmp_path / "mnist", ending="")
    server = Server()
    assert published_images("mnist", downloader=server).images.shape == (6, 12)
    assert server.asked == []
    write(tmp_path / "mnist", {"images": PARTS["images"][::-1]}, ending="")
    with pytest.raises(ValueError, match="SHA-256 of its content"):
        published_images("mnist", downloader=server)


def test_unknown_sets_are_refused():
    with pytest.raises(ValueError, match="one of mnist, fashion-mnist, got 'cifar'"):
        published_images("cifar")


def test_small_digits_are_whole():
    digits = small_digits()
    assert len(digits.images) + len(digits.test_images) == 1797
    assert digits.images.max() == 1.0
    assert np.bincount(digits.test_labels, minlength=10).min() > 20


def test_brightness_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
        LabelledImages(
            "bright",
            np.full((1, 4), 2.0, np.float32),
            np.zeros(1, int),
            np.zeros((1, 4), np.float32),
            np.zeros(1, int),
            (2, 2),
        )


@pytest.mark.slow
@pytest.mark.usefixtures("published_data")
@pytest.mark.parametrize(("name", "share"), [("mnist", 0.1135), ("fashion-mnist", 0.1)])
def test_published_images_are_what_they_are(name, share):
    found = published_images(name)
    assert found.images.shape == (60_000, 784)
    assert found.test_images.shape == (10_000, 784)
    # The commonest class: what a network scores that gives one answer to everything.
    assert found.chance == pytest.approx(share)
