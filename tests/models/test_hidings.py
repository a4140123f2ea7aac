"""The engine against PyTorch and against the definitions, on random networks of every kind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given as drawn
from hypothesis import reject
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn.functional import max_pool2d

from konkyo.models.architecture import Architecture, Stage, Wiring
from konkyo.models.errors import ParameterError
from konkyo.models.filters.contributions import class_maps, contributions
from konkyo.models.hiding.games import by_filter, class_games, pair_games
from konkyo.models.hiding.occlusion import hidden_logits, nested_logits, pair_drops
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import additive_values, interactions
from tests.helpers.any_network import (
    any_architectures,
    given,
    gradient_ledger,
    random_images,
    random_weights,
    torch_convolutions,
    torch_layers,
    torch_logits,
)
from tests.helpers.combinations import interactions_by_definition, shapley_by_definition
from tests.helpers.examples import examples
from tests.helpers.oracles import F64, integer_network
from tests.helpers.refuse import refuses

SEEDS = st.integers(0, 2**32 - 1)


def close(ours: object, theirs: object) -> None:
    np.testing.assert_allclose(np.asarray(ours, np.float64), np.asarray(theirs, np.float64), rtol=0, atol=1e-9)


def same(ours: Sequence[object], theirs: Sequence[object]) -> None:
    """To the last bit."""
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def masks(regions: Regions) -> NDArray[np.bool_]:
    return regions.masks.reshape(regions.count, regions.side, regions.side)


@contextmanager
def unless_too_much() -> Iterator[None]:
    """Another network is drawn if this one's question is refused as too much: ``test_cost`` judges the refusals."""
    try:
        yield
    except ParameterError as error:
        if "take more than" not in str(error) and "takes more than" not in str(error):
            raise
        reject()


def fill_of(kind: str, image: F64, seed: int) -> F64:
    """A number for all pixels, or another image."""
    if kind == "image":
        return np.random.default_rng(seed).random(image.shape)
    return np.full_like(image, 0.0 if kind == "black" else 0.3)


@examples(60)
@drawn(any_architectures(), SEEDS)
def test_every_layer_is_pytorchs_and_the_ledger_adds_up(architecture: Architecture, seed: int) -> None:
    network, images = random_weights(architecture, seed), random_images(architecture, 2, seed)
    *layers, logits = torch_layers(network, images)
    trace = network.trace(given(architecture, images))
    for ours, theirs in zip(trace.layers, layers, strict=True):
        close(ours, theirs)
    close(trace.logits, logits)
    close(network.logits(given(architecture, images)), logits)
    single = network.astype(np.float32).logits(given(architecture, images).astype(np.float32))
    np.testing.assert_allclose(single, logits, rtol=1e-3, atol=1e-3)

    ledger = contributions(network, given(architecture, images))
    close(ledger.residual, 0)
    close(ledger.maps.sum((-2, -1)), ledger.contributions)
    close(class_maps(network, given(architecture, images), 1), ledger.maps[:, 1])


@examples(40)
@drawn(any_architectures(gates=True), SEEDS)
def test_with_gates_the_ledger_is_gradient_times_response(architecture: Architecture, seed: int) -> None:
    network, images = random_weights(architecture, seed), random_images(architecture, 1, seed)
    ledger, (pairs, biases) = contributions(network, given(architecture, images)), gradient_ledger(network, images[0])
    close(ledger.contributions[0], pairs)
    close(ledger.filter_bias[0], biases)


