"""What the documentation shows is what the service answers: asked again, with the documented commands."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from konkyo.service.http.openapi import EXAMPLES
from konkyo.trainer.data import Labelled
from support.pictures import decode
from support.server import running_service
from tools import examples, gallery
from tools.reference import reference

README = (examples.ROOT / "README.md").read_text()
START, HTTP, OPERATIONS = (
    (examples.ROOT / "docs" / f"{name}.md").read_text() for name in ("index", "http", "operations")
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_service() as started:
        yield started


def check_same(shown: Any, asked: Any) -> None:
    """The same JSON; numbers may differ by the rounding of another processor."""
    if isinstance(shown, dict):
        assert shown.keys() == asked.keys()
        for key in shown:
            check_same(shown[key], asked[key])
    elif isinstance(shown, list):
        assert len(shown) == len(asked)
        for one, other in zip(shown, asked, strict=True):
            check_same(one, other)
    elif isinstance(shown, float):
        assert asked == pytest.approx(shown, rel=1e-4, abs=1e-4)
    else:
        assert shown == asked


def without_nulls(value: Any) -> Any:
    """FastAPI leaves null out of its OpenAPI document, examples included."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def test_the_first_page_shows_the_real_answer(address: str) -> None:
    blocks = examples.CONSOLE.findall(START)
    assert len(blocks) == 1
    for command, shown in blocks:
        answer = examples.curl(command.replace("localhost:8000", address))
        check_same(json.loads(shown), json.loads(answer))
        assert json.loads(answer)["predicted"] == 7


def test_the_readme_shows_the_cards() -> None:
    assert examples.with_networks(README) == README
    assert README.count("| `paired-3x3` | MNIST | paired | 3 and 3 | 2,368 |") == 1


def test_the_openapi_examples_are_the_answers_to_their_commands(address: str) -> None:
    document = json.loads(examples.curl(f"curl -s {address}/openapi.json"))
    for path in examples.PATHS:
        success = document["paths"][path]["post"]["responses"]["200"]
        command = re.search(r"`(curl [^`]+)`", success["description"])
        assert command is not None
        answer = examples.curl("curl -s" + command[1].removeprefix("curl").replace("localhost:8000", address))
        expected = without_nulls(json.loads(answer))
        if path.rpartition("/")[2] in examples.ABBREVIATED:
            expected = examples.abbreviated(expected)
        check_same(success["content"]["application/json"]["example"], expected)


def test_the_traced_request_prints_by_hand_what_is_answered() -> None:
    [(code, _, shown)] = examples.PYTHON.findall((examples.ROOT / "docs" / "request.md").read_text())
    assert examples.printed(code) == shown
    lines = [line.split()[-2:] for line in shown.splitlines() if re.search(r" -?\d+\.\d{4} +-?\d+\.\d{4}$", line)]
    assert len(lines) == 9
    for by_hand, answered in lines:
        assert by_hand == answered


def test_a_picture_of_the_gallery_is_the_answer_to_its_command(address: str) -> None:
    """That each is what the service answers is in tests/service/test_pictures.py."""
    picture = gallery.RIGHT[0]
    answer = examples.curl(f"curl -s {picture.arguments}".replace("localhost:8000", address))
    assert decode(answer).shape == decode((gallery.PICTURES / picture.file).read_bytes()).shape


def test_the_gallery_shows_every_picture_there_is() -> None:
    assert gallery.PAGE.read_text() == gallery.page()
    in_readme = set(re.findall(r"docs/gallery/([a-z0-9-]+)\.png", README))
    assert in_readme
    assert in_readme <= {picture.name for pictures in gallery.sections().values() for picture in pictures}


@pytest.mark.parametrize("number", gallery.MISREAD)
def test_the_misread_digits_are_misread(address: str, number: int, digits: Labelled) -> None:
    truth, read_as = gallery.MISREAD[number]
    assert digits.labels[number] == truth
    answer = examples.curl(f"curl -s -F file=@docs/digits/misread-{number}.png {address}/predict")
    assert json.loads(answer)["predicted"] == read_as


def test_the_sample_digits_are_test_images(digits: Labelled) -> None:
    for digit in range(10):
        picture = np.asarray(Image.open(examples.DIGITS / f"{digit}.png"))
        which = np.flatnonzero((digits.images == picture).all((1, 2)))
        assert digits.labels[which].tolist() == [digit]


def test_every_setting_and_path_is_documented(address: str) -> None:
    document = json.loads(examples.curl(f"curl -s {address}/openapi.json"))
    assert reference(document) == HTTP, "`make examples` makes it anew"
    source = (examples.ROOT / "service" / "settings.py").read_text()
    for name in re.findall(r"^    (\w+): \w+ = Field", source, re.MULTILINE):
        assert f"`KONKYO_{name.upper()}`" in OPERATIONS, name


@pytest.mark.parametrize("name", ["model-filters", "model-weights"])
def test_the_examples_of_a_networks_filters_and_weights_are_the_answers(address: str, name: str) -> None:
    document = json.loads(examples.curl(f"curl -s {address}/openapi.json"))
    path = examples.LOOKUPS[name]
    success = document["paths"][path.replace("paired-3x3", "{name}")]["get"]["responses"]["200"]
    answer = without_nulls(json.loads(examples.curl(f"curl -s {address}{path}")))
    expected = examples.abbreviated(answer) if name in examples.ABBREVIATED else answer
    check_same(success["content"]["application/json"]["example"], expected)


def test_every_question_has_an_example(address: str) -> None:
    paths = json.loads(examples.curl(f"curl -s {address}/openapi.json"))["paths"]
    assert {path for path in paths if path.startswith(("/predict", "/explain/"))} == set(examples.PATHS)


def test_every_kept_example_is_shown() -> None:
    shown = set(examples.QUESTIONS) | set(examples.LOOKUPS)
    assert {path.stem for path in EXAMPLES.iterdir()} == shown


def test_make_knows_the_commands_of_the_readme() -> None:
    for command in set(re.findall(r"`(make [a-z]+)", README + START)):
        subprocess.run([*shlex.split(command), "--dry-run"], cwd=examples.ROOT, check=True, capture_output=True)
