"""For everyone: keyboard, phone, languages, themes, screen readers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import PHONE, box_of, draw, opened, read, reading
from support.strokes import DIGITS
from tests.e2e.access import serious
from tests.e2e.walk import CLOSELY, go, open_walk


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, **{**PHONE, "viewport": {"width": 360, "height": 780}}) as shown:
        yield shown


def press(page: Page, keys: str) -> None:
    """One after the other."""
    for key in keys.split():
        page.keyboard.press(key)


def test_a_digit_drawn_with_keys_alone(page: Page) -> None:
    press(page, "Tab")
    while page.evaluate("document.activeElement.dataset.testid") != "canvas":
        press(page, "Tab")
    press(page, "ArrowUp " * 8 + "Space " + "ArrowDown " * 16 + "Space")
    read(page, 1)
    press(page, "Tab")
    expect(page.get_by_test_id("pen")).to_be_focused()


def test_samples_pairs_and_regions_with_keys_alone(page: Page) -> None:
    details = page.get_by_test_id("details")
    page.get_by_test_id("sample-9").focus()
    press(page, "Enter")
    read(page, 9)
    page.get_by_test_id("pair-0-0").focus()
    expect(details).to_contain_text("Map 0 × filter 0 adds")
    press(page, "ArrowRight ArrowDown")
    expect(details).to_contain_text("Map 1 × filter 1 adds")
    # The table is one stop on the way.
    stops = []
    for _ in range(8):
        press(page, "Tab")
        stops.append(page.evaluate("document.activeElement.dataset.testid"))
    questions = [f"question-{name}" for name in ("occlusion", "shapley", "grounds")]
    assert stops == ["curl-heatmap", "save-heatmap", "save-heatmap-svg", *questions, "heatmap", "guess"]
    press(page, "Shift+Tab ArrowUp")
    expect(details).to_contain_text("Without this region")
    press(page, "Escape")
    expect(details).to_contain_text("Point at a pair or at a region")
    page.get_by_test_id("region").focus()
    press(page, "ArrowRight")
    expect(page.get_by_text("Hide 3×3 pixels")).to_be_visible()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-region", "3")


def test_a_phone_is_wide_enough(phone: Page) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert phone.evaluate(wide) == 0
    assert box_of(phone.get_by_test_id("canvas"))["width"] > 300
    phone.get_by_test_id("sample-7").tap()
    read(phone, 7)
    for model, pairs in (("lenet-6x16", 11), ("paired-3x3", 9)):
        phone.get_by_test_id("model").select_option(model)
        expect(phone.get_by_test_id("pairs").locator("button")).to_have_count(pairs)
        assert phone.evaluate(wide) == 0
    # The explanation of a pair comes into view, and what a finger points at stays.
    details = phone.get_by_test_id("details")
    phone.get_by_test_id("pair-0-0").tap()
    expect(details).to_contain_text("Map 0 × filter 0 adds")
    expect(details).to_be_in_viewport(ratio=0.95)
    phone.get_by_test_id("heatmap").tap()
    expect(details).to_contain_text(re.compile("this region"))
    phone.get_by_test_id("language").tap()
    expect(phone.locator("html")).to_have_attribute("lang", "ja")
    assert phone.evaluate(wide) == 0


def test_a_finger_draws_and_does_not_scroll(phone: Page) -> None:
    box = box_of(phone.get_by_test_id("canvas"))
    touch = phone.context.new_cdp_session(phone)
    across = box["x"] + box["width"] / 2
    for kind, share in [("touchStart", 0.2), *(("touchMove", 0.2 + 0.06 * step) for step in range(1, 11))]:
        point = {"x": across, "y": box["y"] + share * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    read(phone, 1)
    assert phone.evaluate("scrollY") == 0


def test_languages_and_themes_outlast_a_reload(browser: Browser, address: str) -> None:
    with opened(browser, address, locale="ja-JP", color_scheme="dark") as page:
        html, details = page.locator("html"), page.get_by_test_id("details")
        expect(html).to_have_attribute("lang", "ja")
        expect(html).to_have_css("background-color", "rgb(21, 23, 27)")
        draw(page, *DIGITS[0])
        read(page, 0)
        expect(page.get_by_role("heading", name="フィルタの貢献度")).to_be_visible()
        expect(page.get_by_test_id("sum")).to_contain_text("ロジット")
        expect(page.get_by_role("heading", name="「0」の重要な認識領域")).to_be_visible()
        expect(details).to_contain_text("青緑の領域を隠すと「0」のロジットが下がり")
        page.get_by_test_id("versus").select_option("6")
        expect(page.get_by_role("heading", name="「0」を「6」と分ける領域")).to_be_visible()
        expect(details).to_contain_text("青緑の領域を隠すと「6」に対する「0」の差が下がり")
        expect(page.locator("#scale")).to_contain_text("ロジットの差「0」−「6」の低下")
        page.get_by_test_id("language").click()
        expect(html).to_have_attribute("lang", "en")
        expect(page.get_by_role("heading", name="What each filter pair adds")).to_be_visible()
        page.get_by_test_id("theme").click()
        expect(html).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(page).to_have_url(re.compile("versus=6&drawing="))
        page.reload()
        expect(html).to_have_attribute("lang", "en")
        expect(html).to_have_css("background-color", "rgb(255, 255, 255)")
        # The drawing stands in the address: a reload loses nothing.
        read(page, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: str) -> None:
    with opened(browser, address, color_scheme=scheme) as page:
        assert serious(page) == []
        page.get_by_test_id("sample-9").click()
        page.get_by_test_id("versus").select_option("4")
        expect(page.get_by_role("heading", name="What speaks for 9 and not 4")).to_be_visible()
        assert serious(page) == []
        # The figure at its end, and what is shown closely.
        open_walk(page, 12)
        assert serious(page) == []
        for step in CLOSELY.values():
            go(page, step)
            assert serious(page) == []


def test_a_screen_reader_hears_the_reading_once(page: Page) -> None:
    expect(reading(page)).to_have_attribute("aria-live", "polite")
    page.evaluate(
        """() => {
            window.heard = 0;
            new MutationObserver(() => (window.heard += 1)).observe(
                document.querySelector("[data-testid=reading]"),
                { childList: true, characterData: true, subtree: true },
            );
        }"""
    )
    page.get_by_test_id("sample-5").click()
    read(page, 5)
    page.get_by_test_id("region").fill("7")
    page.get_by_test_id("pair-0-0").hover()
    expect(page.get_by_test_id("details")).to_contain_text("adds")
    assert page.evaluate("heard") == 1


def test_names_have_their_articles(page: Page) -> None:
    """Of digits and numbers, of letters, and of words by their sound, at the start of a sentence and within."""
    names = {"a": ["1", "7", "12", "80th", "180", "B", "U", "cat", "unicorn", "euro", "user"]}
    names["an"] = ["8", "11", "18", "80", "800", "11000", "F", "X", "apple", "umbrella", "hour", "uncle"]
    for article, some in names.items():
        said = page.evaluate(
            """async (names) => {
                const { default: en } = await import("/web/scripts/words/en.js");
                return names.map((name) => [en.tagline(name), en.misreadSample(name, name)]);
            }""",
            some,
        )
        for name, (within, start) in zip(some, said, strict=True):
            assert within == f"Why did the network read this as {article} {name}?"
            assert start == f"{article.capitalize()} {name} that is read as {article} {name}"


def test_without_scripts_the_page_says_so(page: Page) -> None:
    """As a parser reads it that runs none: Playwright's own switch leaves out what stands in `noscript`."""
    said = page.evaluate(
        """async () => {
            const text = await (await fetch("/")).text();
            return new DOMParser().parseFromString(text, "text/html").querySelector("noscript > p.notice").textContent;
        }"""
    )
    assert said.startswith("This page draws and asks with JavaScript, which is turned off here.")
    assert "このページには JavaScript が必要です。" in said
