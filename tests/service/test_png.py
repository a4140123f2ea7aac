import struct
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError
from konkyo.service.imaging import png
from konkyo.service.imaging.decoding import decode_image
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.refuse import refuses
from tests.hostile.bombs import LIMIT, blank, metadata, text_bombs
from tests.hostile.chunks import CHANNELS, DEPTHS, SIGNATURE, chunk, header
from tests.hostile.plain import built
from tests.hostile.pngs import PASSES

SEVEN = pixels(7)
FEWER = "the image is damaged: it holds fewer pixels than its header says"
MORE = "the image is damaged: it holds more pixels than its header says"
KINDS = [(depth, colour) for colour, depths in DEPTHS.items() for depth in depths]
SIZES = [(28, 28), (1, 1), (3, 2), (2, 9), (5, 1), (8, 8), (9, 17), (31, 3)]
TEXT_BOMBS = text_bombs()


def rows(width: int, height: int, depth: int, colour: int, interlaced: int) -> bytes:
    """Black scanlines, counted one by one."""
    lines = b""
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        columns = len(range(left, width, across))
        for _ in range(top, height, down) if columns else ():
            lines += bytes(1 + (columns * CHANNELS[colour] * depth + 7) // 8)
    return lines


def built_of(lines: bytes, width: int, height: int, depth: int, colour: int, interlaced: int, *before: bytes) -> bytes:
    palette = chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    parts = header(width, height, depth, colour, interlaced), palette, *before, chunk(b"IDAT", zlib.compress(lines))
    return SIGNATURE + b"".join(parts) + chunk(b"IEND")


@pytest.mark.threat("images that are sound to the library and wrong")
@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "colour"), KINDS)
def test_as_many_bytes_as_the_header_says_and_no_others(depth: int, colour: int, interlaced: int) -> None:
    for width, height in SIZES:
        kind = width, height, depth, colour, interlaced
        lines = rows(*kind)
        data = built_of(lines, *kind)
        Image.open(BytesIO(data)).load()
        png.read(data).check()
        for wrong, message in ((lines[:-1], FEWER), (lines[: len(lines) // 2], FEWER), (lines + b"\0", MORE)):
            with refuses(UnreadableImageError, message):
                png.read(built_of(wrong, *kind)).check()


@pytest.mark.threat("images that are sound to the library and wrong")
def test_half_of_the_rows_or_one_pass_is_no_image() -> None:
    """Pillow leaves the rest black."""
    grey = b"".join(b"\0" + row.tobytes() for row in SEVEN)
    one_pass = b"".join(b"\0" + row.tobytes() for row in SEVEN[::8, ::8])
    for lines, interlaced in ((grey[: 14 * 29], 0), (one_pass, 1)):
        data = built_of(lines, 28, 28, 8, 0, interlaced)
        Image.open(BytesIO(data)).load()
        with refuses(UnreadableImageError, FEWER):
            decode_image(data, Fit.EXACT, Polarity.AUTO)


def test_a_stream_that_unpacks_to_more_is_not_unpacked() -> None:
    data = built_of(bytes(200_000_000), 28, 28, 8, 0, 0)
    assert len(data) < LIMIT
    tracemalloc.start()
    try:
        with refuses(UnreadableImageError, MORE):
            decode_image(data, Fit.EXACT, Polarity.AUTO)
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


def test_a_damaged_stream_is_refused() -> None:
    stream = zlib.compress(rows(28, 28, 8, 0, 0))
    for damaged, message in (
        (stream[:-4] + b"\0\0\0\0", "the image is damaged: its pixels cannot be decoded"),
        (b"no stream", "the image is damaged: its pixels cannot be decoded"),
        (stream[:-4], FEWER),
        (b"", FEWER),
    ):
        data = SIGNATURE + header(28, 28, 8, 0, 0) + chunk(b"IDAT", damaged) + chunk(b"IEND")
        with refuses(UnreadableImageError, message):
            decode_image(data, Fit.EXACT, Polarity.AUTO)


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("name", TEXT_BOMBS)
def test_texts_are_not_unpacked(name: str) -> None:
    data = TEXT_BOMBS[name]
    assert len(data) < LIMIT
    tracemalloc.start()
    try:
        image, report = decode_image(data, Fit.EXACT, Polarity.LIGHT_ON_DARK)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
    assert not image.any()
    assert (report.width, report.height, report.mode) == (28, 28, "L")


@pytest.mark.threat("work without bound in the decoder")
def test_metadata_is_looked_at_for_the_orientation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("Pillow parsed the metadata")

    monkeypatch.setattr(Image.Exif, "load", parsed)
    monkeypatch.setattr(Image.Exif, "load_from_fp", parsed)
    data = blank(28, 28, 8, 0, chunk(b"eXIf", metadata(20_000)))
    assert len(data) < LIMIT
    image, _ = decode_image(data, Fit.EXACT, Polarity.LIGHT_ON_DARK)
    assert not image.any()


FRAME = struct.pack(">IIIIIHHBB", 0, 14, 14, 0, 0, 1, 1, 0, 0)


@pytest.mark.threat("images that are sound to the library and wrong")
@pytest.mark.parametrize("after", [False, True], ids=["before the pixels", "after them"])
@pytest.mark.parametrize(
    ("kind", "content"),
    [(b"acTL", struct.pack(">II", 1, 0)), (b"acTL", b""), (b"fcTL", FRAME), (b"fdAT", bytes(4))],
    ids=["acTL", "empty acTL", "fcTL", "fdAT"],
)
def test_anything_of_an_animation_is_refused(kind: bytes, content: bytes, after: bool) -> None:
    """A frame alone would fill a part of the image."""
    data = sample(7)
    place = data.index(b"IEND" if after else b"IDAT") - 4
    with refuses(UnsuitableImageError, "the image is animated; send a single frame"):
        decode_image(data[:place] + chunk(kind, content) + data[place:], Fit.EXACT, Polarity.AUTO)


def keyed(colour: int, depth: int, samples: NDArray[np.int64], key: int) -> bytes:
    return built(samples, colour, depth, chunk(b"tRNS", struct.pack(">H", key) * CHANNELS[colour]))


@pytest.mark.threat("images that are sound to the library and wrong")
def test_sixteen_bits_of_colour_are_transparent_only_where_all_of_them_are_the_keys() -> None:
    """Ink that shares the key's high bytes is ink."""
    key = 0x4080
    for near in (0x4081, 0x407F, 0x40FF, 0x4180):
        samples = np.full((28, 28, 3), key)
        samples[10:18, 12:16, 1] = near
        image, report = decode_image(keyed(2, 16, samples, key), Fit.EXACT, Polarity.LIGHT_ON_DARK)
        assert (image > 0).sum() == 32
        assert report.mode == "RGB"


def test_sixteen_bits_of_grey_are_compared_whole() -> None:
    samples = np.full((28, 28, 1), 0x4080)
    samples[10:18, 12:16] = 0x4081
    image, _ = decode_image(keyed(0, 16, samples, 0x4080), Fit.EXACT, Polarity.LIGHT_ON_DARK)
    assert (image > 0).sum() == 32


@pytest.mark.threat("images that are sound to the library and wrong")
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 0), (4, 0), (8, 0), (8, 2)])
def test_bits_beyond_the_depth_make_no_other_key(depth: int, colour: int) -> None:
    """A decoder must not look at them (PNG, third edition, 11.3.1.1)."""
    most = 2**depth - 1
    samples = np.zeros((28, 28, CHANNELS[colour]), np.int64)
    samples[10:18, 12:16] = most
    for beyond in (0, 1 << depth, 0xFF00 & ~most):
        image, _ = decode_image(keyed(colour, depth, samples, beyond), Fit.EXACT, Polarity.AUTO)
        assert (image == 1).sum() == 32
        image, _ = decode_image(keyed(colour, depth, samples, most | beyond), Fit.EXACT, Polarity.LIGHT_ON_DARK)
        assert not image.any()


