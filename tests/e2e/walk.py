"""The page's walk through the network: how tests open it, and what they read from it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from konkyo.models.files.checkpoint import load_all
from konkyo.models.network import Network, Trace
from support.pictures import pixels
from tests.e2e.answers import numbers

# The steps through a network of two stages that show something closely.
CLOSELY = {"stage 1": 2, "pool": 4, "stage 2": 6, "affine": 9, "softmax": 11}

# How far the walk, and what it shows closely, have to be scrolled: [across, down] of each.
OVERFLOW = """() => [document.querySelector("#walk-dialog"), document.querySelector("#closer")].map(
    (one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight])"""

Values = NDArray[np.floating[Any]]


def open_walk(page: Page, step: int = 0) -> None:
    page.get_by_test_id("walk").click()
    expect(page.get_by_test_id("walk-dialog")).to_be_visible()
    go(page, step)


def go(page: Page, step: int) -> None:
    stop = page.locator("#dots button").nth(step)
    stop.click()
    expect(stop).to_have_attribute("aria-current", "step")


def closer(page: Page) -> Locator:
    return page.get_by_test_id("closer")


def grids(page: Page) -> list[Values]:
    """The numbers of each table of the step."""
    tables = closer(page).locator("table.grid").all()
    read = [[numbers(cell) for cell in table.locator("td").all_text_contents()] for table in tables]
    sides = [round(len(cells) ** 0.5) for cells in read]
    return [np.reshape(np.array(cells), (side, side)) for cells, side in zip(read, sides, strict=True)]


def sum_of(page: Page) -> list[float]:
    """The terms of the sum and its total. What is subtracted stands behind its sign."""
    return [numbers(text.replace("− ", "−").replace("= ", ""))[0] for text in texts(page)]


def texts(page: Page) -> list[str]:
    return page.get_by_test_id("closer-sum").locator("dd").all_text_contents()


def place(page: Page) -> tuple[int, int]:
    row, column = (closer(page).get_attribute("data-place") or "").split(",")
    return int(row), int(column)


def computed(model: str, digit: int) -> tuple[Network, Values, Trace]:
    network = load_all()[model].precise
    image = pixels(digit) / 255
    return network, image, network.trace(image)
