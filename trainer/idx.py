"""IDX, the file format of MNIST: a magic number, the sides, then bytes."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def uncompressed(path: Path) -> bytes:
    """The file's bytes, gunzipped where they are gzipped, whatever the file is called.

    Raises
    ------
    OSError
        Not readable, or a broken gzip file.
    """
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except EOFError as error:
        raise OSError(f"{path} is cut short") from error
    except zlib.error as error:
        raise OSError(f"{path} is damaged: {error}") from error


def parse(data: bytes) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes: (N, 28, 28) for images, (N,) for labels.

    Raises
    ------
    ValueError
        Not an IDX file of unsigned bytes, or of another length than its header says.
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise ValueError("not an IDX file of unsigned bytes")
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions)
    if body.size != int(shape.prod()):
        raise ValueError(f"the header announces {shape.prod()} bytes, the file holds {body.size}")
    return body.reshape(shape.tolist())
