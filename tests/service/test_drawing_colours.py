import numpy as np
import pytest

from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    INK,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    brightness,
    diverging,
    grey,
    limit_of,
    palette,
    photo,
    printed,
    rgb,
)

THEMES = ["light", "dark"]


def _lab(theme: str, index: int) -> np.ndarray:
    """CIELAB of a palette entry: lightness 0…100, and the two axes of hue."""
    srgb = np.array(rgb(theme, index)) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_zero_is_the_neutral_colour_and_the_limits_are_the_ends() -> None:
    values = np.array([-2.5, 0.0, 2.5])
    assert diverging(values, 2.5).tolist() == [NEGATIVE, NEUTRAL, POSITIVE]


def test_equal_amounts_are_equally_far_from_neutral() -> None:
    values = np.linspace(0, 3, 50)
    above = diverging(values, 3).astype(int) - NEUTRAL
    below = NEUTRAL - diverging(-values, 3).astype(int)
    assert above.tolist() == below.tolist()
    assert (np.diff(above) >= 0).all()
    assert len(set(above.tolist())) == 50


def test_beyond_the_limit_the_ends_are_kept() -> None:
    assert diverging(np.array([-9.0, 9.0]), 1).tolist() == [NEGATIVE, POSITIVE]


@pytest.mark.parametrize("value", [0.0, 4.0, -4.0])
def test_a_constant_array_draws_without_a_warning(value: float) -> None:
    array = np.full((5, 5), value, np.float32)
    expected = NEUTRAL + int(np.sign(value)) * (POSITIVE - NEUTRAL)
    assert (diverging(array, limit_of(array)) == expected).all()


def test_the_smallest_numbers_still_reach_both_ends() -> None:
    array = np.array([-1e-38, 0, 1e-38], np.float32)
    assert diverging(array, limit_of(array)).tolist() == [NEGATIVE, NEUTRAL, POSITIVE]


def test_no_values_have_limit_zero() -> None:
    assert limit_of(np.empty((0, 3))) == 0


def test_grey_goes_from_background_to_ink_and_clips() -> None:
    background, half, ink = grey(np.array([0.0, 0.5, 1.0])).tolist()
    assert background == GREY
    assert half - background == ink - half
    assert grey(np.array([-1.0, 2.0])).tolist() == [background, ink]


@pytest.mark.parametrize("theme", THEMES)
def test_ink_in_a_digit_is_the_ink_of_text(theme: str) -> None:
    assert rgb(theme, int(grey(np.array(1.0)))) == rgb(theme, INK)


@pytest.mark.parametrize("theme", THEMES)
def test_no_digit_and_no_heat_have_the_same_background(theme: str) -> None:
    assert rgb(theme, GREY) == rgb(theme, NEUTRAL)


@pytest.mark.parametrize("theme", THEMES)
def test_a_palette_fits_into_one_byte(theme: str) -> None:
    assert 3 * POSITIVE + 3 == len(palette(theme)) <= 3 * 256


@pytest.mark.parametrize("theme", THEMES)
def test_both_sides_are_equally_light_step_by_step(theme: str) -> None:
    for step in range(POSITIVE - NEUTRAL + 1):
        above, below = _lab(theme, NEUTRAL + step)[0], _lab(theme, NEUTRAL - step)[0]
        assert above == pytest.approx(below, abs=1), step


@pytest.mark.parametrize("theme", THEMES)
def test_lightness_runs_one_way_from_neutral_to_the_end(theme: str) -> None:
    lightness = np.array([_lab(theme, index)[0] for index in range(NEUTRAL, POSITIVE + 1)])
    direction = 1 if theme == "dark" else -1
    assert (np.diff(lightness) * direction > 0).all()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("frame", [FIRST, SECOND])
def test_the_frames_are_no_colour_of_the_scale(theme: str, frame: int) -> None:
    """A difference of 2 is just visible; 40 is another colour."""
    distances = [np.linalg.norm(_lab(theme, frame) - _lab(theme, index)) for index in range(NEGATIVE, POSITIVE + 1)]
    assert min(distances) > 40


def test_the_themes_have_opposite_paper_and_ink() -> None:
    assert _lab("light", PAPER)[0] > 95 > 20 > _lab("light", INK)[0]
    assert _lab("dark", PAPER)[0] < 20 < 90 < _lab("dark", INK)[0]


@pytest.mark.parametrize("theme", THEMES)
def test_a_photograph_over_a_heatmap_leaves_even_parts_and_moves_edges_towards_ink(theme: str) -> None:
    indices = diverging(np.linspace(-1, 1, 32 * 32).reshape(32, 32), 1.0)
    plain = np.array([rgb(theme, index) for index in indices.ravel().tolist()]).reshape(32, 32, 3)
    image = np.full((3, 32, 32), 0.5)
    assert (printed(indices, image, theme) == plain).all()
    dark, light = image.copy(), image.copy()
    dark[:, 16, 16], light[:, 16, 16] = 0.0, 1.0
    ink, other = (dark, light) if theme == "light" else (light, dark)
    drawn = printed(indices, ink, theme).astype(int)
    to_ink = np.array(rgb(theme, INK), int) - plain[16, 16]
    assert ((drawn[16, 16] - plain[16, 16]) * np.sign(to_ink) > 0.4 * np.abs(to_ink)).all()
    # The other extreme is not drawn itself; the pixels around it differ from it, a little.
    assert (printed(indices, other, theme)[16, 16] == plain[16, 16]).all()
    assert (printed(indices, other, theme)[0:10, 0:10] == plain[0:10, 0:10]).all()


def test_green_is_the_brightest_of_three_colours() -> None:
    red, green, blue = (brightness(np.eye(3)[channel].reshape(3, 1, 1))[0, 0] for channel in range(3))
    assert green > red > blue > 0
    assert red + green + blue == pytest.approx(1)
    assert (photo(np.array([[[0.2]], [[1.5]], [[-1.0]]])) == [[[51, 255, 0]]]).all()