def test_a_key_that_comes_after_the_pixels_is_none() -> None:
    data = sample(7)
    place = data.index(b"IEND") - 4
    image, _ = decode_image(data[:place] + chunk(b"tRNS", b"\0\xff") + data[place:], Fit.EXACT, Polarity.AUTO)
    assert np.array_equal(np.rint(image * 255), SEVEN)


def exif(turn: int) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)


def test_an_orientation_may_come_before_or_after_the_pixels() -> None:
    turned = encode(np.ascontiguousarray(np.rot90(SEVEN)))
    for before in (b"IDAT", b"IEND"):
        place = turned.index(before) - 4
        data = turned[:place] + chunk(b"eXIf", exif(6)) + turned[place:]
        image, _ = decode_image(data, Fit.EXACT, Polarity.AUTO)
        assert np.array_equal(np.rint(image * 255), SEVEN)


def test_pixels_in_many_chunks_are_one_image() -> None:
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in SEVEN))
    pieces = b"".join(chunk(b"IDAT", stream[n : n + 3]) + chunk(b"IDAT") for n in range(0, len(stream), 3))
    image, _ = decode_image(SIGNATURE + header(28, 28, 8, 0, 0) + pieces + chunk(b"IEND"), Fit.EXACT, Polarity.AUTO)
    assert np.array_equal(np.rint(image * 255), SEVEN)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_colours_beyond_the_palette_are_none(depth: int) -> None:
    """Some decoders take black for them, some white."""
    samples = np.zeros((28, 28, 1), np.int64)
    samples[14, 14] = 1
    image, _ = decode_image(built(samples, 3, depth, chunk(b"PLTE", bytes(6))), Fit.EXACT, Polarity.LIGHT_ON_DARK)
    assert not image.any()
    with refuses(UnreadableImageError, "the image is damaged: it has colours that its palette does not hold"):
        decode_image(built(samples, 3, depth, chunk(b"PLTE", bytes(3))), Fit.EXACT, Polarity.AUTO)


