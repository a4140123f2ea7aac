import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.trainer.idx import parse, uncompressed
from tests.helpers.refuse import refuses

KIND = "not an IDX file of unsigned bytes"


def packed(shape: tuple[int, ...], body: bytes) -> bytes:
    """The format as its description says: two zeros, type 8, the number of sides, each side big-endian, the bytes."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + body


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2**32))
def test_reads_what_the_format_says(shape: list[int], seed: int) -> None:
    body = np.random.default_rng(seed).bytes(int(np.prod(shape)))
    array = parse(packed(tuple(shape), body))
    assert array.shape == tuple(shape)
    assert array.dtype == np.uint8
    assert array.tobytes() == body


def test_rows_come_before_columns() -> None:
    assert parse(packed((2, 3), bytes([1, 2, 3, 4, 5, 6]))).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\0\x08", b"\0\0\x09\x01\0\0\0\0", b"\x1f\x8b\x08\x01", b"PNG and more"]
)
def test_refuses_another_format(data: bytes) -> None:
    with refuses(ValueError, KIND):
        parse(data)


@pytest.mark.parametrize(("body", "held"), [(b"", 0), (b"12345", 5), (b"1234567", 7)])
def test_refuses_another_length_than_announced(body: bytes, held: int) -> None:
    with refuses(ValueError, f"the header announces 6 bytes, the file holds {held}"):
        parse(packed((2, 3), body))


@pytest.mark.parametrize("length", range(4, 12))
def test_refuses_a_header_cut_short(length: int) -> None:
    with pytest.raises(ValueError, match=r"^buffer is smaller than requested size$"):
        parse(packed((2, 3), b"")[:length])


def test_reads_gzip_by_its_contents_and_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "data"
    for name in ("data", "data.gz", "data.txt"):
        path = tmp_path / name
        path.write_bytes(b"plain as it is")
        assert uncompressed(path) == b"plain as it is"
        path.write_bytes(gzip.compress(b"packed"))
        assert uncompressed(path) == b"packed"


def test_refuses_gzip_cut_short_or_damaged(tmp_path: Path) -> None:
    path, whole = tmp_path / "data.gz", gzip.compress(bytes(range(256)) * 20)
    for length in (10, 15, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:length])
        with refuses(OSError, f"{path} is cut short"):
            uncompressed(path)
    for position in range(3, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert uncompressed(path) == bytes(range(256)) * 20  # a byte of the header that says nothing
        except OSError:
            assert position not in range(4, 8)  # the time stamp
