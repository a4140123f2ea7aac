"""For a projector: one view fills the screen."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import PHONE, PROJECTOR, ZOOMED, box_of, hover, opened, outside, read, until_true
from support.pictures import DIGITS
from tests.e2e.access import serious
from tests.e2e.answers import choose_sample

OTHER = "lenet-6x16"
QUESTIONS = (("occlusion", "heat"), ("shapley", "shares"), ("grounds", "grounds"))
VIEWS = ("all", "digit", "pairs", "where")


@pytest.mark.parametrize(("screen", "language"), [(PROJECTOR, "en-US"), (ZOOMED, "ja-JP")], ids=["large", "zoomed"])
@pytest.mark.parametrize(("model", "beside"), [("paired-3x3", ""), (OTHER, ""), ("paired-3x3", OTHER)])
def test_every_view_is_whole(
    browser: Browser, address: str, screen: dict[str, Any], language: str, model: str, beside: str
) -> None:
    """Of each question, of one network or two; and while it is guessed, and once it has been."""
    with opened(browser, address, f"#model={model}", locale=language, **screen) as page:
        choose_sample(page, 2)
        page.get_by_test_id("beside").select_option(beside)
        page.get_by_test_id("present").click()
        heatmap = page.get_by_test_id("heatmap")
        for question, shown in QUESTIONS:
            page.keyboard.press("1")
            page.get_by_test_id(f"question-{question}").click()
            maps = [heatmap, page.get_by_test_id("beside-map")] if beside else [heatmap]
            for one in maps:
                expect(one).to_have_attribute("data-shown", shown)
            for key, view in enumerate(VIEWS, 1):
                page.keyboard.press(str(key))
                expect(page.locator("html")).to_have_attribute("data-present", view)
                assert outside(page) == [], (question, view)
            if beside:
                first, second = map(box_of, maps)
                assert [first[key] for key in ("y", "width", "height")] == pytest.approx(
                    [second[key] for key in ("y", "width", "height")], abs=1.5
                )
            page.get_by_test_id("guess").click()
            expect(heatmap).to_have_attribute("data-shown", "guess")
            for row, column in ([2, 4], [3, 3], [4, 4]):
                hover(page, row, column, region=4, press=True)
            for seen in ("guess", shown):
                expect(heatmap).to_have_attribute("data-shown", seen)
                for digit in "14":
                    page.keyboard.press(digit)
                    assert outside(page) == [], (question, seen, digit)
                page.get_by_test_id("guess-show").click()
            page.get_by_test_id("guess").click()
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("present-bar")).not_to_be_visible()


def test_arrow_keys_go_from_view_to_view(page: Page) -> None:
    choose_sample(page, 4)
    page.get_by_test_id("present").click()
    html = page.locator("html")
    expect(html).to_have_attribute("data-present", "all")
    expect(page.get_by_test_id("present-all")).to_have_attribute("aria-pressed", "true")
    for key, view in (("ArrowRight", "digit"), ("PageDown", "pairs"), ("End", "where"), ("ArrowLeft", "pairs")):
        page.keyboard.press(key)
        expect(html).to_have_attribute("data-present", view)
    # In the table they go from pair to pair.
    page.get_by_test_id("pair-0-0").focus()
    page.keyboard.press("ArrowRight")
    expect(html).to_have_attribute("data-present", "pairs")
    expect(page.get_by_test_id("details")).to_contain_text("Map 0 × filter 1 adds")
    assert serious(page) == []
    page.get_by_test_id("present-leave").click()
    expect(page.get_by_test_id("language")).to_be_visible()
    read(page, 4)


def test_network_picture_and_link_are_chosen_there(browser: Browser, address: str) -> None:
    with opened(browser, address, **PROJECTOR) as page:
        choose_sample(page, 7)
        page.get_by_test_id("present").click()
        html = page.locator("html")
        for question in ("shapley", "grounds"):
            page.get_by_test_id(f"question-{question}").click()
        page.keyboard.press("3")
        page.get_by_test_id("present-picture").click()
        assert serious(page) == []
        page.get_by_test_id("sample-2").click()
        read(page, 2)
        expect(page.get_by_test_id("sample-2")).not_to_be_visible()
        # Of pairs, and not of regions that are not there.
        said = "Each map is a filter pair: its teal cells add to the logit of 2, its ochre ones take from it."
        expect(page.get_by_test_id("details")).to_contain_text(said)
        page.get_by_test_id("model").select_option("lenet-6x16")
        read(page, 2)
        pairs = page.get_by_test_id("pairs").locator("button")
        expect(pairs).to_have_count(11)
        for pair in pairs.all():
            assert box_of(pair.locator("canvas"))["width"] >= 130, "large enough to be read"
            expect(pair.locator(".name")).to_be_visible()
            expect(pair.locator(".total")).to_be_visible()
        page.get_by_test_id("present-link").click()
        expect(page.get_by_test_id("present-done")).not_to_be_empty()
        expect(html).to_have_attribute("data-present", "pairs")
        link = page.evaluate("navigator.clipboard.readText()")
        page.get_by_test_id("present-picture").click()
        page.keyboard.press("Escape")
        expect(html).to_have_attribute("data-present", "pairs")
        page.get_by_test_id("present-leave").click()
        for moved in ("model", "choose", "sample-2"):
            expect(page.get_by_test_id(moved)).to_be_visible()
    fragment = link[link.index("#") :]
    assert "present=pairs" in fragment
    with opened(browser, address, fragment, locale="ja-JP") as page:
        read(page, 2)
        expect(page.locator("html")).to_have_attribute("data-present", "pairs")
        expect(page.get_by_test_id("model")).to_have_value("lenet-6x16")
        said = "それぞれの図は 1 つのフィルタの組です。青緑のマスは「2」のロジットを上げ、黄土色のマスは下げます。"
        expect(page.get_by_test_id("details")).to_contain_text(said)
        # A link to the page leads to the page.
        page.goto(f"http://{address}/{fragment.replace('&present=pairs', '')}")
        expect(page.get_by_test_id("present-bar")).not_to_be_visible()
    with opened(browser, address, fragment, **PHONE) as page:
        read(page, 2)
        expect(page.get_by_test_id("present-bar")).not_to_be_visible()


LEFT = """async () => {
    const left = new Promise((done) => document.addEventListener("fullscreenchange", done, { once: true }));
    await document.exitFullscreen();
    await left;
}"""


def test_a_file_is_chosen_without_leaving(page: Page) -> None:
    choose_sample(page, 4)
    page.get_by_test_id("present").click()
    until_true(page, "document.fullscreenElement !== null")
    page.keyboard.press("4")
    page.get_by_test_id("present-picture").click()
    with page.expect_file_chooser() as chosen:
        page.get_by_test_id("choose").click()
    # A browser leaves the full screen for it, before anybody can choose.
    page.evaluate(LEFT)
    chosen.value.set_files(DIGITS / "6.png")
    read(page, 6)
    expect(page.locator("html")).to_have_attribute("data-present", "where")


@pytest.mark.parametrize("absent", ["regions alone", "a second network"])
def test_no_text_speaks_of_a_table_that_is_absent(page: Page, absent: str) -> None:
    details = page.get_by_test_id("details")
    choose_sample(page, 7)
    page.get_by_test_id("question-shapley").click()
    expect(details).to_contain_text("averaged over every order")
    hover(page, 2, 3, region=4)
    expect(details).to_contain_text("The table shows what each pair gets of it.")
    page.mouse.move(5, 5)
    if absent == "regions alone":
        page.get_by_test_id("present").click()
        page.keyboard.press("4")
    else:
        page.get_by_test_id("beside").select_option(OTHER)
    expect(page.get_by_test_id("pairs")).to_be_hidden()
    for question, said in (("occlusion", "Hiding a teal region"), ("shapley", "averaged over every order")):
        page.get_by_test_id(f"question-{question}").click()
        expect(details).to_contain_text(said)
        expect(details).not_to_contain_text(re.compile("table|pair"))
        hover(page, 2, 3, region=2 if question == "occlusion" else 4)
        expect(details).to_contain_text(re.compile("[Tt]his region"))
        expect(details).not_to_contain_text(re.compile("table|pair"))
        page.mouse.move(5, 5)
    page.get_by_test_id("question-occlusion").click()
    if absent == "regions alone":
        page.keyboard.press("1")
        page.get_by_test_id("clear").click()
        page.keyboard.press("4")
        expect(details).to_contain_text("The map shows what hiding a part of the picture does to the answer.")
