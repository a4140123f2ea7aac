"""The SVG says what the PNG shows. How Chromium paints it is in tests/e2e/test_svg.py."""

import base64
import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from konkyo.models.errors import ParameterError
from konkyo.service.drawing.layout.words import WORDS
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, Box, Canvas
from konkyo.service.drawing.primitives.colours import FIRST, INK, MUTED, NEGATIVE, NEUTRAL, PAPER, POSITIVE, rgb
from konkyo.service.drawing.primitives.letters import width, wrapped
from konkyo.service.drawing.primitives.outline import NONE
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.drawing.primitives.vector import Vector
from tests.helpers.drawn import written
from tests.service.pictures import PICTURES

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
ENGLISH, JAPANESE = Style(form=Form.SVG), Style(form=Form.SVG, language=Language.JAPANESE)
# One picture of each kind, and a comparison.
DRAWINGS = [*(name for name in PICTURES if "-" not in name), "pair-drops", "ledger-versus-dark"]


def _canvas(scale: int = 1, theme: Theme = Theme.LIGHT) -> Vector:
    return Vector(120, 40, Style(scale, theme, Form.SVG))


def _parsed(canvas: Canvas) -> ElementTree.Element:
    return ElementTree.fromstring(canvas.encode())  # noqa: S314 - it is our own


def _colour(index: int, theme: Theme = Theme.LIGHT) -> str:
    return f"#{bytes(rgb(theme, index)).hex()}"


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("style", [ENGLISH, JAPANESE], ids=lambda style: style.language)
def test_it_holds_no_script_no_style_and_nothing_of_others(name: str, style: Style) -> None:
    root = _parsed(PICTURES[name].styled(style))
    kinds = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert kinds <= {"svg", "title", "path", "image", "text", "linearGradient", "stop", "use"}
    for one in root.iter():
        assert not [name for name in one.attrib if name.startswith("on") or name == "style"]
        assert one.get(HREF, "#").startswith(("#", "data:image/png;base64,"))
    names = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_word_of_the_png_is_text_in_the_svg(name: str) -> None:
    png, svg = (PICTURES[name].styled(style) for style in (Style(), ENGLISH))
    assert isinstance(png, Raster)
    assert png.size == svg.size
    image, root = png.picture(), _parsed(svg)
    texts = root.findall(f"{SVG}text")
    assert len(texts) > 4
    assert root[0].text in [text.text for text in texts], "the heading is the title"
    colours = {_colour(index): index for index in (INK, MUTED)}
    checked = 0
    for text in texts:
        index = colours.get(text.get("fill", ""))
        assert text.text
        if index is None or text.get("text-anchor") or len(text.text) < 8:
            continue
        size, strong = int(text.get("font-size", "")), text.get("font-weight") == "600"
        place = round(float(text.get("x", ""))), round(float(text.get("y", "")))
        assert place in written(image, text.text, size, index, strong), text.text
        checked += 1
    assert checked


