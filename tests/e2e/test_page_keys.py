"""A service that needs a key: the page asks for it, also in a frame of a course's site, which a setting allows.

Without the setting: tests/service/test_page.py.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from support.browser import draw, profile_of, read
from support.strokes import DIGITS
from tests.e2e.answers import choose_sample

# Storage of a browser that forbids it.
FORBIDDEN = """
    for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new DOMException("forbidden", "SecurityError"); } });
    }
"""


@contextmanager
def asking_for_a_key(browser: Browser, guarded: str, script: str = "") -> Iterator[Page]:
    """The page of a service that needs a key; the script runs before its own."""
    page = profile_of(browser).new_page()
    page.add_init_script(script)
    page.goto(f"http://{guarded}/")
    expect(page.get_by_test_id("problem")).to_have_text("This service answers only to those who have a key.")
    yield page
    page.close()


def test_a_browser_that_forbids_storage(browser: Browser, guarded: str) -> None:
    with asking_for_a_key(browser, guarded, FORBIDDEN) as page:
        page.get_by_test_id("key").fill("sesame")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("key-form")).not_to_be_visible()
        page.get_by_test_id("sample-7").click()
        read(page, 7)


def test_a_wrong_key_is_not_called_a_missing_one(browser: Browser, guarded: str) -> None:
    with asking_for_a_key(browser, guarded) as page:
        key = page.get_by_test_id("key")
        # What is undone in a field leaves the drawing as it is.
        draw(page, *DIGITS[1])
        key.fill("open")
        page.keyboard.press("Control+z")
        expect(key).to_have_value("")
        expect(page.get_by_test_id("undo")).to_be_enabled()
        # No header can carry these letters.
        key.fill("鍵")
        page.keyboard.press("Enter")
        expect(key).to_be_visible()
        expect(key).to_have_value("鍵")
        key.fill("rice")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("problem")).to_have_text("This is not one of the service’s keys.")
        key.fill("sesame")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("key-form")).not_to_be_visible()
        expect(page.get_by_test_id("canvas")).to_be_focused()
        choose_sample(page, 1)
        page.get_by_test_id("curl").click()
        expect(page.get_by_test_id("done")).to_contain_text("The command gives the same answer")
        command = page.evaluate("navigator.clipboard.readText()")
        assert 'curl -s -H "X-API-Key: $KONKYO_KEY" -F file=@- ' in command
        assert "sesame" not in command


def test_a_course_shows_the_page(browser: Browser, guarded: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(f'<iframe src="http://{guarded}/" width="1280" height="900"></iframe>')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        page = profile_of(browser).new_page()
        page.goto(f"http://localhost:{site.server_port}/")
        frame = page.frame_locator("iframe")
        frame.get_by_test_id("key").fill("sesame")
        frame.get_by_test_id("key").press("Enter")
        frame.get_by_test_id("sample-7").click()
        expect(frame.get_by_test_id("reading")).to_contain_text("7")
        page.close()
        site.shutdown()
