"""What can be taken along: links, commands, pictures."""

import base64
import re
import zlib
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import draw, opened, read
from support.pictures import decode, sample
from support.server import PATIENCE, TLS
from support.strokes import DIGITS
from tests.e2e.answers import answered, asked, choose_sample, ledger_totals, totals


def test_a_link_restores_all(browser: Browser, page: Page, address: str) -> None:
    """Of a drawing, and of a picture that was brought: what the network saw of it."""
    draw(page, *DIGITS[4])
    read(page, 4)
    page.get_by_test_id("versus").select_option("9")
    page.get_by_test_id("region").fill("5")
    expect(page).to_have_url(re.compile("region=5&versus=9&"))
    before = totals(page)
    page.get_by_test_id("link").click()
    expect(page.get_by_test_id("done")).to_contain_text("The link restores this drawing")
    link = page.evaluate("navigator.clipboard.readText()")
    with opened(browser, address, link.partition(f"{address}/")[2]) as other:
        read(other, 4)
        expect(other.get_by_test_id("versus")).to_have_value("9")
        expect(other.get_by_test_id("region")).to_have_value("5")
        expect(other.get_by_role("heading", name="What speaks for 4 and not 9")).to_be_visible()
        assert totals(other) == before
        page.get_by_test_id("file").set_input_files({"name": "2.png", "mimeType": "image/png", "buffer": sample(2)})
        read(page, 2)
        expect(page).not_to_have_url(link)
        before = totals(page)
        other.goto(page.url)
        read(other, 2)
        assert totals(other) == before


def test_links_of_old_and_without_a_network(page: Page, address: str) -> None:
    """One of version 0.1; and one without a network, which is about the usual one, also in a tab with another."""
    link = "#model=summed-3x3&region=5&target=9&versus=4&grounds=1&enough=1&drawing=i1ayVIoFAA"
    page.goto(f"http://{address}/{link}")
    read(page, 9)
    expect(page.get_by_test_id("problem")).not_to_be_visible()
    for name, value in (("model", "summed-3x3"), ("region", "5"), ("target", "9"), ("versus", "4")):
        expect(page.get_by_test_id(name)).to_have_value(value)
    expect(page.get_by_role("heading", name="What speaks for 9 and not 4")).to_be_visible()
    expect(page).to_have_url(re.compile("#model=summed-3x3&region=5&target=9&versus=4&drawing=i1ayVIoFAA$"))
    page.goto(f"http://{address}/#drawing=i1YyVIoFAA")
    expect(page.get_by_test_id("model")).to_have_value("paired-3x3")
    read(page, 1)


def test_the_command_gives_the_same_answer(page: Page) -> None:
    draw(page, *DIGITS[7])
    read(page, 7)
    page.get_by_test_id("versus").select_option("1")
    page.get_by_test_id("curl").click()
    expect(page.get_by_test_id("done")).to_contain_text("The command gives the same answer")
    answer = answered(page, "/explain/filters")
    assert (answer["predicted"], answer["versus"]) == (7, 1)
    assert totals(page) == ledger_totals(answer)
    page.get_by_test_id("versus").select_option("")
    page.get_by_test_id("target").select_option("2")
    page.get_by_test_id("curl").click()
    answer = answered(page, "/explain/filters?fit=auto&model=paired-3x3&target=2'")
    assert (answer["predicted"], answer["target"]) == (7, 2)
    assert "versus" not in answer
    assert totals(page) == ledger_totals(answer)


def drawn(address: str, path: str, query: Mapping[str, str | int]) -> bytes:
    """What the service draws of a 9."""
    url = f"http://{address}{path}"
    answer = httpx.post(url, params=query, files={"file": sample(9)}, timeout=PATIENCE, verify=TLS)
    assert answer.status_code == 200
    return answer.content


