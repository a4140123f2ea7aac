import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.checkpoint import load_all
from models.errors import ImageError, ParameterError
from models.network import Network
from models.regions import Regions
from tests.helpers.lamp import LAMP, lamp_network, lit
from tests.helpers.oracles import ARCHITECTURES, random_network
from tests.helpers.refuse import refuses
from trainer.data import Digits
from trainer.studies.greedy import GROWTH, find_grounds

Picture = NDArray[np.float64]

SHIPPED = load_all()
NETWORKS = [random_network(architecture, 21) for architecture in ARCHITECTURES]


def test_a_lamp_is_the_grounds_of_what_it_lights() -> None:
    """By hand: with the lamp 6 has a logit of 20, without it 8, a 2 always 10 and the eight others 0."""
    image = lit((0, 0), (27, 27))
    found = find_grounds(lamp_network(), image)
    assert (found.target, found.predicted, found.evidence) == (6, 6, 1)
    assert found.order[0] == LAMP[0] // 2 * 14 + LAMP[1] // 2
    assert sorted(found.order[1:]) == [0, 195]
    assert found.turn[LAMP] == 1
    assert found.proof is not None
    assert found.proof.regions == 1
    assert np.argwhere(found.proof.kept).tolist() == [list(LAMP)]
    e = math.exp
    assert found.proof.alone[6] == pytest.approx(e(20) / (e(20) + e(10) + 8))
    assert found.proof.without[2] == pytest.approx(e(10) / (e(10) + e(8) + 8))
    heat = found.heatmap()
    assert (heat[LAMP], heat[0, 0], heat[27, 27], heat[5, 5]) == (1, -0.5, -1, 0)


def test_a_digit_that_nothing_lights_has_no_grounds() -> None:
    found = find_grounds(lamp_network(), lit(), target=3)
    assert (found.target, found.predicted, found.proof) == (3, 6, None)


def test_what_an_empty_sheet_is_read_as_needs_no_ink() -> None:
    """Where the lamp is out a 2 is read, with it a 6: nothing need be shown for a 2, and nothing taken away."""
    found = find_grounds(lamp_network(), lit(), target=2)
    assert found.proof is not None
    assert (found.proof.regions, found.evidence) == (0, 0)
    assert not found.proof.kept.any()
    assert found.heatmap()[LAMP] == -1


def test_an_empty_picture_has_nothing_to_move() -> None:
    found = find_grounds(lamp_network(), np.full((28, 28), 0.25), fill=0.25)
    assert (len(found.order), found.evidence, found.proof) == (0, 0, None)
    assert not found.turn.any()
    assert not found.heatmap().any()


def sheet_and_rest(image: Picture, fill: float, moved: NDArray[np.bool_]) -> tuple[Picture, Picture]:
    sheet, rest = np.full((28, 28), fill), image.copy()
    sheet[moved] = image[moved]
    rest[moved] = fill
    return sheet, rest


def value(network: Network, pictures: tuple[Picture, Picture], target: int) -> float:
    """log P(target | sheet) + log(1 − P(target | rest)), the second by adding up the others."""
    logs: list[float] = []
    others = [one for one in range(len(network.classes)) if one != target]
    for picture, wanted in zip(pictures, ([target], others), strict=True):
        logits = network.logits(picture).tolist()
        most = max(logits)
        total = math.log(sum(math.exp(logit - most) for logit in logits)) + most
        best = max(logits[digit] for digit in wanted)
        logs.append(best + math.log(sum(math.exp(logits[digit] - best) for digit in wanted)) - total)
    return sum(logs)


def proves(network: Network, pictures: tuple[Picture, Picture], target: int) -> bool:
    alone, without = (int(network.logits(picture).argmax()) for picture in pictures)
    return alone == target != without


