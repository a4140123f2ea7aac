"""README.md, followed from its beginning to its end: ``make documents``."""

import json
import shutil
from pathlib import Path

from support.folders import DATA
from tests.documents.reader import By, Followed, Left, Reader, Run, Save, Serve, Step


def brought(folder: Path) -> None:
    """A network of the reader's own."""
    shutil.copy(DATA / "networks" / "tutorial.onnx", folder / "mine.onnx")


def is_served_alone(reader: Reader, _: str) -> None:
    assert reader.answer("/readyz")["models"] == ["mine"]


def reads_a_seven(_: Reader, said: str) -> None:
    assert json.loads(said)["predicted"] == 7


def has_a_library_and_a_command(reader: Reader, _: str) -> None:
    code = "import konkyo; print(konkyo.__file__, konkyo.load('paired-3x3').name)"
    assert "site-packages" in reader.run(f'cd / && {reader.folder}/plain/bin/python -c "{code}"')
    assert " study " in reader.run("plain/bin/konkyo --help")
    listed = reader.run("plain/bin/pip list --format freeze").lower()
    assert "numpy==" in listed
    assert not any(f"\n{name}==" in listed for name in ("uvicorn", "fastapi", "torch"))


def draws(reader: Reader, said: str) -> None:
    assert said.startswith("7 with ")
    assert (reader.folder / "why.svg").read_text().startswith("<svg ")


STEPS: dict[str, Step] = {
    "make serve": Serve(),
    "apt install python3-venv": Left("it is the system's; .ci/run installs it where it is missing"),
    "docker compose up": By("tests/system/test_operations.py", "docs/operations.md"),
    "make test": By(".ci/run"),
    "curl -F file=@docs/digits/7.png localhost:8000/predict": Run(then=reads_a_seven),
    "curl -F file=@docs/digits/5.png 'localhost:8000/explain/filters?format=png&scale=2' > why.png": Run(),
    "curl -F file=@docs/digits/9.png 'localhost:8000/explain/occlusion?region=4&stride=1&format=png&scale=2' "
    "> where.png": Run(),
    "curl -F file=@docs/digits/7.png 'localhost:8000/explain/shapley?format=png&scale=2' > shapley.png": Run(),
    "curl -F file=@docs/digits/7.png 'localhost:8000/explain/grounds?format=png&scale=2' > grounds.png": Run(),
    "curl -F file=@docs/digits/5.png 'localhost:8000/explain/process?format=png&scale=2' > process.png": Run(),
    "make importer": Run(),
    ".venv/bin/konkyo serve mine.onnx --range 0,1 --preprocessing mnist": Serve(before=brought, then=is_served_alone),
    "pip install .": Run(
        instead="python3 -m venv plain && plain/bin/pip install --quiet .", then=has_a_library_and_a_command
    ),
    "python: import konkyo": Save(file="why.py"),
    ".venv/bin/python why.py": Run(then=draws),
    "text: 7 with 100.0 %: 4 of 20 regions prove it, no fewer do;": By("tests/test_library.py", "README.md"),
    "make bench": Left("hours on a quiet machine; tests/test_benchmarks.py measures each once"),
    "konkyo study grounds": Left("it says where the page has the numbers from, and takes hours"),
    "make examples": By("tests/documents/contributing.py"),
    "make docs": By("tests/documents/start.py"),
}
FOLLOWED = Followed("README.md", STEPS, "make serve")


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
