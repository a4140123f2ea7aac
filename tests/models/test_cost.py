"""What a question costs, against rows and bytes that the engine really has; and what can be asked of a network."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Factor, Pool, PoolKind, Stage, Wiring, two_stages
from konkyo.models.errors import ParameterError
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.contributions import contributions
from konkyo.models.hiding import plan as engine
from konkyo.models.hiding.cost import (
    USUAL,
    Budget,
    Explains,
    Limit,
    allowed_sides,
    explains,
    passes,
    refusal,
    singles,
    singles_refusal,
    tables,
    usual_side,
)
from konkyo.models.hiding.counting import Family
from konkyo.models.hiding.games import class_games, tables_of
from konkyo.models.hiding.occlusion import hidden_logits, occlude, pair_drops
from konkyo.models.hiding.plan import Plan
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import pair_values, shapley_values
from konkyo.models.network import Network
from konkyo.models.question import GroundsQuestion
from tests.helpers.any_network import any_architectures, random_weights
from tests.helpers.asked import explain_shapley
from tests.helpers.examples import examples
from tests.helpers.oracles import F64
from tests.helpers.refuse import refuses

NETWORKS = {
    "the paper's": two_stages(Wiring.PAIRED, 3, 3),
    "LeNet's": two_stages(Wiring.SUMMED, 6, 16),
    "Keras'": Architecture((Stage(32, 3), Stage(64, 3))),
    "padding 2": Architecture((Stage(16, 5, 2), Stage(32, 5, 2))),
    "three stages": Architecture((Stage(8, 3, 1), Stage(16, 3, 1), Stage(16, 3, 1, pool=None))),
    "Tiny VGG": Architecture(tuple(Stage(10, 3, pool=Pool() if number % 2 else None) for number in range(4)), 64, 3),
    "a hidden layer": Architecture((Stage(32, 3, pool=None), Stage(64, 3)), hidden=(128,)),
    "strides, and a mean": Architecture(
        (
            Stage(16, 3, 1, None, stride=2),
            Stage(32, 3, 1, None, stride=2),
            Stage(32, 3, 1, Pool(7, 7, PoolKind.MEAN)),
        )
    ),
    "depthwise": Architecture(
        (
            Stage(8, 3, 1, None, stride=2),
            Stage(8, 3, 1, None, groups=8, activation="relu6"),
            Stage(16, 1, 0, None),
            Stage(16, 3, 1, groups=4),
        ),
        32,
        3,
    ),
    "a shortcut": Architecture(
        (Stage(8, 3, 1, None), Stage(8, 3, 1, None), Stage(8, 3, 1, sources=(1, 2)), Stage(16, 3, 1))
    ),
}
NAMED = pytest.mark.parametrize("architecture", NETWORKS.values(), ids=NETWORKS)


def dense(architecture: Architecture) -> tuple[Network, F64]:
    """A network, and an image that hiding changes everywhere."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.1, shape) for name, shape in architecture.tensor_shapes.items()}
    return Network(architecture, weights), 0.1 + 0.9 * rng.random(architecture.image_shape)


def peak(run: Any) -> int:
    run()  # what is kept of a network is no cost of a question
    engine.KEPT.clear()
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@NAMED
@pytest.mark.parametrize("family", [Family.SINGLE, Family.EVERY])
def test_the_rows_that_are_counted_are_made(architecture: Architecture, family: Family) -> None:
    network, image = dense(architecture)
    images, _ = network.flatten(image)
    for region in allowed_sides(architecture)[::4]:
        plan = Plan(architecture, Regions(region, side=architecture.side), family)
        made = [each.values.shape[1:] for each in plan.run(network, images, np.zeros_like(images))]
        rows = sum(each[0] * each[1] if family is Family.EVERY else each[0] for each in made)
        assert plan.rows[-1] == rows
        # A cell of the last layer sees a region where its square of pixels does.
        assert plan.counts[-1].total() == plan.shape.sides[-1] ** 2


