"""What the page paints on the picture is what the saved picture has: heat over a photograph, lines, numbers."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from konkyo.service.drawing.primitives.colours import colour_of, diverging, grey, limit_of, printed
from support.browser import hover, opened, read
from support.folders import ROOT
from support.pictures import sample
from tests.e2e.answers import asked, choose_sample

# The lines and letters of a canvas from now on, as [width, colour] and [text, colour, what fills the place beneath].
WATCH = """canvas => {
    const context = canvas.getContext("2d");
    window.drawn = { lines: [], texts: [] };
    let plate = null;
    const watch = (name, seen) => {
        context[name] = function (...given) {
            seen(...given);
            return CanvasRenderingContext2D.prototype[name].apply(this, given);
        };
    };
    watch("clearRect", () => (window.drawn = { lines: [], texts: [] }));
    watch("stroke", () => window.drawn.lines.push([context.lineWidth, context.strokeStyle]));
    watch("fillRect", () => (plate = context.fillStyle));
    watch("fillText", (text) => window.drawn.texts.push([text, context.fillStyle, plate]));
}"""
# The colours of the middles of `count` × `count` cells of a canvas.
CELLS = """(canvas, count) => {
    const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const at = (place) => Math.floor(((place + 0.5) * width) / count);
    const places = Array.from({ length: count * count }, (_, k) => at(Math.floor(k / count)) * width + at(k % count));
    return places.map((k) => [...data.slice(4 * k, 4 * k + 3)]);
}"""

# The image that the page explains.
IMAGE = "import('/web/scripts/state.js').then(({ state }) => state.answer.process.image)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_heat_on_a_photograph_has_the_saved_style(browser: Browser, address: str, theme: str) -> None:
    picture = (ROOT / "service" / "web" / "digits" / "photograph-bus.png").read_bytes()
    answer = asked(address, "/explain/occlusion", picture, model="tiny-vgg")
    with opened(browser, address, "#model=tiny-vgg", color_scheme=theme) as page:
        page.get_by_test_id("sample-photograph-bus").click()
        read(page, "school bus")
        heat = page.get_by_test_id("heatmap")
        image = np.array(page.evaluate(IMAGE))
        drop = np.array(answer["drop"])
        spread = np.kron(drop, np.ones((answer["region"],) * 2))
        expected = printed(diverging(spread, limit_of(drop)), image, theme).astype(int)
        side = image.shape[-1]
        found = np.reshape(heat.evaluate(CELLS, side), (side, side, 3))
        # Tags and outlines cover some; the browser blends in eighths of a bit.
        close = (np.abs(found - expected) <= 3).all(-1)
        covered = np.array(answer["prediction"]) != answer["predicted"]
        free = ~np.kron(covered, np.ones((answer["region"],) * 2, bool))
        assert free.sum() > side * side / 2
        assert close[free].mean() > 0.98
        colours = {tuple(one) for one in colour_of(theme, diverging(spread, limit_of(drop))).reshape(-1, 3).tolist()}
        assert any(tuple(one) in colours for one in found[free].tolist()), "even parts have exactly the heat's colour"


def test_lines_have_one_scale(page: Page, address: str) -> None:
    """A line means the same, whichever region is looked at: between 1 and 8 points, as in the saved picture."""
    choose_sample(page, 7)
    page.get_by_test_id("question-shapley").click()
    links = page.get_by_test_id("together")
    expect(links).to_be_enabled()
    answer = asked(address, "/explain/shapley", sample(7), interactions="true")
    found = answer["interactions"]
    most = max(abs(one["value"]) for one in found)
    width = {one["value"]: 1 + 7 * abs(one["value"]) / most for one in found}
    heatmap = page.get_by_test_id("heatmap")
    heatmap.evaluate(WATCH)

    def widths() -> list[float]:
        """Of the lines, without the paper beneath each."""
        return sorted(page.evaluate("window.drawn.lines.map(([width]) => width)")[1::2])

    thickest: list[float] = []
    for row, column in np.argwhere(answer["values"])[::5].tolist():
        own = [one["value"] for one in found if [row, column] in one["regions"] and one["value"]]
        hover(page, row, column, region=4)
        expect(page.get_by_test_id("details")).to_contain_text("averaged over every order")
        assert widths() == pytest.approx(sorted(width[value] for value in own), abs=1e-3)
        thickest.append(max(widths()))
    assert min(thickest) < 1.5, "of a region that works with others little, all lines are thin"
    page.mouse.move(5, 5)
    links.click()
    expect(links).to_have_attribute("aria-pressed", "true")
    shown = [one["value"] for one in found[:60] if abs(one["value"]) >= 0.1 * most]
    assert widths() == pytest.approx(sorted(width[value] for value in shown), abs=1e-3)
    assert max(widths()) == pytest.approx(8)
    assert page.evaluate("window.drawn.texts") == [], "numbers would hide the ends of the lines"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_are_the_saved_ones_with_their_sign_on_paper(browser: Browser, address: str, theme: str) -> None:
    with opened(browser, address, color_scheme=theme) as page:
        choose_sample(page, 7)
        page.get_by_test_id("heatmap").evaluate(WATCH)
        page.get_by_test_id("question-shapley").click()
        read(page, 7)
        texts = page.evaluate("window.drawn.texts")
        values = np.array(asked(address, "/explain/shapley", sample(7))["values"])
        written = [text for text, _, _ in texts]
        assert len(written) == np.count_nonzero(values)
        assert [text[0] for text in written] == ["+" if value > 0 else "−" for value in values[values != 0]]
        ink, paper = ("#1b1c20", "#ffffff") if theme == "light" else ("#f2f3f5", "#15171b")
        assert {(colour, plate) for _, colour, plate in texts} == {(ink, paper)}
        with page.expect_download() as download:
            page.get_by_test_id("save-heatmap-svg").click()
        saved = download.value.path().read_text()
        assert [text for text in written if f">{text}<" not in saved] == []


def test_beside_the_rows_are_the_maps_of_this_image(page: Page, address: str) -> None:
    heads = page.locator(".head.row")
    choose_sample(page, 2)
    choose_sample(page, 7)
    maps = np.array(asked(address, "/explain/process", sample(7))["stages"][0]["maps"])
    for head, values in zip(heads.all(), maps, strict=True):
        expected = colour_of("light", grey(values / maps.max()))
        found = head.locator("canvas").first.evaluate(CELLS, len(values))
        assert np.reshape(found, expected.shape) == pytest.approx(expected, abs=1)
    # And the filters that make them.
    expect(heads.locator("canvas:visible")).to_have_count(6)
