"""What a question costs, against rows and bytes that the engine really has."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.errors import ParameterError
from konkyo.models.hiding import rows as hidings
from konkyo.models.hiding.cost import MOST_BYTES, allowed_sides, refusal, singles, tables, usual_side
from konkyo.models.hiding.games import cells_of, class_games
from konkyo.models.hiding.occlusion import hidden_logits
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Network
from tests.helpers.oracles import F64
from tests.helpers.refuse import refuses

NETWORKS = {
    "the paper's": two_stages(Wiring.PAIRED, 3, 3),
    "LeNet's": two_stages(Wiring.SUMMED, 6, 16),
    "Keras'": Architecture((Stage(32, 3), Stage(64, 3))),
    "padding 2": Architecture((Stage(16, 5, 2), Stage(32, 5, 2))),
    "three stages": Architecture((Stage(8, 3, 1), Stage(16, 3, 1), Stage(16, 3, 1, pool=False))),
    "Tiny VGG": Architecture(tuple(Stage(10, 3, pool=bool(number % 2)) for number in range(4)), 64, 3),
    "a hidden layer": Architecture((Stage(32, 3, pool=False), Stage(64, 3)), hidden=(128,)),
}
NAMED = pytest.mark.parametrize("architecture", NETWORKS.values(), ids=NETWORKS)


def dense(architecture: Architecture) -> tuple[Network, F64]:
    """A network, and an image that hiding changes everywhere."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.1, shape) for name, shape in architecture.tensor_shapes.items()}
    return Network(architecture, weights), 0.1 + 0.9 * rng.random(architecture.image_shape)


def peak(run: Any) -> int:
    run()  # what is kept from then on is no cost of a question
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