@examples(40)
@drawn(any_architectures(most=2, hidden=False, gates=True), SEEDS, st.sampled_from([np.float32, np.float64]))
def test_both_are_exact_where_arithmetic_is(
    architecture: Architecture, seed: int, dtype: type[np.floating[Any]]
) -> None:
    """Integers: no rounding hides a wrong tap, and of the many ties the first must win."""
    exact = integer_network(architecture, seed)
    shape = (1, architecture.channels, architecture.side, architecture.side)
    images = np.random.default_rng(seed).integers(0, 2, shape).astype(np.float64)
    images[..., : seed % architecture.side, :] = 0
    network, asked = exact.astype(dtype), given(architecture, images).astype(dtype)
    trace, ledger = network.trace(asked), contributions(network, asked)
    *layers, logits = torch_layers(exact, images)
    convolutions = torch_convolutions(exact, images)
    same(trace.convolutions, convolutions)
    same(trace.layers, layers)
    pool = architecture.stages[-1].pool
    side, stride = (pool.side, pool.stride) if pool else (1, 1)
    same([trace.winners], [max_pool2d(convolutions[-1], side, stride, return_indices=True)[1]])
    pairs, biases = gradient_ledger(exact, images[0])
    same([trace.logits, network.logits(asked), ledger.logits], [logits] * 3)
    same([ledger.contributions[0], ledger.filter_bias[0], ledger.residual[0]], [pairs, biases, 0 * logits[0]])


