from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import Account, FilterExplanation, contributions
from konkyo.models.network import Array, Network
from konkyo.models.usage import Typicality
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.ledger import ledger
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE
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
from tests.helpers.drawn import decoded, frame_colours, patch, written
from tests.helpers.shapes import IMAGE, SHAPES, THREE, TOTALS, network_of


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


def test_the_greatest_is_framed_red_the_second_blue_and_no_other() -> None:
    image, table = _draw(_account(TOTALS)), Table(THREE)
    for pair in product(range(3), range(3)):
        expected = {(1, 0): {FIRST}, (2, 1): {SECOND}}.get(pair, {PAPER})
        assert frame_colours(image, table.map(*pair), table) == expected, pair


def test_places_go_by_sign_not_by_size() -> None:
    image, table = _draw(_account([[-9.0, -1.0, -8.0], [-7.0, -2.0, -5.0], [-3.0, -6.0, -4.0]])), Table(THREE)
    assert frame_colours(image, table.map(0, 1), table) == {FIRST}
    assert frame_colours(image, table.map(1, 1), table) == {SECOND}


@pytest.mark.parametrize("theme", list(Theme))
def test_the_places_are_red_and_blue_to_the_eye(theme: Theme) -> None:
    picture, table = decoded(_draw(_account(TOTALS), theme=theme)), Table(THREE)
    for pair, channel in (((1, 0), 0), ((2, 1), 2)):
        box = table.map(*pair).grow(table.frame_gap + 1)
        colour = picture[box.top, (box.left + box.right) // 2]
        assert colour.argmax() == channel
        assert colour[channel] > 1.4 * np.delete(colour, channel).max()


def test_nothing_is_framed_where_nothing_contributes() -> None:
    image, table = _draw(_account([[0.0] * 3] * 3)), Table(THREE)
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    for pair in product(range(3), range(3)):
        assert (patch(image, table.map(*pair)) == rgb(Theme.LIGHT, NEUTRAL)).all()


def test_a_single_pair_has_a_first_place_and_no_second() -> None:
    one = two_stages(Wiring.PAIRED, 1, 1)
    image, table = _draw(_account([[-2.0]]), one), Table(one)
    assert frame_colours(image, table.map(0, 0), table) == {FIRST}
    assert not (np.asarray(image) == SECOND).any()


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_every_cell_of_every_map_has_its_colour(architecture: Architecture, theme: Theme) -> None:
    network, table = network_of(architecture), Table(architecture)
    account = contributions(network, IMAGE).account(3)
    image = ledger(explained(network, account), Style(theme=theme))
    limit = np.abs(account.maps).max()
    rows, columns = account.contributions.shape
    colours = set()
    for pair in product(range(rows), range(columns)):
        box = table.map(*pair)
        side = box.width // 5
        cells = diverging(account.maps[pair], limit).repeat(side, 0).repeat(side, 1)
        pixels = np.asarray(image)[box.top : box.bottom, box.left : box.right]
        assert (pixels == cells).all(), pair
        colours |= set(cells.ravel().tolist())
    assert colours & {POSITIVE, NEGATIVE}, "the greatest cell of all has an end of the scale"


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_filters_stand_at_the_heads(architecture: Architecture) -> None:
    network, table = network_of(architecture), Table(architecture)
    indices = np.asarray(ledger(explained(network, contributions(network, IMAGE).account(3))))
    filters, kernels = network.weights["conv1.weight"], network.weights["conv2.weight"]
    heads = [(table.filter(i), filters[i, 0], filters) for i in range(len(filters))]
    heads += [
        (table.kernel(i, j), kernels[j, i], kernels) for j in range(len(kernels)) for i in range(kernels.shape[1])
    ]
    for box, weights, layer in heads:
        side = box.width // len(weights)
        expected = signed_grey(weights, float(np.abs(layer).max())).repeat(side, 0).repeat(side, 1)
        assert (indices[box.top : box.bottom, box.left : box.right] == expected).all(), box


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_nothing_overlaps(architecture: Architecture, pictures: bool) -> None:
    table = Table(architecture, pictures)
    rows, columns = architecture.conv1_filters, architecture.conv2_filters
    kernels = rows if architecture.wiring is Wiring.SUMMED else 1
    frame = table.frame + table.frame_gap
    boxes = [table.digit, *(table.filter(i) for i in range(rows))]
    boxes += [table.map(i, j).grow(frame) for i in range(rows) for j in range(columns)]
    boxes += [table.kernel(i, j) for i in range(kernels) for j in range(columns)]
    taken = np.zeros((table.bottom + 50, table.right + 50), int)
    for box in boxes:
        taken[box.top - 1 : box.bottom + 1, box.left - 1 : box.right + 1] += 1
    assert taken.max() == 1


def test_totals_stand_beneath_their_maps() -> None:
    image, table = _draw(_account(TOTALS)), Table(THREE)
    for pair, text in {(0, 0): "1.00", (0, 1): "−2.25", (1, 1): "0.00", (2, 2): "−9.00"}.items():
        box = table.map(*pair)
        spots = [(x, y) for x, y in written(image, text, BODY) if y == table.total_baseline(pair[0])]
        assert any(box.left < x < box.right for x, _ in spots), text
    assert len(written(image, "12.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "8.75", BODY, SECOND, strong=True)) == 1


def test_totals_of_many_filters_have_one_decimal() -> None:
    lenet = two_stages(Wiring.SUMMED, 6, 16)
    totals = np.zeros((6, 16))
    totals[4, 11], totals[0, 15], totals[5, 0] = 13.37, 8.25, -42.19
    image, table = _draw(_account(totals.tolist()), lenet), Table(lenet)
    assert written(image, "13.4", NOTE, FIRST, strong=True)[0][1] == table.total_baseline(4)
    assert written(image, "−42.2", NOTE)[0][1] == table.total_baseline(5)
    assert frame_colours(image, table.map(0, 15), table) == {SECOND}


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
    assert image.height == without.height + 19
    for one in (image, without):
        [(_, baseline)] = written(one, "Filters: grey is 0, ink the layer’s largest weight.", NOTE, MUTED)
        assert one.height - baseline == 19


def test_the_places_are_named_with_numbers_from_zero() -> None:
    image = _draw(_account(TOTALS))
    assert len(written(image, "first: conv1[1]×conv2[0]", NOTE)) == 1
    assert len(written(image, "second: conv1[2]×conv2[1]", NOTE)) == 1


def test_the_colour_bar_names_the_greatest_cell_of_all_maps() -> None:
    image = _draw(_account(TOTALS))
    for text, colour in {"+2.47": INK, "−2.47": INK, "+1.23": MUTED, "−1.23": MUTED}.items():
        assert len(written(image, text, NOTE, colour)) == 1, text


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    account = _account(np.ones((architecture.conv1_filters, architecture.conv2_filters)).tolist())
    one, three = _draw(account, architecture), _draw(account, architecture, scale=3)
    assert three.size == (3 * one.width, 3 * one.height)


@pytest.mark.parametrize("totals", [0.0, 0.00001, 123456.0, -98765.4])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, totals: float) -> None:
    account = _account(np.full((architecture.conv1_filters, architecture.conv2_filters), totals).tolist(), 1e5, -1e5)
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
    box = Table(THREE).digit
    assert len(np.unique(patch(image, box).reshape(-1, 3), axis=0)) == 1
