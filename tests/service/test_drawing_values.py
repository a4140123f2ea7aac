"""What is drawn is what was computed: every cell has its colour, numbers add up. All else is in the stored pictures."""

from dataclasses import replace

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.filters.contributions import contributions
from konkyo.models.grounds import proofs
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Network
from konkyo.service import drawing
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.layout.sums import sum_terms
from konkyo.service.drawing.layout.table import Pairs
from konkyo.service.drawing.occlusion import critical_classes
from konkyo.service.drawing.primitives.colours import NEGATIVE, POSITIVE, diverging, grey, signed_grey
from konkyo.service.handout import handout
from tests.helpers.asked import explain_process, explain_shapley
from tests.helpers.lamp import lamp_network, lit
from tests.helpers.refuse import refuses
from tests.helpers.shapes import (
    KERAS,
    LARGE_MAPS,
    LENET,
    ONE_STAGE,
    PAIRED_TWICE,
    SUMMED,
    THREE,
    THREE_STAGES,
    TORCH,
    image_of,
    network_of,
)
from tests.service.drawn import (
    account_of,
    drops_of,
    enlarged,
    ledger_of,
    occlusion_of,
    painted,
    region,
    study_of,
    texts_of,
)

# A large table, one of all pairs of each filter, and kernels of one pixel.
TABLE, PAIRED, POINTS = (
    two_stages(Wiring.SUMMED, 6, 6),
    two_stages(Wiring.PAIRED, 17, 3),
    two_stages(Wiring.SUMMED, 2, 2, kernels=(1, 1)),
)


# --- The ledger, and what pairs share


def pairs_of(architecture: Architecture, totals: object, heat: bool = False) -> Pairs:
    side = architecture.side if heat else architecture.sides[-1]
    return arrange(network_of(architecture), np.array(totals), side, heat)


@pytest.mark.parametrize("architecture", [THREE, TABLE, LENET, ONE_STAGE, THREE_STAGES, LARGE_MAPS], ids=str)
def test_every_cell_of_every_map_of_a_pair_has_its_colour(architecture: Architecture) -> None:
    """In the ledger, and as the heat of its drops."""
    image = image_of(architecture)
    account = contributions(network_of(architecture), image).account(2)
    layout = pairs_of(architecture, account.contributions)
    result = ledger_of(account, architecture, target=2, image=image)
    drawn, limit = painted(drawing.ledger)(result), max(np.abs(account.maps[pair]).max() for pair in layout.boxes)
    colours = set()
    for pair, box in layout.boxes.items():
        cells = diverging(account.maps[pair], limit)
        assert (region(drawn, box) == enlarged(cells, box)).all(), pair
        colours |= set(cells.ravel().tolist())
    assert colours & {POSITIVE, NEGATIVE}, "the greatest cell of all has an end of the scale"

    heat = np.random.default_rng(4).normal(size=(architecture.side, architecture.side, *architecture.pairs))
    layout = pairs_of(architecture, account.contributions, heat=True)
    # Of an empty image, whose contour is not drawn.
    drops = drops_of(heat, account.contributions, architecture, image=np.zeros_like(image), target=2)
    drawn = painted(drawing.pair_drops)(drops)
    limit = max(np.abs(heat[:, :, *pair]).max() for pair in layout.boxes)
    for pair, box in layout.boxes.items():
        assert (region(drawn, box) == enlarged(diverging(heat[:, :, *pair], limit), box)).all(), pair


def test_a_negative_term_is_subtracted_and_a_first_one_keeps_its_sign() -> None:
    for terms, total, shown in (
        ({"pairs": 30.52, "biases": 0.0, "class bias": -0.93}, 29.59, ["30.52", "+0.00", "−0.93", "=29.59"]),
        ({"a": -1.25, "b": 0.5}, -0.75, ["−1.25", "+0.50", "=−0.75"]),
    ):
        line = sum_terms(terms, "sum", total, 2)
        assert [term.sign + term.text for term in line] == shown
        assert [term.name for term in line] == [*terms, "sum"]


def test_the_numbers_of_pairs_and_others_add_up_as_shown() -> None:
    """0.334 + 0.333 + 0.333 = 1: rounded by themselves they would read 0.99."""
    account = replace(account_of([[0.3341, 0.3331, 0.3328]]), logit=1.0)
    texts = texts_of(drawing.ledger, ledger_of(account, two_stages(Wiring.PAIRED, 1, 3)))
    assert (texts.count("0.34"), texts.count("0.33"), "1.00" in texts) == (1, 2, True)


# --- Occlusion


def test_names_are_left_out_where_they_would_lie_on_another() -> None:
    given = network_of(THREE)
    names = [str(number) for number in range(8)] + ["school bus", "sport car"]
    network = Network(given.architecture, given.weights, tuple(names))
    for other, shown in (((5, 6), 1), ((5, 12), 2)):
        texts = texts_of(drawing.occlusion, occlusion_of(predictions={(5, 4): 8, other: 9}, network=network))
        assert sum(text in names[8:] for text in texts) == shown


