"""One question for one image and for many: the same results, checked once, at a known cost."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.errors import ParameterError
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.cost import explains
from konkyo.models.hiding.counting import Cost
from konkyo.models.hiding.occlusion import Score
from konkyo.models.hiding.regions import FillKind, Hiding, Regions
from konkyo.models.network import Network
from konkyo.models.question import (
    FiltersQuestion,
    GroundsQuestion,
    OcclusionQuestion,
    PredictQuestion,
    ProcessQuestion,
    ShapleyQuestion,
    plus,
    times,
)
from konkyo.models.result import predict
from konkyo.models.tensors import TENSORS, TensorName
from tests.helpers.any_network import any_architectures, random_weights
from tests.helpers.asked import explain_filters, explain_occlusion, explain_process, explain_shapley
from tests.helpers.examples import examples
from tests.helpers.oracles import PAIRED, random_network
from tests.helpers.refuse import refuses

HIDDEN = Architecture((Stage(4, 3),), hidden=(5,))
NAMED = Network(
    two_stages(Wiring.SUMMED, 1, 1, classes=3),
    random_network(two_stages(Wiring.SUMMED, 1, 1, classes=3), 1).weights,
    ("1", "2", "3"),
)


def equal(one: Any, other: Any) -> None:
    """The same results, in all their fields, to rounding: a batch multiplies in another order."""
    if hasattr(one, "__dataclass_fields__"):
        assert type(one) is type(other)
        for name in one.__dataclass_fields__:
            equal(getattr(one, name), getattr(other, name))
    elif isinstance(one, np.ndarray | float):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for part, another in zip(one, other, strict=True):
            equal(part, another)
    elif not isinstance(one, Network):
        assert one == other


@given(any_architectures(most=2))
@examples(12)
def test_many_images_are_answered_as_one(architecture: Architecture) -> None:
    network = random_weights(architecture, 1)
    images = np.random.default_rng(1).random((2, *architecture.image_shape))
    region = architecture.side // 2
    hiding = Hiding(Regions(region, side=architecture.side), FillKind.BACKGROUND)
    probability = Score.PROBABILITY
    asked: list[tuple[Any, Any]] = [
        (PredictQuestion(network=network), predict),
        (FiltersQuestion(network=network, target=1), lambda n, i: explain_filters(n, i, 1)),
        (ProcessQuestion(network=network, top=2), lambda n, i: explain_process(n, i, top=2)),
        (
            OcclusionQuestion(
                network=network, target=1, versus=0, region=region, fill=FillKind.BACKGROUND, score=probability
            ),
            lambda n, i: explain_occlusion(n, i, 1, 0, hiding, probability),
        ),
        (
            OcclusionQuestion(network=network, region=region, faithfulness=True),
            lambda n, i: explain_occlusion(n, i, hiding=Hiding(hiding.regions), faithfulness=True),
        ),
        (
            ShapleyQuestion(network=network, target=1, region=region),
            lambda n, i: explain_shapley(n, i, 1, None, region),
        ),
        (GroundsQuestion(network=network, region=region), lambda n, i: grounds(n, i, region)),
    ]
    for question, one_by_one in asked:
        expected = [one_by_one(network, image) for image in images]
        for result, other in zip(question.answers(images), expected, strict=True):
            equal(result, other)
        equal(question.answer(images[0]), expected[0])


def test_a_class_by_name_or_index() -> None:
    """A name that exists goes before an index; an index is one, whatever the names are."""
    asked: list[tuple[str | int, int]] = [("1", 0), ("3", 2), (1, 1), (2, 2), ("0", 0)]
    for given_, index in asked:
        assert FiltersQuestion(network=NAMED, target=given_).classes == (index, None)
    with refuses(ParameterError, "target: must be one of the classes 1, 2, 3, or a number from 0 to 2"):
        FiltersQuestion(network=NAMED, target=3)
    with refuses(ParameterError, "versus: must differ from the target; both are 2"):
        FiltersQuestion(network=NAMED, target="2", versus=1)


def test_the_predicted_class_is_not_compared_with_itself() -> None:
    network = random_network(PAIRED, 1)
    image = np.random.default_rng(1).random((28, 28))
    predicted = predict(network, image).predicted
    for question in (FiltersQuestion, OcclusionQuestion, ShapleyQuestion, ProcessQuestion):
        with refuses(ParameterError, f"versus: must differ from the target; both are {predicted}"):
            question(network=network, versus=predicted).answer(image)


HEAD = "pairs: with hidden affine layers the head differs from hiding to hiding; ask without pairs"


@pytest.mark.parametrize(
    ("architecture", "question", "options", "message"),
    [
        (PAIRED, OcclusionQuestion, {"region": 15}, "region: must be from 1 to 14 pixels, not 15"),
        (PAIRED, ShapleyQuestion, {"fill": 2.0}, "fill: must be from 0 to 1, not 2.0"),
        (PAIRED, ProcessQuestion, {"top": 0}, "top: must be from 1 to 256, not 0"),
        (
            PAIRED,
            OcclusionQuestion,
            {"pairs": True, "score": Score.PROBABILITY},
            "pairs: contributions add up to the logit; ask for score=logit, or without pairs",
        ),
        (HIDDEN, OcclusionQuestion, {"pairs": True}, HEAD),
        (HIDDEN, ShapleyQuestion, {"pairs": True}, HEAD),
    ],
)
def test_what_is_wrong_is_said_before_there_is_an_image(
    architecture: Architecture, question: Any, options: dict[str, Any], message: str
) -> None:
    with refuses(ParameterError, message):
        question(network=random_weights(architecture, 1), **options)


def test_an_answer_is_not_endless() -> None:
    wide = Architecture((Stage(64, 1), Stage(64, 1, wiring=Wiring.PAIRED), Stage(8, 1)), classes=40)
    network = random_weights(wide, 1)
    message = "query: the answer would have 1,474,560 numbers, and it may have 1,048,576; ask for less"
    with refuses(ParameterError, message):
        FiltersQuestion(network=network, maps="totals")
    assert FiltersQuestion(network=network, top=9).answer(np.zeros((28, 28))).totals.shape == (40, 4096, 8)


def test_a_network_that_is_too_wide_is_not_asked() -> None:
    paired = (Stage(64, 1, pool=None), Stage(64, 1, pool=None, wiring=Wiring.PAIRED))
    wide = Architecture(paired, side=64, classes=2)
    with refuses(ParameterError, "model: one image takes this network more than 64 MiB"):
        PredictQuestion(network=Network(wide, {name: np.zeros(of) for name, of in wide.tensor_shapes.items()}))
    # The maps of its pairs take more than a forward pass.
    deep = random_weights(Architecture((Stage(64, 3, 1, pool=None),) * 6, 64, 3, classes=2), 1)
    for question in (FiltersQuestion, ProcessQuestion):
        with refuses(ParameterError, "model: one image takes this network more than 64 MiB"):
            question(network=deep)
    PredictQuestion(network=deep)


def test_questions_one_after_another_cost_their_sum_and_the_memory_of_the_larger() -> None:
    one, other = Cost(3, 10, 100, 1000, 7), Cost(2, 20, 50, 2000, 9)
    assert plus(one, other) == Cost(3, 30, 150, 2000, 7)
    assert times(one, 4) == Cost(3, 40, 400, 1000, 7)


def test_what_is_cheap() -> None:
    network = random_network(PAIRED, 1)
    cheap = [PredictQuestion, FiltersQuestion, OcclusionQuestion]
    assert all(question(network=network).is_cheap for question in cheap)
    assert OcclusionQuestion(network=network, region=14, stride=2).is_cheap
    keras = random_weights(Architecture((Stage(32, 3), Stage(64, 3))), 1)
    dear: list[Any] = [
        ShapleyQuestion(network=network),
        ShapleyQuestion(network=network, region=14),
        GroundsQuestion(network=network, region=14),
        OcclusionQuestion(network=network, faithfulness=True),
        OcclusionQuestion(network=network, pairs=True),
        OcclusionQuestion(network=keras),
        FiltersQuestion(network=keras),
    ]
    assert not any(question.is_cheap for question in dear)
    assert FiltersQuestion(network=keras, top=9).is_cheap


@pytest.mark.parametrize("name", [*TENSORS])
def test_tensors_have_the_shape_they_say(name: TensorName) -> None:
    for architecture in (PAIRED, HIDDEN, Architecture((Stage(2, 3), Stage(3, 3)), side=20, channels=3)):
        network, tensor = random_weights(architecture, 1), TENSORS[name]
        if tensor.missing(architecture):
            continue
        image = np.random.default_rng(1).random(architecture.image_shape)
        value = tensor.value(tensor.question(network, None).answer(image))
        assert value.shape == tensor.shape(architecture)


def test_regions_by_default_are_those_that_the_network_says() -> None:
    network = random_weights(Architecture((Stage(2, 3), Stage(3, 3)), side=40, channels=3), 1)
    said: dict[str, int | None] = {one.operation: one.region for one in explains(network.architecture)}
    made: dict[str, Any] = {"occlusion": OcclusionQuestion, "shapley": ShapleyQuestion, "grounds": GroundsQuestion}
    assert {name: one(network=network).hiding.regions.region for name, one in made.items()} == {
        name: said[name] for name in made
    }
