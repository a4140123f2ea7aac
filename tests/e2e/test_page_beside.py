"""Two networks side by side, on the same picture and the same question."""

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import PHONE, box_of, opened, read
from support.pictures import sample
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
