"""What the page says of itself: nothing where there is nothing, old where it is old."""

import re
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.answers import choose_sample, numbers
from tests.e2e.browser import draw, new_profile, opened, read, reading
from tests.e2e.strokes import DIGITS

INK = """canvas => {
    const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, k) => k % 4 === 3 && value > 0).length;
}"""


def test_a_tap_leaves_a_dot(page: Page) -> None:
    canvas = page.get_by_test_id("canvas")
    assert canvas.evaluate(INK) == 0
    canvas.click(position={"x": 150, "y": 150})
    # The pen is 22 of 280 units wide.
    radius = 300 * 11 / 280
    assert canvas.evaluate(INK) == pytest.approx(3.14 * radius**2, rel=0.15)
    expect(page.get_by_test_id("preprocessing")).not_to_be_empty()


def test_where_nothing_is_drawn_nothing_is_read(page: Page) -> None:
    choose_sample(page, 1)
    page.get_by_test_id("eraser").click()
    for across in (0.25, 0.35, 0.45, 0.55, 0.65, 0.75):
        draw(page, [(across, 0.02), (across, 0.98)])
    expect(page.get_by_test_id("preprocessing")).to_have_text("nothing stands out from its background")
    expect(reading(page)).to_have_text("– nothing yet")
    expect(page.get_by_test_id("tagline")).to_have_text("Draw a digit and see why a small network reads it as it does.")
    expect(page.get_by_test_id("details")).to_have_text("There is no ink: hiding a region changes nothing.")
    expect(page.get_by_test_id("sum")).to_be_empty()
    assert numbers("".join(page.get_by_test_id("bars").locator(".share").all_text_contents())) == []
    expect(page.locator(".pair.first, .pair.second")).to_have_count(0)


def test_the_tagline_names_the_digit(page: Page) -> None:
    tagline = page.get_by_test_id("tagline")
    choose_sample(page, 8)
    expect(tagline).to_have_text("Why did the network read this as an 8?")
    page.get_by_test_id("language").click()
    expect(tagline).to_have_text("このネットワークは、なぜこれを「8」と読んだのか。")


def test_what_is_old_looks_old_and_nothing_moves(browser: Browser, address: str) -> None:
    with opened(browser, address, failing=True) as page:
        choose_sample(page, 3)
        main, canvas = page.locator("main"), page.get_by_test_id("canvas")
        before = canvas.bounding_box()
        held: list[Route] = []
        page.route("**/explain/process?*", lambda route: held.append(route), times=1)
        with page.expect_request("**/explain/process?*"):
            page.get_by_test_id("sample-7").click()
        expect(main).to_have_class(re.compile("stale"))
        page.route("**/readyz", lambda route: held.append(route))
        held[0].fulfill(status=503)
        expect(page.get_by_test_id("problem")).to_be_visible()
        expect(main).to_have_class(re.compile("stale"))
        assert canvas.bounding_box() == before
        page.get_by_test_id("sample-5").click()
        read(page, 5)
        expect(main).not_to_have_class(re.compile("stale"))
        page.unroute("**/readyz")


def test_a_wrong_key_is_not_called_a_missing_one(browser: Browser, guarded: str) -> None:
    profile = new_profile(browser)
    page = profile.new_page()
    page.goto(f"http://{guarded}/")
    problem, key = page.get_by_test_id("problem"), page.get_by_test_id("key")
    expect(problem).to_have_text("This service answers only to those who have a key.")
    key.fill("rice")
    key.press("Enter")
    expect(problem).to_have_text("This is not one of the service’s keys.")
    key.fill("sesame")
    key.press("Enter")
    expect(page.get_by_test_id("key-form")).not_to_be_visible()
    choose_sample(page, 1)
    page.get_by_test_id("curl").click()
    expect(page.get_by_test_id("done")).to_contain_text("The command gives the same answer")
    command = page.evaluate("navigator.clipboard.readText()")
    assert 'curl -s -H "X-API-Key: $KONKYO_KEY" -F file=@- ' in command
    assert "sesame" not in command
    profile.close()


def test_the_address_is_written_when_the_drawing_pauses(page: Page) -> None:
    page.evaluate(
        """() => {
            const { replaceState } = history;
            window.written = 0;
            history.replaceState = (...all) => {
                window.written += 1;
                return replaceState.apply(history, all);
            };
        }"""
    )
    for _ in range(3):
        draw(page, *DIGITS[1])
    expect(page).to_have_url(re.compile("drawing="))
    read(page, 1)
    page.wait_for_timeout(500)
    # Once a stroke, at the most, however slowly it is drawn.
    assert 1 <= page.evaluate("written") <= 3


def test_logits_instead_of_probabilities(page: Page) -> None:
    choose_sample(page, 5)
    page.get_by_test_id("unit-logit").click()
    logit = numbers(page.get_by_test_id("sum").locator("dd").last.text_content())
    bar = page.get_by_test_id("bar-5").locator(".share")
    assert numbers(bar.text_content()) == pytest.approx(logit, abs=0.01)
    expect(reading(page)).to_have_text(re.compile(r"^5 logit \d"))
    page.get_by_test_id("unit-probability").click()
    expect(bar).to_have_text("100.0%")


def test_on_a_phone_the_explanation_of_a_pair_comes_into_view(browser: Browser, address: str) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, address, **phone) as page:
        page.get_by_test_id("sample-7").tap()
        read(page, 7)
        page.get_by_test_id("pair-0-0").tap()
        expect(page.get_by_test_id("details")).to_contain_text("Map 0 × filter 0 adds")
        expect(page.get_by_test_id("details")).to_be_in_viewport(ratio=0.95)
