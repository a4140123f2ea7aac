"""When things go wrong: late answers, a service that is away, files that are no pictures, keys."""

import re

import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, Route, expect

from konkyo.service.http.body import MAX_BODY
from tests.e2e.browser import draw, opened, read, reading
from tests.e2e.strokes import DIGITS
from tests.helpers.pictures import encode


def test_a_late_answer_never_overwrites_a_newer_one(page: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    # Without this, the page would end its own old request, and nothing late would come at all.
    page.evaluate("AbortController.prototype.abort = () => {}")
    page.evaluate(
        """() => {
            const [{ json }, { dataset }] = [Response.prototype, document.body];
            dataset.taken = 0;
            Response.prototype.json = function () {
                const counts = Number(this.url.includes("/explain/process"));
                const taken = () => (dataset.taken = Number(dataset.taken) + counts);
                return json.call(this).finally(() => setTimeout(taken));
            };
        }"""
    )
    page.route("**/explain/process?*", hold_the_first)
    with page.expect_request("**/explain/process?*"):
        page.get_by_test_id("sample-5").click()
    page.get_by_test_id("sample-7").click()
    read(page, 7)
    assert len(held) == 1
    body = page.locator("body")
    before = int(body.get_attribute("data-taken") or 0)
    assert before >= 1
    held[0].continue_()
    # The late answer has come, and what the page does with it is done.
    expect(body).to_have_attribute("data-taken", str(before + 1))
    read(page, 7)
    expect(page.get_by_test_id("target")).to_have_value("7")


def test_old_questions_are_ended(page: Page) -> None:
    page.route("**/explain/process?*", lambda _: None, times=1)
    with page.expect_request("**/explain/process?*") as old:
        page.get_by_test_id("sample-5").click()
    with page.expect_event("requestfailed", lambda request: request == old.value):
        page.get_by_test_id("sample-7").click()
    read(page, 7)


def test_no_answer_waits_until_the_browser_is_idle(page: Page) -> None:
    # Chromium encodes for these in idle time; a page with enough to do waits seconds for it.
    page.evaluate(
        """() => {
            const never = () => new Promise(() => {});
            OffscreenCanvas.prototype.convertToBlob = HTMLCanvasElement.prototype.toBlob = never;
        }"""
    )
    draw(page, *DIGITS[1])
    read(page, 1)


def test_the_service_is_away_and_comes_back(browser: Browser, address: str) -> None:
    with opened(browser, address, failing=True) as page:
        page.route("**/*", lambda route: route.abort("connectionrefused"))
        problem = page.get_by_test_id("problem")
        draw(page, *DIGITS[4])
        expect(problem).to_contain_text("The service does not answer.")
        page.get_by_test_id("language").click()
        expect(problem).to_contain_text("サービスが応答しません。")
        expect(reading(page)).to_have_text(re.compile("未入力"))
        page.unroute("**/*")
        expect(problem).not_to_be_visible()
        read(page, 4)


def test_a_busy_service_is_asked_again(browser: Browser, address: str) -> None:
    with opened(browser, address, failing=True) as page:
        held: list[Route] = []
        page.route("**/explain/process?*", lambda route: route.fulfill(status=503), times=1)
        page.route("**/readyz", lambda route: held.append(route), times=1)
        with page.expect_request("**/readyz"):
            page.get_by_test_id("sample-7").click()
        expect(page.get_by_test_id("problem")).to_contain_text("too much to do")
        held[0].continue_()
        read(page, 7)
        expect(page.get_by_test_id("problem")).not_to_be_visible()


FILES = [
    ("notes.txt", "text/plain", b"no picture", "This file is not a picture that can be read"),
    ("digit.png", "image/png", b"\x89PNG\r\n\x1a\nand no more", "This picture is damaged"),
]


def test_files_that_are_no_pictures(page: Page) -> None:
    for name, media, content, message in FILES:
        page.get_by_test_id("file").set_input_files({"name": name, "mimeType": media, "buffer": content})
        expect(page.get_by_test_id("problem")).to_contain_text(message)
    page.get_by_test_id("sample-2").click()
    read(page, 2)
    expect(page.get_by_test_id("problem")).not_to_be_visible()


def test_a_photograph_is_made_small_enough(page: Page) -> None:
    noise = np.random.default_rng(1).integers(200, 256, (2400, 1800, 3), np.uint8)
    noise[400:2000, 850:1000] = 20
    photograph = encode(noise, "JPEG")
    assert len(photograph) > MAX_BODY
    page.get_by_test_id("file").set_input_files({"name": "1.jpg", "mimeType": "image/jpeg", "buffer": photograph})
    read(page, 1)


def test_a_damaged_link(browser: Browser, address: str) -> None:
    damaged = ["#drawing=nonsense", "#drawing=q1YqSS0uUbIy0FEqLk3OSy1WsqoF"]
    with opened(browser, address, damaged[0], failing=True) as page:
        for fragment in damaged:
            page.goto(f"http://{address}/{fragment}")
            expect(page.get_by_test_id("problem")).to_contain_text("This link is damaged")
            draw(page, *DIGITS[1])
            read(page, 1)
            expect(page.get_by_test_id("problem")).not_to_be_visible()


def test_a_link_with_nonsense_beside_the_drawing(browser: Browser, address: str) -> None:
    nonsense = "#model=resnet&region=99&target=x&versus="
    with opened(browser, address, f"{nonsense}10") as page:
        for versus in ("10", "-1"):
            page.goto(f"http://{address}/{nonsense}{versus}")
            expect(page.get_by_test_id("model")).to_have_value("paired-3x3")
            expect(page.get_by_test_id("region")).to_have_value("2")
            expect(page.get_by_test_id("versus")).to_have_value("")
            draw(page, *DIGITS[1])
            read(page, 1)


def test_it_answers_while_a_stroke_is_being_drawn(page: Page) -> None:
    box = page.get_by_test_id("canvas").bounding_box()
    assert box is not None
    across = box["x"] + box["width"] / 2
    page.mouse.move(across, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(across, box["y"] + 0.8 * box["height"], steps=20)
    read(page, 1)
    page.mouse.up()
    read(page, 1)
