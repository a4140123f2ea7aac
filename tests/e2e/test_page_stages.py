"""The page with networks of any shape: stages with and without pools, padding, hidden layers, colour, many pairs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from konkyo.models.architecture import Architecture, Pool, PoolKind, Stage, Wiring
from konkyo.models.files import checkpoint
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.filters.contributions import contributions
from konkyo.models.network import Network, softmax
from konkyo.models.rounding import decimals_of_sum, percents
from konkyo.models.rounding import number as written
from support.browser import PHONE, opened, reading, until_true
from support.pictures import encode
from support.server import running_service
from tests.e2e.access import serious
from tests.e2e.answers import asked, numbers
from tests.e2e.walk import OVERFLOW, Values, closer, go, grids, open_walk, place, sum_of
from tests.helpers.documents import document

SHAPES = {
    # Three stages, one of them with a pool; the first and the last pad.
    "three": Architecture(
        (Stage(3, 3, 1, pool=None), Stage(4, 3, wiring=Wiring.PAIRED), Stage(5, 2, 1, pool=None)), 20, classes=4
    ),
    # More maps, pairs and classes than there is room for.
    "wide": Architecture((Stage(20, 3), Stage(24, 3)), classes=14),
    # Colour; what stands around the image is not black.
    "colour": Architecture((Stage(4, 5, 2), Stage(3, 3, wiring=Wiring.PAIRED)), 24, 3, classes=3),
    # One stage, and a hidden layer.
    "hidden": Architecture((Stage(6, 7, bias=False),), 16, hidden=(8,), classes=3),
}
MEAN = Pool(2, 2, PoolKind.MEAN)
# What courses have, and what each step of the walk says of it.
COURSES = {
    "lenet5": (
        Architecture(
            (Stage(6, 5, 2, MEAN, activation="tanh"), Stage(16, 5, 0, MEAN, activation="tanh")),
            hidden=(12, 8),
            classes=3,
            activation="tanh",
        ),
        {
            3: "Each number goes through tanh. Of every 2×2 cells the mean is kept: 28×28 becomes 14×14.",
            4: "Each number goes through tanh. Of what the window sees, the mean is kept: one number of the smaller "
            "map.",
            8: "2 hidden layers, one after the other: each of 12 and 8 numbers is a weighted sum of all numbers before "
            "it, and goes through tanh. For this picture it is known by how much that multiplies each; so the rest is "
            "one affine layer.",
        },
    ),
    "residual": (
        Architecture(
            (
                Stage(4, 3, 1, None, stride=2),
                Stage(4, 3, 1, None, groups=2, activation="leaky=0.1"),
                Stage(1, 0, 0, Pool(2, 2), sources=(1, 2)),
            ),
            16,
            classes=3,
        ),
        {
            3: "4 filters look at the maps of their group, with one 3×3 kernel for each, and add up what they find. "
            "Each number goes through leaky ReLU (0.1).",
            5: "The maps of stage 1 and stage 2 are added up. No filter: the maps stay as they are, 4 of 8×8.",
            7: "What is negative becomes 0, and of every 2×2 cells the largest is kept: 8×8 becomes 4×4.",
        },
    ),
}
BORDER = (0.2, 0.5, 0.8)
ROUNDED = 0.00501


@dataclass(frozen=True)
class Case:
    """A network, an image that it takes exactly, and that as a file."""

    name: str
    network: Network
    image: Values
    picture: bytes

    @property
    def stages(self) -> tuple[Stage, ...]:
        """From the image to the head."""
        return self.network.architecture.stages


def made(name: str) -> Case:
    shape = SHAPES[name] if name in SHAPES else COURSES[name][0]
    rng = np.random.default_rng([*sorted(SHAPES), *COURSES].index(name))
    weights = {
        tensor: rng.normal(0, (2 / np.prod(size[1:])) ** 0.5 if tensor.endswith("weight") else 0.1, size)
        for tensor, size in shape.tensor_shapes.items()
    }
    names = tuple(f"kind {number}" for number in range(shape.classes))
    single = {tensor: values.astype(np.float32) for tensor, values in weights.items()}
    border = BORDER if shape.channels == 3 else 0.0
    network = Network(shape, single, names, np.asarray(border, np.float32)).astype(np.float64)
    pixels = rng.integers(0, 256, (shape.side, shape.side, shape.channels), np.uint8)
    picture = encode(pixels if shape.channels == 3 else pixels[..., 0])
    image = pixels.transpose(2, 0, 1) / 255
    return Case(name, network, image if shape.channels == 3 else image[0], picture)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with these networks."""
    models = tmp_path_factory.mktemp("models")
    for name in (*SHAPES, *COURSES):
        network = made(name).network.astype(np.float32)
        says = document(network, name)
        changed = {"preprocessing": Preprocessing.RESIZE, "polarity": Polarity.LIGHT_ON_DARK, "warnings": ()}
        checkpoint.save(models, network, says.model_copy(update=changed))
    with running_service(KONKYO_MODELS=str(models), KONKYO_DEFAULT_MODEL="three") as address:
        yield address


