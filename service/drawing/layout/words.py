"""Every word of the pictures, in each language, and the style in which a picture is being drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec

from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Language, Style

P = ParamSpec("P")

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

# English and Japanese.
WORDS = {
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
    "logit of": ("logit of {name}", "「{name}」のロジット"),
    "difference": ("{target} − {versus}", "{target} − {versus}"),
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
    # The prediction.
    "predicted": ("predicted {name}", "「{name}」と認識"),
    "predicted, probability": ("{name}, {share}", "「{name}」{share}"),
    # Filter pairs.
    "why": ("predicted {name}: why {target}{contrast}?", "「{name}」と認識。なぜ「{target}」{contrast}か"),
    "and not": (" and not {versus}", "で「{versus}」ではないの"),
    "nothing": ("", "なの"),
    "per cell": ("per cell", "マスごと"),
    "per cells": ("per {block}×{block} cells", "{block}×{block} マスごと"),
    "typical": (
        "Use of filters: more usual than in {share} of correctly predicted {images}.",
        "フィルタの使い方は、正しく認識された{images}の {share} より典型的。",
    ),
    "many images": ("images of {name}", "「{name}」の画像"),
    "many digits": ("{name}s", "「{name}」の画像"),
    "filter biases": ("filter biases", "フィルタのバイアス"),
    "class bias": ("class bias", "クラスのバイアス"),
    "class biases": ("class biases", "クラスのバイアス"),
    "sum of pairs": ("{pairs}", "{pairs}の合計"),
    "others": ("others", "組の合計"),
    "and others": ("+ {count}", "ほか {count}"),
    # Occlusion.
    "occlusion": (
        "predicted {name}: which regions speak for {target}{contrast}",
        "「{name}」と認識。「{target}」を支える領域{contrast}",
    ),
    "occlusion versus": (" and not {versus}", "(「{versus}」との差)"),
    "score": ("{score} of {name}", "「{name}」の{score}"),
    "score logit": ("logit", "ロジット"),
    "score probability": ("probability", "確率"),
    "drop": ("drop in {score}", "{score}の低下"),
    "critical": (
        "{hiding}; {critical} of {regions} critical",
        "{hiding}。隠すと変わる領域 {regions} 個中 {critical} 個",
    ),
    "hide one region": ("hide one region", "中の領域を"),
    "in here": ("in here:", "1 つ隠すと"),
    "no longer": ("no longer {name}", "「{name}」でなくなる"),
    "is predicted": ("{name} is predicted", "「{name}」と認識"),
    "drops": (
        "predicted {name}: what each filter pair takes from where, for {of}",
        "「{name}」と認識。フィルタの組が画像のどこから「{of}」の値を得るか",
    ),
    "drops note": (
        "Colour: by how much a pair’s contribution to {of} falls when the pixel is hidden.",
        "色: その画素を隠したとき、組の「{of}」への貢献度が下がる量。",
    ),
    "drop of pair": ("drop", "低下"),
    "hidden": ("Hidden: {hiding}.", "隠し方: {hiding}。"),
    # Shapley values.
    "shapley": ("predicted {name}: what each region adds to {of}", "「{name}」と認識。各領域が「{of}」に加える値"),
    "shapley pairs": (
        "predicted {name}: what each region adds to each pair, for {of}",
        "「{name}」と認識。「{of}」について各領域が各組に加える値",
    ),
    "shapley note": (
        "Colour: what the region adds to a pair’s contribution to {of}, its Shapley value; the number is their sum.",
        "色: 領域が組の「{of}」への貢献度に加える値 (シャープレイ値)。数字はその和。",
    ),
    "all hidden": ("all hidden", "すべて隠したとき"),
    "all hidden: predicted": ("all hidden: predicted", "すべて隠すと"),
    "all regions": ("all regions", "全領域"),
    "value": ("Shapley value", "シャープレイ値"),
    "exact": ("{hiding}; exact over all combinations", "{hiding}。全組み合わせでの厳密値"),
    # Interactions.
    "interactions": (
        "predicted {name}: how regions work together for {of}",
        "「{name}」と認識。「{of}」に対する領域どうしの働き",
    ),
    "interaction": ("interaction", "相互作用"),
    "strongest": ("The strongest of {count}:", "{count}のうち最大:"),
    "interactions note": (
        "Teal line: two regions add more together than each alone; ochre: less.",
        "青緑の線: 2 領域が、別々のときより多く加える。黄土色: 少なく加える。",
    ),
    "interactions note, second line": (
        "Without a line: less than {least}; far regions have exactly 0.",
        "線のない 2 領域は {least} 未満。遠い領域どうしは厳密に 0。",
    ),
    # Grounds.
    "grounds": ("predicted {name}: the grounds", "「{name}」と認識。その根拠"),
    "empty": (
        "{hiding}; with everything hidden, {name} is predicted, {share}",
        "{hiding}。すべて隠すと「{name}」{share}",
    ),
    "keep nothing": ("Keep nothing: {stays}", "何も残さなくても{stays}"),
    "keep one": ("Keep this: {stays}", "ここを残せば{stays}"),
    "keep": ("Keep these: {stays}", "枠内を残せば{stays}"),
    "hide anything": ("Hide anything: {stays}", "何を隠しても{stays}"),
    "hide one": ("Hide this: it becomes {name}", "ここを隠すと「{name}」になる"),
    "hide": ("Hide these: it becomes {name}", "これらを隠すと「{name}」になる"),
    "tried, stays": ("Hidden here: it stays {name}", "これらを隠しても「{name}」のまま"),
    "tried, changes": ("Hidden here: it becomes {name}", "これらを隠すと「{name}」になる"),
    "tried": (
        "With {regions} hidden, {name} is predicted, {share}.",
        "{regions}を隠すと「{name}」と認識されます ({share})。",
    ),
    "stays": ("it stays {name}", "「{name}」のまま"),
    "nothing to hide": (
        "No region holds anything but the fill value, so there is nothing to hide.",
        "どの領域も隠した値と同じなので、隠すものがありません。",
    ),
    "none needed": (
        "No region is needed. However the {players} are hidden, in any of {ways} ways, {stays}.",
        "必要な領域はありません。{players} 領域をどう隠しても ({ways} 通り)、{stays}です。",
    ),
    "all needed": ("All {players} regions are needed.", "{players} 領域のすべてが必要です。"),
    "needed, one free": (
        "{kept} of {regions}. However the other one is hidden, in any of {ways} ways, {stays}.",
        "{regions}のうち {kept} 個。残る 1 個を隠しても ({ways} 通り)、{stays}です。",
    ),
    "needed": (
        "{kept} of {regions}. However the other {free} are hidden, in any of {ways} ways, {stays}.",
        "{regions}のうち {kept} 個。残る {free} 個をどう隠しても ({ways} 通り)、{stays}です。",
    ),
    "smallest": ("Proven: no smaller set suffices.", "証明済み: これより少ない領域では足りません。"),
    "irreducible": ("Proven: none of them can be left out.", "証明済み: どの 1 つも省けません。"),
    "whatever": ("Whatever is hidden, {stays}.", "何を隠しても{stays}です。"),
    "contrast of one": (
        "With this region hidden, {name} is predicted.",
        "この領域を隠すと「{name}」と認識されます。",
    ),
    "contrast": (
        "With these {count} regions hidden, {name} is predicted. Hiding fewer than {count} never changes the answer.",
        "この {count} 領域を隠すと「{name}」と認識されます。{count} 個より少なく隠しても結果は変わりません。",
    ),
    # The process.
    "process": ("predicted {name}: step by step{against}", "「{name}」と認識。認識の過程{against}"),
    "against": (", pairs for {of}", "(組は「{of}」について)"),
    "pooled": ("pooled", "プール"),
    "hidden layer": ("hidden", "隠れ層"),
    "hidden layer of many": ("hidden {number}", "隠れ層 {number}"),
    "affine": ("affine", "アフィン"),
    "head": ("head, gates of this image", "ヘッド (この画像での重み)"),
    "sizes": ("{maps} of {cells}×{cells}", "{cells}×{cells} の{maps}"),
    "size in colour": ("{side}×{side}, colour", "{side}×{side}、カラー"),
    "field": ("{classes} classes × {sizes}", "{classes} クラス × {sizes}"),
    "weights, first line": ("Filters: grey is 0, ink", "フィルタの灰色は 0、"),
    "weights, second line": ("the largest weight.", "濃い色は最大の重み"),
    "plus others": ("+ {count}", "{count}"),
    "before ReLU": ("before ReLU", "ReLU の前"),
    "after ReLU": ("after ReLU", "ReLU の後"),
    "logits": ("logit", "ロジット"),
    "sum + bias": ("sum + bias", "和+バイアス"),
    "classes": ("class", "クラス"),
    # The use of filters.
    "usage": ("{name}: which filter pairs each class uses", "{name}: クラスごとのフィルタの組の使い方"),
    "not studied": (
        "Not studied yet; this does it: python -m trainer study filters --model {name}",
        "まだ調べていません。調べるには: python -m trainer study filters --model {name}",
    ),
    "kernels": ("stage {number}, {filters} of {kernels} kernels", "段 {number}、{kernels} カーネルの{filters}"),
    "largest kernels": (
        "stage {number}, {filters}: of {kernels} kernels the largest",
        "段 {number}、{filters} ({kernels} カーネル中の最大)",
    ),
    "places note": (
        "Red is first, blue second; no blue where first has {share:.0%}.",
        "赤枠は 1 位、青枠は 2 位。1 位が {share:.0%} 以上なら青枠なし。",
    ),
    "bars note": (
        "Bars: what the pair adds to the class’s logit, on average;",
        "棒: 組がクラスのロジットに加える値の平均。",
    ),
    "bars note, second line": (
        "of the pairs that add or take most, and the sum of the others.",
        "加減の大きい組と、ほかの組の合計。",
    ),
    "cells note": (
        "Rows are maps that enter stage {stage}, columns its filters.",
        "行は段 {stage} に入るマップ、列はそのフィルタ。",
    ),
    "cells note, second line": (
        "Colour: what the pair adds to the class’s logit, on average.",
        "色: 組がクラスのロジットに加える値の平均。",
    ),
    "percent note": (
        "Percent: training images in which the pair adds most.",
        "%: その組が最も貢献した訓練画像の割合。",
    ),
}


def picture(draw: Callable[P, Canvas]) -> Callable[P, Canvas]:
    """Of what draws a picture in a given style: makes its words those of the style's language."""

    @wraps(draw)
    def drawn(*arguments: P.args, **named: P.kwargs) -> Canvas:
        style = next((one for one in (*arguments, *named.values()) if isinstance(one, Style)), Style())
        with styled(style):
            return draw(*arguments, **named)

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


def times(count: int, one: str) -> str:
    """A number of things: ``3 regions``."""
    single, several, japanese = _COUNTED[one]
    words = japanese if _STYLE.get().language is Language.JAPANESE else single if count == 1 else several
    return words.format(f"{count:,}")
