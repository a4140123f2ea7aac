"""The handout, opened from a file with the network off."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect

from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.hiding.regions import FillKind, Regions, filled
from konkyo.models.network import softmax
from support.browser import PHONE, profile_of
from support.pictures import pixels, sample
from tests.helpers.rounding import ANSWERS, CASES, EXPECTED, NAMES

HIDINGS = 1000
QUESTIONS: dict[str, dict[str, Any]] = {
    "paired-3x3": {},
    "lenet-6x16": {"fill": "blur", "theme": "dark", "language": "ja"},
    "summed-3x3": {"region": 5, "fill": 0.5},
}


def saved(client: TestClient, folder: Path, **question: Any) -> Path:
    answer = client.post("/explain/grounds", params={"format": "html", **question}, files={"file": sample(9)})
    assert answer.status_code == 200
    file = folder / "grounds.html"
    file.write_bytes(answer.content)
    return file


@pytest.fixture(scope="module", params=QUESTIONS)
def opened(
    request: pytest.FixtureRequest, client: TestClient, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Page]]:
    """The name of the network, and the handout in a browser without a network; its script has no errors."""
    file = saved(client, tmp_path_factory.mktemp("handout"), model=request.param, **QUESTIONS[request.param])
    page, errors, asked = profile_of(browser, offline=True).new_page(), [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda one: asked.append(one.url))
    page.goto(file.as_uri())
    yield request.param, page
    assert errors == []
    assert {one for one in asked if not one.startswith("data:")} == {file.as_uri()}
    page.close()


def test_a_thousand_hidings_are_the_service_s(opened: tuple[str, Page]) -> None:
    name, page = opened
    network, image = load(DIRECTORY / f"{name}.safetensors").precise, pixels(9) / 255
    regions = Regions(QUESTIONS[name].get("region", 4), side=28)
    fill = QUESTIONS[name].get("fill", 0.0)
    gone = np.asarray(filled(image, FillKind(fill) if isinstance(fill, str) else fill))
    players = page.evaluate("players")
    changed = [number for number, mask in enumerate(regions.masks.reshape(-1, 28, 28)) if (image != gone)[mask].any()]
    assert players == changed
    rng = np.random.default_rng(5)
    hidings = [sorted(rng.permutation(players)[: rng.integers(0, len(players) + 1)].tolist()) for _ in range(HIDINGS)]
    hidden = np.array([regions.masks.reshape(-1, 28, 28)[some].any(0) for some in hidings])
    logits = network.logits(np.where(hidden, gone, image))
    found = page.evaluate("(some) => some.map((one) => [...logitsWithout(new Set(one))])", hidings)
    np.testing.assert_allclose(found, logits, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(np.argmax(found, 1), logits.argmax(1))
    assert len({*logits.argmax(1).tolist()}) > 1
    shares = page.evaluate("(some) => some.map((one) => softmax([...logitsWithout(new Set(one))]))", hidings[:20])
    np.testing.assert_allclose(shares, [softmax(one) for one in logits[:20]], rtol=0, atol=1e-9)


def test_its_numbers_are_rounded_as_the_page_s(opened: tuple[str, Page]) -> None:
    """The table of cases; and what it shows of all classes adds up."""
    _, page = opened
    assert page.evaluate(f"(cases) => ({ANSWERS})(cases, {{ {NAMES} }})", CASES) == EXPECTED
    for _ in range(3):
        page.locator(".image [aria-pressed=false]").first.click()
        shares = page.locator(".classes td:last-child").all_text_contents()
        assert sum(round(10 * float(share.removesuffix("%"))) for share in shares) == 1000


def test_a_click_hides_a_region_and_the_buttons_hide_several(opened: tuple[str, Page], client: TestClient) -> None:
    name, page = opened
    question = {key: value for key, value in QUESTIONS[name].items() if key in ("region", "fill")}
    body = client.post("/explain/grounds", params={"model": name, **question}, files={"file": sample(9)}).json()
    players, status = len(body["players"]), page.get_by_role("status")
    japanese = QUESTIONS[name].get("language") == "ja"

    def check(count: int, predicted: str) -> None:
        pattern = (
            rf"{players} 領域中 {count} 個.*「{predicted}」" if japanese else rf"{count} of {players} .*: {predicted},"
        )
        expect(status).to_have_text(re.compile(pattern))
        expect(page.locator(".classes .first th")).to_have_text(predicted)
        expect(page.locator(".image [aria-pressed=true]")).to_have_count(count)

    page.reload()
    check(0, body["label"])
    page.locator(".image button").first.click()
    expect(page.locator(".image [aria-pressed=true]")).to_have_count(1)
    page.locator(".image button").first.click()
    check(0, body["label"])
    page.locator("#kept").click()
    check(players - len(body["sufficient"]["regions"]), body["label"])
    page.locator("#contrast").click()
    check(len(body["contrast"]["regions"]), body["contrast"]["label"])
    page.locator("#none").click()
    check(players, body["empty"]["label"])
    page.locator("#all").click()
    check(0, body["label"])


def test_it_is_to_be_kept_and_can_ask_for_nothing(client: TestClient) -> None:
    answer = client.post("/explain/grounds", params={"format": "html"}, files={"file": sample(9)})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="grounds.html"'
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    page = answer.text
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" in page
    assert "; base-uri 'none'; form-action 'none'\">" in page
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(answer.content) < 1_000_000


def test_on_a_phone_its_proof_can_be_read(client: TestClient, browser: Browser, tmp_path: Path) -> None:
    page = profile_of(browser, **PHONE, offline=True).new_page()
    page.goto(saved(client, tmp_path).as_uri())
    heights = page.evaluate(
        "[...document.querySelectorAll('svg text')].map((one) => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 11
    # The picture is scrolled, and not the page.
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()