@pytest.fixture(scope="module")
def tab(browser: Browser, served: str) -> Iterator[Page]:
    with opened(browser, served) as page:
        yield page


@pytest.fixture(scope="module", params=SHAPES)
def case(request: pytest.FixtureRequest, tab: Page) -> Case:
    """A network with its image on the page, and the walk through it."""
    one = made(request.param)
    show(tab, one)
    open_walk(tab)
    return one


def show(page: Page, case: Case) -> None:
    page.keyboard.press("Escape")  # ends a walk
    page.get_by_test_id("model").select_option(case.name)
    page.get_by_test_id("file").set_input_files({"name": "1.png", "mimeType": "image/png", "buffer": case.picture})
    read(page, case)


def read(page: Page, case: Case, image: Values | None = None) -> None:
    """Wait until the page shows what the network predicts."""
    predicted = case.network.classes[int(case.network.logits(case.image if image is None else image).argmax())]
    expect(page.locator("main")).to_have_attribute("data-state", "answered")
    expect(reading(page)).to_have_text(re.compile(rf"^{predicted}\b"))
    side = case.network.architecture.side
    expect(page.get_by_test_id("preprocessing")).to_contain_text(f"{side}×{side}, taken as it is")


def padded(maps: Values, stage: Stage, border: Values) -> Values:
    pad = stage.padding
    return np.stack([np.pad(one, pad, constant_values=value) for one, value in zip(maps, border, strict=True)])


def steps_of(case: Case) -> list[str]:
    """What each step of the walk shows closely: each convolution, the first pool, the weights of a class, softmax."""
    steps = [""]
    for stage in case.stages:
        steps += ["", "convolution"]
        if stage.pool:
            steps += [""] if "pool" in steps else ["", "pool"]
    hidden = [""] * len(case.network.architecture.hidden)
    return [*steps, *hidden, "", "affine", "", "last", ""]


@pytest.mark.parametrize("name", COURSES)
def test_the_walk_says_what_a_stage_does(name: str, browser: Browser, served: str) -> None:
    with opened(browser, served) as page:
        show(page, made(name))
        open_walk(page)
        for step in range(page.locator("#dots button").count()):
            go(page, step)
        for step, sentence in COURSES[name][1].items():
            go(page, step)
            expect(page.get_by_test_id("step")).to_have_text(sentence)
            curves = page.get_by_test_id("step").locator("svg")
            expect(curves).to_have_count(int("goes through" in sentence and "hidden" not in sentence))
        page.keyboard.press("Escape")
        secant = "Parts of tanh are those of a secant: their sum is exact, their slope is not the gradient’s."
        expect(page.get_by_test_id("typicality")).to_have_text(secant if name == "lenet5" else "")


def test_a_walk_through_every_stage(case: Case, tab: Page) -> None:
    pools = sum(stage.pool is not None for stage in case.stages)
    hidden = len(case.network.architecture.hidden)
    # Picture, what each class weighs, what is read; and sums, which stand beside the weights.
    expect(tab.get_by_test_id("figure").locator(".layer")).to_have_count(3 + len(case.stages) + pools + hidden)
    for number, stage in enumerate(case.stages, 1):
        heads = tab.get_by_test_id("figure").locator("section.layer h3").filter(has_text=f"stage {number}")
        # A pool has a column of its own, which is named like its stage.
        expect(heads).to_have_count(2 if stage.pool else 1)
    steps = steps_of(case)
    expect(tab.locator("#dots button")).to_have_count(len(steps))
    expect(tab.locator("#dots button.small")).to_have_count(len(steps) - steps.count(""))
    text = ""
    for step, kind in enumerate(steps):
        go(tab, step)
        text += tab.get_by_test_id("step").inner_text()
        if kind:
            expect(closer(tab)).to_have_class(f"closer {kind}")
            # Nothing has to be scrolled in a closer view.
            assert tab.evaluate(OVERFLOW)[1] == [0, 0], step
        else:
            expect(closer(tab)).to_be_hidden()
        if step in (steps.index("convolution"), steps.index("affine"), len(steps) - 1):
            assert serious(tab) == []
    assert f"Each of the {case.network.architecture.classes} classes" in text
    for stage, side in zip(case.stages, case.network.architecture.sides, strict=False):
        assert f"{stage.kernel}×{stage.kernel}" in text
        if stage.pool:
            assert f"{stage.sides(side)[1]}×{stage.sides(side)[1]}" in text
    assert ("hidden layer" in text.lower()) is bool(hidden)
    assert "undefined" not in text
    assert "NaN" not in text


