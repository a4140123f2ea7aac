"""The right half of the page: what hiding each region does, to a class or to the difference of two."""

from base64 import b64decode

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from konkyo.service.drawing.primitives.colours import diverging, limit_of, rgb
from support.browser import hover, read
from support.pictures import DIGITS, decode, encode, sample
from tests.e2e.answers import asked, choose_sample, numbers, totals
from tools.gallery import MISREAD

OCCLUSION = "/explain/occlusion"


# What is asked about, what stands above the heat, and its unit.
HEATS: list[tuple[dict[str, int], str, str]] = [
    ({}, "What speaks for 5", "drop in logit"),
    ({"target": 3}, "What would speak for 3", "drop in logit"),
    ({"versus": 3}, "What speaks for 5 and not 3", "drop in logit 5 − logit 3"),
    ({"target": 3, "versus": 8}, "What speaks for 3 and not 8", "drop in logit 3 − logit 8"),
]


def test_the_heat_is_the_services(page: Page, address: str) -> None:
    choose_sample(page, 5)
    for question, heading, unit in HEATS:
        page.get_by_test_id("versus").select_option("")
        page.get_by_test_id("target").select_option(str(question.get("target", 5)))
        page.get_by_test_id("versus").select_option(str(question.get("versus", "")))
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.locator("#scale span").nth(1)).to_have_text(unit)
        read(page, 5)
        answer = asked(address, OCCLUSION, sample(5), **question)
        drop, limit = np.array(answer["drop"]), limit_of(np.array(answer["drop"]))
        assert numbers(page.locator("#scale").text_content()) == pytest.approx([-limit, limit], abs=0.005)
        data = page.get_by_test_id("heatmap").evaluate("canvas => canvas.toDataURL()")
        shown = decode(b64decode(data.partition(",")[2]))
        steps = diverging(drop, limit)
        plain = np.equal(answer["prediction"], answer["predicted"])
        assert plain.sum() > 150
        # The middle of a region lies between four dots; only a tag could cover it.
        at = (2 * np.arange(14) + 1) * len(shown) // 28
        for row, column in np.argwhere(plain):
            expected = rgb("light", int(steps[row, column]))
            # A half may be rounded to either side.
            assert np.abs(shown[at[row], at[column]].astype(int) - expected).max() <= 1, (heading, row, column)


def test_a_region_and_the_pairs_that_it_feeds(page: Page, address: str) -> None:
    """Of a class, and of the difference of two."""
    details, region = page.get_by_test_id("details"), 5
    found = {digit: asked(address, OCCLUSION, sample(digit), region=region)["critical"] for digit in range(10)}
    quiet = next(digit for digit, critical in found.items() if not critical)
    digit = next(digit for digit, critical in found.items() if len(critical) == 1)
    page.get_by_test_id("region").fill(str(region))
    choose_sample(page, quiet)
    expect(details).to_contain_text(f"Whichever one is hidden, it is still read as {quiet}.")
    choose_sample(page, digit)
    expect(details).to_contain_text("Without the outlined region something else is read")
    expect(details).to_contain_text(f"Hiding a teal region lowers the logit of {digit}, hiding an ochre one raises it.")
    [critical] = found[digit]
    row, column, other = (critical[key] for key in ("row", "column", "predicted"))

    def check(**question: int) -> None:
        answer = asked(address, OCCLUSION, sample(digit), region=region, pairs="true", **question)
        whole, drop = answer["whole"], answer["drop"][row][column]
        assert numbers(details.text_content()) == pytest.approx([whole, whole - drop, -drop], abs=0.01)
        assert totals(page) == pytest.approx(-np.array(answer["pairs"][row][column]), abs=0.01)

    hover(page, row, column, region)
    expect(details).to_contain_text(f"Without this region a {other} is read")
    check()
    page.mouse.move(5, 5)
    expect(details).to_contain_text("Without the outlined region")
    page.get_by_test_id("versus").select_option(str(other))
    lead = f"the lead of {digit} over {other}"
    expect(details).to_contain_text(f"Hiding a teal region lowers {lead}, hiding an ochre one raises it.")
    read(page, digit)
    hover(page, row, column, region)
    expect(details).to_contain_text(f"{lead} goes from")
    check(versus=other)
    page.get_by_test_id("language").click()
    hover(page, row, column, region)
    expect(details).to_contain_text(f"「{other}」に対する「{digit}」の差は")
    page.mouse.move(5, 5)
    expect(details).to_contain_text(f"青緑の領域を隠すと「{other}」に対する「{digit}」の差が下がり")


