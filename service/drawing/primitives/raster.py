"""The canvas of pixels: palette indices, and photographs in their own colours."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from konkyo.service.drawing.primitives.canvas import CASING, DOT, Box, Canvas
from konkyo.service.drawing.primitives.colours import (
    HAIRLINE,
    INK,
    NEUTRAL,
    NOTHING,
    PAPER,
    PHOTO,
    SHADES,
    Array,
    Pixels,
    colour_of,
    palette,
)
from konkyo.service.drawing.primitives.encoding import encoded
from konkyo.service.drawing.primitives.letters import letters, width
from konkyo.service.drawing.primitives.outline import Groups, Run, around, edges
from konkyo.service.drawing.primitives.style import Style

# Of a part of a picture: rows and columns, their pixels, which of them are drawn, and photographs.
_Stamp = tuple[slice, slice, Pixels, NDArray[np.bool_], list[tuple[tuple[int, int], Pixels]]]


class Raster(Canvas):
    """A canvas of pixels, which becomes a PNG.

    Attributes
    ----------
    pixels
        (height · scale, width · scale) palette indices; ``PHOTO`` where a photograph is.
    """

    def __init__(self, width: int, height: int, style: Style, ground: int = PAPER) -> None:
        super().__init__(width, height, style)
        self._ground = ground
        self.pixels = np.full((height * self.scale, width * self.scale), ground, np.uint8)
        self._photos: list[tuple[tuple[int, int], Pixels]] = []

    def encode(self) -> bytes:
        self.check_size()
        if not self._photos:
            return encoded(self.pixels, palette(self.style.theme))
        colours = colour_of(self.style.theme, self.pixels)
        for (top, left), pixels in self._photos:
            rows, columns = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
            visible = self.pixels[rows, columns] == PHOTO
            np.copyto(colours[rows, columns], pixels, where=visible[..., None])
        return encoded(colours)

    def region(self, box: Box) -> Pixels:
        """The pixels of a box, as a writable view."""
        left, top, right, bottom = (edge * self.scale for edge in box)
        return self.pixels[top:bottom, left:right]

    def fill(self, box: Box, colour: int, share: float = 1) -> None:
        # Rounded to pixels and not to logical units, for precision at larger scales.
        region = self.region(box)
        region[:, : round(share * region.shape[1])] = colour

    def ramp(self, box: Box, first: int, last: int, upright: bool = False) -> None:
        region = self.region(box)
        steps = np.rint(np.linspace(first, last, region.shape[0 if upright else 1])).astype(np.uint8)
        region[:] = steps[:, None] if upright else steps

    def frame(self, box: Box, colour: int = HAIRLINE, thickness: int = 1, gap: int = 0) -> None:
        left, top, right, bottom = box.grow(gap + thickness)
        for side in (
            Box(left, top, right, top + thickness),
            Box(left, bottom - thickness, right, bottom),
            Box(left, top, left + thickness, bottom),
            Box(right - thickness, top, right, bottom),
        ):
            self.fill(side, colour)

    def windows(self, first: Box, pitch: tuple[int, int], grid: tuple[int, int]) -> Pixels:
        """The pixels of equal boxes in rows and columns, as a writable view.

        Parameters
        ----------
        first
            The box in the upper left corner.
        pitch
            Distance between boxes, down and to the right, in logical units.
        grid
            Rows and columns.

        Returns
        -------
        Pixels
            (rows, columns, height · scale, width · scale).
        """
        shape = (*grid, first.height * self.scale, first.width * self.scale)
        row = self.pixels.shape[1]
        down, right = pitch
        strides = (down * self.scale * row, right * self.scale, row, 1)
        # NumPy refuses what goes beyond the picture's bytes.
        return np.ndarray(shape, np.uint8, self.pixels, (first.top * row + first.left) * self.scale, strides)

    def tiles(self, first: Box, pitch: tuple[int, int], indices: Pixels, framed: bool = True) -> None:
        rows, columns, *cells = indices.shape
        if framed:
            self.windows(first.grow(1), pitch, (rows, columns))[:] = HAIRLINE
        high, wide = first.height // cells[0] * self.scale, first.width // cells[1] * self.scale
        self.windows(first, pitch, (rows, columns))[:] = indices.repeat(wide, 3).repeat(high, 2)

    def photo(self, box: Box, colours: Pixels, framed: bool = True) -> None:
        if framed:
            self.frame(box)
        region = self.region(box)
        region[:] = PHOTO
        down, right = region.shape[0] // colours.shape[0], region.shape[1] // colours.shape[1]
        self._photos.append(((box.top * self.scale, box.left * self.scale), colours.repeat(right, 1).repeat(down, 0)))

    def dots(self, box: Box, areas: Array) -> None:
        side = box.width // areas.shape[1] * self.scale
        offset = np.arange(side) - (side - 1) / 2
        distance = np.hypot(offset[:, None], offset)
        radius = np.sqrt(np.clip(areas, 0, 1)) * side * DOT / 2
        rows, columns = np.nonzero(radius)
        unit = box.width // areas.shape[1]
        first = Box(box.left, box.top, box.left + unit, box.top + unit)
        squares = self.windows(first, (unit, unit), areas.shape)
        inked = distance < radius[rows, columns, None, None]
        squares[rows, columns] = np.where(inked, np.uint8(INK), squares[rows, columns])

    def outline(self, box: Box, groups: Groups, thickness: int, colour: int = INK) -> None:
        side, runs, region = box.width // groups.shape[1] * self.scale, edges(groups), self.region(box)
        for wide, shade in ((thickness + CASING, PAPER), (thickness, colour)):
            _paint(region, runs, side, wide * self.scale, shade)

    def contour(self, boxes: Iterable[Box], inside: NDArray[np.bool_], colour: int) -> None:
        boxes = list(boxes)
        line = np.zeros((boxes[0].height * self.scale, boxes[0].width * self.scale), np.bool_)
        _paint(line, around(inside), boxes[0].width // inside.shape[1] * self.scale, self.scale, True)
        for box in boxes:
            self.region(box)[line] = colour

    def cross(self, box: Box, colour: int, thickness: int) -> None:
        region = self.region(box)
        height, wide = region.shape
        down, across = np.ogrid[:height, :wide]
        slope = height / wide
        falls = np.abs(down - across * slope) < thickness * self.scale
        rises = np.abs(down - (wide - 1 - across) * slope) < thickness * self.scale
        region[falls | rises] = colour

    def stroke(self, start: tuple[float, float], end: tuple[float, float], thickness: float, colour: int) -> None:
        reach = thickness / 2 + CASING
        left, right = (round(f(start[0], end[0]) + by) * self.scale for f, by in ((min, -reach - 1), (max, reach + 1)))
        top, bottom = (round(f(start[1], end[1]) + by) * self.scale for f, by in ((min, -reach - 1), (max, reach + 1)))
        left, top = max(left, 0), max(top, 0)
        part = self.pixels[top:bottom, left:right]
        down, across = np.ogrid[: part.shape[0], : part.shape[1]]
        # From the middles of pixels to the nearest point of the line, in logical units.
        x, y = (left + across + 0.5) / self.scale - start[0], (top + down + 0.5) / self.scale - start[1]
        wide, high = end[0] - start[0], end[1] - start[1]
        place = np.clip((x * wide + y * high) / max(wide**2 + high**2, 1e-9), 0, 1)
        distance = np.hypot(x - place * wide, y - place * high)
        covered = np.clip((thickness / 2 - distance) * self.scale + 0.5, 0, 1)
        part[distance < reach] = PAPER
        # At its edges the line goes over into the neutral colour, which is nearly that of the paper.
        shades = np.rint(NEUTRAL + covered * (colour - NEUTRAL)).astype(np.uint8)
        np.copyto(part, shades, where=covered > 0)

    def _write(
        self, x: float, baseline: float, text: str, size: int, colour: int, align: float, strong: bool, reverse: bool
    ) -> None:
        shades, left, ascent = letters(text, size * self.scale, strong)
        row = round(baseline * self.scale) - ascent
        column = round(x * self.scale - align * width(text, size) * self.scale) + left
        # Text beyond the left edge is cut off.
        if column < 0:
            shades, column = shades[:, -column:], 0
        height, wide = shades.shape
        target = self.pixels[row : row + height, column : column + wide]
        np.copyto(target, _ramp(colour, reverse).take(shades), where=shades != 0)

    def _sheet(self) -> Self:
        return type(self)(self.width, self.height, self.style, NOTHING)

    def _content(self) -> tuple[_Stamp, int]:
        drawn = self.pixels != NOTHING
        rows, columns = (_extent(drawn.any(axis)) for axis in (1, 0))
        pixels, mask = self.pixels[rows, columns].copy(), drawn[rows, columns].copy()
        return (rows, columns, pixels, mask, self._photos), 2 * pixels.nbytes + sum(
            one.nbytes for _, one in self._photos
        )

    def _put(self, content: _Stamp) -> None:
        rows, columns, pixels, mask, photos = content
        np.copyto(self.pixels[rows, columns], pixels, where=mask)
        self._photos += photos

    def _widen(self, units: int) -> None:
        super()._widen(units)
        missing = self.width * self.scale - self.pixels.shape[1]
        if missing > 0:
            self.pixels = np.pad(self.pixels, ((0, 0), (0, missing)), constant_values=self._ground)


@lru_cache
def _ramp(colour: int, reverse: bool) -> Pixels:
    """The palette index of each shade of a letter."""
    ramp = np.array([PAPER, *range(colour - SHADES + 1, colour + 1)], np.uint8)
    return ramp[::-1] if reverse else ramp


def _extent(drawn: NDArray[np.bool_]) -> slice:
    """From the first to the last that is drawn."""
    places = np.flatnonzero(drawn)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)


def _paint(region: NDArray[Any], runs: list[Run], side: int, thickness: int, colour: int) -> None:
    """Paint rectangles of parts of pixels of this side; edges are ``thickness`` wide."""
    # Where the parts of each pixel begin and end. Edges that are wider than half a pixel overlap.
    wide, pixels = min(thickness, side), range(0, region.shape[1], side)
    starts = [pixel + at for pixel in pixels for at in (0, wide, side - wide)]
    ends = [pixel + at for pixel in pixels for at in (wide, max(side - wide, wide), side)]
    for top, bottom, left, right in runs:
        region[starts[top] : ends[bottom - 1], starts[left] : ends[right - 1]] = colour
