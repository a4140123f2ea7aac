"""Grounds, against every hiding by a forward pass; and what their budgets allow."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError, ParameterError
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.grounds import proofs
from konkyo.models.grounds.budget import SearchBudget
from konkyo.models.grounds.contrasts import Contrasts
from konkyo.models.grounds.proofs import Grounds, Position, Status, grounds
from konkyo.models.hiding.cost import allowed_sides as exact_sides
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from tests.helpers.combinations import Combinations, boxes, cut, every_combination
from tests.helpers.examples import examples
from tests.helpers.oracles import F64, PAIRED, architectures, random_network
from tests.helpers.refuse import refuses
from tests.helpers.trained import trained

SHIPPED = {name: checkpoint.precise for name, checkpoint in trained().items()}
# Of three stages: its regions have 8×8 pixels.
DEEP = load(DIRECTORY / "deep-7x9x9.safetensors").precise


def check(network: Network, image: F64, region: int = 4, fill: float = 0.0) -> tuple[Grounds, Combinations]:
    """Everything that is claimed, against every hiding by a forward pass."""
    every = every_combination(network, image, region, fill)
    result, margins = grounds(network, image, region, fill), every.margins()
    assert list(result.players) == every.players
    classes = [max(range(len(one)), key=lambda c: one[c] - 1e-9 * c) for one in every.logits.tolist()]
    assert result.predicted == classes[0]
    assert [one == classes[0] for one in classes] == (margins > 0).tolist()
    np.testing.assert_allclose(result.empty.logits, every.logits[-1], rtol=0, atol=1e-12)

    sufficient = result.sufficient
    kept = every.set_of(sufficient.regions)
    assert list(sufficient.regions) == sorted(set(sufficient.regions))
    assert sufficient.margin == pytest.approx(every.worst(kept), abs=1e-12)
    assert sufficient.margin > 0
    assert sufficient.combinations == sum(not number & kept for number in range(len(margins)))
    for place in sufficient.regions:
        assert every.worst(kept & ~every.set_of((place,))) <= 0
    if sufficient.status is Status.SMALLEST:
        assert len(sufficient.regions) == every.smallest()

    changing = np.flatnonzero(margins <= 0)
    if result.contrast is None:
        assert not len(changing)
        assert sufficient.regions == ()
    else:
        fewest = min(int(number).bit_count() for number in changing)
        hidden = every.set_of(result.contrast.regions)
        assert len(result.contrast.regions) == fewest
        least = min(margins[number] for number in changing if int(number).bit_count() == fewest)
        assert margins[hidden] == pytest.approx(least, abs=1e-12)
        np.testing.assert_allclose(result.contrast.logits, every.logits[hidden], rtol=0, atol=1e-12)
        assert result.contrast.predicted == classes[hidden] != result.predicted
    return result, every


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("fill", [0.0, 0.4])
def test_proofs_of_shipped_networks(name: str, fill: float, digits: Labelled) -> None:
    for image in (
        cut(digits, 1, fill),
        cut(digits, 7, fill, slice(4, 16)),
        cut(digits, 9, fill, columns=slice(12, 20)),
    ):
        result, _ = check(SHIPPED[name], image, fill=fill)
        assert result.sufficient.status is Status.SMALLEST


@examples(10)
@given(architectures(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.7]), st.data())
def test_proofs_of_any_network(architecture: Architecture, seed: int, fill: float, data: st.DataObject) -> None:
    region = data.draw(st.sampled_from([side for side in exact_sides(architecture) if side >= 4]))
    rng = np.random.default_rng(seed)
    image = np.full((28, 28), fill)
    top, left = rng.integers(0, 18, 2)
    image[top : top + 10, left : left + 6] = rng.random((10, 6))
    check(random_network(architecture, seed), image, region, fill)


def by_giving_up(every: Combinations, order: list[Position]) -> int:
    """One region after another, by its definition."""
    kept = every.set_of(tuple(every.players))
    for place in order:
        less = kept & ~every.set_of((place,))
        if every.worst(less) > 0:
            kept = less
    return kept


@pytest.mark.parametrize("name", SHIPPED)
def test_without_a_budget_for_the_smallest_it_is_what_giving_up_leaves(
    name: str, digits: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the least Shapley value on."""
    monkeypatch.setattr(proofs, "SMALLEST", replace(proofs.SMALLEST, nodes=3))
    statuses = set()
    for image in (cut(digits, 1), cut(digits, 7, rows=slice(4, 16)), cut(digits, 2), cut(digits, 4), cut(digits, 62)):
        result, every = check(SHIPPED[name], image)
        values = shapley_values(SHIPPED[name], image).values[result.predicted]
        order = sorted(every.players, key=lambda place: values[place])
        left = by_giving_up(every, order)
        if result.sufficient.status is Status.IRREDUCIBLE:
            assert every.set_of(result.sufficient.regions) == left
        else:
            assert len(result.sufficient.regions) <= left.bit_count()
        statuses.add(result.sufficient.status)
    assert Status.IRREDUCIBLE in statuses


