"""What the service answers, and what the page shows of it."""

import re
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page

from tests.e2e.browser import read
from tests.e2e.server import PATIENCE

NUMBER = re.compile(r"[+−]?\d+\.\d+")


def asked(address: str, path: str, picture: bytes, **parameters: str | int) -> Any:
    """The service's JSON about a picture."""
    url = f"http://{address}{path}"
    return httpx.post(url, params=parameters, files={"file": picture}, timeout=PATIENCE).json()


def numbers(text: str | None) -> list[float]:
    """All numbers with decimals in a text."""
    return [float(one.replace("−", "-")) for one in NUMBER.findall(text or "")]


def totals(page: Page) -> list[list[float]]:
    """The numbers below the pairs."""
    cells = page.get_by_test_id("pairs").locator(".total").all_text_contents()
    return np.reshape([numbers(cell)[0] for cell in cells], (3, 3)).tolist()


def choose_sample(page: Page, digit: int) -> None:
    """Have a test digit read."""
    page.get_by_test_id(f"sample-{digit}").click()
    read(page, digit)