def choose_last(page: Page, kind: str) -> None:
    """The last of the maps or filters that can be chosen, if any can."""
    choices = closer(page).get_by_role("button", name=re.compile(rf"^{kind} \d+$"))
    if choices.count():
        choices.last.click()


def test_every_number_of_a_convolution(case: Case, tab: Page) -> None:
    """Window, weights, products and sum, at a corner, where the window hangs over the edge, and in the middle."""
    trace = case.network.trace(case.image)
    below: Values = case.image.reshape(-1, *case.image.shape[-2:])
    border: Values = case.network.border
    stops = [step for step, kind in enumerate(steps_of(case)) if kind == "convolution"]
    for number, (stop, stage) in enumerate(zip(stops, case.stages, strict=True)):
        go(tab, stop)
        maps = padded(below, stage, border if number == 0 else np.zeros(len(below)))
        weights, bias = case.network.weights[f"conv{number + 1}.weight"], case.network.bias(number)
        for move in ("corner", "middle"):
            if move == "corner":
                for key in ("ArrowUp", "ArrowLeft"):
                    for _ in range(trace.convolutions[number].shape[-1]):
                        tab.get_by_test_id("closer-made").press(key)
                assert place(tab) == (0, 0)
            else:
                choose_last(tab, "map")
                choose_last(tab, "filter")
                tab.get_by_test_id("closer-made").click()
            row, column = place(tab)
            i, j = map(int, (closer(tab).get_attribute("data-choice") or "").split(","))
            window = maps[i, row : row + stage.kernel, column : column + stage.kernel]
            kernel = weights[j, 0 if stage.paired else i]
            made_map = i * stage.filters + j if stage.paired else j
            found, shown, products = grids(tab)
            assert found == pytest.approx(window, abs=ROUNDED)
            assert shown == pytest.approx(kernel, abs=ROUNDED)
            # A product may be shown one unit off, so that the sum holds.
            assert products == pytest.approx(window * kernel, abs=2 * ROUNDED)
            *terms, total = sum_of(tab)
            assert total == pytest.approx(trace.convolutions[number][made_map, row, column], abs=ROUNDED)
            assert terms[0] == pytest.approx((window * kernel).sum(), abs=2 * ROUNDED)
            assert terms[-1] == pytest.approx(bias[j], abs=2 * ROUNDED)
            assert products.sum() == pytest.approx(terms[0], abs=1e-9)
            assert sum(terms) == pytest.approx(total, abs=1e-9)
            # Products and bias; of several inputs all others, and of many the two greatest by name.
            inputs = 1 if stage.paired else len(below)
            assert len(terms) == (2 if inputs == 1 else 3 if inputs <= 4 else 5)
            if inputs > 1:
                names = closer(tab).locator("dt").all_inner_texts()
                named = [int(name.removeprefix("map ")) for name in names if name.startswith("map ")]
                count = inputs - 1 - len(named)
                assert f"{count} other{'' if count == 1 else 's'}" in names
        below = trace.layers[number]


