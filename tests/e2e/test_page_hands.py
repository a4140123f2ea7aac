"""What hands and browsers do that a mouse on a desk does not: palms, forbidden storage, keys of other alphabets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import new_profile, read
from tests.helpers.pictures import encode, pixels

# Storage of a browser that forbids it.
FORBIDDEN = """
    for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new DOMException("forbidden", "SecurityError"); } });
    }
"""
# A pen draws down the middle of the canvas; half-way a palm comes down beside it, moves, and is lifted.
PEN_AND_PALM = """(canvas) => {
    const box = canvas.getBoundingClientRect();
    canvas.setPointerCapture = () => {};
    const send = (type, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
        pointerId, button: 0, clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true,
    }));
    send("pointerdown", 1, 0.5, 0.2);
    send("pointermove", 1, 0.5, 0.5);
    for (const type of ["pointerdown", "pointermove", "pointerup"]) send(type, 2, 0.9, 0.9);
    send("pointermove", 1, 0.5, 0.8);
    send("pointerup", 1, 0.5, 0.8);
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const opacity = (x, y) => data[4 * (Math.round(y * height) * width + Math.round(x * width)) + 3];
    return [opacity(0.5, 0.3), opacity(0.5, 0.75), opacity(0.9, 0.9), opacity(0.7, 0.7)];
}"""


def test_a_palm_beside_the_pen_draws_nothing(page: Page) -> None:
    first, last, palm, between = page.get_by_test_id("canvas").evaluate(PEN_AND_PALM)
    assert min(first, last) == 255, "the stroke is whole"
    assert max(palm, between) == 0, "and nothing is beside it"
    read(page, 1)


@contextmanager
def asking_for_a_key(browser: Browser, guarded: str, script: str = "") -> Iterator[Page]:
    """The page of a service that needs a key; the script runs before its own."""
    profile = new_profile(browser)
    profile.add_init_script(script)
    page = profile.new_page()
    page.goto(f"http://{guarded}/")
    expect(page.get_by_test_id("key")).to_be_visible()
    yield page
    profile.close()


def test_a_browser_that_forbids_storage(browser: Browser, guarded: str) -> None:
    with asking_for_a_key(browser, guarded, FORBIDDEN) as page:
        page.get_by_test_id("key").fill("sesame")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("key-form")).not_to_be_visible()
        page.get_by_test_id("sample-7").click()
        read(page, 7)


def test_a_key_of_other_letters_is_asked_for_again(browser: Browser, guarded: str) -> None:
    with asking_for_a_key(browser, guarded) as page:
        key = page.get_by_test_id("key")
        # What is undone in a field leaves the drawing as it is.
        page.get_by_test_id("canvas").evaluate(PEN_AND_PALM)
        key.fill("open")
        page.keyboard.press("Control+z")
        expect(key).to_have_value("")
        expect(page.get_by_test_id("undo")).to_be_enabled()
        key.fill("鍵")
        page.keyboard.press("Enter")
        expect(key).to_be_visible()
        expect(key).to_have_value("鍵")
        key.fill("sesame")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("canvas")).to_be_focused()


def test_a_picture_of_many_pixels_is_made_smaller(page: Page, tmp_path: Path) -> None:
    """Few bytes, and more pixels than the service takes."""
    path = tmp_path / "large.png"
    path.write_bytes(encode(np.kron(255 - pixels(7), np.ones((90, 90), np.uint8))))
    assert path.stat().st_size < 250_000
    page.get_by_test_id("file").set_input_files(path)
    read(page, 7)


def test_the_list_of_networks_stays_open(page: Page) -> None:
    """It is not made anew while something else changes."""
    page.get_by_test_id("sample-7").click()
    read(page, 7)
    page.evaluate("window.before = document.querySelector('#model option')")
    page.get_by_test_id("heatmap").hover()
    page.get_by_test_id("sample-3").click()
    read(page, 3)
    assert page.evaluate("window.before === document.querySelector('#model option')")
