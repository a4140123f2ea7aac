"""Data sets in IDX files that are not MNIST."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from konkyo.trainer.data import read
from konkyo.trainer.errors import DataError
from tests.helpers.datasets import described, write_idx
from tests.helpers.refuse import refuses


def images(count: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28)).astype(np.uint8)


def test_names_of_classes_make_it_another_data_set_than_mnist(tmp_path: Path) -> None:
    write_idx(tmp_path, "train", images(6), [0, 1, 2, 0, 1, 2])
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
    ("classes", "message"),
    [
        (
            "a\nb\n",
            "{folder}/classes.txt has 2 names, but labels go from 0 to 2: it must have a line for each class, in the "
            "order of the labels",
        ),
        ("a\nb\na\n", "{folder}/classes.txt: the names, a line each, each must stand once, and 'a' stands 2 times"),
        ("a\n", "{folder}/classes.txt: the names, a line each, must be 2 to 64 names, not 1"),
    ],
)
def test_names_must_fit_the_labels(classes: str, message: str, tmp_path: Path) -> None:
    write_idx(tmp_path, "train", images(3), [0, 1, 2])
    (tmp_path / "classes.txt").write_text(classes)
    with refuses(DataError, message.replace("{folder}", str(tmp_path))):
        read(tmp_path, "train")


def test_odd_files_are_refused_with_what_would_be_right(tmp_path: Path) -> None:
    odd = tmp_path / "oblong"
    write_idx(odd, "x-train", np.zeros((2, 28, 32), np.uint8), [0, 1])
    with refuses(
        DataError,
        f"{odd / 'x-train-images-idx3-ubyte'} holds images of 28 × 32; they must be square, of 8 to 64 pixels a side. "
        "Pictures of other sizes may be in one folder a class: they are resized",
    ):
        read(odd, "train")
    small = tmp_path / "small"
    write_idx(small, "x-train", np.zeros((2, 9, 9), np.uint8), [0, 1])
    write_idx(small, "x-test", np.zeros((2, 9, 9), np.uint8), [0, 1])
    assert read(small, "train", 9).images.shape == (2, 9, 9)
    message = f"{small} holds grey images of 9 × 9, not of {{}}: only pictures, in one folder a class, are resized"
    with refuses(DataError, message.format("28 × 28")):
        read(small, "train", 28)
    with refuses(DataError, message.format("9 × 9 in colour")):
        read(small, "train", colour=True)
    odd = tmp_path / "labels"
    write_idx(odd, "x-train", images(3), [0, 1])
    with refuses(
        DataError,
        f"{odd / 'x-train-labels-idx1-ubyte'} must hold one label for each of the 3 images, not an array of 2",
    ):
        read(odd, "train")
    odd = tmp_path / "half"
    write_idx(odd, "x-train", images(2), [0, 1])
    (odd / "x-train-images-idx3-ubyte").unlink()
    with refuses(DataError, f"{odd} holds x-train-labels-idx1-ubyte, but not the images that belong to it"):
        read(odd, "train")
    odd = tmp_path / "several"
    write_idx(odd, "emnist-letters-train", images(2), [0, 1])
    write_idx(odd, "emnist-digits-train", images(2), [0, 1])
    with refuses(
        DataError,
        f"{odd} holds the IDX files of several data sets, 'emnist-digits-…' and 'emnist-letters-…'; give each a folder "
        "of its own",
    ):
        read(odd, "train")
    odd = tmp_path / "test only"
    write_idx(odd, "x-test", images(2), [0, 1])
    assert len(read(odd, "t10k")) == 2
    with refuses(DataError, f"{odd} holds no training images, such as x-train-images-idx3-ubyte"):
        read(odd, "train")
    with refuses(DataError, f"there is no folder {tmp_path / 'nowhere'}"):
        read(tmp_path / "nowhere", "train")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"flip": True},
            "has 'flip'; it may have name, licence, preprocessing, polarity, colour, mirror, transpose, warnings",
        ),
        ({"mirror": 1}, ": mirror must be true or false, not 1"),
        ({"name": ""}, ": name must be text, not ''"),
        ({"polarity": "dark"}, ": polarity must be auto or light-on-dark or dark-on-light, not 'dark'"),
        ({"preprocessing": None}, ": preprocessing must be mnist or resize, not None"),
        ({"warnings": ["blue"]}, ": warnings must be a list of some of mostly-ink, several-pieces"),
    ],
)
def test_a_wrong_description_is_refused(said: dict[str, object], message: str, tmp_path: Path) -> None:
    write_idx(tmp_path, "train", images(2), [0, 1])
    described(tmp_path, **said)
    space = "" if message.startswith(":") else " "
    with refuses(DataError, f"{tmp_path / 'dataset.json'}{space}{message}"):
        read(tmp_path, "train")
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(DataError, match=r"dataset\.json must be a JSON object with some of name, licence, "):
        read(tmp_path, "train")
