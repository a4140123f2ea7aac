import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from konkyo.models.preparation.resizing import resized
from konkyo.trainer.data import read
from konkyo.trainer.errors import DataError
from tests.helpers.datasets import bars, described, write_pictures
from tests.helpers.refuse import refuses

UPRIGHT = {"lying": 90.0, "upright": 0.0}


def test_a_fifth_of_each_class_tests_where_there_is_no_test_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 23)
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert (np.bincount(train.labels).tolist(), np.bincount(test.labels).tolist()) == ([18, 18], [5, 5])
    assert not {one.tobytes() for one in train.images} & {one.tobytes() for one in test.images}
    assert train.about == test.about
    assert train.about.classes == ("lying", "upright")
    assert train.about.notes == ("no test images: of each class one of 5 images, chosen by SHA-256, tests",)
    assert (train.about.name, train.about.licence, [*train.about.files]) == (tmp_path.name, "not stated", ["pictures"])
    assert (train.about.preprocessing, train.about.polarity, train.about.mirror) == ("resize", "auto", False)
    # Another picture of one class moves no picture of the other to the other side.
    bars(90, 99).save(tmp_path / "lying" / "new.png")
    again = read(tmp_path, "t10k")
    assert {one.tobytes() for one in again.images[again.labels == 1]} == {
        one.tobytes() for one in test.images[test.labels == 1]
    }


def test_equal_pictures_stay_on_one_side(tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 6)
    for number in range(6):
        for copy in range(3):
            bars(90, number).save(tmp_path / "lying" / f"copy-{number}-{copy}.png")
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert not {one.tobytes() for one in train.images} & {one.tobytes() for one in test.images}
    assert len(train) + len(test) == 30


def test_a_test_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", UPRIGHT, 4)
    write_pictures(tmp_path / "test", UPRIGHT, 2)
    train, test = read(tmp_path, "train"), read(tmp_path, "t10k")
    assert (train.labels.tolist(), test.labels.tolist()) == ([0] * 4 + [1] * 4, [0] * 2 + [1] * 2)
    assert (train.about.notes, list(train.about.files), list(test.about.files)) == ((), ["train"], ["test"])


def test_pictures_of_any_size_and_format_become_light_on_dark(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 0.0, "b": 90.0}, 1)
    picture = bars(0, 7, (90, 120))
    folder = tmp_path / "a"
    picture.save(folder / "1.png")
    picture.convert("RGB").save(folder / "2.bmp")
    picture.convert("P").save(folder / "3.gif")
    picture.save(folder / "4.webp", lossless=True)
    Image.fromarray(np.asarray(picture).astype(np.uint16) * 257).save(folder / "5.tiff")
    Image.fromarray(255 - np.asarray(picture)).save(folder / "6.png")
    clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    clear.putalpha(Image.fromarray(255 - np.asarray(picture)))
    clear.save(folder / "7.png")
    (folder / ".DS_Store").write_bytes(b"left by a file manager")
    (folder / "Thumbs.db").write_bytes(b"and another")
    for number in range(8, 30):
        bars(90, number).save(tmp_path / "b" / f"{number}.png")
    both = [read(tmp_path, part) for part in ("train", "t10k")]
    same = np.concatenate([part.images[part.labels == 0] for part in both])
    expected = resized(1 - np.asarray(picture) / 255, 28) * 255
    assert len(same) == 8
    close = [np.abs(image - expected).max() < 6 for image in same.astype(float)]
    assert sum(close) == 7  # and one other bar
    assert expected[:, 14].max() > 200 > 30 > expected[0].max()


def test_dark_on_light_by_the_description(tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 3)
    described(tmp_path, name="Bars", licence="CC0", polarity="light-on-dark", mirror=True)
    digits = read(tmp_path, "train")
    assert digits.images[:, 0, 0].min() > 240  # as they are
    assert (digits.about.name, digits.about.licence, digits.about.mirror) == ("Bars", "CC0", True)


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_wrong_files_are_named(part: str, tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 3)
    (tmp_path / "lying" / "notes.txt").write_text("not a picture")
    whole = (tmp_path / "lying" / "000.png").read_bytes()
    (tmp_path / "upright" / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (7100, 7100)).save(tmp_path / "upright" / "large.png")
    frames = [bars(0, number) for number in range(2)]
    frames[0].save(tmp_path / "upright" / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError) as caught:
        read(tmp_path, part)
    lines = str(caught.value).splitlines()
    assert lines[0] == "4 of the files cannot be read as pictures; remove them, or save them as PNG or JPEG:"
    names = [Path(line.partition(" (")[0]).name for line in lines[1:]]
    assert names == ["notes.txt", "cut.png", "large.png", "moving.gif"]
    assert lines[3].endswith("(it has more than 50 million pixels)")
    assert lines[4].endswith("(it has several frames, and must have one)")


