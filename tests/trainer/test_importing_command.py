"""``konkyo import``: its options, what it says, and what it writes."""

from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.trainer.importing.command import run
from tests.helpers.datasets import write_idx
from tests.helpers.oracles import random_network
from tests.helpers.sure import sure

GREY = Architecture((Stage(2, 5),), hidden=(4,), classes=3)
COLOUR = Architecture((Stage(2, 5), Stage(3, 3, pool=None)), side=20, channels=3, classes=2)
STAGES = "--stages=2k5"
UNIT = "--range=0,1"


def saved(folder: Path, architecture: Architecture, name: str = "net") -> Path:
    """A state dict of random weights."""
    path = folder / f"{name}.safetensors"
    save_file(dict(random_network(architecture, 1, np.float32).weights), path)
    return path


def text(path: Path, content: str, encoding: str = "utf-8") -> str:
    """A file with a word on each line."""
    path.write_text("\n".join(content.split()), encoding)
    return str(path)


def images(folder: Path, side: int = 28, names: str = "") -> Path:
    """Twelve random test images of three classes, with names or without."""
    write_idx(folder, "t10k", np.random.default_rng(0).integers(0, 256, (12, side, side), np.uint8), [0, 1, 2] * 4)
    if names:
        text(folder / "classes.txt", names)
    return folder


# Options beside the file, in a folder. What is said of each: tests/data/refusals.json.
REFUSED: dict[str, Callable[[Path], list[str]]] = {
    "a name with a space": lambda _: [STAGES, UNIT, "--name=My Net"],
    "no range": lambda _: [STAGES],
    "two ranges": lambda _: [STAGES, UNIT, "--std=0.3"],
    "a range of one number": lambda _: [STAGES, "--range=1"],
    "a range turned round": lambda _: [STAGES, "--range=1,0"],
    "a range without end": lambda _: [STAGES, "--range=0,inf"],
    "a mean of text": lambda _: [STAGES, "--mean=grey"],
    "a mean alone": lambda _: [STAGES, "--mean=0.1307"],
    "a deviation of 0": lambda _: [STAGES, "--mean=0.1", "--std=0.3,0"],
    "a mean of bytes": lambda _: [STAGES, "--mean=33.3", "--std=78"],
    "stages of text": lambda _: ["--stages=two", UNIT],
    "classes in another encoding":
        lambda folder: [STAGES, UNIT, f"--classes={text(folder / 'names', 'Äpfel Limetten', 'latin-1')}"],
    "one class": lambda folder: [STAGES, UNIT, f"--classes={text(folder / 'names', 'apple')}"],
    "two names of three classes": lambda folder: [STAGES, UNIT, f"--classes={text(folder / 'names', 'apple lime')}"],
    "classes that are not there": lambda folder: [STAGES, UNIT, f"--classes={folder / 'names'}"],
    "a file in the place of the folder": lambda folder: [STAGES, UNIT, f"--out={text(folder / 'taken', 'this')}"],
    "a data set of other classes": lambda folder: [STAGES, UNIT, f"--data={images(folder / 'data', names='a b c d')}"],
    "a data set of other names": lambda folder: [
        STAGES, UNIT, f"--data={images(folder / 'data', names='a b c')}", f"--classes={text(folder / 'names', 'a c b')}"
    ],
    "a data set of other images": lambda folder: [STAGES, UNIT, f"--data={images(folder / 'data', 20, 'a b c')}"],
}  # fmt: skip


def refusals(folder: Path) -> dict[str, str]:
    said = {}
    for number, (case, options) in enumerate(REFUSED.items()):
        own = folder / str(number)
        own.mkdir()
        errors = StringIO()
        with redirect_stderr(errors):
            assert run([str(saved(own, GREY)), f"--out={own / 'out'}", *options(own)], "konkyo import") == 1
        assert not (own / "out").exists()
        said[case] = errors.getvalue().rstrip("\n").replace(str(own), "{folder}")
    return said


def test_mnists_preparation_makes_images_of_28(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = saved(tmp_path, COLOUR), tmp_path / "out"
    options = ["--stages=2k5,3k3n", "--side=20", UNIT, "--preprocessing=mnist", f"--out={out}"]
    assert run([str(file), *options], "konkyo import") == 1
    assert capsys.readouterr().err == (
        "error: --preprocessing mnist makes grey images of 28×28, and the network takes 3 channels of 20×20; "
        "--preprocessing resize fits\n"
    )
    assert not out.exists()


def test_files_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.onnx").mkdir()
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**27)
    for name, reason in (
        ("nothing.onnx", "No such file or directory"),
        ("folder.onnx", "not a regular file, but a folder, pipe or device"),
        ("large.onnx", "larger than 67,108,864 bytes"),
    ):
        path = tmp_path / name
        assert run([str(path), UNIT], "konkyo import") == 1
        assert capsys.readouterr().err == f"error: {path} cannot be read or written: {reason}; name another place\n"
    assert run(["--side=7", "net.onnx"], "konkyo import") == 2  # the usage


