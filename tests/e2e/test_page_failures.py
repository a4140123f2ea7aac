"""When things go wrong: late answers, a service that is away, files that are no pictures, damaged links."""

import re
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from support.browser import box_of, draw, opened, profile_of, read, reading
from support.strokes import DIGITS
from tests.e2e.answers import choose_sample


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


def test_it_answers_while_a_stroke_is_being_drawn(page: Page) -> None:
    # Chromium encodes for these in idle time; a page with enough to do waits seconds for it.
    page.evaluate(
        """() => {
            const never = () => new Promise(() => {});
            OffscreenCanvas.prototype.convertToBlob = HTMLCanvasElement.prototype.toBlob = never;
        }"""
    )
    # The address is written after the stroke, once, however slowly it is drawn; before it, that of the empty page.
    expect(page).to_have_url(re.compile("region="))
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
    box = box_of(page.get_by_test_id("canvas"))
    across = box["x"] + box["width"] / 2
    page.mouse.move(across, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(across, box["y"] + 0.8 * box["height"], steps=20)
    read(page, 1)
    page.wait_for_timeout(350)  # longer than the pause after which it is written
    assert page.evaluate("written") == 0
    page.mouse.up()
    read(page, 1)
    expect(page).to_have_url(re.compile("drawing="))
    assert page.evaluate("written") == 1


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
    """Meanwhile what is old looks old, and nothing moves."""
    with opened(browser, address, failing=True) as page:
        choose_sample(page, 3)
        main, canvas, problem = page.locator("main"), page.get_by_test_id("canvas"), page.get_by_test_id("problem")
        before = canvas.bounding_box()
        asked: list[Route] = []
        ready: list[Route] = []
        page.route("**/explain/process?*", lambda route: asked.append(route), times=1)
        page.route("**/readyz", lambda route: ready.append(route), times=1)
        with page.expect_request("**/explain/process?*"):
            page.get_by_test_id("sample-7").click()
        expect(main).to_have_class(re.compile("stale"))
        with page.expect_request("**/readyz"):
            asked[0].fulfill(status=503)
        expect(problem).to_contain_text("too much to do")
        expect(main).to_have_class(re.compile("stale"))
        assert canvas.bounding_box() == before
        ready[0].continue_()
        read(page, 7)
        expect(problem).not_to_be_visible()
        expect(main).not_to_have_class(re.compile("stale"))


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


def test_a_damaged_link(page: Page, address: str) -> None:
    for fragment in ("#drawing=nonsense", "#drawing=q1YqSS0uUbIy0FEqLk3OSy1WsqoF"):
        page.goto(f"http://{address}/{fragment}")
        expect(page.get_by_test_id("problem")).to_contain_text("This link is damaged")
        draw(page, *DIGITS[1])
        read(page, 1)
        expect(page.get_by_test_id("problem")).not_to_be_visible()
    # What makes no sense beside a drawing is left out.
    for versus in ("10", "-1"):
        page.goto(f"http://{address}/#model=resnet&region=99&target=x&versus={versus}&drawing=i1ayVIoFAA")
        read(page, 9)
        for name, value in (("model", "paired-3x3"), ("region", "2"), ("target", "9"), ("versus", "")):
            expect(page.get_by_test_id(name)).to_have_value(value)


def test_of_two_that_come_the_last_alone_counts(page: Page) -> None:
    """A link with a slow sample, then another sample: also when the slow one comes last."""
    held: list[Route] = []
    page.route("**/misread-9019.png", lambda route: held.append(route))
    for digit, start in (
        (4, lambda: page.evaluate("location.hash = '#versus=7&drawing=i1bKzSwuSk1M0bU0MLRUigUA'")),
        (5, lambda: page.get_by_test_id("sample-misread-9019").click()),
    ):
        with page.expect_request("**/misread-9019.png"):
            start()
        choose_sample(page, digit)
        page.get_by_test_id("versus").select_option("9")
        with page.expect_response("**/misread-9019.png"):
            held.pop().continue_()
        page.wait_for_timeout(200)  # what the page does with it is done
        read(page, digit)
        expect(page.get_by_test_id("versus")).to_have_value("9")


@pytest.mark.parametrize("way", ["question", "network", "guess"])
def test_a_late_answer_to_hide_is_not_about_what_is_shown(page: Page, way: str) -> None:
    held: list[Route] = []
    choose_sample(page, 2)
    page.get_by_test_id("question-grounds").click()
    page.route("**/infer", lambda route: held.append(route))
    with page.expect_request("**/infer"):
        page.get_by_test_id("hide-contrast").click()
    if way == "question":
        page.get_by_test_id("question-occlusion").click()
        page.get_by_test_id("question-grounds").click()
    elif way == "network":
        page.get_by_test_id("model").select_option("lenet-6x16")
    else:
        for _ in range(2):
            page.get_by_test_id("guess").click()
    read(page, 2)
    with page.expect_response("**/infer"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.get_by_test_id("live")).to_have_text("Nothing is hidden: 2 is read.")


def fulfill(answer: dict[str, Any], route: Route) -> None:
    route.fulfill(**answer)


def test_a_refusal_a_network_that_fails_and_a_mistake_are_three_things(browser: Browser, address: str) -> None:
    """Only who is not there is asked again and again."""
    page = profile_of(browser).new_page()
    mistakes: list[str] = []
    ready: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(error.message))
    page.on("request", lambda request: ready.append(request.url) if request.url.endswith("/readyz") else None)
    page.goto(f"http://{address}/")
    problem = page.get_by_test_id("problem")
    answers: dict[str, dict[str, Any]] = {
        "The service failed at this.": {"status": 500, "body": ""},
        "This is a mistake of the page.": {"json": {}},
        "It is odd.": {"status": 422, "json": {"type": "urn:konkyo:odd", "detail": "It is odd."}},
    }
    for said, answer in answers.items():
        page.route("**/explain/process?*", partial(fulfill, answer))
        page.get_by_test_id("sample-1").click()
        expect(problem).to_contain_text(said)
        page.unroute("**/explain/process?*")
    assert len(mistakes) == 1
    page.wait_for_timeout(1200)  # longer than the pause before another try
    assert ready == []
    page.get_by_test_id("sample-4").click()
    read(page, 4)
    expect(problem).not_to_be_visible()
    page.close()


def test_a_link_whose_sample_does_not_come_is_not_damaged(browser: Browser, address: str) -> None:
    """It is taken once more when the service is there again. One of a sample that there is not is damaged."""
    with opened(browser, address, failing=True) as page:
        page.route("**/misread-9019.png", lambda route: route.abort("connectionrefused"))
        page.route("**/readyz", lambda route: route.abort("connectionrefused"))
        page.evaluate("location.hash = '#question=grounds&drawing=i1bKzSwuSk1M0bU0MLRUigUA'")
        problem = page.get_by_test_id("problem")
        expect(problem).to_contain_text("The service does not answer.")
        page.unroute("**/misread-9019.png")
        page.unroute("**/readyz")
        read(page, 2)
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")
        expect(problem).not_to_be_visible()
        page.route("**/misread-9019.png", lambda route: route.fulfill(status=404))
        page.evaluate("location.hash = '#drawing=i1bKzSwuSk1M0bU0MLRUigUA'")
        expect(problem).to_contain_text("This link is damaged")
