from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.hiding.occlusion import explain_occlusion
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.service import drawing
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE
from konkyo.service.drawing.primitives.colours import MUTED, PAPER
from tests.helpers.drawn import written
from tests.helpers.operations import check_problem
from tests.helpers.oracles import slow_trace
from tests.helpers.pictures import decode, encode, pixels, sample

UNKNOWN = "query: holds a parameter that this operation does not have; /docs shows those it has"


def test_each_region_equals_brute_force(client: TestClient) -> None:
    found = [check_brute_force(client, digit) for digit in (1, 4, 9)]
    assert any(found), "hiding much of a digit does change it"


def check_brute_force(client: TestClient, digit: int) -> int:
    """How many regions are critical."""
    parameters: dict[str, Any] = {"region": 12, "stride": 5, "fill": 0.5, "score": "probability", "target": 9}
    body = client.post("/explain/occlusion", params=parameters, files={"file": sample(digit)}).json()
    network = load(DIRECTORY / "paired-3x3.safetensors").network

    def probability(image: NDArray[Any]) -> NDArray[Any]:
        exponentials = np.exp(slow_trace(network, image).logits)
        return np.asarray(exponentials / exponentials.sum())

    image = pixels(digit) / 255
    whole = probability(image)
    starts = [0, 5, 10, 15, 20]
    assert (body["predicted"], body["target"], body["grid"]) == (digit, 9, [5, 5])
    assert (body["region"], body["stride"], body["fill"], body["score"]) == (12, 5, 0.5, "probability")
    assert body["whole"] == pytest.approx(whole[9], abs=1e-12)
    critical = []
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            hidden = image.copy()
            hidden[top : top + 12, left : left + 12] = 0.5
            after = probability(hidden)
            assert body["drop"][row][column] == pytest.approx(whole[9] - after[9], abs=1e-12)
            assert body["prediction"][row][column] == after.argmax()
            if after.argmax() != digit:
                box = [left, top, min(left + 12, 28), min(top + 12, 28)]
                other = int(after.argmax())
                place = {"row": row, "column": column, "box": box}
                critical.append({**place, "predicted": other, "label": str(other)})
    assert body["critical"] == critical
    return len(critical)


def test_the_papers_regions_by_default(client: TestClient) -> None:
    body = client.post("/explain/occlusion", files={"file": sample(7)}).json()
    assert (body["region"], body["stride"], body["fill"], body["score"]) == (2, 2, 0.0, "logit")
    assert np.shape(body["drop"]) == np.shape(body["prediction"]) == (14, 14)
    ink = pixels(7).reshape(14, 2, 14, 2).max((1, 3)) > 0
    assert not np.array(body["drop"])[~ink].any()  # hiding background changes nothing at all
    assert np.array(body["drop"])[ink].any()


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"region": 0}, "region: must be greater than or equal to 1"),
        ({"region": 15}, "region: must be from 1 to 14 pixels, not 15"),
        ({"stride": 0}, "stride: must be greater than or equal to 1"),
        (
            {"region": 3, "stride": 4},
            "stride: must be from 1 to the region's 3, so that no pixel is skipped, not 4",
        ),
        ({"fill": -0.1}, "fill: must be a number from 0 to 1, background or blur"),
        ({"fill": 1.1}, "fill: must be a number from 0 to 1, background or blur"),
        ({"fill": "nan"}, "fill: must be a number from 0 to 1, background or blur"),
        ({"score": "loss"}, "score: must be 'logit' or 'probability'"),
        ({"pairs": "maybe"}, "pairs: must be a valid boolean, unable to interpret input"),
        (
            {"pairs": True, "score": "probability"},
            "pairs: contributions add up to the logit; ask for score=logit, or without pairs",
        ),
        ({"faithfulness": "maybe"}, "faithfulness: must be a valid boolean, unable to interpret input"),
        ({"versus": 7}, "versus: must differ from the target; both are 7"),
        ({"target": 3, "versus": 3}, "versus: must differ from the target; both are 3"),
        ({"versus": 10}, "versus: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"fill": "mean"}, "fill: must be a number from 0 to 1, background or blur"),
        ({"target": 10}, "target: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"mode": "grounds"}, UNKNOWN),
        ({"verify": True}, UNKNOWN),
        ({"receipt": True}, UNKNOWN),
        ({"cumulative": True}, UNKNOWN),
    ],
)
def test_refusals(client: TestClient, parameters: dict[str, str | float], detail: str) -> None:
    answer = client.post("/explain/occlusion", params=parameters, files={"file": sample(7)})
    check_problem(answer, 422, "invalid-parameter", detail)


