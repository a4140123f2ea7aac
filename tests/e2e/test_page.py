"""Draw, ask, look: what the page shows is what the service answers."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: the page is not tried in a browser")

from PIL import Image
from playwright.sync_api import Page, expect

from konkyo.models.files.checkpoint import load_all
from tests.e2e.answers import asked, choose_sample, ledger_totals, numbers, totals
from tests.e2e.browser import draw, read, reading
from tests.e2e.strokes import DIGITS
from tests.helpers.pictures import encode, pixels, sample


def test_drawn_digits_are_read(page: Page) -> None:
    """These, and others where they are drawn."""
    for digit in (3, 9):
        draw(page, *DIGITS[digit])
        read(page, digit)
        expect(page.get_by_test_id(f"bar-{digit}")).to_have_class("read")
        expect(page.get_by_test_id("target")).to_have_value(str(digit))
        page.get_by_test_id("clear").click()


def test_drawing_erasing_undoing_clearing(page: Page) -> None:
    expect(reading(page)).to_have_text(re.compile("nothing yet"))
    draw(page, *DIGITS[1])
    read(page, 1)
    draw(page, [(0.3, 0.2), (0.48, 0.2)])
    page.get_by_test_id("undo").click()
    read(page, 1)
    page.get_by_test_id("eraser").click()
    draw(page, [(0.5, 0.1), (0.5, 0.9)])
    draw(page, [(0.47, 0.1), (0.47, 0.9)])
    draw(page, [(0.53, 0.1), (0.53, 0.9)])
    expect(page.get_by_test_id("preprocessing")).to_have_text("nothing stands out from its background")
    page.get_by_test_id("clear").click()
    expect(reading(page)).to_have_text(re.compile("nothing yet"))
    expect(page.get_by_test_id("pen")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    read(page, 1)


def test_the_numbers_are_the_services(page: Page, address: str) -> None:
    choose_sample(page, 5)
    answer = asked(address, "/explain/filters", sample(5))
    assert totals(page) == ledger_totals(answer)
    terms = [np.sum(answer["contributions"]), sum(answer["filter_bias"]), answer["class_bias"], answer["logit"]]
    assert numbers(page.get_by_test_id("sum").text_content()) == pytest.approx(np.abs(terms), abs=0.01)
    first, second = answer["ranking"][:2]
    for place, pair in (("first", first), ("second", second)):
        cell = page.get_by_test_id(f"pair-{pair['map']}-{pair['filter']}")
        expect(cell).to_have_class(re.compile(place))
        expect(page.get_by_test_id("places")).to_contain_text(f"{place}: map {pair['map']} × filter {pair['filter']}")
    shares = [numbers(text)[0] for text in page.get_by_test_id("bars").locator(".share").all_text_contents()]
    reference = asked(address, "/predict", sample(5))["probabilities"]
    assert shares == pytest.approx(100 * np.array(reference), abs=0.06)


def test_how_usual_the_use_of_filters_is(page: Page, address: str) -> None:
    said = page.get_by_test_id("typicality")
    expect(said).to_have_text("")
    choose_sample(page, 7)
    shares = {
        target: round(asked(address, "/explain/filters", sample(7), target=target)["typicality"]["percentile"])
        for target in (7, 2)
    }
    expect(said).to_have_text(f"Of the 7s that are read correctly, {shares[7]}% use the filters in a less typical way.")
    page.get_by_test_id("target").select_option("2")
    expect(said).to_have_text(f"Of the 2s that are read correctly, {shares[2]}% use the filters in a less typical way.")
    page.get_by_test_id("language").click()
    less = f"正しく認識される「2」の {shares[2]}% は、フィルタの使い方がこれより典型的ではありません。"
    expect(said).to_have_text(less)


def test_another_class_and_one_to_compare_with(page: Page, address: str) -> None:
    choose_sample(page, 9)
    page.get_by_test_id("target").select_option("4")
    page.get_by_test_id("versus").select_option("9")
    answer = asked(address, "/explain/filters", sample(9), target=4, versus=9)
    expect(page.get_by_test_id("sum")).to_contain_text("logit 4 − logit 9")
    assert totals(page) == ledger_totals(answer)
    expect(page.get_by_test_id("places")).to_contain_text(
        f"first: map {answer['ranking'][0]['map']} × filter {answer['ranking'][0]['filter']}"
    )
    # The class is not compared with itself.
    expect(page.get_by_test_id("versus").locator("option[value='4']")).to_be_disabled()
    # A bar asks as well, and a new digit is asked about afresh.
    page.get_by_test_id("bar-7").click()
    expect(page.get_by_test_id("target")).to_have_value("7")
    choose_sample(page, 3)
    expect(page.get_by_test_id("target")).to_have_value("3")
    expect(page.get_by_test_id("versus")).to_have_value("")


def test_a_region_and_the_pairs_that_it_feeds(page: Page, address: str) -> None:
    answers = (
        (digit, region, asked(address, "/explain/occlusion", sample(digit), region=region, pairs="true"))
        for region in (4, 5, 6, 7)
        for digit in range(10)
    )
    digit, region, answer = next(one for one in answers if len(one[2]["critical"]) == 1)
    [critical] = answer["critical"]
    choose_sample(page, digit)
    page.get_by_test_id("region").fill(str(region))
    expect(page.get_by_test_id("details")).to_contain_text("Without the outlined region something else is read")
    heatmap = page.get_by_test_id("heatmap")
    box = heatmap.bounding_box()
    assert box is not None
    left, top, right, bottom = critical["box"]
    at = {"x": (left + right) / 2 / 28 * box["width"], "y": (top + bottom) / 2 / 28 * box["height"]}
    heatmap.hover(position=at)  # type: ignore[arg-type]
    expect(page.get_by_test_id("details")).to_contain_text(f"Without this region a {critical['predicted']} is read")
    row, column = critical["row"], critical["column"]
    whole, drop = answer["whole"], answer["drop"][row][column]
    said = numbers(page.get_by_test_id("details").text_content())
    assert said == pytest.approx([whole, whole - drop, -drop], abs=0.01)
    losses = -np.array(answer["pairs"][row][column])
    assert totals(page) == pytest.approx(losses, abs=0.01)
    page.mouse.move(5, 5)
    expect(page.get_by_test_id("details")).to_contain_text("Without the outlined region")


def test_a_pair_on_the_digit(page: Page, address: str) -> None:
    choose_sample(page, 5)
    first = asked(address, "/explain/filters", sample(5))["ranking"][0]
    map_, filter_ = first["map"], first["filter"]
    heatmap = page.get_by_test_id("heatmap")
    expect(heatmap).to_have_attribute("data-shown", "heat")
    page.get_by_test_id(f"pair-{map_}-{filter_}").hover()
    expect(heatmap).to_have_attribute("data-shown", "pair")
    sentence = f"Map {map_} × filter {filter_} adds {first['contribution']:.2f} to the 5, place 1 of 9"
    expect(page.get_by_test_id("details")).to_contain_text(sentence)
    page.mouse.move(5, 5)
    expect(heatmap).to_have_attribute("data-shown", "heat")


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3"])
def test_a_cell_is_a_weight_times_an_activation(page: Page, address: str, model: str) -> None:
    page.get_by_test_id("model").select_option(model)
    choose_sample(page, 5)
    page.get_by_test_id("pair-2-1").click()
    details = page.get_by_test_id("details")
    expect(details).to_contain_text("The largest is weight ")
    _, weight, activation, value = numbers(details.text_content())
    cells = np.array(asked(address, "/explain/filters", sample(5), model=model, maps="full")["maps"])[2, 1]
    row, column = np.unravel_index(np.abs(cells).argmax(), cells.shape)
    assert value == pytest.approx(cells[row, column], abs=5e-4)
    network = load_all()[model].network
    number = 2 * 3 + 1 if model == "paired-3x3" else 1
    weights = network.weights["affine.weight"].reshape(10, -1, 5, 5)
    assert weight == pytest.approx(weights[5, number, row, column], abs=5e-4)
    assert weight * activation == pytest.approx(value, abs=0.02)


def test_a_file_is_read_as_the_service_reads_it(page: Page, address: str, tmp_path: Path) -> None:
    large = np.asarray(Image.fromarray(255 - pixels(2)).resize((420, 300), Image.Resampling.BICUBIC))
    picture = encode(np.pad(large, 40, constant_values=255), "JPEG")
    path = tmp_path / "two.jpg"
    path.write_bytes(picture)
    page.get_by_test_id("file").set_input_files(path)
    answer = asked(address, "/explain/filters", picture, fit="mnist")
    read(page, answer["predicted"])
    assert totals(page) == ledger_totals(answer)
    expect(page.get_by_test_id("preprocessing")).to_have_text("cropped, scaled, centred · read as light on dark")


def test_a_picture_is_dropped_or_pasted(page: Page) -> None:
    for way, digit in (("drop", 8), ("paste", 2)):
        bring(page, way, sample(digit))
        read(page, digit)


def bring(page: Page, way: str, picture: bytes) -> None:
    page.evaluate(
        """async ([way, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "digit.png", { type: "image/png" }));
            document.body.dispatchEvent(
                way === "drop"
                    ? new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true })
                    : new ClipboardEvent("paste", { clipboardData: files, bubbles: true }),
            );
        }""",
        [way, list(picture)],
    )
