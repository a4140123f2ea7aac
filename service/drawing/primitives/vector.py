"""The canvas of an SVG (W3C SVG 1.1): text as text, lines and areas as paths, small arrays as images without smoothing.

No scripts, no style sheets and no links: it is drawn as it stands wherever SVG is.
"""

import re
from binascii import b2a_base64
from collections.abc import Hashable, Iterable
from hashlib import sha256
from html import escape
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from konkyo.service.drawing.primitives.canvas import CASING, DOT, Box, Canvas
from konkyo.service.drawing.primitives.colours import (
    HAIRLINE,
    INK,
    PAPER,
    Array,
    Pixels,
    colour_of,
    hexadecimal,
)
from konkyo.service.drawing.primitives.encoding import encoded
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.outline import Groups, Run, around, edges
from konkyo.service.drawing.primitives.style import Language, Style

# The font of the PNG is like Helvetica. Liberation Sans and Arial have the same widths as Helvetica.
_LATIN = "Helvetica Neue, Helvetica, Arial, Liberation Sans"
_FONTS = {
    Language.ENGLISH: f"{_LATIN}, Noto Sans, Noto Sans CJK JP, sans-serif",
    Language.JAPANESE: f"{_LATIN}, Hiragino Sans, Yu Gothic, Meiryo, Noto Sans CJK JP, Noto Sans JP, sans-serif",
}
# A ramp's colours between two stops lie on a line: the scales bend at every fifteenth index.
_STOPS = 9
_ANCHORS = {0: "start", 0.5: "middle", 1: "end"}
# What XML 1.0 has no way to write.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Stands in a name for the digest of the drawing, until all of it is known. No text has it.
_DIGEST = "\0"