@examples(60)
@drawn(any_architectures(), SEEDS, st.data(), st.sampled_from(["black", "grey", "image"]))
def test_each_region_by_itself_is_a_forward_pass(
    architecture: Architecture, seed: int, data: st.DataObject, kind: str
) -> None:
    """Overlapping regions too, and several images at once."""
    region = data.draw(st.integers(2, architecture.side // 2))
    regions = Regions(region, data.draw(st.integers(max(1, region // 2), region)), architecture.side)
    network, images = random_weights(architecture, seed), random_images(architecture, 2, seed)
    fills = fill_of(kind, images, seed + 1)
    with unless_too_much():
        whole, hidden = hidden_logits(network, images, fills, regions)
    close(whole, torch_logits(network, images))
    some = np.random.default_rng(seed).permutation(regions.count)[:20]
    gone = np.where(masks(regions)[some, None, None], fills, images)
    logits = torch_logits(network, gone.reshape(-1, *images.shape[1:])).reshape(len(some), len(images), -1)
    close(hidden[:, some].swapaxes(0, 1), logits)


@examples(40)
@drawn(any_architectures(), SEEDS, st.data())
def test_the_first_ones_of_an_order_are_forward_passes(
    architecture: Architecture, seed: int, data: st.DataObject
) -> None:
    region = data.draw(st.integers(2, architecture.side // 2))
    regions = Regions(region, data.draw(st.integers(max(1, region // 2), region)), architecture.side)
    network, images = random_weights(architecture, seed), random_images(architecture, 1, seed)
    fills, order = fill_of("image", images, seed), np.random.default_rng(seed).permutation(regions.count)
    counts = np.arange(0, regions.count + 1, 1 + regions.count // 12)
    logits = nested_logits(network, images, fills, regions, order, counts)[0]
    gone = np.array([masks(regions)[order[:count]].any(0) for count in counts])
    close(logits, torch_logits(network, np.where(gone[:, None], fills, images)))


@examples(40)
@drawn(any_architectures(), SEEDS, st.sampled_from(["black", "grey", "image"]))
def test_every_combination_is_a_forward_pass(architecture: Architecture, seed: int, kind: str) -> None:
    """A quarter of the 512 hidings of nine regions; from all of them Shapley values and interactions by definition."""
    network, images = random_weights(architecture, seed), random_images(architecture, 1, seed)
    image, region = images[0], -(-architecture.side // 3)
    fill = fill_of(kind, image, seed + 1)
    regions = Regions(region, side=architecture.side)
    with unless_too_much():
        games = class_games(network, given(architecture, images)[0], region, given(architecture, fill[None])[0])
    shown = [frozenset(some) for count in range(10) for some in combinations(range(regions.count), count)]
    visible = np.array([[r in some for r in range(regions.count)] for some in shown])
    found = games.values(visible)
    some = [0, 511, *np.random.default_rng(seed).permutation(512)[:126]]
    gone = np.einsum("nr,ryx->nyx", ~visible[some], masks(regions)) > 0
    close(found[some], torch_logits(network, np.where(gone[:, None], fill, image)))

    values = dict(zip(shown, found, strict=True))
    close(additive_values(games).reshape(-1, regions.count).T, shapley_by_definition(values, regions.count))
    pairs = interactions(games)
    np.testing.assert_array_equal(pairs, pairs.swapaxes(1, 2))
    for (one, two), value in interactions_by_definition(values, regions.count).items():
        close(pairs[:, one, two], value)
    np.testing.assert_array_equal(pairs[:, range(regions.count), range(regions.count)], 0)


@examples(40)
@drawn(any_architectures(hidden=False), SEEDS, st.booleans())
def test_pairs_of_every_combination_are_ledgers(architecture: Architecture, seed: int, versus: bool) -> None:
    network, images = random_weights(architecture, seed), random_images(architecture, 1, seed)
    image, region = images[0], -(-architecture.side // 3)
    regions = Regions(region, side=architecture.side)
    asked = given(architecture, images)[0]
    with unless_too_much():
        games = pair_games(network, asked, 0, 1 if versus else None, region, 0.3)
    visible = np.random.default_rng(seed).random((6, regions.count)) < 0.5
    gone = np.einsum("nr,ryx->nyx", ~visible, masks(regions)) > 0
    ledger = contributions(network, given(architecture, np.where(gone[:, None], 0.3, image)))
    joined = np.concatenate([ledger.contributions.reshape(6, architecture.classes, -1), ledger.filter_bias], axis=2)
    expected, found = joined[:, 0] - joined[:, 1] if versus else joined[:, 0], games.values(visible)
    pairs = architecture.pairs[0] * architecture.pairs[1]
    close(np.concatenate([found[:, :pairs], by_filter(network, found)], axis=1), expected)

    hiding = Hiding(Regions(region, side=architecture.side), 0.3)
    with unless_too_much():
        whole, drops = pair_drops(network, asked, hiding, 0, 1 if versus else None)
    shape = (-1, *architecture.pairs)
    before = contributions(network, asked).contributions
    close(whole, before[0] - before[1] if versus else before[0])
    single = np.where(masks(regions)[:, None], 0.3, image)
    after = contributions(network, given(architecture, single)).contributions
    after = after[:, 0] - after[:, 1] if versus else after[:, 0]
    close(drops.reshape(shape), whole - after)


DEEP = Architecture((Stage(3, 3), Stage(2, 3, 1, wiring=Wiring.PAIRED)), 28, hidden=(8,), classes=3)


def test_two_regions_that_no_cell_sees_together_do_not_interact() -> None:
    """On the paper's network 780 of 1,176 pairs of 4×4 regions."""
    paper = Architecture((Stage(3, 5), Stage(3, 3, wiring=Wiring.PAIRED)))
    network, image = random_weights(paper, 1), random_images(paper, 1, 1)[0, 0] + 0.01
    values = interactions(class_games(network, image))
    apart = (values == 0).all(0)[np.triu_indices(49, 1)]
    assert (apart.sum(), len(apart)) == (780, 1_176)


def test_with_hidden_layers_few_regions_are_merged_and_many_refused() -> None:
    network, image = random_weights(DEEP, 1), random_images(DEEP, 1, 1)[0, 0] + 0.01
    with refuses(
        ParameterError,
        "region: with hidden affine layers hiding may change at most 16 regions, and it changes 25; a side of 7 pixels "
        "would do",
    ):
        class_games(network, image, 6)
    # Few regions of this image are changed, though the grid has more.
    image[:20] = image[:, :20] = 0
    games = class_games(network, image, 2)
    assert len(games.players) == 16
    visible = np.random.default_rng(1).random((20, games.regions.count)) < 0.5
    visible[0], visible[1] = True, False
    gone = np.einsum("nr,ryx->nyx", ~visible, masks(games.regions)) > 0
    logits = torch_logits(network, np.where(gone, 0, image)[:, None])
    close(games.values(visible), logits)
    close(additive_values(games).sum((1, 2)), logits[0] - logits[1])
