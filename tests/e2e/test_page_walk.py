"""The walk: from step to step by mouse and by keys, the window that slides, and that everything fits.

Its numbers: tests/e2e/test_page_stages.py.
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from konkyo.models.network import softmax
from support.browser import PHONE, PROJECTOR, opened
from support.pictures import sample
from tests.e2e.answers import asked, choose_sample, numbers
from tests.e2e.walk import CLOSELY, OVERFLOW, closer, computed, go, grids, open_walk, place, sum_of

STEPS = 13
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def test_from_step_to_step(page: Page, address: str) -> None:
    choose_sample(page, 5)
    answer = asked(address, "/explain/filters", sample(5))
    first = answer["ranking"][0]
    open_walk(page)
    step = page.get_by_test_id("step")
    expect(step).to_have_text("The network sees 28×28 grey values, and nothing else.")
    said = [step.text_content()]
    for number, key in enumerate(["ArrowRight", "PageDown"] * 6, 1):
        page.keyboard.press(key)
        expect(page.locator("#dots button").nth(number)).to_have_attribute("aria-current", "step")
        said.append(step.text_content())
    assert len(set(said)) == STEPS
    most = f"Map {first['map']} × filter {first['filter']} added most"
    expect(step).to_contain_text(f"The largest number wins: 5 is read, with 100.0%. {most}")
    figure = page.get_by_test_id("figure")
    expect(figure.locator(".winner .value")).to_have_text(f"{answer['logit']:.2f}")
    expect(figure.locator(".node")).to_have_count(1 + 3 + 3 + 9 + 9)
    page.keyboard.press("ArrowLeft")
    expect(step).to_have_text(str(said[STEPS - 2]))
    expect(figure).not_to_be_visible()
    # Frames are explained where they stand.
    go(page, CLOSELY["affine"] - 1)
    expect(figure.locator(".class.winner .strip")).to_be_visible()
    expect(step).to_contain_text("Of those of 5, the one that adds most has a red frame, the second a blue one.")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("walk-dialog")).not_to_be_visible()
    page.get_by_test_id("language").click()
    open_walk(page, CLOSELY["affine"] - 1)
    expect(step).to_contain_text("枠は「5」に最も多く加えるもの (赤) と次のもの (青) です。")


def test_a_map_that_is_pressed_is_shown_closely(page: Page) -> None:
    choose_sample(page, 4)
    for step, layer, number, shown, heading in (
        (1, 1, 1, "stage 1", "stage 1, filter 1"),
        (3, 2, 0, "pool", "stage 1, filter 0, pool"),
        (5, 3, 5, "stage 2", "stage 2, map 1 × filter 2"),
        (7, 4, 8, "affine", "map 2 × filter 2"),
    ):
        open_walk(page, step)
        page.get_by_test_id("figure").locator(f".layer-{layer} .node").nth(number).click()
        expect(page.locator("#dots button").nth(CLOSELY[shown])).to_have_attribute("aria-current", "step")
        expect(closer(page)).to_contain_text(heading)
        page.keyboard.press("Escape")
    open_walk(page, 8)
    page.get_by_test_id("figure").locator(".class").nth(9).click()
    expect(closer(page)).to_have_attribute("data-target", "9")


def test_keys_alone(page: Page) -> None:
    choose_sample(page, 7)
    page.get_by_test_id("walk").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("walk-dialog")).to_be_visible()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    focused = "document.activeElement.dataset.testid"
    while page.evaluate(focused) != "closer-made":
        page.keyboard.press("Tab")
    before = place(page)
    page.keyboard.press("ArrowUp")
    expect(closer(page)).to_have_attribute("data-place", f"{before[0] - 1},{before[1]}")
    total = sum_of(page)[-1]
    expect(closer(page).locator("[aria-live]")).to_have_text(f"row {before[0] - 1}, column {before[1]}: {total:.2f}")
    expect(page.locator("#dots button").nth(2)).to_have_attribute("aria-current", "step")
    # The focus does not fall out of the walk when its place goes.
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("forward")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#dots button").nth(4)).to_have_attribute("aria-current", "step")


def test_the_window_slides_and_is_stopped(browser: Browser, address: str) -> None:
    # A clock is one of a whole profile: no other test has one of this time zone.
    with opened(browser, address, timezone_id="Asia/Tokyo") as page:
        choose_sample(page, 7)
        open_walk(page, CLOSELY["stage 1"])
        # The page's time goes on only when it is told to: a busy machine shows the same places.
        page.clock.install()
        page.clock.pause_at(datetime.now() + timedelta(hours=1))
        play = page.get_by_test_id("closer-play")
        play.click()
        expect(play).to_have_text("❚❚ Pause")
        page.clock.run_for(400)
        assert place(page) == (0, 2)
        play.click()
        page.clock.run_for(1000)
        assert place(page) == (0, 2)
        _, image, _ = computed("paired-3x3", 7)
        assert grids(page)[0] == pytest.approx(image[:5, 2:7], abs=0.00501)
        # It ends by itself, on the last number of the map of 10×10.
        go(page, CLOSELY["stage 2"])
        play.click()
        page.clock.run_for(20_000)
        assert place(page) == (9, 9)
        expect(play).to_have_text("▶ Slide the window")


# How high a cell's letters are on the screen.
HEIGHTS = """() => [...document.querySelectorAll("#closer td, #closer dd")].map((one) =>
    one.getBoundingClientRect().height * parseFloat(getComputedStyle(one).fontSize) / one.offsetHeight)"""


SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 640}}


@pytest.mark.parametrize("screen", [PROJECTOR, {}, SMALL_PHONE], ids=["projector", "laptop", "phone"])
def test_it_fits(browser: Browser, address: str, screen: dict[str, Any]) -> None:
    """In both languages; and on a projector numbers are large enough."""
    with opened(browser, address, **screen) as page:
        for model in ("paired-3x3", "lenet-6x16"):
            page.get_by_test_id("model").select_option(model)
            choose_sample(page, 5)
            for language in ("ja", "en"):
                page.get_by_test_id("language").click()
                expect(page.locator("html")).to_have_attribute("lang", language)
                open_walk(page)
                for step in CLOSELY.values():
                    go(page, step)
                    for across, down in page.evaluate(OVERFLOW):
                        assert across == 0, (model, step)
                        # On a phone the numbers are scrolled.
                        assert down == 0 or screen == SMALL_PHONE, (model, step, down)
                    if screen == PROJECTOR and model == "paired-3x3":
                        assert min(page.evaluate(HEIGHTS)) >= 20
                page.keyboard.press("Escape")


def test_a_walk_needs_the_service_no_more(browser: Browser, address: str) -> None:
    with opened(browser, address, failing=True, reduced_motion="reduce") as page:
        choose_sample(page, 5)
        page.route("**/*", lambda route: route.abort())
        open_walk(page, CLOSELY["stage 2"])
        assert sum_of(page)
        # Nothing moves by itself for those who want that.
        expect(page.get_by_test_id("closer-play")).not_to_be_visible()
        check_softmax(page)
        expect(page.get_by_test_id("problem")).not_to_be_visible()


def check_softmax(page: Page) -> None:
    """Softmax of a 5, calculated: exponentials from 10⁻¹³ on, and what they add up to."""
    _, _, trace = computed("paired-3x3", 5)
    go(page, CLOSELY["softmax"])
    rows = page.get_by_test_id("softmax").locator("tbody tr").all()
    for row, logit, share in zip(rows, trace.logits, softmax(trace.logits), strict=True):
        texts = row.locator("td").all_text_contents()
        assert numbers(texts[0]) == pytest.approx([logit], abs=0.00501)
        assert value(texts[1]) == pytest.approx(np.exp(logit), rel=0.051)
        assert value(texts[2].rstrip("%")) == pytest.approx(100 * share, rel=0.051)
    foot = page.get_by_test_id("softmax").locator("tfoot td").all_text_contents()
    assert value(foot[1]) == pytest.approx(np.exp(trace.logits).sum(), rel=0.051)
    assert foot[2] == "100.0%"
    expect(page.get_by_test_id("softmax").locator(".winner th")).to_have_text("5")


def value(text: str) -> float:
    """A number such as 2.8×10⁻¹³."""
    digits, _, power = text.partition("×10")
    return float(digits) * 10.0 ** int(power.translate(SUPERSCRIPTS) or 0)
