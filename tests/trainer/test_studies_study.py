"""What a study is: its parts, what they depend on, its JSON; all of them as one command."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import konkyo.trainer.studies.study as study_module
from konkyo.models.architecture import Architecture, parse_stages
from konkyo.models.files.checkpoint import load, load_all
from konkyo.trainer.data import Labelled
from konkyo.trainer.document import read, write
from konkyo.trainer.errors import RunError
from konkyo.trainer.report import STUDIES
from konkyo.trainer.studies import calibration, grounds, occlusion
from konkyo.trainer.studies.study import (
    Arrays,
    Asked,
    Parts,
    identity,
)
from support.folders import ROOT
from tests.helpers.commands import invoked, trainer
from tests.helpers.datasets import write_idx
from tests.helpers.lamp import checkpoint_of
from tests.helpers.oracles import random_network
from tests.helpers.small_data import strokes
from tests.helpers.studies import measured


def test_a_part_is_computed_once_for_each_work(tmp_path: Path) -> None:
    view = np.arange(6).reshape(2, 3).T
    for _ in range(2):
        part = Parts(tmp_path, {"sha256": "a", "region": 2}).get("0", lambda: {"values": np.arange(3.0), "view": view})
        np.testing.assert_array_equal(part["values"], [0, 1, 2])
        np.testing.assert_array_equal(part["view"], [[0, 3], [1, 4], [2, 5]])
    same, other = Parts(tmp_path, {"region": 2, "sha256": "a"}), Parts(tmp_path, {"sha256": "b", "region": 2})
    np.testing.assert_array_equal(same.get("0", dict)["view"], view)
    assert other.get("0", lambda: {"values": np.ones(1)})["values"] == 1
    assert same.get("1", lambda: {"values": np.zeros(1)})["values"] == 0


def test_a_damaged_part_is_computed_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path, {})
    parts.get("0", lambda: {"values": np.ones(1)})
    [path] = parts.directory.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert parts.get("0", lambda: {"values": np.full(1, 2.0)})["values"] == 2
    assert parts.get("0", dict)["values"] == 2


STUDIED = load_all()["paired-3x3"]


def asked(digits: Labelled, tmp_path: Path) -> Asked:
    return Asked(STUDIED, digits[:3], tmp_path)


def test_whatever_a_part_depends_on_makes_another(
    digits: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version, the study and its settings, the network and the images."""
    study, some = grounds.STUDY, asked(digits, tmp_path)
    others = [
        identity(occlusion.STUDY, some),
        identity(replace(study, settings={"chunk": 7}), some),
        identity(study, asked(digits[1:], tmp_path)),
        identity(study, replace(some, checkpoint=load_all()["summed-3x3"])),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(study_module, "__version__", "next")
        others.append(identity(study, some))
    assert identity(study, some) not in others
    assert identity(study, asked(digits, tmp_path)) == identity(study, some)


def test_another_process_finds_the_parts(digits: Labelled, tmp_path: Path) -> None:
    """Whatever else it has imported before."""
    images = tmp_path / "images.npy"
    np.save(images, digits[:3].images)
    script = f"""
import numpy as np
from pathlib import Path
from konkyo.models.files.checkpoint import load_all
from konkyo.trainer.data import Labelled
from konkyo.trainer.studies.grounds import STUDY
from konkyo.trainer.studies.study import Asked, Parts, identity
some = Labelled(np.load({str(images)!r}), np.array({digits.labels[:3].tolist()}, np.uint8))
print(Parts(Path(), identity(STUDY, Asked(load_all()["paired-3x3"], some, Path()))).directory)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    [study] = [one for one in STUDIES if one.name == "grounds"]
    assert done.stdout.strip() == str(Parts(Path(), identity(study, asked(digits, tmp_path))).directory)


def test_every_study_of_images_takes_colour_and_any_side(tmp_path: Path) -> None:
    """A network in colour, of an odd side that regions do not divide: what it says has its shape."""
    architecture = Architecture(parse_stages("3k3,4k3q"), 19, 3, classes=3)
    network = random_network(architecture, 3)
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (3, 3, 19, 19), dtype=np.uint8) * (rng.random((3, 1, 19, 19)) < 0.2)
    digits = Labelled(images.astype(np.uint8), np.array([0, 1, 2], np.uint8))
    for study in (calibration, grounds, occlusion):
        found, written = measured(study.STUDY, checkpoint_of(network), digits, tmp_path)
        assert written["images"] == 3
        if study is occlusion:
            assert [one.heatmap.shape for one in found] == [(3, 19, 19)] * 4


@pytest.mark.usefixtures("unrendered")
def test_all_studies_are_one_command_that_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``make studies`` calls it, for a network that was just trained: stopped in the fourth study, begun again."""
    for part, count in (("train", 300), ("t10k", 6)):
        write_idx(tmp_path / "strokes", part, *strokes(count, count))
    (tmp_path / "strokes" / "classes.txt").write_text("row\ncolumn\ndiagonal\n")
    data, models = ("--data", tmp_path / "strokes"), ("--models", tmp_path / "models")
    short = ("--stages=2k3,3k3", "--name=tiny", "--steps=300", "--batch=20", "--learning-rate=0.01")
    trainer("train", *short, *data, "--out", tmp_path / "models", "--runs", tmp_path / "training")

    def parts(runs: str) -> list[Path]:
        return sorted((tmp_path / runs).rglob("*.safetensors"))

    def every(out: str, runs: str) -> Result:
        return invoked("study", "all", *data, *models, "--out", tmp_path / out, "--runs", tmp_path / runs)

    # Four parts of the usage, one of the calibration, four of occlusion; then grounds begin.
    whole = Parts.get

    def stopped(kept: Parts, key: str, compute: Callable[[], Arrays]) -> Arrays:
        if len(parts("runs")) == 9:
            raise KeyboardInterrupt
        return whole(kept, key, compute)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "get", stopped)
        done = every("out", "runs")
        assert done.exit_code == 130
        assert "interrupted: the same command goes on from the last part" in done.output
    times = {path: path.stat().st_mtime_ns for path in parts("runs")}
    (tmp_path / "models" / "tiny.usage.json").rename(tmp_path / "usage.json")
    for out, runs in (("out", "runs"), ("whole", "other")):
        done = every(out, runs)
        assert done.exit_code == 0, done.output
        usage = (tmp_path / "models" / "tiny.usage.json").read_bytes()
        assert usage == (tmp_path / "usage.json").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in times} == times, "what was finished was not made again"
    assert [path.name for path in parts("runs")] == [path.name for path in parts("other")]
    made = sorted(path.name for path in (tmp_path / "out" / "tiny").iterdir())
    assert made == sorted(["filters.png", *(f"{one.name}.{kind}" for one in STUDIES[1:] for kind in ("json", "png"))])
    model = {"name": "tiny", "sha256": load(tmp_path / "models" / "tiny.safetensors").sha256}
    for name in ("calibration", "grounds", "occlusion"):
        written = (tmp_path / "out" / "tiny" / f"{name}.json").read_text()
        assert written == (tmp_path / "whole" / "tiny" / f"{name}.json").read_text()
        assert {"study": name, "model": model}.items() <= json.loads(written).items()
    assert "Each region of 6 test images is hidden alone, by the value 0." in done.output


def test_floats_are_rounded_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "new" / "found.json"
    write(path, {"a": 1 / 3, "b": {"c": [[0.123456, -1e-9], [2, True]]}, "d": None, "e": "0.123456789"})
    assert path.read_text() == (
        '{\n  "a": 0.33333,\n  "b": {\n    "c": [\n      [0.12346, 0.0],\n      [2, true]\n    ]\n  },\n'
        '  "d": null,\n  "e": "0.123456789"\n}\n'
    )


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000])
def test_what_is_damaged_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(text)
    with pytest.raises(RunError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} ")
    assert str(caught.value).endswith("; delete it, and write it again")
