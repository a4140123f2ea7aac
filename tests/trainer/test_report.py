"""The report says what the files say, and nothing else."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from konkyo.models.files import usage_file
from konkyo.models.files.card import RunCard, SelectionCard
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint, load
from konkyo.trainer.report import report
from tests.helpers.commands import trainer

NAME = "summed-3x3"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    directory.mkdir()
    for suffix in ("safetensors", "json"):
        shutil.copy(DIRECTORY / f"{NAME}.{suffix}", directory)
    return directory


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    directory = tmp_path / "studies"
    (directory / NAME).mkdir(parents=True)
    return directory


@pytest.fixture
def checkpoint(models: Path) -> Checkpoint:
    return load(models / f"{NAME}.safetensors")


def write(studies: Path, checkpoint: Checkpoint, study: str, **found: object) -> None:
    body = {"model": {"name": NAME, "sha256": checkpoint.sha256}, **found}
    (studies / NAME / f"{study}.json").write_text(json.dumps(body))
    (studies / NAME / f"{study}.png").write_bytes(b"")


def test_what_was_not_measured_is_said(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    """What was measured of other weights was not; a network without a data set is not waited for."""
    write(studies, checkpoint, "occlusion", regions={})
    path = studies / NAME / "occlusion.json"
    path.write_text(path.read_text().replace(checkpoint.sha256, "0" * 64))
    other = replace(checkpoint, name="other", card=checkpoint.card.model_copy(update={"dataset": None}))
    [page] = report([checkpoint, other], models, studies).values()
    for study in ("filters", "calibration", "occlusion", "grounds"):
        assert f"Not measured yet, or of other weights: `{NAME}` (`konkyo study {study}`)." in page
    assert page.count("Not measured, for want of a data set: `other`.") == 4
    assert "--model" not in page
    assert ".png" not in page


def test_the_networks_are_the_cards(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    runs = [
        RunCard(seed=seed, validation=0.9, chosen_by=chosen_by, step=1, test=test)
        for seed, chosen_by, test in ((1, 0.8125, 0.97), (2, 0.75, 0.99))
    ]

    def page(recipe: dict[str, str | bool | int | float], count: int) -> str:
        selection = SelectionCard(by="validation", seed=1, runs=tuple(runs[:count]))
        card = checkpoint.card.model_copy(update={"selection": selection, "recipe": recipe})
        return report([replace(checkpoint, card=card)], models, studies)["README.md"]

    said = checkpoint.card.accuracy
    share = said.test
    half = 1.96 * (share * (1 - share) / said.test_images) ** 0.5
    accuracy = f"{said.validation:.2%} | {100 * share:.2f} ± {100 * half:.2f} %"
    found = page({"steps": 2_000, "restarts": 3}, 2)
    assert f"| `{NAME}` | 922 | 2 | 3 | 2,000 | 81.25% | {accuracy} | 98.00 ± 1.41 % |" in found
    found = page({"steps": 2_000, "starts": 4}, 1)
    assert f"| `{NAME}` | 922 | 1 | 4 | 2,000 | 81.25% | {accuracy} | – |" in found
    older = checkpoint.card.model_copy(update={"training": None})
    first = "Networks with cards of version 1 were published where test accuracy was at least 98 %."
    assert first in report([replace(checkpoint, card=older)], models, studies)["README.md"]
    assert first not in found
    # The card of imported weights.
    assert f"| `{NAME}` | 922 | – | – | – | – | {accuracy} | – |" in page({}, 0)


def test_a_record_is_a_line_of_the_overview(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    (studies / "depth.md").write_text("# What depth buys\n\nA second stage: a point.\n\nMeasured at commit 1.\n")
    (studies / "occlusion.md").write_text("# Older\n\nIt is written anew.\n\nAnd more.\n")
    pages = report([checkpoint], models, studies)
    assert "- [What depth buys](depth.md): A second stage: a point.\n" in pages["README.md"]
    assert "Older" not in pages["README.md"]
    assert list(pages) == ["README.md"]


def test_the_filters_are_the_usage(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    shutil.copy(DIRECTORY / f"{NAME}.usage.json", models)
    usage = usage_file.load(models, checkpoint)
    assert usage is not None
    pages = report([checkpoint], models, studies)
    page, distinct = pages["filters.md"], usage.distinct
    ending = ", as in the paper" if distinct.unordered == 10 else "; in the paper, all are"
    assert (
        f"By first place alone, the 10 classes use {distinct.first} different pairs. Of their combinations of first "
        f"and second place, {distinct.unordered} are different{ending}. With first told apart from second, "
        f"{distinct.ordered} are."
    ) in page
    one, second = usage.classes[4], usage.classes[4].second
    assert second is not None
    places = (
        f"map {place.map} × filter {place.filter} | {place.share:.1%} | {place.mean:.2f}"
        for place in (one.first, second)
    )
    assert f"| 4 | {one.images:,} | {' | '.join(places)} |" in page
    counts = [each.images for each in usage.classes]
    assert (
        f"| [`{NAME}`](filters.md#{NAME}) | 10 | {min(counts):,} | {distinct.first} | {distinct.unordered} | "
        f"{distinct.ordered} |"
    ) in pages["README.md"]


def test_the_studies_are_their_files(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    changes = {"share_of_images": 0.25, "share_of_hidings": 0.0125}
    one = {"grid": [7, 7], "critical": {"mean": 0.613}, "answer_changes": changes}
    write(studies, checkpoint, "occlusion", images=30, regions={"2": one, "4": one})
    pages = report([checkpoint], models, studies)
    page = pages["occlusion.md"]
    assert "| 4×4 | 49 | 0.61 | 25.0% | 1.25% |" in page
    assert f"]({NAME}/occlusion.png)" in page
    assert f"`konkyo study occlusion --model {NAME}`" in page
    own = checkpoint.card.dataset.model_copy(update={"name": "Leaves"})
    other = replace(checkpoint, card=checkpoint.card.model_copy(update={"dataset": own}))
    asked = f"`konkyo study occlusion --model {NAME} --data FOLDER_OF_LEAVES`"
    assert asked in report([other], models, studies)["occlusion.md"]
    assert f"| [`{NAME}`](occlusion.md#{NAME}) | 30 | 25.0% | 25.0% | – | – |" in pages["README.md"]
    line = "- [What hiding a region does](occlusion.md): Hiding one region of 2×2 pixels changes the answer for 25.0%"
    assert line in pages["README.md"]


def test_the_grounds_are_their_file(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    group = {
        "images": 200,
        "outcomes": {"smallest": 197, "irreducible": 2, "over budget": 1},
        "sufficient": {"mean": 4.678, "most": 14, "share_empty": 0.0051},
        "contrast": {"mean": 2.016, "most": 6, "share_single": 0.351},
    }
    nothing = {**group, "images": 0, "sufficient": {"mean": None}, "contrast": {"mean": None}}
    areas = {"fewest regions": 0.8123, "softmax probability": 0.9876}
    asked = {"images": 200, "region": 4}
    write(studies, checkpoint, "grounds", **asked, groups={"all": group, "wrong": nothing}, auroc_of_wrong=areas)
    pages = report([checkpoint], models, studies)
    page = pages["grounds.md"]
    assert "| 200 | 4×4 | 4.68 | 98.5% | 1 | 2.02 | 35.1% | 0.812 | 0.988 |" in pages["README.md"]
    assert "Of 200 test images in regions of 4×4, 197 have a set that is proven to be smallest; 2 have one" in page
    assert "| all | 200 | 4.68 | 14 | 0.5% | 98.5% | 1 | 2.02 | 6 | 35.1% |" in page
    assert "| predicted wrong |" not in page
    assert "have an area under the ROC curve of 0.812, the softmax probability one of 0.988." in page
    assert f"]({NAME}/grounds.png)" in page
    unknown = {**areas, "fewest regions": None}
    write(studies, checkpoint, "grounds", **asked, groups={"all": group}, auroc_of_wrong=unknown)
    pages = report([checkpoint], models, studies)
    assert "ROC" not in pages["grounds.md"]
    assert "| 2.02 | 35.1% | – | 0.988 |" in pages["README.md"]


def test_the_command_writes_the_page(checkpoint: Checkpoint, models: Path, studies: Path) -> None:
    assert "README.md" in trainer("report", f"--models={models}", f"--out={studies}")
    assert (studies / "README.md").read_text() == report([checkpoint], models, studies)["README.md"]
