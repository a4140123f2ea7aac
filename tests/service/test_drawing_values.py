"""What is drawn is what was computed: every cell has its colour, numbers add up. All else is in the stored pictures."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import Process, contributions, explain_process
from konkyo.models.grounds import proofs
from konkyo.models.grounds.proofs import Contrast, Grounds, Position, Status, SufficientSet
from konkyo.models.hiding.regions import Empty, Hiding, Regions
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.models.network import Network
from konkyo.models.usage import ClassUsage, Usage
from konkyo.service import drawing
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.layout.sums import round_to_total, sum_terms
from konkyo.service.drawing.layout.table import Pairs
from konkyo.service.drawing.occlusion import critical_classes
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, number
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    INK,
    MIDDLE_GREY,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    SECOND,
    diverging,
    grey,
    signed_grey,
)
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.style import Form, Style
from konkyo.service.handout import handout
from tests.helpers import shapes
from tests.helpers.drawn import enlarged, painted, region, written
from tests.helpers.lamp import lamp_network, lit
from tests.helpers.refuse import refuses
from tests.helpers.shapes import (
    KERAS,
    LARGE_MAPS,
    LENET,
    SHAPES,
    SUMMED,
    THREE,
    THREE_STAGES,
    TORCH,
    WIDE,
    image_of,
    network_of,
)
from tests.service.drawn import account_of, drops_of, ledger_of, occlusion_of, scaled, study_of

ledger, occlusion, pair_drops = painted(drawing.ledger), painted(drawing.occlusion), painted(drawing.pair_drops)
grounds, process, usage = painted(drawing.grounds), painted(drawing.process), painted(drawing.usage)


# --- The ledger, and what pairs share


def pairs_of(architecture: Architecture, totals: object, heat: bool = False) -> Pairs:
    side = architecture.side if heat else architecture.sides[-1]
    return arrange(network_of(architecture), np.array(totals), side, heat)


@pytest.mark.parametrize("architecture", [*SHAPES, *shapes.GREY], ids=str)
def test_every_cell_of_every_map_has_its_colour(architecture: Architecture) -> None:
    given = image_of(architecture)
    account = contributions(network_of(architecture), given).account(2)
    layout = pairs_of(architecture, account.contributions)
    image = ledger(ledger_of((), architecture=architecture, account=account, target=2, image=given))
    limit = max(np.abs(account.maps[pair]).max() for pair in layout.boxes)
    colours = set()
    for pair, box in layout.boxes.items():
        cells = diverging(account.maps[pair], limit)
        assert (region(image, box) == enlarged(cells, box)).all(), pair
        colours |= set(cells.ravel().tolist())
    assert colours & {POSITIVE, NEGATIVE}, "the greatest cell of all has an end of the scale"


@given(values=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=96), decimals=st.integers(0, 4))
def test_what_is_shown_adds_up_and_is_off_by_less_than_a_unit(values: list[float], decimals: int) -> None:
    array = np.array(values)
    total, unit = float(array.sum()), 10.0**-decimals
    rounded = round_to_total(array, total, decimals)
    shown = [float(number(value, decimals).replace("−", "-")) for value in rounded.tolist()]
    assert round(sum(shown) / unit) == round(total / unit)
    assert (np.abs(rounded - array) < unit * 1.001).all()


def test_the_largest_remainders_are_rounded_up() -> None:
    """1.4 + 1.4 + 1.2 = 4: one of the 1.4 becomes 2, and the 1.2 stays 1."""
    assert round_to_total(np.array([1.4, 1.4, 1.2]), 4.0, 0).tolist() == [2, 1, 1]
    assert round_to_total(np.array([-0.4, -0.4, -0.2]), -1.0, 0).tolist() == [0, -1, 0]
    exact = np.array([[0.1, 0.2], [0.3, -0.7]])
    np.testing.assert_allclose(round_to_total(exact, float(exact.sum()), 1), exact, rtol=0, atol=1e-12)


def test_a_negative_term_is_subtracted_and_a_first_one_keeps_its_sign() -> None:
    line = sum_terms({"pairs": 30.52, "biases": 0.0, "class bias": -0.93}, "logit", 29.59)
    assert [(term.sign, term.text, term.name) for term in line] == [
        ("", "30.52", "pairs"),
        ("+", "0.00", "biases"),
        ("−", "0.93", "class bias"),
        ("=", "29.59", "logit"),
    ]
    line = sum_terms({"a": -1.25, "b": 0.5}, "sum", -0.75)
    assert [(term.sign, term.text) for term in line] == [("", "−1.25"), ("+", "0.50"), ("=", "−0.75")]


def test_a_sum_that_does_not_hold_is_not_made_to_hold() -> None:
    assert [term.text for term in sum_terms({"a": 17.84, "b": 0.5}, "sum", 99.0)] == ["17.84", "0.50", "99.00"]


def test_the_numbers_of_pairs_and_others_add_up_as_shown() -> None:
    """0.334 + 0.333 + 0.333 = 1: rounded by themselves they would read 0.99."""
    account = replace(account_of([[0.3341, 0.3331, 0.3328]]), logit=1.0)
    image = ledger(ledger_of((), architecture=two_stages(Wiring.PAIRED, 1, 3), account=account))
    assert len(written(image, "1.00", SUM)) == len(written(image, "0.33", BODY)) == 1
    assert len(written(image, "0.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "0.33", BODY, SECOND, strong=True)) == 1
    # 5 + 7 × 0.333 = 7.331, of which 19 pairs with eleven of 0.0004; the others are 23 of 0.0004 and six of 0.
    totals = np.zeros((6, 7))
    totals[0, 0], totals[1], totals[2:] = 5.0, 0.333, 0.0004
    account = account_of(totals, 0.25, -1.0)
    image = ledger(ledger_of((), architecture=two_stages(Wiring.SUMMED, 6, 7), account=account))
    [first] = [text for text in ("7.33", "7.34") if written(image, text, SUM)]
    [rest] = [text for text in ("0.00", "0.01") if written(image, text, SUM)]
    assert len(written(image, f"{account.logit:.2f}", SUM, strong=True)) == 1
    assert float(first) + float(rest) + 0.25 - 1.0 == pytest.approx(round(account.logit, 2))


# --- Occlusion, and the drops of pairs


HEAT = Magnified(28)


def test_heat_is_drawn_exactly_pixel_by_pixel() -> None:
    regions = Regions(4, 3)
    result = occlusion_of(regions)
    found = replace(result.occlusion, drop=np.random.default_rng(1).normal(size=regions.grid))
    heat = found.heatmap()
    picture = region(occlusion(replace(result, occlusion=found)), HEAT.map)
    assert (picture == enlarged(diverging(heat, np.abs(heat).max()), HEAT.map)).all()


def test_long_names_end_at_the_edge_and_are_left_out_where_they_would_lie_on_another() -> None:
    given = network_of(THREE)
    classes = {9: "school bus", 3: "sport car"}
    network = Network(given.architecture, given.weights, tuple(classes.get(n, str(n)) for n in range(10)))

    def middles(*places: Position) -> list[float]:
        """Of the names, from the left."""
        predictions = dict(zip(places, classes, strict=False))
        canvas = drawing.occlusion(occlusion_of(predictions=predictions, network=network), Style(form=Form.SVG))
        texts = re.findall('<text [^>]*x="([0-9.]+)"[^>]*>(?:school bus|sport car)<', canvas.encode().decode())
        return sorted(map(float, texts))

    assert (len(middles((5, 4), (5, 6))), len(middles((5, 2), (5, 10)))) == (1, 2)
    [middle] = middles((5, 13))
    assert middle + width("school bus", NOTE) / 2 <= HEAT.map.right


def test_where_critical_regions_overlap_the_commonest_prediction_counts() -> None:
    predictions = {(2, 2): 7, (2, 3): 7, (3, 2): 1, (9, 9): 1, (9, 10): 7}
    regions = Regions(4, 2)
    digits = critical_classes(occlusion_of(regions, predictions=predictions).occlusion)
    # Two of three; the only one; one each, the lower; none.
    assert (digits[6, 6], digits[9, 4], digits[19, 20], digits[0, 0]) == (7, 1, 1, -1)
    covered = np.zeros((28, 28), bool)
    for row, column in predictions:
        left, top, right, bottom = regions.box(row, column)
        covered[top:bottom, left:right] = True
    assert ((digits != -1) == covered).all()


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_every_pixel_of_every_pair_has_its_heat(architecture: Architecture) -> None:
    rng = np.random.default_rng(4)
    heat, totals = rng.normal(size=(28, 28, *architecture.pairs)), rng.normal(size=architecture.pairs)
    image, layout = pair_drops(drops_of(heat, totals, architecture)), pairs_of(architecture, totals, heat=True)
    limit = max(np.abs(heat[:, :, *pair]).max() for pair in layout.boxes)
    for (i, j), box in layout.boxes.items():
        assert (region(image, box) == enlarged(diverging(heat[:, :, i, j], limit), box)).all(), (i, j)


def test_what_was_not_asked_for_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="the result holds no pairs; explain_occlusion computes them with pairs=True"):
        drawing.pair_drops(occlusion_of())
    plain = explain_shapley(lamp_network(), lit())
    with pytest.raises(ValueError, match="the result holds no pairs; explain_shapley computes them with pairs=True"):
        plain.pair_heatmaps()
    with pytest.raises(ValueError, match="no interactions; explain_shapley finds them with interacting=True"):
        drawing.interactions(plain)
    with refuses(ValueError, "the result holds no games; grounds keeps them with tables=True"):
        handout(proofs.grounds(lamp_network(), lit()))


# --- Grounds that no stored picture has


# Ink in four regions of 4×4.
INKED: tuple[Position, ...] = ((1, 1), (1, 2), (2, 1), (5, 5))


def grounds_of(
    kept: tuple[Position, ...], contrast: tuple[Position, ...] | None = ((1, 2),), status: Status = Status.SMALLEST
) -> Grounds:
    image = np.zeros((28, 28))
    for row, column in INKED:
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 1.0
    return Grounds(
        network=lamp_network(),
        image=image,
        logits=np.eye(10)[6],
        hiding=Hiding(Regions(4), 0.0),
        players=INKED,
        sufficient=SufficientSet(kept, 0.5, 2 ** (len(INKED) - len(kept)), status),
        contrast=None if contrast is None else Contrast(contrast, 3, np.eye(10)[3]),
        empty=Empty(np.eye(10)[2] * 5),
    )


@pytest.mark.parametrize(
    ("result", "heads", "lines", "note"),
    [
        (
            grounds_of(((1, 1),)),
            ["Keep this: it stays a 6", "Hide this: it becomes a 3"],
            ["With this region hidden, 3 is predicted."],
            "Proven: no smaller set suffices.",
        ),
        (
            grounds_of((), None),
            ["Keep nothing: it stays a 6", "Hide anything: it stays a 6"],
            [
                "No region is needed. However the 4 are hidden,",
                "in any of 16 ways, it stays a 6.",
                "Whatever is hidden, it stays a 6.",
            ],
            "",
        ),
        (
            grounds_of(INKED, status=Status.IRREDUCIBLE),
            [],
            ["All 4 regions are needed."],
            "Proven: none of them can be left out.",
        ),
    ],
    ids=["one", "none needed", "all needed"],
)
def test_the_sentences(result: Grounds, heads: list[str], lines: list[str], note: str) -> None:
    image = grounds(result)
    for head in heads:
        assert written(image, head, BODY, INK, strong=True), head
    for line in lines:
        assert written(image, line, BODY), line
    for proven in ("Proven: no smaller set suffices.", "Proven: none of them can be left out."):
        assert bool(written(image, proven, NOTE, MUTED)) == (proven == note)


# --- The process


def process_of(architecture: Architecture) -> Process:
    """Of a random network."""
    return explain_process(network_of(architecture), image_of(architecture))


def drawn_pairs(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The first two, and those that add or take most, by their definition."""
    each = list(np.ndindex(totals.shape))
    chosen = sorted(each, key=lambda pair: (-totals[pair], pair))[:2] if totals.any() else []
    chosen += [pair for pair in sorted(each, key=lambda pair: (-abs(totals[pair]), pair)) if pair not in chosen]
    return sorted(chosen[:count])