@pytest.mark.parametrize(
    ("architecture", "work"),
    [
        # Each of 64 cells sees one of four regions and has two rows. Each row has 3 × 2 maps, which meet 5 classes.
        (Architecture((Stage(2, 1, 0, None, Wiring.PAIRED),), 8, 3, classes=5), 64 * 2 * 6 + 64 * 2 * 6 * 5),
        # Depthwise: each map by itself.
        (Architecture((Stage(3, 1, 0, None, groups=3),), 8, 3, classes=5), 64 * 2 * 3 + 64 * 2 * 3 * 5),
        # A pool over 2×2 places: each takes a product for each cell below.
        (Architecture((Stage(3, 1, 0, groups=3),), 8, 3, classes=5), 16 * 2 * 4 * 3 * 4 + 16 * 2 * 3 * 5),
        # Of 64 cells 36 see one region, 24 two, 4 all four: 232 rows. Their 9 taps multiply the 128 rows below once.
        (
            Architecture((Stage(3, 1, 0, None), Stage(1, 3, 1, None)), 8, classes=5),
            128 * 3 + (128 * 3 * 9 + 232 * 9) + 232 * 5,
        ),
    ],
)
def test_work_that_can_be_counted_by_hand(architecture: Architecture, work: int) -> None:
    assert tables(architecture, Regions(4, side=8)).multiply_adds == work


@NAMED
def test_bytes_are_those_at_the_peak(architecture: Architecture) -> None:
    network, image = dense(architecture)
    images, _ = network.flatten(image)
    half = architecture.side // 2

    def agrees(said: int, run: Any) -> None:
        # Of small ones, what Python itself holds is a part.
        assert said / 1.7 - 2**18 < peak(run) < said * 1.4 + 2**18

    agrees(passes(architecture, 0, ledger=False).size, lambda: network.logits(image))
    agrees(passes(architecture, 0).size, lambda: contributions(network, image))
    for pairs, kept in ((False, True), (False, False), (True, False)):
        if pairs and architecture.hidden:
            continue
        for region in allowed_sides(architecture, pairs=pairs, kept=kept)[::4]:
            said = tables(architecture, Regions(region, side=architecture.side), pairs=pairs, kept=kept).size

            def combinations(region: int = region, pairs: bool = pairs, kept: bool = kept) -> Any:
                if pairs:
                    return pair_values(network, image, 0, region=region)
                return class_games(network, image, region) if kept else shapley_values(network, image, region)

            agrees(said, combinations)
    for pairs in (False,) if architecture.hidden else (False, True):
        for region in range(2, half + 1, 6):
            regions = Regions(region, side=architecture.side)
            if singles_refusal(architecture, regions, pairs=pairs) is not None:
                continue

            def each(regions: Regions = regions, pairs: bool = pairs) -> Any:
                if pairs:
                    return pair_drops(network, image, Hiding(regions), 0)
                return hidden_logits(network, images, np.zeros_like(images), regions)

            agrees(singles(architecture, regions, pairs=pairs).size, each)


def allowed(architecture: Architecture, regions: Regions) -> bool:
    return USUAL.exceeded("", tables(architecture, regions)) is None


def test_a_cell_that_sees_thousands_of_regions_is_counted() -> None:
    large = Architecture((Stage(64, 31), Stage(64, 15)), 64)
    cost = tables(large, Regions(1, side=64))
    assert cost.players == 62**2
    assert cost.rows > 2**3844
    assert not allowed(large, Regions(1, side=64))
    message = refusal(large, Regions(1, side=64))
    assert message == "a cell sees up to 3844 regions, and all their combinations take more than 64 MiB"
    side = allowed_sides(large)[0]
    with refuses(ParameterError, f"region: {message}; a side of {side} pixels would do"):
        class_games(*dense(large), 1)
    assert allowed(large, Regions(side, side=64))
    assert not allowed(large, Regions(side - 1, side=64))


