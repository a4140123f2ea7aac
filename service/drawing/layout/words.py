"""The words that several pictures share, in each language, and the style in which a picture is being drawn.

What one picture alone says stands in its file: ``add_words``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Protocol, TypeVar

from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Language, Style

R = TypeVar("R", contravariant=True)

# Layouts measure words long before they are written, so the style is known to all that runs while a picture is drawn.
_STYLE = ContextVar("style", default=Style())

# A number of things: one of them, several of them, and in Japanese.
_COUNTED = {
    "image": ("{} image", "{} images", "{} 枚"),
    "map": ("{} map", "{} maps", "マップ {} 枚"),
    "filter": ("{} filter", "{} filters", "フィルタ {} 枚"),
    "other": ("{} other", "{} others", "ほか {} 個"),
    "other pair": ("{} other", "{} others", "ほか {} 組"),
    "pair": ("{} pair", "{} pairs", "{} 組"),
    "region": ("{} region", "{} regions", "{} 領域"),
    "two regions": ("{} pair of regions", "{} pairs of regions", "2 領域の組 {} 個"),
    "value": ("{} value", "{} values", "{} 個の値"),
}

# English and Japanese. With those that pictures add, all of them.
WORDS: dict[str, tuple[str, str]] = {
    # Names.
    "class": ("class {number}", "クラス {number}"),
    "map": ("map {number}", "マップ {number}"),
    "filter": ("filter {number}", "フィルタ {number}"),
    "pair": ("{below} × filter {filter}", "{below} × フィルタ {filter}"),
    "red": ("red", "赤"),
    "green": ("green", "緑"),
    "blue": ("blue", "青"),
    "image": ("image", "画像"),
    "first": ("first", "1 位"),
    "second": ("second", "2 位"),
    "place": ("{place}: {pair}", "{place}: {pair}"),
    "stage": ("stage {number}", "段 {number}"),
    "logit": ("logit {name}", "「{name}」のロジット"),
    "difference": ("{target} − {versus}", "{target} − {versus}"),
    # What stands in the place of hidden pixels, by the names of FillKind.
    "blur": ("blur", "ぼかし"),
    "background": ("background", "背景"),
    "hiding": (
        "regions of {side}×{side} pixels, stride {step}, fill {fill}",
        "領域 {side}×{side} 画素、間隔 {step}、隠した画素の値 {fill}",
    ),
    "maps and filters": (
        "Maps: of stage {map}. Filters: of stage {filter}.",
        "マップは段 {map}、フィルタは段 {filter}。",
    ),
    "filters": ("Filters: of stage 1.", "フィルタは段 1。"),
    "weights": (
        "Filters: grey is 0, ink the stage’s largest weight.",
        "フィルタの灰色は 0、濃い色はその段で最大の重み。",
    ),
    "weights in colour": (
        "Filters of stage 1: a weight each for red, green and blue, in their colours.",
        "段 1 のフィルタは、赤・緑・青それぞれの重みをその色で表示。",
    ),
    # Filter pairs.
    "per cell": ("per cell", "マスごと"),
    "many images": ("images of {name}", "「{name}」の画像"),
    "many digits": ("{name}s", "「{name}」の画像"),
    "filter biases": ("filter biases", "フィルタのバイアス"),
    "sum of pairs": ("{pairs}", "{pairs}の合計"),
    "others": ("others", "組の合計"),
    "and others": ("+ {count}", "ほか {count}"),
    # Regions.
    "hidden": ("Hidden: {hiding}.", "隠し方: {hiding}。"),
    "exact": ("{hiding}; exact over all combinations", "{hiding}。全組み合わせでの厳密値"),
    # Layers.
    "pooled": ("pooled", "プール"),
    "hidden layer": ("hidden", "隠れ層"),
    "hidden layer of many": ("hidden {number}", "隠れ層 {number}"),
    "sizes": ("{maps} of {cells}×{cells}", "{cells}×{cells} の{maps}"),
    "field": ("{classes} classes × {sizes}", "{classes} クラス × {sizes}"),
    "plus others": ("+ {count}", "{count}"),
    "kernels": ("stage {number}, {filters} of {kernels} kernels", "段 {number}、{kernels} カーネルの{filters}"),
    "largest kernels": (
        "stage {number}, {filters}: of {kernels} kernels the largest",
        "段 {number}、{filters} ({kernels} カーネル中の最大)",
    ),
}


def add_words(words: Mapping[str, tuple[str, str]]) -> None:
    """Add what a picture alone says: English and Japanese.

    Raises
    ------
    ValueError
        Another picture has a word of this key.
    """
    if taken := WORDS.keys() & words.keys():
        raise ValueError(f"there are words for {', '.join(sorted(taken))} already")
    WORDS.update(words)


class Draw(Protocol[R]):
    """Draws a result."""

    def __call__(self, result: R, style: Style = ...) -> Canvas:
        """The picture, in this style."""


def picture(draw: Callable[[R, Style], Canvas]) -> Draw[R]:
    """Of what draws a result in a given style: makes its words those of the style's language."""

    @wraps(draw)
    def drawn(result: R, style: Style = Style()) -> Canvas:
        with styled(style):
            return draw(result, style)

    return drawn


@contextmanager
def styled(style: Style) -> Iterator[None]:
    """What is written meanwhile is written in this style."""
    token = _STYLE.set(style)
    try:
        yield
    finally:
        _STYLE.reset(token)


def style_now() -> Style:
    """The style of the picture that is being drawn."""
    return _STYLE.get()


def say(key: str, **values: object) -> str:
    """The words for this, in the language of the picture."""
    english, japanese = WORDS[key]
    return (japanese if _STYLE.get().language is Language.JAPANESE else english).format(**values)


def named(name: str) -> str:
    """The word for a name of the service's; without one the name itself, which is English."""
    return say(name) if name in WORDS else name


def times(count: int, one: str) -> str:
    """A number of things: ``3 regions``."""
    single, several, japanese = _COUNTED[one]
    words = japanese if _STYLE.get().language is Language.JAPANESE else single if count == 1 else several
    return words.format(f"{count:,}")
