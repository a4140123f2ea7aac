"""The searches behind a proof: hitting sets, elimination, contrasts, levels; and the budget that each spends.

Oracles: every set, and every hiding by a forward pass.
"""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.grounds import contrasts as level_search
from konkyo.models.grounds.budget import SearchBudget
from konkyo.models.grounds.contrasts import Contrasts, fewest_hidden
from konkyo.models.grounds.elimination import entries, least, members, plan
from konkyo.models.grounds.hitting_set import irreducible_hitting_set, smallest_hitting_set
from konkyo.models.hiding.cost import allowed_sides
from konkyo.models.hiding.games import LocalGames, class_games
from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from tests.helpers.combinations import cut, every_combination
from tests.helpers.examples import examples
from tests.helpers.oracles import F64, architectures, random_network
from tests.helpers.refuse import refuses
from tests.helpers.trained import trained

SHIPPED = {name: checkpoint.precise for name, checkpoint in trained().items()}
FAMILIES = st.lists(st.integers(1, 2**9 - 1), max_size=12)
SEEDS = st.integers(0, 2**32 - 1)
SPENT = "weighing every combination of these regions takes more work than one answer may; larger regions take less"


def budget(entries: int = 10**9, hidings: int = 10**9, nodes: int = 10**6) -> SearchBudget:
    return SearchBudget(entries, hidings, nodes)


def visible(games: LocalGames, hidden: int) -> NDArray[np.bool_]:
    return np.array([not hidden >> region & 1 for region in range(games.regions.count)])


@pytest.mark.threat("the dearest question")
@pytest.mark.parametrize("what", ["entries", "hidings", "nodes"])
def test_all_of_a_budget_may_be_spent_and_no_more(what: str) -> None:
    some = SearchBudget(5, 6, 7)
    some.spend(entries=2)
    some.spend(entries=3, hidings=6, nodes=7)
    assert some == SearchBudget(0, 0, 0)
    some.spend()
    with refuses(BudgetError, SPENT):
        SearchBudget(5, 5, 5).spend(**{what: 6})


def meets(kept: int, sets: list[int]) -> bool:
    return all(kept & one for one in sets)


@given(FAMILIES)
def test_no_smaller_set_hits_all(sets: list[int]) -> None:
    found = smallest_hitting_set(sets, 0, budget())
    assert meets(found, sets)
    for some in combinations(range(9), max(0, found.bit_count() - 1)):
        assert not found or not meets(sum(1 << element for element in some), sets)
    assert smallest_hitting_set(sets, found.bit_count(), budget()) == found
    assert smallest_hitting_set(sets, max(0, found.bit_count() - 1), budget()) == found


@given(FAMILIES, st.permutations(range(9)))
def test_an_irreducible_hitting_set_is_one_element_after_another(sets: list[int], order: list[int]) -> None:
    kept = set(range(9))
    for element in order:
        if meets(sum(1 << one for one in kept - {element}), sets):
            kept.remove(element)
    assert irreducible_hitting_set(sets, order) == sum(1 << element for element in kept)


def test_hitting_sets_and_their_nodes() -> None:
    assert smallest_hitting_set([], 0, budget(nodes=1)) == 0
    # Two disjoint sets need two elements, and no search for one.
    four = budget(nodes=4)
    assert smallest_hitting_set([0b0011, 0b1100], 1, four).bit_count() == 2
    assert four.nodes == 0
    # Every pair of seven elements: six of them are needed, and that takes a search.
    sets, spent = [1 << one | 1 << other for one, other in combinations(range(7), 2)], budget()
    assert smallest_hitting_set(sets, 0, spent).bit_count() == 6
    nodes = 10**6 - spent.nodes
    assert nodes < 2**7
    assert smallest_hitting_set(sets, 0, budget(nodes=nodes)).bit_count() == 6
    with pytest.raises(BudgetError):
        smallest_hitting_set(sets, 0, budget(nodes=nodes - 1))


