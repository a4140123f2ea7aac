"""SVGs in Chromium show what the PNGs do."""

from io import BytesIO
from itertools import cycle

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from support.browser import profile_of
from support.pictures import decode, sample
from support.server import PATIENCE, TLS

SCALE = 2
# Between them, all that is drawn: cells, bars, maps, tags, rings, lines, greys, curves.
PICTURES: dict[str, tuple[str, dict[str, str]]] = {
    "predict": ("/predict", {}),
    "filters of many": ("/explain/filters", {"model": "lenet-6x16"}),
    "occlusion": ("/explain/occlusion", {"region": "4", "stride": "1"}),
    "interactions": ("/explain/shapley", {"interactions": "true"}),
    "grounds": ("/explain/grounds", {}),
    "process": ("/explain/process", {}),
    "usage": ("/models/paired-3x3/filters", {}),
}


# Those that draw something once and show it again: colour bars, and the outline of the image on each map.
NAMED: tuple[tuple[int, str, str, dict[str, str]], ...] = (
    (9, "light", "/explain/occlusion", {"pairs": "true"}),
    (4, "light", "/explain/occlusion", {"pairs": "true"}),
    (4, "dark", "/explain/occlusion", {"pairs": "true"}),
    (4, "dark", "/explain/shapley", {"pairs": "true"}),
    (9, "light", "/explain/shapley", {}),
    (9, "dark", "/explain/filters", {}),
    (9, "light", "/explain/filters", {}),
)


def _fetched(address: str, path: str, image: bytes = sample(9), /, **parameters: str) -> bytes:
    """The picture of a digit, or of a study."""
    method, files = ("GET", None) if path.startswith("/models") else ("POST", {"file": image})
    query = {"scale": str(SCALE), **parameters}
    answer = httpx.request(method, f"http://{address}{path}", params=query, files=files, timeout=PATIENCE, verify=TLS)
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize(("name", "theme"), [*zip(PICTURES, cycle(["light", "dark"]), strict=False)])
def test_it_looks_like_the_png(browser: Browser, address: str, name: str, theme: str) -> None:
    """Apart from the letters, whose font is the browser's own, and the edges of circles and slanting lines."""
    path, asks = PICTURES[name]
    png = np.asarray(Image.open(BytesIO(_fetched(address, path, format="png", theme=theme, **asks))).convert("RGB"))
    svg = _fetched(address, path, format="svg", theme=theme, **asks).decode()
    tab = profile_of(browser).new_page()
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


def test_several_in_one_document_show_what_each_shows_alone(browser: Browser, address: str) -> None:
    """As in a notebook: of other images, of other themes, of other questions."""
    svgs = [
        _fetched(address, path, sample(digit), format="svg", theme=theme, **asks) for digit, theme, path, asks in NAMED
    ]

    def shown(*some: bytes) -> list[NDArray[np.uint8]]:
        boxes = "".join(f"<div style='width:max-content;margin:0 0 8px'>{one.decode()}</div>" for one in some)
        tab.set_content(
            f"<!doctype html><style>svg {{ display: block }}</style><body style='margin:8px'>{boxes}</body>"
        )
        return [decode(one.screenshot()) for one in tab.locator("svg").all()]

    tab = profile_of(browser).new_page()
    try:
        together = shown(*svgs)
        for place, svg in enumerate(svgs):
            [alone] = shown(svg)
            assert alone.shape == together[place].shape
            # The edges of dots, and the steps of colour bars, are a little lighter or darker by where they stand.
            assert np.abs(alone.astype(int) - together[place]).max() < 32, NAMED[place]
    finally:
        tab.close()


def test_text_is_text_also_in_japanese(browser: Browser, address: str) -> None:
    svg = _fetched(address, "/explain/grounds", format="svg", language="ja").decode()
    tab = profile_of(browser).new_page()
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
