"""``trainer study filters``, on a slice of test images, and what it has left for the shipped checkpoints."""

import os
import shutil
from math import prod
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="typer is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from typer.testing import CliRunner, Result

import konkyo.trainer.commands.studies as studies_module
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.trainer.cli import app
from konkyo.trainer.data import Digits, read
from konkyo.trainer.errors import RunError
from konkyo.trainer.studies.filters import STUDY, summarised
from tests.helpers import usage_script
from tests.helpers.datasets import write_pictures
from tests.helpers.studies import loaded_by

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
    return CliRunner().invoke(app, ["study", "filters", *map(str, arguments)])


@pytest.mark.parametrize("name", ["paired-3x3", "summed-3x3"])
def test_everything_from_a_slice(
    name: str, models: Path, tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_module, "data_set", lambda _, part, *__: {"train": digits}[part])
    folders = ("--models", models, "--out", tmp_path / "out", "--runs", tmp_path / "runs")
    arguments = ("--model", name, "--images", "600", *folders)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    made = [models / f"{name}.usage.json", tmp_path / "out" / name / "filters.png"]
    first = [path.read_bytes() for path in made]
    assert [path for path in models.iterdir() if ".usage" in path.name] == made[:1]
    usage_script.check(models / f"{name}.safetensors", digits.images[:600], digits.labels[:600])

    checkpoint = load(models / f"{name}.safetensors")
    usage = usage_file.load(models, checkpoint)
    assert usage is not None
    lines = [line for line in result.output.splitlines() if line]
    assert lines[: -len(made)] == [line for line in STUDY.told(summarised(checkpoint, usage)) if line]
    [row] = [line for line in lines if line.startswith("| 4 |")]
    one, second = usage.classes[4], usage.classes[4].second
    assert second is not None
    placed = f"map {one.first.map} × filter {one.first.filter} | {one.first.share:.1%} | {one.first.mean:.2f}"
    other = f"map {second.map} × filter {second.filter} | {second.share:.1%} | {second.mean:.2f}"
    assert row == f"| 4 | {one.images} | {placed} | {other} |"
    assert "".join(f"written: {path}" for path in made) in result.output.replace("\n", "")

    assert run(*arguments).exit_code == 0
    assert [path.read_bytes() for path in made] == first


def test_a_name_that_is_not_there(models: Path) -> None:
    result = run("--model", "resnet", "--models", models)
    assert isinstance(result.exception, RunError)
    assert str(result.exception) == f"there is no checkpoint 'resnet' in {models}; there are {', '.join(FOUND)}"


@needs_mnist
def test_it_needs_no_torch(models: Path, tmp_path: Path) -> None:
    folders = "--models", models, "--out", tmp_path, "--runs", tmp_path / "runs"
    loaded = loaded_by("study", "filters", "--model", "summed-3x3", "--images", "400", *folders)
    assert "PIL" in loaded  # matplotlib writes its PNG with Pillow
    assert not {"torch", "service"} & loaded
    assert (models / "summed-3x3.usage.json").exists()


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
def test_an_odd_digit_shows(name: str, digits: Digits) -> None:
    """Digits have the percentile 50 on average; those that lie on their side are read, but by an odd use of filters."""
    from konkyo.models.contributions import contributions

    checkpoint = load(DIRECTORY / f"{name}.safetensors")
    usage = usage_file.load(DIRECTORY, checkpoint)
    assert usage is not None
    means = []
    for images in (digits.scaled(np.float64)[-150:], np.rot90(digits.scaled(np.float64)[-150:], axes=(1, 2))):
        ledger = contributions(checkpoint.precise, images)
        read = ledger.logits.argmax(-1)
        usual = [usage.typicality(one) for one in ledger.contributions]
        means.append(float(np.mean([one[digit].percentile for one, digit in zip(usual, read, strict=True) if one])))
    upright, lying = means
    assert 35 < upright < 65
    assert lying < upright / 2


def test_networks_of_other_data_sets_are_left_out_or_refused(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "bars", {"lying": 90.0, "upright": 0.0}, 5)
    bars = read(tmp_path / "bars", "train")
    monkeypatch.setattr(studies_module, "data_set", lambda *_: bars)
    result = run("--models", models)
    assert isinstance(result.exception, RunError)
    assert str(result.exception) == "no checkpoint is of the data set bars; train one, or name another with --data"
    result = run("--models", models, "--model", "paired-3x3")
    assert isinstance(result.exception, RunError)
    assert str(result.exception) == (
        "paired-3x3 is a network of the data set MNIST, and these images are of bars; name the folder of its data set "
        "with --data"
    )
