"""JPEG files whose scans are more, or fewer, than an encoder writes."""

import struct
from functools import cache

import numpy as np

from support.pictures import encode

LIMIT = 256 * 1024
SIDE = 2000
END = b"\xff\xd9"
# Component 1, its coefficients 1…63, from bit 1 to bit 0.
REFINEMENT = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10"


def segment(marker: int, content: bytes) -> bytes:
    """Marker, length and content."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def frame(marker: int, width: int, height: int, components: bytes) -> bytes:
    """The start of a file: a table that divides nothing, and the frame."""
    layers = b"".join(bytes((name, 0x11, 0)) for name in components)
    head = struct.pack(">BHHB", 8, height, width, len(components)) + layers
    return b"\xff\xd8" + segment(0xDB, bytes(1) + b"\1" * 64) + segment(marker, head)


def scan(components: bytes, first: int = 0, last: int = 63, bits: int = 0) -> bytes:
    """The head of a scan."""
    layers = b"".join(bytes((name, 0)) for name in components)
    return segment(0xDA, bytes((len(components),)) + layers + bytes((first, last, bits)))


@cache
def progressive(side: int = SIDE, mode: str = "L") -> bytes:
    """An ordinary progressive file, of an image that goes from dark to light."""
    from PIL import Image

    ramp = np.tile(np.linspace(0, 255, side), (side, 1)).astype(np.uint8)
    return encode(Image.fromarray(ramp).convert(mode), "JPEG", progressive=True)


def refined(count: int, side: int = SIDE) -> bytes:
    """A progressive file with so many more scans, which change nothing."""
    return progressive(side).removesuffix(END) + REFINEMENT * count + END


def arithmetic(count: int, side: int = SIDE) -> bytes:
    """Sequential and coded arithmetically: a decoder makes up what is not there."""
    return frame(0xC9, side, side, b"\1") + scan(b"\1") * count + END


# As many scans as fit, of each kind of JPEG.
ENDLESS = {
    "progressive": refined((LIMIT - len(progressive())) // len(REFINEMENT)),
    "sequential, arithmetic": arithmetic(3000),
    "progressive, arithmetic": frame(0xCA, SIDE, SIDE, b"\1") + scan(b"\1", 0, 0) + scan(b"\1", 1, 63) * 3000 + END,
    "baseline": frame(0xC0, SIDE, SIDE, b"\1") + scan(b"\1") * 3000 + END,
    "extended": frame(0xC1, SIDE, SIDE, b"\1\2\3") + scan(b"\1\2\3") * 3000 + END,
}