@pytest.mark.parametrize("architecture", [*WIDE, *shapes.GREY], ids=str)
def test_every_cell_of_every_drawn_map_and_pair_has_its_colour(architecture: Architecture) -> None:
    """Large maps of pairs in blocks of cells."""
    result, slide = process_of(architecture), Slide(architecture)
    image = process(result)
    for layer, shape in enumerate(slide.layers):
        # What matters most is said by the answer with as many maps as the picture shows.
        shown = explain_process(result.network, result.image, top=shape.drawn).shown[shape.stage]
        maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
        limit, boxes = float(np.abs(maps).max()), [box for grid in slide.grids(layer) for box in grid]
        assert len(boxes) == len(shown) == min(shape.drawn, len(maps))
        for box, values in zip(boxes, maps[shown], strict=True):
            expected = grey(values / (limit or 1)) if shape.pooled else signed_grey(values, limit)
            assert (region(image, box) == enlarged(expected, box)).all(), layer
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
            drawn, expected = region(image, box), enlarged(diverging(values, limit), box)
            assert (drawn[:, inner : box.width - inner] == expected[:, inner : box.width - inner]).all(), digit
    assert slide.block == (2 if architecture == LARGE_MAPS else 1)
    assert len(written(image, "per 2×2 cells" if slide.block == 2 else "per cell", NOTE, MUTED)) == 1


