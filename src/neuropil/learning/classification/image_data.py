"""Images with labels, in a part to learn from and a part to be judged by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, UInt8

from neuropil.learning.classification.idx_files import parse_idx, read_idx
from neuropil.learning.classification.image_files import FILES, SHA256, existing, published_content

_DIGITS_TEST_EVERY = 5
_DIGITS_BRIGHTEST = 16


@dataclass(frozen=True)
class LabelledImages:
    """Images, one a row, with brightness from 0 to 1, and the numbers of their classes.

    `shape` is rows and columns of an image. Raises `ValueError`, naming the argument, where
    images and labels differ in number, an image does not have the size of `shape`, brightness
    leaves [0, 1], or a label is not one of 0 ... `n_classes` - 1.
    """

    name: str
    images: Float32[np.ndarray, "samples pixels"]
    labels: Int[np.ndarray, " labels"]
    test_images: Float32[np.ndarray, "test_samples pixels"]
    test_labels: Int[np.ndarray, " test_labels"]
    shape: tuple[int, int]
    n_classes: int = 10

    def __post_init__(self):
        for part in ("", "test_"):
            images, labels = getattr(self, f"{part}images"), getattr(self, f"{part}labels")
            if len(images) != len(labels) or len(images) == 0:
                raise ValueError(
                    f"{self.name}: {part}images and {part}labels must be as many, and at least "
                    f"one, got {len(images)} and {len(labels)}"
                )
            if images.shape[1] != self.shape[0] * self.shape[1]:
                raise ValueError(
                    f"{self.name}: {part}images have {images.shape[1]} pixels, but shape says "
                    f"{self.shape[0]} x {self.shape[1]}"
                )
            if not (images.min() >= 0.0 and images.max() <= 1.0):
                raise ValueError(
                    f"{self.name}: {part}images must lie in [0, 1], got {images.min()} to "
                    f"{images.max()}"
                )
            wrong = labels[(labels < 0) | (labels >= self.n_classes)]
            if wrong.size:
                raise ValueError(
                    f"{self.name}: {part}labels must lie in 0 ... {self.n_classes - 1}, got "
                    f"{int(wrong[0])}"
                )

    @property
    def n_pixels(self) -> int:
        """Pixels of an image."""
        return self.images.shape[1]

    @property
    def chance(self) -> float:
        """The share of the commonest class among the test images: what a constant answer gets."""
        return float(np.bincount(self.test_labels).max() / len(self.test_labels))


def small_digits() -> LabelledImages:
    """1,797 handwritten digits of 8 x 8 pixels, which come with scikit-learn; no download.

    Every fifth is a test image. Source: E. Alpaydin and C. Kaynak, "Optical Recognition of
    Handwritten Digits", UCI Machine Learning Repository.
    """
    # scikit-learn takes a second to import, and only this data set needs it.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / _DIGITS_BRIGHTEST).astype(np.float32)
    tested = np.arange(len(labels)) % _DIGITS_TEST_EVERY == _DIGITS_TEST_EVERY - 1
    return LabelledImages(
        "small-digits",
        images[~tested],
        labels[~tested].astype(int),
        images[tested],
        labels[tested].astype(int),
        (8, 8),
    )


def published_images(
    name: str,
    *,
    folder: Path | None = None,
    downloader: Callable[[str, str], object] | None = None,
) -> LabelledImages:
    """`mnist` or `fashion-mnist`: 60,000 images to learn from and 10,000 test images, 28 x 28.

    Read from a local folder (`NEUROPIL_DATA`) or downloaded, and verified either way; see
    `image_files.published_content` for `folder`, `downloader` and what is raised. Raises
    `ValueError` for another name. Sources: Y. LeCun, C. Cortes and C. Burges, "The MNIST
    database"; H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
    """
    if name not in SHA256:
        raise ValueError(f"name must be one of {', '.join(SHA256)}, got {name!r}")
    arrays = {
        part: parse_idx(
            published_content(name, part, folder=folder, downloader=downloader),
            f"{name}/{FILES[part]}",
            _dimensions(part),
        )
        for part in FILES
    }
    return _labelled(name, arrays, n_classes=10)


def images_from_folder(folder: Path | str, *, n_classes: int = 10) -> LabelledImages:
    """A data set of your own: four IDX files under the usual names, plain or as `.gz`.

    `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    `t10k-labels-idx1-ubyte`. Raises `ValueError` for a file that is missing or broken, images of
    two sizes, and labels out of range.
    """
    arrays = {}
    for part, usual in FILES.items():
        path = existing(Path(folder) / usual)
        if path is None:
            raise ValueError(f"folder {str(folder)!r} has neither {usual} nor {usual}.gz")
        arrays[part] = read_idx(path, dimensions=_dimensions(part))
    return _labelled(Path(folder).name, arrays, n_classes=n_classes)


def _dimensions(part: str) -> int:
    return 3 if part.endswith("images") else 1


def _labelled(
    name: str, arrays: dict[str, UInt8[np.ndarray, "..."]], *, n_classes: int
) -> LabelledImages:
    sizes = arrays["images"].shape[1:], arrays["test_images"].shape[1:]
    if sizes[0] != sizes[1]:
        raise ValueError(f"{name}: images are of size {sizes[0]}, test_images of {sizes[1]}")
    return LabelledImages(
        name,
        _brightness(arrays["images"]),
        arrays["labels"].astype(int),
        _brightness(arrays["test_images"]),
        arrays["test_labels"].astype(int),
        (int(sizes[0][0]), int(sizes[0][1])),
        n_classes,
    )


def _brightness(
    pixels: UInt8[np.ndarray, "samples rows columns"],
) -> Float32[np.ndarray, "samples pixels"]:
    rows = pixels.reshape(len(pixels), pixels.shape[1] * pixels.shape[2])
    return rows.astype(np.float32) / np.float32(255)


__all__ = ["LabelledImages", "images_from_folder", "published_images", "small_digits"]
