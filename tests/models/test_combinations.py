"""Games over every combination of hidden regions, and Shapley values, where arithmetic is exact or by the definition.

That both hold on any network says ``test_hidings``.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.files.checkpoint import load_all
from konkyo.models.filters.contributions import contributions
from konkyo.models.hiding import counting as engine
from konkyo.models.hiding import games as games_module
from konkyo.models.hiding import plan as planned
from konkyo.models.hiding.cost import allowed_sides
from konkyo.models.hiding.games import LocalGames, class_games, pair_games
from konkyo.models.hiding.occlusion import faithfulness
from konkyo.models.hiding.regions import FillKind, Hiding, Regions
from konkyo.models.hiding.shapley import interactions, pair_values, shapley_values
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Labelled
from tests.helpers.asked import explain_shapley
from tests.helpers.combinations import boxes
from tests.helpers.oracles import (
    F64,
    PAIRED,
    SUMMED,
    architectures,
    integer_image,
    integer_network,
    random_network,
    title,
)

PAPERS = load_all()["paired-3x3"].precise


def ledgers(network: Network, images: F64, target: int) -> F64:
    """(N, A·B + B): pairs and shared biases from the ledger of each image."""
    ledger = contributions(network, images)
    pairs: F64 = np.asarray(ledger.contributions[:, target].reshape(len(images), -1), np.float64)
    # A bias that only one pair has is that pair's.
    alone = network.architecture.pairs[0] == 1 or network.architecture.stages[-1].paired
    return pairs if alone else np.concatenate([pairs, ledger.filter_bias[:, target]], axis=1)


@given(architectures(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0]), st.data())
def test_the_tables_of_integer_networks_are_exact(
    architecture: Architecture, seed: int, fill: float, data: st.DataObject
) -> None:
    """To the last bit, with the winners of ties: gates and winners are those of each hiding."""
    network, image = integer_network(architecture, seed), integer_image(seed)
    region = data.draw(st.sampled_from(allowed_sides(architecture)))
    places = list(boxes(region))
    visible = np.random.default_rng(seed).random((8, len(places))) < 0.5
    visible[0], visible[1] = True, False
    images = np.repeat(image[None], 8, axis=0)
    for shown, hidden in zip(visible, images, strict=True):
        for keep, (_, box) in zip(shown, places, strict=True):
            if not keep:
                hidden[box] = fill
    logits, games = network.logits(images), class_games(network, image, region, fill)
    changed = [place for place, (_, box) in enumerate(places) if (image[box] != fill).any()]
    assert games.players.tolist() == changed
    assert all(len(game.table) == 2 ** len(game.players) <= 2**25 for game in games.games)
    np.testing.assert_array_equal(games.values(visible), logits)
    # In a tie, which is common here, the lower class leads.
    lowered = logits - 1e-9 * np.arange(logits.shape[1])
    leads = lowered[:, 4, None] - np.delete(lowered, 4, axis=1)
    np.testing.assert_allclose(games.margins(4).values(visible), leads, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(games.of_class(2).values(visible), logits[:, [2]])
    np.testing.assert_array_equal(games.of_class(2, 7).values(visible), logits[:, [2]] - logits[:, [7]])
    gathered = games.gathered()
    np.testing.assert_array_equal(gathered.values(visible), logits)
    for number, one in enumerate(gathered.games):
        assert not any({*one.players} <= {*other.players} for other in gathered.games[:number])

    pairs = pair_games(network, image, 5, None, region, fill)
    np.testing.assert_array_equal(pairs.values(visible), ledgers(network, images, 5))
    difference = ledgers(network, images, 5) - ledgers(network, images, 1)
    np.testing.assert_array_equal(pair_games(network, image, 5, 1, region, fill).values(visible), difference)


def test_images_share_a_plan_where_hiding_changes_the_same_pixels(digits: Labelled) -> None:
    """One that is kept gives what one that is made anew gives."""
    network, image = random_network(PAIRED, 6), digits.scaled(np.float64)[9]
    asked = [image, np.sqrt(image), digits.scaled(np.float64)[3], image]
    shared = [class_games(network, one) for one in asked]
    for one, games in zip(asked, shared, strict=True):
        planned.KEPT.clear()
        fresh = class_games(network, one)
        for some, other in zip(games.games, fresh.games, strict=True):
            np.testing.assert_array_equal(some.players, other.players)
            np.testing.assert_array_equal(some.table, other.table)


def test_cells_and_values_are_worked_on_some_at_a_time(monkeypatch: pytest.MonkeyPatch, digits: Labelled) -> None:
    network, image = random_network(SUMMED, 6), digits.scaled(np.float64)[9]
    visible = np.random.default_rng(1).random((3, 5, 49)) < 0.5

    def tables(games: LocalGames) -> list[Array]:
        return [game.table for game in games.games] + [games.values(visible)]

    together = tables(class_games(network, image)), tables(pair_games(network, image, 1))
    monkeypatch.setattr(engine, "GATHERED_AT_ONCE", 900)
    monkeypatch.setattr(games_module, "LOOKED_UP_AT_ONCE", 900)
    apart = tables(class_games(network, image)), tables(pair_games(network, image, 1))
    for some, others in zip(together, apart, strict=True):
        assert len(some) == len(others) == 26
        for one, other in zip(some, others, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


@pytest.mark.parametrize("versus", [None, 2])
@pytest.mark.parametrize("architecture", [SUMMED, PAIRED], ids=title)
def test_each_entry_of_the_table_is_a_shapley_value_of_its_own(
    architecture: Architecture, versus: int | None, digits: Labelled
) -> None:
    """They add up to the ledger of the whole image without that of the empty one, and to the values of the regions."""
    network, image = random_network(architecture, 2), digits.scaled(np.float64)[2]
    table, values = pair_values(network, image, 6, versus), shapley_values(network, image).of(6, versus)
    whole, empty = (contributions(network, one).account(6, versus) for one in (image, 0 * image))
    for name, found in (("contributions", table.pairs), ("filter_bias", table.filter_bias)):
        added = getattr(whole, name) - getattr(empty, name)
        np.testing.assert_allclose(found.sum((0, 1)), added, rtol=0, atol=1e-12)
    split = table.pairs.sum((2, 3)) + table.filter_bias.sum(2)
    np.testing.assert_allclose(split, values.values, rtol=0, atol=1e-12)


def test_versus_is_the_difference_and_the_residual_what_is_missing(digits: Labelled) -> None:
    result = shapley_values(PAPERS, digits.scaled(np.float64)[3])
    account = result.of(4, 9)
    assert np.array_equal(account.values, result.values[4] - result.values[9])
    assert account.logit == result.logits[4] - result.logits[9]
    assert account.empty_logit == result.empty.logits[4] - result.empty.logits[9]
    assert abs(account.residual) < 1e-12
    assert result.predicted == result.logits.argmax()
    assert result.empty.predicted == result.empty.logits.argmax()
    result.values[7, 3, 3] += 0.25
    assert result.residual[7] == pytest.approx(-0.25)
    assert result.of(7).residual == pytest.approx(-0.25)


def test_the_parts_of_an_explanation(digits: Labelled) -> None:
    """Each is what its own function finds, for the same question."""
    network, image = load_all()["summed-3x3"].precise, digits.scaled(np.float64)[3]
    asked = explain_shapley(network, image, 5, 3, 5, FillKind.BLUR, pairs=True, interactions=True, faithfulness=True)
    values = shapley_values(network, image, 5, FillKind.BLUR).of(5, 3)
    np.testing.assert_allclose(asked.values, values.values, rtol=0, atol=1e-12)
    assert (values.values < 0).any()
    assert (asked.target, asked.versus, asked.logit) == (5, 3, values.logit)
    assert abs(asked.residual) < 1e-12
    split = pair_values(network, image, 5, 3, 5, FillKind.BLUR)
    assert asked.pairs is not None
    assert asked.filter_bias is not None
    np.testing.assert_allclose(asked.pairs, split.pairs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(asked.filter_bias, split.filter_bias, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(asked.pair_heatmaps()[7, 27], asked.pairs[1, 5])
    assert asked.heatmap()[27, 7] == asked.values[5, 1]
    order = sorted(range(36), key=lambda place: -values.values.flat[place])
    hiding = Hiding(Regions(5), FillKind.BLUR)
    assert asked.faithfulness == faithfulness(network, image, hiding, np.array(order), 5)
    games = class_games(network, image, 5, FillKind.BLUR)
    found, each = asked.interactions, interactions(games)
    assert found is not None
    np.testing.assert_allclose(found.values, each[5] - each[3], rtol=0, atol=1e-12)
    plain = explain_shapley(network, image)
    assert (plain.target, plain.versus) == (int(network.logits(image).argmax()), None)
    assert [plain.pairs, plain.filter_bias, plain.interactions, plain.faithfulness] == [None] * 4
    with pytest.raises(ValueError, match=r"^the result holds no pairs; ask with pairs=True$"):
        plain.pair_heatmaps()


def test_interactions_of_regions_that_a_cell_sees_together(digits: Labelled) -> None:
    games = class_games(PAPERS, digits.scaled(np.float64)[3])
    found = explain_shapley(PAPERS, digits.scaled(np.float64)[3], 3, interactions=True).interactions
    assert found is not None
    together = {(a, b) for game in games.games for a in game.players.tolist() for b in game.players.tolist() if a < b}
    ranked = found.ranked()
    assert {(one, other) for one, other, _ in ranked} == together
    assert [abs(value) for *_, value in ranked] == sorted((abs(value) for *_, value in ranked), reverse=True)
    assert all(value == found.values[one, other] == found.values[other, one] for one, other, value in ranked)
    assert {tuple(pair) for pair in np.argwhere(np.triu(found.together)).tolist()} == together
