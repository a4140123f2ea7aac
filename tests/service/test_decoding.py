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
from konkyo.models.preparation.doubts import InputWarning
from konkyo.models.preparation.expected import Expected, Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import PreprocessingReport, decode_image
from konkyo.service.imaging.orientation import UPRIGHT, entry, orientation
from konkyo.trainer.data import Digits
from konkyo.trainer.data.pictures import prepared
from tests.helpers.datasets import bars
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.refuse import refuses
from tests.hostile.chunks import SIGNATURE, chunk, header

SEVEN = pixels(7)
EMPTY = InputWarning("empty", "the image is empty: nothing stands out from its background")


def read(data: bytes, fit: Fit = Fit.EXACT, polarity: Polarity = Polarity.AUTO) -> tuple[Array, PreprocessingReport]:
    return decode_image(data, fit, polarity)


def test_a_mnist_digit_is_taken_as_it_is() -> None:
    image, report = read(sample(7))
    assert image.dtype == np.float64
    assert np.array_equal(image, SEVEN / 255)
    assert report == PreprocessingReport("PNG", 28, 28, "L", inverted=False, fitted=False, box=None, warnings=())


@pytest.mark.threat("silently wrong pixels")
def test_sixteen_bits_are_scaled_not_clipped() -> None:
    image, report = read(encode(np.full((28, 28), 300, np.uint16)), polarity=Polarity.LIGHT_ON_DARK)
    assert (image == 300 / 65535).all()
    assert report.mode == "I;16"


def test_dark_ink_on_light_paper_is_inverted() -> None:
    image, report = read(encode(255 - SEVEN))
    assert np.array_equal(np.rint(image * 255), SEVEN)
    assert report.inverted is True


def test_no_mnist_digit_is_inverted(digits: Digits) -> None:
    for digit in digits.images[::100]:
        image, report = read(encode(digit))
        assert report.inverted is False
        assert np.array_equal(np.rint(image * 255), digit)


def test_polarity_can_be_forced() -> None:
    image, report = read(sample(7), polarity=Polarity.DARK_ON_LIGHT)
    assert report.inverted is True
    assert np.array_equal(np.rint(image * 255), 255 - SEVEN)
    kept, report = read(encode(255 - SEVEN), polarity=Polarity.LIGHT_ON_DARK)
    assert report.inverted is False
    assert np.array_equal(np.rint(kept * 255), 255 - SEVEN)


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize("ink", [0, 255], ids=["dark ink", "light ink"])
def test_transparent_paper_is_what_the_ink_stands_out_from(ink: int) -> None:
    layers = np.zeros((28, 28, 2), np.uint8)
    layers[..., 0], layers[..., 1] = ink, SEVEN
    image, report = read(encode(Image.fromarray(layers, "LA")))
    assert np.array_equal(np.rint(image * 255), SEVEN)
    assert report.inverted is (ink == 0)


@pytest.mark.parametrize("polarity", [Polarity.LIGHT_ON_DARK, Polarity.DARK_ON_LIGHT])
def test_transparent_paper_is_what_the_polarity_says(polarity: Polarity) -> None:
    layers = np.full((28, 28, 2), 128, np.uint8)
    layers[..., 1] = SEVEN
    image, _ = read(encode(Image.fromarray(layers, "LA")), polarity=polarity)
    assert image[0, 0] == 0  # transparent: paper, whatever the ink is
    assert image[SEVEN == 255] == pytest.approx(128 / 255 if polarity is Polarity.LIGHT_ON_DARK else 127 / 255)


def test_a_wholly_transparent_picture_is_empty() -> None:
    image, report = read(encode(np.zeros((28, 28, 4), np.uint8)))
    assert not image.any()
    assert report.warnings == (EMPTY,)


@pytest.mark.threat("silently wrong pixels")
def test_exif_orientation_is_applied() -> None:
    turned = Image.fromarray(np.rot90(SEVEN))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    image, _ = read(encode(turned, exif=exif.tobytes()))
    assert np.array_equal(np.rint(image * 255), SEVEN)


def test_a_picture_full_of_ink_comes_with_a_warning() -> None:
    full = np.full((28, 28), 255, np.uint8)
    _, report = read(encode(full), polarity=Polarity.LIGHT_ON_DARK)
    assert report.warnings == (InputWarning("mostly-ink", "more than half of the image is ink: no digit of MNIST is"),)


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


