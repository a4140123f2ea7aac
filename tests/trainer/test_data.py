"""Data sets of IDX files: the format, MNIST itself, other data sets, and how images are split."""

import gzip
import hashlib
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from konkyo.trainer.data import Labelled, find, read
from konkyo.trainer.data.about import SHA256
from konkyo.trainer.data.idx import mapped, parse, uncompressed
from konkyo.trainer.errors import DataError
from support.folders import DATA
from tests.helpers.datasets import described, write_idx
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


FORMAT = "it is not an IDX file of unsigned bytes"
LENGTH = "the header announces 6 bytes, the file holds"
UNREADABLE = [
    *((data, FORMAT) for data in (b"", b"\0\0\x08", b"\0\0\x09\x01\0\0\0\0", b"PNG and more")),
    *((packed((2, 3), b"")[:length], FORMAT) for length in (4, 7, 11)),
    *((packed((2, 3), body), f"{LENGTH} {len(body)}") for body in (b"", b"12345", b"1234567")),
]


@pytest.mark.parametrize(("data", "message"), UNREADABLE)
def test_refuses_another_format_and_another_length_than_announced(data: bytes, message: str, tmp_path: Path) -> None:
    with refuses(DataError, f"{tmp_path / 'data'} cannot be read: {message}"):
        read_both(tmp_path / "data", data)


PACKED = b"\0\0\x08\x01" + (5120).to_bytes(4, "big") + bytes(range(256)) * 20


def test_reads_gzip_by_its_contents_and_not_by_its_name(tmp_path: Path) -> None:
    for name in ("data", "data.gz"):
        path = tmp_path / name
        path.write_bytes(b"plain as it is")
        assert uncompressed(path) == b"plain as it is"
        path.write_bytes(gzip.compress(PACKED))
        assert uncompressed(path) == PACKED


def test_refuses_gzip_cut_short_or_damaged(tmp_path: Path) -> None:
    path, whole = tmp_path / "data.gz", gzip.compress(PACKED)
    for length in (10, 15, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:length])
        with refuses(DataError, f"{path} cannot be read: it is cut short"):
            uncompressed(path)
    for position in range(3, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert uncompressed(path) == PACKED  # a byte of the header that says nothing
        except DataError:
            assert position not in range(4, 8)  # the time stamp


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """MNIST's test set, gzipped, to be damaged."""
    for name in (IMAGES, LABELS):
        shutil.copy(DATA / f"{name}.gz", tmp_path)
    return tmp_path


def test_the_test_set_is_read_pixel_by_pixel(digits: Labelled) -> None:
    raw = gzip.decompress((DATA / f"{IMAGES}.gz").read_bytes())
    assert struct.unpack(">4I", raw[:16]) == (2051, 10_000, 28, 28)
    assert digits.images.shape == (10_000, 28, 28)
    assert digits.images.tobytes() == raw[16:]
    assert digits.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(digits.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert len(digits) == 10_000


def test_plain_files_are_read_and_preferred(folder: Path, digits: Labelled) -> None:
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


def numbered(count: int) -> Labelled:
    """Pictures that can be told apart: each holds its number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Labelled(images, (np.arange(count) % 10).astype(np.uint8))


def numbers(digits: Labelled) -> list[int]:
    found = (digits.images[:, 0, 0].astype(int) * 256 + digits.images[:, 0, 1]).tolist()
    assert [number % 10 for number in found] == digits.labels.tolist()  # pictures keep their labels
    return list(found)


@given(st.integers(2, 700), st.data())
def test_the_split_is_always_the_same(count: int, data: st.DataObject) -> None:
    """Which pictures validate is part of what a card's numbers mean: the first of numpy's permutation from seed 0."""
    held_out = data.draw(st.integers(1, count - 1))
    training, validation = (numbers(part) for part in numbered(count).split(held_out))
    order = np.random.Generator(np.random.PCG64(0)).permutation(count).tolist()
    assert validation == sorted(order[:held_out])
    assert training == sorted(order[held_out:])


@pytest.mark.parametrize("held_out", [0, 60])
def test_refuses_to_leave_nothing_on_one_side(held_out: int) -> None:
    with refuses(DataError, f"validation takes from 1 to 59 of 60 images, not {held_out}"):
        numbered(60).split(held_out)


def test_scaled_to_what_the_network_takes() -> None:
    pixels = Labelled(np.array([[[0, 51, 255]]], np.uint8), np.zeros(1, np.uint8))
    assert pixels.scaled(np.float64).tolist() == [[[0, 0.2, 1]]]
    assert pixels.scaled(np.float32).dtype == np.float32


def images(count: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28)).astype(np.uint8)


def test_names_of_classes_make_it_another_data_set_than_mnist(tmp_path: Path) -> None:
    write_idx(tmp_path, "train", images(6), [0, 1, 2, 0, 1, 2])
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not read, as the plain one is there")
    write_idx(tmp_path, "t10k", images(3, 2), [2, 1, 0], packed=True)
    (tmp_path / "classes.txt").write_text("Bär\ncat\n\n two words \n", encoding="utf-8")
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert np.array_equal(train.images, images(6))
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2, 0, 1, 2], [2, 1, 0])
    assert train.about.classes == test.about.classes == ("Bär", "cat", "two words")
    assert list(train.about.files) == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
    assert list(test.about.files) == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    assert (train.about.preprocessing, train.about.polarity, train.about.notes) == ("resize", "light-on-dark", ())


def test_emnists_letters_are_transposed_and_count_from_1(tmp_path: Path) -> None:
    """A made-up file in EMNIST's layout: its names, its labels, its rows for columns, its mapping to characters."""
    shown = images(4)
    write_idx(tmp_path, "emnist-letters-train", shown.swapaxes(1, 2), [1, 2, 3, 1], packed=True)
    write_idx(tmp_path, "emnist-letters-test", images(2, 2), [3, 2])
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n")
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert np.array_equal(train.images, shown)
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2, 0], [2, 1])
    assert train.about.classes == ("A", "B", "C")
    assert train.about.notes == ("labels were counted from 1", "rows and columns were exchanged")
    assert (train.about.preprocessing, train.about.polarity) == ("mnist", "auto")


