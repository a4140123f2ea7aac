"""CONTRIBUTING.md, followed from its beginning to its end: ``make documents``."""

import os
import shutil
from pathlib import Path

import pytest

from support.folders import ROOT
from tests.documents.reader import By, Followed, Left, Reader, Run, Step, small_mnist

# Trainings that end at once. What they come to goes elsewhere, so that the documents are made of the shipped networks.
TINY = "--seeds 2 --steps 4 --restarts 1 --minimum-accuracy 0 --out made"
TOGETHER = Left("the command below makes it with the others")
MNIST = os.environ.get("KONKYO_DATA")


def everything_is_compared(_: Reader, said: str) -> None:
    """And what cannot be is left out."""
    assert "paired-3x3, seed" in said
    assert "consistency of deep-7x9x9 is left out: " in said
    assert "consistency of summed-3x3 is left out: " in said


def mends_nothing(_: Reader, said: str) -> None:
    assert "left unchanged" in said
    assert "reformatted" not in said


def mnist(folder: Path) -> None:
    """And the shipped studies of filters, in whose place the commands above have put those of a few images."""
    if MNIST is None:
        pytest.skip("KONKYO_DATA names no folder with MNIST's four files")
    for path in (ROOT / "models").glob("*.usage.json"):
        shutil.copy(path, folder / "models")


STEPS: dict[str, Step] = {
    "make quick": By(".ci/run"),
    "make test": By(".ci/run"),
    "make check": By(".ci/run"),
    "make format": Run(),
    "make documents": Left("it runs this"),
    ".ci/run": Left("it runs this"),
    ": models/             the network in numpy and its explanati": Left("the folders"),
    "docker compose up": By("tests/system/test_operations.py", "docs/operations.md"),
    "make examples": TOGETHER,
    "konkyo study all": Run(
        before=small_mnist, instead=".venv/bin/konkyo study all --model paired-3x3 --images 2 --out made"
    ),
    "make pictures": TOGETHER,
    ".venv/bin/python -m tools.soak --only": Run(),
    "pytest --times 20": Run(instead=".venv/bin/python -m pytest --times 2 -q tests/models/test_rounding.py"),
    'make test ARGS="--durations 30"': Run(
        instead='make test ARGS="--durations 30 --cov-fail-under 0 tests/models/test_classes.py"'
    ),
    "make train": Run(instead=f'make train ARGS="{TINY}"', then=everything_is_compared),
    "konkyo study filters": TOGETHER,
    "konkyo study consistency": TOGETHER,
    "make studies examples pictures gallery screenshots": Run(instead="make examples pictures gallery screenshots"),
    "make bench": By("tests/documents/readme.py"),
    "konkyo explain": By("tests/documents/readme.py"),
    "make peers": Run(),
    "make recount": Run(before=mnist, instead=f"make recount DATA={MNIST}"),
    "make lock": Left("it takes the newest versions, which are others each day"),
}
FOLLOWED = Followed("CONTRIBUTING.md", STEPS)


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
