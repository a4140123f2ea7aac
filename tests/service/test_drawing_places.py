from dataclasses import replace

import numpy as np
import pytest

from konkyo.models.contributions import Account
from konkyo.service.drawing.layout.places import greatest, name_places, names_width, places
from konkyo.service.drawing.layout.wording import pair_name
from konkyo.service.drawing.primitives.canvas import NOTE, Box
from konkyo.service.drawing.primitives.colours import FIRST, SECOND
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style
from tests.helpers.drawn import written
from tests.helpers.shapes import ONE_STAGE, THREE, TINY_VGG, network_of

NETWORK = network_of(THREE)
TOTALS = np.array([[1.0, -9.0, 3.0], [3.0, 2.0, 0.5]])


def test_the_greatest_is_first_and_of_equal_ones_the_lower_filter_numbers() -> None:
    assert places(TOTALS) == {(0, 2): (FIRST, "first"), (1, 0): (SECOND, "second")}


@pytest.mark.parametrize("seed", range(5))
def test_places_are_those_of_the_ledger_s_ranking(seed: int) -> None:
    totals = np.random.default_rng(seed).integers(-3, 4, (4, 5)).astype(float)
    account = Account(np.zeros((4, 5, 5, 5)), totals, np.zeros(5), 0.0, 0.0)
    assert list(places(totals)) == [(pair.map, pair.filter) for pair in account.ranking()[:2]]


def test_where_nothing_contributes_there_is_no_place() -> None:
    assert places(np.zeros((3, 3))) == {}


def test_a_single_pair_is_first() -> None:
    assert places(np.array([[-1.0]])) == {(0, 0): (FIRST, "first")}


def test_names_stand_side_by_side_within_their_width() -> None:
    canvas, winners = Raster(400, 60, Style()), places(TOTALS)
    name_places(canvas, 20, 30, NETWORK, winners)
    first, second = (
        written(canvas.picture(), text, NOTE) for text in ("first: map 0 × filter 2", "second: map 1 × filter 0")
    )
    assert first[0][1] == second[0][1] == 30
    assert first[0][0] < second[0][0]
    _, columns = np.nonzero(canvas.pixels)
    assert columns.min() == 20
    assert columns.max() <= 20 + names_width(NETWORK, winners)


def test_names_can_stand_one_beneath_the_other() -> None:
    canvas = Raster(400, 80, Style())
    name_places(canvas, 20, 30, NETWORK, places(TOTALS), 16)
    assert written(canvas.picture(), "first: map 0 × filter 2", NOTE) == [(38, 30)]
    assert written(canvas.picture(), "second: map 1 × filter 0", NOTE) == [(38, 46)]
    assert (canvas.region(Box(20, 21, 31, 31)) == FIRST).any()
    assert (canvas.region(Box(20, 37, 31, 47)) == SECOND).any()


def test_no_place_takes_no_room() -> None:
    assert names_width(NETWORK, {}) == 0


def test_the_greatest_are_those_that_add_or_take_most_from_the_greatest_to_the_least() -> None:
    assert greatest(TOTALS, 4) == [(0, 2), (1, 0), (1, 1), (0, 1)]
    assert greatest(TOTALS, 99) == [(0, 2), (1, 0), (1, 1), (0, 0), (1, 2), (0, 1)]


def test_both_places_are_among_the_greatest_even_where_others_take_more() -> None:
    totals = np.array([[-9.0, -8.0, 1.0], [-7.0, 0.5, -6.0]])
    assert greatest(totals, 3) == [(0, 2), (1, 1), (0, 0)]


def test_the_first_input_of_a_pair_is_a_map_or_a_channel_of_the_image() -> None:
    assert pair_name(network_of(TINY_VGG), (3, 9)) == "map 3 × filter 9"
    assert pair_name(network_of(ONE_STAGE), (0, 7)) == "image × filter 7"
    one_colour = replace(ONE_STAGE, channels=3)
    names = [pair_name(network_of(one_colour), (channel, 1)) for channel in range(3)]
    assert names == ["red × filter 1", "green × filter 1", "blue × filter 1"]
