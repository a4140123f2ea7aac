"""From an image file to the network's image: formats, sizes, ink and paper, colour, and what is refused."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.network import Array
from konkyo.models.preparation.doubts import BRIGHT_BORDER, InputWarning
from konkyo.models.preparation.expected import MNIST, Expected, Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import PreprocessingReport, decode_image
from konkyo.trainer.data.pictures import prepared
from support.pictures import encode, pixels, sample
from support.uploads.chunks import SIGNATURE, chunk, header
from tests.helpers.datasets import bars
from tests.helpers.refuse import refuses

SEVEN = pixels(7)
EMPTY = InputWarning("empty", "the image is empty: nothing stands out from its background")
SILHOUETTES = Expected(Preprocessing.RESIZE, Polarity.AUTO, ())
COLOUR = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, side=32, channels=3)


def read(
    data: bytes, polarity: Polarity = Polarity.AUTO, expected: Expected = MNIST, fit: Fit = Fit.EXACT
) -> tuple[Array, PreprocessingReport]:
    return decode_image(data, fit, polarity, expected)


def test_a_mnist_digit_is_taken_as_it_is() -> None:
    image, report = read(sample(7))
    assert image.dtype == np.float64
    assert np.array_equal(image, SEVEN / 255)
    assert report == PreprocessingReport("PNG", 28, 28, "L", inverted=False, fitted=False, box=None, warnings=())


# --- Which is the ink


@pytest.mark.parametrize(
    ("stored", "polarity", "inverted"),
    [
        (255 - SEVEN, Polarity.AUTO, True),
        (255 - SEVEN, Polarity.LIGHT_ON_DARK, False),
        (SEVEN, Polarity.DARK_ON_LIGHT, True),
    ],
)
def test_dark_ink_on_light_paper_is_inverted(stored: np.ndarray, polarity: Polarity, inverted: bool) -> None:
    """Unless the client says otherwise."""
    image, report = read(encode(stored), polarity)
    assert report.inverted is inverted
    assert np.array_equal(image, (255 - stored if inverted else stored) / 255)


def test_the_card_says_which_is_the_ink_where_the_client_does_not() -> None:
    """A large bright thing is paper with a dark border for digits, and no more than itself for silhouettes."""
    large = np.zeros((28, 28), np.uint8)
    large[2:26, 2:26] = 255
    assert read(encode(large))[1].inverted
    image, report = read(encode(large), expected=SILHOUETTES)
    assert (report.inverted, report.warnings) == (False, ())
    assert np.array_equal(image, large / 255)
    as_it_is = replace(SILHOUETTES, polarity=Polarity.LIGHT_ON_DARK)
    for polarity, inverted in ((Polarity.AUTO, False), (Polarity.DARK_ON_LIGHT, True)):
        report = read(encode(255 - large), polarity, as_it_is)[1]
        # Who says that the ink is dark need not be warned.
        assert (report.inverted, report.warnings) == (inverted, () if inverted else (BRIGHT_BORDER,))


@pytest.mark.parametrize("polarity", [Polarity.LIGHT_ON_DARK, Polarity.DARK_ON_LIGHT])
def test_transparent_paper_is_what_the_polarity_says(polarity: Polarity) -> None:
    layers = np.full((28, 28, 2), 128, np.uint8)
    layers[..., 1] = SEVEN
    image, _ = read(encode(Image.fromarray(layers, "LA")), polarity)
    assert image[0, 0] == 0  # transparent: paper, whatever the ink is
    assert image[SEVEN == 255] == pytest.approx(128 / 255 if polarity is Polarity.LIGHT_ON_DARK else 127 / 255)


@pytest.mark.parametrize("expected", [MNIST, COLOUR], ids=["grey", "colour"])
def test_a_wholly_transparent_picture_is_empty(expected: Expected) -> None:
    image, report = read(encode(np.zeros((expected.side, expected.side, 4), np.uint8)), expected=expected)
    assert not image.any()
    assert report.warnings == (EMPTY,)


# --- The orientation


def exif(turn: int) -> bytes:
    block = Image.Exif()
    block[0x010E], block[0x0112], block[0x0131] = "a digit", turn, "a program"
    return block.tobytes()


# How a seven is stored that each orientation brings upright: 6 turns it clockwise.
STORED = {
    1: SEVEN,
    2: SEVEN[:, ::-1],
    3: SEVEN[::-1, ::-1],
    4: SEVEN[::-1],
    5: SEVEN.T,
    6: np.rot90(SEVEN),
    7: SEVEN.T[::-1, ::-1],
    8: np.rot90(SEVEN, -1),
}


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize("turn", STORED)
def test_exif_orientation_is_applied(turn: int) -> None:
    image, _ = read(encode(STORED[turn], exif=exif(turn)))
    assert np.array_equal(np.rint(image * 255), SEVEN)


def block(order: str, *entries: tuple[int, int, int, bytes], start: int = 8) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    rows = b"".join(struct.pack(f"{order}HHI", *one[:3]) + one[3] for one in entries)
    return mark + struct.pack(f"{order}I", start) + bytes(start - 8) + struct.pack(f"{order}H", len(entries)) + rows


SIX, UPRIGHT = (0x0112, 3, 1, b"\6\0\0\0"), 1


def check_turned(data: bytes, turn: int) -> None:
    """An image with this EXIF block is turned as this orientation says, in both formats."""
    image, _ = read(encode(STORED[turn], "PNG", exif=data))
    assert np.array_equal(np.rint(image * 255), SEVEN)
    image, _ = read(encode(STORED[turn], "JPEG", exif=b"Exif\0\0" + data, quality=100))
    np.testing.assert_allclose(image * 255, SEVEN, rtol=0, atol=8)


# The service ignores what Pillow says of a damaged block.
DAMAGED = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@DAMAGED
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "form"), [(3, "Hxx"), (4, "I")])
@pytest.mark.parametrize("start", [8, 9, 40])
def test_every_whole_number_counts(order: str, kind: int, form: str, start: int) -> None:
    check_turned(block(order, (0x0112, kind, 1, struct.pack(order + form, 6)), start=start), 6)


@DAMAGED
@pytest.mark.parametrize(
    ("data", "turn"),
    [
        (exif(6), 6),  # some cameras write the prefix of a JPEG twice
        (block("<", (0x0112, 3, 1, b"\3\0\0\0"), SIX), 3),  # of two the first counts
        (block("<", (0x0100, 4, 1, b"\x12\x01\3\0"), SIX), 6),  # a value that looks like the tag
        (block("<", SIX).replace(b"\1\0\x12", b"\xff\xff\x12"), 6),  # a directory that lies of its length
        (b"", UPRIGHT),
        (b"II*\0", UPRIGHT),
        (b"II*\0\xff\xff\xff\xff", UPRIGHT),
        (b"XX*\0" + bytes(20), UPRIGHT),
        (block("<"), UPRIGHT),
        (block("<", SIX)[:-1], UPRIGHT),
        (block("<", (0x0112, 2, 1, b"\6\0\0\0")), UPRIGHT),
        (block("<", (0x0112, 3, 1, b"\0\0\0\0")), UPRIGHT),
        (block("<", (0x0112, 3, 1, b"\t\0\0\0")), UPRIGHT),
    ],
)
def test_the_orientation_of_a_block(data: bytes, turn: int) -> None:
    check_turned(data, turn)


# --- What is refused


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("size", [(4097, 1), (1, 65535), (2500, 1601), (10_000, 10_000), (50_000, 50_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    # The pixels are not even there. Pillow warns of what is so large, and makes none.
    header = bytearray(encode(Image.new("L", (28, 28)))[:100])
    header[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with refuses(
        UnsuitableImageError,
        f"the image is {size[0]}×{size[1]}; at most 4096 pixels a side and 4,000,000 in all are read",
    ):
        read(bytes(header), fit=Fit.MNIST)


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("side", [14_000, 65_500])
def test_a_jpeg_that_claims_too_many_pixels_is_refused_by_its_header(side: int) -> None:
    data = encode(SEVEN, "JPEG")
    frame = data.index(b"\xff\xc0") + 5
    claimed = data[:frame] + 2 * side.to_bytes(2, "big") + data[frame + 4 :]
    with refuses(
        UnsuitableImageError, "the image is far too large; at most 4096 pixels a side and 4,000,000 in all are read"
    ):
        read(claimed, fit=Fit.MNIST)


@pytest.mark.threat("animated pictures")
def test_animated_pictures_are_refused() -> None:
    frames = [Image.fromarray(SEVEN), Image.fromarray(255 - SEVEN)]
    data = encode(frames[0], save_all=True, append_images=frames[1:])
    with refuses(UnsuitableImageError, "the image is animated; send a single frame"):
        read(data)


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("text", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0", b"7"])
def test_what_is_no_bitmap_is_refused(text: bytes) -> None:
    with refuses(UnsupportedImageError, "the file is neither a PNG nor a JPEG image"):
        read(text)


@pytest.mark.threat("format confusion")
def test_a_multi_picture_jpeg_is_refused() -> None:
    frames = [Image.fromarray(SEVEN), Image.fromarray(255 - SEVEN)]
    data = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with refuses(UnsupportedImageError, "the file is neither a plain PNG nor a plain JPEG image"):
        read(data)


# The number of bytes is right, and their checksum.
NO_FILTER = SIGNATURE + header(28, 28, 8, 0, 0) + chunk(b"IDAT", zlib.compress((b"\5" + bytes(28)) * 28))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the image is empty: 0 bytes arrived"),
        (sample(7)[:16] + b"?" * 40, "the image is damaged: a checksum in it is wrong"),
        (NO_FILTER + chunk(b"IEND"), "the image is damaged or cut short: its pixels cannot be decoded"),
    ],
    ids=["nothing", "a damaged header", "a filter that there is not"],
)
def test_what_cannot_be_read_is_refused(data: bytes, message: str) -> None:
    with refuses(UnreadableImageError, message):
        read(data)


@pytest.mark.threat("corrupt files")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_at_any_byte_never_gives_wrong_pixels(kind: str) -> None:
    data = encode(SEVEN, kind)
    for length in range(1, len(data)):
        with pytest.raises((UnreadableImageError, UnsupportedImageError)):
            read(data[:length])


# --- Sizes and colours


@pytest.mark.parametrize(("size", "side"), [((28, 28), 28), ((40, 60), 64), ((500, 300), 8)])
def test_resize_does_what_the_trainer_does_with_a_folder_of_pictures(
    size: tuple[int, int], side: int, tmp_path: Path
) -> None:
    path = tmp_path / "bar.png"
    bars(30, 4, size).save(path)
    kept = prepared(path, Polarity.AUTO, side, False) / 255
    for fit in (Fit.RESIZE, Fit.AUTO):
        image, report = read(path.read_bytes(), expected=replace(SILHOUETTES, side=side), fit=fit)
        np.testing.assert_allclose(image, kept, atol=0.5 / 255 + 1e-6)
        assert (report.inverted, report.fitted, report.box) == (True, False, None)
        # In eight pixels nothing is left of a bar that is 6 of 500 pixels wide.
        assert report.warnings == ((EMPTY,) if side == 8 else ())


def random_picture(mode: str, size: tuple[int, int] = (32, 32)) -> Image.Image:
    """Blocks of random colours, as smooth as a photograph."""
    rng = np.random.default_rng(len(mode))
    bands = [Image.fromarray(rng.integers(0, 256, (7, 9), np.uint8)) for _ in mode]
    return Image.merge(mode, [one.resize(size) for one in bands]) if len(bands) > 1 else bands[0].resize(size)


@pytest.mark.parametrize(("mode", "size"), [("RGB", (70, 41)), ("RGBA", (500, 300)), ("L", (5, 9)), ("LA", (32, 32))])
def test_colour_is_resized_as_the_trainer_does(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "some.png"
    random_picture(mode, size).save(path)
    image, report = read(path.read_bytes(), expected=COLOUR, fit=Fit.AUTO)
    assert image.dtype == np.float64
    kept = prepared(path, Polarity.LIGHT_ON_DARK, 32, True) / 255
    np.testing.assert_allclose(image, kept, atol=0.5 / 255 + 1e-6)
    assert report == PreprocessingReport("PNG", *size, mode, inverted=False, fitted=False, box=None, warnings=())


BRIGHT = Image.eval(random_picture("RGB"), lambda value: 128 + value // 2)
GREY = random_picture("L")
PLAIN = Image.new("RGB", (32, 32), (200, 30, 90))
IN_COLOUR = {
    "RGB, brighter than ink": (encode(BRIGHT), BRIGHT),
    "L": (encode(GREY), GREY),
    "RGB of grey": (encode(GREY.convert("RGB")), GREY),
    "LA": (encode(GREY.convert("LA")), GREY),
    "16 bits": (encode(np.asarray(GREY).astype(np.uint16) * 257), GREY),
    "palette": (encode(GREY.convert("P")), GREY),
    "JPEG": (encode(PLAIN, "JPEG", quality=95), PLAIN),
    "JPEG of CMYK": (encode(PLAIN.convert("CMYK"), "JPEG", quality=95), PLAIN),
    "JPEG of grey": (encode(PLAIN.convert("L"), "JPEG", quality=95), PLAIN.convert("L")),
}


@pytest.mark.parametrize("name", IN_COLOUR)
def test_every_encoding_is_three_channels_of_colour(name: str) -> None:
    data, picture = IN_COLOUR[name]
    image, report = read(data, expected=COLOUR)
    expected = np.asarray(picture.convert("RGB")).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(image, expected, rtol=0, atol=0.03 if "JPEG" in name else 1e-6)
    assert not report.inverted
    assert report.warnings == ((EMPTY,) if "JPEG" in name else ()), "bright colours are no ink"


def test_a_colour_picture_for_a_grey_network_is_its_luminance() -> None:
    picture = random_picture("RGB")
    image, _ = read(encode(picture), Polarity.LIGHT_ON_DARK, replace(SILHOUETTES, side=32))
    red, green, blue = np.asarray(picture, float).transpose(2, 0, 1)
    np.testing.assert_allclose(image * 255, 0.299 * red + 0.587 * green + 0.114 * blue, atol=0.51)


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize(
    ("colour", "polarity", "paper"),
    [
        ((250, 110, 0), Polarity.AUTO, 0),  # light by its red
        ((20, 30, 120), Polarity.AUTO, 1),
        ((20, 30, 120), Polarity.LIGHT_ON_DARK, 0),
    ],
)
def test_transparent_colour_stands_on_black_or_white(
    colour: tuple[int, int, int], polarity: Polarity, paper: int
) -> None:
    """On the opposite of what is opaque, as in grey."""
    picture = Image.new("RGBA", (32, 32), (*colour, 0))
    picture.paste((*colour, 255), (8, 8, 24, 24))
    picture.paste((*colour, 102), (8, 4, 24, 8))
    image, _ = read(encode(picture), polarity, COLOUR)
    assert (image[:, 0, 0] == paper).all()
    np.testing.assert_allclose(image[:, 12, 12], np.array(colour) / 255, atol=1e-12)
    np.testing.assert_allclose(image[:, 5, 12], 0.4 * np.array(colour) / 255 + 0.6 * paper, atol=1e-12)


@pytest.mark.threat("silently wrong pixels")
def test_exif_orientation_is_applied_in_colour() -> None:
    upright = random_picture("RGB")
    image, _ = read(encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif(6)), expected=COLOUR)
    assert np.array_equal(image, np.asarray(upright).transpose(2, 0, 1) / 255)