def test_where_critical_regions_overlap_the_commonest_prediction_counts() -> None:
    predictions = {(2, 2): 7, (2, 3): 7, (3, 2): 1, (9, 9): 1, (9, 10): 7}
    digits = critical_classes(occlusion_of(Regions(4, 2), predictions=predictions).occlusion)
    # Two of three; the only one; one each, the lower; none.
    assert (digits[6, 6], digits[9, 4], digits[19, 20], digits[0, 0]) == (7, 1, 1, -1)


def test_what_was_not_asked_for_cannot_be_drawn() -> None:
    plain = explain_shapley(lamp_network(), lit())
    for draw, message in (
        (lambda: drawing.pair_drops(occlusion_of()), "no pairs; ask with pairs=True"),
        (plain.pair_heatmaps, "no pairs; ask with pairs=True"),
        (lambda: drawing.interactions(plain), "no interactions; ask with interactions=True"),
        (lambda: handout(proofs.grounds(lamp_network(), lit())), "no games; grounds keeps them with tables=True"),
    ):
        with refuses(ValueError, f"the result holds {message}"):
            draw()


# --- Grounds that no stored picture has


def test_the_sentences_of_grounds() -> None:
    """Those that no stored picture has."""
    found = proofs.grounds(lamp_network(), lit((5, 5), (20, 20)))
    proven, less = "Proven: no smaller set suffices.", "Proven: none of them can be left out."
    one = set(texts_of(drawing.grounds, found))
    assert one >= {"Keep this: it stays a 6", "Hide this: it becomes a 2", "With this region hidden, 2 is predicted."}
    assert one & {proven, less} == {proven}

    nothing = replace(found.sufficient, regions=(), combinations=8)
    none = set(texts_of(drawing.grounds, replace(found, sufficient=nothing, contrast=None)))
    assert none >= {"Keep nothing: it stays a 6", "No region is needed. However the 3 are hidden,"}
    assert none >= {"in any of 8 ways, it stays a 6."}
    assert none >= {"Hide anything: it stays a 6", "Whatever is hidden, it stays a 6."}
    assert none & {proven, less} == set()

    everything = replace(found.sufficient, regions=found.players, status=proofs.Status.IRREDUCIBLE)
    every = set(texts_of(drawing.grounds, replace(found, sufficient=everything)))
    assert every & {"All 3 regions are needed.", proven, less} == {"All 3 regions are needed.", less}


# --- The process


def drawn_pairs(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The first two, and those that add or take most, by their definition."""
    each = list(np.ndindex(totals.shape))
    chosen = sorted(each, key=lambda pair: (-totals[pair], pair))[:2] if totals.any() else []
    chosen += [pair for pair in sorted(each, key=lambda pair: (-abs(totals[pair]), pair)) if pair not in chosen]
    return sorted(chosen[:count])


@pytest.mark.parametrize("architecture", [SUMMED, POINTS, PAIRED, KERAS, TORCH, LARGE_MAPS, PAIRED_TWICE], ids=str)
def test_every_cell_of_every_drawn_map_and_pair_has_its_colour(architecture: Architecture) -> None:
    """Large maps of pairs in blocks of cells."""
    result, slide = explain_process(network_of(architecture), image_of(architecture)), Slide(architecture)
    drawn = painted(drawing.process)(result)
    for layer, shape in enumerate(slide.layers):
        # What matters most is said by the answer with as many maps as the picture shows.
        shown = explain_process(result.network, result.image, top=shape.drawn).shown[shape.stage]
        maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
        limit, boxes = float(np.abs(maps).max()), [box for grid in slide.grids(layer) for box in grid]
        assert len(boxes) == len(shown) == min(shape.drawn, len(maps))
        for box, values in zip(boxes, maps[shown], strict=True):
            expected = grey(values / (limit or 1)) if shape.pooled else signed_grey(values, limit)
            assert (region(drawn, box) == enlarged(expected, box)).all(), layer
    pairs = drawn_pairs(result.account.contributions, slide.pairs)
    maps = np.array([[one[i, j] for i, j in pairs] for one in result.ledger.maps])
    cells = -(-maps.shape[-1] // slide.block)
    sums = np.zeros((*maps.shape[:2], cells, cells))
    for row, column in np.ndindex(maps.shape[2:]):
        sums[:, :, row // slide.block, column // slide.block] += maps[:, :, row, column]
    limit = float(np.abs(sums).max())
    thickness, gap = slide.frame()
    for digit in range(architecture.classes):
        for box, values in zip(slide.pair_maps(digit), sums[digit], strict=True):
            # Frames may overlap the maps beside first and second place where these stand close.
            inner = max(thickness + gap - (slide.pair_maps(0).pitch[1] - box.width), 0)
            shown_cells, expected = region(drawn, box), enlarged(diverging(values, limit), box)
            assert (shown_cells[:, inner : box.width - inner] == expected[:, inner : box.width - inner]).all(), digit
    assert slide.block == (2 if architecture == LARGE_MAPS else 1)
    assert ("per 2×2 cells" if slide.block == 2 else "per cell") in texts_of(drawing.process, result)


# --- The use of filters


def test_half_a_percent_is_rounded_up() -> None:
    """So that two can add up to more than 100."""
    texts = texts_of(drawing.usage, "some-net", network_of(THREE), study_of(THREE, {0: 0.675}))
    assert [texts.count(text) for text in ("67.5%", "32.5%", "68%", "33%")] == [1, 1, 1, 1]
