"""What of a JPEG is read, and what is refused before a pixel is decoded."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError
from konkyo.service.imaging import jpeg
from konkyo.service.imaging.decoding import decode_image
from support.pictures import encode, pixels
from support.uploads.jpegs import END, ENDLESS, LIMIT, SIDE, frame, progressive, refined, scan, segment
from tests.helpers.refuse import refuses

SEVEN = Image.fromarray(pixels(7))
WHOLE = encode(SEVEN, "JPEG")
MISSING = "the image is damaged: a part of its pixels is missing"
SCANS = "the image is damaged: not all of its scans are there"
ARITHMETIC = "the image is coded arithmetically, which few programs read; save it as a baseline JPEG"


def checked(data: bytes) -> jpeg.Jpeg:
    file = jpeg.read(data)
    file.check()
    return file


def too_many(most: int) -> str:
    return (
        f"the image has more scans than the {most} that are read of its size; save it as a baseline JPEG, which has one"
    )


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("name", ENDLESS)
def test_scans_without_end_are_refused_before_one_is_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    monkeypatch.setattr("simplejpeg.decode_jpeg", decoded)
    assert len(ENDLESS[name]) <= LIMIT
    with refuses(UnsuitableImageError, ARITHMETIC if "arithmetic" in name else too_many(20)):
        decode_image(ENDLESS[name], Fit.MNIST, Polarity.AUTO)


@pytest.mark.parametrize(("side", "most"), [(SIDE, 20), (28, 100)])
def test_as_many_scans_as_the_size_allows(side: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *_, **__: None)
    ordinary = len(jpeg.read(progressive(side)).scans)
    checked(refined(most - ordinary, side))
    with refuses(UnsuitableImageError, too_many(most)):
        checked(refined(most + 1 - ordinary, side))
    assert len(jpeg.read(refined(5000, side)).scans) == jpeg.MAX_SCANS + 1, "no more are looked at"


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_an_ordinary_progressive_image_of_four_megapixels_is_read(mode: str) -> None:
    file = checked(progressive(SIDE, mode))
    assert len(file.scans) == {"L": 6, "RGB": 10, "CMYK": 18}[mode]


@pytest.mark.threat("work without bound in the decoder")
def test_a_million_bytes_that_look_like_markers_are_looked_at_once() -> None:
    """Fill bytes, stuffed bytes and restarts: what a careless search would go over again and again."""
    head, body = WHOLE.split(b"\xff\xda", 1)
    for inside in (b"\xff" * 1_000_000, b"\xff\x00" * 500_000, b"\xff\xd0" * 500_000, b"\xff\xff\x00" * 300_000):
        (only,) = jpeg.read(head + b"\xff\xda" + body.removesuffix(END) + inside + END).scans
        assert len(only) == 6


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("L", {}),
        ("RGB", {"progressive": True}),
        ("CMYK", {"restart_marker_blocks": 1}),
        ("RGB", {"optimize": True, "quality": 100}),
        # Adobe's segment says whether three components are RGB.
        ("RGB", {"keep_rgb": True}),
    ],
)
def test_every_pixel_is_kept_and_no_comment(mode: str, options: dict[str, int]) -> None:
    data = encode(SEVEN.convert(mode), "JPEG", comment=b"a comment", dpi=(72, 72), **options)
    kept = checked(data).data
    assert b"a comment" not in kept
    assert (b"Adobe" in kept) == (b"Adobe" in data)
    assert (np.asarray(Image.open(BytesIO(data))) == np.asarray(Image.open(BytesIO(kept)))).all()


@pytest.mark.threat("images that are sound to the library and wrong")
@pytest.mark.parametrize(
    ("mode", "options"), [("L", {}), ("RGB", {"progressive": True}), ("CMYK", {"restart_marker_blocks": 1})]
)
def test_an_image_cut_in_its_scans_and_ended_is_never_answered_wrong(mode: str, options: dict[str, int]) -> None:
    """libjpeg makes up the rest of the pixels, and says so only in a warning."""
    data = encode(SEVEN.convert(mode), "JPEG", **options)
    whole, _ = decode_image(data, Fit.EXACT, Polarity.AUTO)
    refused = 0
    for length in range(data.index(b"\xff\xda") + 14, len(data) - 2):
        try:
            image, _ = decode_image(data[:length] + END, Fit.EXACT, Polarity.AUTO)
        except UnreadableImageError:
            refused += 1
        else:
            assert (image == whole).all()
    assert refused > 180


def test_bytes_left_over_after_the_pixels_are_no_damage() -> None:
    checked(WHOLE.removesuffix(END) + bytes(40) + END)


@pytest.mark.threat("images that are sound to the library and wrong")
def test_a_progressive_image_without_its_last_scans_is_cut_short() -> None:
    data = progressive(28)
    with refuses(UnreadableImageError, SCANS):
        checked(data[: data.rindex(b"\xff\xda")] + END)
    with refuses(UnreadableImageError, SCANS):
        checked(frame(0xC0, 28, 28, b"\1\2\3") + scan(b"\1\2") + b"\0" * 99 + END)


def exif(turn: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = turn
    return block.tobytes()


def test_the_orientation_is_that_of_the_first_block() -> None:
    data = encode(SEVEN, "JPEG", exif=exif(6))
    second = segment(0xE1, exif(3))
    for some in (data, data.replace(b"\xff\xdb", second + b"\xff\xdb", 1)):
        assert checked(some).data.count(b"Exif") == 1
        assert Image.open(BytesIO(checked(some).data)).getexif()[0x0112] == 6


def test_a_file_that_says_it_holds_one_of_several_images_is_read() -> None:
    data = encode(SEVEN, "MPO", save_all=True, append_images=[SEVEN])
    count = re.search(rb"\x01\xb0\x04\x00\x01\x00\x00\x00\x02|\xb0\x01\x00\x04\x00\x00\x00\x01\x00\x00\x00\x02", data)
    assert count is not None
    checked(data[: count.end()].replace(count[0], count[0].replace(b"\x02", b"\x01")) + data[count.end() :])


HEADER = UnreadableImageError, "the image is damaged: its header cannot be read"
NOT_ALL = UnreadableImageError, "the image is damaged: a part of it is missing"
FRAME, SCAN = frame(0xC0, 28, 28, b"\1"), scan(b"\1")
# A head that says 4 components, and has one.
LIES = b"\xff\xd8" + segment(0xC0, b"\x08\0\x1c\0\x1c\4\1\x11\0")
HALF = WHOLE[: (WHOLE.index(b"\xff\xda") + len(WHOLE)) // 2]
REFUSED = {
    "no frame": (b"\xff\xd8" + SCAN + END, *HEADER),
    "no scan": (FRAME + END, *HEADER),
    "nothing": (b"\xff\xd8\xff", *HEADER),
    "a scan of no length": (FRAME + segment(0xDA, b"") + END, *HEADER),
    "a scan that lies of its components": (FRAME + segment(0xDA, b"\4\1\0\0\x3f\0") + END, *HEADER),
    "a frame that lies of its components": (LIES + SCAN + END, *HEADER),
    "a frame cut short": (b"\xff\xd8" + segment(0xC0, b"\x08\0") + SCAN + END, *HEADER),
    "two frames": (
        FRAME + frame(0xC0, 99, 99, b"\1")[2:] + SCAN + END,
        UnreadableImageError,
        "the image is damaged: its segments are not in their order",
    ),
    "a second start": (WHOLE[:2] + WHOLE, *NOT_ALL),
    "a segment cut short": (WHOLE[:30], *NOT_ALL),
    "half of its pixels": (HALF + END, UnreadableImageError, MISSING),
    "too many segments": (
        b"\xff\xd8" + segment(0xFE, b"") * 999 + WHOLE[2:],
        UnsuitableImageError,
        "the image has more than 1,000 segments; save it anew, without its metadata",
    ),
    # Pillow reads it without a warning where no pixel is there.
    "arithmetic": (frame(0xC9, 28, 28, b"\1") + SCAN + END, UnsuitableImageError, ARITHMETIC),
    "lossless and arithmetic": (frame(0xCB, 28, 28, b"\1") + SCAN + END, UnsuitableImageError, ARITHMETIC),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    data, error, message = REFUSED[name]
    with refuses(error, message):
        decode_image(data, Fit.EXACT, Polarity.AUTO)
