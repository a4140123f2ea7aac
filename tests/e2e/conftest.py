"""The page in a real browser, from the real service. Skipped, with the reason, where there is no Chromium.

The browser is closed with this package's last test: while Playwright is open, no other event loop may run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.server import running_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """``127.0.0.1:PORT`` of a running service."""
    with running_service() as started:
        yield started


@pytest.fixture(scope="package")
def guarded() -> Iterator[str]:
    """The address of a service that needs a key, *sesame*, and that a course's site may show in a frame."""
    with running_service(KONKYO_API_KEYS="sesame", KONKYO_FRAME_ANCESTORS="localhost:*") as started:
        yield started


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    from tests.e2e.browser import launch

    with api.sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="package")
def profile(browser: "Browser") -> Iterator["BrowserContext"]:
    """A laptop's, in English. It is kept, so that a test's tab finds the page's files in the cache."""
    from tests.e2e.browser import new_profile

    kept = new_profile(browser)
    yield kept
    kept.close()


@pytest.fixture
def page(profile: "BrowserContext", address: str) -> Iterator["Page"]:
    """The page in a new tab; no test ends with an error of its scripts or a request to another host."""
    from tests.e2e.browser import shown

    with shown(profile, address) as tab:
        try:
            yield tab
        finally:
            # The language and the theme of one test are not those of the next.
            tab.evaluate("localStorage.clear()")
