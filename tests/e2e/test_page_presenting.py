"""For a projector: one view fills the screen."""

from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Page, expect

from tests.e2e.access import serious
from tests.e2e.answers import choose_sample
from tests.e2e.browser import opened, read

# A projector, and the same one at 150 % zoom.
PROJECTOR: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
ZOOMED: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "device_scale_factor": 1.5}

# What of the page lies outside of the window, or beneath the bar.
OUTSIDE = """() => {
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


def outside(page: Page) -> list[str]:
    found: list[str] = page.evaluate(OUTSIDE)
    return found


@pytest.mark.parametrize("screen", [PROJECTOR, ZOOMED], ids=["projector", "zoomed"])
def test_every_view_is_whole(browser: Browser, address: str, screen: dict[str, Any]) -> None:
    with opened(browser, address, **screen) as page:
        for model in ("paired-3x3", "lenet-6x16"):
            page.get_by_test_id("model").select_option(model)
            choose_sample(page, 7)
            for question, shown in (("occlusion", "heat"), ("shapley", "shares"), ("grounds", "grounds")):
                page.get_by_test_id(f"question-{question}").click()
                expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", shown)
                page.get_by_test_id("present").click()
                for key, view in enumerate(("all", "digit", "pairs", "where"), 1):
                    page.keyboard.press(str(key))
                    expect(page.locator("html")).to_have_attribute("data-present", view)
                    assert outside(page) == [], (model, question, view)
                page.keyboard.press("Escape")
                expect(page.get_by_test_id("present-bar")).not_to_be_visible()


def test_arrow_keys_go_from_view_to_view(page: Page) -> None:
    choose_sample(page, 4)
    page.get_by_test_id("present").click()
    html = page.locator("html")
    expect(html).to_have_attribute("data-present", "all")
    expect(page.get_by_test_id("present-all")).to_have_attribute("aria-pressed", "true")
    for key, view in (("ArrowRight", "digit"), ("PageDown", "pairs"), ("End", "where"), ("ArrowLeft", "pairs")):
        page.keyboard.press(key)
        expect(html).to_have_attribute("data-present", view)
    # In the table they go from pair to pair.
    page.get_by_test_id("pair-0-0").focus()
    page.keyboard.press("ArrowRight")
    expect(html).to_have_attribute("data-present", "pairs")
    expect(page.get_by_test_id("details")).to_contain_text("Map 0 × filter 1 adds")
    assert serious(page) == []
    page.get_by_test_id("present-leave").click()
    expect(page.get_by_test_id("language")).to_be_visible()
    read(page, 4)


def test_many_maps_are_large_enough_to_be_read(browser: Browser, address: str) -> None:
    with opened(browser, address, **PROJECTOR) as page:
        page.get_by_test_id("model").select_option("lenet-6x16")
        choose_sample(page, 7)
        page.get_by_test_id("present").click()
        page.keyboard.press("3")
        expect(page.locator("html")).to_have_attribute("data-present", "pairs")
        for pair in page.get_by_test_id("pairs").locator("button").all():
            box = pair.locator("canvas").bounding_box()
            assert box is not None
            assert box["width"] >= 130
            expect(pair.locator(".name")).to_be_visible()
            expect(pair.locator(".total")).to_be_visible()
