"""docs/training.md, followed from its beginning to its end: ``make documents``."""

from tests.documents.reader import By, Followed, Left, Reader, Run, Step, small_mnist

# Trainings that end at once: what they come to is no network that anybody would want.
TINY = "--steps 4 --minimum-accuracy 0 --out made"

STEPS: dict[str, Step] = {
    "make trainer": Run(),
    ".venv/bin/konkyo train --recipe best --batch-norm --stages 7k3,9k3,9k3n --steps 20000 --restarts 1 --seeds 10 "
    "--name deep-7x9x9": Run(before=small_mnist, more=f"{TINY} --seeds 2"),
    "make test": By(".ci/run"),
    "make train": By("tests/documents/contributing.py"),
    ".venv/bin/konkyo train --stages 8k3n,10k3,8k3 --hidden 32 --recipe best": Run(more=TINY),
    "make studies": Left("hours; its command is study all of tests/documents/contributing.py"),
    "docker compose run --rm trainer train": Left("its image has a gigabyte of PyTorch, for every run of the tests"),
    ".venv/bin/konkyo study filters": Run(more="--out made"),
}
FOLLOWED = Followed("docs/training.md", STEPS)


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
