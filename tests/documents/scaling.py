"""docs/scaling.md, followed from its beginning to its end: ``make documents``."""

from tests.documents.reader import By, Followed, Left, Reader, Run, Save, Serve, Step

MEASURED = Left("the page says when, where and at which commit it was measured")


def gives_an_array(_: Reader, said: str) -> None:
    assert said == "(2, 7, 7)\n"


def writes_a_thousand(reader: Reader, said: str) -> None:
    assert "1,000 images in 1 files in explained" in " ".join(said.split())
    assert {one.name for one in (reader.folder / "explained").iterdir()} == {"_manifest.json", "part-000000.parquet"}


STEPS: dict[str, Step] = {
    "konkyo explain": Left("the name of a command; a section below has it"),
    "docker compose up": By("tests/system/test_operations.py", "docs/operations.md"),
    "make cluster": Run(),
    "make serve": Serve(),
    ".venv/bin/pip install -c constraints.txt 'tritonclient[http]'": Run(),
    "python: import numpy as np": Save(file="many.py", instead=".venv/bin/python many.py", then=gives_an_array),
    'python -m benchmarks.scaling "1 worker" "2 workers" "2 workers behind nginx"': MEASURED,
    "pytest -s tests/system/test_cluster.py": MEASURED,
    ".venv/bin/serve run konkyo.service.cluster:app": Serve(port=8000),
    ".venv/bin/konkyo explain --data tests/data --out explained --images 1000": Run(then=writes_a_thousand),
    "python -m benchmarks.dataset": MEASURED,
    "konkyo explain --data tests/data --images 3000 --shard 250 --explanation shapley": MEASURED,
    "python -m tools.moved": MEASURED,
    "nice -n 15 time -v .venv/bin/konkyo explain --data million.idx --out million --explanation contributions "
    "--explanation occlusion --shard 10000": MEASURED,
}
FOLLOWED = Followed("docs/scaling.md", STEPS, "make serve")


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