def test_far_too_many_chunks_are_refused() -> None:
    decode_image(blank(28, 28, 8, 0, chunk(b"tEXt") * 997), Fit.EXACT, Polarity.AUTO)
    message = "the image has more than 1,000 chunks; save it anew, without its metadata"
    with refuses(UnsuitableImageError, message):
        decode_image(blank(28, 28, 8, 0, chunk(b"tEXt") * 998), Fit.EXACT, Polarity.AUTO)


HEADER, PIXELS, END = header(28, 28, 8, 0, 0), chunk(b"IDAT", zlib.compress(rows(28, 28, 8, 0, 0))), chunk(b"IEND")
ORDER = "its chunks are not in their order"
NO_HEADER = "its header cannot be read"
ODD = {
    "two headers": ((HEADER, HEADER, PIXELS, END), ORDER),
    "two palettes": ((HEADER, chunk(b"PLTE", bytes(3)), chunk(b"PLTE", bytes(3)), PIXELS, END), ORDER),
    "a palette after the pixels": ((HEADER, PIXELS, chunk(b"PLTE", bytes(3)), END), ORDER),
    "pixels in two places": ((HEADER, PIXELS, chunk(b"tEXt", b"k\0v"), PIXELS, END), "its pixels are not in one piece"),
    "no header": ((PIXELS, END), NO_HEADER),
    "nothing": ((), NO_HEADER),
    "a short header": ((chunk(b"IHDR", bytes(12)), PIXELS, END), NO_HEADER),
    "no bits and a key": ((header(28, 28, 0, 0, 0), chunk(b"tRNS", bytes(2)), PIXELS, END), NO_HEADER),
    "another compression": ((header(28, 28, 8, 0, 0, (1, 0)), PIXELS, END), NO_HEADER),
    "another filter": ((header(28, 28, 8, 0, 0, (0, 1)), PIXELS, END), NO_HEADER),
    "another interlace": ((header(28, 28, 8, 0, 2), PIXELS, END), NO_HEADER),
    "a checksum": ((HEADER, PIXELS[:-1] + b"\0", END), "a checksum in it is wrong"),
    "a key cut short": ((HEADER, chunk(b"tRNS", b"\0"), PIXELS, END), "its palette or transparency makes no sense"),
    "a critical chunk": (
        (HEADER, chunk(b"CrIt"), PIXELS, END),
        "it holds a chunk that is not of the standard and without which it cannot be drawn",
    ),
    "no end": ((HEADER, PIXELS), "a part of it is missing"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_out_of_order_is_refused(name: str) -> None:
    parts, why = ODD[name]
    with refuses(UnreadableImageError, f"the image is damaged: {why}"):
        decode_image(SIGNATURE + b"".join(parts), Fit.EXACT, Polarity.AUTO)


def test_no_pixel_is_decoded_before_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with refuses(UnreadableImageError, FEWER):
        decode_image(built_of(b"", 2000, 2000, 16, 6, 1), Fit.MNIST, Polarity.AUTO)
