"""Digits as a hand draws them: strokes of places, as shares of the square."""

from math import cos, pi, sin

from tests.e2e.browser import Point

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


_ROUGH: dict[int, list[list[Point]]] = {
    0: [[(0.5 + 0.22 * sin(angle), 0.5 - 0.32 * cos(angle)) for angle in _TURN]],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    3: [
        [
            (0.3, 0.25),
            (0.5, 0.18),
            (0.68, 0.28),
            (0.62, 0.44),
            (0.46, 0.49),
            (0.64, 0.56),
            (0.7, 0.7),
            (0.52, 0.82),
            (0.28, 0.76),
        ]
    ],
    4: [[(0.38, 0.2), (0.3, 0.55)], [(0.3, 0.55), (0.72, 0.55)], [(0.65, 0.2), (0.62, 0.85)]],
    5: [
        [
            (0.68, 0.2),
            (0.4, 0.21),
            (0.36, 0.45),
            (0.48, 0.42),
            (0.61, 0.46),
            (0.68, 0.57),
            (0.66, 0.71),
            (0.55, 0.81),
            (0.42, 0.82),
            (0.3, 0.74),
        ]
    ],
    7: [[(0.28, 0.25), (0.72, 0.25)], [(0.72, 0.25), (0.45, 0.82)]],
    9: [
        [
            (0.65, 0.33),
            (0.57, 0.22),
            (0.44, 0.22),
            (0.36, 0.34),
            (0.39, 0.46),
            (0.5, 0.5),
            (0.61, 0.44),
            (0.65, 0.33),
            (0.64, 0.5),
            (0.6, 0.84),
        ]
    ],
}

DIGITS = {digit: [_smooth(stroke) for stroke in strokes] for digit, strokes in _ROUGH.items()}
