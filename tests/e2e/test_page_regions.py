"""The questions about the regions: fair shares, and grounds that are played with."""

import re

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import draw, hover, opened, read
from support.pictures import decode, sample
from support.server import PATIENCE, TLS
from support.strokes import DIGITS
from tests.e2e.answers import answered, asked, choose_sample, numbers, totals


def choose(page: Page, question: str, shown: str) -> None:
    """Ask another question about the regions."""
    page.get_by_test_id(f"question-{question}").click()
    expect(page.get_by_test_id("heatmap")).to_have_attribute("data-shown", shown)


def test_fair_shares_are_the_services(page: Page, address: str) -> None:
    choose_sample(page, 5)
    page.get_by_test_id("versus").select_option("3")
    choose(page, "shapley", "shares")
    read(page, 5)
    expect(page.get_by_role("heading", name="What each region adds to 5 and not 3")).to_be_visible()
    answer = asked(address, "/explain/shapley", sample(5), versus=3, pairs="true", interactions="true")
    empty = answer["empty"]
    said = numbers(page.get_by_test_id("shares").text_content())
    expected = [empty["logit"], answer["logit"] - empty["logit"], answer["logit"]]
    assert said == pytest.approx(np.abs(expected), abs=0.015)
    expect(page.get_by_test_id("shares")).to_contain_text(f"empty (a {empty['predicted']})")
    details = page.get_by_test_id("details")
    expect(details).to_contain_text(f"With everything hidden the network reads a {empty['predicted']}")
    row, column = np.unravel_index(np.argmax(answer["values"]), (7, 7))
    hover(page, int(row), int(column), region=4)
    value = answer["values"][row][column]
    expect(details).to_contain_text("to the lead of 5 over 3, averaged over every order")
    together = [one["value"] for one in answer["interactions"] if [row, column] in one["regions"]]
    assert numbers(details.text_content()) == pytest.approx([value, max(together), min(together)], abs=0.01)
    more, less = sum(one > 0 for one in together), sum(one < 0 for one in together)
    expect(details).to_contain_text(f"With {more} it adds more together than each alone (teal lines, up to")
    expect(details).to_contain_text(f"with {less} less (ochre, down to")
    expect(page.get_by_test_id("legend")).to_contain_text("together more")
    assert totals(page) == pytest.approx(np.array(answer["pairs"][row][column]), abs=0.015)
    page.get_by_test_id("pair-2-1").hover()
    expect(details).to_contain_text("Map 2 × filter 1 adds")
    contribution = asked(address, "/explain/filters", sample(5), versus=3)["contributions"][2][1]
    regions = float(np.array(answer["pairs"])[:, :, 2, 1].sum())
    assert numbers(details.text_content()) == pytest.approx([contribution, contribution - regions, regions], abs=0.02)


def test_grounds_are_played_with(page: Page, address: str) -> None:
    choose_sample(page, 7)
    choose(page, "grounds", "grounds")
    answer = asked(address, "/explain/grounds", sample(7))
    kept, contrast = answer["sufficient"]["regions"], answer["contrast"]
    free = [place for place in answer["players"] if place not in kept]
    details, live = page.get_by_test_id("details"), page.get_by_test_id("live")
    count = len(answer["players"])
    expect(details).to_contain_text(
        f"{len(kept)} of {count} regions prove it: however the other {len(free)} are hidden, "
        f"in any of {2 ** len(free):,} ways, it stays a 7. Proven: no smaller set suffices."
    )
    expect(details).to_contain_text(f"With everything hidden, {answer['empty']['predicted']} is read")
    expect(live).to_have_text("Nothing is hidden: 7 is read.")
    for number, (row, column) in enumerate(free[:3], 1):
        hover(page, row, column, region=4)
        expect(details).to_contain_text("Click to hide this region")
        hover(page, row, column, region=4, press=True)
        expect(live).to_contain_text(f"{number} region{'' if number == 1 else 's'} hidden: still a 7, ")
    # A ground can be hidden too, and shown again.
    row, column = kept[0]
    hover(page, row, column, region=4)
    expect(details).to_contain_text("one of the grounds of the 7.")
    hover(page, row, column, region=4, press=True)
    expect(live).to_contain_text("4 regions hidden")
    hover(page, row, column, region=4, press=True)
    expect(live).to_contain_text("3 regions hidden")
    expect(page).to_have_url(re.compile("question=grounds&hidden=.*&drawing="))
    page.get_by_test_id("hide-others").click()
    expect(live).to_contain_text(f"{len(free)} regions hidden: still a 7, ")
    page.get_by_test_id("hide-contrast").click()
    expect(live).to_contain_text(f"{len(contrast['regions'])} regions hidden: now a {contrast['predicted']}, ")
    page.get_by_test_id("show-all").click()
    expect(live).to_have_text("Nothing is hidden: 7 is read.")
    # With keys alone, from the middle of the seven times seven.
    assert [3, 4] in free
    page.mouse.move(5, 5)
    page.get_by_test_id("heatmap").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(live).to_contain_text("1 region hidden: still a 7")
    page.keyboard.press("Space")
    expect(live).to_contain_text("Nothing is hidden")
    page.keyboard.press("Escape")
    # Grounds are those of the prediction, whichever class is asked about.
    page.get_by_test_id("target").select_option("3")
    said = "Grounds are those of the 7 that is read, not of the class asked about above."
    expect(details).to_contain_text(said)
    expect(page.get_by_role("heading", name="The grounds of the 7")).to_be_visible()
    page.get_by_test_id("target").select_option("7")
    expect(details).not_to_contain_text(said)
    page.get_by_test_id("versus").select_option("3")
    expect(details).to_contain_text("The grounds of the 7 hold against every class, not only against 3.")
    expect(details).not_to_contain_text(said)


