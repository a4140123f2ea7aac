from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import Account, FilterExplanation, contributions
from konkyo.models.network import Array, Network
from konkyo.models.usage import Typicality
from konkyo.service import drawing
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.table import Pairs, Ranking, Table
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    diverging,
    rgb,
    signed_grey,
)
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers import shapes
from tests.helpers.drawn import decoded, enlarged, frame_colours, painted, patch, region, written
from tests.helpers.shapes import (
    COLOUR,
    IMAGE,
    KERAS,
    LENET,
    ONE_STAGE,
    SHAPES,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    TOTALS,
    image_of,
    network_of,
)

ledger = painted(drawing.ledger)


def _account(totals: list[list[float]], filter_bias: float = 0.0, class_bias: float = 0.0) -> Account:
    """Each map is its total in five equal cells of its middle row, nothing elsewhere."""
    values = np.array(totals)
    maps = np.zeros((*values.shape, 5, 5))
    maps[:, :, 2, :] = values[:, :, None] / 5
    biases = np.full(values.shape[1], filter_bias / values.shape[1])
    return Account(maps, values, biases, class_bias, float(values.sum() + filter_bias + class_bias))


def explained(
    network: Network,
    account: Account,
    *,
    predicted: int = 3,
    target: int = 3,
    versus: int | None = None,
    typicality: Typicality | None = None,
    image: Array = IMAGE,
) -> FilterExplanation:
    return FilterExplanation(
        network=network,
        image=image,
        logits=np.eye(10)[predicted],
        target=target,
        versus=versus,
        account=account,
        totals=np.zeros((10, *account.contributions.shape)),
        typicality=typicality,
    )


def _draw(
    account: Account,
    architecture: Architecture = THREE,
    *,
    predicted: int = 5,
    target: int = 5,
    versus: int | None = None,
    scale: int = 1,
    theme: Theme = Theme.LIGHT,
) -> Image.Image:
    result = explained(network_of(architecture), account, predicted=predicted, target=target, versus=versus)
    return ledger(result, Style(scale, theme))


def _layout(architecture: Architecture, totals: object) -> Pairs:
    return arrange(network_of(architecture), np.array(totals), architecture.sides[-1])


def test_the_greatest_is_framed_red_the_second_blue_and_no_other() -> None:
    image, layout = _draw(_account(TOTALS)), _layout(THREE, TOTALS)
    assert len(layout.boxes) == 9
    for pair, box in layout.boxes.items():
        expected = {(1, 0): {FIRST}, (2, 1): {SECOND}}.get(pair, {PAPER})
        assert frame_colours(image, box, layout.frame) == expected, pair


def test_places_go_by_sign_not_by_size() -> None:
    totals = [[-9.0, -1.0, -8.0], [-7.0, -2.0, -5.0], [-3.0, -6.0, -4.0]]
    image, layout = _draw(_account(totals)), _layout(THREE, totals)
    assert frame_colours(image, layout.boxes[0, 1], layout.frame) == {FIRST}
    assert frame_colours(image, layout.boxes[1, 1], layout.frame) == {SECOND}


@pytest.mark.parametrize("theme", list(Theme))
def test_the_places_are_red_and_blue_to_the_eye(theme: Theme) -> None:
    picture, layout = decoded(_draw(_account(TOTALS), theme=theme)), _layout(THREE, TOTALS)
    for pair, channel in (((1, 0), 0), ((2, 1), 2)):
        box = layout.boxes[pair].grow(layout.frame[1] + 1)
        colour = picture[box.top, box.middle[0]]
        assert colour.argmax() == channel
        assert colour[channel] > 1.4 * np.delete(colour, channel).max()


def test_nothing_is_framed_where_nothing_contributes() -> None:
    totals = [[0.0] * 3] * 3
    image = _draw(_account(totals))
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    for box in _layout(THREE, totals).boxes.values():
        assert (patch(image, box) == rgb(Theme.LIGHT, NEUTRAL)).all()


