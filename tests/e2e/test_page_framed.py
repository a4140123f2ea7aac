"""The page in a frame of a course's site, which a setting allows. Without it: tests/service/test_page.py."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, expect

from tests.e2e.browser import new_profile


def test_a_course_shows_the_page(browser: Browser, guarded: str) -> None:
    content = f'<iframe src="http://{guarded}/" width="1280" height="900"></iframe>'.encode()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        profile = new_profile(browser)
        page = profile.new_page()
        page.goto(f"http://localhost:{server.server_port}/")
        frame = page.frame_locator("iframe")
        frame.get_by_test_id("key").fill("sesame")
        frame.get_by_test_id("key").press("Enter")
        frame.get_by_test_id("sample-7").click()
        expect(frame.get_by_test_id("reading")).to_contain_text("7")
        profile.close()
        server.shutdown()
