from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.files.checkpoint import load_all
from konkyo.models.grounds import contrasts as level_search
from konkyo.models.grounds.budget import Budget
from konkyo.models.grounds.contrasts import fewest_hidden
from konkyo.models.hiding.games import LocalGames, class_games
from konkyo.trainer.data import Digits
from tests.helpers.oracles import architectures, random_network


def budget(hidings: int = 10**7) -> Budget:
    return Budget(0, hidings, 0)


def one_by_one(games: LocalGames, most: int, limit: float) -> int | None:
    """Every set of so many regions, the smaller ones first."""
    rows, columns = games.regions.grid
    for size in range(1, most + 1):
        some = list(combinations(games.players.tolist(), size))
        visible = np.ones((len(some), rows * columns), bool)
        for shown, hidden in zip(visible, some, strict=True):
            shown[list(hidden)] = False
        values = games.values(visible).min(1) if some else np.zeros(0)
        if some and values.min() <= limit:
            return sum(1 << int(region) for region in some[int(values.argmin())])
    return None


@settings(max_examples=20)
@given(architectures(), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_it_is_the_fewest_and_the_least(architecture: Architecture, seed: int, depth: float) -> None:
    """With limits from what one region takes away to what no three do."""
    rng = np.random.default_rng(seed)
    image = rng.random((28, 28)) * (rng.random((28, 28)) < 0.3)
    image[: rng.integers(0, 16)] = 0
    games = class_games(random_network(architecture, seed), image, 14 if seed % 2 else 7)
    whole = games.values(np.ones(games.regions.grid[0] ** 2, bool)).min()
    limit = float(whole - 0.4 * depth)
    assert fewest_hidden(games, 3, limit, budget()) == one_by_one(games, 3, limit)


@pytest.mark.parametrize("name", ["lenet-6x16", "paired-3x3", "summed-3x3"])
def test_shipped_networks_on_digits(name: str, digits: Digits) -> None:
    network, sizes = load_all()[name].precise, set()
    for image in digits.scaled(np.float64)[:12]:
        games = class_games(network, image).margins(int(network.logits(image).argmax()))
        found = fewest_hidden(games, 3, 1e-9, budget())
        assert found == one_by_one(games, 3, 1e-9)
        sizes.add(found and found.bit_count())
    assert {1, 2, 3} <= sizes


def test_some_sets_at_a_time(monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    network, image = load_all()["paired-3x3"].precise, digits.scaled(np.float64)[0]
    games = class_games(network, image).margins(7)
    together = fewest_hidden(games, 5, 1e-9, budget())
    monkeypatch.setattr(level_search, "CHUNK", 3)
    assert together is not None
    assert fewest_hidden(games, 5, 1e-9, budget()) == together


def test_it_ends_with_its_budget(digits: Digits) -> None:
    network, image = load_all()["paired-3x3"].precise, digits.scaled(np.float64)[0]
    games = class_games(network, image).margins(7)
    left = budget()
    found = fewest_hidden(games, 5, 1e-9, left)
    spent = 10**7 - left.hidings
    assert fewest_hidden(games, 5, 1e-9, budget(spent)) == found
    with pytest.raises(BudgetError):
        fewest_hidden(games, 5, 1e-9, budget(spent - 1))


def test_nothing_to_hide() -> None:
    games = class_games(load_all()["paired-3x3"].precise, np.zeros((28, 28))).margins(1)
    assert fewest_hidden(games, 3, 1e-9, budget()) is None