@examples(15)
@given(architectures(), SEEDS, st.data())
def test_elimination_finds_the_least_value_of_every_quantity(
    architecture: Architecture, seed: int, data: st.DataObject
) -> None:
    """Of all hidings of some regions."""
    region = data.draw(st.sampled_from([side for side in allowed_sides(architecture) if side >= 4]))
    rng = np.random.default_rng(seed)
    image = np.zeros((28, 28))
    top, left = rng.integers(0, 18, 2)
    image[top : top + 10, left : left + 6] = rng.random((10, 6))
    network = random_network(architecture, seed)
    games, every = class_games(network, image, region), every_combination(network, image, region, 0.0)
    numbers = games.players.tolist()
    free = data.draw(st.sets(st.sampled_from(numbers)))

    buckets = plan(games, sum(1 << number for number in free))
    assert entries(buckets) == sum(2 ** len(bucket.scope) for bucket in buckets)
    result = least(games, buckets)
    allowed = ~every.hidden[:, [number not in free for number in numbers]].any(1)
    np.testing.assert_allclose(result.values, every.logits[allowed].min(0), rtol=0, atol=1e-12)
    for quantity in range(10):
        hidden = result.hidden(quantity)
        assert set(members(hidden)) <= free
        assert games.values(visible(games, hidden))[quantity] == pytest.approx(result.values[quantity], abs=1e-12)


def test_elimination_of_noise_of_49_players() -> None:
    """Of 2⁴⁹ hidings some, and those a flip away."""
    games = class_games(SHIPPED["paired-3x3"], np.random.default_rng(1).random((28, 28)))
    buckets = plan(games, 2**49 - 1)
    assert entries(buckets) < 3_000_000
    result = least(games, buckets)
    random = games.values(np.random.default_rng(2).random((5000, 49)) < 0.5)
    assert (random.min(0) > result.values + 1).all()
    for quantity in range(10):
        best = visible(games, result.hidden(quantity))
        assert games.values(best)[quantity] == pytest.approx(result.values[quantity], abs=1e-11)
        assert games.values(best ^ np.eye(49, dtype=bool))[:, quantity].min() > result.values[quantity]


def contrasts(network: Network, image: F64, some: SearchBudget) -> Contrasts:
    return Contrasts(class_games(network, image).margins(int(network.logits(image).argmax())), some)


def check_margins(network: Network, image: F64) -> None:
    """Of random sets of kept regions."""
    every = every_combination(network, image, 4, 0.0)
    margins, rng = every.margins(), np.random.default_rng(len(every.players))

    def number(regions: int) -> int:
        return every.set_of(tuple(divmod(region, 7) for region in members(regions)))

    for _ in range(12):
        some = contrasts(network, image, budget())
        share = rng.random()
        kept = sum(1 << region for region in members(some.players) if rng.random() < share)
        worst, margin = every.worst(number(kept)), some.margin(kept)
        if worst > 0:
            assert margin == pytest.approx(worst, abs=1e-12)
            assert some.found == []
        else:
            assert margin is None
            assert len(set(some.found)) == len(some.found) > 0
            for hidden in some.found:
                assert not hidden & kept
                assert margins[number(hidden)] <= 0
                for region in members(hidden):
                    assert margins[number(hidden & ~(1 << region))] > 0