def test_what_giving_up_leaves_is_smallest_if_no_fewer_meet_the_contrasts(
    digits: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget ends at the very last question, when it is known that four regions are needed."""
    network, image = SHIPPED["paired-3x3"], cut(digits, 2)
    asked: list[int] = []

    class Interrupted(Contrasts):
        last = 10**6

        def margin(self, kept: int) -> float | None:
            asked.append(kept)
            if len(asked) == self.last:
                raise BudgetError("spent")
            return super().margin(kept)

    monkeypatch.setattr(proofs, "Contrasts", Interrupted)
    grounds(network, image)
    questions = len(asked)
    asked.clear()
    monkeypatch.setattr(Interrupted, "last", questions)
    result, _ = check(network, image)
    assert len(asked) > questions
    assert (len(result.sufficient.regions), result.sufficient.status) == (4, Status.SMALLEST)


def test_the_grounds_of_the_first_test_digit(digits: Labelled) -> None:
    """A 7: two of its sixteen regions are enough, in any of 2¹⁴ hidings of the others; four make it a 5."""
    result = grounds(SHIPPED["paired-3x3"], digits.scaled(np.float64)[0])
    assert result.predicted == 7
    assert len(result.players) == 16
    assert result.sufficient.regions == ((2, 2), (3, 4))
    assert result.sufficient.combinations == 16_384
    assert result.sufficient.status is Status.SMALLEST
    assert result.contrast is not None
    assert result.contrast.regions == ((2, 2), (3, 4), (4, 4), (5, 3))
    assert result.contrast.predicted == 5
    assert result.empty.predicted == 1
    assert result.empty.probability == pytest.approx(0.103, abs=0.001)


@pytest.mark.parametrize("network", [SHIPPED["paired-3x3"], SHIPPED["animals-6x16"], DEEP], ids=["3x3", "6x16", "deep"])
def test_no_random_hiding_contradicts_the_proof_of_a_digit_or_of_noise(network: Network, digits: Labelled) -> None:
    rng = np.random.default_rng(4)
    for image in (digits.scaled(np.float64)[3], digits.scaled(np.float64)[8], rng.random((28, 28))):
        result = grounds(network, image)
        places = list(boxes(result.hiding.regions.region))
        images = np.repeat(image[None], 300, axis=0)
        for hidden in images:
            share = rng.random()
            for place, box in places:
                if place not in result.sufficient.regions and rng.random() < share:
                    hidden[box] = 0
        logits = network.logits(images)
        assert (logits.argmax(1) == result.predicted).all()
        lowered = logits - 1e-9 * np.arange(logits.shape[1])
        margins = lowered[:, result.predicted] - np.delete(lowered, result.predicted, axis=1).max(1)
        assert margins.min() >= result.sufficient.margin - 1e-9
        assert result.sufficient.combinations == 2 ** (len(result.players) - len(result.sufficient.regions))


def test_an_empty_image_has_no_players() -> None:
    for fill in (0.0, 0.3):
        result = grounds(SHIPPED["paired-3x3"], np.full((28, 28), fill), fill=fill)
        assert result.players == ()
        assert result.contrast is None
        assert result.sufficient.regions == ()
        assert result.sufficient.combinations == 1
        assert result.sufficient.status is Status.SMALLEST
        leader, second = np.sort(result.logits - 1e-9 * np.arange(10))[-1:-3:-1]
        assert result.sufficient.margin == pytest.approx(leader - second, abs=1e-12)
        assert result.predicted == result.empty.predicted


def test_where_nothing_that_is_hidden_changes_the_class() -> None:
    """One class has so large a bias that no ink matters."""
    random = random_network(PAIRED, 3)
    weights = dict(random.weights)
    weights["affine.bias"] = np.where(np.arange(10) == 4, 50.0, 0.0)
    image = np.zeros((28, 28))
    image[8:20, 8:20] = np.random.default_rng(5).random((12, 12))
    result, _ = check(Network(PAIRED, weights), image)
    assert result.predicted == result.empty.predicted == 4
    assert result.contrast is None
    assert result.sufficient.regions == ()
    assert result.sufficient.combinations == 2 ** len(result.players)
    assert result.sufficient.margin > 40
    of = len(result.players)
    assert repr(result) == f"4 with 100.0 %: 0 of {of} regions prove it, no fewer do; no hiding changes it"


def of_ink(ink: int) -> Network:
    """Ink speaks for one class alone: without it all have the same logit."""
    weights = {name: np.zeros(shape) for name, shape in PAIRED.tensor_shapes.items()}
    for name in ("conv1.weight", "conv2.weight"):
        weights[name] += 0.1
    weights["affine.weight"][ink] = 1.0
    return Network(PAIRED, weights)


def test_a_tie_is_of_the_lower_class() -> None:
    """Whatever is hidden, nothing leads the 0. The 3 needs its ink, without which 0 is predicted."""
    image = np.zeros((28, 28))
    image[8:12, 8:12] = 1.0
    result, _ = check(of_ink(0), image)
    assert result.predicted == 0
    assert result.sufficient.regions == ()
    assert result.sufficient.margin == pytest.approx(1e-9)
    assert result.contrast is None

    result, _ = check(of_ink(3), image)
    assert result.predicted == 3
    assert result.sufficient.regions == ((2, 2),)
    assert result.contrast is not None
    assert result.contrast.regions == ((2, 2),)
    assert result.contrast.predicted == 0
    assert not result.contrast.logits.any()


def test_where_all_classes_are_alike_it_is_the_first() -> None:
    zeros = {name: np.zeros(shape) for name, shape in PAIRED.tensor_shapes.items()}
    image = np.zeros((28, 28))
    image[8:14, 8:14] = 1.0
    result, _ = check(Network(PAIRED, zeros), image)
    assert (result.predicted, result.sufficient.regions, result.contrast) == (0, (), None)


@pytest.mark.parametrize("needed", [1, 2])
@pytest.mark.parametrize("brighter", [slice(8, 12), slice(16, 20)], ids=["first", "second"])
def test_of_two_equal_regions_it_is_the_first(needed: int, brighter: slice) -> None:
    """Also where the other one is brighter by the last bit. The 3 needs one of them, or both."""
    image = np.zeros((28, 28))
    image[8:12, 8:12] = image[8:12, 16:20] = 0.3
    alone = image.copy()
    alone[8:12, 16:20] = 0
    both, one = (float(of_ink(3).logits(some)[3]) for some in (image, alone))
    weights = dict(of_ink(3).weights)
    weights["affine.bias"] = np.where(np.arange(10) == 0, one / 2 if needed == 1 else (one + both) / 2, 0.0)
    image[8:12, brighter] = np.nextafter(0.3, 1)
    result, _ = check(Network(PAIRED, weights), image)
    first, second = (2, 2), (2, 4)
    assert result.players == (first, second)
    assert result.contrast is not None
    assert result.sufficient.regions == ((first,) if needed == 1 else (first, second))
    assert result.contrast.regions == ((first, second) if needed == 1 else (first,))


# Whose proofs take much of a budget: digits on grey paper have 49 players.
BUDGETS: dict[str, tuple[str, int | str, int, int, Status]] = {
    "0.78 of the entries": ("animals-3x3", 7, 4, 12, Status.SMALLEST),
    "0.77 of the hidings": ("summed-3x3", 3, 4, 7, Status.SMALLEST),
    "0.76 of the nodes": ("paired-3x3", "noise 1", 5, 20, Status.SMALLEST),
    "1.1 of the entries": ("paired-3x3", 4, 4, 6, Status.IRREDUCIBLE),
    "then 0.53 of the other entries": ("animals-3x3", 17, 4, 7, Status.IRREDUCIBLE),
    "all nodes, then 0.72 of the other hidings": ("summed-3x3", "noise 11", 4, 24, Status.IRREDUCIBLE),
}


@pytest.mark.parametrize("spent", BUDGETS)
def test_what_the_budgets_allow(spent: str, digits: Labelled) -> None:
    """Half of one would prove less; twice as much, more."""
    name, which, region, count, status = BUDGETS[spent]
    if isinstance(which, str):
        image = np.random.default_rng(int(which.split()[1])).random((28, 28))
    else:
        image = np.maximum(digits.scaled(np.float64)[which], 0.1)
    sufficient = grounds(SHIPPED[name], image, region).sufficient
    assert (len(sufficient.regions), sufficient.status) == (count, status)


SPENT = "weighing every combination of these regions takes more work than one answer may; larger regions take less"


@pytest.mark.threat("the dearest question")
def test_what_takes_more_work_is_refused(digits: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both budgets are spent, by 1.01 of their entries; and any hiding takes one."""
    with refuses(BudgetError, SPENT):
        grounds(SHIPPED["summed-3x3"], np.maximum(digits.scaled(np.float64)[6], 0.1))
    monkeypatch.setattr(proofs, "SMALLEST", SearchBudget(0, 0, 0))
    monkeypatch.setattr(proofs, "OTHER", SearchBudget(0, 10**6, 0))
    with refuses(BudgetError, SPENT):
        grounds(SHIPPED["paired-3x3"], digits.scaled(np.float64)[0])


def test_refusals(digits: Labelled) -> None:
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    with refuses(
        ParameterError,
        "region: hiding changes 39 regions of this image, and all their combinations take more than 64 MiB; a side of "
        "4 pixels would do",
    ):
        grounds(network, image, 2)
    with refuses(ParameterError, "network: must be in float64, as a checkpoint's `precise` is"):
        grounds(random_network(PAIRED, 1, np.float32), image)
