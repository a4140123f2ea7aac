"""``python -m tools.screenshots``: the page, from the running service, in Chromium, into docs/screenshots."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.browser import draw, launch, opened, read
from tests.e2e.server import running_service
from tests.e2e.strokes import DIGITS
from tools.examples import ROOT

SCREENSHOTS = ROOT / "docs" / "screenshots"


@dataclass(frozen=True)
class Screenshot:
    """One picture: its file's name, the digit that is drawn, what is done then, and the browser that shows it."""

    name: str
    digit: int
    then: Callable[[Page], None]
    browser: dict[str, Any] = field(default_factory=dict)


def _versus(page: Page) -> None:
    page.get_by_test_id("versus").select_option("3")
    expect(page.get_by_role("heading", name="What speaks for 5 and not 3")).to_be_visible()
    page.mouse.move(2, 2)


def _critical(page: Page) -> None:
    page.get_by_test_id("region").fill("3")
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-region", "3")


def _pair(page: Page) -> None:
    page.get_by_test_id("pair-2-2").hover()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "pair")


def _asked(page: Page, question: str, shown: str) -> None:
    page.get_by_test_id(f"question-{question}").click()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", shown)
    page.mouse.move(2, 2)


def _shares(page: Page) -> None:
    _asked(page, "shapley", "shares")


def _grounds(page: Page) -> None:
    _asked(page, "grounds", "grounds")
    page.get_by_test_id("hide-contrast").click()
    expect(page.get_by_test_id("live")).to_contain_text("now a")
    page.mouse.move(2, 2)


def _projector(page: Page) -> None:
    _asked(page, "grounds", "grounds")
    page.get_by_test_id("hide-others").click()
    expect(page.get_by_test_id("live")).to_contain_text("still a")
    page.get_by_test_id("present").click()
    page.keyboard.press("4")
    page.mouse.move(2, 2)


def _lenet(page: Page) -> None:
    page.get_by_test_id("model").select_option("lenet-6x16")
    expect(page.get_by_test_id("pairs").locator("button")).to_have_count(11)
    page.get_by_test_id("present").click()
    page.keyboard.press("3")


def _walk(page: Page) -> None:
    page.get_by_test_id("walk").click()
    expect(page.get_by_test_id("walk-dialog")).to_be_visible()
    page.keyboard.press("End")


def _closely(page: Page) -> None:
    page.get_by_test_id("walk").click()
    expect(page.get_by_test_id("walk-dialog")).to_be_visible()
    for _ in range(2):
        page.keyboard.press("ArrowRight")


def _guess(page: Page) -> None:
    _asked(page, "grounds", "grounds")
    page.get_by_test_id("guess").click()
    heatmap = page.get_by_test_id("heatmap")
    box = heatmap.bounding_box()
    assert box is not None
    for row, column in ((2, 1), (2, 4), (5, 3)):
        heatmap.click(position={"x": (column + 0.5) / 7 * box["width"], "y": (row + 0.5) / 7 * box["height"]})
    page.get_by_test_id("guess-show").click()
    expect(page.get_by_test_id("guessed")).to_contain_text("guessed;")
    page.mouse.move(2, 2)


def _beside(page: Page) -> None:
    _asked(page, "grounds", "grounds")
    page.get_by_test_id("beside").select_option("lenet-6x16")
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "grounds")
    page.get_by_test_id("present").click()
    page.keyboard.press("4")
    page.mouse.move(2, 2)


def _nothing(_: Page) -> None:
    pass


PROJECTOR = {"viewport": {"width": 1920, "height": 1080}, "device_scale_factor": 1}
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
PICTURES = [
    Screenshot("light", 5, _versus),
    Screenshot("dark", 9, _critical, {"color_scheme": "dark"}),
    Screenshot("phone", 3, _nothing, PHONE),
    Screenshot("japanese", 5, _pair, {"locale": "ja-JP"}),
    Screenshot("walk", 5, _walk),
    Screenshot("closely", 5, _closely, PROJECTOR),
    Screenshot("shares", 7, _shares),
    Screenshot("grounds", 7, _grounds),
    Screenshot("projector", 4, _projector, PROJECTOR),
    Screenshot("lenet", 7, _lenet, PROJECTOR),
    Screenshot("guess", 7, _guess),
    Screenshot("beside", 7, _beside, PROJECTOR),
]


def main() -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    with running_service() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            with opened(browser, address, **{"device_scale_factor": 2, **picture.browser}) as page:
                draw(page, *DIGITS[picture.digit])
                read(page, picture.digit)
                page.mouse.move(2, 2)
                picture.then(page)
                taken = Image.open(BytesIO(page.screenshot(animations="disabled")))
                taken.convert("RGB").save(SCREENSHOTS / f"{picture.name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
