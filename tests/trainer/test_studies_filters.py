"""The study of filter pairs: its first images, as a command and in its figure; what the shipped networks have."""

import os
import shutil
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from typer.testing import Result

import konkyo.trainer.commands.studies as studies_module
from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.contributions import contributions
from konkyo.trainer.data import Labelled, read
from konkyo.trainer.errors import RunError
from konkyo.trainer.figures import filters as figure_module
from konkyo.trainer.figures.filters import FINE, GAP
from konkyo.trainer.figures.style import FIRST, SECOND
from konkyo.trainer.studies import filters
from konkyo.trainer.studies.filters import AXES, STUDY, FilterStudy, measure, summarised
from konkyo.trainer.studies.study import Asked
from tests.helpers import usage_script
from tests.helpers.commands import invoked
from tests.helpers.datasets import write_pictures
from tests.helpers.lamp import checkpoint_of
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses
from tests.helpers.studies import ASKED, caught, measured


def test_refuses_a_class_without_two_correctly_read_images(digits: Labelled, tmp_path: Path) -> None:
    checkpoint = load(DIRECTORY / "summed-3x3.safetensors")
    labels = digits.labels[:20].tolist()
    scarce = next(digit for digit in range(10) if labels.count(digit) < 2)
    count = labels.count(scarce)
    with refuses(
        RunError,
        f"summed-3x3 predicts {count} of the {count} images of class {scarce} correctly; the study needs 2 at least. "
        "Take more --images, or a more accurate network",
    ):
        measured(STUDY, checkpoint, digits[:20], tmp_path)


def test_the_first_of_each_class_and_one_in_a_hundred_others_that_are_unlike(
    digits: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "PER_CLASS", 25)
    checkpoint = load(DIRECTORY / "summed-3x3.safetensors")
    network, some = checkpoint.precise, digits[:700]
    study, _ = measured(STUDY, checkpoint, some, tmp_path)
    usage = study.usage
    ledgers = contributions(network, some.images / 255)
    predicted = ledgers.logits.argmax(-1)
    which = [np.flatnonzero((some.labels == digit) & (predicted == digit))[:25] for digit in range(10)]
    assert [one.images for one in usage.classes] == [25] * 10
    for digit, images in enumerate(which):
        np.testing.assert_allclose(study.maps[digit], ledgers.maps[images, digit].mean(0), rtol=0, atol=1e-10)
        np.testing.assert_allclose(study.maps[digit].sum((-2, -1)), usage.classes[digit].mean, rtol=1e-5)
    assert usage.likeness is not None
    assert usage.likeness.axes.shape == (10, AXES, 75)
    last = network.trace(some.images / 255).layers[-1]
    found = last[which[3]].reshape(25, -1)
    # An independent way to the same subspace: eigenvectors of the sums of squares.
    vectors = np.linalg.eigh(found.T @ found)[1][:, ::-1][:, :AXES]
    assert vectors @ vectors.T == pytest.approx(usage.likeness.axes[3].T @ usage.likeness.axes[3], abs=2e-3)
    others = np.setdiff1d(np.arange(700), np.concatenate(which))
    assert np.mean(usage.likeness.distance(last[others]) > usage.likeness.threshold) == pytest.approx(0.01, abs=0.005)


ROOT = Path(__file__).parents[2]
MNIST = os.environ.get("KONKYO_DATA")
needs_mnist = pytest.mark.skipif(not MNIST, reason="KONKYO_DATA names no folder with MNIST's four files")
FOUND = ["lenet-6x16", "paired-3x3", "summed-3x3"]  # of MNIST


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The shipped checkpoints, without their studies."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in FOUND:
        for suffix in (".safetensors", ".json"):
            shutil.copy(DIRECTORY / f"{name}{suffix}", folder)
    return folder


def run(*arguments: str | Path) -> Result:
    return invoked("study", "filters", *arguments)


