import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konkyo.trainer.data.idx import mapped, parse, uncompressed
from konkyo.trainer.errors import DataError
from tests.helpers.refuse import refuses


def packed(shape: tuple[int, ...], body: bytes) -> bytes:
    """The format as its description says: two zeros, type 8, the number of sides, each side big-endian, the bytes."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + body


def read_both(path: Path, data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Read whole, and read a part at a time: both give the same, or refuse with the same words."""
    path.write_bytes(data)
    try:
        array = parse(path, data)
    except DataError as error:
        with refuses(DataError, str(error)):
            mapped(path)
        raise
    np.testing.assert_array_equal(mapped(path), array)
    return array


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2**32))
def test_reads_what_the_format_says(tmp_path: Path, shape: list[int], seed: int) -> None:
    body = np.random.default_rng(seed).bytes(int(np.prod(shape)))
    array = read_both(tmp_path / "data", packed(tuple(shape), body))
    assert array.shape == tuple(shape)
    assert array.dtype == np.uint8
    assert array.tobytes() == body


def test_rows_come_before_columns(tmp_path: Path) -> None:
    array = read_both(tmp_path / "data", packed((2, 3), bytes([1, 2, 3, 4, 5, 6])))
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]


CUT = [packed((2, 3), b"")[:length] for length in range(4, 12)]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\x08", b"\0\0\x09\x01\0\0\0\0", b"PNG and more", *CUT])
def test_refuses_another_format(data: bytes, tmp_path: Path) -> None:
    with refuses(DataError, f"{tmp_path / 'data'} cannot be read: it is not an IDX file of unsigned bytes"):
        read_both(tmp_path / "data", data)


@pytest.mark.parametrize(("body", "held"), [(b"", 0), (b"12345", 5), (b"1234567", 7)])
def test_refuses_another_length_than_announced(body: bytes, held: int, tmp_path: Path) -> None:
    said = f"{tmp_path / 'data'} cannot be read: the header announces 6 bytes, the file holds {held}"
    with refuses(DataError, said):
        read_both(tmp_path / "data", packed((2, 3), body))


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
        with refuses(DataError, f"{path} cannot be read: it is cut short"):
            uncompressed(path)
    for position in range(3, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert uncompressed(path) == bytes(range(256)) * 20  # a byte of the header that says nothing
        except DataError:
            assert position not in range(4, 8)  # the time stamp
