import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint import load_all
from models.errors import ImageError, ParameterError
from models.network import Network
from models.regions import Regions
from models.sufficient import Sufficient, sufficient_region
from tests.oracles import PAIRED, SUMMED, random_network
from tests.refuse import refuses
from trainer.data import Digits

SHIPPED = load_all()
GRIDS = {"2": Regions(), "4 by 3": Regions(4, 3), "7": Regions(7)}


def covered(result: Sufficient) -> NDArray[np.bool_]:
    """Pixel by pixel, what the hidden regions cover."""
    pixels = np.zeros((28, 28), bool)
    for row, column in np.argwhere(result.hidden).tolist():
        left, top, right, bottom = result.regions.box(row, column)
        pixels[top:bottom, left:right] = True
    return pixels


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("number", [0, 8, 18, 247])
def test_it_suffices_and_nothing_more_can_go(name: str, grid: str, number: int, digits: Digits) -> None:
    network, image = SHIPPED[name].precise, digits.scaled(np.float64)[number]
    result = sufficient_region(network, image, GRIDS[grid])
    assert result.digit == network.logits(image).argmax()

    hidden = covered(result)
    assert np.array_equal(result.kept, ~hidden)
    left = np.where(hidden, 0, image)
    logits = network.logits(left)
    assert logits.argmax() == result.digit
    assert result.probability == pytest.approx(np.exp(logits)[result.digit] / np.exp(logits).sum(), abs=1e-12)
    assert result.count == (~result.hidden).sum()

    for row, column in np.argwhere(~result.hidden).tolist():
        further = left.copy()
        box = result.regions.box(row, column)
        further[box[1] : box[3], box[0] : box[2]] = 0
        assert network.logits(further).argmax() != result.digit


def slow(network: Network, image: NDArray[np.float64], regions: Regions, fill: float) -> NDArray[np.bool_]:
    """The rule of the docstring, one picture at a time."""
    rows, columns = regions.grid
    left, hidden = image.copy(), np.zeros(regions.grid, bool)
    digit = int(network.logits(image).argmax())
    while True:
        trials = []
        for row in range(rows):
            for column in range(columns):
                box = regions.box(row, column)
                square = np.s_[box[1] : box[3], box[0] : box[2]]
                if (left[square] == fill).all():
                    hidden[row, column] = True
                    continue
                trial = left.copy()
                trial[square] = fill
                logits = network.logits(trial).tolist()
                lead = logits[digit] - max(value for place, value in enumerate(logits) if place != digit)
                if lead > 0:
                    trials.append((-lead, row, column, trial))
        if not trials:
            return hidden
        _, row, column, left = min(trials, key=lambda trial: trial[:3])
        hidden[row, column] = True


@pytest.mark.parametrize("fill", [0.0, 0.4])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED])
def test_the_order_is_the_documented_one(architecture: type, fill: float, digits: Digits) -> None:
    network, image = random_network(architecture, 5), digits.scaled(np.float64)[2]  # type: ignore[arg-type]
    for regions in (Regions(7), Regions(9, 5)):
        result = sufficient_region(network, image, regions, fill)
        assert np.array_equal(result.hidden, slow(network, image, regions, fill))


def test_an_empty_picture_needs_nothing() -> None:
    result = sufficient_region(SHIPPED["paired-3x3"].precise, np.zeros((28, 28)))
    assert result.hidden.all()
    assert not result.kept.any()
    assert result.count == 0


def test_refusals() -> None:
    network = SHIPPED["paired-3x3"].precise
    with refuses(ImageError, "one picture at a time; got an array of shape (1, 28, 28)"):
        sufficient_region(network, np.zeros((1, 28, 28)))
    with refuses(ParameterError, "fill: must be from 0 to 1, not 2"):
        sufficient_region(network, np.zeros((28, 28)), fill=2)


def test_too_many_regions_are_refused_before_any_work() -> None:
    network = SHIPPED["paired-3x3"].precise
    with refuses(ParameterError, "region: 784 regions are too many to hide one after another; at most 256 are"):
        sufficient_region(network, np.zeros((28, 28)), Regions(1))
    assert sufficient_region(network, np.zeros((28, 28)), Regions(4, 2)).count == 0