OPTIONAL = {"versus", "pairs", "faithfulness"}


def ask(client: TestClient, digit: int, **parameters: str | int | bool | float) -> Any:
    answer = client.post("/explain/occlusion", params=parameters, files={"file": sample(digit)})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    ("parameters", "present"),
    [
        ({}, set()),
        ({"pairs": False, "faithfulness": False}, set()),
        ({"versus": 3}, {"versus"}),
        ({"pairs": True}, {"pairs"}),
        ({"faithfulness": True}, {"faithfulness"}),
        ({"target": 8, "versus": 6, "pairs": True, "faithfulness": True}, OPTIONAL),
    ],
)
def test_only_what_was_asked_for_is_answered(
    client: TestClient, parameters: dict[str, str | int | bool], present: set[str]
) -> None:
    body = ask(client, 6, **parameters)
    assert OPTIONAL & body.keys() == present
    text = client.post("/explain/occlusion", params=parameters, files={"file": sample(6)}).text
    assert text.count("null") == text.count('"box":null') == 1  # nothing was fitted
    assert body["label"] == "6"


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_a_contrast_is_the_difference_of_two_answers(client: TestClient, score: str) -> None:
    for_eight, for_three = (ask(client, 6, target=target, score=score, region=5) for target in (8, 3))
    body = ask(client, 6, target=8, versus=3, score=score, region=5)
    assert (body["target"], body["versus"], body["predicted"]) == (8, 3, 6)
    assert body["whole"] == pytest.approx(for_eight["whole"] - for_three["whole"], abs=1e-12)
    np.testing.assert_allclose(body["drop"], np.subtract(for_eight["drop"], for_three["drop"]), rtol=0, atol=1e-12)
    assert body["critical"] == for_eight["critical"]
    assert body["prediction"] == for_three["prediction"]


def test_pairs_add_up_to_the_drop(client: TestClient) -> None:
    """With paired wiring the pairs hold every bias, so that they are the whole drop."""
    for parameters in ({}, {"versus": 3}):
        body = ask(client, 6, pairs=True, region=5, **parameters)
        assert np.shape(body["pairs"]) == (6, 6, 3, 3)
        assert np.allclose(np.sum(body["pairs"], axis=(2, 3)), body["drop"], rtol=0, atol=1e-10)


def test_the_drops_are_more_faithful_than_chance(client: TestClient) -> None:
    found = ask(client, 6, faithfulness=True)["faithfulness"]
    assert set(found) == {"deletion", "insertion", "random_deletion", "random_insertion"}
    assert found["deletion"] < found["random_deletion"]
    assert found["insertion"] > found["random_insertion"]