@pytest.mark.parametrize("number", [5, 255])
def test_a_filter_that_there_is_not_is_refused(number: int) -> None:
    """The number of bytes is right, and their checksum."""
    rows = zlib.compress((bytes([number]) + bytes(28)) * 28)
    data = SIGNATURE + header(28, 28, 8, 0, 0) + chunk(b"IDAT", rows) + chunk(b"IEND")
    with refuses(UnreadableImageError, "the image is damaged or cut short: its pixels cannot be decoded"):
        read(data)


@pytest.mark.threat("animated pictures")
def test_animated_pictures_are_refused() -> None:
    frames = [Image.fromarray(SEVEN), Image.fromarray(255 - SEVEN)]
    data = encode(frames[0], save_all=True, append_images=frames[1:])
    with refuses(UnsuitableImageError, "the image is animated; send a single frame"):
        read(data)


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "WEBP", "ICO", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    with refuses(UnsupportedImageError, "the file is neither a PNG nor a JPEG image"):
        read(encode(SEVEN, kind))


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


def test_an_empty_file_is_refused() -> None:
    with refuses(UnreadableImageError, "the image is empty: 0 bytes arrived"):
        read(b"")


@pytest.mark.threat("corrupt files")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_at_any_byte_never_gives_wrong_pixels(kind: str) -> None:
    data = encode(SEVEN, kind)
    whole, _ = read(data)
    refused = 0
    for length in range(1, len(data)):
        try:
            image, _ = read(data[:length])
        except (UnreadableImageError, UnsupportedImageError):
            refused += 1
        else:  # pragma: no cover
            assert np.array_equal(image, whole)
    assert refused == len(data) - 1


def test_a_damaged_header_is_not_called_another_format() -> None:
    with refuses(UnreadableImageError, "the image is damaged: a checksum in it is wrong"):
        read(sample(7)[:16] + b"?" * 40)


SILHOUETTES = Expected(Preprocessing.RESIZE, Polarity.AUTO, ())


@pytest.mark.parametrize("side", [28, 8, 64])
@pytest.mark.parametrize("size", [(28, 28), (40, 60), (500, 300)])
def test_resize_does_what_the_trainer_does_with_a_folder_of_pictures(
    size: tuple[int, int], side: int, tmp_path: Path
) -> None:
    picture = bars(30, 4, size)
    picture.save(tmp_path / "bar.png")
    kept = prepared(tmp_path / "bar.png", Polarity.AUTO, side, False) / 255
    for fit in (Fit.RESIZE, Fit.AUTO):
        expected = replace(SILHOUETTES, side=side)
        image, report = decode_image((tmp_path / "bar.png").read_bytes(), fit, Polarity.AUTO, expected)
        np.testing.assert_allclose(image, kept, atol=0.5 / 255 + 1e-6)
        assert (report.inverted, report.fitted, report.box) == (True, False, None)
        # In eight pixels nothing is left of a bar that is 6 of 500 pixels wide.
        assert report.warnings == ((EMPTY,) if (side, size) == (8, (500, 300)) else ())


def random_picture(mode: str, size: tuple[int, int]) -> Image.Image:
    """Blocks of random colours, as smooth as a photograph."""
    rng = np.random.default_rng(len(mode))
    bands = [Image.fromarray(rng.integers(0, 256, (7, 9), np.uint8)) for _ in mode]
    return Image.merge(mode, [one.resize(size) for one in bands]) if len(bands) > 1 else bands[0].resize(size)


