"""The walk's figure: pointing at a map lights its way from the picture to the classes, with what it adds to each."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from support.browser import box_of, opened, read
from support.folders import ROOT
from support.pictures import sample
from tests.e2e.access import serious
from tests.e2e.answers import asked, choose_sample, numbers
from tests.e2e.walk import go, open_walk

CONVOLUTIONS, POOLS = (1, 3), (2, 4)


def node(page: Page, column: int, place: int) -> Locator:
    """A map of the figure."""
    return page.locator(f"#figure .layer-{column} .node").nth(place)


def lit(page: Page, column: int) -> list[int]:
    """The places of the maps of a column that are lit."""
    nodes = page.locator(f"#figure .layer-{column} .node").all()
    return [k for k, one in enumerate(nodes) if "lit" in (one.get_attribute("class") or "").split()]


def values(page: Page) -> list[float]:
    """The numbers at the ends of the rows of the classes."""
    return [numbers(text)[0] for text in page.locator("#figure .class .value").all_text_contents()]


def lines(page: Page) -> int:
    """How many lines stand out."""
    drawn = page.locator("#figure svg path:last-child").evaluate_all("all => all.map((one) => one.getAttribute('d'))")
    return "".join(drawn).count("M")


def test_a_map_lights_its_way(page: Page, address: str) -> None:
    choose_sample(page, 7)
    page.get_by_test_id("versus").select_option("1")
    read(page, 7)
    # What is not shown yet is not lit.
    open_walk(page, 3)
    node(page, 2, 0).hover()
    assert [lit(page, column) for column in range(5)] == [[0], [0], [0], [], []]
    expect(page.locator("#figure .value").first).to_be_hidden()
    assert lines(page) == 2
    # Signed numbers are teal and ochre.
    go(page, 10)
    shown = page.locator("#figure .class .value").evaluate_all(
        "all => all.map((one) => [one.textContent, getComputedStyle(one).color])"
    )
    assert {text[0] for text, _ in shown} > {"−"}
    teal, ochre = "rgb(6, 105, 95)", "rgb(135, 80, 8)"
    assert [colour for _, colour in shown] == [ochre if text.startswith("−") else teal for text, _ in shown]
    go(page, 12)
    process = asked(address, "/explain/process", sample(7))
    logits = values(page)
    assert logits == pytest.approx(process["logits"], abs=0.00501)
    assert lines(page) == 0
    node(page, 2, 1).hover()
    assert [lit(page, column) for column in range(5)] == [[0], [1], [1], [3, 4, 5], [3, 4, 5]]
    # From the picture to the map, on to three maps and their pools, and from each to the two rows of the question.
    assert lines(page) == 1 + 1 + 3 + 3 + 3 * 2
    added = np.array(process["contributions"])[:, 1].sum(axis=-1)
    assert values(page) == pytest.approx(added, abs=0.00501)
    expect(page.locator("#figure .sums")).to_have_text("addsthis map")
    expect(page.locator("#figure .class.asked")).to_have_count(2)
    name = f"stage 1, filter 1, pool: adds {added[7]:+.2f} to 7, {added[1]:+.2f} to 1".replace("-", "−")
    expect(node(page, 2, 1)).to_have_accessible_name(name)
    page.mouse.move(5, 5)
    expect(page.locator("#figure .sums")).to_have_text("logitsum + bias")
    assert values(page) == logits
    assert lines(page) == 0
    # Of the last stage a pair, which adds what stands in the table.
    node(page, 3, 5).hover()
    assert [lit(page, column) for column in range(5)] == [[0], [1], [1], [5], [5]]
    assert values(page) == pytest.approx(np.array(process["contributions"])[:, 1, 2], abs=0.00501)


def test_with_keys_alone(page: Page) -> None:
    choose_sample(page, 7)
    open_walk(page, 12)
    page.get_by_test_id("figure").focus()
    page.keyboard.press("Tab")
    expect(node(page, 1, 0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(node(page, 1, 1)).to_be_focused()
    assert lit(page, 4) == [3, 4, 5]
    page.keyboard.press("Tab")
    expect(node(page, 2, 0)).to_be_focused()
    assert lit(page, 4) == [0, 1, 2]
    page.keyboard.press("ArrowUp")
    expect(node(page, 2, 0)).to_be_focused()
    assert serious(page) == []
    # A pointer shows another way, and leaves that of the focus.
    node(page, 1, 2).hover()
    assert lit(page, 4) == [6, 7, 8]
    page.mouse.move(5, 5)
    assert lit(page, 4) == [0, 1, 2]
    # What is pressed is shown closely, and arrows go on from step to step.
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("closer")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("figure")).to_be_visible()
    # A class as well.
    page.keyboard.press("End")
    row = page.locator("#figure .class").nth(0)
    row.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("closer")).to_have_attribute("data-target", "1")


def test_a_map_that_adds_up_many_adds_with_its_bias(browser: Browser, address: str) -> None:
    """Its weights times what was found, over all cells: an oracle that knows no pairs."""
    with opened(browser, address, "#model=lenet-6x16") as page:
        choose_sample(page, 7)
        open_walk(page, 12)
        process = asked(address, "/explain/process", sample(7), model="lenet-6x16")
        head, maps = np.array(process["head"]), np.array(process["stages"][1]["maps"])
        node(page, 4, 4).hover()
        assert lit(page, 1) == lit(page, 2) == [*range(6)]
        assert lit(page, 3) == lit(page, 4) == [4]
        assert values(page) == pytest.approx((head[:, 4] * maps[4]).sum(axis=(-1, -2)), abs=0.00501)
        node(page, 2, 2).hover()
        assert lit(page, 3) == lit(page, 4) == [*range(16)]
        assert values(page) == pytest.approx(np.array(process["contributions"])[:, 2].sum(axis=-1), abs=0.00501)


def test_picture_and_stage_1_stay_in_sight(browser: Browser, address: str) -> None:
    small = {"width": 1024, "height": 768}
    with opened(browser, address, "#model=tiny-vgg", viewport=small) as page:
        page.get_by_test_id("sample-photograph-bus").click()
        read(page, "school bus")
        page.get_by_test_id("walk").click()
        page.keyboard.press("End")
        expect(page.locator("#figure .read .answer")).to_be_in_viewport()
        assert page.locator("#figure").evaluate("one => one.scrollLeft") > 0
        for column in (0, 1):
            expect(page.locator(f"#figure .layer-{column}")).to_be_in_viewport(ratio=0.99)
        picture, first = (box_of(page.locator(f"#figure .layer-{column}")) for column in (0, 1))
        assert picture["x"] + picture["width"] <= first["x"]
        # Names of classes stand beside them, not beneath.
        tag = box_of(page.locator("#figure .tag").first)
        assert tag["x"] >= first["x"] + first["width"]
        # What an early map adds to a class is added up with what others do: its way is lit, and no number said.
        logits = values(page)
        early = node(page, 1, 3)
        early.hover()
        assert lit(page, 1) == [3]
        assert values(page) == logits
        expect(early).to_have_accessible_name("stage 1, filter 3")
        answer = asked(
            address,
            "/explain/process",
            (ROOT / "service/web/digits/photograph-bus.png").read_bytes(),
            model="tiny-vgg",
            top=16,
        )
        own = answer["head_maps"][0]
        place = answer["stages"][-1]["shown"].index(own)
        page.locator("#figure .layer.pool").last.locator(".node").nth(place).hover()
        adds = (np.array(answer["head"])[:, 0] * np.array(answer["stages"][-1]["maps"])[place]).sum(axis=(-1, -2))
        assert values(page) == pytest.approx(adds, abs=0.00501)
