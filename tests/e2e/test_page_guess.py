"""Guess first: the page keeps its answer back until the class has guessed, and shows both then."""

from playwright.sync_api import Browser, Page, expect

from support.browser import PROJECTOR, hover, opened, read
from support.pictures import sample
from tests.e2e.access import serious
from tests.e2e.answers import asked, choose_sample


def guess(page: Page, question: str) -> None:
    page.get_by_test_id(f"question-{question}").click()
    read(page, 2)
    page.get_by_test_id("guess").click()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "guess")


def said(page: Page, english: str, japanese: str) -> None:
    """What became of the guess, in both languages."""
    for sentence in (english, japanese):
        expect(page.get_by_test_id("guessed")).to_have_text(sentence)
        page.get_by_test_id("language").click()


def test_grounds_are_guessed(page: Page, address: str) -> None:
    answer = asked(address, "/explain/grounds", sample(2))
    kept = answer["sufficient"]["regions"]
    other = next(place for place in answer["players"] if place not in kept)
    choose_sample(page, 2)
    guess(page, "grounds")
    for name in ("live", "hide-others"):
        expect(page.get_by_test_id(name)).not_to_be_visible()
    expect(page.get_by_test_id("details")).not_to_contain_text("524,288")
    assert serious(page) == []
    for row, column in (kept[0], other, kept[2], kept[1], kept[1]):
        hover(page, row, column, answer["region"], press=True)
    page.get_by_test_id("guess-show").click()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")
    said(
        page,
        "3 regions guessed; 2 of the 3 grounds are among them.",
        "予想した 3 領域に、根拠 3 領域中 2 領域が含まれます。",
    )
    expect(page.get_by_test_id("details")).to_contain_text("524,288")
    expect(page.get_by_test_id("legend").locator(".key-ring")).to_be_visible()
    assert serious(page) == []
    # The next picture is guessed afresh.
    choose_sample(page, 4)
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "guess")
    expect(page.get_by_test_id("guessed")).not_to_be_visible()
    page.get_by_test_id("guess").click()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")


def test_what_is_read_without_a_region_is_guessed(page: Page, address: str) -> None:
    left = asked(address, "/explain/occlusion", sample(2), region=2)["prediction"][6][6]
    choose_sample(page, 2)
    guess(page, "occlusion")
    table = str(page.get_by_test_id("pairs").text_content())
    hover(page, 0, 0, press=True)
    # One region at a time, and no word of what it does.
    hover(page, 6, 6, press=True)
    expect(page.get_by_test_id("pairs")).to_have_text(table)
    for chosen, english, japanese in (
        ("8", f"a {left} is read; guessed was an 8.", f"「{left}」です。予想は「8」でした。"),
        (str(left), f"a {left} is read, as guessed.", f"「{left}」です。予想どおりです。"),
    ):
        page.get_by_test_id("guess-class").select_option(chosen)
        page.get_by_test_id("guess-show").click()
        said(page, f"Without the marked region {english}", f"その領域を隠すと{japanese}")
        expect(page.get_by_test_id("guess-class")).not_to_be_visible()
        page.get_by_test_id("guess-show").click()
        hover(page, 6, 6, press=True)


def test_fair_shares_are_guessed_by_keys(browser: Browser, address: str) -> None:
    values = asked(address, "/explain/shapley", sample(2))["values"]
    most = max(value for line in values for value in line)
    row, column = next((r, line.index(most)) for r, line in enumerate(values) if most in line)
    fragment = "#guess=first&question=shapley&present=where&drawing=i1YyUooFAA"
    with opened(browser, address, fragment, **PROJECTOR) as page:
        read(page, 2)
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "guess")
        page.get_by_test_id("guess-show").click()
        expect(page.get_by_test_id("guessed")).not_to_be_empty()
        page.get_by_test_id("guess-show").click()
        page.get_by_test_id("heatmap").focus()
        corner = [("ArrowUp", len(values)), ("ArrowLeft", len(values))]
        for key, count in (*corner, ("ArrowDown", row), ("ArrowRight", column)):
            for _ in range(count):
                page.keyboard.press(key)
        page.keyboard.press("Enter")
        page.get_by_test_id("guess-show").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", "shares")
        page.get_by_test_id("present-link").click()
        expect(page.get_by_test_id("present-done")).not_to_be_empty()
        assert "guess=first" in page.evaluate("navigator.clipboard.readText()")
        page.get_by_test_id("present-leave").click()
        said(
            page,
            f"The guessed region adds +{most:.2f}; the greatest adds +{most:.2f}.",
            f"予想した 1 領域の値は計 +{most:.2f}、上位 1 領域では計 +{most:.2f} です。",
        )
