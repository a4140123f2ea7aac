"""docs/own-data.md, followed from its beginning to its end, with a few made-up leaves: ``make documents``."""

import json
from pathlib import Path

from tests.documents.reader import Followed, Left, Reader, Run, Save, Serve, Step
from tests.helpers.datasets import write_pictures


def leaves(folder: Path) -> None:
    write_pictures(folder / "leaves", {"maple": 90.0, "oak": 0.0}, 40)
    assert (folder / "leaves" / "oak" / "001.png").exists()


def is_trained(reader: Reader, said: str) -> None:
    assert "test images, with 560 parameters" in " ".join(said.split())
    assert (reader.folder / "own" / "leaves.json").exists()


def is_studied(reader: Reader, _: str) -> None:
    assert (reader.folder / "own" / "leaves.usage.json").exists()


def serves_the_leaves(reader: Reader, _: str) -> None:
    card = reader.answer("/models/leaves")
    assert (card["dataset"]["name"], card["dataset"]["licence"]) == ("Leaves of our park", "CC BY 4.0")
    assert card["classes"] == ["maple", "oak"]


def sees_an_oak(_: Reader, said: str) -> None:
    assert json.loads(said)["label"] == "oak"


def compares_with_the_maple(_: Reader, said: str) -> None:
    answer = json.loads(said)
    assert (answer["target"], answer["versus"]) == (1, 0)


SERVED = "KONKYO_MODELS=own KONKYO_DEFAULT_MODEL=leaves .venv/bin/konkyo serve"
STEPS: dict[str, Step] = {
    "text: leaves": Left("the reader's pictures; those of the next step stand for them"),
    "json: {": Save(file="leaves/dataset.json", before=leaves),
    "make trainer": Run(),
    ".venv/bin/konkyo train --data leaves --name leaves --out own": Run(
        more="--steps 300 --batch 20 --learning-rate 0.01", then=is_trained
    ),
    ".venv/bin/konkyo study filters --data leaves --models own --out own/studies": Run(then=is_studied),
    SERVED: Serve(then=serves_the_leaves),
    "curl -F file=@leaves/oak/001.png 'localhost:8000/predict?fit=auto'": Run(then=sees_an_oak),
    "curl -F file=@leaves/oak/001.png 'localhost:8000/explain/filters?fit=auto&target=oak&versus=maple'": Run(
        then=compares_with_the_maple
    ),
    "curl -F file=@leaves/oak/001.png 'localhost:8000/explain/grounds?fit=auto&format=png&scale=2' "
    "> grounds.png": Run(),
}
FOLLOWED = Followed("docs/own-data.md", STEPS, SERVED)


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