def test_the_description_says_what_is_not_detected(tmp_path: Path) -> None:
    shown = images(4)
    write_idx(tmp_path, "letters-train", 255 - shown.swapaxes(1, 2), [0, 1, 0, 1])
    described(tmp_path, transpose=True, polarity="dark-on-light", name="Letters", licence="CC0")
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert sorted([*train.labels.tolist(), *test.labels.tolist()]) == [0, 0, 1, 1]
    both = {one.tobytes() for one in (*train.images, *test.images)}
    assert both == {one.tobytes() for one in shown}
    assert train.about.notes == (
        "rows and columns were exchanged",
        "no test images: of each class one of 5 images, chosen by SHA-256, tests",
    )


def test_labels_that_begin_with_1_beside_names_for_all_numbers_stay(tmp_path: Path) -> None:
    write_idx(tmp_path, "train", images(3), [1, 2, 1])
    (tmp_path / "classes.txt").write_text("none\nleft\nright\n")
    write_idx(tmp_path, "t10k", images(1), [2])
    assert read(tmp_path, "train").labels.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("array", "labels", "message"),
    [
        (
            np.zeros((2, 28, 32), np.uint8),
            [0, 1],
            "images-idx3-ubyte holds images of 28 × 32; they must be square, of 8 to 224 pixels a side. Pictures of "
            "other sizes may be in one folder a class: they are resized",
        ),
        (images(3), [0, 1], "labels-idx1-ubyte must hold one label for each of the 3 images, not an array of 2"),
        (images(0), [], "images-idx3-ubyte holds no image"),
    ],
)
def test_arrays_that_do_not_train(array: NDArray[np.uint8], labels: list[int], message: str, tmp_path: Path) -> None:
    write_idx(tmp_path, "train", array, labels)
    (tmp_path / "classes.txt").write_text("a\nb\n")
    with refuses(DataError, f"{tmp_path / 'train-'}{message}"):
        read(tmp_path, "train")