def test_no_class_is_compared_with_itself(page: Page, address: str) -> None:
    [(name, (truth, wrong))] = [one for one in MISREAD.items() if one[1] == (7, 2)]
    picture = (DIGITS / f"misread-{name}.png").read_bytes()
    assert asked(address, "/predict", picture, model="lenet-6x16")["predicted"] == truth
    asks: list[str] = []
    page.on("request", lambda request: asks.append(request.url) if OCCLUSION in request.url else None)
    page.get_by_test_id(f"sample-misread-{name}").click()
    read(page, wrong)
    page.get_by_test_id("versus").select_option(str(truth))
    expect(page.get_by_role("heading", name=f"What speaks for {wrong} and not {truth}")).to_be_visible()
    assert f"versus={truth}" in asks[-1]
    # This network reads what the other one was compared with.
    page.get_by_test_id("model").select_option("lenet-6x16")
    read(page, truth)
    assert "lenet-6x16" in asks[-1]
    assert "versus" not in asks[-1]
    expect(page.get_by_test_id("versus")).to_have_value("")
    expect(page.get_by_role("heading", name=f"What speaks for {truth}")).to_be_visible()


def test_all_input_warnings_are_shown(page: Page, address: str) -> None:
    # There is more than one reason to doubt that this is a digit.
    image = np.zeros((28, 28), np.uint8)
    image[3:26, 2:13] = image[3:26, 15:26] = 255
    picture = encode(image)
    warnings = asked(address, "/explain/process", picture)["input"]["warnings"]
    assert [one["code"] for one in warnings] == ["mostly-ink", "several-pieces", "unlike-training-images"]
    page.get_by_test_id("file").set_input_files({"name": "1.png", "mimeType": "image/png", "buffer": picture})
    lines = page.get_by_test_id("preprocessing").locator("p")
    said = ["28×28, taken as it is", "more than half of it is ink", "may be more than one digit"]
    expect(lines).to_have_text([*said, "unlike the training images"])
    page.get_by_test_id("language").click()
    said = ["28×28 のまま", "半分以上が線です", "複数の数字かもしれません"]
    expect(lines).to_have_text([*said, "学習に使った画像と似ていません"])
    choose_sample(page, 5)
    expect(lines).to_have_text("28×28 のまま")

    # One that the page does not know.
    def warned(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["input"]["warnings"] = [{"code": "upside-down", "text": "<b>it</b> may stand on its head"}]
        route.fulfill(response=answer, json=body)

    page.route("**/explain/process?*", warned)
    choose_sample(page, 6)
    expect(lines).to_have_text(["28×28 のまま", "<b>it</b> may stand on its head"])


def test_a_tag_never_covers_the_region_that_it_names(page: Page) -> None:
    """Wherever a region lies, and however large it is."""
    covered = page.evaluate(
        """async () => {
            const { drawTag } = await import("/web/scripts/painting.js");
            const [end, pixel] = [308, 11];
            const pen = document.createElement("canvas").getContext("2d");
            const measureText = (text) => pen.measureText(text);
            const covered = [];
            for (let region = 1; region <= 14; region += 1) {
                const side = region * pixel;
                for (let x = 0; x < end; x += side) {
                    for (let y = 0; y < end; y += side) {
                        const [width, height] = [Math.min(side, end - x), Math.min(side, end - y)];
                        let tag;
                        const context = { fillRect: (...box) => (tag = box), fillText: () => {}, measureText };
                        drawTag(context, [x, y, width, height], "3", end);
                        const [left, top, across, down] = tag;
                        const beside = left + across <= x || left >= x + width || top + down <= y || top >= y + height;
                        const inside = left >= 0 && top >= 0 && left + across <= end && top + down <= end;
                        if (!beside || !inside) covered.push([region, x, y]);
                    }
                }
            }
            return covered;
        }"""
    )
    assert covered == []