@pytest.mark.usefixtures("unrendered")
def test_everything_from_a_slice(
    models: Path, tmp_path: Path, digits: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "summed-3x3"
    monkeypatch.setattr(studies_module, "data_set", lambda _, part, *__: {"train": digits}[part])
    folders = ("--models", models, "--out", tmp_path / "out", "--runs", tmp_path / "runs")
    arguments = ("--model", name, "--images", "600", *folders)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    made = [models / f"{name}.usage.json", tmp_path / "out" / name / "filters.png"]
    assert made[1].exists()
    assert [path for path in models.iterdir() if ".usage" in path.name] == made[:1]
    usage_script.check(models / f"{name}.safetensors", digits.images[:600], digits.labels[:600])
    assert "".join(f"written: {path}" for path in made) in result.output.replace("\n", "")


@needs_mnist
@pytest.mark.parametrize("name", FOUND)
def test_the_shipped_studies_are_those_of_the_shipped_checkpoints(name: str) -> None:
    """`python -m trainer study filters` makes them anew."""
    digits = read(Path(str(MNIST)), "train")
    path = DIRECTORY / f"{name}.safetensors"
    shape = load(path).network.architecture
    few = prod(shape.pairs) <= 9
    usage_script.check(path, digits.images, digits.labels, range(10) if few else (4,))
    usage = usage_file.load(DIRECTORY, load(path))
    assert usage is not None
    assert (usage.searched, usage.per_class) == (60_000, 1000)
    assert [one.images for one in usage.classes] == [1000] * 10
    assert (ROOT / "docs" / "studies" / name / "filters.png").exists()


@pytest.mark.parametrize("name", FOUND)
def test_an_odd_digit_shows(name: str, digits: Labelled) -> None:
    """Digits have the percentile 50 on average; those that lie on their side are read, but by an odd use of filters."""
    checkpoint = load(DIRECTORY / f"{name}.safetensors")
    usage = usage_file.load(DIRECTORY, checkpoint)
    assert usage is not None
    means = []
    some = digits[-100:].scaled(np.float64)
    for images in (some, np.rot90(some, axes=(1, 2))):
        ledger = contributions(checkpoint.precise, images)
        read = ledger.logits.argmax(-1)
        usual = [usage.typicality(one) for one in ledger.contributions]
        means.append(float(np.mean([one[digit].percentile for one, digit in zip(usual, read, strict=True) if one])))
    upright, lying = means
    assert 35 < upright < 65
    assert lying < upright / 2


def test_networks_that_are_not_there_or_of_other_data_sets(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "bars", {"lying": 90.0, "upright": 0.0}, 5)
    bars = read(tmp_path / "bars", "train")
    monkeypatch.setattr(studies_module, "data_set", lambda *_: bars)
    for named, message in (
        ((), "no checkpoint is of the data set bars; train one, or name another with --data"),
        (
            ("--model=paired-3x3",),
            "paired-3x3 is a network of the data set MNIST, and these images are of bars; name the folder of its data "
            "set with --data",
        ),
        (("--model=resnet",), f"there is no checkpoint 'resnet' in {models}; there are {', '.join(FOUND)}"),
    ):
        result = run("--models", models, *named)
        assert isinstance(result.exception, RunError)
        assert str(result.exception) == message


SIDE = 5 * FINE + GAP


def drawn(monkeypatch: pytest.MonkeyPatch, path: Path, shape: Architecture, favourite: int, other: int) -> list[Any]:
    """Of each of three classes the axes of its maps: one pair is used in seven pictures of ten, one in the others."""
    pairs = shape.pairs
    values = np.zeros((3, 10, *pairs))
    flat = values.reshape(3, 10, -1)
    flat[:, :7, favourite] = flat[:, 7:, other] = 1
    maps = np.zeros((3, *pairs, 5, 5))
    maps[:, :, :, 2, 2] = values.mean(1)
    figures = caught(figure_module, monkeypatch)
    asked = Asked(checkpoint_of(random_network(shape, 1), "some"), ASKED.labelled, Path())
    figure_module.draw(path, asked, FilterStudy(measure(list(values), 100, 10), maps))
    return [axes for axes in figures[0].axes if axes.images and axes.get_title("left")]


def frames(axes: Any) -> dict[str, tuple[float, float]]:
    return {to_hex(patch.get_edgecolor()): patch.get_xy() for patch in axes.patches}


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(("wiring", "rows", "columns"), [("paired", 3, 3), ("paired", 1, 1), ("summed", 2, 9)])
def test_each_class_shows_its_maps_and_frames_its_places(
    wiring: str, rows: int, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = two_stages(Wiring(wiring), rows, columns, classes=3)
    classes = drawn(monkeypatch, tmp_path / "a.png", shape, 0, rows * columns - 1)
    assert [axes.get_title("left") for axes in classes] == ["0", "1", "2"]
    for axes in classes:
        shown = axes.images[0].get_array()
        assert shown.shape == (rows * SIDE + GAP, columns * SIDE + GAP)
        expected = np.zeros((rows, columns))
        expected[0, 0] += 0.7
        expected[-1, -1] += 0.3
        np.testing.assert_allclose(shown[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE], expected)
        last = (columns - 1) * SIDE + 0.5, (rows - 1) * SIDE + 0.5
        places = {FIRST: (0.5, 0.5)} if rows * columns == 1 else {FIRST: (0.5, 0.5), SECOND: last}
        assert frames(axes) == places


@pytest.mark.usefixtures("unrendered")
def test_where_the_first_dominates_there_is_no_blue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = drawn(monkeypatch, tmp_path / "b.png", two_stages(Wiring.PAIRED, 1, 2, classes=3), 1, 1)
    assert [set(frames(axes)) for axes in alone] == [{FIRST}] * 3


def test_without_any_contribution_it_is_neutral(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(random_network(two_stages(Wiring.PAIRED, 1, 2, classes=2), 1), "some")
    found = FilterStudy(measure([np.zeros((3, 1, 2))] * 2, 30, 3), np.zeros((2, 1, 2, 5, 5)))
    figure_module.draw(tmp_path / "a.png", Asked(checkpoint, ASKED.labelled, Path()), found)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_of_a_single_pair_there_is_no_second_place() -> None:
    checkpoint = checkpoint_of(random_network(two_stages(Wiring.PAIRED, 1, 1), 1), "some")
    told = STUDY.told(summarised(checkpoint, measure([np.full((3, 1, 1), 0.25)] * 10, 30, 3)))
    assert "| 9 | 3 | map 0 × filter 0 | 100.0% | 0.25 | – |  |  |" in list(told)


def test_of_many_pairs_those_are_shown_that_add_most() -> None:
    """By either sign: every second of 16 maps, every second of 32 filters."""
    contributions = np.zeros((3, 16, 32))
    contributions[:, ::2, 1::2] = np.where(np.arange(0, 16, 2)[:, None] % 4, -2.0, 2.0)
    shown = figure_module.chosen(measure([contributions] * 10, 30, 3))
    assert shown == ([*range(0, 16, 2)], [*range(1, 32, 2)])