class Counted:
    """The rows that the engine makes, and their multiply-adds: products, and numbers that are gathered and added."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = self.last = self.work = 0
        made = hidings.stage_rows

        def counting(network: Network, stage: int, columns: Any, rows: int) -> Any:
            given, inputs = network.architecture.stages[stage], network.architecture.layer_maps[stage]
            maps = network.architecture.layer_maps[stage + 1]
            make = made(network, stage, columns, rows)
            first = make.__name__ == "multiplied_first"  # of the rows below, the last is padding
            self.work += first * (columns.shape[1] - 1) * given.kernel**2 * inputs * maps

            def rows_of(index: Any) -> Any:
                self.rows += index.shape[1]
                self.last += index.shape[1] * (stage == len(network.architecture.stages) - 1)
                seen = given.kernel**2 if first else given.width**2 * (1 if given.paired else inputs)
                self.work += index.shape[1] * seen * given.step**2 * maps
                return make(index)

            return rows_of

        monkeypatch.setattr(hidings, "stage_rows", counting)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@NAMED
def test_rows_and_their_work_are_exact(architecture: Architecture, counted: Counted) -> None:
    network, image = dense(architecture)
    images, _ = network.flatten(image)
    pixels = architecture.side**2
    for region in allowed_sides(architecture)[::4]:
        regions = Regions(region, side=architecture.side)
        for cost, ask in (
            (tables(architecture, regions), lambda region=region: class_games(network, image, region)),
            (
                singles(architecture, regions),
                lambda regions=regions: hidden_logits(network, images, np.zeros_like(images), regions),
            ),
        ):
            counted.rows = counted.last = counted.work = 0
            ask()
            assert cost.rows == counted.rows + 2 * pixels
            (first, *others), above = architecture.head, cost.multiply_adds - counted.work
            if cost is singles(architecture, regions):
                assert above == (regions.count + 1) * sum(out * into for _, out, into in architecture.head)
            else:
                merged = architecture.cells * first[1] + sum(out * into for _, out, into in others)
                of_cells = counted.last * architecture.maps * first[1]
                assert above == of_cells + bool(architecture.hidden) * 2**regions.count * merged


@NAMED
def test_bytes_are_those_at_the_peak(architecture: Architecture) -> None:
    network, image = dense(architecture)
    images, _ = network.flatten(image)
    for pairs in (False,) if architecture.hidden else (False, True):
        for region in allowed_sides(architecture, pairs=pairs)[::3]:
            said = tables(architecture, Regions(region, side=architecture.side), pairs=pairs).size

            def combinations(region: int = region, pairs: bool = pairs) -> Any:
                cells = cells_of(network, image, region, pairs=pairs)
                return cells.pair_games(0, None) if pairs else cells.class_games()

            assert said / 2 < peak(combinations) < 2 * said
    for region in range(2, architecture.side // 2 + 1, 6):
        regions = Regions(region, side=architecture.side)
        if not singles(architecture, regions).allowed:
            continue
        said = singles(architecture, regions).size
        measured = peak(lambda regions=regions: hidden_logits(network, images, np.zeros_like(images), regions))
        assert said / 2 < measured < 2 * said


def test_a_cell_that_sees_thousands_of_regions_is_counted() -> None:
    large = Architecture((Stage(64, 31), Stage(64, 15)), 64)
    cost = tables(large, Regions(1, side=64))
    assert cost.players == 62**2
    assert cost.rows > 2**3844
    assert not cost.allowed
    message = refusal(large, Regions(1, side=64))
    assert message == "a cell sees up to 3844 regions, and all their combinations take more than 64 MiB"
    side = allowed_sides(large)[0]
    with refuses(ParameterError, f"region: {message}; a side of {side} pixels would do"):
        class_games(*dense(large), 1)
    assert tables(large, Regions(side, side=64)).allowed
    assert not tables(large, Regions(side - 1, side=64)).allowed


def test_too_many_regions_by_themselves_are_refused() -> None:
    network, image = dense(NETWORKS["Tiny VGG"])
    images, _ = network.flatten(image)
    message = (
        "region: hiding each of 1024 regions by itself takes more than 64 MiB; a side of 3 pixels, and no smaller "
        "stride, would do"
    )
    with refuses(ParameterError, message):
        hidden_logits(network, images, np.zeros_like(images), Regions(2, side=64))


@pytest.mark.parametrize(("name", "side"), list(zip(NETWORKS, (4, 4, 4, 8, 8, 8, 7), strict=True)))
def test_the_side_that_is_taken_where_none_is_named(name: str, side: int) -> None:
    architecture = NETWORKS[name]
    assert usual_side(architecture) == side
    cost, smaller = (tables(architecture, Regions(one, side=architecture.side)) for one in (side, side - 1))
    most = 16 if architecture.hidden else 9
    assert cost.players <= most < smaller.players
    assert cost.size < MOST_BYTES


def test_a_drawing_of_few_regions_may_have_smaller_ones() -> None:
    """The rows that this image needs decide."""
    network, _ = dense(NETWORKS["the paper's"])
    image = np.zeros((28, 28))
    image[4:10, 4:10] = 0.5
    assert refusal(network.architecture, Regions(2)) is not None
    assert len(class_games(network, image, 2).players) == 9
    with refuses(
        ParameterError,
        "region: hiding changes 196 regions of this image, and all their combinations take more than 64 MiB; a side of "
        "4 pixels would do",
    ):
        class_games(network, image + 0.1, 2)


def test_merging_few_regions_can_be_too_much_as_well() -> None:
    """Tables of the first affine layer have as many columns as it has outputs."""
    wide = Architecture((Stage(8, 5, 2), Stage(16, 5, 2)), hidden=(512,))
    network, _ = dense(wide)
    image = np.zeros((28, 28))
    image[12:16, 12:16] = 0.5
    with refuses(
        ParameterError,
        "region: hiding changes 16 regions of this image, and all their combinations take more than 64 MiB; a side of "
        "9 pixels would do",
    ):
        class_games(network, image, 1)


def test_work_alone_can_be_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("konkyo.models.hiding.cost.MOST_WORK", 10**6)
    network, image = dense(NETWORKS["the paper's"])
    with refuses(
        ParameterError,
        "region: hiding changes 49 regions of this image, and all their combinations take more than 1,000,000 "
        "multiply-adds; a side of 8 pixels would do",
    ):
        class_games(network, image, 4)
    images, _ = network.flatten(image)
    with refuses(
        ParameterError,
        "region: hiding each of 196 regions by itself takes more than 1,000,000 multiply-adds; a side of 4 pixels, and "
        "no smaller stride, would do",
    ):
        hidden_logits(network, images, np.zeros_like(images), Regions(2))
