"""docs/index.md, followed from its beginning to its end: ``make documents``."""

import json

from tests.documents.reader import By, Followed, Left, Reader, Run, Serve, Step

NAME = Left("the name of a command, beside what it needs")


def reads_a_seven(_: Reader, said: str) -> None:
    assert json.loads(said)["predicted"] == 7


def is_a_site(reader: Reader, _: str) -> None:
    assert "<h1>Start<" in (reader.folder / "build" / "site" / "index.html").read_text(encoding="utf-8")


STEPS: dict[str, Step] = {
    "make serve": Serve(),
    "make serve PORT=8080": Serve(),
    "curl -s -F file=@docs/digits/7.png localhost:8000/predict": Run(then=reads_a_seven),
    "pip install .": By("tests/documents/readme.py"),
    "pip install '.[serve]'": Run(
        instead="python3 -m venv serving && serving/bin/pip install --quiet '.[serve]' && "
        "serving/bin/konkyo serve --help"
    ),
    "konkyo serve": NAME,
    "konkyo serve mine.onnx": By("tests/documents/readme.py"),
    "make importer": By("tests/documents/readme.py"),
    "konkyo import": By("tests/documents/own_network.py"),
    "make trainer": By("tests/documents/training.py"),
    "konkyo train": By("tests/documents/training.py"),
    "konkyo explain": By("tests/documents/scaling.py"),
    "make cluster": By("tests/documents/scaling.py"),
    "make test": By(".ci/run"),
    "make check": By("tests/documents/contributing.py"),
    "make examples": By("tests/documents/contributing.py"),
    "make docs": Run(then=is_a_site),
    "uvx --from '.[serve]' konkyo serve": Serve(needs="uvx"),
}
FOLLOWED = Followed("docs/index.md", STEPS, "make serve")


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
