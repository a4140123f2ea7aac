import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import contributions
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.hiding import rows as engine
from konkyo.models.hiding.cost import allowed_sides as exact_sides
from konkyo.models.hiding.games import LocalGames, class_games, pair_games
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from tests.helpers.combinations import boxes
from tests.helpers.oracles import (
    F64,
    PAIRED,
    SUMMED,
    architectures,
    integer_image,
    integer_network,
    random_network,
)
from tests.helpers.refuse import refuses


def hidings(count: int, image: F64, region: int, fill: float, seed: int) -> tuple[NDArray[np.bool_], F64]:
    """Random hidings, the first of nothing and the second of everything: what is visible, and the hidden images."""
    places = list(boxes(region))
    visible = np.random.default_rng(seed).random((count, len(places))) < 0.5
    visible[0], visible[1] = True, False
    images = np.repeat(image[None], count, axis=0)
    for shown, hidden in zip(visible, images, strict=True):
        for keep, (_, box) in zip(shown, places, strict=True):
            if not keep:
                hidden[box] = fill
    return visible, images


def ledgers(network: Network, images: F64, target: int) -> F64:
    """(N, A·B + B): pairs and shared biases from the ledger of each image."""
    ledger = contributions(network, images)
    pairs = ledger.contributions[:, target].reshape(len(images), -1)
    return np.concatenate([pairs, ledger.filter_bias[:, target]], axis=1)


@given(architectures(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0]), st.data())
def test_the_tables_of_integer_networks_are_exact(
    architecture: Architecture, seed: int, fill: float, data: st.DataObject
) -> None:
    """To the last bit, with the winners of ties: gates and winners are those of each hiding."""
    network, image = integer_network(architecture, seed), integer_image(seed)
    region = data.draw(st.sampled_from(exact_sides(architecture)))
    visible, images = hidings(8, image, region, fill, seed)
    games = class_games(network, image, region, fill)
    assert np.array_equal(games.values(visible), network.logits(images))
    pairs = pair_games(network, image, 5, None, region, fill)
    assert np.array_equal(pairs.values(visible), ledgers(network, images, 5))


def test_pairs_and_shared_biases_make_the_logit(digits: Digits) -> None:
    network, image = random_network(SUMMED, 5), digits.scaled(np.float64)[9]
    visible, images = hidings(20, image, 4, 0.0, seed=1)
    sums = pair_games(network, image, 2).values(visible).sum(-1) + network.weights["affine.bias"][2]
    np.testing.assert_allclose(sums, network.logits(images)[:, 2], rtol=0, atol=1e-12)
    assert pair_games(network, image, 2).values(visible)[:, -3:].any()
    assert not pair_games(random_network(PAIRED, 5), image, 2).values(visible)[:, -3:].any()


def test_players_are_the_regions_that_hiding_changes(digits: Digits) -> None:
    image = digits.scaled(np.float64)[2]
    for region, fill in [(4, 0.0), (6, 0.0), (4, 0.5)]:
        expected = [place for place, (_, box) in enumerate(boxes(region)) if (image[box] != fill).any()]
        games = class_games(random_network(PAIRED, 1), image, region, fill)
        assert games.players.tolist() == expected
        assert all(len(game.table) == 2 ** len(game.players) <= 2**9 for game in games.games)
    assert class_games(random_network(PAIRED, 1), np.full((28, 28), 0.3), fill=0.3).players.tolist() == []


def test_cells_are_worked_on_some_at_a_time(monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    network, image = random_network(SUMMED, 6), digits.scaled(np.float64)[9]

    def tables(games: LocalGames) -> list[Array]:
        return [game.table for game in games.games]

    together = tables(class_games(network, image)), tables(pair_games(network, image, 1))
    monkeypatch.setattr(engine, "CHUNK", 900)
    apart = tables(class_games(network, image)), tables(pair_games(network, image, 1))
    for some, others in zip(together, apart, strict=True):
        assert len(some) == len(others) == 25
        for one, other in zip(some, others, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_refusals() -> None:
    network, image = random_network(PAIRED, 1), np.zeros((28, 28))
    with refuses(ImageError, "one image at a time; got an array of shape (1, 28, 28)"):
        class_games(network, image[None])
    with refuses(ImageError, "an image must be 28×28; got an array of shape (28, 27)"):
        class_games(network, image[:, 1:])
    with refuses(ImageError, "an image must be finite: it holds NaN or infinity"):
        class_games(network, np.full((28, 28), math.nan))
    with refuses(ParameterError, "fill: must be from 0 to 1, not 1.5"):
        class_games(network, image, fill=1.5)
    with refuses(ParameterError, "target: must be a class from 0 to 9, not 10"):
        pair_games(network, image, 10)
    with refuses(ParameterError, "versus: must be a class from 0 to 9, not -1"):
        pair_games(network, image, 1, -1)
    with refuses(ParameterError, "versus: must differ from the target; both are 1"):
        pair_games(network, image, 1, 1)
