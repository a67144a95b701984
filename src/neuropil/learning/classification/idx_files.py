"""Arrays of bytes in the IDX format, in which images and their labels are published."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

UNSIGNED_BYTE = 0x08
_GZIP = b"\x1f\x8b"


def read_idx(path: Path | str, *, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """The array in a file, plain or compressed by gzip.

    `dimensions` is what the reader expects: 3 for images, 1 for labels. Raises `ValueError`,
    naming the file, where it is not an IDX file of bytes with so many dimensions, or holds less
    or more than its header says, or where its compression is broken; `OSError` when it cannot be
    read.
    """
    return parse_idx(uncompressed(Path(path).read_bytes(), str(path)), str(path), dimensions)


def uncompressed(content: bytes, name: str) -> bytes:
    """The content itself, or what gzip made it from. Raises `ValueError` where that is broken."""
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{name}: the gzip archive is truncated or damaged ({error})") from error


def parse_idx(content: bytes, name: str, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """The array that `content` holds; `name` is what messages call it. Raises as `read_idx`.

    Two zero bytes, the type of the numbers, the number of dimensions; then each dimension as a
    big-endian 32-bit number, then the numbers, the last dimension fastest.
    """
    expected = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if content[:4] != expected:
        raise ValueError(
            f"{name}: the magic number must be 0x{expected.hex()} (IDX, unsigned bytes, "
            f"{dimensions} dimensions), got 0x{content[:4].hex()}"
        )
    begin = 4 + 4 * dimensions
    if len(content) < begin:
        raise ValueError(f"{name}: the file is truncated: {len(content)} bytes hold no header")
    shape = struct.unpack(f">{dimensions}I", content[4:begin])
    size = int(np.prod(shape, dtype=np.int64))
    if len(content) - begin != size:
        state = "truncated" if len(content) - begin < size else "longer than its header says"
        raise ValueError(
            f"{name}: the file is {state}: shape {shape} needs {size} bytes after the header, "
            f"got {len(content) - begin}"
        )
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


__all__ = ["parse_idx", "read_idx", "uncompressed"]
