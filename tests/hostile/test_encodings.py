"""One digit in many encodings: what is read does not depend on how it was stored."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from tests.helpers.pictures import encode, pixels
from tests.hostile.chunks import chunk
from tests.hostile.plain import built

TOLERANCE = 0.02
Pixels = NDArray[np.uint8]


def grey(digit: Pixels, depth: int) -> NDArray[Any]:
    """(28, 28, 1) at that depth."""
    scaled: NDArray[Any] = np.rint(digit[..., None] / 255 * (2**depth - 1)).astype(np.int64)
    return scaled


def turned(digit: Pixels, orientation: int) -> bytes:
    """Stored so that the EXIF orientation makes it upright."""
    undo = {3: np.rot90(digit, 2), 6: np.rot90(digit), 8: np.rot90(digit, -1), 2: digit[:, ::-1], 5: digit.T}
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(np.ascontiguousarray(undo[orientation]), exif=exif.tobytes())


def ramp() -> bytes:
    """A palette of greys in the other order: index 0 is white."""
    return chunk(b"PLTE", bytes(np.repeat(np.arange(255, -1, -1, dtype=np.uint8), 3)))


def ink(digit: Pixels, level: int) -> NDArray[Any]:
    """(28, 28, 2): ink of one grey, as opaque as the digit is bright."""
    return np.dstack([np.full((28, 28), level), digit])


def repeated(samples: NDArray[Any], count: int) -> NDArray[Any]:
    return np.repeat(samples, count, axis=2)


def opaque(samples: NDArray[Any], depth: int) -> NDArray[Any]:
    return np.dstack([samples, np.full((28, 28), 2**depth - 1)])


Encoding = Callable[[Pixels], bytes]

# All eight bits of each pixel are in the file.
LOSSLESS: dict[str, Encoding] = {
    "8-bit grey, interlaced": lambda d: built(grey(d, 8), 0, 8, interlaced=True),
    "16-bit grey": lambda d: built(grey(d, 16), 0, 16),
    "8-bit RGB": lambda d: built(repeated(grey(d, 8), 3), 2, 8),
    "16-bit RGB": lambda d: built(repeated(grey(d, 16), 3), 2, 16),
    "palette, white first": lambda d: built(255 - grey(d, 8), 3, 8, ramp()),
    "8-bit grey and alpha": lambda d: built(opaque(grey(d, 8), 8), 4, 8),
    "16-bit grey and alpha": lambda d: built(opaque(grey(d, 16), 16), 4, 16),
    "8-bit RGBA": lambda d: built(opaque(repeated(grey(d, 8), 3), 8), 6, 8),
    "16-bit RGBA": lambda d: built(opaque(repeated(grey(d, 16), 3), 16), 6, 16),
    "white ink on nothing": lambda d: built(ink(d, 255), 4, 8),
    "black ink on nothing": lambda d: built(ink(d, 0), 4, 8),
    "black is transparent, 8-bit grey": lambda d: built(grey(d, 8), 0, 8, chunk(b"tRNS", b"\0\0")),
    "black is transparent, 16-bit grey": lambda d: built(grey(d, 16), 0, 16, chunk(b"tRNS", b"\0\0")),
    "white is transparent, 8-bit RGB": lambda d: built(
        repeated(grey(255 - d, 8), 3), 2, 8, chunk(b"tRNS", b"\0\xff" * 3)
    ),
    "palette, black is transparent": lambda d: built(
        255 - grey(d, 8), 3, 8, ramp(), chunk(b"tRNS", b"\xff" * 255 + b"\0")
    ),
    "dark on light": lambda d: built(grey(255 - d, 8), 0, 8),
    "dark on light, 16 bits": lambda d: built(grey(255 - d, 16), 0, 16),
    "a gamma that is not applied": lambda d: built(grey(d, 8), 0, 8, chunk(b"gAMA", struct.pack(">I", 45455))),
    "turned, orientation 2": lambda d: turned(d, 2),
    "turned, orientation 3": lambda d: turned(d, 3),
    "turned, orientation 5": lambda d: turned(d, 5),
    "turned, orientation 6": lambda d: turned(d, 6),
    "turned, orientation 8": lambda d: turned(d, 8),
}
LOSSY: dict[str, Encoding] = {
    "2-bit grey": lambda d: built(grey(d, 2), 0, 2),
    "4-bit grey": lambda d: built(grey(d, 4), 0, 4),
    "4-bit grey, interlaced": lambda d: built(grey(d, 4), 0, 4, interlaced=True),
    "4-bit palette": lambda d: built(
        grey(d, 4), 3, 4, chunk(b"PLTE", bytes(np.repeat(np.arange(16) * 17, 3).tolist()))
    ),
    "grey JPEG": lambda d: encode(d, "JPEG", quality=98),
    "colour JPEG": lambda d: encode(Image.fromarray(d).convert("RGB"), "JPEG", quality=98, subsampling=0),
    "progressive JPEG": lambda d: encode(d, "JPEG", quality=98, progressive=True),
    "CMYK JPEG": lambda d: encode(Image.fromarray(d).convert("RGB").convert("CMYK"), "JPEG", quality=98),
}


def answered(client: TestClient, data: bytes) -> dict[str, Any]:
    answer = client.post("/predict", files={"file": data})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lossless_encoding_changes_nothing(client: TestClient, name: str) -> None:
    for digit in range(10):
        body = answered(client, LOSSLESS[name](pixels(digit)))
        assert body["predicted"] == digit
        assert body["input"]["warnings"] == []
        # Logits show what certain probabilities would hide.
        assert body["logits"] == pytest.approx(answered(client, encode(pixels(digit)))["logits"], abs=1e-3)


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize("name", LOSSY)
def test_a_coarser_encoding_changes_little(client: TestClient, name: str) -> None:
    for digit in range(10):
        body = answered(client, LOSSY[name](pixels(digit)))
        assert body["predicted"] == digit
        whole = answered(client, encode(pixels(digit)))
        assert body["probabilities"] == pytest.approx(whole["probabilities"], abs=TOLERANCE)


# A colour that the file calls transparent is paper, whatever grey it has. It is written in the file's own depth.
KEYED: dict[str, Encoding] = {
    f"{depth} bits of grey": lambda d, depth=depth: built(keyed(d, depth), 0, depth, chunk(b"tRNS", key(depth)))  # type: ignore[misc]
    for depth in (2, 4, 8, 16)
}
KEYED |= {
    f"{depth} bits of RGB": lambda d, depth=depth: built(  # type: ignore[misc]
        repeated(keyed(d, depth), 3), 2, depth, chunk(b"tRNS", key(depth) * 3)
    )
    for depth in (8, 16)
}


def paper(depth: int) -> int:
    """A grey in the middle."""
    return int(2 ** (depth - 1)) - 1


def key(depth: int) -> bytes:
    return struct.pack(">H", paper(depth))


def keyed(digit: Pixels, depth: int) -> NDArray[Any]:
    """(28, 28, 1): white ink on the transparent grey."""
    return np.where(digit[..., None] > 127, 2**depth - 1, paper(depth))


@pytest.mark.parametrize("name", KEYED)
def test_a_transparent_colour_is_paper(client: TestClient, name: str) -> None:
    for digit in range(10):
        drawn = pixels(digit)
        expected = answered(client, encode(np.where(drawn > 127, 255, 0).astype(np.uint8)))
        assert answered(client, KEYED[name](drawn))["logits"] == pytest.approx(expected["logits"], abs=1e-3)
