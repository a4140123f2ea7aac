"""The images of a data set of any size: one IDX file, which is not read before it is needed."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from konkyo.trainer import idx
from konkyo.trainer.errors import DataError

_HEADER = np.dtype([("magic", ">u4"), ("count", ">u4"), ("rows", ">u4"), ("columns", ">u4")])
_MAGIC = 0x00000803


@lru_cache(maxsize=1)
def open_images(path: Path) -> NDArray[np.uint8]:
    """Images (N, side, side), 0…255: of a plain file only the parts that are used are read, a gzipped one is unpacked.

    Raises
    ------
    DataError
        No IDX file of square images.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.itemsize)
        is_gzipped = head.startswith(b"\x1f\x8b")
        images = idx.parse(idx.uncompressed(path)) if is_gzipped else _mapped(path, head)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an IDX file of images: {error}") from error
    if images.ndim != 3 or images.shape[1] != images.shape[2] or not len(images):
        raise DataError(f"{path} holds an array of shape {images.shape}, and should hold square images")
    return images


def write_images(path: Path, images: NDArray[np.uint8]) -> None:
    """Images (N, side, side) as a plain IDX file."""
    head = np.array((_MAGIC, *images.shape), _HEADER)
    with path.open("wb") as file:
        file.write(head.tobytes())
        for start in range(0, len(images), 10_000):
            file.write(np.ascontiguousarray(images[start : start + 10_000]).tobytes())


def _mapped(path: Path, head: bytes) -> NDArray[np.uint8]:
    if len(head) < _HEADER.itemsize or (fields := np.frombuffer(head, _HEADER)[0])["magic"] != _MAGIC:
        raise ValueError("its first bytes are not those of one")
    shape = int(fields["count"]), int(fields["rows"]), int(fields["columns"])
    size = path.stat().st_size - _HEADER.itemsize
    if size != np.prod(shape):
        raise ValueError(f"the header announces {np.prod(shape)} bytes, the file holds {size}")
    return np.memmap(path, np.uint8, "r", _HEADER.itemsize, shape) if size else np.empty(shape, np.uint8)
