"""PNG files made without Pillow, from the samples that they store."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.uploads.chunks import CHANNELS, SIGNATURE, chunk, header
from support.uploads.pngs import PASSES


def packed(samples: NDArray[Any], depth: int) -> bytes:
    """One scanline without its filter byte."""
    if depth == 16:
        return samples.astype(">u2").tobytes()
    if depth == 8:
        return samples.astype(np.uint8).tobytes()
    bits = (samples.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def built(samples: NDArray[Any], colour: int, depth: int, *before: bytes, interlaced: bool = False) -> bytes:
    """A PNG of 28×28 made without Pillow; ``samples`` is (28, 28, channels) in 0 … 2**depth − 1."""
    assert samples.shape == (28, 28, CHANNELS[colour])
    lines = b""
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        for row in samples[top::down, left::across]:
            lines += b"\0" + packed(row, depth)
    parts = (header(28, 28, depth, colour, int(interlaced)), *before, chunk(b"IDAT", zlib.compress(lines)))
    return SIGNATURE + b"".join(parts) + chunk(b"IEND")