@pytest.mark.parametrize("architecture", [SUMMED, KERAS, TORCH], ids=str)
def test_maps_of_zeros_are_neutral_and_nothing_is_framed(architecture: Architecture) -> None:
    slide, image = Slide(architecture), process(scaled(process_of(architecture), 0.0))
    for layer, shape in enumerate(slide.layers):
        column = slide.column(layer)
        for box in (slide.strip(column.left, column.right), *(box for grid in slide.grids(layer) for box in grid)):
            assert (region(image, box) == (GREY if shape.pooled else MIDDLE_GREY)).all()
    for box in (box for digit in range(10) for box in slide.pair_maps(digit)):
        assert (region(image, box) == NEUTRAL).all()
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    zeros = [x for x, y in written(image, "0", NOTE, MUTED) if y == slide.lines[0]]
    assert len(zeros) == len(slide.layers) + len(architecture.hidden) + 1, "each legend stands for nothing but zero"
    assert len(written(image, "0.00", BODY)) == 9


# --- The use of filters


@pytest.mark.parametrize("architecture", [THREE, LENET, THREE_STAGES], ids=str)
def test_cells_have_the_colours_of_the_mean_contributions(architecture: Architecture) -> None:
    study, panels = study_of(architecture), Panels(network_of(architecture))
    indices = np.asarray(usage("some-net", network_of(architecture), study))
    limit = max(float(np.abs(one.mean).max()) for one in study.classes)
    for digit, one in enumerate(study.classes):
        for box, expected in zip(panels.cells(digit), diverging(one.mean, limit).ravel(), strict=True):
            assert indices[box.middle[1], box.middle[0]] == expected


def test_half_a_percent_is_rounded_up() -> None:
    """So that two can add up to more than 100."""
    image = usage("some-net", network_of(THREE), study_of(THREE, {0: 0.675}))
    for text, size, colour in (("67.5%", BODY, FIRST), ("32.5%", BODY, SECOND), ("68%", NOTE, FIRST)):
        assert len(written(image, text, size, colour, strong=True)) == 1, text
    assert len(written(image, "33%", NOTE, SECOND, strong=True)) == 1


def test_without_any_contribution_a_study_is_neutral() -> None:
    zero = ClassUsage(1, np.array([[1]]), np.zeros((1, 1)), np.zeros((1, 1)), None)
    shape = two_stages(Wiring.PAIRED, 1, 1)
    network = Network(shape, {name: np.zeros(size) for name, size in shape.tensor_shapes.items()})
    image = usage("zero", network, Usage(10, 1, (zero,) * 10, None))
    assert (region(image, Panels(network).cells(9).box(0)) == NEUTRAL).all()
