import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.files.checkpoint import load_all
from konkyo.models.grounds.elimination import entries, least, members, plan, set_of
from konkyo.models.hiding.cost import allowed_sides as exact_sides
from konkyo.models.hiding.games import LocalGames, class_games, subsets
from konkyo.trainer.data import Digits
from tests.helpers.combinations import cut, every_combination
from tests.helpers.oracles import PAIRED, architectures, random_network
from tests.helpers.trained import trained


def visible(games: LocalGames, hidden: int) -> NDArray[np.bool_]:
    rows, columns = games.regions.grid
    return np.array([not hidden >> region & 1 for region in range(rows * columns)])


@settings(max_examples=15)
@given(architectures(), st.integers(0, 2**32 - 1), st.data())
def test_it_finds_the_least_value_of_every_quantity(architecture: Architecture, seed: int, data: st.DataObject) -> None:
    """Of all hidings of some regions, each by a forward pass."""
    region = data.draw(st.sampled_from([side for side in exact_sides(architecture) if side >= 4]))
    rng = np.random.default_rng(seed)
    image = np.zeros((28, 28))
    top, left = rng.integers(0, 18, 2)
    image[top : top + 10, left : left + 6] = rng.random((10, 6))
    network = random_network(architecture, seed)
    games = class_games(network, image, region)
    every = every_combination(network, image, region, 0.0)
    numbers = games.players.tolist()
    free = data.draw(st.sets(st.sampled_from(numbers)))

    result = least(games, plan(games, sum(1 << number for number in free)))
    allowed = ~every.hidden[:, [number not in free for number in numbers]].any(1)
    np.testing.assert_allclose(result.values, every.logits[allowed].min(0), rtol=0, atol=1e-12)
    for quantity in range(10):
        hidden = result.hidden(quantity)
        assert set(members(hidden)) <= free
        assert games.values(visible(games, hidden))[quantity] == pytest.approx(result.values[quantity], abs=1e-12)


def test_a_digit_with_more_players_than_can_be_enumerated_twice(digits: Digits) -> None:
    """2¹⁶ hidings from the tables, which have their own tests."""
    for checkpoint in trained().values():
        games = class_games(checkpoint.precise, digits.scaled(np.float64)[0])
        assert len(games.players) == 16
        shown = np.zeros((2**16, 49), bool)
        shown[:, games.players] = subsets(16).T
        values = np.concatenate([games.values(some) for some in np.split(shown, 16)])
        result = least(games, plan(games, set_of(games.players)))
        np.testing.assert_allclose(result.values, values.min(0), rtol=0, atol=1e-12)


def test_noise_has_49_players_and_its_least_values_are_reached() -> None:
    image = np.random.default_rng(1).random((28, 28))
    games = class_games(load_all()["paired-3x3"].precise, image)
    assert len(games.players) == 49
    buckets = plan(games, 2**49 - 1)
    assert entries(buckets) < 3_000_000
    result = least(games, buckets)
    reached = np.array([games.values(visible(games, result.hidden(quantity)))[quantity] for quantity in range(10)])
    np.testing.assert_allclose(result.values, reached, rtol=0, atol=1e-11)
    random = games.values(np.random.default_rng(2).random((5000, 49)) < 0.5)
    assert (random.min(0) > result.values + 1).all()
    # Nothing near is less either: each least value stands a flip of any region.
    for quantity in range(10):
        flips = np.repeat(visible(games, result.hidden(quantity))[None], 49, axis=0) ^ np.eye(49, dtype=bool)
        assert games.values(flips)[:, quantity].min() > result.values[quantity]


def test_what_is_free_alone_is_hidden(digits: Digits) -> None:
    image = cut(digits, 4)
    games = class_games(random_network(PAIRED, 3), image)
    result = least(games, plan(games, 0))
    np.testing.assert_allclose(result.values, random_network(PAIRED, 3).logits(image), rtol=0, atol=1e-12)
    assert result.hidden(3) == 0
    assert entries(plan(games, 0)) == 0
    one = int(games.players[2])
    result = least(games, plan(games, 1 << one))
    assert {result.hidden(quantity) for quantity in range(10)} == {0, 1 << one}
    assert entries(plan(games, 1 << one)) == 2


def test_buckets_hold_every_game_once_and_what_their_regions_need(digits: Digits) -> None:
    games = class_games(random_network(PAIRED, 3), digits.scaled(np.float64)[0])
    buckets = plan(games, set_of(games.players))
    own = [bucket.scope[0] for bucket in buckets]
    assert sorted(own) == games.players.tolist()
    held = [id(game) for bucket in buckets for game in bucket.games]
    assert sorted(held) == sorted(id(game) for game in games.games if len(game.players))
    for bucket, before in zip(buckets, [None, *buckets], strict=False):
        needed = set(bucket.scope[:1]).union(*(game.players.tolist() for game in bucket.games))
        assert set(bucket.scope) == needed | set(before.scope[1:] if before else ())
        assert sorted(bucket.scope, key=own.index) == list(bucket.scope)


def test_sets_are_ints() -> None:
    assert list(members(0b1011 | 1 << 120)) == [0, 1, 3, 120]
    assert list(members(0)) == []
    assert set_of(np.array([0, 1, 3, 120])) == 0b1011 | 1 << 120
