"""The lesson sheets: every link opens the page, and it shows what the sheet says."""

import html
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import PROJECTOR, hover, opened, read
from support.folders import ROOT
from support.pictures import sample
from tests.e2e.access import serious
from tests.e2e.answers import asked
from tools.lesson import PAGES

LINK = re.compile(r"\]\(http://localhost:8000/(#[^)]+)\)")
SHEETS = {"lesson.md": "en-US", "lesson.ja.md": "ja-JP"}


def experiments(sheet: str) -> list[tuple[str, list[str]]]:
    """Each link with the sentences that are quoted beneath it."""
    text = (ROOT / "docs" / sheet).read_text()
    parts = LINK.split(text)[1:]
    quoted = [re.findall(r"^> (.*)$", below, re.MULTILINE) for below in parts[1::2]]
    return list(zip(parts[::2], quoted, strict=True))


def test_both_sheets_have_the_same_experiments() -> None:
    english, japanese = (experiments(sheet) for sheet in SHEETS)
    assert [link for link, _ in english] == [link for link, _ in japanese]
    assert len(english) == 14
    assert [len(said) for _, said in english] == [len(said) for _, said in japanese]
    assert all(said for _, said in english)


@pytest.mark.parametrize(("name", "language"), SHEETS.items())
def test_a_projector_shows_what_the_sheets_say(browser: Browser, address: str, name: str, language: str) -> None:
    """To be seen, and not hidden somewhere."""
    sheet = (PAGES / f"{language[:2]}.html").read_text()
    large = [html.unescape(link) for link in re.findall(r'class="present" href="/([^"]+)"', sheet)]
    said = dict(experiments(name))
    spoken = f"#language={language[:2]}&"
    assert [link.rpartition("&present=")[0].replace(spoken, "#") for link in large] == list(said)
    with opened(browser, address, locale=language, **PROJECTOR) as tab:
        for link in large:
            tab.goto(f"http://{address}/{link}")
            expect(tab.get_by_test_id("present-bar")).to_be_visible()
            for sentence in said[link.rpartition("&present=")[0].replace(spoken, "#")]:
                expect(tab.locator("main")).to_contain_text(sentence, use_inner_text=True)


@pytest.mark.parametrize(("name", "language"), SHEETS.items())
def test_the_served_sheet_leads_to_the_host_that_serves_it(
    browser: Browser, address: str, name: str, language: str
) -> None:
    """Each link of the sheet, and beside it the same one for a projector; and it is as light or dark as the page."""
    links = [link.replace("#", f"#language={language[:2]}&") for link, _ in experiments(name)]
    with opened(browser, address, locale=language, color_scheme="light") as tab:
        with tab.expect_popup() as opening:
            tab.get_by_test_id("lesson").click()
        sheet = opening.value
        expect(sheet).to_have_url(f"http://{address}/web/lesson/{language[:2]}.html")
        sheet.wait_for_load_state()  # its style may come after its document
        assert serious(sheet) == []
        hrefs = sheet.locator("main a[target]:not(.present)").evaluate_all("links => links.map((link) => link.href)")
        assert hrefs == [f"http://{address}/{link}" for link in links]
        views = sheet.locator("a.present").evaluate_all("links => links.map((link) => link.href)")
        large = [f"http://{address}/{link}&present={'where' if 'question=' in link else 'all'}" for link in links]
        assert views == large
        expect(sheet.locator("html")).to_have_css("background-color", "rgb(255, 255, 255)")
        tab.get_by_test_id("theme").click()
        expect(sheet.locator("html")).to_have_attribute("data-theme", "dark")
        for one in (sheet, tab):
            expect(one.locator("html")).to_have_css("background-color", "rgb(21, 23, 27)")
        sheet.reload()
        expect(sheet.locator("html")).to_have_css("background-color", "rgb(21, 23, 27)")
        tab.get_by_test_id("theme").click()
        expect(sheet.locator("html")).to_have_attribute("data-theme", "light")
        # Answers are for the teacher.
        for answer in sheet.locator("details p").all():
            expect(answer).not_to_be_visible()
        sheet.locator("summary").first.click()
        expect(sheet.locator("details p").first).to_be_visible()
        with sheet.expect_popup() as opening:
            sheet.locator("a.present").nth(3).click()
        presented = opening.value
        read(presented, 2)
        expect(presented.locator("html")).to_have_attribute("data-present", "where")
        # In the sheet's language, whichever the page speaks elsewhere.
        presented.get_by_test_id("present-leave").click()
        presented.get_by_test_id("language").click()
        sheet.locator("a.present").nth(4).click()
        expect(presented.locator("html")).to_have_attribute("lang", language[:2])
        # The next link takes the same tab.
        sheet.locator("main a[target]:not(.present)").nth(1).click()
        read(presented, 1)
        expect(presented.get_by_test_id("present-bar")).not_to_be_visible()


def test_the_regions_that_need_each_other(address: str) -> None:
    answer = asked(address, "/explain/shapley", sample(7), interactions="true")
    known = {tuple(map(tuple, one["regions"])): one["value"] for one in answer["interactions"]}
    most = max(known, key=lambda pair: known[pair])
    least = min(known, key=lambda pair: known[pair])
    assert (most, least) == (((4, 3), (5, 3)), ((2, 1), (2, 2)))
    for sheet in SHEETS:
        text = (ROOT / "docs" / sheet).read_text()
        assert f"{known[most]:.2f}" in text
        assert f"{known[least]:.2f}".replace("-", "−") in text


def test_the_dashed_region_that_misled_it_can_be_clicked(page: Page, address: str) -> None:
    """It is one of the grounds, too: what stands in every proof is what changes the answer."""
    link = next(link for link, _ in experiments("lesson.md") if "versus=7" in link)
    page.goto(f"http://{address}/{link}")
    read(page, 2)
    hover(page, 4, 5, region=4)
    expect(page.get_by_test_id("details")).to_contain_text("one of the grounds of the 2")
    hover(page, 4, 5, region=4, press=True)
    expect(page.get_by_test_id("live")).to_contain_text("1 region hidden: now a 7")
