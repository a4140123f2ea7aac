"""Draw, ask, look: what the page shows is what the service answers."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from konkyo.models.files.checkpoint import load_all
from konkyo.service.http.body import MAX_BODY
from support.browser import draw, read, reading
from support.pictures import encode, pixels, sample
from support.strokes import DIGITS
from tests.e2e.answers import asked, choose_sample, ledger_totals, numbers, totals

INK = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter(
    (value, k) => k % 4 === 3 && value > 0).length"""
# A pen draws down the middle of the canvas; half-way a palm comes down beside it, moves, and is lifted.
PEN_AND_PALM = """(canvas) => {
    const box = canvas.getBoundingClientRect();
    canvas.setPointerCapture = () => {};
    const send = (type, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
        pointerId, button: 0, clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true,
    }));
    send("pointerdown", 1, 0.5, 0.2);
    send("pointermove", 1, 0.5, 0.5);
    for (const type of ["pointerdown", "pointermove", "pointerup"]) send(type, 2, 0.9, 0.9);
    send("pointermove", 1, 0.5, 0.8);
    send("pointerup", 1, 0.5, 0.8);
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const opacity = (x, y) => data[4 * (Math.round(y * height) * width + Math.round(x * width)) + 3];
    return [opacity(0.5, 0.3), opacity(0.5, 0.75), opacity(0.9, 0.9), opacity(0.7, 0.7)];
}"""


def test_drawing_erasing_undoing_clearing(page: Page) -> None:
    expect(reading(page)).to_have_text("– nothing yet")
    draw(page, *DIGITS[3])
    read(page, 3)
    page.get_by_test_id("clear").click()
    draw(page, *DIGITS[1])
    read(page, 1)
    draw(page, [(0.3, 0.2), (0.48, 0.2)])
    page.get_by_test_id("undo").click()
    read(page, 1)
    page.get_by_test_id("eraser").click()
    for across in (0.47, 0.5, 0.53):
        draw(page, [(across, 0.1), (across, 0.9)])
    expect(page.get_by_test_id("preprocessing")).to_have_text("nothing stands out from its background")
    expect(reading(page)).to_have_text("– nothing yet")
    expect(page.get_by_test_id("tagline")).to_have_text("Draw a digit and see why a small network reads it as it does.")
    expect(page.get_by_test_id("details")).to_have_text("There is no ink: hiding a region changes nothing.")
    expect(page.get_by_test_id("sum")).to_be_empty()
    assert numbers("".join(page.get_by_test_id("bars").locator(".share").all_text_contents())) == []
    expect(page.locator(".pair.first, .pair.second")).to_have_count(0)
    page.get_by_test_id("clear").click()
    expect(page.get_by_test_id("pen")).to_have_attribute("aria-pressed", "true")
    for _ in range(4):
        page.keyboard.press("Control+z")
    read(page, 1)


def test_a_tap_leaves_a_dot(page: Page) -> None:
    canvas = page.get_by_test_id("canvas")
    canvas.click(position={"x": 150, "y": 150})
    # The pen is 22 of 280 units wide.
    radius = 300 * 11 / 280
    assert canvas.evaluate(INK) == pytest.approx(3.14 * radius**2, rel=0.15)
    expect(page.get_by_test_id("preprocessing")).not_to_be_empty()


def test_a_palm_beside_the_pen_draws_nothing(page: Page) -> None:
    first, last, palm, between = page.get_by_test_id("canvas").evaluate(PEN_AND_PALM)
    assert min(first, last) == 255, "the stroke is whole"
    assert max(palm, between) == 0, "and nothing is beside it"
    read(page, 1)


def test_the_numbers_are_the_services(page: Page, address: str) -> None:
    # The list of networks is not made anew while something else changes: it stays open.
    page.evaluate("window.before = document.querySelector('#model option')")
    choose_sample(page, 5)
    assert page.evaluate("window.before === document.querySelector('#model option')")
    answer = asked(address, "/explain/filters", sample(5))
    assert totals(page) == ledger_totals(answer)
    terms = [np.sum(answer["contributions"]), sum(answer["filter_bias"]), answer["class_bias"], answer["logit"]]
    assert numbers(page.get_by_test_id("sum").text_content()) == pytest.approx(np.abs(terms), abs=0.01)
    first, second = answer["ranking"][:2]
    for place, pair in (("first", first), ("second", second)):
        cell = page.get_by_test_id(f"pair-{pair['map']}-{pair['filter']}")
        expect(cell).to_have_class(re.compile(place))
        expect(page.get_by_test_id("places")).to_contain_text(f"{place}: map {pair['map']} × filter {pair['filter']}")
    expect(page.get_by_test_id("bar-5")).to_have_class("read")
    shares = page.get_by_test_id("bars").locator(".share")
    reference = asked(address, "/predict", sample(5))
    found = [numbers(text)[0] for text in shares.all_text_contents()]
    assert found == pytest.approx(100 * np.array(reference["probabilities"]), abs=0.06)
    page.get_by_test_id("unit-logit").click()
    expect(reading(page)).to_have_text(re.compile(r"^5 logit \d"))
    found = [numbers(text)[0] for text in shares.all_text_contents()]
    assert found == pytest.approx(reference["logits"], abs=0.01)
    # A pair that is pointed at is shown on the digit.
    heatmap = page.get_by_test_id("heatmap")
    expect(heatmap).to_have_attribute("data-shown", "heat")
    page.get_by_test_id(f"pair-{first['map']}-{first['filter']}").hover()
    expect(heatmap).to_have_attribute("data-shown", "pair")
    adds = f"Map {first['map']} × filter {first['filter']} adds {first['contribution']:.2f} to the 5, place 1 of 9"
    expect(page.get_by_test_id("details")).to_contain_text(adds)
    page.mouse.move(5, 5)
    expect(heatmap).to_have_attribute("data-shown", "heat")