# What is said of a folder {}, by the folders in it and the pictures in each.
WRONG: dict[str, dict[str, int]] = {
    "{} holds neither IDX files, such as train-images-idx3-ubyte, nor a folder of pictures for each class": {},
    "{}: the folders, one a class, must be 2 to 1024 names, not 1": {"only": 3},
    "{}/upright holds no picture; each class needs some, or no folder": {"lying": 3, "upright": 0},
    "class lying has 1 different images; to train and to test takes two at least, and many more to be worth it": {
        "lying": 1,
        "upright": 1,
    },
    "train and test must have the same folders, one a class; slanting, upright stands in one of them only": {
        "train/lying": 2,
        "train/upright": 2,
        "test/lying": 2,
        "test/slanting": 2,
    },
    "{} has a folder test, but none called train beside it": {"test/lying": 2, "test/upright": 2},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_folders_are_refused(message: str, tmp_path: Path) -> None:
    for name, count in WRONG[message].items():
        write_pictures(tmp_path, {name: 0.0}, count)
    (tmp_path / "notes.txt").write_text("nothing here")
    with refuses(DataError, message.replace("{}", str(tmp_path))):
        read(tmp_path, "train")


@pytest.mark.parametrize(("key", "value"), [("transpose", True), ("preprocessing", "mnist")])
def test_what_is_said_of_idx_files_is_refused(key: str, value: object, tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 3)
    described(tmp_path, **{key: value})
    message = f"{tmp_path}: {key} in dataset.json is for IDX files; pictures are resized as they are"
    with refuses(DataError, message):
        read(tmp_path, "train")


def coloured(red: int, number: int, size: tuple[int, int] = (30, 20)) -> Image.Image:
    """Noise in which one channel stands out."""
    noise = np.random.default_rng(number).integers(0, 40, (*size[::-1], 3), dtype=np.uint8)
    noise[..., red] += 180
    return Image.fromarray(noise)


def write_coloured(directory: Path, grey: int, count: int) -> None:
    """``count`` pictures of each of two classes, of which the first ``grey`` are grey."""
    for channel, name in enumerate(("red", "green")):
        (directory / name).mkdir(parents=True)
        for number in range(count):
            picture = coloured(channel, number).convert("L" if number < grey else "RGB")
            picture.convert("RGB").save(directory / name / f"{number:03}.png")


def test_colour_is_kept_where_pictures_are_coloured(tmp_path: Path) -> None:
    write_coloured(tmp_path, 3, 10)
    train, test = (read(tmp_path, part, 12) for part in ("train", "t10k"))
    assert (train.images.shape, test.images.shape) == ((16, 3, 12, 12), (4, 3, 12, 12))
    assert (train.side, train.channels) == (12, 3)
    assert train.about.notes[0] == "14 of 20 pictures are coloured: images are in colour"
    assert train.about.polarity == "light-on-dark"  # as they are
    both = np.concatenate([train.images, test.images])
    expected = np.rint(resized(np.asarray(coloured(1, 9)).transpose(2, 0, 1) / 255, 12) * 255)
    assert np.abs(both - expected).max((1, 2, 3)).min() == 0
    # Grey pictures have three equal channels.
    assert (both == both[:, :1]).all((1, 2, 3)).sum() == 6
    assert read(tmp_path, "train", 12, colour=False).images.shape == (16, 12, 12)


def test_a_few_coloured_pictures_are_read_in_grey(tmp_path: Path) -> None:
    write_coloured(tmp_path, 29, 30)
    digits = read(tmp_path, "train")
    assert (digits.side, digits.channels) == (28, 1)
    assert digits.about.notes[0] == "2 of 60 pictures are coloured, fewer than one in 10: images are grey"
    assert digits.about.polarity == "auto"
    described(tmp_path, colour=True)
    assert (read(tmp_path, "train").channels, len(read(tmp_path, "train").about.notes)) == (3, 1)


def test_the_training_pictures_decide_for_the_test_pictures(tmp_path: Path) -> None:
    write_coloured(tmp_path / "train", 0, 3)
    write_coloured(tmp_path / "test", 2, 2)
    train, test = (read(tmp_path, part) for part in ("train", "t10k"))
    assert (train.channels, test.channels) == (3, 3)
    assert train.about.notes == test.about.notes == ("6 of 6 pictures are coloured: images are in colour",)


def test_classes_are_counted_as_people_do(tmp_path: Path) -> None:
    write_pictures(tmp_path, dict.fromkeys(("10", "2", "1", "a10", "a9"), 0.0), 2)
    assert read(tmp_path, "train").about.classes == ("1", "2", "10", "a9", "a10")


@pytest.mark.threat("picture folders")
def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 5)
    folder = tmp_path / "upright"
    (folder / "endless.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    odd = os.fsencode(folder) + b"/\xff\xfe.png"
    Path(os.fsdecode(odd)).write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        read(tmp_path, "train")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("3 of the files cannot be read as pictures")
    assert sorted(lines[1:]) == [
        f"{folder}/\\xff\\xfe.png (it is none of PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM)",
        f"{folder}/endless.png (not a regular file, but a folder, pipe or device)",
        f"{folder}/pipe.png (not a regular file, but a folder, pipe or device)",
    ]
    assert str(caught.value).encode()


@pytest.mark.threat("picture folders")
def test_a_name_need_not_be_utf8(tmp_path: Path) -> None:
    write_pictures(tmp_path, UPRIGHT, 5)
    picture = next((tmp_path / "upright").iterdir())
    picture.rename(Path(os.fsdecode(os.fsencode(picture.parent) + b"/\xff.png")))
    assert len(read(tmp_path, "train")) + len(read(tmp_path, "t10k")) == 10
