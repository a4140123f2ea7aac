"""What ``konkyo explain`` reads: each kind of file and folder gives the images that are in it."""

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.preparation.expected import Expected
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.trainer.data import Labelled
from konkyo.trainer.data.idx import write_images
from konkyo.trainer.errors import DataError
from konkyo.trainer.explaining.images import open_images
from tests.helpers.datasets import idx_bytes
from tests.helpers.refuse import refuses

GREY = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, (), 28, 1)
COLOUR = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, (), 32, 3)
BYTES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
IN_COLOUR = np.random.default_rng(1).integers(0, 256, (5, 3, 32, 32), np.uint8)


def picture(path: Path, pixels: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


ARRAYS: dict[str, tuple[Callable[[], NDArray[np.generic]], Expected, NDArray[np.generic]]] = {
    "bytes": (lambda: BYTES, GREY, BYTES / 255),
    "floats": (lambda: (BYTES / 255).astype(np.float32), GREY, (BYTES / 255).astype(np.float32)),
    "a channel": (lambda: BYTES[:, None], GREY, BYTES / 255),
    "channels last": (lambda: BYTES[..., None], GREY, BYTES / 255),
    "colour": (lambda: IN_COLOUR, COLOUR, IN_COLOUR / 255),
    "colour last": (lambda: np.moveaxis(IN_COLOUR, 1, -1), COLOUR, IN_COLOUR / 255),
    "grey for colour": (lambda: IN_COLOUR[:, 0], COLOUR, np.repeat(IN_COLOUR[:, :1] / 255, 3, axis=1)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str, tmp_path: Path) -> None:
    array, expected, right = ARRAYS[name]
    np.save(tmp_path / "images.npy", array())
    found = open_images(tmp_path / "images.npy", expected)
    assert (found.count, found.names) == (5, None)
    np.testing.assert_array_equal(found.read(1, 4), right[1:4])


def test_archives(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=BYTES[:2], y_train=np.arange(2), x_test=BYTES, y_test=np.arange(5))
    np.savez_compressed(tmp_path / "one.npz", whatever=BYTES)
    for name in ("mnist.npz", "one.npz"):
        np.testing.assert_array_equal(open_images(tmp_path / name, GREY).read(0, 5), BYTES / 255)
    np.savez(tmp_path / "two.npz", a=BYTES, b=BYTES)
    with refuses(DataError, f"{tmp_path / 'two.npz'} holds a, b; call the images 'images'"):
        open_images(tmp_path / "two.npz", GREY)


def test_what_images_show_stands_beside_them(tmp_path: Path) -> None:
    """In a labels file, in an archive, as the folder of a class; by name, the network's where the data set has none."""

    def true(path: Path, expected: Expected = GREY) -> list[str] | None:
        open_images.cache_clear()
        return open_images(path, expected).true(1, 4, ("cat", "dog", "owl", "fox"))

    np.savez(tmp_path / "keras.npz", x_test=BYTES, y_test=np.array([[0], [3], [1], [9], [0]]), x_train=BYTES[:2])
    assert true(tmp_path / "keras.npz") == ["fox", "dog", "9"]
    np.savez(tmp_path / "alone.npz", images=BYTES)
    np.save(tmp_path / "alone.npy", BYTES)
    assert true(tmp_path / "alone.npz") is true(tmp_path / "alone.npy") is None
    idx = tmp_path / "idx"
    idx.mkdir()
    write_images(idx / "t10k-images-idx3-ubyte", BYTES)
    assert true(idx) is None
    before = open_images(idx, GREY).sha256
    (idx / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([1, 2, 3, 1, 2], np.uint8)))
    assert true(idx) == ["dog", "owl", "cat"]  # counted from 1
    assert open_images(idx, GREY).sha256 != before
    (idx / "classes.txt").write_text("a\nb\nc\n")
    assert true(idx) == ["b", "c", "a"]
    for number, name in enumerate(("b", "a/in", "c", "a")):
        picture(tmp_path / "pictures" / name / f"{number}.png", BYTES[number])
    assert true(tmp_path / "pictures") == ["a", "b", "c"]
    picture(tmp_path / "pictures" / "0.png", BYTES[0])
    assert true(tmp_path / "pictures") is None
    np.savez(tmp_path / "short.npz", images=BYTES, labels=np.zeros(4, int))
    message = "holds 5 images and labels of shape (4,); a whole number for each image fits, or no labels"
    with refuses(DataError, f"{tmp_path / 'short.npz'} {message}"):
        true(tmp_path / "short.npz")


def test_idx_files_are_turned_as_their_folder_says(tmp_path: Path) -> None:
    write_images(tmp_path / "train-images-idx3-ubyte", BYTES[:2])
    for given in (tmp_path, tmp_path / "train-images-idx3-ubyte"):
        np.testing.assert_array_equal(open_images(given, GREY).read(1, 2), BYTES[1:2] / 255)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(BYTES)))
    said = {"name": "Some", "licence": "CC0", "transpose": True, "polarity": "dark-on-light"}
    (tmp_path / "dataset.json").write_text(json.dumps(said))
    open_images.cache_clear()
    found = open_images(tmp_path, GREY)
    np.testing.assert_array_equal(found.read(0, 5), 1 - BYTES.swapaxes(1, 2) / 255)
    found = open_images(tmp_path / "t10k-images-idx3-ubyte.gz", GREY)
    np.testing.assert_array_equal(found.read(0, 5), BYTES / 255)


