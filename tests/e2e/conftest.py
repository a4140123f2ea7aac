"""The page in a real browser, from the real service. Skipped, with the reason, where there is no Chromium."""

import asyncio
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from support.server import running_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """``127.0.0.1:PORT`` of a running service."""
    with running_service() as started:
        yield started


@pytest.fixture(scope="session")
def guarded() -> Iterator[str]:
    """The address of a service that needs a key, *sesame*, and that a course's site may show in a frame."""
    with running_service(KONKYO_API_KEYS="sesame", KONKYO_FRAME_ANCESTORS="localhost:*") as started:
        yield started


class Kept:
    """Playwright's event loop: between the tests of the browser, others may run."""

    loop: asyncio.AbstractEventLoop | None = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if "browser" not in getattr(item, "fixturenames", ()):
        return (yield)
    asyncio._set_running_loop(Kept.loop)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium. It stays for the tests of all files of this process."""
    # Imported here: `make peers` runs without Playwright.
    from playwright.sync_api import sync_playwright

    from support.browser import launch

    with sync_playwright() as playwright:
        try:
            started = launch(playwright)
        except FileNotFoundError as error:
            pytest.skip(str(error))
        Kept.loop = asyncio._get_running_loop()
        yield started
        # The last test of this process may be none of the browser.
        asyncio._set_running_loop(Kept.loop)
        started.close()


@pytest.fixture
def page(browser: "Browser", address: str) -> Iterator["Page"]:
    """The page in a new tab; no test ends with an error of its scripts or a request to another host."""
    from support.browser import opened

    with opened(browser, address) as tab:
        yield tab