def test_what_was_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = saved(tmp_path, COLOUR, "My Net (1)"), tmp_path / "out"
    options = ["--stages=2k5,3k3n", "--side=20", "--mean=0.5,0.5,0.25", "--std=0.5", f"--out={out}"]
    assert run([str(file), *options], "konkyo import") == 0
    # 2·(3·25 + 1) + 3·(2·9 + 1) + 2·(3·36 + 1)
    assert capsys.readouterr().out == (
        "my-net-1: 2k5,3k3n; 2 classes; colour images of 20×20; 427 parameters\n"
        "pixels enter as -1…1, -0.5…1.5: asked for with --mean and --std\n"
        "folded: the input's range into conv1 behind it\n"
        "accuracy: not measured; --data names a data set\n"
        f"written: {out}/my-net-1.safetensors and .json\n"
        f"serve it: konkyo serve --models {out} --default-model my-net-1\n"
    )
    card = load(out / "my-net-1.safetensors").card
    assert (card.accuracy, card.dataset, card.classes) == (None, None, ("0", "1"))
    assert (card.preprocessing.value, card.polarity.value) == ("resize", "light-on-dark")
    assert sure(card.imported).mean == (0.5, 0.5, 0.25)


@pytest.mark.parametrize("listed", [True, False])
def test_classes_and_polarity_are_the_data_sets_or_as_asked(
    listed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "owl fox cat"
    data, file = images(tmp_path / "data", names=names), saved(tmp_path, GREY)
    options = [f"--classes={text(tmp_path / 'names', names)}", "--polarity=dark-on-light"] if listed else []
    out = tmp_path / "out"
    assert run([str(file), STAGES, UNIT, f"--data={data}", f"--out={out}", *options], "konkyo import") == 0
    made = load(out / "net.safetensors")
    assert made.network.classes == ("owl", "fox", "cat")
    assert made.card.polarity.value == ("dark-on-light" if listed else "light-on-dark")
    told = sure(made.card.accuracy)
    rng = np.random.default_rng(0)
    logits = made.network.logits(rng.integers(0, 256, (12, 28, 28), np.uint8) / np.float32(255))
    right = (logits.argmax(1) == [0, 1, 2] * 4).mean()
    assert (told.test, told.test_images) == (right, 12)
    said = capsys.readouterr().out
    assert said.startswith("net: 2k5, hidden 4; 3 classes; grey images of 28×28; 1,223 parameters\n")
    assert f"accuracy: {right:.2%} of 12 test images\n" in said


@pytest.mark.parametrize(
    ("options", "preprocessing", "polarity"),
    [
        (["--polarity=dark-on-light"], "resize", "dark-on-light"),
        (["--preprocessing=mnist"], "mnist", "auto"),
        (["--preprocessing=mnist", "--polarity=light-on-dark"], "mnist", "light-on-dark"),
    ],
)
def test_pictures_are_prepared_as_asked(options: list[str], preprocessing: str, polarity: str, tmp_path: Path) -> None:
    file = saved(tmp_path, GREY)
    assert run([str(file), STAGES, UNIT, f"--out={tmp_path / 'out'}", *options], "konkyo import") == 0
    card = load(tmp_path / "out" / "net.safetensors").card
    assert (card.preprocessing.value, card.polarity.value) == (preprocessing, polarity)


def test_nothing_that_is_there_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --out the checkpoint goes to the folder where the command runs, and never to the networks of Konkyo."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shipped = {path.name: path.read_bytes() for path in DIRECTORY.glob("paired-3x3.*")}
    file = str(saved(tmp_path, GREY))
    asked = [file, STAGES, UNIT, "--name=paired-3x3"]

    assert run(asked, "konkyo import") == 0
    assert capsys.readouterr().out.endswith(
        "written: paired-3x3.safetensors and .json\nserve it: konkyo serve --models . --default-model paired-3x3\n"
    )
    first = Path("paired-3x3.safetensors").read_bytes()
    Path("paired-3x3.usage.json").write_text("a study")

    assert run(asked, "konkyo import") == 1
    assert capsys.readouterr().err == (
        "error: paired-3x3.safetensors is there already; another name or folder fits, or overwrite, which replaces the "
        "network\n"
    )
    assert (Path("paired-3x3.safetensors").read_bytes(), Path("paired-3x3.usage.json").exists()) == (first, True)
    assert run([*asked[:2], "--range=0,255", asked[3], "--overwrite"], "konkyo import") == 0
    assert Path("paired-3x3.safetensors").read_bytes() != first
    assert not Path("paired-3x3.usage.json").exists()
    capsys.readouterr()

    assert run([*asked, "--overwrite", f"--out={DIRECTORY}"], "konkyo import") == 1
    assert capsys.readouterr().err == (
        f"error: {DIRECTORY} holds the networks that come with Konkyo; a folder of your own fits\n"
    )
    assert {path.name: path.read_bytes() for path in DIRECTORY.glob("paired-3x3.*")} == shipped

    weights = Path(file).read_bytes()
    assert run([file, STAGES, UNIT, "--overwrite", f"--out={tmp_path}"], "konkyo import") == 1
    assert capsys.readouterr().err == (
        f"error: {file} would be replaced by what is read of it; another name or folder fits\n"
    )
    assert Path(file).read_bytes() == weights