@pytest.mark.parametrize(("name", "side"), list(zip(NETWORKS, (4, 4, 4, 8, 8, 8, 7, 7, 6, 7), strict=True)))
def test_the_side_that_is_taken_where_none_is_named(name: str, side: int) -> None:
    architecture = NETWORKS[name]
    assert usual_side(architecture) == side
    cost, smaller = (tables(architecture, Regions(one, side=architecture.side)) for one in (side, side - 1))
    most = 16 if architecture.hidden else 9
    assert cost.players <= most < smaller.players
    assert cost.size < USUAL.size


def drawing(rows: slice, value: float = 0.5) -> F64:
    """A square of ink on an empty image."""
    image = np.zeros((28, 28))
    image[rows, rows] = value
    return image


def test_a_drawing_of_few_regions_may_have_smaller_ones() -> None:
    """The rows that this image needs decide."""
    network, _ = dense(NETWORKS["the paper's"])
    assert refusal(network.architecture, Regions(2)) is not None
    assert len(class_games(network, drawing(slice(4, 10)), 2).players) == 9


PAPERS, WIDE = NETWORKS["the paper's"], Architecture((Stage(8, 5, 2), Stage(16, 5, 2)), hidden=(512,))


@pytest.mark.parametrize(
    ("architecture", "image", "region", "work", "message"),
    [
        (PAPERS, drawing(slice(0, 28)), 2, 4 * 10**9, "196 regions{} more than 64 MiB; a side of 4"),
        # Tables of the first affine layer have as many columns as it has outputs.
        (WIDE, drawing(slice(12, 16)), 1, 4 * 10**9, "16 regions{} more than 64 MiB; a side of 10"),
        (PAPERS, drawing(slice(0, 28)), 4, 10**6, "49 regions{} more than 1,000,000 multiply-adds; a side of 8"),
    ],
)
def test_too_many_combinations_are_refused(
    architecture: Architecture, image: F64, region: int, work: int, message: str
) -> None:
    said = message.format(" of this image, and all their combinations take")
    with refuses(ParameterError, f"region: hiding changes {said} pixels would do"):
        tables_of(dense(architecture)[0], image, region, budget=Budget(work))


@pytest.mark.parametrize(
    ("name", "work", "message"),
    [
        ("Tiny VGG", 4 * 10**9, "1024 regions by itself takes more than 64 MiB; a side of 3"),
        ("the paper's", 10**6, "196 regions by itself takes more than 1,000,000 multiply-adds; a side of 4"),
    ],
)
def test_too_many_regions_by_themselves_are_refused(name: str, work: int, message: str) -> None:
    network, image = dense(NETWORKS[name])
    images, _ = network.flatten(image)
    with refuses(ParameterError, f"region: hiding each of {message} pixels, and no smaller stride, would do"):
        hidden_logits(network, images, np.zeros_like(images), Regions(2, side=network.architecture.side), Budget(work))


KERAS, PYTORCH, TINY_VGG = (NETWORKS[name] for name in ("Keras'", "a hidden layer", "Tiny VGG"))


def found(architecture: Architecture) -> dict[str, Explains]:
    return {one.operation: one for one in explains(architecture)}


def test_of_the_papers_network() -> None:
    small = "a cell sees up to 25 regions, and all their combinations take more than 64 MiB"
    exact = 4, tuple(range(4, 15)), (Limit("region 1 to 3", small),)
    assert explains(two_stages(Wiring.PAIRED, 3, 3)) == (
        Explains("predict", None, (), ()),
        Explains("filters", None, (), (), Factor.GATE),
        Explains("process", None, (), (), Factor.GATE),
        Explains("occlusion", 2, tuple(range(1, 15)), ()),
        Explains("shapley", *exact),
        Explains("grounds", *exact),
    )