def test_a_single_pair_has_a_first_place_and_no_second() -> None:
    one = two_stages(Wiring.PAIRED, 1, 1)
    image, layout = _draw(_account([[-2.0]]), one), _layout(one, [[-2.0]])
    assert frame_colours(image, layout.boxes[0, 0], layout.frame) == {FIRST}
    assert not (np.asarray(image) == SECOND).any()


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", [*SHAPES, *shapes.GREY], ids=str)
def test_every_cell_of_every_map_has_its_colour(architecture: Architecture, theme: Theme) -> None:
    network = network_of(architecture)
    given = image_of(architecture)
    account = contributions(network, given).account(2)
    layout = _layout(architecture, account.contributions)
    result = explained(network, account, predicted=2, target=2, image=given)
    image = ledger(result, Style(theme=theme))
    limit = max(np.abs(account.maps[pair]).max() for pair in layout.boxes)
    colours = set()
    for pair, box in layout.boxes.items():
        cells = diverging(account.maps[pair], limit)
        assert (region(image, box) == enlarged(cells, box)).all(), pair
        colours |= set(cells.ravel().tolist())
    assert colours & {POSITIVE, NEGATIVE}, "the greatest cell of all has an end of the scale"


@pytest.mark.parametrize("architecture", SHAPES[:3] + SHAPES[6:], ids=str)
def test_filters_stand_at_the_heads_of_a_table(architecture: Architecture) -> None:
    network = network_of(architecture)
    account = contributions(network, IMAGE).account(3)
    image, table = ledger(explained(network, account)), _layout(architecture, account.contributions)
    assert isinstance(table, Table)
    filters, kernels = network.weights["conv1.weight"], network.weights["conv2.weight"]
    heads = [(table.filter(i), filters[i, 0], filters) for i in range(len(filters))]
    heads += [
        (table.kernel(i, j), kernels[j, i], kernels) for j in range(len(kernels)) for i in range(kernels.shape[1])
    ]
    for box, weights, layer in heads:
        expected = signed_grey(weights, float(np.abs(layer).max()))
        assert (region(image, box) == enlarged(expected, box)).all(), box
    for name in (*(f"map {i}" for i in range(len(filters))), *(f"filter {j}" for j in range(len(kernels)))):
        assert len(written(image, name, NOTE, MUTED)) == 1, name


@pytest.mark.parametrize("architecture", [LENET, KERAS, THREE_STAGES], ids=str)
def test_a_ranked_pair_has_its_name_above_it_and_its_kernel_beneath(architecture: Architecture) -> None:
    network = network_of(architecture)
    account = contributions(network, IMAGE).account(3)
    image, layout = ledger(explained(network, account)), _layout(architecture, account.contributions)
    kernels = network.weights[f"conv{len(architecture.stages)}.weight"]
    for (i, j), box in layout.boxes.items():
        spots = written(image, f"map {i} × filter {j}", NOTE, MUTED)
        assert any(x == box.left and box.top - 14 < y < box.top for x, y in spots), (i, j)
        corner = Box(box.right - 18, box.bottom + 6, box.right, box.bottom + 24)
        expected = signed_grey(kernels[j, i], float(np.abs(kernels).max()))
        assert (region(image, corner) == enlarged(expected, corner)).all(), (i, j)


@pytest.mark.parametrize(("architecture", "shown", "others"), [(LENET, 19, 77), (KERAS, 19, 2029)], ids=str)
def test_of_many_pairs_the_greatest_are_drawn_and_the_others_are_one_term(
    architecture: Architecture, shown: int, others: int
) -> None:
    network = network_of(architecture)
    account = contributions(network, IMAGE).account(3)
    image, layout = ledger(explained(network, account)), _layout(architecture, account.contributions)
    assert isinstance(layout, Ranking)
    values = sorted(account.contributions.ravel().tolist(), key=abs)
    first_two = sorted(account.contributions.ravel().tolist())[-2:]
    least = min(
        abs(account.contributions[pair]) for pair in layout.boxes if account.contributions[pair] not in first_two
    )
    assert least >= abs(values[-shown - 2]), "those that add or take most"
    order = [account.contributions[pair] for pair in layout.boxes]
    assert order == sorted(order, reverse=True)
    for text in (f"{shown} pairs", f"{others:,} others"):
        assert len(written(image, text, NOTE, MUTED)) == 1, text
    assert len(written(image, f"+ {others:,}", BODY, MUTED)) == 1
    rest = account.contributions.sum() - sum(order)
    decimals = decimals_for(max(np.abs(account.contributions).max(), abs(account.logit)))
    [value] = {
        number(rest + shift, decimals)
        for shift in (0.0, -(10.0**-decimals), 10.0**-decimals)
        if any(y == layout.others.bottom + 18 for _, y in written(image, number(rest + shift, decimals), BODY))
    }
    assert written(image, value.removeprefix("−"), SUM), "the tile's number is the term of the sum"


