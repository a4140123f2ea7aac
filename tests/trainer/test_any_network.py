"""Networks of other shapes than the paper's, from ``trainer train`` to a card, a study and a service that answers."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from konkyo.models.architecture import Architecture, parse_stages
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import load
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from konkyo.trainer.data import read
from konkyo.trainer.training import recipe
from support.pictures import decode, encode
from tests.helpers.commands import trainer
from tests.helpers.datasets import described, write_idx
from tests.helpers.small_data import strokes, write_fruits

QUESTIONS = ("predict", *(f"explain/{name}" for name in ("filters", "process", "occlusion", "shapley", "grounds")))


def check_answers(models: Path, name: str, picture: bytes, stages: int) -> None:
    """Every question and its picture; the account of the whole way adds up, stage by stage."""
    with TestClient(create_app(Settings(models=models, default_model=name))) as client:
        for question in QUESTIONS:
            path, file = f"/{question}?fit=auto", {"file": picture}
            answer = client.post(path, files=file)
            assert answer.status_code == 200, answer.text
            if question == "explain/process":
                found = answer.json()
                assert len(found["stages"]) == stages
                total = np.sum(found["contributions"], axis=(1, 2)) + np.sum(found["filter_bias"], axis=1)
                np.testing.assert_allclose(total + found["class_bias"], found["logits"], atol=1e-9)
            assert decode(client.post(f"{path}&format=png", files=file).content).shape[1] > 200


def test_three_stages_and_a_hidden_layer_on_grey_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "PATIENCE", 6)
    folder, models = tmp_path / "strokes", tmp_path / "models"
    for part, count in (("train", 300), ("t10k", 90)):
        write_idx(folder, part, *strokes(count, count))
    (folder / "classes.txt").write_text("row\ncolumn\ndiagonal\n")
    common = ("--data", folder, "--out", models, "--runs", tmp_path / "runs")
    rate = "--learning-rate=0.01"
    said = trainer("train", "--stages=6k3,3k3nq,5k3u", "--hidden=24", *common, "--batch=20", "--held-out=60", rate)
    # It validates every 60 steps, and ends when so many validations have brought nothing.
    first = re.search(r"step 50 of 100,000  loss \d\.\d{4}  validation –  at most \d+:\d\d left", said)
    ended = re.search(r"6k3-3k3nq-5k3u-h24, seed 1: ended at step ([\d,]+), no better since step ([\d,]+)", said)
    assert first is not None
    assert ended is not None
    last, best = (int(number.replace(",", "")) for number in ended.groups())
    assert last - best == 6 * 60

    checkpoint = load(models / "6k3-3k3nq-5k3u-h24.safetensors")
    shape = checkpoint.network.architecture
    assert shape == Architecture(parse_stages("6k3,3k3nq,5k3u"), 20, 1, (24,), 3)
    card = json.loads((models / "6k3-3k3nq-5k3u-h24.json").read_text())
    assert card["input"] == {"channels": 1, "side": 20, "range": [0, 1], "polarity": "light-on-dark", "border": [0]}
    assert card["head"] == {"hidden": [24], "activation": "relu"}
    assert [(one["filters"], one["pool"] is not None, one["wiring"], one["bias"]) for one in card["stages"]] == [
        (6, True, "summed", True),
        (3, False, "paired", True),
        (5, True, "summed", False),
    ]
    assert (card["classes"], card["dataset"]["name"]) == (["row", "column", "diagonal"], "strokes")
    assert card["selection"]["runs"][0]["step"] == best
    test = read(folder, "t10k")
    predicted = checkpoint.precise.logits(test.images / 255).argmax(-1)
    assert card["accuracy"]["test"] == (predicted == test.labels).mean() > 0.9
    # What reaches the classes sums to zero over them.
    affine = checkpoint.precise.weights["affine.weight"]
    assert affine.shape == (3, 24)
    np.testing.assert_allclose(affine.sum(0), 0, atol=1e-7)

    studied = ("--models", models, "--out", tmp_path / "studies", "--runs", tmp_path / "runs")
    trainer("study", "filters", "--data", folder, *studied)
    usage = usage_file.load(models, checkpoint)
    assert usage is not None
    assert usage.classes[0].mean.shape == shape.pairs == (18, 5)
    assert usage.likeness is not None
    assert usage.likeness.axes.shape[2] == shape.features
    with Image.open(tmp_path / "studies" / checkpoint.name / "filters.png") as figure:
        assert figure.width > 800
    check_answers(models, checkpoint.name, encode(test.images[0]), 3)


@pytest.mark.usefixtures("unrendered")
def test_two_stages_on_pictures_in_colour(tmp_path: Path) -> None:
    write_fruits(tmp_path / "fruits", 40)
    described(tmp_path / "fruits", name="Fruits", mirror=True)
    models = tmp_path / "models"
    options = ("--side=24", "--recipe=best", "--steps=120", "--batch=16", "--restarts=2", "--seeds=2", "--batch-norm")
    common = ("--data", tmp_path / "fruits", "--out", models, "--runs", tmp_path / "runs")
    trainer("train", "--stages=3k5p2,4k3q", "--name=fruits", *options, *common)
    checkpoint = load(models / "fruits.safetensors")
    assert checkpoint.network.architecture == Architecture(parse_stages("3k5p2,4k3q"), 24, 3, (), 2)
    card = checkpoint.card
    assert (card.input.channels, card.input.side, card.input.border) == (3, 24, (0, 0, 0))
    assert (card.preprocessing, card.polarity) == ("resize", "light-on-dark")
    assert card.dataset.notes[0] == "80 of 80 pictures are coloured: images are in colour"
    assert card.training is not None
    assert card.training.augmentations is not None
    assert card.training.augmentations.shift == pytest.approx(0.8 * 24 / 28)
    assert card.training.augmentations.mirror
    assert (card.recipe or {})["batch_norm"] is True
    assert [run.seed for run in card.selection.runs] == [1, 2]
    test = read(tmp_path / "fruits", "t10k", 24)
    assert test.images.shape[1:] == (3, 24, 24)
    predicted = checkpoint.precise.logits(test.images / 255).argmax(-1)
    assert card.accuracy.test == (predicted == test.labels).mean() > 0.9
    studied = ("--models", models, "--out", tmp_path / "studies", "--runs", tmp_path / "runs")
    trainer("study", "filters", "--data", tmp_path / "fruits", *studied)
    usage = usage_file.load(models, checkpoint)
    assert usage is not None
    assert usage.classes[0].mean.shape == (3, 4)
    lime = next((tmp_path / "fruits" / "lime").iterdir())
    check_answers(models, "fruits", lime.read_bytes(), 2)
