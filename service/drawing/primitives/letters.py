"""Letters: renders lines of text as arrays of shades, with caches."""

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import combining, east_asian_width, normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from konkyo.models.kept import Kept
from konkyo.service.drawing.primitives.colours import SHADES, Pixels

# Letters are drawn this many times larger and averaged, so that their spacing is exact to a quarter of a pixel. The
# font's hinting at 12 pixels would round it to whole pixels.
_FINENESS = 4

# Pillow's default font has no × and no −. They are drawn with the width and on the axis of the plus sign.
_DRAWN = "×−"
# Where a line may begin: after a space, and at a Japanese letter, unless the one before opens a bracket. Each with the
# marks that no line begins with.
_MARKS, _OPEN = "。、」）・ー", "「（"
_JAPANESE = "\u3041-\u30fa\u4e00-\u9fff"
_WORDS = re.compile(
    rf"(\s*)((?:[{_OPEN}]+[^{_JAPANESE}{_OPEN}\s]*)?(?:[{_JAPANESE}]|[^{_JAPANESE}{_OPEN}\s]+)[{_MARKS}]*|\S)"
)
# Thickness of the font's plus sign divided by the type size.
_STROKE = 0.075
# Bytes of the lines of text that are kept.
_MOST_KEPT = 4 * 2**20


class Letters(NamedTuple):
    """A line of text in pixels.

    Attributes
    ----------
    shades
        0…15, of which 0 is not drawn.
    left, ascent
        The offsets of the pixels from the line's origin and above its baseline.
    """

    shades: Pixels
    left: int
    ascent: int


_kept: Kept[Letters] = Kept(_MOST_KEPT, lambda line: line.shades.nbytes)


@lru_cache(maxsize=4096)
def width(text: str, size: int) -> float:
    """The width of a line of text, in the unit of its size."""
    pairs = zip(text, [*text[1:], ""], strict=True)
    return sum(_advance(*pair, size * _FINENESS) for pair in pairs) / _FINENESS


def cut(text: str, size: int, most: float) -> str:
    """The text, or as much of it as is at most ``most`` wide with an ellipsis at its end."""
    if width(text, size) <= most:
        return text
    kept = next((end for end in range(len(text) - 1, 1, -1) if width(f"{text[:end].rstrip()}…", size) <= most), 1)
    return f"{text[:kept].rstrip()}…"


def wrapped(text: str, size: int, most: float) -> list[str]:
    """The text in lines that are at most ``most`` wide. A word that is wider has a line of its own."""
    lines: list[str] = []
    for space, word in _WORDS.findall(text):
        longer = lines[-1] + (" " if space else "") + word if lines else word
        if lines and width(longer, size) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@lru_cache(maxsize=4096)
def writable(text: str) -> str | None:
    """The text in letters that the font has, accents left out where it has none; None where a letter is missing."""
    plain = "".join(one for one in normalize("NFKD", text) if not combining(one))
    missing = bytes(_font(_FINENESS * 4).getmask("\uffff"))
    known = all(one in _DRAWN or bytes(_font(_FINENESS * 4).getmask(one)) != missing for one in plain)
    return plain if plain and known else None


def letters(text: str, size: int, strong: bool) -> Letters:
    """A line of text of this size in pixels; the rest as in ``Canvas.text``."""
    return _kept.get((text, size, strong), lambda: _letters(text, size, strong))


def _letters(text: str, size: int, strong: bool) -> Letters:
    fine = size * _FINENESS
    # The array extends beyond both ends of the line, as the array of each glyph does.
    side = _side(size)
    columns = -(-(round(width(text, size) * _FINENESS) + 2 * side) // _FINENESS) * _FINENESS
    line = np.zeros((fine + _below(size), columns), np.uint8)
    x = 0.0
    for character, following in zip(text, [*text[1:], ""], strict=True):
        glyph = _glyph(character, size, strong)
        space = line[:, round(x) : round(x) + glyph.shape[1]]
        np.maximum(space, glyph[:, : space.shape[1]], out=space)
        x += _advance(character, following, fine)
    wide = np.stack([line[:, step::_FINENESS] for step in range(_FINENESS)]).sum(0, np.uint16)
    sums = np.stack([wide[step::_FINENESS] for step in range(_FINENESS)]).sum(0, np.uint16)
    shades = (sums * np.float32(SHADES / (255 * _FINENESS**2)) + np.float32(0.5)).astype(np.uint8)
    return Letters(shades, -side // _FINENESS, size)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so it has no font that can be scaled")
    return font


@lru_cache(maxsize=4096)
def _advance(character: str, following: str, size: int) -> float:
    """Distance in pixels from a character's origin to the next one's. ``following`` is empty at the end of a line."""
    if east_asian_width(character) in "WF":
        # The font has no such letter, and all that have are as wide as high.
        return float(size)
    font = _font(size)
    if following and east_asian_width(following) in "WF":
        following = ""
    pair = [("+" if sign in _DRAWN else sign) for sign in (character, following) if sign]
    return float(font.getlength("".join(pair)) - (font.getlength(pair[1]) if following else 0))


def _side(size: int) -> int:
    return -(-size // 4) * _FINENESS


def _below(size: int) -> int:
    return -(-size // 2) * _FINENESS


@lru_cache(maxsize=1024)
def _glyph(character: str, size: int, strong: bool) -> Pixels:
    """One character, 0…255, in ``_FINENESS`` times the size, with a margin."""
    fine = size * _FINENESS
    x, y = _side(size), fine
    glyph = Image.new("L", (round(_advance(character, "", fine)) + 2 * x, fine + _below(size)))
    draw = ImageDraw.Draw(glyph)
    if character in _DRAWN:
        _draw_sign(draw, character, x, y, fine)
    else:
        stroke = fine / 48 if strong else 0
        draw.text((x, y), character, fill=255, font=_font(fine), anchor="ls", stroke_width=stroke)
    return np.asarray(glyph)


def _draw_sign(draw: ImageDraw.ImageDraw, sign: str, x: int, y: int, size: int) -> None:
    left, top, right, bottom = _font(size).getbbox("+", anchor="ls")
    # Aligned to whole pixels after averaging, so that a minus sign is sharp.
    thickness = max(round(size / _FINENESS * _STROKE), 1) * _FINENESS
    axis = round((y + (top + bottom) / 2 - thickness / 2) / _FINENESS) * _FINENESS
    if sign == "−":
        # Shorter than the bar of the plus sign, so that it does not touch the next digit.
        inset = (right - left) / 12
        draw.rectangle((x + left, axis, x + right - 1 - inset, axis + thickness - 1), fill=255)
        return
    middle, height, arm = x + (left + right) / 2, axis + thickness / 2, (right - left) * 0.36
    for lean in (-arm, arm):
        draw.line((middle - lean, height - arm, middle + lean, height + arm), fill=255, width=thickness)
