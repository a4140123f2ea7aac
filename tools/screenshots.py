"""``python -m tools.screenshots``: the page, from the running service, in Chromium, into docs/screenshots.

With a folder (``python -m tools.screenshots FOLDER``) every point is written there, in both languages, light
and dark, on a projector, a laptop and a phone: to be looked at.
"""

import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.browser import draw, launch, opened
from support.folders import ROOT
from support.server import running_service
from support.strokes import DIGITS

SCREENSHOTS = ROOT / "docs" / "screenshots"
SIZES: Mapping[str, dict[str, Any]] = {
    "projector": {"viewport": {"width": 1920, "height": 1080}},
    "laptop": {"viewport": {"width": 1280, "height": 720}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
LANGUAGES = ("en-US", "ja-JP")
THEMES = ("light", "dark")
# Colours of a picture in docs: the page has few, and the files are a third as large.
COLOURS = 192

Action = Callable[[Page], None]


def main() -> None:
    with running_service() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        if len(sys.argv) > 1:
            _all(browser, address, Path(sys.argv[1]))
        else:
            _documents(browser, address)
        browser.close()


def _documents(browser: Browser, address: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    for name, (point, context) in PICTURES.items():
        taken = _taken(browser, address, POINTS[point], {"device_scale_factor": 2, **context})
        small = taken.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(SCREENSHOTS / f"{name}.png", optimize=True)


def _all(browser: Browser, address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for (name, point), (size, shown), language, theme in product(POINTS.items(), SIZES.items(), LANGUAGES, THEMES):
        # A phone is no projector.
        if size == "phone" and name.startswith("present"):
            continue
        context = {**shown, "locale": language, "color_scheme": theme}
        taken = _taken(browser, address, point, context, whole=size == "phone")
        taken.save(folder / f"{name}-{size}-{language[:2]}-{theme}.png")


def _taken(
    browser: Browser, address: str, point: Action, context: Mapping[str, Any], whole: bool = False
) -> Image.Image:
    """What the page shows at a point; the ``whole`` of it, or what is seen without scrolling."""
    with opened(browser, address, **context) as page:
        point(page)
        page.mouse.move(2, 2)
        # A dialog fills the screen; the page behind it is longer.
        whole = whole and not page.locator("dialog[open]").count()
        return Image.open(BytesIO(page.screenshot(animations="disabled", full_page=whole))).convert("RGB")


def _settled(page: Page) -> None:
    expect(page.locator("main")).to_have_attribute("data-state", "answered")


def _ask(page: Page, question: str) -> None:
    page.get_by_test_id(f"question-{question}").click()
    _settled(page)


def _drawn(digit: int, *, question: str = "occlusion", model: str | None = None, versus: str | None = None) -> Action:
    """A digit is drawn, and the question asked about it."""

    def act(page: Page) -> None:
        if model:
            page.get_by_test_id("model").select_option(model)
        draw(page, *DIGITS[digit])
        _settled(page)
        _ask(page, question)
        if versus:
            page.get_by_test_id("versus").select_option(versus)
            _settled(page)

    return act


def _photograph(name: str, question: str) -> Action:
    def act(page: Page) -> None:
        page.get_by_test_id("model").select_option("tiny-vgg")
        page.get_by_test_id(f"sample-photograph-{name}").click()
        _settled(page)
        _ask(page, question)

    return act


def _then(first: Action, *others: Action) -> Action:
    def act(page: Page) -> None:
        for one in (first, *others):
            one(page)

    return act


def _walk(*keys: str) -> Action:
    def act(page: Page) -> None:
        page.get_by_test_id("walk").click()
        expect(page.get_by_test_id("walk-dialog")).to_be_visible()
        for key in keys:
            page.keyboard.press(key)

    return act


def _present(view: int) -> Action:
    def act(page: Page) -> None:
        page.get_by_test_id("present").click()
        page.keyboard.press(str(view))

    return act


def _hide(which: str) -> Action:
    def act(page: Page) -> None:
        page.get_by_test_id(f"hide-{which}").click()
        # What is read then comes of a request of its own.
        expect(page.get_by_test_id("live")).to_contain_text("%")

    return act


def _guess(page: Page) -> None:
    page.get_by_test_id("guess").click()
    heatmap = page.get_by_test_id("heatmap")
    box = heatmap.bounding_box()
    assert box is not None
    for row, column in ((2, 1), (2, 4), (5, 3)):
        heatmap.click(position={"x": (column + 0.5) / 7 * box["width"], "y": (row + 0.5) / 7 * box["height"]})
    page.get_by_test_id("guess-show").click()
    expect(page.get_by_test_id("guessed")).not_to_be_empty()


def _beside(page: Page) -> None:
    page.get_by_test_id("beside").select_option("lenet-6x16")
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "grounds")
    expect(page.get_by_test_id("beside-said")).not_to_be_empty()


def _pair(page: Page) -> None:
    # The pointer leaves it again.
    page.get_by_test_id("pair-2-2").focus()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "pair")


def _region(page: Page) -> None:
    page.get_by_test_id("region").fill("3")
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-region", "3")
    _settled(page)


def _nothing(_: Page) -> None:
    pass


def _first(page: Page) -> None:
    page.goto(page.url.partition("#")[0])
    expect(page.get_by_test_id("example")).to_be_visible()
    _settled(page)


def _way(page: Page) -> None:
    page.locator("#figure .layer-2 .node").nth(1).focus()


# What can be seen of the page, and how to come there.
POINTS: Mapping[str, Action] = {
    "first": _first,
    "empty": _nothing,
    "drawn": _drawn(3),
    "versus": _drawn(5, versus="3"),
    "region": _then(_drawn(9), _region),
    "pair": _then(_drawn(5), _pair),
    "shares": _drawn(7, question="shapley"),
    "grounds": _then(_drawn(7, question="grounds"), _hide("contrast")),
    "lenet": _drawn(7, question="shapley", model="lenet-6x16"),
    "photograph": _photograph("boat", "shapley"),
    "guess": _then(_drawn(7, question="grounds"), _guess),
    "beside": _then(_drawn(7, question="grounds"), _beside),
    "walk": _then(_drawn(5), _walk("End")),
    "way": _then(_drawn(5, versus="3"), _walk("End"), _way),
    "closely": _then(_drawn(5), _walk("ArrowRight", "ArrowRight")),
    "softmax": _then(_photograph("boat", "occlusion"), _walk("End", "ArrowLeft")),
    "present-all": _then(_drawn(4, question="grounds"), _present(1)),
    "present-digit": _then(_drawn(4), _present(2)),
    "present-pairs": _then(_drawn(7, model="lenet-6x16"), _present(3)),
    "present-where": _then(_drawn(4, question="grounds"), _hide("others"), _present(4)),
    "present-beside": _then(_drawn(7, question="grounds"), _beside, _present(4)),
}

# A browser's window without its frame.
_PAGE = {"viewport": {"width": 1280, "height": 800}}
_LARGE = {**SIZES["projector"], "device_scale_factor": 1}
# The pictures of the documents: a point, and the browser that shows it.
PICTURES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "light": ("versus", _PAGE),
    "dark": ("region", {**_PAGE, "color_scheme": "dark"}),
    "phone": ("drawn", SIZES["phone"]),
    "japanese": ("pair", {**_PAGE, "locale": "ja-JP"}),
    "walk": ("walk", _PAGE),
    "closely": ("closely", _LARGE),
    "shares": ("shares", _PAGE),
    "grounds": ("grounds", _PAGE),
    "photograph": ("photograph", _PAGE),
    "projector": ("present-where", _LARGE),
    "lenet": ("present-pairs", _LARGE),
    "guess": ("guess", _PAGE),
    "beside": ("present-beside", _LARGE),
}


if __name__ == "__main__":
    main()
