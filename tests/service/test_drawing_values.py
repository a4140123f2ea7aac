"""What is drawn is what was computed: every cell has its colour, every bar its length, every number its digits."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import contributions
from konkyo.models.grounds import proofs
from konkyo.models.grounds.proofs import Contrast, Grounds, Position, Status, SufficientSet
from konkyo.models.hiding.regions import Empty, Hiding, Regions
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.models.network import Array, Network
from konkyo.models.result import Prediction
from konkyo.service import drawing
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.sums import round_to_total, sum_terms
from konkyo.service.drawing.layout.table import Pairs, Ranking, Table
from konkyo.service.drawing.occlusion import critical_classes
from konkyo.service.drawing.prediction import Bars
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import (
    ACCENT,
    FIRST,
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    TRACK,
    diverging,
    signed_grey,
)
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.handout import handout
from tests.helpers import shapes
from tests.helpers.drawn import enlarged, frame_colours, painted, region, written
from tests.helpers.lamp import lamp_network, lit
from tests.helpers.refuse import refuses
from tests.helpers.shapes import (
    IMAGE,
    KERAS,
    LENET,
    SHAPES,
    THREE,
    THREE_STAGES,
    TOTALS,
    image_of,
    network_of,
)
from tests.service.drawn import EMPTY, account_of, drops_of, ledger_of, occlusion_of

prediction, ledger, occlusion = painted(drawing.prediction), painted(drawing.ledger), painted(drawing.occlusion)
pair_drops, shapley, grounds = painted(drawing.pair_drops), painted(drawing.shapley), painted(drawing.grounds)


def pairs_of(architecture: Architecture, totals: object, heat: bool = False) -> Pairs:
    side = architecture.side if heat else architecture.sides[-1]
    return arrange(network_of(architecture), np.array(totals), side, heat)


# --- The prediction


PROBABILITIES = np.array([0.0, 0.004, 0.05, 0.6, 0.02, 0.25, 0.01, 0.03, 0.036, 0.0])
BARS = Bars(network_of(THREE))


def predicted(probabilities: Array, number: int, style: Style = Style()) -> Image.Image:
    result = Prediction(network=network_of(THREE), image=IMAGE, logits=np.eye(10)[number], probabilities=probabilities)
    return prediction(result, style)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("winner", [3, 5])
def test_bars_are_as_long_as_their_probabilities_and_the_predicted_stands_out(winner: int, scale: int) -> None:
    """It is the class that is given, not the longest bar."""
    image = predicted(PROBABILITIES, winner, Style(scale))
    for digit, probability in enumerate(PROBABILITIES):
        bar, colour = region(image, BARS.tracks.box(digit), scale), ACCENT if digit == winner else MUTED
        [length] = set((bar == colour).sum(1).tolist())
        assert length == pytest.approx(probability * BARS.tracks.box(digit).width * scale, abs=0.5)
        assert (bar[:, :length] == colour).all()
        assert (bar[:, length:] == TRACK).all()


def test_each_bar_has_its_percentage_in_its_row() -> None:
    image = predicted(PROBABILITIES, 3)
    for digit, text in {1: "0.4%", 2: "5.0%", 5: "25.0%"}.items():
        [(_, baseline)] = written(image, text, BODY, MUTED)
        assert BARS.tracks.box(digit).top < baseline <= BARS.tracks.box(digit).bottom
    assert len(written(image, "60.0%", BODY, INK, strong=True)) == 1
    certain = predicted(np.eye(10)[7], 7)
    assert len(written(certain, "100.0%", BODY, INK, strong=True)) == 1
    assert len(written(certain, "0.0%", BODY, MUTED)) == 9


# --- The ledger, and what pairs share


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


@pytest.mark.parametrize(
    ("totals", "first", "second"),
    [(TOTALS, (1, 0), (2, 1)), ([[-9.0, -1.0, -8.0], [-7.0, -2.0, -5.0], [-3.0, -6.0, -4.0]], (0, 1), (1, 1))],
    ids=["some positive", "all negative"],
)
def test_the_greatest_is_framed_red_the_second_blue_and_no_other(
    totals: list[list[float]], first: Position, second: Position
) -> None:
    image, layout = ledger(ledger_of(totals)), pairs_of(THREE, totals)
    for pair, box in layout.boxes.items():
        expected = {first: {FIRST}, second: {SECOND}}.get(pair, {PAPER})
        assert frame_colours(image, box, layout.frame) == expected, pair
        text = number(totals[pair[0]][pair[1]])
        colour = {first: FIRST, second: SECOND}.get(pair, INK)
        spots = written(image, text, BODY, colour, strong=colour != INK)
        assert any(box.left < x < box.right and y == layout.number(box)[1] for x, y in spots), text


def test_where_nothing_contributes_nothing_is_framed_and_one_pair_has_no_second() -> None:
    image = ledger(ledger_of(np.zeros((3, 3))))
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    for box in pairs_of(THREE, np.zeros((3, 3))).boxes.values():
        assert (region(image, box) == NEUTRAL).all()
    one = two_stages(Wiring.PAIRED, 1, 1)
    image, layout = ledger(ledger_of([[-2.0]], architecture=one)), pairs_of(one, [[-2.0]])
    assert frame_colours(image, layout.boxes[0, 0], layout.frame) == {FIRST}
    assert not (np.asarray(image) == SECOND).any()


@pytest.mark.parametrize("architecture", SHAPES[:3] + SHAPES[6:], ids=str)
def test_filters_stand_at_the_heads_of_a_table(architecture: Architecture) -> None:
    totals = np.ones(architecture.pairs)
    image, table = ledger(ledger_of(totals, architecture=architecture)), pairs_of(architecture, totals)
    assert isinstance(table, Table)
    filters, kernels = (network_of(architecture).weights[f"conv{stage}.weight"] for stage in (1, 2))
    heads = [(table.filter(i), filters[i, 0], filters) for i in range(len(filters))]
    heads += [
        (table.kernel(i, j), kernels[j, i], kernels) for j in range(len(kernels)) for i in range(kernels.shape[1])
    ]
    for box, weights, layer in heads:
        assert (region(image, box) == enlarged(signed_grey(weights, float(np.abs(layer).max())), box)).all(), box
    for name in (*(f"map {i}" for i in range(len(filters))), *(f"filter {j}" for j in range(len(kernels)))):
        assert len(written(image, name, NOTE, MUTED)) == 1, name


@pytest.mark.parametrize(
    ("architecture", "shown", "others"), [(LENET, 19, 77), (KERAS, 19, 2029), (THREE_STAGES, 19, 29)], ids=str
)
def test_of_many_pairs_the_greatest_are_drawn_by_name_and_the_others_are_one_term(
    architecture: Architecture, shown: int, others: int
) -> None:
    network = network_of(architecture)
    account = contributions(network, IMAGE).account(3)
    image = ledger(ledger_of((), architecture=architecture, account=account, target=3))
    layout, totals = pairs_of(architecture, account.contributions), account.contributions
    assert isinstance(layout, Ranking)
    first_two = sorted(totals.ravel().tolist())[-2:]
    least = min(abs(totals[pair]) for pair in layout.boxes if totals[pair] not in first_two)
    assert least >= sorted(np.abs(totals).ravel().tolist())[-shown - 2], "those that add or take most"
    order = [totals[pair] for pair in layout.boxes]
    assert order == sorted(order, reverse=True)
    kernels = network.weights[f"conv{len(architecture.stages)}.weight"]
    for (i, j), box in layout.boxes.items():
        spots = written(image, f"map {i} × filter {j}", NOTE, MUTED)
        assert any(x == box.left and box.top - 14 < y < box.top for x, y in spots), (i, j)
        corner = Box(box.right - 18, box.bottom + 6, box.right, box.bottom + 24)
        expected = signed_grey(kernels[j, i], float(np.abs(kernels).max()))
        assert (region(image, corner) == enlarged(expected, corner)).all(), (i, j)
    for text in (f"{shown} pairs", f"{others:,} others"):
        assert len(written(image, text, NOTE, MUTED)) == 1, text
    assert len(written(image, f"+ {others:,}", BODY, MUTED)) == 1
    decimals = decimals_for(max(np.abs(totals).max(), abs(account.logit)))
    # Rounded so that the sum holds, it can be one unit off.
    near = [number(totals.sum() - sum(order) + shift * 10.0**-decimals, decimals) for shift in (0, -1, 1)]
    [value] = {text for text in near if layout.others.bottom + 18 in [y for _, y in written(image, text, BODY)]}
    assert written(image, value.removeprefix("−"), SUM), "the tile's number is the term of the sum"


def shown_number(text: str) -> float:
    return float(text.replace("−", "-"))


@given(values=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=96), decimals=st.integers(0, 4))
def test_what_is_shown_adds_up_and_is_off_by_less_than_a_unit(values: list[float], decimals: int) -> None:
    array = np.array(values)
    total, unit = float(array.sum()), 10.0**-decimals
    rounded = round_to_total(array, total, decimals)
    units = np.array([shown_number(number(value, decimals)) for value in rounded.tolist()]) / unit
    assert round(units.sum()) == round(total / unit)
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


@pytest.mark.parametrize(
    ("totals", "biases", "logit", "terms", "total"),
    [
        # 17.84 + 0.75 − 1.50
        (TOTALS, (0.75, -1.5), None, ("17.84", "0.75", "1.50"), "17.09"),
        # Rounded by itself, 20.004 + 0.004 = 20.008 would read 20.00 + 0.00 = 20.01.
        ([[20.004]], (0.004, 0.0), 20.008, ("20.01", "0.00"), "20.01"),
        # A sum that does not hold is not made to hold.
        (TOTALS, (0.0, 0.0), 99.0, ("17.84",), "99.00"),
    ],
    ids=["exact", "rounded", "wrong"],
)
def test_the_sum_line(
    totals: list[list[float]], biases: tuple[float, float], logit: float | None, terms: Iterable[str], total: str
) -> None:
    account = account_of(totals, *biases)
    account = account if logit is None else replace(account, logit=logit)
    shape = two_stages(Wiring.SUMMED, *np.shape(totals))
    image = ledger(ledger_of((), architecture=shape, account=account))
    for text in terms:
        assert written(image, text, SUM), text
    assert len(written(image, total, SUM, strong=True)) == 1


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


def heat_of(image: Image.Image, row: int, column: int) -> np.ndarray:
    """The palette indices of one pixel's square in the heatmap."""
    return region(image, HEAT.box(row, column))


