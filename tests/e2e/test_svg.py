"""SVGs in Chromium show what the PNGs do."""

import subprocess
from io import BytesIO
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.helpers.pictures import sample

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

SCALE = 2
PICTURES = {
    "predict": "/predict",
    "filters": "/explain/filters",
    "filters of many": "/explain/filters?model=lenet-6x16",
    "occlusion": "/explain/occlusion?region=4&stride=1",
    "pairs": "/explain/occlusion?pairs=true",
    "shapley": "/explain/shapley",
    "interactions": "/explain/shapley?interactions=true",
    "grounds": "/explain/grounds",
    "process": "/explain/process",
    "usage": "/models/paired-3x3/filters",
}


def _fetched(address: str, question: str, **parameters: str) -> bytes:
    joint = "&" if "?" in question else "?"
    query = "&".join(f"{name}={value}" for name, value in {"scale": str(SCALE), **parameters}.items())
    upload = [] if question.startswith("/models") else ["-F", "file=@-"]
    command = ["curl", "-sf", *upload, f"{address}{question}{joint}{query}"]
    return subprocess.run(command, input=sample(9), capture_output=True, check=True).stdout


@pytest.mark.parametrize(("name", "theme"), [*zip(PICTURES, cycle(["light", "dark"]), strict=False)])
def test_it_looks_like_the_png(profile: "BrowserContext", address: str, name: str, theme: str) -> None:
    """Apart from the letters, whose font is the browser's own, and the edges of circles and slanting lines."""
    png = np.asarray(Image.open(BytesIO(_fetched(address, PICTURES[name], format="png", theme=theme))).convert("RGB"))
    svg = _fetched(address, PICTURES[name], format="svg", theme=theme).decode()
    tab = profile.new_page()
    try:
        tab.set_viewport_size({"width": png.shape[1], "height": png.shape[0]})
        tab.set_content(f"<!doctype html><body style='margin:0'>{svg}</body>")
        boxes = tab.evaluate(
            "[...document.querySelectorAll('text')].map((one) => {const b = one.getBoundingClientRect();"
            " return [b.left, b.top, b.right, b.bottom]})"
        )
        shown = np.asarray(Image.open(BytesIO(tab.screenshot())).convert("RGB")).astype(int)
    finally:
        tab.close()
    assert shown.shape == png.shape
    plain = np.ones(png.shape[:2], bool)
    for left, top, right, bottom in boxes:
        plain[max(int(top) - 2, 0) : int(bottom) + 3, max(int(left) - 6, 0) : int(right) + 7] = False
    far = np.abs(shown - png).max(-1) > 48
    assert plain.mean() > 0.6
    assert far[plain].mean() < 0.006
    # Most of what is drawn is seen: neither picture is blank where the other is not.
    drawn = [(np.abs(one - one[0, 0].astype(int)).max(-1) > 24) & plain for one in (shown, png.astype(int))]
    assert (drawn[0] ^ drawn[1]).sum() < 0.06 * drawn[1].sum()


def test_text_is_text_also_in_japanese(profile: "BrowserContext", address: str) -> None:
    svg = _fetched(address, "/explain/grounds", format="svg", language="ja").decode()
    tab = profile.new_page()
    try:
        tab.set_content(f"<!doctype html><body>{svg}</body>")
        words = tab.locator("svg text").all_text_contents()
        longest = tab.evaluate(
            "Math.max(...[...document.querySelectorAll('text')].map((one) => one.getBBox().x + one.getBBox().width))"
        )
    finally:
        tab.close()
    assert words[0] == "「9」と認識。その根拠"
    assert "証明済み: これより少ない領域では足りません。" in words
    assert longest < int(svg.partition('viewBox="0 0 ')[2].split()[0])
