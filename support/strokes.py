"""Digits as a hand draws them: strokes of places, as shares of the square."""

from math import cos, pi, sin

from support.browser import Point

_TURN = [2 * pi * step / 20 for step in range(21)]


def _smooth(stroke: list[Point], steps: int = 5) -> list[Point]:
    """A curve through all the places (Catmull and Rom's): a hand does not draw polygons."""
    ends = [stroke[0], *stroke, stroke[-1]]
    curve = [stroke[0]]
    for before, start, end, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        for step in range(1, steps + 1):
            t = step / steps
            weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            four = (before, start, end, after)
            x, y = (sum(w * place[k] for w, place in zip(weights, four, strict=True)) / 2 for k in (0, 1))
            curve.append((x, y))
    return curve


# In percent: x and y of place after place; a stroke a line.
_WRITTEN = {
    1: ["50 20 50 80"],
    3: ["30 25 50 18 68 28 62 44 46 49 64 56 70 70 52 82 28 76"],
    4: ["38 20 30 55", "30 55 72 55", "65 20 62 85"],
    5: ["68 20 40 21 36 45 48 42 61 46 68 57 66 71 55 81 42 82 30 74"],
    7: ["28 25 72 25", "72 25 45 82"],
    9: ["65 33 57 22 44 22 36 34 39 46 50 50 61 44 65 33 64 50 60 84"],
}


def _places(written: str) -> list[Point]:
    numbers = [int(number) / 100 for number in written.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


_ROUGH = {
    0: [[(0.5 + 0.22 * sin(angle), 0.5 - 0.32 * cos(angle)) for angle in _TURN]],
    **{digit: [_places(stroke) for stroke in strokes] for digit, strokes in _WRITTEN.items()},
}

DIGITS = {digit: [_smooth(stroke) for stroke in strokes] for digit, strokes in _ROUGH.items()}
