"""The page with a network of other classes than digits, beside one that reads digits."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.files import checkpoint
from konkyo.models.files.card import Preprocessing
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.models.network import Network
from support.browser import box_of, opened, reading
from support.server import running_service
from tests.e2e.answers import choose_sample
from tests.helpers.datasets import bars
from tests.helpers.documents import document
from tests.helpers.oracles import random_network

NAMES = ("lying down, which is a very long name", "slanting", "upright")
# The words of an element that stand on more than one line.
BROKEN = """element => {
    const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
    return [...text.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
        const range = new Range();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return new Set(Array.from(range.getClientRects(), (box) => Math.round(box.top))).size > 1;
    }).map(([word]) => word);
}"""
SHAPE = two_stages(Wiring.PAIRED, 2, 3, kernels=(7, 4), classes=3)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(SHAPE, random_network(SHAPE, 3, np.float32).weights, NAMES)


@pytest.fixture(scope="module")
def tab(browser: Browser, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    models = tmp_path_factory.mktemp("models")
    said = document(network, "bars")
    dataset = said.dataset.model_copy(update={"name": "Bars"})
    says = said.model_copy(update={"preprocessing": Preprocessing.RESIZE, "dataset": dataset, "warnings": ()})
    checkpoint.save(models, network, says)
    for suffix in (".safetensors", ".json"):
        shutil.copy(DIRECTORY / f"paired-3x3{suffix}", models)
    settings = {"KONKYO_MODELS": str(models), "KONKYO_DEFAULT_MODEL": "bars"}
    with running_service(**settings) as address, opened(browser, address) as page:
        yield page


def test_everything_is_called_by_its_name(tab: Page, tmp_path: Path) -> None:
    bars(0, 1, (90, 70)).save(tmp_path / "bar.png")
    expect(tab.get_by_test_id("tagline")).to_have_text(
        "Bring a picture and see why a small network reads it as it does."
    )
    expect(tab.get_by_test_id("samples")).to_be_hidden()
    expect(tab.get_by_test_id("pen")).to_be_hidden()
    expect(tab.locator("#model option").first).to_have_text("bars · Bars · reads 100.0%")
    tab.get_by_test_id("file").set_input_files(tmp_path / "bar.png")
    expect(reading(tab)).not_to_have_text("– nothing yet")
    name = reading(tab).locator(".digit").inner_text()
    assert name.rstrip("…")
    assert any(one.startswith(name.rstrip("…")) for one in NAMES)
    labels = [tab.get_by_test_id(f"bar-{number}").get_attribute("aria-label") or "" for number in range(3)]
    assert [label.partition(":")[0] for label in labels] == [*NAMES]
    expect(tab.locator("#target option")).to_have_text([*NAMES])
    expect(tab.get_by_test_id("preprocessing")).to_have_text(
        "all of it, resized, with margins to a square · read as light on dark"
    )
    tab.get_by_test_id("bar-1").click()
    expect(tab.locator("#where-title")).to_contain_text("slanting")
    expect(tab.get_by_test_id("sum")).to_contain_text("logit slanting")
    for question in ("shapley", "grounds"):
        tab.get_by_test_id(f"question-{question}").click()
        expect(tab.locator("main")).to_have_attribute("data-state", "answered")


def test_names_break_between_words(browser: Browser, address: str) -> None:
    with opened(browser, address, "#model=tiny-vgg") as page:
        for width in (1280, 1920, 390):
            page.set_viewport_size({"width": width, "height": 720})
            for picture, name in (("boat", "lifeboat"), ("bus", "school bus")):
                page.get_by_test_id(f"sample-photograph-{picture}").click()
                expect(reading(page).locator(".digit")).to_have_text(name)
                expect(page.get_by_test_id("versus")).to_have_value("")
                named = page.locator(".reading .digit:visible, .bars .digit:visible, .samples .caption:visible")
                expect(named).to_have_count(20)
                broken = named.evaluate_all(f"all => all.flatMap({BROKEN})")
                assert broken == [], width
            # The names in the row of pictures stand apart.
            boxes = [box_of(one) for one in page.get_by_test_id("pictures").locator("button").all()[:5]]
            texts = [box_of(one) for one in page.get_by_test_id("pictures").locator(".caption").all()[:5]]
            for text, after in zip(texts, boxes[1:], strict=False):
                assert text["x"] + text["width"] <= after["x"] - 4
        sample = page.get_by_test_id("sample-photograph-bus")
        expect(sample).to_have_accessible_name("A school bus")
        # A photograph keeps its colours on dark.
        expect(sample.locator("img")).to_have_css("filter", "none")
        # A word that fits at no size is broken at the smallest.
        sizes = page.evaluate(
            """async () => {
                const { letterSize, partsOfName } = await import("/web/scripts/shared.js");
                const of = (name, width) => letterSize(partsOfName(name), width, [9, 24]);
                const long = "hippopotamus";
                return [["cat", 200], [long, 88], ["hippo potamus", 88], [long, 20], ["河馬河馬", 24]]
                    .map(([name, width]) => of(name, width));
            }"""
        )
    assert sizes[0] == 24
    assert 9 < sizes[1] < sizes[2] < 24
    assert sizes[3] == 9
    # A line of Japanese may break after any letter.
    assert sizes[4] > 20


def test_a_class_is_asked_for_by_its_name(tab: Page) -> None:
    """Where names are numbers, an index may be the name of another class."""
    read = reading(tab).locator(".digit").inner_text().rstrip("…")
    number, name = next(one for one in enumerate(NAMES) if not one[1].startswith(read))
    asks: list[str] = []
    tab.on("request", lambda request: asks.extend(parse_qs(urlsplit(request.url).query).get("target", [])))
    tab.get_by_test_id("target").select_option(str(number))
    expect(tab.locator("main")).to_have_attribute("data-state", "answered")
    assert set(asks) == {name}
    # A network of digits is drawn for again.
    canvas = tab.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("role", "img")
    expect(canvas).to_have_attribute("tabindex", "-1")
    expect(canvas).not_to_have_attribute("aria-describedby", "canvas-keys")
    tab.get_by_test_id("model").select_option("paired-3x3")
    expect(canvas).to_have_attribute("role", "application")
    expect(tab.get_by_test_id("pen")).to_be_visible()
    choose_sample(tab, 7)
    expect(tab.locator("#target option")).to_have_text(list("0123456789"))
    expect(tab.get_by_test_id("bar-9")).to_be_visible()
