"""Chromium, and the page in it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, Playwright, Position, expect

from support.server import PATIENCE, until

# Debian's. The shell is the same engine without windows: a tab costs a third of the processor's time.
CHROMIUMS = "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAPTOP = {"width": 1280, "height": 800}
# A projector, and the same one at 150 % zoom.
PROJECTOR: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
ZOOMED: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# What of the page lies outside of the window, or beneath the bar, once it has been laid out anew.
OUTSIDE = """async () => {
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    const bar = document.querySelector("[data-testid=present-bar]").getBoundingClientRect();
    const names = ["button", "canvas", "p", "h2", "dd", "dt", "li"];
    const parts = [...document.querySelectorAll(names.map((name) => `main ${name}`).join())];
    return parts.filter((part) => !part.closest(".unseen")).flatMap((part) => {
        const { left, top, right, bottom, width, height } = part.getBoundingClientRect();
        if (!width || !height) return [];
        const inside = left >= -1 && top >= -1 && right <= innerWidth + 1 && bottom <= bar.top + 1;
        return inside ? [] : [`${part.id || part.className || part.textContent}: ${[left, top, right, bottom]}`];
    });
}"""

# What the browser says of requests when the machine's networks change: no fault of the page.
NETWORK_CHANGED = "Failed to load resource: net::ERR_NETWORK_CHANGED"

Point = tuple[float, float]

# The link to the page without anything drawn: without a link it begins with an example.
EMPTY = "#empty"

expect.set_options(timeout=PATIENCE * 1e3)


def launch(playwright: Playwright) -> Browser:
    """Start the first Chromium that is installed.

    Raises
    ------
    FileNotFoundError
        None is.
    """
    chromium = next(filter(os.path.exists, CHROMIUMS), None)
    if chromium is None:
        raise FileNotFoundError(f"there is neither {' nor '.join(CHROMIUMS)}")
    return playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)


def profile_of(browser: Browser, **context: Any) -> BrowserContext:
    """A laptop's, in English, if nothing else is said. It is kept: the next tab finds the page's files in its cache."""
    options = {"viewport": LAPTOP, "locale": "en-US", "permissions": ["clipboard-read", "clipboard-write"], **context}
    key = (browser, repr(sorted(options.items())))
    if key not in _PROFILES:
        _PROFILES[key] = browser.new_context(**options)
        _PROFILES[key].set_default_timeout(PATIENCE * 1e3)
    return _PROFILES[key]


_PROFILES: dict[tuple[Browser, str], BrowserContext] = {}


@contextmanager
def opened(
    browser: Browser, address: str, fragment: str = EMPTY, failing: bool = False, **context: Any
) -> Iterator[Page]:
    """The page in a new tab of a profile that remembers nothing.

    When it closes, its scripts must not have failed, and nothing may have been asked of another host. With ``failing``
    the browser may say that a request failed.
    """
    page = profile_of(browser, **context).new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc or request.url.partition("/")[0]))
    try:
        _go(page, f"http://{address}/{fragment}", complaints)
        yield page
    except Exception as error:
        error.add_note(f"the browser's console: {complaints}")
        raise
    # The language and the theme of one test are not those of the next.
    page.evaluate("localStorage.clear()")
    page.close()
    assert hosts <= {address, "blob:"}, hosts
    known = "Failed to load resource" if failing else NETWORK_CHANGED
    assert not [text for text in complaints if not text.startswith(known)], complaints


def _go(page: Page, address: str, complaints: list[str]) -> None:
    """Load the page; again, if a network of containers beside it came or went meanwhile and broke requests off."""
    model = page.get_by_test_id("model")
    for _ in range(3):
        page.goto(address)
        try:
            expect(model).not_to_have_value("", timeout=PATIENCE * 1e3 / 6)
        except AssertionError:
            if not any(text.startswith(NETWORK_CHANGED) for text in complaints):
                break
        else:
            return
    expect(model).not_to_have_value("")


def draw(page: Page, *strokes: list[Point]) -> None:
    """Draw with the mouse; places are shares of the square, from its upper left."""
    box = box_of(page.get_by_test_id("canvas"))
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def reading(page: Page) -> Locator:
    """What is read: its text starts with the digit."""
    return page.get_by_test_id("reading")


def read(page: Page, digit: int | str) -> None:
    """Wait until this digit, or another class of this name, is read, and nothing newer is being asked."""
    expect(page.locator("main")).to_have_attribute("data-state", "answered")
    expect(reading(page)).to_have_text(re.compile(rf"^{digit}\b"))


def hover(page: Page, row: int, column: int, region: int = 2, *, press: bool = False) -> None:
    """Point at the middle of a region, or press it."""
    heatmap = page.get_by_test_id("heatmap")
    box = box_of(heatmap)
    x, y = ((place + 0.5) * region / 28 for place in (column, row))
    at = Position(x=x * box["width"], y=y * box["height"])
    if press:
        heatmap.click(position=at)
    else:
        heatmap.hover(position=at)


def box_of(part: Locator) -> FloatRect:
    """Where it stands."""
    box = part.bounding_box()
    assert box is not None
    return box


def until_true(page: Page, script: str, argument: object = None) -> None:
    """Wait until a script says so. Playwright's own wait evaluates it within the page, whose policy forbids that."""
    until(lambda: bool(page.evaluate(script, argument)))


def outside(page: Page) -> list[str]:
    found: list[str] = page.evaluate(OUTSIDE)
    return found