def test_how_usual_the_use_of_filters_is(page: Page, address: str) -> None:
    said, tagline = page.get_by_test_id("typicality"), page.get_by_test_id("tagline")
    expect(said).to_have_text("")
    choose_sample(page, 8)
    expect(tagline).to_have_text("Why did the network read this as an 8?")
    for target in (8, 2):
        page.get_by_test_id("target").select_option(str(target))
        typicality = asked(address, "/explain/filters", sample(8), target=target)["typicality"]
        share = round(typicality["percentile"])
        less = f"Of the {target}s that are read correctly, {share}% use the filters in a less typical way."
        expect(said).to_have_text(less)
    page.get_by_test_id("language").click()
    expect(said).to_have_text(f"正しく認識される「2」の {share}% は、フィルタの使い方がこれより典型的ではありません。")
    expect(tagline).to_have_text("このネットワークは、なぜこれを「8」と読んだのか。")


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


def test_a_cell_is_a_weight_times_an_activation(page: Page, address: str) -> None:
    for model, number in (("paired-3x3", 2 * 3 + 1), ("summed-3x3", 1)):
        page.get_by_test_id("model").select_option(model)
        choose_sample(page, 5)
        page.get_by_test_id("pair-2-1").click()
        details = page.get_by_test_id("details")
        expect(details).to_contain_text("The largest is weight ")
        cells = np.array(asked(address, "/explain/filters", sample(5), model=model, maps="full")["maps"])[2, 1]
        row, column = np.unravel_index(np.abs(cells).argmax(), cells.shape)
        _, weight, activation, value = numbers(details.text_content())
        assert value == pytest.approx(cells[row, column], abs=5e-4)
        weights = load_all()[model].network.weights["affine.weight"].reshape(10, -1, 5, 5)
        assert weight == pytest.approx(weights[5, number, row, column], abs=5e-4)
        assert weight * activation == pytest.approx(value, abs=0.02)


def test_files_are_read_as_the_service_reads_them(page: Page, address: str) -> None:
    """Also one of too many bytes, and one of too many pixels, which the page makes smaller."""
    large = np.asarray(Image.fromarray(255 - pixels(2)).resize((420, 300), Image.Resampling.BICUBIC))
    picture = encode(np.pad(large, 40, constant_values=255), "JPEG")
    noise = np.random.default_rng(1).integers(200, 256, (2400, 1800, 3), np.uint8)
    noise[400:2000, 850:1000] = 20
    photograph = encode(noise, "JPEG")
    assert len(photograph) > MAX_BODY
    many = encode(np.kron(255 - pixels(7), np.ones((90, 90), np.uint8)))
    assert len(many) < 250_000
    for content, media, digit in ((picture, "jpeg", 2), (photograph, "jpeg", 1), (many, "png", 7)):
        file = {"name": "digit", "mimeType": f"image/{media}", "buffer": content}
        page.get_by_test_id("file").set_input_files(file)  # type: ignore[arg-type]
        read(page, digit)
        expect(page.get_by_test_id("preprocessing")).to_have_text("cropped, scaled, centred · read as light on dark")
        if content == picture:
            assert totals(page) == ledger_totals(asked(address, "/explain/filters", picture, fit="mnist"))


def test_a_picture_is_dropped_or_pasted(page: Page) -> None:
    for way, digit in (("drop", 8), ("paste", 2)):
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
            [way, list(sample(digit))],
        )
        read(page, digit)


def test_undo_and_redo_belong_to_the_drawing_that_is_seen(page: Page) -> None:
    """In the walk, and in a view without the drawing, the keys leave it as it is."""
    draw(page, *DIGITS[1])
    read(page, 1)
    draw(page, [(0.3, 0.2), (0.48, 0.2)])
    read(page, 7)
    redo = page.get_by_test_id("redo")
    page.get_by_test_id("walk").click()
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    page.get_by_test_id("present").click()
    for view in "34":
        page.keyboard.press(view)
        page.keyboard.press("Control+z")
    page.get_by_test_id("present-leave").click()
    expect(redo).to_be_disabled()
    read(page, 7)
    # On the page they take back and put again, and a new stroke ends what could come again.
    for again in ("Control+y", "Control+Shift+z"):
        page.keyboard.press("Control+z")
        read(page, 1)
        page.keyboard.press(again)
        read(page, 7)
    page.get_by_test_id("undo").click()
    read(page, 1)
    redo.click()
    read(page, 7)
    page.get_by_test_id("undo").click()
    draw(page, [(0.3, 0.8), (0.6, 0.8)])
    expect(redo).to_be_disabled()
