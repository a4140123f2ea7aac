import gzip
import hashlib
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.trainer.data import Digits, find, read
from konkyo.trainer.data.about import SHA256
from konkyo.trainer.errors import DataError
from tests.helpers.folders import DATA
from tests.helpers.refuse import refuses

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """MNIST's test set, gzipped, to be damaged."""
    for name in (IMAGES, LABELS):
        shutil.copy(DATA / f"{name}.gz", tmp_path)
    return tmp_path


def test_the_hashes_are_mnists() -> None:
    """As published with the data set."""
    assert SHA256 == {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    for name in (IMAGES, LABELS):
        assert hashlib.sha256(gzip.decompress((DATA / f"{name}.gz").read_bytes())).hexdigest() == SHA256[name]


def test_the_test_set_is_read_pixel_by_pixel(digits: Digits) -> None:
    raw = gzip.decompress((DATA / f"{IMAGES}.gz").read_bytes())
    assert struct.unpack(">4I", raw[:16]) == (2051, 10_000, 28, 28)
    assert digits.images.shape == (10_000, 28, 28)
    for number in (0, 1, 4_711, 9_999):
        assert digits.images[number].tobytes() == raw[16 + number * 784 : 16 + (number + 1) * 784]
    assert digits.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(digits.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert len(digits) == 10_000


def test_plain_files_are_read_and_preferred(folder: Path, digits: Digits) -> None:
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes(gzip.decompress((folder / f"{name}.gz").read_bytes()))
        (folder / f"{name}.gz").write_bytes(b"not read")
        assert find(folder, name) == folder / name
    again = read(folder, "t10k")
    assert (again.images == digits.images).all()
    assert (again.labels == digits.labels).all()


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / f"{LABELS}.gz").unlink()
    (folder / LABELS).mkdir()  # a folder of that name is no file
    assert find(folder, LABELS) is None
    with refuses(DataError, f"{folder} holds neither {LABELS} nor {LABELS}.gz"):
        read(folder, "t10k")
    with refuses(DataError, f"{folder} holds neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz"):
        read(folder, "train")


def test_another_file_is_refused_with_both_hashes(folder: Path) -> None:
    raw = bytearray(gzip.decompress((folder / f"{LABELS}.gz").read_bytes()))
    raw[-1] ^= 1  # the last label: 6 becomes 7
    path = folder / f"{LABELS}.gz"
    path.write_bytes(gzip.compress(raw))
    digest = hashlib.sha256(raw).hexdigest()
    message = (
        f"{path} is not MNIST's {LABELS}: its SHA-256 is {digest}, and should be {SHA256[LABELS]}. If this is another "
        "data set, put classes.txt beside it, with the name of a class on each line"
    )
    with refuses(DataError, message):
        read(folder, "t10k")


def test_a_cut_gzip_file_is_refused(folder: Path) -> None:
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with refuses(DataError, f"{path} cannot be read: it is cut short"):
        read(folder, "t10k")


@pytest.mark.parametrize("position", [2, 1_000, -6])
def test_a_damaged_gzip_file_is_refused(position: int, folder: Path) -> None:
    """Its method, its compressed data, its check sum."""
    path = folder / f"{LABELS}.gz"
    damaged = bytearray(path.read_bytes())
    damaged[position] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DataError) as caught:
        read(folder, "t10k")
    assert str(caught.value).startswith(f"{path} ")


def numbered(count: int) -> Digits:
    """Pictures that can be told apart: each holds its number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Digits(images, (np.arange(count) % 10).astype(np.uint8))


def numbers(digits: Digits) -> list[int]:
    found = (digits.images[:, 0, 0].astype(int) * 256 + digits.images[:, 0, 1]).tolist()
    assert [number % 10 for number in found] == digits.labels.tolist()  # pictures keep their labels
    return list(found)


@given(st.integers(2, 700), st.data())
def test_the_split_is_disjoint_and_complete(count: int, data: st.DataObject) -> None:
    held_out = data.draw(st.integers(1, count - 1))
    training, validation = (numbers(part) for part in numbered(count).split(held_out))
    assert len(validation) == held_out
    assert sorted(training + validation) == list(range(count))
    assert training == sorted(training)
    assert validation == sorted(validation)


def test_the_split_is_always_the_same() -> None:
    """Whatever was drawn before; and which pictures validate is part of what a card's numbers mean."""
    np.random.seed(1)
    first = numbers(numbered(60).split(10)[1])
    np.random.seed(2)
    assert numbers(numbered(60).split(10)[1]) == first
    # The rule written out: the first ten of numpy's permutation of 60 from seed 0.
    assert first == sorted(np.random.Generator(np.random.PCG64(0)).permutation(60)[:10].tolist())


def test_a_smaller_validation_set_is_part_of_a_larger() -> None:
    assert set(numbers(numbered(100).split(7)[1])) < set(numbers(numbered(100).split(30)[1]))


@pytest.mark.parametrize("held_out", [-1, 0, 60, 61])
def test_refuses_to_leave_nothing_on_one_side(held_out: int) -> None:
    with refuses(DataError, f"validation takes from 1 to 59 of 60 images, not {held_out}"):
        numbered(60).split(held_out)


def test_scaled_to_what_the_network_takes() -> None:
    digits = Digits(np.full((1, 28, 28), 51, np.uint8), np.zeros(1, np.uint8))
    assert digits.scaled(np.float64).tolist() == [[[0.2] * 28] * 28]
    single = digits.scaled(np.float32)
    assert single.dtype == np.float32
    assert single[0, 0, 0] == np.float32(0.2)
    ends = Digits(np.array([[[0, 255]]], np.uint8), np.zeros(1, np.uint8)).scaled(np.float32)
    assert ends.tolist() == [[[0, 1]]]