def picture(client: TestClient, data: bytes | None = None, /, **parameters: str | int | float | bool) -> bytes:
    answer = client.post(
        "/explain/occlusion", params={"format": "png", **parameters}, files={"file": data or sample(6)}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    return answer.content


def test_each_question_has_a_picture_of_its_own(client: TestClient) -> None:
    questions: list[dict[str, Any]] = [{}, {"pairs": True}, {"versus": 3}, {"pairs": True, "versus": 3}, {"target": 5}]
    drawn = {picture(client, **asked) for asked in questions}
    assert len(drawn) == len(questions)
    for one in drawn:
        decode(one)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("parameters", [{"fill": 0.5}, {"region": 3}, {"stride": 1}], ids=str)
def test_what_hides_reaches_the_picture_and_its_caption(
    client: TestClient, parameters: dict[str, float], pairs: bool
) -> None:
    """The picture must be that of the result: drawing with another fill, side or stride is another picture."""
    asked: dict[str, Any] = {"region": 2, "stride": 2, "fill": 0.0, **parameters}
    if "region" in parameters:
        asked["stride"] = 3
    drawn = picture(client, pairs=pairs, **asked)
    result = explain_occlusion(
        load(DIRECTORY / "paired-3x3.safetensors").precise,
        pixels(6) / 255,
        hiding=Hiding(Regions(int(asked["region"]), int(asked["stride"])), asked["fill"]),
        pairs=pairs,
    )
    expected = drawing.pair_drops(result) if pairs else drawing.occlusion(result)
    assert drawn == expected.encode()
    assert drawn != picture(client, pairs=pairs)
    side, stride = int(asked["region"]), int(asked["stride"])
    caption = f"regions of {side}×{side} pixels, stride {stride}, fill {asked['fill']:g}"
    critical = f"{int(result.occlusion.critical.sum())} of {result.occlusion.drop.size} critical"
    line = f"Hidden: {caption}." if pairs else f"{caption}; {critical}"
    assert len(written(Image.open(BytesIO(drawn)), line, NOTE, MUTED)) == 1


BLANK = encode(np.zeros((28, 28), np.uint8))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_long_caption_is_whole_and_leaves_the_margin_free(client: TestClient, scale: int) -> None:
    """In 0.1 the caption of an empty image was wider than its picture, and the answer a 500."""
    drawn = picture(client, BLANK, region=10, fill=0.123456, scale=scale)
    image = Image.open(BytesIO(drawn))
    line = "regions of 10×10 pixels, stride 10, fill 0.123456; "
    critical = client.post("/explain/occlusion", params={"region": 10, "fill": 0.123456}, files={"file": BLANK}).json()
    line += f"{len(critical['critical'])} of 9 critical"
    assert len(written(image, line, NOTE, MUTED, scale=scale)) == 1
    margin = (MARGIN - 2) * scale
    assert (np.asarray(image)[:, -margin:] == PAPER).all()


# The grey of the paper, in samples and as ``fill``.
GREYS = [(51, 0.2), (102, 0.4), (3, 3 / 255), (254, 254 / 255), (255, 1.0), (0, 0.0)]


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3", "lenet-6x16"])
@pytest.mark.parametrize(("grey", "fill"), GREYS)
@pytest.mark.parametrize("polarity", ["light-on-dark", "dark-on-light"])
@pytest.mark.parametrize(("region", "stride"), [(2, 2), (8, 1)])
def test_hiding_with_the_papers_own_grey_drops_exactly_nothing(
    client: TestClient, model: str, grey: int, fill: float, polarity: str, region: int, stride: int
) -> None:
    """By either way of computing it, and however the file says it: a drop of 1e-8 on paper would be a lie."""
    even = np.full((28, 28), grey, np.uint8)
    parameters: dict[str, Any] = {
        "model": model,
        "polarity": polarity,
        "fill": fill,
        "region": region,
        "stride": stride,
    }
    data = encode(even if polarity == "light-on-dark" else 255 - even)
    body = client.post("/explain/occlusion", params=parameters, files={"file": data}).json()
    assert body["input"]["inverted"] is (polarity == "dark-on-light")
    assert not np.any(body["drop"])
    assert body["critical"] == []


@pytest.mark.parametrize("polarity", ["auto", "dark-on-light"])
def test_hiding_grey_paper_beside_ink_drops_exactly_nothing(client: TestClient, polarity: str) -> None:
    """A dark digit on light grey paper, 204: inverted the paper is 51, which is 0.2."""
    ink = np.where(pixels(7) > 127, 0, 204).astype(np.uint8)
    parameters: dict[str, Any] = {"polarity": polarity, "fill": 0.2, "pairs": True}
    body = client.post("/explain/occlusion", params=parameters, files={"file": encode(ink)}).json()
    assert body["input"]["inverted"] is True
    inked = (ink == 0).reshape(14, 2, 14, 2).any((1, 3))
    assert not np.array(body["drop"])[~inked].any()
    assert not np.array(body["pairs"])[~inked].any()
    assert np.array(body["drop"])[inked].all()