@given(
    network=st.sampled_from(NETWORKS),
    number=st.integers(0, 9_999),
    region=st.integers(4, 14),
    fill=st.sampled_from([0.0, 0.3, 1.0]),
    target=st.none() | st.integers(0, 9),
    growth=st.sampled_from([0.0, GROWTH, 1.0]),
)
def test_the_rule_is_the_documented_one(
    digits: Digits, network: Network, number: int, region: int, fill: float, target: int | None, growth: float
) -> None:
    """Followed round by round, every picture read whole."""
    image, regions = digits[number : number + 1].scaled(np.float64)[0], Regions(region)
    found = find_grounds(network, image, target, regions, fill, growth)
    assert found.target == (network.logits(image).argmax() if target is None else target)
    squares = regions.masks.reshape(-1, 28, 28)
    left = {number for number, square in enumerate(squares) if (image[square] != fill).any()}
    assert set(found.order) == left

    def after(moved: NDArray[np.bool_]) -> tuple[Picture, Picture]:
        return sheet_and_rest(image, fill, moved)

    moved, done = [np.zeros((28, 28), bool)], 0
    ends = {0: value(network, after(moved[0]), found.target)}
    first = 0 if proves(network, after(moved[0]), found.target) else None
    while left:
        tried = {number: value(network, after(moved[done] | squares[number]), found.target) for number in left}
        round_ = found.order[done : done + max(1, int(growth * done))].tolist()
        left -= set(round_)
        assert min(tried[number] for number in round_) > max([tried[number] for number in left], default=-1e9) - 1e-9
        for number in round_:
            moved.append(moved[-1] | squares[number])
            assert (found.turn[squares[number] & (image != fill)] == len(moved) - 1).all()
        before, done = done, done + len(round_)
        ends[done] = value(network, after(moved[done]), found.target)
        if first is None and proves(network, after(moved[done]), found.target):
            steps = range(before + 1, done + 1)
            first = next(step for step in steps if proves(network, after(moved[step]), found.target))
    assert ends[found.evidence] == pytest.approx(max(ends.values()), abs=1e-9)
    assert (found.turn == 0).tolist() == (image == fill).tolist()
    assert (found.proof and found.proof.regions) == first


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("regions", [Regions(), Regions(3, 2), Regions(4, 1), Regions(14)], ids=str)
@pytest.mark.parametrize("fill", [0.0, 0.4])
def test_the_proof_holds(name: str, regions: Regions, fill: float, digits: Digits) -> None:
    """Of any regions, overlapping ones too: a pixel goes with the first of them that covers it."""
    network = SHIPPED[name].precise
    proved = 0
    for image in digits.scaled(np.float64)[:6]:
        found = find_grounds(network, image, regions=regions, fill=fill)
        squares = regions.masks.reshape(-1, 28, 28)[found.order]
        first = np.where(squares, np.arange(1, len(squares) + 1)[:, None, None], 10_000).min(0)
        assert np.array_equal(found.turn, np.where(image == fill, 0, first))
        assert set(range(1, len(squares) + 1)) <= set(found.turn.ravel().tolist())
        if found.proof is None:
            continue
        proved += 1
        assert np.array_equal(found.proof.kept, (found.turn > 0) & (found.turn <= found.proof.regions))
        pictures = sheet_and_rest(image, fill, found.proof.kept)
        assert proves(network, pictures, found.target)
        for picture, told in zip(pictures, (found.proof.alone, found.proof.without), strict=True):
            odds = np.exp(network.logits(picture))
            assert np.allclose(told, odds / odds.sum(), atol=1e-12)
    assert proved > 3


def test_little_ink_is_enough(digits: Digits) -> None:
    """Half of the digits are read by less than a sixth of what holds ink, nearly all by less than half."""
    network = SHIPPED["paired-3x3"].precise
    shares = []
    for image in digits.scaled(np.float64)[:50]:
        found = find_grounds(network, image)
        assert found.proof is not None
        shares.append(found.proof.regions / len(found.order))
    assert np.median(shares) < 1 / 6
    assert np.quantile(shares, 0.9) < 1 / 2


def test_the_order_does_not_depend_on_precision(digits: Digits) -> None:
    image = digits.scaled(np.float64)[0]
    one = find_grounds(SHIPPED["summed-3x3"].network, image)
    other = find_grounds(SHIPPED["summed-3x3"].precise, image)
    assert one.order[:5].tolist() == other.order[:5].tolist()


def test_refusals() -> None:
    network, image = NETWORKS[0], np.zeros((28, 28))
    with refuses(ParameterError, "target: must be a class from 0 to 9, not 10"):
        find_grounds(network, image, target=10)
    with refuses(ImageError, "one image at a time; got an array of shape (2, 28, 28)"):
        find_grounds(network, np.zeros((2, 28, 28)))
    with refuses(ImageError, "an image must be finite: it holds NaN or infinity"):
        find_grounds(network, np.full((28, 28), np.nan))
