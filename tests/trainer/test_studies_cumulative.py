"""Cumulative occlusion against a greedy search that reads every picture whole."""

import numpy as np
import pytest

from models.checkpoint import load_all
from models.network import Array, Network, softmax
from models.regions import Regions
from tests.lamp import lamp_network, lit
from tests.oracles import PAIRED, SUMMED, random_network
from trainer.data import Digits
from trainer.studies.cumulative import Rule, cumulative
from trainer.studies.stamps import Stamps


def worth(network: Network, rule: Rule, rest: Array, target: int) -> float:
    logits = network.logits(rest)
    if rule is Rule.LEAST:
        return float(logits[target] - max(logits[c] for c in range(10) if c != target))
    return float(1 - softmax(logits)[target])


def greedy(network: Network, image: Array, region: int, rule: Rule, target: int) -> tuple[list[int], list[float]]:
    """Regions as they are taken, and the rule's value before the first and after each."""
    side = -(-28 // region)
    boxes = [
        (slice(y * region, (y + 1) * region), slice(x * region, (x + 1) * region))
        for y in range(side)
        for x in range(side)
    ]
    left = [number for number, box in enumerate(boxes) if image[box].any()]
    rest, taken = image.copy(), list[int]()
    values = [worth(network, rule, rest, target)]
    while left:
        tried = []
        for number in left:
            emptier = rest.copy()
            emptier[boxes[number]] = 0
            tried.append((worth(network, rule, emptier, target), -number, emptier))
        value, number, rest = max(tried, key=lambda entry: entry[:2])
        values.append(value)
        taken.append(-number)
        left.remove(-number)
    return taken, values


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize(("name", "number"), [("paired", 3), ("summed", 8), ("shipped", 0)])
def test_ranks_are_those_of_reading_every_picture_whole(name: str, number: int, rule: Rule, digits: Digits) -> None:
    networks = {"paired": random_network(PAIRED, 84), "summed": random_network(SUMMED, 85)}
    network = networks.get(name) or load_all()["paired-3x3"].precise
    image = digits.scaled(np.float64)[number]
    target = int(network.logits(image).argmax())
    ranks = cumulative(Stamps.of(network, image), Regions(5), rule, target)
    taken, values = greedy(network, image, 5, rule, target)
    steps = int(np.argmax(values))
    expected = np.zeros(36)
    if rule is Rule.LEAST:  # what is hidden before the best point is in the way, and the rest is evidence
        for step, region in enumerate(taken):
            expected[region] = step - steps if step < steps else step - steps + 1
    else:
        for step, region in enumerate(taken):
            expected[region] = steps - step if step < steps else steps - step - 1
    assert ranks.ravel().tolist() == expected.tolist()


@pytest.mark.parametrize(("rule", "lamp", "dust"), [(Rule.LEAST, 2, 1), (Rule.MOST, 1, -1)], ids=str)
def test_on_paper(rule: Rule, lamp: int, dust: int) -> None:
    """Of two regions with ink one counts. Hiding the dust changes nothing: it is no better and no worse hidden."""
    image = lit((2, 2))
    ranks = cumulative(Stamps.of(lamp_network(), image), Regions(), rule, 6)
    expected = np.zeros((14, 14))
    expected[6, 7], expected[1, 1] = lamp, dust
    assert ranks.tolist() == expected.tolist()


def test_a_blank_picture_has_no_ranks() -> None:
    assert not cumulative(Stamps.of(lamp_network(), np.zeros((28, 28))), Regions(), Rule.MOST, 2).any()


def test_refuses_regions_that_overlap() -> None:
    with pytest.raises(ValueError, match="regions that overlap cannot be taken one after another"):
        cumulative(Stamps.of(lamp_network(), lit()), Regions(2, 1), Rule.MOST, 6)
