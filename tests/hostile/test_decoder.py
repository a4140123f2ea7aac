"""Any bytes are read or refused, and one digit is one digit in every encoding. Long: `python -m tools.soak.decoder`."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import UnreadableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import decode_image
from tests.helpers.examples import examples
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.refuse import refuses
from tests.hostile.chunks import SIGNATURE, chunk, header
from tests.hostile.decoding import COLOUR, READ, REFUSALS, outcome
from tests.hostile.mutations import mutants, originals
from tests.hostile.plain import built
from tests.hostile.pngs import png, pngs

# Pillow warns of damaged metadata; the service silences it where it runs, and pytest undoes that.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ROOT = Path(__file__).parents[2]
OUTCOMES = {READ, *(refusal.__name__ for refusal in REFUSALS)}
ROWS = zlib.compress(bytes(29 * 28))


@pytest.mark.threat("corrupt files")
@examples(100)
@given(pngs(), st.sampled_from(Fit), st.sampled_from(Polarity))
def test_a_png_that_is_built_like_one_is_read_or_refused(data: bytes, fit: Fit, polarity: Polarity) -> None:
    assert outcome(data, fit, polarity) in OUTCOMES


@pytest.mark.threat("corrupt files")
@examples(100)
@given(mutants(), st.sampled_from(Fit), st.sampled_from(Polarity))
def test_a_damaged_picture_is_read_or_refused(data: bytes, fit: Fit, polarity: Polarity) -> None:
    assert outcome(data, fit, polarity) in OUTCOMES


@pytest.mark.threat("corrupt files")
@examples(50)
@given(st.one_of(pngs(), mutants()), st.sampled_from((Fit.EXACT, Fit.RESIZE)))
def test_a_picture_for_a_network_of_colour_is_read_or_refused(data: bytes, fit: Fit) -> None:
    assert outcome(data, fit, Polarity.AUTO, COLOUR) in OUTCOMES


def test_the_builder_reaches_every_outcome() -> None:
    random = Random(1)  # noqa: S311
    seen = {outcome(png(random), Fit.MNIST, Polarity.AUTO) for _ in range(200)}
    assert seen == OUTCOMES - {"UnsupportedImageError"}  # it always starts as a PNG does
    in_colour = {outcome(png(random), Fit.RESIZE, Polarity.AUTO, COLOUR) for _ in range(200)}
    assert in_colour == seen


def test_the_builder_keeps_every_checksum() -> None:
    random = Random(2)  # noqa: S311
    for _ in range(100):
        data, place, kinds = png(random), 8, set()
        assert data.startswith(SIGNATURE)
        while data[place : place + 12] and not data[place:].startswith((b"tail", b"\0" * len(data[place:]))):
            (length,) = struct.unpack_from(">I", data, place)
            body = data[place + 4 : place + 8 + length]
            assert data[place + 8 + length : place + 12 + length] == struct.pack(">I", zlib.crc32(body))
            kinds.add(body[:4])
            place += 12 + length
        assert len(kinds) > 1


@pytest.mark.parametrize("index", range(len(originals())))
def test_the_pictures_that_are_damaged_are_sound(index: int) -> None:
    data = originals()[index]
    expected = {6: "UnsuitableImageError", 12: "UnsupportedImageError", 13: "UnsupportedImageError"}
    assert outcome(data, Fit.EXACT, Polarity.AUTO) == {**expected, 14: "UnsupportedImageError"}.get(index, READ)


def digit(colour: int, *chunks: bytes) -> bytes:
    """A black PNG of 28×28 with more chunks before its pixels."""
    return SIGNATURE + header(28, 28, 8, colour, 0) + b"".join(chunks) + chunk(b"IDAT", ROWS) + chunk(b"IEND")


TRANSPARENCY = "the image is damaged: its palette or transparency makes no sense"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
@pytest.mark.parametrize("colour", [0, 3])
def test_a_text_named_like_the_transparency_is_no_colour(kind: bytes, colour: int) -> None:
    """Pillow keeps texts beside its own entries, and would take this one for a colour."""
    body = {b"tEXt": b"\0seven", b"zTXt": b"\0\0" + zlib.compress(b"seven"), b"iTXt": b"\0\0\0en\0x\0seven"}[kind]
    palette = [chunk(b"PLTE", bytes(768))] if colour == 3 else []
    image, report = decode_image(digit(colour, *palette, chunk(kind, b"transparency" + body)), Fit.EXACT, Polarity.AUTO)
    assert not image.any()
    assert report.mode == {0: "L", 3: "P"}[colour]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_palette_picture_without_a_palette_is_refused(orientation: int) -> None:
    """Pillow gives a grey palette to one that is turned."""
    block = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    with refuses(UnreadableImageError, TRANSPARENCY):
        decode_image(digit(3, chunk(b"eXIf", block)), Fit.EXACT, Polarity.AUTO)


def test_a_transparency_outside_the_palette_is_refused() -> None:
    with refuses(UnreadableImageError, TRANSPARENCY):
        decode_image(digit(3, chunk(b"PLTE", bytes(3)), chunk(b"tRNS", b"\x80" * 300)), Fit.EXACT, Polarity.AUTO)


def test_metadata_that_cannot_be_written_again_is_read() -> None:
    """ImageOps.exif_transpose encodes the metadata anew; a text entry of numbers made that fail."""
    entries = [(0x0112, 3, 1, b"\6\0\0\0"), (0x010E, 11, 1, struct.pack("<f", 1.5))]
    table = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    image, report = decode_image(digit(0, chunk(b"eXIf", block)), Fit.EXACT, Polarity.LIGHT_ON_DARK)
    assert not image.any()
    assert report.width == report.height == 28


SILENT = """
import sys, warnings
from konkyo.models.files.card import Polarity
from konkyo.service.imaging.decoding import decode_image
from konkyo.models.preparation.expected import Fit
from PIL import Image
for path in sys.argv[1:]:
    decode_image(open(path, "rb").read(), Fit.EXACT, Polarity.AUTO)
