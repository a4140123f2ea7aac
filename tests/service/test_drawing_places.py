import numpy as np
import pytest

from konkyo.models.contributions import Account
from konkyo.service.drawing.layout.places import name_places, names_width, places
from konkyo.service.drawing.primitives.canvas import NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import FIRST, SECOND
from konkyo.service.drawing.primitives.style import Style
from tests.helpers.drawn import written

TOTALS = np.array([[1.0, -9.0, 3.0], [3.0, 2.0, 0.5]])


def test_the_greatest_is_first_and_of_equal_ones_the_lower_filter_numbers() -> None:
    assert places(TOTALS) == {(0, 2): (FIRST, "first"), (1, 0): (SECOND, "second")}


@pytest.mark.parametrize("seed", range(5))
def test_places_are_those_of_the_ledger_s_ranking(seed: int) -> None:
    totals = np.random.default_rng(seed).integers(-3, 4, (4, 5)).astype(float)
    account = Account(np.zeros((4, 5, 5, 5)), totals, np.zeros(5), 0.0, 0.0)
    assert list(places(totals)) == [(pair.conv1, pair.conv2) for pair in account.ranking()[:2]]


def test_where_nothing_contributes_there_is_no_place() -> None:
    assert places(np.zeros((3, 3))) == {}


def test_a_single_pair_is_first() -> None:
    assert places(np.array([[-1.0]])) == {(0, 0): (FIRST, "first")}


def test_names_stand_side_by_side_within_their_width() -> None:
    canvas, winners = Canvas(400, 60, Style()), places(TOTALS)
    name_places(canvas, 20, 30, winners)
    first, second = (
        written(canvas.image(), text, NOTE) for text in ("first: conv1[0]×conv2[2]", "second: conv1[1]×conv2[0]")
    )
    assert first[0][1] == second[0][1] == 30
    assert first[0][0] < second[0][0]
    _, columns = np.nonzero(canvas.pixels)
    assert columns.min() == 20
    assert columns.max() <= 20 + names_width(winners)


def test_names_can_stand_one_beneath_the_other() -> None:
    canvas = Canvas(400, 80, Style())
    name_places(canvas, 20, 30, places(TOTALS), 16)
    assert written(canvas.image(), "first: conv1[0]×conv2[2]", NOTE) == [(38, 30)]
    assert written(canvas.image(), "second: conv1[1]×conv2[0]", NOTE) == [(38, 46)]
    assert (canvas.region(Box(20, 21, 31, 31)) == FIRST).any()
    assert (canvas.region(Box(20, 37, 31, 47)) == SECOND).any()


def test_no_place_takes_no_room() -> None:
    assert names_width({}) == 0