def test_what_is_seen_is_saved(browser: Browser, address: str) -> None:
    """The theme, the language, the class to compare with, and the regions that are hidden."""
    with opened(browser, address, locale="ja-JP", color_scheme="dark") as page:
        choose_sample(page, 9)
        page.get_by_test_id("region").fill("4")
        page.get_by_test_id("versus").select_option("4")
        expect(page.get_by_test_id("save-heatmap-html")).to_be_hidden()
        region: dict[str, str | int] = {"region": 4}
        for name, path, asks in (("ledger", "/explain/filters", {}), ("heatmap", "/explain/occlusion", region)):
            with page.expect_download() as download:
                page.get_by_test_id(f"save-{name}").click()
            # The font that the service draws PNGs with has no Japanese letters.
            expect(page.get_by_test_id("done")).to_have_text("保存しました。図中の文字は英語です。")
            reference = drawn(address, path, {"format": "png", "scale": 2, "theme": "dark", "versus": 4, **asks})
            assert download.value.suggested_filename == f"konkyo-{name}-9.png"
            assert np.array_equal(decode(download.value.path().read_bytes()), decode(reference))
        page.get_by_test_id("question-grounds").click()
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")
        page.get_by_test_id("hide-contrast").click()
        contrast = asked(address, "/explain/grounds", sample(9))["contrast"]["regions"]
        hidden = "-".join(f"{row}.{column}" for row, column in contrast)
        handout = page.get_by_test_id("save-heatmap-html")
        expect(handout).to_have_text("HTML")
        handout.click()
        expect(handout).to_have_text(re.compile(r"\d+ kB"))
        expect(page.get_by_test_id("done")).to_contain_text(" kB")
        questions: list[tuple[str, str, str, dict[str, str | int]]] = [
            ("save-ledger-svg", "/explain/filters", "svg", {"versus": 4}),
            ("save-heatmap-svg", "/explain/grounds", "svg", {"hide": hidden}),
            ("save-heatmap-html", "/explain/grounds", "html", {"hide": hidden}),
        ]
        for button, path, form, question in questions:
            with page.expect_download() as download:
                page.get_by_test_id(button).click()
            query = {"theme": "dark", "language": "ja", "format": form, **question}
            assert download.value.path().read_bytes() == drawn(address, path, query)
            assert download.value.suggested_filename.endswith(f"-9.{form}")
        # Of other regions there is no handout yet.
        page.get_by_test_id("show-all").click()
        expect(handout).to_have_text("HTML")


def test_it_is_printed_on_one_page_in_ink_on_paper(browser: Browser, address: str) -> None:
    with opened(browser, address, locale="ja-JP", color_scheme="dark") as page:
        choose_sample(page, 9)
        for question in ("occlusion", "shapley", "grounds"):
            page.get_by_test_id(f"question-{question}").click()
            expect(page.get_by_test_id(f"question-{question}")).to_have_attribute("aria-pressed", "true")
            expect(page.locator("main")).to_have_attribute("data-state", "answered")
            pdf = page.pdf(prefer_css_page_size=True)
            assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]

        def corner() -> Any:
            return decode(page.get_by_test_id("heatmap").screenshot())[4, 4]

        assert np.max(corner()) < 64
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert np.min(corner()) > 224
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert np.max(corner()) < 64


@pytest.mark.threat("links that ask too much")
def test_a_question_that_there_is_not_is_the_usual_one(browser: Browser, address: str) -> None:
    for question in ("constructor", "__proto__", "nothing"):
        with opened(browser, address, f"#question={question}&drawing=i1ayVIoFAA") as page:
            read(page, 9)
            expect(page.get_by_test_id("problem")).not_to_be_visible()
            # A page that asked again and again would never be idle.
            page.wait_for_load_state("networkidle")


@pytest.mark.threat("links that ask too much")
def test_a_drawing_that_inflates_is_not_unpacked(page: Page, address: str) -> None:
    """64 MiB of blanks in 64 KiB: more than a drawing has."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = base64.urlsafe_b64encode(packer.compress(b"[" + b" " * 2**26 + b"]") + packer.flush()).decode().rstrip("=")
    page.goto(f"http://{address}/#drawing={packed}")
    expect(page.get_by_test_id("problem")).to_contain_text("This link is damaged")
    draw(page, *DIGITS[4])
    read(page, 4)
