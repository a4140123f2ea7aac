"""A three-stage grey and a two-stage colour network: trained here, then every answer, picture and the page."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from support.browser import opened
from support.server import PATIENCE, running_service
from tests.helpers.commands import trainer
from tests.helpers.datasets import described, write_idx
from tests.helpers.small_data import strokes, write_fruits

QUESTIONS = ["/predict", *(f"/explain/{name}" for name in ("filters", "process", "occlusion", "shapley", "grounds"))]
SIDES = {"strokes": (20, 1), "fruits": (24, 3)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both networks, and of a picture for each."""
    root = tmp_path_factory.mktemp("trained")
    for part, count in (("train", 300), ("t10k", 90)):
        write_idx(root / "strokes", part, *strokes(count, count))
    (root / "strokes" / "classes.txt").write_text("row\ncolumn\ndiagonal\n")
    write_fruits(root / "fruits", 40)
    described(root / "fruits", name="Fruits", mirror=True)
    common = ("--out", root / "models", "--runs", root / "runs", "--steps=300", "--held-out=30", "--batch=20")
    trainer("train", "--stages=6k3,3k3nq,5k3", "--name=strokes", "--data", root / "strokes", *common)
    trainer("train", "--stages=3k5p2,4k3q", "--name=fruits", "--data", root / "fruits", "--side=24", *common)
    Image.fromarray(strokes(3, 5)[0][0]).save(root / "strokes.png")
    next((root / "fruits" / "lime").iterdir()).rename(root / "fruits.png")
    return root


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with running_service(KONKYO_MODELS=str(folder / "models"), KONKYO_DEFAULT_MODEL="strokes") as running:
        yield running


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("path", QUESTIONS)
def test_every_answer_and_picture(address: str, folder: Path, path: str, name: str) -> None:
    side, channels = SIDES[name]

    def ask(**query: str) -> httpx.Response:
        file = {"file": (folder / f"{name}.png").read_bytes()}
        asked = {"model": name, "fit": "auto", **query}
        answer = httpx.post(f"http://{address}{path}", params=asked, files=file, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer

    answer = ask().json()
    assert answer["model"]["name"] == name
    if path == "/explain/process":
        shape = (side, side) if channels == 1 else (channels, side, side)
        assert np.shape(answer["image"]) == shape
        assert len(answer["stages"]) == (3 if name == "strokes" else 2)
        total = np.sum(answer["contributions"], axis=(1, 2)) + np.sum(answer["filter_bias"], axis=1)
        np.testing.assert_allclose(total + answer["class_bias"], answer["logits"], atol=1e-9)
    if path == "/explain/shapley":
        assert np.sum(answer["values"]) + answer["empty"]["logit"] == pytest.approx(answer["logit"], abs=1e-9)
    with Image.open(io.BytesIO(ask(format="png").content)) as picture:
        assert picture.width > 200
    assert ask(format="svg").text.startswith("<svg ")


@pytest.mark.parametrize("name", SIDES)
def test_the_page(browser: Browser, address: str, folder: Path, name: str) -> None:
    with opened(browser, address, f"#model={name}") as page:
        expect(page.get_by_test_id("model")).to_have_value(name)
        page.get_by_test_id("file").set_input_files(folder / f"{name}.png")
        label = "row" if name == "strokes" else "lime"
        expect(page.get_by_test_id("reading")).to_contain_text(label)
        page.get_by_test_id("walk").click()
        expect(page.locator("#figure")).to_be_visible()
        stages = page.locator("#figure section.layer h3")
        names = [text for text in stages.all_text_contents() if text.startswith("stage")]
        heads = {"strokes": ["stage 1", "stage 1", "stage 2", "stage 3", "stage 3"]}
        assert names == heads.get(name, ["stage 1", "stage 1", "stage 2", "stage 2"])
