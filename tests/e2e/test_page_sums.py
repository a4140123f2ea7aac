"""Sums on the page: what is shown adds up, whatever is asked."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from konkyo.models import ties
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.rounding import decimals_for, number, round_to_total
from konkyo.service.web.page import WEB
from support.browser import box_of, read
from tests.helpers.rounding import ANSWERS, CASES, EXPECTED

EVERY = json.loads((WEB / "digits" / "samples.json").read_text())
SAMPLES = {name: kinds for name, kinds in EVERY.items() if "pictures" not in kinds}

# The cells and the terms that stand on the page for each of the ten classes.
SHOWN = """async () => {
    const texts = (selector) => [...document.querySelectorAll(selector)].map((node) => node.textContent);
    const select = document.querySelector("[data-testid=target]");
    const shown = [];
    for (let digit = 0; digit < 10; digit += 1) {
        select.value = String(digit);
        select.dispatchEvent(new Event("change"));
        await new Promise((resolve) => setTimeout(resolve));
        shown.push([texts("[data-testid=pairs] .total"), texts("[data-testid=sum] dd")]);
    }
    return shown;
}"""
SIGNS = str.maketrans("−", "-", " +=%")


def units(texts: list[str]) -> list[int]:
    """Numbers as whole multiples of their last decimal, of which all have as many."""
    plain = [text.translate(SIGNS) for text in texts]
    assert len({len(text.partition(".")[2]) for text in plain}) == 1
    return [int(text.replace(".", "")) for text in plain]


def shown(page: Page, part: str, numbers: str) -> list[int]:
    return units(page.get_by_test_id(part).locator(numbers).all_text_contents())


@pytest.mark.parametrize("model", SAMPLES)
def test_what_is_shown_of_a_networks_own_samples_adds_up(page: Page, model: str) -> None:
    """Of a right one and wrong ones, and for each class: the cells to the pairs' sum, the terms to the logit.

    A click on one asks by itself why it is not the truth, or not what another network reads.
    """
    page.get_by_test_id("model").select_option(model)
    classes = load(DIRECTORY / f"{model}.safetensors").network.classes
    right, wrong = SAMPLES[model]["right"], SAMPLES[model]["wrong"]
    for own in [*right, *wrong]:
        truth, predicted = classes[own["truth"]], classes[own["predicted"]]
        label = f"that is read as an? {predicted}" if truth != predicted else "that another network reads as an?"
        button = page.get_by_test_id(f"sample-{own['name']}")
        article = "An" if truth == "8" or truth[0] in "aeiou" else "A"
        expect(button).to_have_accessible_name(re.compile(f"^{article} {truth} {label}"))
        expect(button).to_have_text(truth if truth == predicted else f"{truth} → {predicted}")
    for own in (right[0], *wrong[:2]):
        predicted = classes[own["predicted"]]
        page.get_by_test_id(f"sample-{own['name']}").click()
        read(page, predicted)
        expect(page.get_by_test_id("target")).to_have_value(str(own["predicted"]))
        expect(page.get_by_test_id("versus")).to_have_value(str(own["versus"]))
        assert sum(shown(page, "bars", ".share")) == 1000, own
        for cells, terms in page.evaluate(SHOWN):
            first, *others, total = units(terms)
            assert sum(units(cells)) == first, (own, cells, terms)
            assert first + sum(others) == total, (own, cells, terms)


# The greatest region, and how many there are side by side.
GREATEST = """async () => {
    const { values } = (await import("/web/scripts/state.js")).state.answer.where;
    const sizes = values.flat().map(Math.abs);
    return [sizes.indexOf(Math.max(...sizes)), values.length];
}"""


@pytest.mark.parametrize("model", ["summed-3x3", "animals-3x3", "tiny-vgg"])
def test_page_and_saved_pictures_show_the_same_numbers(page: Page, model: str, times: int) -> None:
    """Of two samples of each kind: sums, pairs' numbers, ends of scales; and none is beyond its scale."""
    page.get_by_test_id("model").select_option(model)
    network = load(DIRECTORY / f"{model}.safetensors").network
    for own in [one for kind in EVERY[model].values() for one in kind[: 2 * times]]:
        page.get_by_test_id("question-occlusion").click()
        page.get_by_test_id(f"sample-{own['name']}").click()
        read(page, network.classes[own.get("predicted", own["truth"])])
        expect(page.get_by_test_id("versus")).to_have_value(str(own.get("versus", "")))
        least, _, most = ends = scale_of(page)
        assert {least, most} <= saved(page, "heatmap"), (own, ends)
        table = saved(page, "ledger")
        first, *others, total = texts_of(page, "[data-testid=sum] dd")
        assert {*others, total} <= table, own
        cells = texts_of(page, "[data-testid=pairs] .total")
        if len(cells) == network.architecture.pairs[0] * network.architecture.pairs[1]:
            assert {first, *cells} <= table, own
            page.get_by_test_id("pairs").locator("button").first.hover()
            assert scale_of(page)[2] in table, own
            page.mouse.move(5, 5)
        page.get_by_test_id("question-shapley").click()
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "shares")
        least, _, most = ends = scale_of(page)
        assert {least, most, *texts_of(page, "[data-testid=shares] dd")} <= saved(page, "heatmap"), (own, ends)
        place, count = page.evaluate(GREATEST)
        box = box_of(page.get_by_test_id("heatmap"))
        x, y = ((number + 0.5) * box["width"] / count for number in (place % count, place // count))
        page.get_by_test_id("heatmap").hover(position={"x": x, "y": y})
        expect(page.get_by_test_id("details")).to_contain_text(re.compile(f"adds ({least}|[+]{most[1:]}) to"))
        page.mouse.move(5, 5)


def texts_of(page: Page, selector: str) -> list[str]:
    """Numbers as a picture has them: the sign of a term is a text of its own."""
    return [re.sub("^[+−=] ", "", text) for text in page.locator(selector).all_text_contents()]


def scale_of(page: Page) -> list[str]:
    return page.locator("#scale span").all_text_contents()


def saved(page: Page, part: str) -> set[str]:
    """All that is written in the SVG of a part of the page."""
    with page.expect_download() as download:
        page.get_by_test_id(f"save-{part}-svg").click()
    root = ElementTree.fromstring(download.value.path().read_bytes())  # noqa: S314 - it is our own
    return {text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")}


@pytest.mark.parametrize("model", ["lenet-6x16", "paired-3x3"])
def test_shapley_values_add_up_both_ways(page: Page, model: str) -> None:
    page.get_by_test_id("model").select_option(model)
    page.get_by_test_id("question-shapley").click()
    for digit in (3, 7):
        page.get_by_test_id(f"sample-{digit}").click()
        read(page, digit)
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "shares")
        empty, regions, total = shown(page, "shares", "dd")
        assert empty + regions == total == shown(page, "sum", "dd")[-1]
        # At a pair: what it has on the empty picture and what the regions give it is what stands beneath it.
        pair = page.get_by_test_id("pairs").locator("button").nth(4)
        pair.hover()
        name = (pair.get_attribute("aria-label") or "").split(": ")[-2]
        expect(page.get_by_test_id("shares")).to_contain_text(name)
        empty, regions, total = shown(page, "shares", "dd")
        assert empty + regions == total == shown(page, "pairs", ".total")[4]
        # At a region: what the pairs get of it is what stands on it.
        page.get_by_test_id("heatmap").hover(position={"x": 153, "y": 130})
        expect(page.get_by_test_id("pairs-title")).to_have_text("What each pair gets of it")
        first, *others, total = shown(page, "sum", "dd")
        assert sum(shown(page, "pairs", ".total")) == first
        assert first + sum(others) == total
        page.mouse.move(5, 5)


def test_percentages_of_softmax_add_up(page: Page) -> None:
    """Rounded one by one, those of this picture add up to 99.9%."""
    page.get_by_test_id("model").select_option("tiny-vgg")
    page.get_by_test_id("sample-photograph-boat").click()
    read(page, "lifeboat")
    page.get_by_test_id("walk").click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    table = page.get_by_test_id("softmax")
    expect(table).to_be_visible()
    texts = [row.locator("td").nth(2).inner_text().rstrip("%") for row in table.locator("tbody tr").all()]
    # Those below a twentieth of a percent have a power of ten.
    large = [text for text in texts if "×" not in text]
    assert len(large) == 8
    assert sum(units(large)) == 1000
    expect(table.locator("tfoot")).to_contain_text("100.0%")


def test_the_page_orders_values_and_classes_as_the_answers_do(page: Page) -> None:
    """Of few numbers, which are often equal but for rounding."""
    generator = np.random.default_rng(5)
    cases = [generator.integers(-4, 5, count) + generator.normal(0, 1e-14, count) for count in (1, 2, 9, 10, 64) * 20]
    cases += [np.zeros(9), generator.normal(0, 1e-14, 9), generator.normal(0, 1e-6, 64)]
    orders, classes = page.evaluate(
        """async (cases) => {
            const { order, predictedOf } = await import("/web/scripts/answers/numbers.js");
            return [cases.map(order), cases.map(predictedOf)];
        }""",
        [case.tolist() for case in cases],
    )
    assert orders == [ties.order(case).tolist() for case in cases]
    assert classes == [int(ties.predicted(case)) for case in cases]


def test_the_page_rounds_and_writes_numbers_as_the_pictures_do(page: Page) -> None:
    """The table of cases; and numbers at random, of which any other rule would say something else of some."""
    found = page.evaluate(
        f"""async (cases) => ({ANSWERS})(cases, await import("/web/scripts/answers/numbers.js"))""", CASES
    )
    assert found == EXPECTED
    generator = np.random.default_rng(3)
    sums = [
        (generator.normal(0, 3, count), decimals)
        for count in (1, 2, 3, 9, 49)
        for decimals in (0, 1, 2)
        for _ in range(20)
    ]
    values = (generator.normal(0, 1, 400) * 10.0 ** generator.integers(-12, 9, 400)).tolist()
    rounded, written = page.evaluate(
        """async ([sums, values]) => {
            const { decimalsFor, number, roundToTotal } = await import("/web/scripts/answers/numbers.js");
            return [
                sums.map(([values, total, decimals]) => roundToTotal(values, total, decimals)),
                values.map((value) => [number(value), number(value, decimalsFor(value), true), number(value, 2)]),
            ];
        }""",
        [[[terms.tolist(), float(terms.sum()), decimals] for terms, decimals in sums], values],
    )
    assert rounded == [round_to_total(terms, float(terms.sum()), decimals).tolist() for terms, decimals in sums]
    for value, texts in zip(values, written, strict=True):
        decimals = decimals_for(value)
        assert texts == [number(value, decimals), number(value, decimals, sign=True), number(value, 2)]
