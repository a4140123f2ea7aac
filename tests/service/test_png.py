"""What of a PNG is read, and what is refused before a pixel is decoded."""

import struct
import tracemalloc
import zlib
from contextlib import AbstractContextManager
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.network import Array
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError
from konkyo.service.imaging import png
from konkyo.service.imaging.decoding import PreprocessingReport, decode_image
from support.pictures import encode, pixels, sample
from support.uploads.bombs import LIMIT, blank, metadata, text_bombs
from support.uploads.chunks import CHANNELS, DEPTHS, SIGNATURE, chunk, header
from support.uploads.pngs import PASSES
from tests.helpers.refuse import refuses
from tests.hostile.plain import built

SEVEN = pixels(7)
FEWER = "it holds fewer pixels than its header says"
MORE = "it holds more pixels than its header says"
KINDS = [(depth, colour) for colour, depths in DEPTHS.items() for depth in depths]
SIZES = [(28, 28), (1, 1), (3, 2), (2, 9), (9, 17)]
TEXT_BOMBS = text_bombs()


def rows(width: int, height: int, depth: int, colour: int, interlaced: int) -> bytes:
    """Black scanlines, counted one by one."""
    lines = b""
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        columns = len(range(left, width, across))
        for _ in range(top, height, down) if columns else ():
            lines += bytes(1 + (columns * CHANNELS[colour] * depth + 7) // 8)
    return lines


def damaged(why: str) -> AbstractContextManager[None]:
    return refuses(UnreadableImageError, f"the image is damaged: {why}")


def read(data: bytes, polarity: Polarity = Polarity.AUTO) -> tuple[Array, PreprocessingReport]:
    return decode_image(data, Fit.EXACT, polarity)


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
            with damaged(message):
                png.read(built_of(wrong, *kind)).check()


@pytest.mark.threat("work without bound in the decoder")
def test_a_stream_is_inflated_no_further_than_the_header_says() -> None:
    """Whoever inflated all of it would say that its checksum is wrong."""
    stream = zlib.compress(bytes(20_000_000))[:-4] + b"ends"
    parts = header(28, 28, 8, 0, 0), chunk(b"IDAT", stream), chunk(b"IEND")
    with damaged(MORE):
        read(SIGNATURE + b"".join(parts))


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("name", TEXT_BOMBS)
def test_texts_are_not_unpacked(name: str) -> None:
    data = TEXT_BOMBS[name]
    assert len(data) < LIMIT
    tracemalloc.start()
    try:
        image, report = read(data, Polarity.LIGHT_ON_DARK)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
    assert not image.any()
    assert (report.width, report.height, report.mode) == (28, 28, "L")


@pytest.mark.threat("work without bound in the decoder")
def test_metadata_larger_than_a_camera_s_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object) -> None:
        pytest.fail("Pillow parsed the metadata")

    monkeypatch.setattr(Image.Exif, "load", parsed)
    monkeypatch.setattr(Image.Exif, "load_from_fp", parsed)
    data = blank(28, 28, 8, 0, chunk(b"eXIf", metadata(20_000)))
    assert len(data) < LIMIT
    image, _ = read(data, Polarity.LIGHT_ON_DARK)
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
    with refuses(UnsuitableImageError, "the image is animated; send a single frame"):
        read(with_chunk(sample(7), b"IEND" if after else b"IDAT", kind, content))


def keyed(colour: int, depth: int, samples: NDArray[np.int64], key: int) -> bytes:
    return built(samples, colour, depth, chunk(b"tRNS", struct.pack(">H", key) * CHANNELS[colour]))


@pytest.mark.threat("images that are sound to the library and wrong")
def test_sixteen_bits_are_transparent_where_they_are_the_keys() -> None:
    """In colour, where the first eight are: Pillow reads no more of them."""
    key = 0x4080
    for near, colour in ((0x4180, 2), (0x3FFF, 2), (0x4081, 0), (0x407F, 0)):
        samples = np.full((28, 28, CHANNELS[colour]), key)
        samples[10:18, 12:16, -1] = near
        image, report = read(keyed(colour, 16, samples, key), Polarity.LIGHT_ON_DARK)
        assert (image > 0).sum() == 32
        assert report.mode == {2: "RGB", 0: "I;16"}[colour]