assert [action for action, _, kind, *_ in warnings.filters if kind is Image.DecompressionBombWarning] == ["error"]
"""


@pytest.mark.threat("error leakage, reflection")
def test_damaged_metadata_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    """What Pillow says of it holds numbers that the client chose; and a bomb is an error, in every thread."""
    path = tmp_path / "damaged.png"
    path.write_bytes(digit(0, chunk(b"eXIf", b"II*\0\x08\0\0\0\x09\0" + bytes(5))))
    with pytest.warns(UserWarning, match="Corrupt EXIF"), Image.open(path) as picture:
        picture.getexif()
    done = subprocess.run([sys.executable, "-c", SILENT, path], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


PNG, GIF = sample(7), encode(pixels(7), "GIF")
POLYGLOTS = {
    "a GIF, then a PNG": GIF + PNG,
    "a PDF, then a PNG": b"%PDF-1.7\n" + PNG,
    "a script, then a PNG": b"<script>alert(1)</script>" + PNG,
    "an archive, then a PNG": b"PK\x03\x04" + PNG,
    "a byte, then a PNG": b"\0" + PNG,
    "a PNG whose mark lacks a byte": PNG[:3] + PNG[4:],
}


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("name", POLYGLOTS)
def test_what_does_not_start_as_a_picture_is_none(name: str) -> None:
    with refuses(UnsupportedImageError, "the file is neither a PNG nor a JPEG image"):
        decode_image(POLYGLOTS[name], Fit.EXACT, Polarity.AUTO)


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize(
    "tail", [b"<script>alert(1)</script>", GIF, b"PK\x03\x04" + bytes(100)], ids=["script", "GIF", "archive"]
)
def test_what_hangs_on_a_picture_is_not_looked_at(tail: bytes) -> None:
    image, report = decode_image(PNG + tail, Fit.EXACT, Polarity.AUTO)
    whole, expected = decode_image(PNG, Fit.EXACT, Polarity.AUTO)
    assert report == expected
    assert (image == whole).all()


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
