"""The SVG says what the PNG shows. How Chromium paints it is in tests/e2e/test_svg.py."""

import base64
import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from konkyo.models.hiding.regions import FillKind
from konkyo.service.drawing.layout.words import WORDS, add_words, named, styled
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, Box
from konkyo.service.drawing.primitives.colours import FIRST, INK, MUTED, NEUTRAL, PAPER, POSITIVE, rgb
from konkyo.service.drawing.primitives.letters import width, wrapped
from konkyo.service.drawing.primitives.outline import NONE
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.drawing.primitives.vector import Vector
from support.pictures import decode
from tests.helpers.refuse import refuses
from tests.service.drawn import ANCHORS, SVG, lines_of, parsed
from tests.service.pictures import PICTURES

HREF = "{http://www.w3.org/1999/xlink}href"
ENGLISH, JAPANESE = Style(form=Form.SVG), Style(form=Form.SVG, language=Language.JAPANESE)
# One picture of each kind, and comparisons.
KINDS = "predict filters versus occlusion critical pairs shapley shapley-pairs interactions grounds process usage"
DRAWINGS = [f"gallery/{kind}" for kind in KINDS.split()]


def _canvas() -> Vector:
    return Vector(120, 40, ENGLISH)


def _colour(index: int, theme: Theme = Theme.LIGHT) -> str:
    return f"#{bytes(rgb(theme, index)).hex()}"


def check_harmless(root: ElementTree.Element) -> None:
    """It holds no script, no style and nothing of others."""
    kinds = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert kinds <= {"svg", "title", "path", "image", "text", "linearGradient", "stop", "use"}
    for one in root.iter():
        assert not [name for name in one.attrib if name.startswith("on") or name == "style"]
        assert one.get(HREF, "#").startswith(("#", "data:image/png;base64,"))
    names = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_is_as_large_as_the_png_harmless_and_has_a_title(name: str) -> None:
    svg = PICTURES[name].drawn(ENGLISH)
    root = parsed(svg)
    check_harmless(root)
    high, wide, _ = decode(PICTURES[name].drawn(Style())).shape
    assert (root.get("width"), root.get("height")) == (str(wide), str(high))
    assert root[0].text == lines_of(svg)[0].text, "the heading is the title"