def test_a_number_of_a_pool(case: Case, tab: Page) -> None:
    trace = case.network.trace(case.image)
    number = next(number for number, stage in enumerate(case.stages) if stage.pool)
    go(tab, steps_of(case).index("pool"))
    choose_last(tab, "map")
    tab.get_by_test_id("closer-made").click()
    row, column = place(tab)
    k = int(closer(tab).get_attribute("data-choice") or "")
    window = trace.convolutions[number][k, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    found, kept = grids(tab)
    assert found == pytest.approx(window, abs=ROUNDED)
    assert kept == pytest.approx(np.maximum(window, 0), abs=ROUNDED)
    assert sum_of(tab) == pytest.approx([trace.layers[number][k, row, column]], abs=ROUNDED)
    assert sum_of(tab) == [kept.max()] == numbers(closer(tab).locator("td.marked").text_content())


def test_pairs_are_all_shown_or_counted(case: Case, tab: Page) -> None:
    ledger = contributions(case.network, case.image)
    values = ledger.contributions[int(ledger.logits.argmax())]
    flat = [((i, j), float(value)) for (i, j), value in np.ndenumerate(values)]
    most = sorted(sorted(flat, key=lambda pair: -abs(pair[1]))[:11], key=lambda pair: -pair[1])
    expected = flat if len(flat) <= 16 else most
    buttons = tab.get_by_test_id("pairs").locator("button")
    expect(buttons).to_have_count(len(expected))
    shown = [numbers(text)[0] for text in tab.get_by_test_id("pairs").locator(".total").all_text_contents()]
    for ((i, j), value), text, button in zip(expected, shown, buttons.all(), strict=False):
        expect(button).to_have_attribute("data-testid", f"pair-{i}-{j}")
        assert text == pytest.approx(value, abs=0.01001)
    rest = len(flat) - len(expected)
    others = tab.get_by_test_id("pairs").locator(".others .name")
    if rest:
        expect(others).to_have_text(f"{rest} others")
    else:
        expect(others).to_have_count(0)
    expect(tab.get_by_test_id("sum").locator("dt").first).to_have_text(f"{len(flat)} pairs")
    logit = float(ledger.logits.max())
    decimals = decimals_of_sum(float(np.abs(values).max()), logit)
    expect(tab.get_by_test_id("sum").locator("dd").last).to_have_text(f"= {written(logit, decimals)}")
    # Whatever is shown adds up to what stands beneath it.
    assert sum(shown) == pytest.approx(numbers(tab.get_by_test_id("sum").locator("dd").first.text_content())[0])
    assert sum(shown) == pytest.approx(float(values.sum()), abs=0.01001)


def test_weights_of_a_class_and_softmax(case: Case, tab: Page) -> None:
    ledger = contributions(case.network, case.image)
    predicted, classes = int(ledger.logits.argmax()), len(ledger.logits)
    trace = case.network.trace(case.image)
    maps = trace.layers[-1]
    go(tab, steps_of(case).index("affine"))
    expect(closer(tab)).to_have_attribute("data-target", str(predicted))
    for target in (predicted, (predicted + 1) % classes):
        tab.get_by_test_id(f"weigh-{target}").click()
        closer(tab).locator(".maps").nth(2).locator("button").last.click()
        expect(closer(tab)).to_have_attribute("data-target", str(target))
        number = int(closer(tab).get_attribute("data-map") or "")
        added = ledger.weights.reshape(classes, *maps.shape)[target] * maps
        rest, bias = added.sum() - added[number].sum(), ledger.logits[target] - added.sum()
        *terms, total = sum_of(tab)
        assert terms == pytest.approx([added[number].sum(), rest, bias], abs=0.02)
        assert total == pytest.approx(ledger.logits[target], abs=ROUNDED)
        assert sum(terms) == pytest.approx(total, abs=1e-9)
    go(tab, steps_of(case).index("last"))
    rows = tab.get_by_test_id("softmax").locator("tbody tr")
    # Of many classes the ten that are likeliest, and one row for all others.
    expect(rows).to_have_count(classes if classes <= 12 else 11)
    shares = softmax(ledger.logits)
    likeliest = sorted(np.argsort(-shares)[:10].tolist()) if classes > 12 else range(classes)
    expect(rows.locator("th")).to_have_text(
        [case.network.classes[one] for one in likeliest] + ([f"and {classes - 10} others"] if classes > 12 else [])
    )


def test_maps_and_pairs_that_are_not_shown_are_counted(tab: Page) -> None:
    case = made("wide")
    show(tab, case)
    assert serious(tab) == []
    # Four in a row, eleven in all: arrow keys go from the end of a row or column to its start.
    names = tab.get_by_test_id("pairs").locator(".pair .name").all_inner_texts()
    tab.get_by_test_id("pairs").locator("button").first.focus()
    for key, position in (("Right", 1), ("Down", 5), ("Down", 9), ("Down", 1), ("Left", 0), ("Left", 3), ("Up", 7)):
        tab.keyboard.press(f"Arrow{key}")
        i, j = names[position].split("×")
        expect(tab.get_by_test_id(f"pair-{i}-{j}")).to_be_focused()
        expect(tab.get_by_test_id("details")).to_contain_text(f"Map {i} × filter {j} adds")
    open_walk(tab, 1)
    layers = tab.get_by_test_id("figure").locator(".layer")
    for column, count in ((1, 20), (2, 20), (3, 24), (4, 24)):
        expect(layers.nth(column).locator(".node")).to_have_count(16)
        expect(layers.nth(column).locator(".rest")).to_have_text(f"and {count - 16} others")
    go(tab, tab.locator("#dots button").count() - 1)
    field = layers.nth(5)
    expect(field.locator(".class")).to_have_count(10)
    expect(field.locator(".nodes > .rest")).to_have_text("and 4 others")
    expect(field.locator("header.others")).to_have_text("472 others")
    logit = contributions(case.network, case.image).logits.max()
    expect(field.locator(".winner .value")).to_have_text(f"{logit:.2f}".replace("-", "−"))


# The figure glides there.
INSIDE = """() => {
    const tags = [...document.querySelectorAll("[data-testid=figure] .tag")].map((tag) => tag.getBoundingClientRect());
    return tags.length > 0 && tags.every(({ left, right, width }) => width > 0 && left >= 0 && right <= innerWidth);
}"""


def test_on_a_phone_the_last_steps_keep_the_names_of_the_classes(browser: Browser, served: str) -> None:
    with opened(browser, served, **PHONE) as page:
        for name in ("wide", "three"):
            show(page, made(name))
            open_walk(page)
            last = page.locator("#dots button").count() - 1
            for step in (last - 4, last - 2, last):
                go(page, step)
                until_true(page, INSIDE)
                assert page.evaluate(OVERFLOW)[0] == [0, 0]
            page.keyboard.press("Escape")


def test_a_colour_picture(browser: Browser, tab: Page, served: str) -> None:
    """Nothing is drawn; what was brought is in the link, in its colours; hidden regions are the network's."""
    case = made("colour")
    show(tab, case)
    for drawn in ("pen", "samples"):
        expect(tab.get_by_test_id(drawn)).to_be_hidden()
    seen = tab.get_by_test_id("seen").evaluate(
        "one => [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]"
    )
    expected = np.rint(255 * case.image.transpose(1, 2, 0))
    assert np.array_equal(np.reshape(seen, (24, 24, 4))[..., :3], expected)
    expect(tab.get_by_test_id("region")).to_have_attribute("max", "12")
    tab.get_by_test_id("question-grounds").click()
    expect(tab.get_by_test_id("heatmap")).to_have_attribute("data-shown", "grounds")
    answer = asked(served, "/explain/grounds", case.picture, model="colour")
    tab.get_by_test_id("hide-others").click()
    kept = {(row, column) for row, column in answer["sufficient"]["regions"]}
    hidden = [(row, column) for row, column in answer["players"] if (row, column) not in kept]
    gone, region = case.image.copy(), answer["region"]
    for row, column in hidden:
        gone[:, row * region : (row + 1) * region, column * region : (column + 1) * region] = answer["fill"]
    share = percents(softmax(case.network.logits(gone)))[answer["predicted"]]
    name = case.network.classes[answer["predicted"]]
    expect(tab.get_by_test_id("live")).to_have_text(re.compile(rf"still an? {name}, {share}\.$"))
    expect(tab).to_have_url(re.compile("hidden=.*&drawing="))
    with opened(browser, served, "#" + tab.url.partition("#")[2]) as other:
        read(other, case)
        expect(other.get_by_test_id("live")).to_have_text(tab.get_by_test_id("live").inner_text())
    tab.get_by_test_id("question-occlusion").click()


def test_a_picture_that_is_no_square_has_margins(tab: Page) -> None:
    rng = np.random.default_rng(3)
    picture = encode(rng.integers(0, 256, (24, 32, 3), np.uint8))
    tab.get_by_test_id("model").select_option("colour")
    tab.get_by_test_id("file").set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": picture})
    said = tab.get_by_test_id("preprocessing")
    expect(said).to_contain_text("all of it, resized, with margins to a square")


def test_sides_of_regions_follow_the_network(tab: Page) -> None:
    """Another side of the image, another usual region, and none that is larger than half of it."""
    slider, heatmap = tab.get_by_test_id("region"), tab.get_by_test_id("heatmap")
    show(tab, made("three"))
    for name in ("wide", "colour", "hidden"):
        slider.fill("7")
        expect(heatmap).to_have_attribute("data-region", "7")
        tab.get_by_test_id("model").select_option(name)
        expect(slider).to_have_attribute("max", str(SHAPES[name].side // 2))
        expect(slider).to_have_value("2")
        expect(heatmap).to_have_attribute("data-region", "2")
