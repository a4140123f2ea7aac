"""The handout: grounds as one HTML file that works without the service.

It holds the picture, the image, and the logits under every hiding as a sum of small games, in float64. Its script adds
up as the service does, so that its answer to each of the 2ⁿ hidings is the service's.
"""

import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.regions import filled
from konkyo.models.network import Array
from konkyo.service import drawing
from konkyo.service.drawing.primitives.colours import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    PAPER,
    TRACK,
    colour_of,
    grey,
    hexadecimal,
    photo,
)
from konkyo.service.drawing.primitives.encoding import encoded
from konkyo.service.drawing.primitives.style import Language, Style

_HERE = Path(__file__).parent
_PAGE = Template((_HERE / "page.html").read_text())
# It writes numbers as the page does, whose script is a module.
_MODULE = (_HERE.parent / "web" / "scripts" / "answers" / "numbers.js").read_text()
_SCRIPT = f'"use strict";\n{_MODULE.replace("export function", "function")}{(_HERE / "hiding.js").read_text()}'
_HASH = b64encode(sha256(_SCRIPT.encode()).digest()).decode()

# English and Japanese.
_WORDS = {
    "heading": ("Hide any regions", "領域を自由に隠す"),
    "how": (
        "Click a region to hide it or show it again. This page computes each answer itself, exactly, for all $ways "
        "ways to hide the $players regions.",
        "領域をクリックすると、隠したり表示したりできます。$players 領域の隠し方 $ways 通りのすべてについて、"
        "このページだけで正確に計算します。",
    ),
    "all": ("Show all", "すべて表示"),
    "none": ("Hide all", "すべて隠す"),
    "kept": ("Hide all but the grounds", "根拠以外を隠す"),
    "contrast": ("Hide those that change it", "結果を変える領域を隠す"),
    "predicted": (
        "{count} of {players} regions hidden: {name}, {share}",
        "{players} 領域中 {count} 個を隠す: 「{name}」{share}",
    ),
    "region": ("region in row {row}, column {column}", "領域 {row} 行 {column} 列"),
}


def handout(result: Grounds, style: Style = Style()) -> bytes:
    """The HTML file.

    Parameters
    ----------
    result
        With its games.
    style
        The theme and the language; an SVG's.

    Raises
    ------
    ValueError
        The games were not requested.
    """
    if result.games is None:
        raise ValueError("the result holds no games; grounds keeps them with tables=True")
    words = {key: both[style.language is Language.JAPANESE] for key, both in _WORDS.items()}
    regions, columns = result.hiding.regions, result.hiding.regions.grid[1]
    players = [row * columns + column for row, column in result.players]
    data = {
        "classes": list(result.network.classes),
        "predicted": result.predicted,
        "side": result.network.architecture.side,
        "columns": columns,
        "boxes": [list(regions.box(*divmod(place, columns))) for place in range(regions.count)],
        "players": players,
        "kept": [row * columns + column for row, column in result.sufficient.regions],
        "contrast": [row * columns + column for row, column in result.contrast.regions] if result.contrast else [],
        "hidden": [row * columns + column for row, column in result.tried.regions] if result.tried else [],
        "constant": result.games.constant.tolist(),
        "games": [
            {"players": game.players.tolist(), "table": _base64(np.ascontiguousarray(game.table, "<f8").tobytes())}
            for game in result.games.games
        ],
        "words": {key: words[key] for key in ("predicted", "region")},
    }
    colours = hexadecimal(style.theme)
    inks = {"paper": PAPER, "ink": INK, "muted": MUTED, "track": TRACK, "accent": ACCENT, "contrast": NEGATIVE}
    how = Template(words.pop("how")).substitute(ways=f"{2 ** len(players):,}", players=len(players))
    return _PAGE.substitute(
        {f"word_{key}": escape(text) for key, text in words.items()},
        word_how=escape(how),
        language=style.language,
        title=escape(f"Konkyo: {result.label}"),
        scheme=style.theme,
        picture=drawing.grounds(replace(result, tried=None), style).encode().decode(),
        image=_picture(result.image, style.theme),
        empty=_picture(np.asarray(filled(result.image, result.hiding.fill)), style.theme),
        # Within a script element only "</" ends it.
        data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
        script=_SCRIPT,
        hash=_HASH,
        **{f"colour_{name}": colours[index] for name, index in inks.items()},
    ).encode()


def _picture(image: Array, theme: str) -> str:
    """The image of the network as a data URL, in the colours of the theme."""
    colours = colour_of(theme, grey(image)) if image.ndim == 2 else photo(image)
    return f"data:image/png;base64,{_base64(encoded(colours))}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
