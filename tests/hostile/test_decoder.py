"""Any bytes are read or refused, and one digit is one digit in every encoding."""

import struct
from collections import Counter
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.expected import MNIST, Fit
from konkyo.service.errors import UnreadableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import decode_image
from support.pictures import encode, pixels, sample
from support.uploads.chunks import chunk
from support.uploads.mutations import mutants, originals
from support.uploads.pngs import png, pngs
from tests.helpers.examples import examples
from tests.helpers.refuse import refuses
from tests.hostile.decoding import COLOUR, READ, REFUSALS, outcome
from tests.hostile.plain import built

# Pillow warns of damaged metadata; the service silences it where it runs, and pytest undoes that.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
OUTCOMES = {READ, *(refusal.__name__ for refusal in REFUSALS)}
# A network of colour takes no image as MNIST's are, and none of dark ink.
ASKED = [*product(Fit, Polarity), *((fit, Polarity.AUTO, COLOUR) for fit in (Fit.EXACT, Fit.RESIZE))]


@pytest.mark.threat("corrupt files")
@examples(100)
@given(pngs(), st.sampled_from(ASKED))
def test_a_png_that_is_built_like_one_is_read_or_refused(data: bytes, asked: Any) -> None:
    assert outcome(data, *asked) in OUTCOMES


@pytest.mark.threat("corrupt files")
@examples(100)
@given(mutants(), st.sampled_from(ASKED))
def test_a_damaged_picture_is_read_or_refused(data: bytes, asked: Any) -> None:
    assert outcome(data, *asked) in OUTCOMES


def test_the_builder_reaches_every_outcome_and_damages_pictures_of_every_kind() -> None:
    random = Random(1)  # noqa: S311
    for expected, fit in ((MNIST, Fit.MNIST), (COLOUR, Fit.RESIZE)):
        seen = {outcome(png(random), fit, Polarity.AUTO, expected) for _ in range(100)}
        assert seen == OUTCOMES - {"UnsupportedImageError"}  # it always starts as a PNG does
    found = Counter(outcome(data, Fit.EXACT, Polarity.AUTO) for data in originals())
    assert found == {READ: 11, "UnsuitableImageError": 1, "UnsupportedImageError": 3}


@pytest.mark.parametrize("kind", [b"tEXt", b"iTXt"])
@pytest.mark.parametrize("colour", [0, 3])
def test_a_text_named_like_the_transparency_is_no_colour(kind: bytes, colour: int) -> None:
    """Pillow keeps texts beside its own entries, and would take this one for a colour."""
    text = chunk(kind, b"transparency" + {b"tEXt": b"\0seven", b"iTXt": b"\0\0\0en\0x\0seven"}[kind])
    black = built(np.zeros((28, 28, 1), np.uint8), colour, 8, chunk(b"PLTE", bytes(768)), text)
    image, report = decode_image(black, Fit.EXACT, Polarity.AUTO)
    assert not image.any()
    assert report.mode == {0: "L", 3: "P"}[colour]


@pytest.mark.parametrize("chunks", [(), (chunk(b"PLTE", bytes(3)), chunk(b"tRNS", b"\x80" * 300))])
def test_no_palette_or_a_transparency_outside_of_it_is_refused(chunks: tuple[bytes, ...]) -> None:
    with refuses(UnreadableImageError, "the image is damaged: its palette or transparency makes no sense"):
        decode_image(built(np.zeros((28, 28, 1), np.uint8), 3, 8, *chunks), Fit.EXACT, Polarity.AUTO)


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("start", [encode(pixels(7), "GIF"), b"%PDF-1.7\n", b"PK\x03\x04", b"\0"])
def test_what_does_not_start_as_a_picture_is_none(start: bytes) -> None:
    with refuses(UnsupportedImageError, "the file is neither a PNG nor a JPEG image"):
        decode_image(start + sample(7), Fit.EXACT, Polarity.AUTO)


@pytest.mark.threat("format confusion")
def test_what_hangs_on_a_picture_is_not_looked_at() -> None:
    whole, expected = decode_image(sample(7), Fit.EXACT, Polarity.AUTO)
    image, report = decode_image(sample(7) + b"<script>alert(1)</script>", Fit.EXACT, Polarity.AUTO)
    assert report == expected
    assert (image == whole).all()


Pixels = NDArray[np.uint8]
JPEG = 0.05


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
# With the most that a pixel may differ.
LOSSY: dict[str, tuple[float, Encoding]] = {
    "2-bit grey": (1 / 6, lambda d: built(grey(d, 2), 0, 2)),
    "4-bit grey": (1 / 30, lambda d: built(grey(d, 4), 0, 4)),
    "4-bit grey, interlaced": (1 / 30, lambda d: built(grey(d, 4), 0, 4, interlaced=True)),
    "4-bit palette": (
        1 / 30,
        lambda d: built(grey(d, 4), 3, 4, chunk(b"PLTE", bytes(np.repeat(np.arange(16) * 17, 3).tolist()))),
    ),
    "grey JPEG": (JPEG, lambda d: encode(d, "JPEG", quality=98)),
    "colour JPEG": (JPEG, lambda d: encode(Image.fromarray(d).convert("RGB"), "JPEG", quality=98, subsampling=0)),
    "progressive JPEG": (JPEG, lambda d: encode(d, "JPEG", quality=98, progressive=True)),
    "CMYK JPEG": (
        JPEG,
        lambda d: encode(Image.fromarray(d).convert("RGB").convert("CMYK"), "JPEG", quality=98),
    ),
}


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize(
    ("most", "encoding"),
    [*((1e-12, encoding) for encoding in LOSSLESS.values()), *LOSSY.values()],
    ids=[*LOSSLESS, *LOSSY],
)
def test_every_encoding_of_a_digit_has_its_pixels(most: float, encoding: Encoding) -> None:
    for number in range(10):
        digit = pixels(number)
        image, report = decode_image(encoding(digit), Fit.EXACT, Polarity.AUTO)
        assert np.abs(image - digit / 255).max() <= most
        assert report.warnings == ()
