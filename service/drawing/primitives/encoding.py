"""Encodes a finished picture as a PNG (ISO/IEC 15948)."""

import struct
from functools import lru_cache

import numpy as np

try:
    from isal import isal_zlib as deflating
except ModuleNotFoundError:  # only who serves has it
    import zlib as deflating  # type: ignore[no-redef]

from konkyo.service.drawing.primitives.colours import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH = 8
_TRUE_COLOUR, _PALETTE_COLOURS = 2, 3
_NO_FILTER = 0
# Level 0 makes larger files; level 3 takes twice the time.
_LEVEL = 1
# Fewer bytes are stored as they are: compressing them takes longer and saves little.
_SMALL = 256


def encoded(pixels: Pixels, palette: bytes = b"") -> bytes:
    """A PNG of indices (rows, columns) of a palette, or of colours (rows, columns, 3).

    Pillow takes twice the time: it tries filters, and its zlib is slower. A palette's indices need no filter.
    """
    height, width = pixels.shape[:2]
    rows = np.empty((height, 1 + pixels[0].size), np.uint8)
    rows[:, 0] = _NO_FILTER
    rows[:, 1:] = pixels.reshape(height, -1)
    head = _head(width, height, _PALETTE_COLOURS if palette else _TRUE_COLOUR)
    colours = _chunk(b"PLTE", palette) if palette else b""
    content = _stored(rows.tobytes()) if rows.size < _SMALL else deflating.compress(rows, _LEVEL)
    return head + colours + _chunk(b"IDAT", content) + _END


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of one block that is not compressed."""
    size = len(data)
    return b"\x78\x01\x01" + struct.pack("<HH", size, size ^ 0xFFFF) + data + deflating.adler32(data).to_bytes(4, "big")


@lru_cache(maxsize=256)
def _head(width: int, height: int, colours: int) -> bytes:
    return _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, _DEPTH, colours, 0, 0, 0))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", deflating.crc32(kind + content))


_END = _chunk(b"IEND", b"")