COLOUR = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, (), 32, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("size", [(32, 32), (70, 41), (500, 300), (5, 9)])
def test_colour_is_resized_as_the_trainer_does(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    random_picture(mode, size).save(tmp_path / "some.png")
    image, report = decode_image((tmp_path / "some.png").read_bytes(), Fit.AUTO, Polarity.AUTO, COLOUR)
    assert image.shape == (3, 32, 32)
    assert image.dtype == np.float64
    kept = prepared(tmp_path / "some.png", Polarity.LIGHT_ON_DARK, 32, True) / 255
    np.testing.assert_allclose(image, kept, atol=0.5 / 255 + 1e-6)
    assert (report.inverted, report.fitted, report.box, report.warnings) == (False, False, None, ())
    assert (report.width, report.height, report.mode) == (*size, mode)


def test_colour_is_taken_exactly() -> None:
    picture = random_picture("RGB", (32, 32))
    image, report = decode_image(encode(picture), Fit.EXACT, Polarity.AUTO, COLOUR)
    assert np.array_equal(image, np.asarray(picture).transpose(2, 0, 1) / 255)
    assert report == PreprocessingReport("PNG", 32, 32, "RGB", inverted=False, fitted=False, box=None, warnings=())
    bright = Image.eval(picture, lambda value: 128 + value // 2)
    image, report = decode_image(encode(bright), Fit.EXACT, Polarity.AUTO, COLOUR)
    assert report.inverted is False
    assert np.array_equal(image, np.asarray(bright).transpose(2, 0, 1) / 255)


@pytest.mark.parametrize(
    "data",
    [
        encode(random_picture("L", (32, 32))),
        encode(random_picture("L", (32, 32)).convert("RGB")),
        encode(random_picture("L", (32, 32)).convert("LA")),
        encode(np.asarray(random_picture("L", (32, 32))).astype(np.uint16) * 257),
        encode(random_picture("L", (32, 32)).convert("P")),
    ],
    ids=["L", "RGB", "LA", "16 bits", "palette"],
)
def test_a_grey_picture_becomes_three_equal_channels(data: bytes) -> None:
    image, _ = decode_image(data, Fit.EXACT, Polarity.AUTO, COLOUR)
    grey = np.asarray(random_picture("L", (32, 32))) / 255
    assert np.array_equal(np.rint(image * 255), np.rint(np.stack([grey] * 3) * 255))


@pytest.mark.parametrize("kind", ["RGB", "CMYK", "L"])
def test_a_jpeg_in_colour_stays_close(kind: str) -> None:
    picture = Image.new("RGB", (32, 32), (200, 30, 90)).convert(kind)
    image, report = decode_image(encode(picture, "JPEG", quality=95), Fit.EXACT, Polarity.AUTO, COLOUR)
    expected = np.asarray(picture.convert("RGB"))[0, 0] / 255
    assert np.abs(image - expected[:, None, None]).max() < 0.03
    assert report.mode == kind


def test_a_colour_picture_for_a_grey_network_is_its_luminance() -> None:
    picture = random_picture("RGB", (32, 32))
    grey = replace(SILHOUETTES, side=32, polarity=Polarity.LIGHT_ON_DARK)
    image, _ = decode_image(encode(picture), Fit.EXACT, Polarity.AUTO, grey)
    red, green, blue = np.asarray(picture, float).transpose(2, 0, 1)
    np.testing.assert_allclose(image * 255, 0.299 * red + 0.587 * green + 0.114 * blue, atol=0.51)


@pytest.mark.threat("silently wrong pixels")
@pytest.mark.parametrize(
    ("colour", "polarity", "paper"),
    [
        ((250, 240, 60), Polarity.AUTO, 0),
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
    image, _ = decode_image(encode(picture), Fit.EXACT, polarity, COLOUR)
    assert (image[:, 0, 0] == paper).all()
    np.testing.assert_allclose(image[:, 12, 12], np.array(colour) / 255, atol=1e-12)
    np.testing.assert_allclose(image[:, 5, 12], 0.4 * np.array(colour) / 255 + 0.6 * paper, atol=1e-12)


def test_wholly_transparent_colour_is_empty() -> None:
    image, report = decode_image(encode(np.zeros((32, 32, 4), np.uint8)), Fit.EXACT, Polarity.AUTO, COLOUR)
    assert not image.any()
    assert report.warnings == (EMPTY,)


def test_colour_is_empty_where_no_channel_has_a_contrast() -> None:
    flat = np.full((32, 32, 3), (200, 30, 90), np.uint8)
    _, report = decode_image(encode(flat), Fit.EXACT, Polarity.AUTO, COLOUR)
    assert report.warnings == (EMPTY,)
    flat[3:9, 3:9, 1] = 60
    _, report = decode_image(encode(flat), Fit.EXACT, Polarity.AUTO, COLOUR)
    assert report.warnings == ()


def test_bright_colour_is_not_warned_of_as_ink() -> None:
    expected = replace(COLOUR, warnings=("mostly-ink", "several-pieces"))
    bright = encode(Image.eval(random_picture("RGB", (32, 32)), lambda value: 128 + value // 2))
    assert decode_image(bright, Fit.EXACT, Polarity.AUTO, expected)[1].warnings == ()


@pytest.mark.threat("silently wrong pixels")
def test_exif_orientation_is_applied_in_colour() -> None:
    upright = random_picture("RGB", (32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif.tobytes())
    image, _ = decode_image(data, Fit.EXACT, Polarity.AUTO, COLOUR)
    assert np.array_equal(image, np.asarray(upright).transpose(2, 0, 1) / 255)


def test_a_network_of_silhouettes_takes_a_large_one_as_it_is() -> None:
    """For digits, what is so large and bright is paper with a dark border."""
    large = np.zeros((28, 28), np.uint8)
    large[2:26, 2:26] = 255
    image, report = read(encode(Image.fromarray(large)))
    assert report.inverted
    image, report = decode_image(encode(Image.fromarray(large)), Fit.EXACT, Polarity.AUTO, SILHOUETTES)
    assert (report.inverted, report.warnings) == (False, ())
    assert np.array_equal(image, large / 255)


def test_the_card_says_which_is_the_ink_where_the_client_does_not() -> None:
    bright = np.full((28, 28), 250, np.uint8)
    bright[5:10, 5:10] = 10
    as_it_is = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, ())
    for polarity, inverted in ((Polarity.AUTO, False), (Polarity.DARK_ON_LIGHT, True)):
        _, report = decode_image(encode(Image.fromarray(bright)), Fit.EXACT, polarity, as_it_is)
        assert report.inverted is inverted


def test_an_image_without_contrast_is_empty_whatever_is_expected() -> None:
    flat = np.full((28, 28), 90, np.uint8)
    _, report = decode_image(encode(Image.fromarray(flat)), Fit.EXACT, Polarity.AUTO, SILHOUETTES)
    assert [one.code for one in report.warnings] == ["empty"]
    flat[3:9, 3:9] = 140
    _, report = decode_image(encode(Image.fromarray(flat)), Fit.EXACT, Polarity.AUTO, SILHOUETTES)
    assert report.warnings == ()


@pytest.mark.parametrize("turn", range(1, 9))
def test_what_pillow_writes(turn: int) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112], exif[0x0131] = "a digit", turn, "a program"
    assert orientation(exif.tobytes()) == turn
    assert orientation(b"Exif\0\0" + exif.tobytes()) == turn  # some cameras write it twice


def block(order: str, *entries: tuple[int, int, int, bytes], start: int = 8) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    rows = b"".join(struct.pack(f"{order}HHI", *one[:3]) + one[3] for one in entries)
    return mark + struct.pack(f"{order}I", start) + bytes(start - 8) + struct.pack(f"{order}H", len(entries)) + rows


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "form"), [(1, "Bxxx"), (3, "HH"), (4, "I")])
@pytest.mark.parametrize("start", [8, 9, 40])
def test_every_whole_number_counts(order: str, kind: int, form: str, start: int) -> None:
    value = struct.pack(order + form, *((6, 0) if form == "HH" else (6,)))
    assert orientation(block(order, (0x0112, kind, 1, value), start=start)) == 6


def test_of_two_the_first_counts() -> None:
    assert orientation(block("<", (0x0112, 3, 1, b"\3\0\0\0"), (0x0112, 3, 1, b"\6\0\0\0"))) == 3


def test_a_value_that_looks_like_the_tag_is_none() -> None:
    assert orientation(block("<", (0x0100, 4, 1, b"\x12\x01\3\0"), (0x0112, 3, 1, b"\6\0\0\0"))) == 6


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"XX*\0" + bytes(20),
        block("<"),
        block("<", (0x0112, 3, 1, b"\6\0\0\0"))[:-1],
        block("<", (0x0112, 3, 2, b"\6\0\0\0")),
        block("<", (0x0112, 2, 1, b"\6\0\0\0")),
        block("<", (0x0112, 3, 1, b"\0\0\0\0")),
        block("<", (0x0112, 3, 1, b"\t\0\0\0")),
    ],
)
def test_what_tells_none_is_upright(exif: bytes) -> None:
    assert orientation(exif) == UPRIGHT


def test_a_directory_that_lies_of_its_length_is_read_as_far_as_it_goes() -> None:
    data = block("<", (0x0112, 3, 1, b"\6\0\0\0")).replace(b"\1\0\x12", b"\xff\xff\x12")
    assert entry(data, 0x0112) == 6
    assert entry(data, 0x0113) is None
