"""The walk's numbers: each is one that the network in numpy computes, and what is shown adds up."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import BrowserContext, Page, expect

from konkyo.models.network import softmax
from tests.e2e.answers import choose_sample, numbers
from tests.e2e.browser import shown
from tests.e2e.walk import CLOSELY, MODELS, Values, closer, computed, go, grids, open_walk, place, sum_of

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def choose(page: Page, kind: str, number: int) -> None:
    closer(page).get_by_role("button", name=f"{kind} {number}", exact=True).click()


def check_product(page: Page, window: Values, weights: Values, others: float, bias: float, value: float) -> None:
    """Three grids and a sum: the numbers are those expected, rounded, and what is shown adds up."""
    found, kernel, products = grids(page)
    assert found == pytest.approx(window, abs=0.00501)
    assert kernel == pytest.approx(weights, abs=0.00501)
    # A product may be shown one unit off, so that the sum holds.
    assert products == pytest.approx(window * weights, abs=0.01001)
    *terms, total = sum_of(page)
    # Of many inputs the greatest are named: they and all others are what the others add.
    expected = [(window * weights).sum(), others, bias]
    assert [terms[0], sum(terms[1:-1]), terms[-1]] == pytest.approx(expected, abs=0.02001)
    assert total == pytest.approx(value, abs=0.00501)
    assert products.sum() == pytest.approx(terms[0], abs=1e-9)
    assert sum(terms) == pytest.approx(total, abs=1e-9)


def move_about(page: Page, check: Callable[[tuple[int, int]], None], side: int) -> None:
    """Check at the place that is shown first, after some keys, and where the mouse points."""
    check(place(page))
    page.get_by_test_id("closer-made").focus()
    before = place(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    after = (max(before[0] - 1, 0), max(before[1] - 1, 0))
    expect(closer(page)).to_have_attribute("data-place", "{},{}".format(*after))
    check(after)
    box = page.get_by_test_id("closer-made").bounding_box()
    assert box is not None
    cell = box["width"] / side
    page.mouse.move(box["x"] + 4.5 * cell, box["y"] + 2.5 * cell)
    expect(closer(page)).to_have_attribute("data-place", "2,4")
    check((2, 4))


@pytest.fixture(scope="module", params=MODELS)
def walk(request: pytest.FixtureRequest, profile: BrowserContext, address: str) -> Iterator[tuple[Page, str]]:
    """The walk of a network, of the same digit for all tests, and the network's name."""
    with shown(profile, address) as page:
        page.get_by_test_id("model").select_option(request.param)
        choose_sample(page, 5)
        open_walk(page)
        yield page, request.param


def test_a_number_of_a_pool(walk: tuple[Page, str]) -> None:
    page, model = walk
    _, _, trace = computed(model, 5)
    go(page, CLOSELY["pool"])
    for k in range(2):
        choose(page, "map", k)

        def check(at: tuple[int, int], k: int = k) -> None:
            window = trace.convolutions[0][k, 2 * at[0] : 2 * at[0] + 2, 2 * at[1] : 2 * at[1] + 2]
            found, kept = grids(page)
            assert found == pytest.approx(window, abs=0.00501)
            assert kept == pytest.approx(np.maximum(window, 0), abs=0.00501)
            assert sum_of(page) == pytest.approx([trace.layers[0][k][at]], abs=0.00501)
            assert sum_of(page) == [kept.max()]
            marked = closer(page).locator("td.marked").text_content()
            assert numbers(marked) == sum_of(page)

        move_about(page, check, 12)


def test_a_number_of_stage_2(walk: tuple[Page, str]) -> None:
    page, model = walk
    network, _, trace = computed(model, 5)
    paired = network.architecture.stages[1].paired
    kernels, biases = network.weights["conv2.weight"], network.bias(1)
    go(page, CLOSELY["stage 2"])
    for i, j in ((0, 1), (2, 2)):
        choose(page, "map", i)
        choose(page, "filter", j)

        def check(at: tuple[int, int], i: int = i, j: int = j) -> None:
            row, column = at
            window = trace.layers[0][i, row : row + 3, column : column + 3]
            value = trace.convolutions[1][i * len(kernels) + j if paired else j][at]
            inputs = [] if paired else [k for k in range(len(trace.layers[0])) if k != i]
            others = sum((trace.layers[0][k, row : row + 3, column : column + 3] * kernels[j, k]).sum() for k in inputs)
            kernel = kernels[j, 0 if paired else i]
            check_product(page, window, kernel, float(others), float(biases[j]), float(value))
            assert len(sum_of(page)) == (3 if paired else 4 if len(trace.layers[0]) == 3 else 6)

        move_about(page, check, 10)


def test_the_weights_of_a_class(walk: tuple[Page, str]) -> None:
    page, model = walk
    network, _, trace = computed(model, 5)
    weights = network.weights["affine.weight"].reshape(10, -1, 5, 5)
    go(page, CLOSELY["affine"])
    expect(closer(page)).to_have_attribute("data-target", "5")
    for target, number in ((5, 0), (3, 2)):
        page.get_by_test_id(f"weigh-{target}").click()
        closer(page).locator(".maps").nth(2).locator("button").nth(number).click()
        # Of many maps, those come with the answer that the greatest pairs use.
        number = int(closer(page).get_attribute("data-map") or "")
        added = weights[target] * trace.layers[1]
        rest = float(added.sum() - added[number].sum())
        bias = float(network.weights["affine.bias"][target])
        check_product(page, trace.layers[1][number], weights[target, number], rest, bias, float(trace.logits[target]))
        shown = closer(page).locator(".maps").nth(0).locator("button").count()
        assert shown == 9 if model == "paired-3x3" else shown == 3 if model == "summed-3x3" else 3 < shown <= 16
        expect(closer(page)).to_contain_text(f"logit {target}")


def test_softmax_calculated(walk: tuple[Page, str]) -> None:
    page, model = walk
    _, _, trace = computed(model, 5)
    go(page, CLOSELY["softmax"])
    rows = page.get_by_test_id("softmax").locator("tbody tr").all()
    shares = softmax(trace.logits)
    for row, logit, share in zip(rows, trace.logits, shares, strict=True):
        texts = row.locator("td").all_text_contents()
        assert numbers(texts[0]) == pytest.approx([logit], abs=0.00501)
        assert value(texts[1]) == pytest.approx(np.exp(logit), rel=0.051)
        assert value(texts[2].rstrip("%")) == pytest.approx(100 * share, rel=0.051)
    foot = page.get_by_test_id("softmax").locator("tfoot td").all_text_contents()
    assert value(foot[1]) == pytest.approx(np.exp(trace.logits).sum(), rel=0.051)
    assert foot[2] == "100.0%"
    expect(page.get_by_test_id("softmax").locator(".winner th")).to_have_text("5")


def value(text: str) -> float:
    """A number such as 2.8×10⁻¹³."""
    digits, _, power = text.partition("×10")
    return float(digits) * 10.0 ** int(power.translate(SUPERSCRIPTS) or 0)
