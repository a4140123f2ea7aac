import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.errors import ImageError
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.greedy import GROWTH, greedy_heatmap
from tests.helpers.lamp import LAMP, lamp_network, lit
from tests.helpers.oracles import ARCHITECTURES, random_network
from tests.helpers.refuse import refuses

NETWORKS = [random_network(architecture, 21) for architecture in ARCHITECTURES]
SQUARES = Regions().masks.reshape(-1, 28, 28)


def test_the_lamp_comes_first_for_what_it_lights() -> None:
    """By hand: with the lamp 6 has a logit of 20, without it 8; 2 always has 10 and the eight others 0."""
    heat = greedy_heatmap(lamp_network(), lit((0, 0), (27, 27)), 6)
    assert (heat[LAMP], heat[0, 0], heat[27, 27], heat[5, 5]) == (1, -0.5, -1, 0)


def test_it_comes_last_for_what_an_empty_image_is_predicted_as() -> None:
    assert greedy_heatmap(lamp_network(), lit(), 2)[LAMP] == -1


def test_an_empty_image_has_nothing_to_move() -> None:
    assert not greedy_heatmap(lamp_network(), np.zeros((28, 28)), 6).any()


def score(network: Network, image: Array, moved: np.ndarray, target: int) -> float:
    """log P(target | moved) + log(1 − P(target | rest)), the second by adding up the others."""
    found = 0.0
    others = [one for one in range(len(network.classes)) if one != target]
    for part, wanted in ((np.where(moved, image, 0), [target]), (np.where(moved, 0, image), others)):
        logits = network.logits(part).tolist()
        total, some = (
            math.log(math.fsum(math.exp(value) for value in values))
            for values in (logits, [logits[one] for one in wanted])
        )
        found += some - total
    return found


@given(network=st.sampled_from(NETWORKS), number=st.integers(0, 9_999), target=st.integers(0, 9))
def test_the_rule_is_the_documented_one(digits: Digits, network: Network, number: int, target: int) -> None:
    """Followed step by step, every image predicted whole, in the order that the heatmap gives."""
    image = digits[number : number + 1].scaled(np.float64)[0]
    heat = greedy_heatmap(network, image, target)
    assert ((heat != 0) == (image > 0)).all()
    inked = [place for place, square in enumerate(SQUARES) if image[square].any()]
    values = {place: heat[SQUARES[place] & (image > 0)] for place in inked}
    assert all((one == one[0]).all() for one in values.values())
    order = sorted(inked, key=lambda place: -values[place][0])
    moved, done, left = np.zeros((28, 28), bool), 0, set(inked)
    ends = {0: score(network, image, moved, target)}
    while left:
        step = order[done : done + max(1, int(GROWTH * done))]
        tried = {place: score(network, image, moved | SQUARES[place], target) for place in left}
        left -= set(step)
        assert min(tried[place] for place in step) > max((tried[place] for place in left), default=-math.inf) - 1e-9
        moved, done = moved | SQUARES[step].any(0), done + len(step)
        ends[done] = score(network, image, moved, target)
    split = sum(values[place][0] > 0 for place in order)
    assert ends[split] > max(ends.values()) - 1e-9
    # Equal distances in the order are equal distances in the heatmap, on either side.
    expected = [
        (split - place) / split if place < split else (split - 1 - place) / (done - split) for place in range(done)
    ]
    np.testing.assert_allclose([values[place][0] for place in order], expected, atol=1e-12)


def test_refusals() -> None:
    with refuses(ImageError, "one image at a time; got an array of shape (2, 28, 28)"):
        greedy_heatmap(NETWORKS[0], np.zeros((2, 28, 28)), 0)
