"""CONTRIBUTING.md, followed from its beginning to its end: ``make documents``."""

from tests.documents.reader import By, Followed, Left, Reader, Run, Step, small_mnist

# Trainings that end at once. What they come to goes elsewhere, so that the documents are made of the shipped networks.
TINY = "--seeds 2 --steps 4 --restarts 1 --minimum-accuracy 0 --out made"
TOGETHER = Left("the command below makes it with the others")


def is_trained(_: Reader, said: str) -> None:
    assert "paired-3x3, seed" in said


def lists_the_targets(_: Reader, said: str) -> None:
    assert "make serve " in said
    assert "make lock " in said


def mends_nothing(_: Reader, said: str) -> None:
    assert "left unchanged" in said
    assert "reformatted" not in said


STEPS: dict[str, Step] = {
    "make quick": By(".ci/run"),
    "make test": By(".ci/run"),
    "make check": Run(),
    "make help": Run(then=lists_the_targets),
    ".venv/bin/ruff check --fix": Run(),
    ".venv/bin/ruff format": Run(then=mends_nothing),
    "make documents": Left("it runs this"),
    ".ci/run": Left("it runs this"),
    ": models/             the network in numpy and its explanati": Left("the folders"),
    "make examples": TOGETHER,
    "konkyo study all": Run(
        before=small_mnist, instead=".venv/bin/konkyo study all --model paired-3x3 --images 2 --out made"
    ),
    ".venv/bin/python -m tests.service.pictures": Run(),
    ".venv/bin/python -m tests.trainer.refusals": Run(),
    ".venv/bin/python -m tools.soak --only": Run(),
    "pytest --times 20": Run(instead=".venv/bin/python -m pytest --times 2 -q tests/models/test_rounding.py"),
    "make train": Run(instead=f'make train ARGS="{TINY}"', then=is_trained),
    "konkyo study filters": TOGETHER,
    "make studies examples": Run(instead="make examples"),
    "make bench": By("tests/documents/readme.py"),
    "konkyo explain": By("tests/documents/scaling.py"),
    ".venv/bin/python -m tools.mutants": Left("hours"),
    "make docs": By("tests/documents/start.py"),
    "make peers": Run(),
    "make lock": Left("it takes the newest versions, which are others each day"),
}
FOLLOWED = Followed("CONTRIBUTING.md", STEPS)


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
