import struct

import pytest
from PIL import Image

from konkyo.service.imaging.orientation import UPRIGHT, entry, orientation


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