def test_pictures_flat_and_one_folder_a_class(tmp_path: Path) -> None:
    for number, name in enumerate(("b2.png", "b10.png", "a.png")):
        picture(tmp_path / "flat" / name, BYTES[number])
        picture(tmp_path / "classes" / f"class {number}" / "x.png", BYTES[number])
    (tmp_path / "flat" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "flat" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "classes" / "dataset.json").write_text("{}")
    flat = open_images(tmp_path / "flat", GREY)
    assert flat.names == ["a.png", "b2.png", "b10.png"]
    np.testing.assert_array_equal(flat.read(0, 3), BYTES[[2, 0, 1]] / 255)
    classes = open_images(tmp_path / "classes", GREY)
    assert classes.names == ["class 0/x.png", "class 1/x.png", "class 2/x.png"]
    np.testing.assert_array_equal(classes.read(0, 3), BYTES[:3] / 255)


def test_of_a_divided_data_set_the_pictures_that_test(tmp_path: Path) -> None:
    for part, number in (("train", 0), ("test", 1)):
        picture(tmp_path / part / "cat" / "1.png", BYTES[number])
    found = open_images(tmp_path, GREY)
    assert found.names == ["test/cat/1.png"]
    np.testing.assert_array_equal(found.read(0, 1), BYTES[1:2] / 255)


def test_a_list_of_paths_and_one_picture(tmp_path: Path) -> None:
    one, other = picture(tmp_path / "in" / "one.png", BYTES[0]), picture(tmp_path / "other.png", BYTES[1])
    (tmp_path / "list.txt").write_text(f"in/one.png\n\n{other}\n")
    found = open_images(tmp_path / "list.txt", GREY)
    assert found.names == ["in/one.png", "other.png"]
    np.testing.assert_array_equal(found.read(0, 2), BYTES[:2] / 255)
    np.testing.assert_array_equal(open_images(one, GREY).read(0, 1), BYTES[:1] / 255)
    (tmp_path / "list.txt").write_text("in/two.png")
    open_images.cache_clear()
    missing = tmp_path / "in/two.png"
    with refuses(
        DataError,
        f"{tmp_path / 'list.txt'} names {missing}, and there is no such file; the path of a picture on each line fits",
    ):
        open_images(tmp_path / "list.txt", GREY)


