"""Encodes a finished picture as a PNG (ISO/IEC 15948)."""

import struct

import numpy as np
from isal import isal_zlib
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH = 8
_PALETTE_COLOURS = 3
_NO_FILTER = 0
# Level 0 makes larger files; level 3 takes twice the time.
_LEVEL = 1


def png(image: Image.Image) -> bytes:
    """Encode a picture in mode P as a PNG with one byte for each pixel.

    Pillow takes twice the time: it tries filters, and its zlib is slower. A palette's indices need no filter.
    """
    pixels = np.asarray(image)
    height, width = pixels.shape
    rows = np.empty((height, 1 + width), np.uint8)
    rows[:, 0] = _NO_FILTER
    rows[:, 1:] = pixels
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, _DEPTH, _PALETTE_COLOURS, 0, 0, 0),
        b"PLTE": bytes(image.getpalette() or ()),
        b"IDAT": isal_zlib.compress(rows, _LEVEL),
        b"IEND": b"",
    }
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks.items())


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", isal_zlib.crc32(kind + content))
