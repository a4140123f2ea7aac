"""What can be taken along: links, commands, pictures."""

import json
import re
import subprocess
from typing import Any

import httpx
import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, expect

from tests.e2e.answers import choose_sample, totals
from tests.e2e.browser import draw, opened, read
from tests.e2e.server import PATIENCE
from tests.e2e.strokes import DIGITS
from tests.pictures import decode, sample


def test_a_link_restores_all(browser: Browser, page: Page, address: str) -> None:
    draw(page, *DIGITS[4])
    read(page, 4)
    page.get_by_test_id("rival").select_option("9")
    page.get_by_test_id("region").fill("5")
    page.get_by_test_id("grounds").check()
    expect(page).to_have_url(re.compile("region=5&rival=9&grounds=1&"))
    before = totals(page)
    page.get_by_test_id("link").click()
    expect(page.get_by_test_id("done")).to_contain_text("The link restores this drawing")
    link = page.evaluate("navigator.clipboard.readText()")
    with opened(browser, address, link.partition(f"{address}/")[2]) as other:
        read(other, 4)
        expect(other.get_by_test_id("rival")).to_have_value("9")
        expect(other.get_by_test_id("region")).to_have_value("5")
        expect(other.get_by_test_id("grounds")).to_be_checked()
        assert totals(other) == before


def test_a_link_from_before_the_grounds(browser: Browser, address: str) -> None:
    with opened(browser, address, "#enough=1") as page:
        expect(page.get_by_test_id("grounds")).to_be_checked()


def test_a_link_restores_a_file(browser: Browser, page: Page, address: str) -> None:
    page.get_by_test_id("file").set_input_files({"name": "2.png", "mimeType": "image/png", "buffer": sample(2)})
    read(page, 2)
    expect(page).to_have_url(re.compile("#.*drawing="))
    before = totals(page)
    with opened(browser, address, "#" + page.url.partition("#")[2]) as other:
        read(other, 2)
        assert totals(other) == before


def test_the_command_gives_the_same_answer(page: Page) -> None:
    draw(page, *DIGITS[7])
    read(page, 7)
    page.get_by_test_id("rival").select_option("1")
    page.get_by_test_id("curl").click()
    expect(page.get_by_test_id("done")).to_contain_text("The command gives the same answer")
    answer = answered(page, "/explain/filters")
    assert (answer["predicted"], answer["versus"]) == (7, 1)
    assert totals(page) == np.round(answer["contributions"], 2).tolist()
    page.get_by_test_id("region").fill("3")
    page.get_by_test_id("grounds").check()
    page.get_by_test_id("curl").click()
    answer = answered(page, "/explain/occlusion")
    assert (answer["target"], answer["region"]) == (7, 3)
    said = f"of {answer['grounds']['regions']} inked regions alone"
    expect(page.get_by_test_id("details")).to_contain_text(said)


def answered(page: Page, path: str) -> Any:
    """What the copied command answers, once it is one that asks this."""
    page.wait_for_function("path => navigator.clipboard.readText().then((text) => text.includes(path))", arg=path)
    command = page.evaluate("navigator.clipboard.readText()")
    return json.loads(subprocess.run(["bash", "-c", command], check=True, capture_output=True).stdout)


def test_the_picture_is_saved(page: Page, address: str) -> None:
    choose_sample(page, 5)
    for name, path, mode in (
        ("ledger", "/explain/filters", None),
        ("heatmap", "/explain/occlusion", "independent"),
        ("heatmap", "/explain/occlusion", "grounds"),
    ):
        page.get_by_test_id("grounds").set_checked(mode == "grounds")
        with page.expect_download() as download:
            page.get_by_test_id(f"save-{name}").click()
        saved = decode(download.value.path().read_bytes())
        query = {"format": "png", "scale": "2", "theme": "light"} | ({"mode": mode} if mode else {})
        url = f"http://{address}{path}"
        reference = httpx.post(url, params=query, files={"file": sample(5)}, timeout=PATIENCE).content
        assert download.value.suggested_filename == f"konkyo-{name}-5.png"
        assert np.array_equal(saved, decode(reference))
