"""The grounds on the page: their order, their proof, and what is said of them."""

from base64 import b64decode
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Locator, Page, expect

from tests.e2e.answers import asked, choose_sample
from tests.pictures import decode, encode, pixels, sample

# The ends of the diverging scale on light paper.
FIRST, LAST = (0x06, 0x69, 0x5F), (0x87, 0x50, 0x08)


def drawn(canvas: Locator) -> NDArray[np.uint8]:
    """(height, width, 3): what a canvas holds."""
    data: str = canvas.evaluate("canvas => canvas.toDataURL()")
    return decode(b64decode(data.partition(",")[2]))


def proven(address: str) -> tuple[int, Any]:
    """A test digit with grounds, several regions of which the first is all ink, and what the service says of them."""
    answers = ((digit, asked(address, "/explain/occlusion", sample(digit))["grounds"]) for digit in range(10))
    return next(
        (digit, grounds)
        for digit, grounds in answers
        if grounds["proof"]
        and 1 < grounds["proof"]["regions"] <= grounds["evidence"] < grounds["regions"]
        and np.equal(grounds["turn"], 1).sum() == 4
    )


def test_the_sentence_and_the_proof(page: Page, address: str) -> None:
    digit, grounds = proven(address)
    proof, count = grounds["proof"], f"{grounds['regions']} inked regions"
    left = proof["without"]["digit"]
    choose_sample(page, digit)
    details = page.get_by_test_id("details")
    expect(details).to_contain_text(
        f"{proof['regions']} of {count} are enough for {digit}, and without them {left} is read: see the grounds."
    )
    asks: list[str] = []
    page.on("request", lambda request: asks.append(request.method))
    page.get_by_test_id("grounds").check()
    expect(details).to_have_text(
        f"These {proof['regions']} of {count} alone are read as {digit}; without them {left} is read. "
        "Point at a pair or at a region to see how they meet."
    )
    expect(page.get_by_role("heading", name=f"The grounds for {digit}")).to_be_visible()
    # They came with the answer.
    assert "POST" not in asks
    for part in ("alone", "without"):
        shown = page.get_by_test_id(f"proof-{part}")
        share = f"{100 * proof[part]['probability']:.1f}%"
        expect(shown).to_have_text(f"{part} {proof[part]['digit']} {share}")
        # Of the digit, what the page shows is read as the page says.
        paper = drawn(page.get_by_test_id("seen"))[0, 0]
        ink = (drawn(shown.locator("canvas")) != paper).any(-1)
        picture = encode(np.where(ink, pixels(digit), 0).astype(np.uint8))
        assert asked(address, "/predict", picture)["digit"] == proof[part]["digit"]


def test_the_order_as_colours(page: Page, address: str) -> None:
    digit, grounds = proven(address)
    choose_sample(page, digit)
    heatmap = page.get_by_test_id("heatmap")
    heat = drawn(heatmap)
    page.get_by_test_id("grounds").check()
    expect(heatmap).to_have_attribute("data-shown", "grounds")
    expect(page.locator("#scale")).to_contain_text("order of the ink")
    shown, turn = drawn(heatmap), np.array(grounds["turn"])
    pixel = (2 * np.arange(len(shown)) + 1) * 14 // len(shown)
    for colour, place in ((FIRST, 1), (LAST, grounds["regions"])):
        rows, columns = np.nonzero((shown == colour).all(-1))
        # Between dots and outlines it is seen, and nowhere else.
        assert set(turn[pixel[rows], pixel[columns]]) == {place}
    page.get_by_test_id("grounds").uncheck()
    expect(heatmap).to_have_attribute("data-shown", "heat")
    assert np.array_equal(drawn(heatmap), heat)


def test_no_grounds(page: Page, address: str) -> None:
    asks = (
        (digit, target, asked(address, "/explain/occlusion", sample(digit), target=target, region=14)["grounds"])
        for digit, target in product(range(10), repeat=2)
    )
    digit, target, grounds = next(one for one in asks if one[2]["proof"] is None)
    choose_sample(page, digit)
    expect(page.get_by_test_id("proof")).to_be_visible()
    page.get_by_test_id("region").fill("14")
    page.get_by_test_id("target").select_option(str(target))
    sentence = (
        f"Of {grounds['regions']} inked regions none were found that are read as {target} alone "
        "and without which it no longer is."
    )
    expect(page.get_by_test_id("details")).to_contain_text(sentence)
    expect(page.get_by_test_id("proof")).not_to_be_visible()
    page.get_by_test_id("grounds").check()
    expect(page.get_by_role("heading", name=f"No grounds for {target}")).to_be_visible()
    expect(page.get_by_test_id("details")).to_contain_text(sentence)


def test_a_region_of_the_grounds_is_looked_at(page: Page, address: str) -> None:
    digit, grounds = proven(address)
    choose_sample(page, digit)
    page.get_by_test_id("grounds").check()
    heatmap = page.get_by_test_id("heatmap")
    row, column = np.argwhere(np.array(grounds["turn"]) == 1)[0]
    box = heatmap.bounding_box()
    assert box is not None
    heatmap.hover(position={"x": (column + 0.5) / 28 * box["width"], "y": (row + 0.5) / 28 * box["height"]})
    expect(page.get_by_test_id("details")).to_contain_text("Without this region")
    expect(heatmap).to_have_attribute("data-shown", "grounds")
    page.mouse.move(5, 5)
    expect(page.get_by_test_id("details")).to_contain_text("alone are read as")