@pytest.mark.threat("images that are sound to the library and wrong")
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 0), (4, 0), (8, 0), (8, 2)])
def test_bits_beyond_the_depth_make_no_other_key(depth: int, colour: int) -> None:
    """A decoder must not look at them (PNG, third edition, 11.3.1.1)."""
    most = 2**depth - 1
    samples = np.zeros((28, 28, CHANNELS[colour]), np.int64)
    samples[10:18, 12:16] = most
    for beyond in (0, 1 << depth, 0xFF00 & ~most):
        image, _ = read(keyed(colour, depth, samples, beyond))
        assert (image == 1).sum() == 32
        image, _ = read(keyed(colour, depth, samples, most | beyond), Polarity.LIGHT_ON_DARK)
        assert not image.any()


def with_chunk(data: bytes, before: bytes, kind: bytes, content: bytes) -> bytes:
    place = data.index(before) - 4
    return data[:place] + chunk(kind, content) + data[place:]


def in_pieces() -> bytes:
    """Of three bytes, with empty ones between them."""
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in SEVEN))
    pieces = b"".join(chunk(b"IDAT", stream[n : n + 3]) + chunk(b"IDAT") for n in range(0, len(stream), 3))
    return SIGNATURE + header(28, 28, 8, 0, 0) + pieces + chunk(b"IEND")


TURNED = encode(np.ascontiguousarray(np.rot90(SEVEN)))
EXIF = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
SEVENS = {
    "a key after the pixels is none": with_chunk(sample(7), b"IEND", b"tRNS", b"\0\xff"),
    "an orientation before the pixels": with_chunk(TURNED, b"IDAT", b"eXIf", EXIF),
    "an orientation after them": with_chunk(TURNED, b"IEND", b"eXIf", EXIF),
    "pixels in many chunks": in_pieces(),
}


@pytest.mark.parametrize("name", SEVENS)
def test_chunks_that_may_stand_elsewhere(name: str) -> None:
    image, _ = read(SEVENS[name], Polarity.LIGHT_ON_DARK)
    assert np.array_equal(np.rint(image * 255), SEVEN)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_colours_beyond_the_palette_are_none(depth: int) -> None:
    """Some decoders take black for them, some white."""
    samples = np.zeros((28, 28, 1), np.int64)
    samples[14, 14] = 1
    image, _ = read(built(samples, 3, depth, chunk(b"PLTE", bytes(6))), Polarity.LIGHT_ON_DARK)
    assert not image.any()
    with damaged("it has colours that its palette does not hold"):
        read(built(samples, 3, depth, chunk(b"PLTE", bytes(3))))


def test_far_too_many_chunks_are_refused() -> None:
    read(blank(28, 28, 8, 0, chunk(b"tEXt") * 997))
    message = "the image has more than 1,000 chunks; save it anew, without its metadata"
    with refuses(UnsuitableImageError, message):
        read(blank(28, 28, 8, 0, chunk(b"tEXt") * 998))


STREAM = zlib.compress(rows(28, 28, 8, 0, 0))
HEADER, PIXELS, END = header(28, 28, 8, 0, 0), chunk(b"IDAT", STREAM), chunk(b"IEND")
ORDER = "its chunks are not in their order"
NO_HEADER = "its header cannot be read"
NO_STREAM = "its pixels cannot be decoded"
NO_SENSE = "its palette or transparency makes no sense"
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
    "a key cut short": ((HEADER, chunk(b"tRNS", b"\0"), PIXELS, END), NO_SENSE),
    "a critical chunk": (
        (HEADER, chunk(b"CrIt"), PIXELS, END),
        "it holds a chunk that is not of the standard and without which it cannot be drawn",
    ),
    "no end": ((HEADER, PIXELS), "a part of it is missing"),
    "another sum of the stream": ((HEADER, chunk(b"IDAT", STREAM[:-4] + bytes(4)), END), NO_STREAM),
    "no stream": ((HEADER, chunk(b"IDAT", b"no stream"), END), NO_STREAM),
    "a stream cut short": ((HEADER, chunk(b"IDAT", STREAM[:-4]), END), FEWER),
    "no pixels": ((HEADER, chunk(b"IDAT"), END), FEWER),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_damaged_is_refused(name: str) -> None:
    parts, why = ODD[name]
    with damaged(why):
        read(SIGNATURE + b"".join(parts))