class Vector(Canvas):
    """A canvas that becomes an SVG."""

    def __init__(self, width: int, height: int, style: Style) -> None:
        super().__init__(width, height, style)
        self._colours = hexadecimal(style.theme)
        self._title = ""
        self._parts: list[str] = []
        self._names = 0

    def encode(self) -> bytes:
        self.check_size()
        across, down = self.size
        head = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{across}" height="{down}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'lang="{self.style.language}" font-family="{_FONTS[self.style.language]}">'
            f"<title>{_escaped(self._title)}</title>"
        )
        paper = f'<path fill="{self._colours[PAPER]}" d="M0 0h{self.width}v{self.height}H0z"/>'
        drawn = "\n".join([head, paper, *self._parts, "</svg>\n"])
        return drawn.replace(_DIGEST, sha256(drawn.encode()).hexdigest()[:12]).encode()

    def heading(self, text: str) -> None:
        self._title = text
        super().heading(text)

    def fill(self, box: Box, colour: int, share: float = 1) -> None:
        if box.width * share > 0 and box.height > 0:
            self._path(f"M{box.left} {box.top}h{_short(share * box.width)}v{box.height}H{box.left}z", colour)

    def ramp(self, box: Box, first: int, last: int, upright: bool = False) -> None:
        if first == last:
            self.fill(box, first)
            return
        name = self._name("ramp")
        stops = "".join(
            f'<stop offset="{_short(100 * place / (_STOPS - 1))}%" '
            f'stop-color="{self._colours[round(first + (last - first) * place / (_STOPS - 1))]}"/>'
            for place in range(_STOPS)
        )
        end = 'x2="0" y2="1"' if upright else 'x2="1" y2="0"'
        self._parts.append(
            f'<linearGradient id="{name}" x1="0" y1="0" {end}>{stops}</linearGradient>'
            f'<path fill="url(#{name})" d="{_rectangle(box)}"/>'
        )

    def frame(self, box: Box, colour: int = HAIRLINE, thickness: int = 1, gap: int = 0) -> None:
        left, top, right, bottom = (float(edge) for edge in box.grow(gap))
        left, top, right, bottom = (
            edge + by * thickness / 2 for edge, by in zip((left, top, right, bottom), (-1, -1, 1, 1), strict=True)
        )
        self._parts.append(
            f'<path fill="none" stroke="{self._colours[colour]}" stroke-width="{thickness}" '
            f'd="M{_short(left)} {_short(top)}H{_short(right)}V{_short(bottom)}H{_short(left)}z"/>'
        )

    def tiles(self, first: Box, pitch: tuple[int, int], indices: Pixels, framed: bool = True) -> None:
        rows, columns = indices.shape[:2]
        boxes = [first.shift(column * pitch[1], row * pitch[0]) for row in range(rows) for column in range(columns)]
        if framed:
            self._path("".join([_rectangle(box.grow(1)) for box in boxes]), HAIRLINE)
        if indices[0, 0].size == 1:
            for box, index in zip(boxes, indices.ravel().tolist(), strict=True):
                self.fill(box, index)
            return
        colours = colour_of(self.style.theme, indices)
        for box, some in zip(boxes, colours.reshape(-1, *colours.shape[2:]), strict=True):
            self._image(box, some)

    def photo(self, box: Box, colours: Pixels, framed: bool = True) -> None:
        if framed:
            self.frame(box)
        self._image(box, colours)

    def dots(self, box: Box, areas: Array) -> None:
        side = box.width / areas.shape[1]
        radii = np.sqrt(np.clip(areas, 0, 1)) * (side * DOT / 2)
        rows, columns = np.nonzero(radii)
        # Each from its left end, in two half circles.
        each = zip(
            (box.left + (columns + 0.5) * side - radii[rows, columns]).tolist(),
            (box.top + (rows + 0.5) * side).tolist(),
            radii[rows, columns].tolist(),
            strict=True,
        )
        self._path("".join("M%.6g %.6ga%.3g %.3g 0 1 1 0 .001z" % (x, y, r, r) for x, y, r in each), INK)  # noqa: UP031

    def outline(self, box: Box, groups: Groups, thickness: int, colour: int = INK) -> None:
        side, found = box.width // groups.shape[1], edges(groups)
        for wide, shade in ((thickness + CASING, PAPER), (thickness, colour)):
            self._runs(box, found, _thirds(groups, side, wide), shade)

    def contour(self, boxes: Iterable[Box], inside: NDArray[np.bool_], colour: int) -> None:
        boxes = list(boxes)
        name = self._name("contour")
        places = _thirds(inside, boxes[0].width // inside.shape[1], 1)
        self._runs(boxes[0], around(inside), places, colour, f' id="{name}"')
        self._parts += [
            f'<use xlink:href="#{name}" x="{box.left - boxes[0].left}" y="{box.top - boxes[0].top}"/>'
            for box in boxes[1:]
        ]

    def cross(self, box: Box, colour: int, thickness: int) -> None:
        left, top, right, bottom = box
        # Each diagonal as a band of this height, cut off at the corners.
        across, down = min(thickness * box.width / box.height, box.width), min(thickness, box.height)
        inner, lower = _short(right - across), _short(bottom - down)
        self._path(
            f"M{left} {top}V{top + down}L{inner} {bottom}H{right}V{lower}L{_short(left + across)} {top}z"
            f"M{right} {top}V{top + down}L{_short(left + across)} {bottom}H{left}V{lower}L{inner} {top}z",
            colour,
        )

    def stroke(self, start: tuple[float, float], end: tuple[float, float], thickness: float, colour: int) -> None:
        d = f"M{_short(start[0])} {_short(start[1])}L{_short(end[0])} {_short(end[1])}"
        for wide, shade in ((thickness + 2 * CASING, PAPER), (thickness, colour)):
            self._parts.append(
                f'<path stroke="{self._colours[shade]}" stroke-width="{_short(wide)}" stroke-linecap="round" d="{d}"/>'
            )

    def _write(
        self, x: float, baseline: float, text: str, size: int, colour: int, align: float, strong: bool, reverse: bool
    ) -> None:
        anchor = f' text-anchor="{_ANCHORS[align]}"' if align else ""
        weight = ' font-weight="600"' if strong else ""
        # The widths of the layout are those of the PNG's font, and a reader may have any.
        length = f' textLength="{_short(width(text, size))}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 else ""
        self._parts.append(
            f'<text x="{_short(x)}" y="{_short(baseline)}" font-size="{size}"{anchor}{weight}{length} '
            f'fill="{self._colours[PAPER if reverse else colour]}">{_escaped(text)}</text>'
        )

    def _place(self) -> tuple[Hashable, ...]:
        return *super()._place(), self._names

    def _sheet(self) -> Self:
        sheet = type(self)(self.width, self.height, self.style)
        sheet._names = self._names
        return sheet

    def _content(self) -> tuple[tuple[int, str, list[str]], int]:
        return (self._names, self._title, self._parts), sum(map(len, self._parts))

    def _put(self, content: tuple[int, str, list[str]]) -> None:
        self._names, title, parts = content
        self._title = title or self._title
        self._parts += parts

    def _name(self, kind: str) -> str:
        """A name for what is drawn again. Two SVGs in one document have none in common, unless they are the same."""
        self._names += 1
        return f"{kind}-{_DIGEST}-{self._names}"

    def _path(self, d: str, colour: int, more: str = "") -> None:
        if d:
            self._parts.append(f'<path fill="{self._colours[colour]}"{more} d="{d}"/>')

    def _image(self, box: Box, colours: Pixels) -> None:
        data = b2a_base64(encoded(colours), newline=False).decode()
        self._parts.append(
            f'<image x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}" '
            'preserveAspectRatio="none" image-rendering="pixelated" '
            f'xlink:href="data:image/png;base64,{data}"/>'
        )

    def _runs(self, box: Box, runs: list[Run], places: list[int], colour: int, more: str = "") -> None:
        """Paint rectangles of parts of pixels.

        Parameters
        ----------
        places
            Where each part begins, and the last ends, to the right and downwards.
        """
        x, y = box.left, box.top
        pieces = [
            f"M{x + places[left]} {y + places[top]}H{x + places[right]}v{places[bottom] - places[top]}"
            f"H{x + places[left]}z"
            for top, bottom, left, right in runs
        ]
        # Rectangles that touch have no seam between them.
        self._path("".join(pieces), colour, f' shape-rendering="crispEdges"{more}')


def _thirds(pixels: NDArray[Any], side: int, thickness: int) -> list[int]:
    """Where the two edges and the middle of each pixel begin, and the last ends. Lines have pieces no smaller."""
    steps = (0, thickness, side - thickness)
    return [*(start + step for start in range(0, side * len(pixels), side) for step in steps), side * len(pixels)]


def _rectangle(box: Box) -> str:
    return f"M{box.left} {box.top}h{box.width}v{box.height}h-{box.width}z"


def _short(value: float) -> str:
    """A number with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _escaped(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text), quote=False)