def test_heat_is_drawn_exactly_pixel_by_pixel() -> None:
    regions = Regions(4, 3)
    result = occlusion_of(regions)
    found = replace(result.occlusion, drop=np.random.default_rng(1).normal(size=regions.grid))
    heat = found.heatmap()
    picture = region(occlusion(replace(result, occlusion=found)), HEAT.map)
    assert (picture == enlarged(diverging(heat, np.abs(heat).max()), HEAT.map)).all()


def test_the_greatest_drop_and_rise_have_the_ends_of_the_scale() -> None:
    image = occlusion(occlusion_of(drops={(3, 4): 4.0, (9, 9): -4.0, (0, 0): 2.0}))
    places = {(6, 8): POSITIVE, (18, 18): NEGATIVE, (0, 0): (NEUTRAL + POSITIVE) // 2, (20, 2): NEUTRAL}
    for place, colour in places.items():
        assert (heat_of(image, *place) == colour).all()
    heat = region(occlusion(occlusion_of()), HEAT.map)
    assert set(np.unique(heat).tolist()) == {NEUTRAL}, "no drop is neutral, and without a critical region no outline"


def reversed_letters(image: Image.Image) -> Image.Image:
    """The ramp from paper to ink, turned around; all else is paper. Tags are ink with letters of paper."""
    indices = np.asarray(image)
    ramp = np.where((indices > INK - 15) & (indices < INK), 2 * INK - 15 - indices, PAPER)
    return Image.fromarray(np.where(indices == PAPER, INK, ramp).astype(np.uint8))


def test_long_names_stand_above_their_outlines_and_never_on_another() -> None:
    given = network_of(THREE)
    classes = {9: "school bus", 3: "sport car"}
    network = Network(given.architecture, given.weights, tuple(classes.get(n, str(n)) for n in range(10)))

    def spots(predictions: dict[Position, int], name: str) -> list[tuple[int, int]]:
        return written(reversed_letters(occlusion(occlusion_of(predictions=predictions, network=network))), name, NOTE)

    [(x, baseline)] = spots({(5, 4): 9, (5, 5): 9}, "school bus")
    corner = HEAT.box(10, 8)
    assert corner.left < x < corner.left + 8
    assert baseline < corner.top
    [(x, _)] = spots({(5, 13): 9}, "school bus")
    assert x < HEAT.box(10, 26).left, "at the right edge it ends there"
    near, apart = {(5, 4): 9, (5, 6): 3}, {(5, 2): 9, (5, 10): 3}
    assert (len(spots(near, "school bus")), spots(near, "sport car")) == (1, [])
    assert len(spots(apart, "school bus")) == len(spots(apart, "sport car")) == 1


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


# --- Shapley values: the lamp's region adds 12 to the logit of 6, which is 8 without it; nothing else adds anything.


def test_the_region_of_the_lamp_has_all_of_the_value() -> None:
    image = shapley(explain_shapley(lamp_network(), lit((2, 2))))
    for place, colour in {(12, 12): POSITIVE, (15, 15): POSITIVE, (11, 12): NEUTRAL, (16, 15): NEUTRAL}.items():
        assert (heat_of(image, *place) == colour).all()
    for text, name in (("8.00", "all hidden"), ("12.00", "2 regions")):
        assert written(image, text, SUM), text
        assert written(image, name, NOTE, MUTED), name
    assert written(image, "20.00", SUM, strong=True)
    # exp(10) against exp(8) and eight times exp(0).
    share = np.exp(10) / (np.exp(10) + np.exp(8) + 8)
    assert written(image, f"2, {share:.1%}", SUM)
    assert written(shapley(explain_shapley(lamp_network(), lit(), 6, 2)), "10.00", SUM, strong=True)


# --- Grounds


# Ink in four regions of 4×4.
INKED: tuple[Position, ...] = ((1, 1), (1, 2), (2, 1), (5, 5))
FULL = np.zeros((28, 28))
for _row, _column in INKED:
    FULL[4 * _row : 4 * _row + 4, 4 * _column : 4 * _column + 4] = 1.0


def grounds_of(
    kept: tuple[Position, ...] = ((1, 1), (5, 5)),
    contrast: tuple[Position, ...] | None = ((1, 2),),
    players: tuple[Position, ...] = INKED,
    status: Status = Status.SMALLEST,
    image: np.ndarray = FULL,
) -> Grounds:
    return Grounds(
        network=lamp_network(),
        image=image,
        logits=np.eye(10)[6],
        hiding=Hiding(Regions(4), 0.0),
        players=players,
        sufficient=SufficientSet(kept, 0.5, 2 ** (len(players) - len(kept)), status),
        contrast=None if contrast is None else Contrast(contrast, 3, np.eye(10)[3]),
        empty=Empty(np.eye(10)[2] * 5),
    )


@pytest.mark.parametrize(
    ("result", "heads", "lines"),
    [
        (
            grounds_of(),
            ["Keep these: it stays a 6", "Hide this: it becomes a 3"],
            [
                "2 of 4 regions. However the other 2 are hidden,",
                "in any of 4 ways, it stays a 6.",
                "With this region hidden, 3 is predicted.",
            ],
        ),
        (
            grounds_of(kept=((1, 1),), contrast=((1, 1), (1, 2))),
            ["Keep this: it stays a 6", "Hide these: it becomes a 3"],
            ["With these 2 regions hidden, 3 is predicted.", "Hiding fewer than 2 never changes the answer."],
        ),
        (
            grounds_of(kept=(), contrast=None),
            ["Keep nothing: it stays a 6", "Hide anything: it stays a 6"],
            [
                "No region is needed. However the 4 are hidden,",
                "in any of 16 ways, it stays a 6.",
                "Whatever is hidden, it stays a 6.",
            ],
        ),
        (grounds_of(kept=INKED), [], ["All 4 regions are needed."]),
        (
            grounds_of(kept=(), contrast=None, players=(), image=EMPTY),
            [],
            ["No region holds anything but the fill value, so", "there is nothing to hide."],
        ),
    ],
    ids=["some", "one", "none needed", "all needed", "empty"],
)
def test_the_sentences(result: Grounds, heads: list[str], lines: list[str]) -> None:
    image = grounds(result)
    assert written(image, "predicted 6: the grounds", TITLE, strong=True)
    for head in heads:
        assert written(image, head, BODY, INK, strong=True), head
    for line in lines:
        assert written(image, line, BODY), line


def test_what_is_proven_is_said_and_the_empty_image_named() -> None:
    smallest = "Proven: no smaller set suffices."
    assert written(grounds(grounds_of()), smallest, NOTE, MUTED)
    image = grounds(grounds_of(status=Status.IRREDUCIBLE))
    assert written(image, "Proven: none of them can be left out.", NOTE, MUTED)
    assert not written(image, smallest, NOTE, MUTED)
    probability = float(np.exp(5) / (np.exp(5) + 9))
    note = f"regions of 4×4 pixels, stride 4, fill 0; with everything hidden, 2 is predicted, {probability:.1%}"
    assert written(image, note, NOTE, MUTED)
