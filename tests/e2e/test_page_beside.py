"""Two networks side by side, on the same picture and the same question."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import PHONE, box_of, hover, opened, read
from support.pictures import encode, pixels, sample
from tests.e2e.access import serious
from tests.e2e.answers import asked, choose_sample, numbers

OTHER = "lenet-6x16"


def choices(page: Page) -> list[str]:
    return page.get_by_test_id("beside").locator("option").all_text_contents()[1:]


def test_both_answer_the_same_question(page: Page, address: str) -> None:
    choose_sample(page, 2)
    expect(page.get_by_test_id("beside-panel")).not_to_be_visible()
    page.get_by_test_id("beside").select_option(OTHER)
    whose = {"whose": "paired-3x3", "beside-whose": OTHER}
    shares = {
        name: f"{100 * asked(address, '/predict', sample(2), model=model)['probabilities'][2]:.1f}%"
        for name, model in whose.items()
    }
    for name, model in whose.items():
        expect(page.get_by_test_id(name)).to_have_text(f"{model} reads a 2, with {shares[name]}")
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "heat")

    page.get_by_test_id("question-grounds").click()
    answer = asked(address, "/explain/grounds", sample(2), model=OTHER)
    kept, players = len(answer["sufficient"]["regions"]), len(answer["players"])
    count, other = len(answer["contrast"]["regions"]), answer["contrast"]["predicted"]
    said = page.get_by_test_id("beside-said")
    expect(said).to_have_text(f"{kept} of {players} regions prove it. With {count} hidden, a {other} is read.")
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "grounds")
    assert serious(page) == []
    page.get_by_test_id("language").click()
    expect(said).to_have_text(
        f"{players} 領域中 {kept} 領域があれば証明できます。{count} 領域を隠すと「{other}」になります。"
    )
    for name, model in whose.items():
        expect(page.get_by_test_id(name)).to_have_text(f"{model} の結果は「2」({shares[name]})")
    page.get_by_test_id("language").click()

    page.get_by_test_id("question-shapley").click()
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "shares")
    answer = asked(address, "/explain/shapley", sample(2), model=OTHER)
    terms = page.get_by_test_id("beside-sum").locator("dd")
    expect(terms).to_have_count(3)
    start, added, total = (numbers(text)[0] for text in terms.all_text_contents())
    assert total == pytest.approx(answer["logit"], abs=0.00501)
    assert added == pytest.approx(sum(sum(line) for line in answer["values"]), abs=0.00501)
    assert abs(start) + added == pytest.approx(total, abs=1e-9)

    # It keeps up with the picture, and is kept back with the first while a class guesses.
    choose_sample(page, 7)
    expect(page.get_by_test_id("beside-whose")).to_contain_text(f"{OTHER} reads a 7")
    expect(page.locator("#beside-panel.old")).to_have_count(0)
    page.get_by_test_id("guess").click()
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "guess")
    page.get_by_test_id("guess-show").click()
    expect(page.get_by_test_id("beside-map")).to_have_attribute("data-shown", "shares")


def hidden(places: list[list[int]]) -> bytes:
    """The 2 without these regions of 4×4 pixels."""
    image = pixels(2).copy()
    for row, column in places:
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
    return encode(image)


def test_what_is_hidden_is_hidden_of_both(page: Page, address: str) -> None:
    """Chosen by the grounds of the first, or by hand on either map; each has its own live answer."""
    choose_sample(page, 2)
    page.get_by_test_id("question-grounds").click()
    answer = asked(address, "/explain/grounds", sample(2))
    kept = answer["sufficient"]["regions"]
    free = [place for place in answer["players"] if place not in kept]
    said = {"paired-3x3": page.get_by_test_id("live"), OTHER: page.get_by_test_id("beside-said")}

    def expect_both(places: list[list[int]]) -> set[int]:
        """What they read without these."""
        read_as = set()
        for model, live in said.items():
            told = asked(address, "/predict", hidden(places), model=model)
            digit, share = told["predicted"], f"{100 * max(told['probabilities']):.1f}%"
            count = f"{len(places)} region{'' if len(places) == 1 else 's'}"
            expect(live).to_have_text(
                re.compile(f"^{count} hidden: {'still' if digit == 2 else 'now'} an? {digit}, {share}")
            )
            read_as.add(digit)
        return read_as

    page.get_by_test_id("hide-others").click()
    # A network that comes beside it hears of what is hidden.
    page.get_by_test_id("beside").select_option(OTHER)
    assert len(expect_both(free)) == 2, "what proves it to one does not to the other"
    page.get_by_test_id("show-all").click()
    expect(said[OTHER]).to_contain_text("regions prove it")
    row, column = free[3]
    second = page.get_by_test_id("beside-map")
    width = box_of(second)["width"] / 7
    second.click(position={"x": (column + 0.5) * width, "y": (row + 0.5) * width})
    expect_both([free[3]])
    page.get_by_test_id("heatmap").focus()
    hover(page, free[5][0], free[5][1], region=4, press=True)
    expect_both([free[3], free[5]])


def test_what_is_pointed_at_is_told_of_both(page: Page, address: str) -> None:
    choose_sample(page, 2)
    page.get_by_test_id("beside").select_option(OTHER)
    maps = [page.get_by_test_id(name) for name in ("heatmap", "beside-map")]
    told = [page.get_by_test_id(name) for name in ("details", "beside-said")]
    answers = [asked(address, "/explain/occlusion", sample(2), model=model) for model in ("paired-3x3", OTHER)]
    expect(maps[1]).to_have_attribute("data-shown", "heat")
    for one in maps:
        width = box_of(one)["width"] / 14
        one.hover(position={"x": 10.5 * width, "y": 10.5 * width})
        for answer, said in zip(answers, told, strict=True):
            drop = answer["drop"][10][10]
            assert answer["prediction"][10][10] == 2
            expect(said).to_contain_text("Without this region it is still read as 2; the logit of 2 goes from")
            expected = [answer["whole"], answer["whole"] - drop, -drop]
            assert numbers(said.text_content()) == pytest.approx(expected, abs=0.0101)
        page.mouse.move(5, 5)
        expect(told[1]).to_have_text("Whichever one is hidden, it is still read as a 2.")
    # With keys on the second map too.
    maps[1].focus()
    page.keyboard.press("ArrowDown")
    expect(told[0]).to_contain_text("this region")
    expect(told[1]).to_contain_text("this region")


def test_a_guess_has_the_answer_of_both(page: Page, address: str) -> None:
    choose_sample(page, 2)
    page.get_by_test_id("beside").select_option(OTHER)
    page.get_by_test_id("question-grounds").click()
    second = page.get_by_test_id("beside-map")
    expect(second).to_have_attribute("data-shown", "grounds")
    page.get_by_test_id("guess").click()
    expect(page.get_by_test_id("beside-said")).to_be_empty()
    places = [[5, 2], [5, 5]]
    hover(page, 5, 2, region=4, press=True)
    width = box_of(second)["width"] / 7
    second.click(position={"x": (places[1][1] + 0.5) * width, "y": (places[1][0] + 0.5) * width})
    page.get_by_test_id("guess-show").click()
    for model, name in (("paired-3x3", "guessed"), (OTHER, "beside-said")):
        kept = asked(address, "/explain/grounds", sample(2), model=model)["sufficient"]["regions"]
        hit = sum(place in kept for place in places)
        expect(page.get_by_test_id(name)).to_have_text(
            f"2 regions guessed; {hit} of the {len(kept)} grounds are among them."
        )


def test_the_link_and_the_choice(browser: Browser, address: str) -> None:
    with opened(browser, address, f"#beside={OTHER}&question=grounds&drawing=i1YyUooFAA") as page:
        read(page, 2)
        expect(page.get_by_test_id("beside-whose")).to_contain_text(f"{OTHER} reads a 2")
        page.get_by_test_id("link").click()
        expect(page.get_by_test_id("done")).not_to_be_empty()
        assert f"beside={OTHER}" in page.evaluate("navigator.clipboard.readText()")
        # A network is not compared with itself, nor with one that knows other classes.
        assert choices(page) == ["deep-7x9x9", OTHER, "summed-3x3"]
        page.get_by_test_id("model").select_option(OTHER)
        expect(page.get_by_test_id("beside-panel")).not_to_be_visible()
        assert choices(page) == ["deep-7x9x9", "paired-3x3", "summed-3x3"]
        page.get_by_test_id("beside").select_option("summed-3x3")
        expect(page.get_by_test_id("beside-whose")).to_contain_text("summed-3x3 reads a 2")
        page.get_by_test_id("beside").select_option("")
        expect(page.get_by_test_id("beside-panel")).not_to_be_visible()
        expect(page.get_by_test_id("pairs")).to_be_visible()
        page.get_by_test_id("model").select_option("tiny-vgg")
        expect(page.get_by_test_id("beside")).not_to_be_visible()


def test_on_a_phone_one_is_below_the_other(browser: Browser, address: str) -> None:
    with opened(browser, address, f"#beside={OTHER}&question=grounds&drawing=i1YyUooFAA", **PHONE) as page:
        read(page, 2)
        expect(page.get_by_test_id("beside-whose")).to_contain_text(OTHER)
        first, second = (box_of(page.get_by_test_id(name)) for name in ("heatmap", "beside-map"))
        assert second["y"] > first["y"] + first["height"]
        assert second["width"] == pytest.approx(first["width"], abs=1)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert serious(page) == []
