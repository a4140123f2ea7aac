"""Letters: lines of text as small arrays of shades, each made once."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.drawing.colours import SHADES, Pixels

# Letters are drawn so many times larger and averaged: their spacing is then exact to a quarter of a pixel, which
# the font's own hinting at 12 pixels is not.
_FINENESS = 4

# The default font has no × and no minus sign. Both are drawn with the plus sign's width and on its axis.
_DRAWN = "×−"
# The thickness of the font's own plus sign, as a part of its size.
_STROKE = 0.075


@lru_cache(maxsize=4096)
def width(text: str, size: int) -> float:
    """How wide a line of text is, in the unit of its size."""
    pairs = zip(text, [*text[1:], ""], strict=True)
    return sum(_advance(*pair, size * _FINENESS) for pair in pairs) / _FINENESS


@lru_cache(maxsize=4096)
def letters(text: str, size: int, strong: bool) -> tuple[Pixels, int, int]:
    """The shades of a line of text, 0…15; how far they begin right of its origin; how far above its baseline.

    ``size`` is in pixels. The array is shared: it must not be written to.
    """
    fine = size * _FINENESS
    # The line reaches beyond its origin and its end as far as each glyph's array beyond its own.
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
    shades.flags.writeable = False
    return shades, -side // _FINENESS, size


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so it has no font that can be scaled")
    return font


@lru_cache(maxsize=4096)
def _advance(character: str, following: str, size: int) -> float:
    """From a character's origin to that of the one after it, in pixels; an empty ``following`` ends the line."""
    font = _font(size)
    pair = [("+" if sign in _DRAWN else sign) for sign in (character, following) if sign]
    return float(font.getlength("".join(pair)) - (font.getlength(pair[1]) if following else 0))


def _side(size: int) -> int:
    return -(-size // 4) * _FINENESS


def _below(size: int) -> int:
    return -(-size // 2) * _FINENESS


@lru_cache(maxsize=1024)
def _glyph(character: str, size: int, strong: bool) -> Pixels:
    """One character, 0…255 and ``_FINENESS`` times finer than ``size`` pixels, with room around it."""
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
    # On whole pixels after averaging, or a minus sign would be a grey smear.
    thickness = max(round(size / _FINENESS * _STROKE), 1) * _FINENESS
    axis = round((y + (top + bottom) / 2 - thickness / 2) / _FINENESS) * _FINENESS
    if sign == "−":
        # A little shorter than the plus sign's bar, which would touch the next digit.
        inset = (right - left) / 12
        draw.rectangle((x + left, axis, x + right - 1 - inset, axis + thickness - 1), fill=255)
        return
    middle, height, arm = x + (left + right) / 2, axis + thickness / 2, (right - left) * 0.36
    for lean in (-arm, arm):
        draw.line((middle - lean, height - arm, middle + lean, height + arm), fill=255, width=thickness)