KEYS = "name, licence, preprocessing, polarity, colour, mirror, transpose, warnings"
JSON = "cannot be read as JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
# A file beside the images of three classes, what stands in it, and what is said of it after its name.
BESIDE: list[tuple[str, bytes, str]] = [
    (
        "classes.txt",
        b"a\nb\n",
        " has 2 names, but labels go from 0 to 2: it must have a line for each class, in the order of the labels",
    ),
    ("classes.txt", b"a\nb\na\n", ": the names, a line each, each must stand once, and 'a' stands 2 times"),
    ("classes.txt", b"a\n", ": the names, a line each, must be 2 to 1024 names, not 1"),
    (
        "classes.txt",
        b"\xff\n",
        " cannot be read as UTF-8 text: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
    ("x-mapping.txt", b"0 65\n2 66\n", " must have a label and a code point on each line (1)"),
    ("dataset.json", b'{"flip": true}', f" has 'flip'; it may have {KEYS}"),
    ("dataset.json", b'{"mirror": 1}', ": mirror must be true or false, not 1"),
    ("dataset.json", b'{"name": ""}', ": name must be text, not ''"),
    ("dataset.json", b'{"polarity": "dark"}', ": polarity must be auto or light-on-dark or dark-on-light, not 'dark'"),
    ("dataset.json", b'{"preprocessing": null}', ": preprocessing must be mnist or resize, not None"),
    ("dataset.json", b'{"warnings": ["blue"]}', ": warnings must be a list of some of mostly-ink, several-pieces"),
    ("dataset.json", b"[]", f" must be a JSON object with some of {KEYS}"),
    ("dataset.json", b"{", f" {JSON}"),
]


@pytest.mark.parametrize(("file", "content", "message"), BESIDE)
def test_what_stands_beside_must_fit(file: str, content: bytes, message: str, tmp_path: Path) -> None:
    write_idx(tmp_path, "x-train", images(3), [0, 1, 2])
    (tmp_path / file).write_bytes(content)
    with refuses(DataError, f"{tmp_path / file}{message}"):
        read(tmp_path, "train")


def test_files_of_one_data_set_must_be_there(tmp_path: Path) -> None:
    write_idx(tmp_path, "x-train", images(2), [0, 0])
    with refuses(DataError, f"{tmp_path}: the classes must be 2 to 1024 names, not 1"):
        read(tmp_path, "train")
    (tmp_path / "x-train-images-idx3-ubyte").unlink()
    with refuses(DataError, f"{tmp_path} holds x-train-labels-idx1-ubyte, but not the images that belong to it"):
        read(tmp_path, "train")
    write_idx(tmp_path, "y-train", images(2), [0, 1])
    sets = f"{tmp_path} holds the IDX files of several data sets, 'x-…' and 'y-…'; give each a folder of its own"
    with refuses(DataError, sets):
        read(tmp_path, "train")
    test_only = tmp_path / "test only"
    write_idx(test_only, "x-test", images(2), [0, 1])
    assert len(read(test_only, "t10k")) == 2
    with refuses(DataError, f"{test_only} holds no training images, such as x-train-images-idx3-ubyte"):
        read(test_only, "train")
    with refuses(DataError, f"there is no folder {tmp_path / 'nowhere'}"):
        read(tmp_path / "nowhere", "train")


def test_idx_files_are_not_resized(tmp_path: Path) -> None:
    write_idx(tmp_path, "x-train", np.zeros((2, 9, 9), np.uint8), [0, 1])
    write_idx(tmp_path, "x-test", np.zeros((2, 9, 9), np.uint8), [0, 1])
    assert read(tmp_path, "train", 9).images.shape == (2, 9, 9)
    message = f"{tmp_path} holds grey images of 9 × 9, not of {{}}: only pictures, in one folder a class, are resized"
    with refuses(DataError, message.format("28 × 28")):
        read(tmp_path, "train", 28)
    with refuses(DataError, message.format("9 × 9 in colour")):
        read(tmp_path, "train", colour=True)