def test_of_many_pairs_and_maps() -> None:
    why = "typicality is there for at most 256 pairs, and this network has 2,048"
    for operation in ("filters", "process"):
        assert found(KERAS)[operation].cannot == (Limit("typicality", why),)
    # A network may take no image, or none whose logits are split by pair.
    too_wide = Limit("image", "one image takes this network more than 64 MiB")
    deep = found(Architecture((Stage(64, 3, 1, pool=None),) * 6, 64, 3, classes=2))
    assert deep["predict"].cannot == ()
    assert too_wide in deep["filters"].cannot
    assert too_wide in deep["process"].cannot
    paired = (Stage(64, 1, pool=None), Stage(64, 1, pool=None, wiring=Wiring.PAIRED))
    assert found(Architecture(paired, side=64))["predict"].cannot == (too_wide,)


def test_of_hidden_layers() -> None:
    pairs = Limit("pairs", "with hidden affine layers the head differs from hiding to hiding")
    many = Limit("region 1 to 6", "with hidden affine layers hiding may change at most 16 regions, not 25")
    assert found(PYTORCH)["shapley"] == Explains("shapley", 7, tuple(range(7, 15)), (many, pairs))
    assert found(PYTORCH)["grounds"] == Explains("grounds", 7, tuple(range(7, 15)), (many,))


def test_of_colour() -> None:
    """In a photograph every region plays: proofs take larger ones."""
    assert [found(TINY_VGG)[operation].region for operation in ("occlusion", "shapley", "grounds")] == [4, 8, 16]
    huge = found(Architecture((Stage(64, 3, 1, pool=None),) * 6, side=64, channels=3))
    assert (huge["shapley"].regions, huge["occlusion"].region) == ((), 32)


@given(any_architectures(most=3), st.integers(1, 13))
@examples(25)
def test_every_side_that_is_named_is_answered(architecture: Architecture, region: int) -> None:
    """Of an image that hiding changes everywhere; and no other side is."""
    if region > architecture.side // 2:
        return
    network = random_weights(architecture, 1)
    image = np.random.default_rng(1).uniform(0.1, 1, architecture.image_shape)
    regions = Regions(region, side=architecture.side)
    if region in found(architecture)["occlusion"].regions:
        assert occlude(network, image, hiding=Hiding(regions)).drop.shape == regions.grid
    if region in found(architecture)["shapley"].regions:
        explained = explain_shapley(network, image, region=region)
        assert explained.values.shape == regions.grid
        assert abs(explained.residual) < 1e-9
    else:
        with pytest.raises(ParameterError, match=r"^region: "):
            explain_shapley(network, image, region=region)


HANDOUTS = [
    (NETWORKS["the paper's"], 5),
    (NETWORKS["the paper's"], 4),
    (NETWORKS["three stages"], 7),
    (Architecture((Stage(2, 5),), hidden=(4,), classes=3), 7),
]


@pytest.mark.threat("room is what a request occupies")
@pytest.mark.parametrize(("architecture", "region"), HANDOUTS)
def test_a_handout_counts_the_logits_that_it_holds(architecture: Architecture, region: int) -> None:
    """Of an image that hiding changes everywhere: as many as its games have, beside the values of the regions."""
    network = random_weights(architecture, 1)
    image = np.random.default_rng(1).uniform(0.1, 1, architecture.image_shape)
    question = GroundsQuestion(network=network, region=region, tables=True, budget=None)
    games = question.answer(image).games
    assert games is not None
    alone = GroundsQuestion(network=network, region=region, budget=None).cost.answer
    assert question.cost.answer - alone == sum(game.table.size for game in games.games)


def test_a_handout_of_very_many_logits_is_refused() -> None:
    deep = load(DIRECTORY / "deep-7x9x9.safetensors").network
    message = "query: the answer would have 2,621,690 numbers, and it may have 1,048,576; ask for less"
    with refuses(ParameterError, message):
        GroundsQuestion(network=deep, region=6, tables=True)
    assert GroundsQuestion(network=deep, region=7, tables=True).cost.answer < 2**20