def test_a_sum_with_others_adds_up_as_shown() -> None:
    totals = np.full((6, 7), 0.0)
    totals[0, 0], totals[1] = 5.0, 0.333
    totals[2:] = 0.0004
    account = _account(totals.tolist(), 0.25, -1.0)
    image = _draw(account, two_stages(Wiring.SUMMED, 6, 7))
    # 5 + 7 × 0.333 = 7.331, of which 19 pairs with eleven of 0.0004; the others are 23 of 0.0004 and six of 0.
    [first] = [text for text in ("7.33", "7.34") if written(image, text, SUM)]
    [rest] = [text for text in ("0.00", "0.01") if written(image, text, SUM)]
    total = written(image, f"{account.logit:.2f}", SUM, strong=True)
    assert len(total) == 1
    assert float(first) + float(rest) + 0.25 - 1.0 == pytest.approx(round(account.logit, 2))


def test_totals_stand_beneath_their_maps() -> None:
    image, layout = _draw(_account(TOTALS)), _layout(THREE, TOTALS)
    for pair, text in {(0, 0): "1.00", (0, 1): "−2.25", (1, 1): "0.00", (2, 2): "−9.00"}.items():
        box = layout.boxes[pair]
        spots = [(x, y) for x, y in written(image, text, BODY) if y == layout.number(box)[1]]
        assert any(box.left < x < box.right for x, _ in spots), text
    assert len(written(image, "12.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "8.75", BODY, SECOND, strong=True)) == 1


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", [COLOUR, TINY_VGG], ids=str)
def test_a_colour_image_stands_in_the_corner(architecture: Architecture, theme: Theme) -> None:
    network, given = network_of(architecture), image_of(architecture)
    account = contributions(network, given).account(1)
    image = ledger(explained(network, account, predicted=1, target=1, image=given), Style(theme=theme))
    box = _layout(architecture, account.contributions).image
    expected = np.rint(given * 255).astype(np.uint8).transpose(1, 2, 0)
    assert (patch(image, box) == enlarged(expected, box)).all()


def test_of_one_stage_the_row_is_the_image() -> None:
    network = network_of(ONE_STAGE)
    image = ledger(explained(network, contributions(network, IMAGE).account(3)))
    assert len(written(image, "image", NOTE, MUTED)) == 1
    assert len(written(image, "8 pairs", NOTE, MUTED)) == 1
    assert (
        len(written(image, "Filters: of stage 1. Filters: grey is 0, ink the stage’s largest weight.", NOTE, MUTED))
        == 1
    )


def test_the_sum_line_has_the_actual_numbers() -> None:
    image = _draw(_account(TOTALS, filter_bias=0.75, class_bias=-1.5), target=8)
    # 17.84 + 0.75 − 1.50 = 17.09
    for text in ("17.84", "0.75", "1.50"):
        assert len(written(image, text, SUM)) == 1, text
    assert len(written(image, "17.09", SUM, strong=True)) == 1
    assert len(written(image, "+", SUM, MUTED)) == 1
    assert len(written(image, "−", SUM, MUTED)) == 1
    assert len(written(image, "9 pairs", NOTE, MUTED)) == 1
    assert len(written(image, "logit 8", NOTE, MUTED)) == 1


def test_the_sum_line_adds_up_as_shown() -> None:
    """Rounded by itself, 20.004 + 0.004 = 20.008 would read 20.00 + 0.00 = 20.01."""
    account = replace(_account([[20.004]], filter_bias=0.004), logit=20.008)
    image = _draw(account, two_stages(Wiring.SUMMED, 1, 1))
    assert len(written(image, "20.01", SUM)) == 1
    assert len(written(image, "20.01", SUM, strong=True)) == 1


def test_the_cells_add_up_to_the_first_term_of_the_sum() -> None:
    """0.334 + 0.333 + 0.333 = 1: rounded by themselves they would read 0.99."""
    account = replace(_account([[0.3341, 0.3331, 0.3328]]), logit=1.0)
    image = _draw(account, two_stages(Wiring.PAIRED, 1, 3))
    assert len(written(image, "1.00", SUM)) == 1
    assert len(written(image, "0.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "0.33", BODY, SECOND, strong=True)) == 1
    assert len(written(image, "0.33", BODY)) == 1


def test_a_sum_that_does_not_hold_is_not_made_to_hold() -> None:
    image = _draw(replace(_account(TOTALS), logit=99.0))
    assert len(written(image, "17.84", SUM)) == 1
    assert len(written(image, "99.00", SUM, strong=True)) == 1


@pytest.mark.parametrize(
    ("predicted", "target", "versus", "heading", "logit"),
    [
        (5, 5, None, "predicted 5: why 5?", "logit 5"),
        (3, 8, None, "predicted 3: why 8?", "logit 8"),
        (5, 5, 3, "predicted 5: why 5 and not 3?", "logit 5 − logit 3"),
    ],
)
def test_the_heading_asks_the_question(
    predicted: int, target: int, versus: int | None, heading: str, logit: str
) -> None:
    image = _draw(_account(TOTALS), predicted=predicted, target=target, versus=versus)
    assert len(written(image, heading, TITLE, strong=True)) == 1
    assert len(written(image, logit, NOTE, MUTED)) == 1


def test_it_says_how_usual_the_use_of_filters_is_if_that_is_known() -> None:
    network, account = network_of(THREE), _account(TOTALS)
    usual = Typicality(percentile=61.6, distance=2.0)
    image = ledger(explained(network, account, predicted=5, target=8, versus=5, typicality=usual))
    text = "Use of filters: more usual than in 62% of correctly predicted 8s."
    assert len(written(image, text, NOTE, MUTED)) == 1
    without = ledger(explained(network, account, predicted=5, target=8, versus=5))
    assert image.height == without.height + 18
    for one in (image, without):
        text = "Maps: of stage 1. Filters: of stage 2. Filters: grey is 0, ink the stage’s largest weight."
        [(_, baseline)] = written(one, text, NOTE, MUTED)
        assert one.height - baseline == 20


def test_the_places_are_named_with_numbers_from_zero() -> None:
    image = _draw(_account(TOTALS))
    assert len(written(image, "first: map 1 × filter 0", NOTE)) == 1
    assert len(written(image, "second: map 2 × filter 1", NOTE)) == 1


def test_the_colour_bar_names_the_greatest_cell_of_all_maps() -> None:
    image = _draw(_account(TOTALS))
    for text, colour in {"+2.47": INK, "−2.47": INK, "+1.23": MUTED, "−1.23": MUTED}.items():
        assert len(written(image, text, NOTE, colour)) == 1, text


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    account = _account(np.ones(architecture.pairs).tolist())
    one, three = _draw(account, architecture), _draw(account, architecture, scale=3)
    assert three.size == (3 * one.width, 3 * one.height)


@pytest.mark.parametrize("totals", [0.0, 0.00001, 123456.0, -98765.4])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, totals: float) -> None:
    account = _account(np.full(architecture.pairs, totals).tolist(), 1e5, -1e5)
    indices = np.asarray(_draw(account, architecture, target=8, versus=3)).copy()
    margin = 16
    indices[margin:-margin, margin:-margin] = PAPER
    assert (indices == PAPER).all()


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(_account(TOTALS), theme=theme))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}


def test_an_empty_picture_draws_without_a_warning() -> None:
    network = network_of(THREE)
    empty = np.zeros((28, 28))
    account = contributions(network, empty).account(0)
    image = ledger(explained(network, account, predicted=0, target=0, image=empty))
    box = _layout(THREE, account.contributions).image
    assert len(np.unique(patch(image, box).reshape(-1, 3), axis=0)) == 1
