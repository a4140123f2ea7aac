"""Colours: a palette of at most 255 entries for each theme, two scales that map numbers to entries, and photographs.

Pictures are drawn as palette indices. Without photographs, their PNGs have one byte for each pixel and need no
quantisation.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]

# Number of steps from the paper to a colour, for antialiased letters. Step 0 is the paper.
SHADES = 15
# Number of steps from zero to either end of the diverging scale, and from background to ink of an image.
_STEPS = 60
_GREYS = 32

# Indices of the palette, the same in both themes. The index of an ink is the last of its shades.
PAPER, HAIRLINE, TRACK = 0, 1, 2
_INK_COLOURS = 3
INK, MUTED, ACCENT, FIRST, SECOND = (_INK_COLOURS - 1 + SHADES * (place + 1) for place in range(5))
GREY = SECOND + 1
MIDDLE_GREY, INK_GREY = GREY + _GREYS // 2, GREY + _GREYS
NEGATIVE = GREY + _GREYS + 1
NEUTRAL = NEGATIVE + _STEPS
POSITIVE = NEUTRAL + _STEPS
# No entries of the palette: nothing is drawn yet; the pixel has a colour of its own.
NOTHING, PHOTO = 254, 255

# Brightness of red, green and blue (Rec. 709).
_BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722])
# A heatmap's colour goes by this share towards ink where a photograph is much darker than around, or lighter on dark
# paper. Added to both, so that dark parts are not all lines. Around: this share of the image's side, on each side.
_PRINT, _EVEN, _AROUND = 0.7, 0.08, 1 / 16
# Share of a photograph's contrast that is left where it is faded.
FADED = 0.28

# Teal is positive and ochre negative. They differ for every kind of colour vision, are equally light at each step, and
# differ from the red and the blue of the frames. The ends are lighter than the ink, so that ink is visible on them.
_COLOURS: dict[str, dict[str, tuple[str, ...]]] = {
    "light": {
        "solids": ("#ffffff", "#b4b8c0", "#e9ebee"),
        "inks": ("#1b1c20", "#666a73", "#0b766c", "#d7182a", "#1c5fd8"),
        "grey": ("#f5f4f1", "#1b1c20"),
        "negative": ("#f5f4f1", "#ebd7b1", "#d3a963", "#b27728", "#875008"),
        "positive": ("#f5f4f1", "#bfe0db", "#77bcb3", "#2f9288", "#06695f"),
    },
    "dark": {
        "solids": ("#15171b", "#50555f", "#2b2f36"),
        "inks": ("#f2f3f5", "#a1a7b2", "#35c4b5", "#ff5a5f", "#5c9dff"),
        "grey": ("#23262b", "#f2f3f5"),
        "negative": ("#23262b", "#553f1f", "#8a6023", "#ba802b", "#eaa53c"),
        "positive": ("#23262b", "#1b4a47", "#1c746d", "#239c91", "#36c6b8"),
    },
}


def palette(theme: str) -> bytes:
    """The palette of ``light`` or ``dark`` for a PNG: red, green and blue, 0…255, of each entry."""
    return _PALETTES[theme]


def rgb(theme: str, index: int) -> tuple[int, int, int]:
    """Red, green and blue, 0…255, of one entry."""
    red, green, blue = _PALETTES[theme][3 * index : 3 * index + 3]
    return red, green, blue


def colour_of(theme: str, indices: Pixels) -> Pixels:
    """(..., 3): red, green and blue, 0…255, of palette indices."""
    colours: Pixels = _channels_of(theme)[indices]
    return colours


@lru_cache
def hexadecimal(theme: str) -> tuple[str, ...]:
    """The colour of each index as ``#rrggbb``."""
    return tuple(f"#{bytes(one).hex()}" for one in _channels_of(theme))


def grey(values: Array) -> Pixels:
    """Palette indices of grey values: 0 is background and 1 is ink. Other values are clipped."""
    return (np.rint(np.clip(values, 0, 1) * _GREYS) + GREY).astype(np.uint8)


def signed_grey(values: Array, limit: float) -> Pixels:
    """Palette indices of weights and responses, which speak neither for nor against a class.

    0 is the middle grey, −``limit`` and below the background, ``limit`` and above ink. With ``limit`` 0 everything is
    the middle.
    """
    return grey(0.5 + values / (2 * limit)) if limit > 0 else np.full(np.shape(values), MIDDLE_GREY, np.uint8)


