"""The walk: every number on it is one that the network in numpy computes, and what is shown adds up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from playwright.sync_api import Browser, Locator, Page, expect

from models.architecture import Wiring
from models.checkpoint import load_all
from models.network import Network, Trace, softmax
from tests.e2e.access import serious
from tests.e2e.answers import asked, choose_sample, numbers
from tests.e2e.browser import opened
from tests.helpers.pictures import pixels, sample

MODELS = ("paired-3x3", "summed-3x3", "lenet-6x16")
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PROJECTOR: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
CLOSELY = {"conv1": 2, "pool1": 4, "conv2": 6, "affine": 9, "softmax": 11}
STEPS = 13
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

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


def choose(page: Page, kind: str, number: int) -> None:
    closer(page).get_by_role("button", name=f"{kind} {number}", exact=True).click()


def computed(model: str, digit: int) -> tuple[Network, Values, Trace]:
    network = load_all()[model].precise
    image = pixels(digit) / 255
    return network, image, network.trace(image)


def check_product(page: Page, window: Values, weights: Values, others: float, bias: float, value: float) -> None:
    """Three grids and a sum: the numbers are those expected, rounded, and what is shown adds up."""
    found, kernel, products = grids(page)
    assert found == pytest.approx(window, abs=0.00501)
    assert kernel == pytest.approx(weights, abs=0.00501)
    # A product may be shown one unit off, so that the sum holds.
    assert products == pytest.approx(window * weights, abs=0.01001)
    *terms, total = sum_of(page)
    expected = [(window * weights).sum(), others, bias] if len(terms) == 3 else [(window * weights).sum(), bias]
    assert terms == pytest.approx(expected, abs=0.01001)
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
    after = place(page)
    assert after == (max(before[0] - 1, 0), max(before[1] - 1, 0))
    check(after)
    box = page.get_by_test_id("closer-made").bounding_box()
    assert box is not None
    cell = box["width"] / side
    page.mouse.move(box["x"] + 4.5 * cell, box["y"] + 2.5 * cell)
    assert place(page) == (2, 4)
    check((2, 4))


@pytest.mark.parametrize("model", MODELS)
def test_a_number_of_conv1(page: Page, model: str) -> None:
    network, image, trace = computed(model, 5)
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    open_walk(page, CLOSELY["conv1"])
    for k in range(2):
        choose(page, "filter", k)

        def check(at: tuple[int, int], k: int = k) -> None:
            row, column = at
            window = image[row : row + 5, column : column + 5]
            bias = float(network.weights["conv1.bias"][k])
            check_product(page, window, network.weights["conv1.weight"][k, 0], 0, bias, float(trace.conv1[k][at]))
            expect(closer(page)).to_contain_text(f"conv1[{k}] at\u00a0[{row}][{column}]")

        move_about(page, check, 24)


@pytest.mark.parametrize("model", MODELS)
def test_a_number_of_pool1(page: Page, model: str) -> None:
    _, _, trace = computed(model, 5)
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    open_walk(page, CLOSELY["pool1"])
    for k in range(2):
        choose(page, "map", k)

        def check(at: tuple[int, int], k: int = k) -> None:
            window = trace.conv1[k, 2 * at[0] : 2 * at[0] + 2, 2 * at[1] : 2 * at[1] + 2]
            found, kept = grids(page)
            assert found == pytest.approx(window, abs=0.00501)
            assert kept == pytest.approx(np.maximum(window, 0), abs=0.00501)
            assert sum_of(page) == pytest.approx([trace.pool1[k][at]], abs=0.00501)
            assert sum_of(page) == [kept.max()]
            marked = closer(page).locator("td.marked").text_content()
            assert numbers(marked) == sum_of(page)

        move_about(page, check, 12)


@pytest.mark.parametrize("model", MODELS)
def test_a_number_of_conv2(page: Page, model: str) -> None:
    network, _, trace = computed(model, 5)
    paired = network.architecture.wiring is Wiring.PAIRED
    kernels, biases = network.weights["conv2.weight"], network.conv2_bias
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    open_walk(page, CLOSELY["conv2"])
    for i, j in ((0, 1), (2, 2)):
        choose(page, "map", i)
        choose(page, "filter", j)

        def check(at: tuple[int, int], i: int = i, j: int = j) -> None:
            row, column = at
            window = trace.pool1[i, row : row + 3, column : column + 3]
            value = trace.conv2[i * len(kernels) + j if paired else j][at]
            others = 0 if paired else trace.responses[:, j, row, column].sum() - trace.responses[i, j, row, column]
            kernel = kernels[j, 0 if paired else i]
            check_product(page, window, kernel, float(others), float(biases[j]), float(value))
            assert len(sum_of(page)) == (3 if paired else 4)

        move_about(page, check, 10)


@pytest.mark.parametrize("model", MODELS)
def test_the_weights_of_a_class(page: Page, model: str) -> None:
    network, _, trace = computed(model, 5)
    weights = network.weights["affine.weight"].reshape(10, -1, 5, 5)
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    open_walk(page, CLOSELY["affine"])
    expect(closer(page)).to_have_attribute("data-target", "5")
    for target, number in ((5, 0), (3, 2)):
        page.get_by_test_id(f"weigh-{target}").click()
        closer(page).locator(".maps").nth(2).locator("button").nth(number).click()
        added = weights[target] * trace.pool2
        rest = float(added.sum() - added[number].sum())
        bias = float(network.weights["affine.bias"][target])
        check_product(page, trace.pool2[number], weights[target, number], rest, bias, float(trace.logits[target]))
        assert closer(page).locator(".maps").nth(0).locator("button").count() == len(trace.pool2)
        expect(closer(page)).to_contain_text(f"logit {target}")


@pytest.mark.parametrize("model", MODELS)
def test_softmax_calculated(page: Page, model: str) -> None:
    _, _, trace = computed(model, 5)
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    open_walk(page, CLOSELY["softmax"])
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


def test_from_step_to_step(page: Page, address: str) -> None:
    choose_sample(page, 5)
    answer = asked(address, "/explain/filters", sample(5))
    first = answer["ranking"][0]
    open_walk(page)
    step = page.get_by_test_id("step")
    expect(step).to_have_text("The network sees 28×28 grey values, and nothing else.")
    said = [step.text_content()]
    for key in ["ArrowRight", "PageDown"] * 6:
        page.keyboard.press(key)
        said.append(step.text_content())
    assert len(set(said)) == STEPS
    most = f"conv1[{first['conv1']}]×conv2[{first['conv2']}] added most"
    expect(step).to_contain_text(f"The largest number wins: 5 is read, with 100.0%. {most}")
    figure = page.get_by_test_id("figure")
    expect(figure.locator(".winner .value")).to_have_text(f"{answer['logit']:.2f}")
    assert figure.locator(".node").count() == 1 + 3 + 3 + 9 + 9
    page.keyboard.press("ArrowLeft")
    expect(step).to_have_text(str(said[STEPS - 2]))
    expect(figure).not_to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("walk-dialog")).not_to_be_visible()


def test_a_map_that_is_pressed_is_shown_closely(page: Page) -> None:
    choose_sample(page, 4)
    for step, layer, number, shown, heading in (
        (1, 1, 1, "conv1", "conv1[1]"),
        (3, 2, 0, "pool1", "pool1[0]"),
        (5, 3, 5, "conv2", "conv1[1]×conv2[2]"),
        (7, 4, 8, "affine", "conv1[2]×conv2[2]"),
    ):
        open_walk(page, step)
        page.get_by_test_id("figure").locator(f".layer-{layer} .node").nth(number).click()
        expect(page.locator("#dots button").nth(CLOSELY[shown])).to_have_attribute("aria-current", "step")
        expect(closer(page)).to_contain_text(heading)
        page.keyboard.press("Escape")
    open_walk(page, 8)
    page.get_by_test_id("figure").locator(".class").nth(9).click()
    expect(closer(page)).to_have_attribute("data-target", "9")


def test_keys_alone(page: Page) -> None:
    choose_sample(page, 7)
    page.get_by_test_id("walk").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("walk-dialog")).to_be_visible()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    focused = "document.activeElement.dataset.testid"
    while page.evaluate(focused) != "closer-made":
        page.keyboard.press("Tab")
    before = place(page)
    page.keyboard.press("ArrowUp")
    assert place(page) == (before[0] - 1, before[1])
    total = sum_of(page)[-1]
    expect(closer(page).locator("[aria-live]")).to_have_text(f"row {before[0] - 1}, column {before[1]}: {total:.2f}")
    expect(page.locator("#dots button").nth(2)).to_have_attribute("aria-current", "step")
    # The focus does not fall out of the walk when its place goes.
    page.keyboard.press("PageDown")
    assert page.evaluate(focused) == "forward"
    page.keyboard.press("ArrowRight")
    expect(page.locator("#dots button").nth(4)).to_have_attribute("aria-current", "step")


def test_the_window_slides_and_is_stopped(page: Page) -> None:
    choose_sample(page, 7)
    open_walk(page, CLOSELY["conv1"])
    # The page's time goes on only when it is told to: a busy machine shows the same places.
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(hours=1))
    play = page.get_by_test_id("closer-play")
    play.click()
    expect(play).to_have_text("❚❚ Pause")
    page.clock.run_for(400)
    rested = place(page)
    assert rested == (0, 2)
    play.click()
    page.clock.run_for(1000)
    assert place(page) == rested
    _, image, trace = computed("paired-3x3", 7)
    window = image[rested[0] : rested[0] + 5, rested[1] : rested[1] + 5]
    assert grids(page)[0] == pytest.approx(window, abs=0.00501)
    # It ends by itself, on the last number of the map.
    go(page, CLOSELY["conv2"])
    play.click()
    page.clock.run_for(20_000)
    assert place(page) == (9, 9)
    expect(play).to_have_text("▶ Slide the window")
    assert trace.conv2.shape[-1] == 10


def test_nothing_moves_by_itself_for_those_who_want_that(browser: Browser, address: str) -> None:
    with opened(browser, address, reduced_motion="reduce") as page:
        choose_sample(page, 7)
        open_walk(page, CLOSELY["conv1"])
        expect(page.get_by_test_id("closer-play")).not_to_be_visible()


OVERFLOW = """() => [document.querySelector("#walk-dialog"), document.querySelector("#closer")].map(
    (one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight])"""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_it_fits(browser: Browser, address: str, model: str, locale: str) -> None:
    for screen in (PROJECTOR, {}, PHONE):
        with opened(browser, address, locale=locale, **screen) as page:
            page.get_by_test_id("model").select_option(model)
            choose_sample(page, 5)
            open_walk(page)
            for step in CLOSELY.values():
                go(page, step)
                for across, down in page.evaluate(OVERFLOW):
                    assert across == 0, (screen, step)
                    # On a phone the numbers are scrolled.
                    assert down == 0 or screen == PHONE, (screen, step, down)


def test_numbers_are_large_enough_for_a_projector(browser: Browser, address: str) -> None:
    height = "one => one.getBoundingClientRect().height * parseFloat(getComputedStyle(one).fontSize) / one.offsetHeight"
    with opened(browser, address, color_scheme="dark", **PROJECTOR) as page:
        choose_sample(page, 5)
        open_walk(page)
        for step in CLOSELY.values():
            go(page, step)
            for cell in closer(page).locator("td, dd").all():
                assert cell.evaluate(height) >= 20
            assert serious(page) == []


def test_a_walk_without_the_service_says_so(browser: Browser, address: str) -> None:
    with opened(browser, address, failing=True) as page:
        choose_sample(page, 5)
        page.route("**/weights", lambda route: route.abort())
        page.get_by_test_id("walk").click()
        expect(page.get_by_test_id("problem")).to_contain_text("The service does not answer.")
        expect(page.get_by_test_id("walk-dialog")).not_to_be_visible()
        page.unroute("**/weights")
        open_walk(page, CLOSELY["conv1"])