def let_descents_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hiding one more region never seems to change the class; showing one again is told as it is."""
    told = LocalGames.values_beside

    def beside(games: LocalGames, visible: NDArray[np.bool_], turned: NDArray[np.intp]) -> F64:
        return np.where(visible[turned][:, None], 1, told(games, visible, turned))

    monkeypatch.setattr(LocalGames, "values_beside", beside)


@pytest.mark.parametrize("descends", [True, False])
@pytest.mark.parametrize("name", SHIPPED)
def test_margins_and_contrasts(name: str, descends: bool, digits: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    """What elimination finds alone is minimal too: its hidings hide much that takes nothing away."""
    if not descends:
        let_descents_fail(monkeypatch)
    for image in (cut(digits, 1), cut(digits, 7, rows=slice(4, 16)), cut(digits, 9, columns=slice(12, 20))):
        check_margins(SHIPPED[name], image)


def test_the_descent_only_saves_time(digits: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    assert contrasts(network, image, budget(entries=0)).margin(0) is None
    let_descents_fail(monkeypatch)
    with pytest.raises(BudgetError):
        contrasts(network, image, budget(entries=0)).margin(0)
    slow = contrasts(network, image, budget())
    assert slow.margin(0) is None
    assert len(slow.found) == 1
    # A table for each of the nine other classes is paid for.
    assert 10**9 - slow.budget.entries == 9 * entries(plan(class_games(network, image), slow.players))


def one_by_one(games: LocalGames, most: int, limit: float) -> int | None:
    """Every set of so many regions, the smaller ones first."""
    for size in range(1, most + 1):
        some = list(combinations(games.players.tolist(), size))
        shown = np.ones((len(some), games.regions.count), bool)
        for row, hidden in zip(shown, some, strict=True):
            row[list(hidden)] = False
        values = games.values(shown).min(1) if some else np.zeros(0)
        if some and values.min() <= limit:
            # A tie goes to the set that comes first.
            return sum(1 << int(region) for region in some[int((values <= values.min() + 1e-12).argmax())])
    return None


@examples(20)
@given(architectures(), SEEDS, st.floats(0, 1))
def test_the_fewest_and_of_these_the_least(architecture: Architecture, seed: int, depth: float) -> None:
    """With limits from what one region takes away to what no three do."""
    rng = np.random.default_rng(seed)
    image = rng.random((28, 28)) * (rng.random((28, 28)) < 0.3)
    image[: rng.integers(0, 16)] = 0
    games = class_games(random_network(architecture, seed), image, 14 if seed % 2 else 7)
    limit = float(games.values(np.ones(games.regions.count, bool)).min() - 0.4 * depth)
    assert fewest_hidden(games, 3, limit, budget()) == one_by_one(games, 3, limit)


@pytest.mark.parametrize("name", ["lenet-6x16", "paired-3x3", "summed-3x3"])
def test_the_fewest_of_digits(name: str, digits: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_search, "SETS_AT_ONCE", 3)
    network, sizes = SHIPPED[name], set()
    for image in digits.scaled(np.float64)[:12]:
        games = class_games(network, image).margins(int(network.logits(image).argmax()))
        found = fewest_hidden(games, 3, 0, budget())
        assert found == one_by_one(games, 3, 0)
        sizes.add(found and found.bit_count())
    assert {1, 2, 3} <= sizes


def test_what_cannot_reach_the_limit_is_not_looked_up(digits: Labelled) -> None:
    """Of the first digit's 16 regions four are needed. There are 2,516 sets of at most four."""
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    games, left = class_games(network, image).margins(7), budget(hidings=450)
    found = fewest_hidden(games, 5, 0, left)
    assert found is not None
    assert (found.bit_count(), sum(comb(16, size) for size in (1, 2, 3, 4))) == (4, 2516)
    spent = 450 - left.hidings
    assert fewest_hidden(games, 5, 0, budget(hidings=spent)) == found
    with pytest.raises(BudgetError):
        fewest_hidden(games, 5, 0, budget(hidings=spent - 1))
    some = contrasts(network, image, budget())
    assert some.fewest() == found
    spent = 10**9 - some.budget.hidings
    assert contrasts(network, image, budget(hidings=spent)).fewest() == found
    with pytest.raises(BudgetError):
        contrasts(network, image, budget(hidings=spent - 1)).fewest()


def test_nothing_to_hide() -> None:
    games = class_games(SHIPPED["paired-3x3"], np.zeros((28, 28))).margins(1)
    assert fewest_hidden(games, 3, 0, budget()) is None