def test_what_is_hidden_of_a_fitted_drawing_is_exact(page: Page) -> None:
    """A fitted digit has greys between 256 steps; with nothing but paper hidden, the same is read of it."""
    draw(page, *DIGITS[5])
    read(page, 5)
    logits = page.evaluate(
        """async () => {
            const { state } = await import("/web/scripts/state.js");
            const { logits } = await import("/web/scripts/answers/asking.js");
            const { process } = state.answer;
            return [await logits("paired-3x3", process.image, [28, 28]), process.logits];
        }"""
    )
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)


def test_links_commands_and_pictures_follow_the_question(browser: Browser, page: Page, address: str) -> None:
    choose_sample(page, 9)
    page.get_by_test_id("versus").select_option("4")
    contrast: dict[str, int] = {"versus": 4}
    for question, shown, asks in (("shapley", "shares", contrast), ("grounds", "grounds", {})):
        choose(page, question, shown)
        page.get_by_test_id("curl-heatmap").click()
        answer = answered(page, f"/explain/{question}")
        assert answer == {**asked(address, f"/explain/{question}", sample(9), **asks), "input": answer["input"]}
        with page.expect_download() as download:
            page.get_by_test_id("save-heatmap").click()
        assert download.value.suggested_filename == f"konkyo-{question}-9.png"
        assert decode(download.value.path().read_bytes()).size
        expect(page).to_have_url(re.compile(f"question={question}"))
    page.get_by_test_id("hide-contrast").click()
    live = page.get_by_test_id("live")
    expect(live).to_contain_text("hidden: now a ")
    expect(page).to_have_url(re.compile("hidden="))
    with opened(browser, address, "#" + page.url.partition("#")[2]) as other:
        read(other, 9)
        expect(other.get_by_test_id("question-grounds")).to_have_attribute("aria-pressed", "true")
        expect(other.get_by_test_id("versus")).to_have_value("4")
        expect(other.get_by_test_id("live")).to_have_text(str(live.text_content()))


def test_all_regions_that_work_together_are_linked_on_demand(page: Page, address: str) -> None:
    """And saved so: what is seen is what is saved."""
    choose_sample(page, 7)
    choose(page, "shapley", "shares")
    links, legend = page.get_by_test_id("together"), page.get_by_test_id("legend")
    expect(links).to_be_enabled()
    expect(legend).not_to_contain_text("together more")
    links.click()
    expect(links).to_have_attribute("aria-pressed", "true")
    expect(legend).to_contain_text("together more")
    with page.expect_download() as download:
        page.get_by_test_id("save-heatmap").click()
    url = f"http://{address}/explain/shapley"
    query: dict[str, str | int] = {"interactions": "true", "format": "png", "scale": 2, "theme": "light"}
    reference = httpx.post(url, params=query, files={"file": sample(7)}, timeout=PATIENCE, verify=TLS).content
    assert np.array_equal(decode(download.value.path().read_bytes()), decode(reference))
    links.click()
    expect(legend).not_to_contain_text("together more")
