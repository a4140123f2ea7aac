"""The lesson sheets: every link opens the page, and it shows what the sheet says."""

import re

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, expect

from tests.e2e.browser import new_profile, shown
from tests.e2e.server import ROOT

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
    assert len(english) == 9
    assert [len(said) for _, said in english] == [len(said) for _, said in japanese]
    assert all(said for _, said in english)


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_page_shows_what_the_sheet_says(browser: Browser, address: str, sheet: str) -> None:
    profile = new_profile(browser, locale=SHEETS[sheet])
    for link, said in experiments(sheet):
        with shown(profile, address, link) as page:
            for sentence in said:
                expect(page.locator("body")).to_contain_text(sentence)
    profile.close()