def diverging(values: Array, limit: float) -> Pixels:
    """Palette indices of signed numbers: 0 is ``NEUTRAL``, ±``limit`` are ``POSITIVE`` and ``NEGATIVE``.

    The scale is linear and symmetric. Values beyond the limit are clipped. With ``limit`` 0 everything is neutral.
    """
    if limit <= 0:
        return np.full(np.shape(values), NEUTRAL, np.uint8)
    steps: Array = np.rint(np.clip(values / limit, -1, 1) * _STEPS)
    return (steps + NEUTRAL).astype(np.uint8)


def photo(image: Array) -> Pixels:
    """(rows, columns, 3) red, green and blue, 0…255, of a colour image (3, rows, columns) in [0, 1]; clipped."""
    return np.rint(np.clip(np.moveaxis(image, 0, -1), 0, 1) * 255).astype(np.uint8)


def brightness(image: Array) -> Array:
    """(rows, columns): how light the pixels of a colour image (3, rows, columns) are, 0…1."""
    light: Array = np.tensordot(_BRIGHTNESS, np.clip(image, 0, 1), 1)
    return light


def faded(image: Array, theme: str) -> Pixels:
    """(rows, columns, 3): a colour image (3, rows, columns) in pale greys, near the paper."""
    paper, ink = (np.array(rgb(theme, index), float) for index in (PAPER, INK))
    dark, light = (paper, ink) if theme == "dark" else (ink, paper)
    grey_values = dark + brightness(image)[..., None] * (light - dark)
    pale: Pixels = np.rint(paper + FADED * (grey_values - paper)).astype(np.uint8)
    return pale


def printed(indices: Pixels, image: Array, theme: str) -> Pixels:
    """(rows, columns, 3): a heatmap of palette indices, with a colour image (3, rows, columns) drawn over it.

    Pixels that are darker than those around them darken the heat; on dark paper pixels that are lighter lighten it. So
    the image is seen by its edges, and even parts have exactly the heat's colour.
    """
    light = brightness(image) if theme == "light" else 1 - brightness(image)
    ratio = (light + _EVEN) / (_around(_around(light)) + _EVEN)
    share = _PRINT * (1 - np.minimum(ratio, 1))[..., None]
    heat, ink = _channels_of(theme)[indices].astype(float), np.array(rgb(theme, INK), float)
    colours: Pixels = np.rint(heat + share * (ink - heat)).astype(np.uint8)
    return colours


def _around(values: Array) -> Array:
    """The mean of the values around each pixel, (rows, columns)."""
    reach = max(round(_AROUND * len(values)), 1)
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        values = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis).mean(-1)
    return values


def limit_of(values: Array) -> float:
    """The greatest absolute value, which is the limit of a symmetric scale; 0 for an empty array."""
    return float(np.abs(values).max(initial=0))


def _channels(colours: tuple[str, ...]) -> Array:
    return np.array([list(bytes.fromhex(colour[1:])) for colour in colours], np.float64)


def _blend(anchors: Array, steps: int) -> Array:
    """(steps + 1, 3): colours interpolated between evenly spaced anchors."""
    places = np.linspace(0, len(anchors) - 1, steps + 1)
    return np.stack([np.interp(places, np.arange(len(anchors)), channel) for channel in anchors.T], axis=1)


def _palette(theme: str) -> bytes:
    colours = {name: _channels(anchors) for name, anchors in _COLOURS[theme].items()}
    paper = colours["solids"][0]
    entries = np.concatenate(
        [
            colours["solids"],
            *(_blend(np.stack([paper, ink]), SHADES)[1:] for ink in colours["inks"]),
            _blend(colours["grey"], _GREYS),
            _blend(colours["negative"], _STEPS)[:0:-1],
            _blend(colours["positive"], _STEPS),
        ]
    )
    channels: Pixels = np.rint(entries).astype(np.uint8)
    return channels.tobytes()


@lru_cache
def _channels_of(theme: str) -> Pixels:
    """(256, 3): red, green and blue of each entry; black behind the last."""
    entries = np.frombuffer(_PALETTES[theme], np.uint8).reshape(-1, 3)
    return np.pad(entries, ((0, PHOTO + 1 - len(entries)), (0, 0)))


_PALETTES: dict[str, bytes] = {theme: _palette(theme) for theme in _COLOURS}
