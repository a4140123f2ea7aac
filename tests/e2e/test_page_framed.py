"""The page in a frame of a course's site, which a setting allows."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, expect

from tests.e2e.browser import new_profile
from tests.e2e.server import running_service


@contextmanager
def course(address: str) -> Iterator[str]:
    """A site whose only page has the service's page in a frame; gives its ``localhost:PORT``."""
    content = f'<iframe src="http://{address}/" width="1280" height="900"></iframe>'.encode()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_course_shows_the_page(browser: Browser) -> None:
    with running_service(KONKYO_FRAME_ANCESTORS="localhost:*") as address, course(address) as site:
        profile = new_profile(browser)
        page = profile.new_page()
        page.goto(f"http://{site}/")
        frame = page.frame_locator("iframe")
        frame.get_by_test_id("sample-7").click()
        expect(frame.get_by_test_id("reading")).to_contain_text("7")
        profile.close()


def test_no_other_site_does(browser: Browser, address: str) -> None:
    with course(address) as site:
        profile = new_profile(browser)
        page = profile.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://{site}/")
        page.wait_for_timeout(200)
        assert page.frame_locator("iframe").get_by_test_id("sample-7").count() == 0
        assert any("frame-ancestors 'none'" in text for text in said), said
        profile.close()