def test_no_two_pictures_have_a_name_in_common() -> None:
    """In one document, what has the name of another is shown as the other."""
    names: dict[str, str] = {}
    for drawing in DRAWINGS:
        for theme in Theme:
            root = parsed(PICTURES[drawing].drawn(Style(theme=theme, form=Form.SVG)))
            own = {one.get("id", ""): f"{drawing} {theme}" for one in root.iter() if one.get("id")}
            used = {one.get(HREF, "").lstrip("#") for one in root.iter(f"{SVG}use")}
            used |= {one.get("fill", "")[5:-1] for one in root.iter() if one.get("fill", "").startswith("url(")}
            assert used == own.keys()
            assert not own.keys() & names.keys(), drawing
            names |= own
    assert len(names) > 2 * len(DRAWINGS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_in_japanese_nothing_is_left_in_english_or_cut_off(name: str) -> None:
    root = parsed(PICTURES[name].drawn(JAPANESE))
    check_harmless(root)
    texts = [text.text or "" for text in root.findall(f"{SVG}text")]
    assert root.get("lang") == "ja"
    allowed = {"python", "trainer", "study", "filters", "model", "paired", "ReLU"}
    assert {word for text in texts for word in re.findall("[A-Za-z]{4,}", text)} <= allowed
    assert any(re.search("[ぁ-んァ-ヶ一-龠]", text) for text in texts)
    for text in root.findall(f"{SVG}text"):
        x, anchor = float(text.get("x", "")), ANCHORS[text.get("text-anchor")]
        assert x + (1 - anchor) * float(text.get("textLength", "0")) <= int(root.get("width", ""))
        assert x - anchor * float(text.get("textLength", "0")) >= 0


def test_both_languages_say_the_same_things() -> None:
    for key, (english, japanese) in WORDS.items():
        holes = [set(re.findall(r"\{(\w+)", words)) for words in (english, japanese)]
        assert holes[0] == holes[1], key


def test_what_hiding_makes_has_a_name_in_each_language() -> None:
    """One that nobody has translated is called as it is asked for."""
    with styled(JAPANESE):
        assert [named(kind) for kind in FillKind if named(kind).isascii()] == []
        assert named("nobody's") == "nobody's"


def test_no_picture_changes_the_words_of_another() -> None:
    with refuses(ValueError, "there are words for hiding, stage already"):
        add_words({"stage": ("stage", "段"), "hiding": ("", ""), "nobody's": ("word", "語")})
    assert "nobody's" not in WORDS


def test_text_cannot_break_out_and_what_is_wide_makes_it_wider() -> None:
    canvas = Vector(120, 40, Style(3, Theme.DARK, Form.SVG))
    text = '</text><script>&"\x00\x1b根拠, a caption that is wider than its picture'
    canvas.text(12, 30, text, BODY, MUTED)
    root = parsed(canvas.encode())
    [line] = root.findall(f"{SVG}text")
    assert line.text == text.replace("\x00\x1b", "��")
    assert line.get("fill") == _colour(MUTED, Theme.DARK)
    wide = int(np.ceil(12 + width(text, BODY))) + MARGIN
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (str(wide * 3), "120", f"0 0 {wide} 40")


def test_an_array_is_an_image_with_its_colours_and_a_large_one_is_compressed() -> None:
    canvas, indices = _canvas(), np.random.default_rng(1).integers(0, 200, (2, 1, 3, 5), np.uint8)
    canvas.tiles(Box(10, 8, 20, 14), (16, 30), indices, framed=False)
    canvas.photo(Box(40, 8, 64, 32), np.zeros((24, 24, 3), np.uint8))
    images = parsed(canvas.encode()).findall(f"{SVG}image")
    files = [base64.b64decode(image.get(HREF, "").partition(",")[2]) for image in images]
    shown = [np.asarray(Image.open(BytesIO(data))) for data in files]
    for place, (image, colours) in enumerate(zip(images[:2], shown[:2], strict=True)):
        assert (colours == [[rgb("light", one) for one in row] for row in indices[place, 0].tolist()]).all()
        assert image.get("image-rendering") == "pixelated"
        assert [int(image.get(name, "")) for name in ("x", "y", "width", "height")] == [10, 8 + 16 * place, 10, 6]
    assert shown[2].shape == (24, 24, 3)
    assert not shown[2].any()
    assert len(files[2]) < 200


def test_a_ramp_of_one_colour_is_a_rectangle_and_what_has_no_area_is_left_out() -> None:
    """The bar of a scale whose limit is 0."""
    canvas = _canvas()
    canvas.ramp(Box(10, 8, 30, 14), NEUTRAL, NEUTRAL)
    canvas.fill(Box(10, 8, 10, 14), INK)
    canvas.fill(Box(10, 8, 30, 14), INK, 0)
    canvas.fill(Box(40, 8, 60, 14), FIRST, 0.25)
    _, _, ramp, share = parsed(canvas.encode())
    assert (ramp.tag, ramp.get("fill"), ramp.get("d")) == (f"{SVG}path", _colour(NEUTRAL), "M10 8h20v6H10z")
    assert (share.get("fill"), share.get("d")) == (_colour(FIRST), "M40 8h5v6H40z")


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
    for path in parsed(vector.encode()).findall(f"{SVG}path")[1:]:
        for x, y, right, high in re.findall(r"M(\d+) (\d+)H(\d+)v(\d+)H\d+z", path.get("d", "")):
            painted[int(y) : int(y) + int(high), int(x) : int(right)] = indices[path.get("fill", "")]
    np.testing.assert_array_equal(painted, raster.pixels)


def test_a_stroke_has_its_colour_and_paper_around_it() -> None:
    canvas = _canvas()
    canvas.stroke((20, 10), (80, 30), 6, POSITIVE)
    casing, line = parsed(canvas.encode()).findall(f"{SVG}path")[1:]
    assert (casing.get("stroke"), casing.get("stroke-width")) == (_colour(PAPER), "8")
    assert (line.get("stroke"), line.get("stroke-width"), line.get("d")) == (_colour(POSITIVE), "6", "M20 10L80 30")


def test_japanese_is_wrapped_between_letters_but_marks_stay() -> None:
    text = "この 2 領域を隠すと「7」と認識されます。"
    lines = wrapped(text, BODY, 100)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line, BODY) <= 100 + BODY for line in lines)
    assert not [line for line in lines if line[0] in "。、」" or line[-1] in "「"]
