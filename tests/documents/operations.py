"""What sentences of docs/operations.md name; tests/system/test_operations.py runs its blocks: ``make documents``."""

import hashlib
import json

from tests.documents.reader import By, Followed, Left, Reader, Run, Serve, Step


def lists_what_the_image_installs(reader: Reader, _: str) -> None:
    listed = json.loads((reader.folder / "build" / "konkyo.cdx.json").read_text())
    assert {"fastapi", "numpy", "uvicorn"} <= {one["name"] for one in listed["components"]}


def is_the_key_of_the_log(_: Reader, said: str) -> None:
    assert said.strip() == hashlib.sha256(b"THE-KEY").hexdigest()[:8]


STEPS: dict[str, Step] = {
    "docker compose logs konkyo": Left("the block below has it, with the last lines only"),
    "docker compose up": Left("the sentence says why deploy/roll is right"),
    "docker compose up --detach edge": Left("the section on TLS has it"),
    ".venv/bin/konkyo serve --port 8080": Serve(instead="make .venv/.serve && .venv/bin/konkyo serve --port 8080"),
    ".venv/bin/konkyo serve --help": Run(),
    "make serve": By("tests/documents/readme.py"),
    'html: <iframe src="https://konkyo.example.org/" title="Konky': By("tests/e2e/test_page_keys.py", "<iframe "),
    "konkyo import": By("tests/documents/own_network.py"),
    "docker image inspect --format '{{index .RepoDigests 0}}' nginx:stable": Left(
        "an image that was built here has none"
    ),
    "make build/konkyo.cdx.json": Run(then=lists_what_the_image_installs),
    r"printf %s THE-KEY \| sha256sum \| cut -c 1-8": Run(
        instead="printf %s THE-KEY | sha256sum | cut -c 1-8", then=is_the_key_of_the_log
    ),
    "python -m tools.soak.rolling": Left("a quarter of an hour"),
}
FOLLOWED = Followed("docs/operations.md", STEPS, blocks="tests/system/test_operations.py")


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
