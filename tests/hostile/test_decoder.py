"""Any bytes are read or refused. The long form: ``python -m tools.soak.decoder``."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import UnreadableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import decode_image
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.refuse import refuses
from tests.hostile.chunks import SIGNATURE, chunk, header
from tests.hostile.decoding import COLOUR, READ, REFUSALS, outcome
from tests.hostile.mutations import mutants, originals
from tests.hostile.pngs import png, pngs

# Pillow warns of damaged metadata; the service silences it where it runs, and pytest undoes that.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ROOT = Path(__file__).parents[2]
OUTCOMES = {READ, *(refusal.__name__ for refusal in REFUSALS)}
ROWS = zlib.compress(bytes(29 * 28))


@pytest.mark.threat("corrupt files")
@settings(max_examples=300)
@given(pngs(), st.sampled_from(Fit), st.sampled_from(Polarity))
def test_a_png_that_is_built_like_one_is_read_or_refused(data: bytes, fit: Fit, polarity: Polarity) -> None:
    assert outcome(data, fit, polarity) in OUTCOMES


@pytest.mark.threat("corrupt files")
@settings(max_examples=200)
@given(mutants(), st.sampled_from(Fit), st.sampled_from(Polarity))
def test_a_damaged_picture_is_read_or_refused(data: bytes, fit: Fit, polarity: Polarity) -> None:
    assert outcome(data, fit, polarity) in OUTCOMES


@pytest.mark.threat("corrupt files")
@settings(max_examples=100)
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