@pytest.mark.parametrize("name", DRAWINGS)
def test_in_japanese_nothing_is_left_in_english_or_cut_off(name: str) -> None:
    canvas = PICTURES[name].styled(JAPANESE)
    root = _parsed(canvas)
    texts = [text.text or "" for text in root.findall(f"{SVG}text")]
    assert root.get("lang") == "ja"
    allowed = {"python", "trainer", "study", "filters", "model", "some", "ReLU"}
    assert {word for text in texts for word in re.findall("[A-Za-z]{4,}", text)} <= allowed
    assert any(re.search("[ぁ-んァ-ヶ一-龠]", text) for text in texts)
    for text in root.findall(f"{SVG}text"):
        x, anchor = float(text.get("x", "")), {None: 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor")]
        assert x + (1 - anchor) * float(text.get("textLength", "0")) <= canvas.width
        assert x - anchor * float(text.get("textLength", "0")) >= 0


def test_both_languages_say_the_same_things() -> None:
    for key, (english, japanese) in WORDS.items():
        holes = [set(re.findall(r"\{(\w+)", words)) for words in (english, japanese)]
        assert holes[0] == holes[1], key


def test_text_stands_where_it_is_put_and_cannot_break_out() -> None:
    canvas = _canvas(theme=Theme.DARK)
    canvas.text(12, 30, '</text><script>&"\x00\x1b根拠', BODY, MUTED, strong=True)
    canvas.text(60, 20, "8", 20, FIRST, align=0.5, reverse=True)
    first, second = _parsed(canvas).findall(f"{SVG}text")
    assert first.text == '</text><script>&"��根拠'
    assert (first.get("x"), first.get("y"), first.get("font-size"), first.get("font-weight")) == (
        "12",
        "30",
        "13",
        "600",
    )
    assert first.get("fill") == _colour(MUTED, Theme.DARK)
    assert (second.get("text-anchor"), second.get("fill")) == ("middle", _colour(PAPER, Theme.DARK))


@pytest.mark.parametrize("scale", [1, 3])
def test_the_scale_makes_it_larger_and_text_wider(scale: int) -> None:
    canvas, text = _canvas(scale), "a caption that is wider than its picture"
    canvas.text(96, 30, text, BODY)
    wide = int(np.ceil(96 + width(text, BODY))) + MARGIN
    root = _parsed(canvas)
    assert (root.get("width"), root.get("height")) == (str(wide * scale), str(40 * scale))
    assert root.get("viewBox") == f"0 0 {wide} 40"
    assert canvas.size == (wide * scale, 40 * scale)


def test_more_than_4000_pixels_are_refused() -> None:
    with pytest.raises(ParameterError, match="so scale must be at most 3, not 4"):
        Vector(1001, 40, Style(4, form=Form.SVG))


def test_an_array_is_an_image_with_its_colours() -> None:
    canvas, indices = _canvas(), np.random.default_rng(1).integers(0, 200, (2, 1, 3, 5), np.uint8)
    canvas.tiles(Box(10, 8, 20, 14), (16, 30), indices, framed=False)
    images = _parsed(canvas).findall(f"{SVG}image")
    for place, image in enumerate(images):
        data = base64.b64decode(image.get(HREF, "").partition(",")[2])
        shown = np.asarray(Image.open(BytesIO(data)))
        assert [rgb("light", one) for one in indices[place, 0].ravel().tolist()] == [
            tuple(one) for one in shown.reshape(-1, 3)
        ]
        assert image.get("image-rendering") == "pixelated"
        assert [int(image.get(name, "")) for name in ("x", "y", "width", "height")] == [10, 8 + 16 * place, 10, 6]
    assert len(images) == 2


def test_a_ramp_of_one_colour_is_a_rectangle_and_what_has_no_area_is_left_out() -> None:
    """The bar of a scale whose limit is 0."""
    canvas = _canvas()
    canvas.ramp(Box(10, 8, 30, 14), NEUTRAL, NEUTRAL)
    canvas.fill(Box(10, 8, 10, 14), INK)
    canvas.fill(Box(10, 8, 30, 14), INK, 0)
    canvas.fill(Box(40, 8, 60, 14), FIRST, 0.25)
    _, _, ramp, share = _parsed(canvas)
    assert (ramp.tag, ramp.get("fill"), ramp.get("d")) == (f"{SVG}path", _colour(NEUTRAL), "M10 8h20v6H10z")
    assert (share.get("fill"), share.get("d")) == (_colour(FIRST), "M40 8h5v6H40z")


def test_a_large_array_is_compressed() -> None:
    canvas, colours = _canvas(), np.zeros((24, 24, 3), np.uint8)
    canvas.photo(Box(10, 8, 34, 32), colours)
    [image] = _parsed(canvas).findall(f"{SVG}image")
    data = base64.b64decode(image.get(HREF, "").partition(",")[2])
    assert (np.asarray(Image.open(BytesIO(data))) == colours).all()
    assert len(data) < 200


def test_an_outline_covers_what_it_covers_in_pixels() -> None:
    """The rectangles of each colour's path, painted one after the other."""
    groups = np.full((4, 4), NONE)
    groups[1:3, 1:4], groups[3, 0] = 0, 1
    vector, raster, box = _canvas(), Raster(120, 40, Style()), Box(10, 4, 42, 36)
    for canvas in (vector, raster):
        canvas.outline(box, groups, 2, FIRST)
        canvas.contour([Box(60, 4, 92, 36)], groups == 0, INK)
    painted = np.full((40, 120), PAPER)
    indices = {_colour(index): index for index in (PAPER, FIRST, INK)}
    for path in _parsed(vector).findall(f"{SVG}path")[1:]:
        for x, y, right, high in re.findall(r"M(\d+) (\d+)H(\d+)v(\d+)H\d+z", path.get("d", "")):
            painted[int(y) : int(y) + int(high), int(x) : int(right)] = indices[path.get("fill", "")]
    np.testing.assert_array_equal(painted, raster.pixels)


@pytest.mark.parametrize("colour", [POSITIVE, NEGATIVE])
def test_a_stroke_runs_from_end_to_end_in_its_colour(colour: int) -> None:
    vector, raster = _canvas(), Raster(120, 40, Style(4))
    for canvas in (vector, raster):
        canvas.stroke((20, 10), (80, 30), 6, colour)
    casing, line = _parsed(vector).findall(f"{SVG}path")[1:]
    assert (casing.get("stroke"), casing.get("stroke-width")) == (_colour(PAPER), "8")
    assert (line.get("stroke"), line.get("stroke-width"), line.get("d")) == (_colour(colour), "6", "M20 10L80 30")
    full = raster.pixels == colour
    assert full[10 * 4, 20 * 4]
    assert full[30 * 4 - 1, 80 * 4 - 1]
    assert not full[:, : 16 * 4].any()
    # Of a line of this length with round ends.
    area = 6 * np.hypot(60, 20) + np.pi * 9
    assert full.sum() / 16 == pytest.approx(area, rel=0.1)


def test_japanese_is_wrapped_between_letters_but_marks_stay() -> None:
    text = "この 2 領域を隠すと「7」と認識されます。"
    lines = wrapped(text, BODY, 100)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line, BODY) <= 100 + BODY for line in lines)
    assert not [line for line in lines if line[0] in "。、」" or line[-1] in "「"]


def test_a_png_in_japanese_is_refused() -> None:
    with pytest.raises(ValueError, match="a PNG has English words only; ask for an SVG"):
        Style(language=Language.JAPANESE)
