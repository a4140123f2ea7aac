import numpy as np
import pytest

from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.budget import Budget
from konkyo.models.grounds.contrasts import TOLERANCE, Contrasts
from konkyo.models.grounds.elimination import members
from konkyo.models.hiding.games import class_games
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from tests.helpers.combinations import Combinations, cut, every_combination
from tests.helpers.oracles import F64, PAIRED, SUMMED, random_network, title
from tests.helpers.trained import trained

SHIPPED = {name: checkpoint.precise for name, checkpoint in trained().items()}


def budget(entries: int = 10**9, hidings: int = 10**9) -> Budget:
    return Budget(entries, hidings, 0)


def contrasts(network: Network, image: F64, some: Budget) -> Contrasts:
    return Contrasts(class_games(network, image).margins(int(network.logits(image).argmax())), some)


def number(every: Combinations, regions: int) -> int:
    """A set of regions of the 7×7 grid as one of players."""
    return every.set_of(tuple(divmod(region, 7) for region in members(regions)))


def check_margins(network: Network, image: F64) -> None:
    """Of random sets of kept regions, against every hiding by a forward pass."""
    every = every_combination(network, image, 4, 0.0)
    margins = every.margins()
    rng = np.random.default_rng(len(every.players))
    for _ in range(12):
        some = contrasts(network, image, budget())
        share = rng.random()
        kept = sum(1 << region for region in members(some.players) if rng.random() < share)
        worst = every.worst(number(every, kept))
        margin = some.margin(kept)
        if worst > TOLERANCE:
            assert margin == pytest.approx(worst, abs=1e-12)
            assert some.found == []
        else:
            assert margin is None
            assert len(set(some.found)) == len(some.found) > 0
            for hidden in some.found:
                assert not hidden & kept
                assert margins[number(every, hidden)] <= TOLERANCE
                for region in members(hidden):
                    assert margins[number(every, hidden & ~(1 << region))] > TOLERANCE


@pytest.mark.parametrize("name", SHIPPED)
def test_margins_and_contrasts_of_digits(name: str, digits: Digits) -> None:
    for image in (cut(digits, 1), cut(digits, 7, rows=slice(4, 16)), cut(digits, 9, columns=slice(12, 20))):
        check_margins(SHIPPED[name], image)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_margins_and_contrasts_of_random_networks(architecture: Architecture, digits: Digits) -> None:
    for seed in range(4):
        check_margins(random_network(architecture, seed), cut(digits, seed))


def test_contrasts_that_elimination_finds_are_minimal_too(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hidings hide much that takes nothing away."""
    monkeypatch.setattr(Contrasts, "_descend", lambda *_: [])
    for name in SHIPPED:
        check_margins(SHIPPED[name], cut(digits, 7, rows=slice(4, 16)))


def test_elimination_finds_what_the_descent_does_not(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """The descent only saves time."""
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    quick = contrasts(network, image, budget(entries=0))
    assert quick.margin(0) is None
    monkeypatch.setattr(Contrasts, "_descend", lambda *_: [])
    with pytest.raises(BudgetError):
        contrasts(network, image, budget(entries=0)).margin(0)
    slow = contrasts(network, image, budget())
    assert slow.margin(0) is None
    assert len(slow.found) == 1


def test_it_ends_with_its_budget(digits: Digits) -> None:
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    with pytest.raises(BudgetError):
        contrasts(network, image, budget(hidings=10)).margin(0)
    some = contrasts(network, image, budget())
    fewest = some.fewest()
    assert fewest is not None
    spent = 10**9 - some.budget.hidings
    assert contrasts(network, image, budget(hidings=spent)).fewest() == fewest
    with pytest.raises(BudgetError):
        contrasts(network, image, budget(hidings=spent - 1)).fewest()