def test_pictures_of_other_sizes_become_images_as_the_card_says(tmp_path: Path, digits: Labelled) -> None:
    large = np.kron(digits.images[0], np.ones((4, 4), np.uint8))
    picture(tmp_path / "dark.png", 255 - large)
    drawn = Expected(Preprocessing.MNIST, Polarity.AUTO)
    right = fit_as_mnist((large / 255).astype(np.float32)).image
    np.testing.assert_allclose(open_images(tmp_path, drawn).read(0, 1)[0], right, atol=1e-6)
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, :, 1], halves[:, 32:, 2] = 51, 255
    picture(tmp_path / "dark.png", halves)
    open_images.cache_clear()
    [image] = open_images(tmp_path, COLOUR).read(0, 1)
    assert image.shape == (3, 32, 32)
    np.testing.assert_allclose(image[:, 5, [2, 30]], np.array([[0, 0], [0.2, 0.2], [0, 1.0]]), atol=1e-12)


def test_the_hash_is_that_of_names_and_files(tmp_path: Path) -> None:
    hashes = set()
    for name, pixels in (("a.png", 0), ("a.png", 1), ("b.png", 1)):
        for path in tmp_path.iterdir():
            path.unlink()
        picture(tmp_path / name, BYTES[pixels])
        open_images.cache_clear()
        hashes.add(open_images(tmp_path, GREY).sha256)
    assert len(hashes) == 3


OTHER_SIZE = "the network takes 28×28. Pictures of any size in a folder are resized"
PICKLED = np.array([{}], object)


def saved(array: NDArray[np.generic], write: Callable[..., None] = np.save) -> bytes:
    """As numpy writes it."""
    file = BytesIO()
    write(file, array)
    return file.getvalue()


# A file, what it holds, and what is said of it.
REFUSED: list[tuple[str, bytes, str]] = [
    ("x.npy", saved(BYTES.astype(np.float64)), "holds pixels from 0 to 255; floats in [0, 1] or uint8 fit"),
    ("x.npy", saved(np.full((2, 28, 28), np.nan)), "holds pixels from nan to nan; floats in [0, 1] or uint8 fit"),
    (
        "x.npy",
        saved(BYTES.astype(np.int64)),
        "holds int64; whole numbers 0…255 (uint8) or floats in [0, 1] fit",
    ),
    ("x.npy", saved(IN_COLOUR), f"holds images of 3×32×32; {OTHER_SIZE}"),
    ("x.npy", saved(BYTES[:0]), "holds no image"),
    (
        "x.npy",
        saved(PICKLED),
        "cannot be read as an array of numpy: Array can't be memory-mapped: Python objects in dtype.",
    ),
    (
        "x.npz",
        saved(PICKLED, np.savez),
        "cannot be read as an array of numpy: arr_0 holds objects of Python; numbers fit",
    ),
    ("x", b"", "cannot be read: it is not an IDX file of unsigned bytes"),
    ("x", idx_bytes(BYTES[0, 0]), "holds an array of shape (28,), and should hold square images"),
    ("x", idx_bytes(BYTES[:0]), "holds no image"),
    ("x", idx_bytes(IN_COLOUR[:, 0]), f"holds images of 32×32; {OTHER_SIZE}"),
    (
        "x.txt",
        b"\xff",
        "cannot be read as a list of paths: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
]


@pytest.mark.parametrize(("file", "content", "message"), REFUSED)
def test_files_that_hold_no_images(file: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    with refuses(DataError, f"{tmp_path / file} {message}"):
        open_images(tmp_path / file, GREY).check()


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no images; an IDX file, \.npy or \.npz with images, a picture"):
        open_images(tmp_path, GREY)
    with pytest.raises(DataError, match=r"there is no .*; an IDX file"):
        open_images(tmp_path / "nothing", GREY)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([7], np.uint8)))
    open_images.cache_clear()
    with refuses(DataError, f"{tmp_path} holds no images, such as t10k-images-idx3-ubyte"):
        open_images(tmp_path, GREY)


def test_what_is_no_picture_or_goes_bad_later_is_named(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", BYTES[0])
    found = open_images(tmp_path, GREY)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError) as caught:
        found.read(0, 1)
    assert str(caught.value).startswith(f"{path} cannot be read as a picture (")
    assert str(caught.value).endswith("); save it as PNG or JPEG")
    path.write_bytes(b"no picture")
    open_images.cache_clear()
    with refuses(DataError, f"{path} cannot be read as a picture; remove it, or save it as PNG or JPEG"):
        open_images(tmp_path, GREY).check()
