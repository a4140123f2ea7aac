"""What can be taken along: links, commands, pictures."""

import base64
import re
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, expect

from tests.e2e.answers import answered, choose_sample, ledger_totals, totals
from tests.e2e.browser import draw, opened, read
from tests.e2e.server import PATIENCE
from tests.e2e.strokes import DIGITS
from tests.helpers.pictures import decode, sample


def test_a_link_restores_all(browser: Browser, page: Page, address: str) -> None:
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


@pytest.mark.parametrize("gone", ["grounds=1", "enough=1"])
def test_a_link_of_version_0_1(browser: Browser, address: str, gone: str) -> None:
    link = f"#model=summed-3x3&region=5&target=9&versus=4&{gone}&drawing=i1ayVIoFAA"
    with opened(browser, address, link) as page:
        read(page, 9)
        expect(page.get_by_test_id("problem")).not_to_be_visible()
        for name, value in (("model", "summed-3x3"), ("region", "5"), ("target", "9"), ("versus", "4")):
            expect(page.get_by_test_id(name)).to_have_value(value)
        expect(page.get_by_role("heading", name="What speaks for 9 and not 4")).to_be_visible()
        expect(page).to_have_url(re.compile("#model=summed-3x3&region=5&target=9&versus=4&drawing=i1ayVIoFAA$"))


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


@pytest.mark.parametrize("versus", [None, 3])
def test_the_picture_is_saved(page: Page, address: str, versus: int | None) -> None:
    choose_sample(page, 5)
    page.get_by_test_id("versus").select_option("" if versus is None else str(versus))
    page.get_by_test_id("region").fill("4")
    contrast = {} if versus is None else {"versus": versus}
    for name, path, question in (
        ("ledger", "/explain/filters", contrast),
        ("heatmap", "/explain/occlusion", contrast | {"region": 4}),
    ):
        with page.expect_download() as download:
            page.get_by_test_id(f"save-{name}").click()
        saved = decode(download.value.path().read_bytes())
        query = {"format": "png", "scale": "2", "theme": "light"} | question
        url = f"http://{address}{path}"
        reference = httpx.post(url, params=query, files={"file": sample(5)}, timeout=PATIENCE)
        assert reference.status_code == 200
        assert download.value.suggested_filename == f"konkyo-{name}-5.png"
        assert np.array_equal(saved, decode(reference.content))


@pytest.mark.parametrize(("locale", "language", "scheme"), [("en-US", "en", "light"), ("ja-JP", "ja", "dark")])
def test_what_is_seen_is_saved(browser: Browser, address: str, locale: str, language: str, scheme: Any) -> None:
    """The theme, the language, the class to compare with, and the regions that are hidden."""
    with opened(browser, address, locale=locale, color_scheme=scheme) as page:
        choose_sample(page, 9)
        page.get_by_test_id("versus").select_option("4")
        expect(page.get_by_test_id("save-heatmap-html")).to_be_hidden()
        page.get_by_test_id("question-grounds").click()
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")
        page.get_by_test_id("hide-contrast").click()
        seen = {"theme": scheme, "language": language}
        url = f"http://{address}/explain/grounds"
        contrast = httpx.post(url, files={"file": sample(9)}, timeout=PATIENCE).json()["contrast"]["regions"]
        hidden = "-".join(f"{row}.{column}" for row, column in contrast)
        handout = page.get_by_test_id("save-heatmap-html")
        expect(handout).to_have_text("HTML")
        handout.click()
        expect(handout).to_have_text(re.compile(r"\d+ kB"))
        expect(page.get_by_test_id("done")).to_contain_text(" kB")
        for button, path, form, question in (
            ("save-ledger-svg", "/explain/filters", "svg", {"versus": 4}),
            ("save-heatmap-svg", "/explain/grounds", "svg", {"hide": hidden}),
            ("save-heatmap-html", "/explain/grounds", "html", {"hide": hidden}),
        ):
            with page.expect_download() as download:
                page.get_by_test_id(button).click()
            content = download.value.path().read_bytes()
            reference = httpx.post(
                f"http://{address}{path}",
                params={**seen, **question, "format": form},
                files={"file": sample(9)},
                timeout=PATIENCE,
            )
            assert reference.status_code == 200
            assert content == reference.content
            assert download.value.suggested_filename.endswith(f"-9.{form}")
        # Of other regions there is no handout yet.
        page.get_by_test_id("show-all").click()
        expect(handout).to_have_text("HTML")


def test_it_is_printed_on_one_page_in_ink_on_paper(browser: Browser, address: str) -> None:
    with opened(browser, address, color_scheme="dark") as page:
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


def test_the_japanese_page_says_that_pngs_are_in_english(browser: Browser, address: str) -> None:
    """The font that the service draws with has no Japanese letters."""
    with opened(browser, address, locale="ja-JP") as page:
        choose_sample(page, 5)
        with page.expect_download():
            page.get_by_test_id("save-ledger").click()
        expect(page.get_by_test_id("done")).to_have_text("保存しました。図中の文字は英語です。")


@pytest.mark.threat("links that ask too much")
@pytest.mark.parametrize("question", ["constructor", "toString", "__proto__", "nothing"])
def test_a_question_that_there_is_not_is_the_usual_one(browser: Browser, address: str, question: str) -> None:
    with opened(browser, address, f"#question={question}&drawing=i1ayVIoFAA") as page:
        read(page, 9)
        expect(page.get_by_test_id("problem")).not_to_be_visible()
        asked: list[str] = []
        page.on("request", lambda request: asked.extend([request.url] * ("/web/" not in request.url)))
        page.wait_for_timeout(1500)
        assert asked == []


@pytest.mark.threat("links that ask too much")
def test_a_drawing_that_inflates_is_not_unpacked(browser: Browser, address: str) -> None:
    """64 MiB of blanks in 64 KiB: more than a drawing has."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = base64.urlsafe_b64encode(packer.compress(b"[" + b" " * 2**26 + b"]") + packer.flush()).decode().rstrip("=")
    with opened(browser, address, f"#drawing={packed}") as page:
        draw(page, *DIGITS[4])
        read(page, 4)
