"""What the service answers, and what the page shows of it."""

import json
import re
import subprocess
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page

from konkyo.models.rounding import decimals_of_sum, rounded_sum
from support.browser import read, until_true
from support.server import PATIENCE, TLS

NUMBER = re.compile(r"[+−]?\d+\.\d+")


def asked(address: str, path: str, picture: bytes, **parameters: str | int) -> Any:
    """The service's JSON about a picture."""
    url = f"http://{address}{path}"
    return httpx.post(url, params=parameters, files={"file": picture}, timeout=PATIENCE, verify=TLS).json()


def numbers(text: str | None) -> list[float]:
    """All numbers with decimals in a text."""
    return [float(one.replace("−", "-")) for one in NUMBER.findall(text or "")]


def totals(page: Page) -> list[list[float]]:
    """The numbers below the pairs."""
    cells = page.get_by_test_id("pairs").locator(".total").all_text_contents()
    return np.reshape([numbers(cell)[0] for cell in cells], (3, 3)).tolist()


def ledger_totals(answer: Any) -> list[list[float]]:
    """The contributions of an answer of a network with nine pairs, rounded as the picture of the ledger has them."""
    contributions = np.array(answer["contributions"])
    decimals = decimals_of_sum(float(np.abs(contributions).max()), answer["logit"])
    rest = [sum(answer["filter_bias"]), answer["class_bias"]]
    parts: list[list[float]] = rounded_sum(contributions, rest, answer["logit"], decimals).parts.tolist()
    return parts


def choose_sample(page: Page, digit: int) -> None:
    """Have a test digit read."""
    page.get_by_test_id(f"sample-{digit}").click()
    read(page, digit)


def answered(page: Page, question: str) -> Any:
    """What the copied command answers, once it is one that asks this."""
    until_true(page, "text => navigator.clipboard.readText().then((all) => all.includes(text))", question)
    command = page.evaluate("navigator.clipboard.readText()")
    return json.loads(subprocess.run(["bash", "-c", command], check=True, capture_output=True).stdout)
