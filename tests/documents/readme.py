"""README.md, followed from its beginning to its end: ``make documents``."""

import json
import shutil
from pathlib import Path

from support.folders import DATA
from tests.documents.reader import By, Followed, Left, Reader, Run, Save, Serve, Step, small_mnist

# Trainings that end at once: what they come to is no network that anybody would want.
TINY = "--steps 4 --minimum-accuracy 0"


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


def gives_an_array(_: Reader, said: str) -> None:
    assert said == "(2, 7, 7)\n"


def writes_a_thousand(reader: Reader, said: str) -> None:
    assert "1,000 images in 1 files in explained" in " ".join(said.split())
    assert {one.name for one in (reader.folder / "explained").iterdir()} == {"_manifest.json", "part-000000.parquet"}


def asks_for_ten(_: Reader, said: str) -> None:
    assert "ten seeds" in said


STEPS: dict[str, Step] = {
    "make serve": Serve(),
    "curl -s -F file=@docs/digits/7.png localhost:8000/predict": Run(then=reads_a_seven),
    "apt install python3-venv": Left("it is the system's; .ci/run installs it where it is missing"),
    "make serve PORT=8080": Serve(),
    "make test": By(".ci/run"),
    "make quick": By(".ci/run"),
    "docker compose up": By("tests/system/test_operations.py", "docs/operations.md"),
    "curl -F file=@docs/digits/5.png 'localhost:8000/explain/filters?format=png&scale=2' > why.png": Run(),
    "curl -F file=@docs/digits/9.png 'localhost:8000/explain/occlusion?region=4&stride=1&format=png&scale=2' "
    "> where.png": Run(),
    "curl -F file=@docs/digits/7.png 'localhost:8000/explain/shapley?format=png&scale=2' > shapley.png": Run(),
    "curl -F file=@docs/digits/7.png 'localhost:8000/explain/grounds?format=png&scale=2' > grounds.png": Run(),
    "konkyo study grounds": Left("it says where the page has the numbers from, and takes hours"),
    "curl -F file=@docs/digits/5.png 'localhost:8000/explain/process?format=png&scale=2' > process.png": Run(),
    "make examples": By("tests/documents/contributing.py"),
    "make importer": Run(),
    ".venv/bin/konkyo serve mine.onnx --range 0,1 --preprocessing mnist": Serve(before=brought, then=is_served_alone),
    "make bench": Left("hours on a quiet machine; tests/test_benchmarks.py measures each once"),
    "pip install .": Run(
        instead="python3 -m venv plain && plain/bin/pip install --quiet .", then=has_a_library_and_a_command
    ),
    "python: import konkyo": Save(file="why.py"),
    ".venv/bin/python why.py": Run(then=draws),
    "text: 7 with 100.0 %": By("tests/test_library.py", "README.md"),
    "konkyo serve": Left("the name of a command, which others here begin with"),
    "uvx --from '.[serve]' konkyo serve": Serve(needs="uvx"),
    ".venv/bin/pip install -c constraints.txt 'tritonclient[http]'": Run(),
    "python: import numpy as np": Save(file="many.py", instead=".venv/bin/python many.py", then=gives_an_array),
    "make cluster": Run(),
    ".venv/bin/konkyo explain --data tests/data --out explained --images 1000": Run(then=writes_a_thousand),
    ".venv/bin/serve run konkyo.service.cluster:app": Serve(port=8000),
    "make trainer": Run(),
    ".venv/bin/konkyo train --recipe best --batch-norm --stages 7k3,9k3,9k3n --steps 20000 --restarts 1 --seeds 10 "
    "--name deep-7x9x9": Run(before=small_mnist, more=f"{TINY} --seeds 2 --out made"),
    "curl -F file=@docs/digits/giraffe.png 'localhost:8000/explain/grounds?model=animals-3x3&format=png&scale=2' "
    "> giraffe.png": Run(),
    ".venv/bin/konkyo study filters": Run(more="--out made"),
    "make studies": Left("hours; its command is study all of tests/documents/contributing.py"),
    "make train": By("tests/documents/contributing.py"),
    ".venv/bin/konkyo train --stages 8k3n,10k3,8k3 --hidden 32 --recipe best": Run(more=f"{TINY} --out made"),
    "docker compose run --rm trainer train": Left("its image has a gigabyte of PyTorch, for every run of the tests"),
    ".venv/bin/konkyo serve --port 8080": Serve(),
    ".venv/bin/konkyo serve --help": Run(),
}
FOLLOWED = Followed("README.md", STEPS, "make serve")


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
