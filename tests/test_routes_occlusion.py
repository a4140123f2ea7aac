from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from models.checkpoint import DIRECTORY, load
from tests.oracles import slow_trace
from tests.pictures import decode, encode, pixels, sample
from tests.test_routes_questions import check_problem


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
    assert body["baseline"] == pytest.approx(whole[9], abs=1e-5)
    critical = []
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            hidden = image.copy()
            hidden[top : top + 12, left : left + 12] = 0.5
            after = probability(hidden)
            assert body["drop"][row][column] == pytest.approx(whole[9] - after[9], abs=1e-5)
            assert body["prediction"][row][column] == after.argmax()
            if after.argmax() != digit:
                box = [left, top, min(left + 12, 28), min(top + 12, 28)]
                critical.append({"row": row, "column": column, "box": box, "digit": int(after.argmax())})
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
        ({"region": 15}, "region: must be less than or equal to 14"),
        ({"stride": 0}, "stride: must be greater than or equal to 1"),
        (
            {"region": 3, "stride": 4},
            "stride: must be from 1 to the region's 3, so that no pixel is skipped, not 4",
        ),
        ({"fill": -0.1}, "fill: must be greater than or equal to 0"),
        ({"fill": 1.1}, "fill: must be less than or equal to 1"),
        ({"fill": "nan"}, "fill: must be less than or equal to 1"),
        ({"score": "loss"}, "score: must be 'logit' or 'probability'"),
        ({"mode": "best"}, "mode: must be 'grounds', 'independent' or 'cumulative'"),
        (
            {"mode": "cumulative", "target": 3},
            "target: must be what is read, 7, with mode=cumulative, or absent",
        ),
        (
            {"mode": "cumulative", "pairs": True, "format": "png"},
            "pairs: has a picture of its own; ask for mode=cumulative without it, or for JSON",
        ),
        ({"verify": "maybe"}, "verify: must be a valid boolean, unable to interpret input"),
        ({"target": 10}, "target: must be less than or equal to 9"),
        ({"versus": 1}, "query: holds a parameter that this operation does not have; /docs shows those it has"),
    ],
)
def test_refusals(client: TestClient, parameters: dict[str, str | float], detail: str) -> None:
    answer = client.post("/explain/occlusion", params=parameters, files={"file": sample(7)})
    check_problem(answer, 422, "invalid-parameter", detail)


OPTIONAL = {"grounds", "sufficient", "verification", "pairs", "receipt"}


def ask(client: TestClient, digit: int, **parameters: str | int | bool) -> Any:
    answer = client.post("/explain/occlusion", params=parameters, files={"file": sample(digit)})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    ("parameters", "present"),
    [
        ({}, {"grounds"}),
        ({"mode": "independent"}, set()),
        ({"mode": "cumulative"}, {"sufficient"}),
        ({"mode": "independent", "verify": True}, {"verification"}),
        ({"pairs": True}, {"grounds", "pairs"}),
        ({"mode": "independent", "receipt": True}, {"receipt"}),
        ({"target": 6, "verify": True, "pairs": True, "receipt": True}, OPTIONAL - {"sufficient"}),
        (
            {"mode": "cumulative", "target": 6, "verify": True, "pairs": True, "receipt": True},
            OPTIONAL - {"grounds"},
        ),
    ],
)
def test_only_what_was_asked_for_is_answered(
    client: TestClient, parameters: dict[str, str | int | bool], present: set[str]
) -> None:
    assert OPTIONAL & ask(client, 6, **parameters).keys() == present


@pytest.mark.parametrize("target", [None, 3])
def test_the_grounds_are_enough_and_needed(client: TestClient, target: int | None) -> None:
    """Also of a digit that is not read: the ink that would be read as it."""
    grounds = ask(client, 7, **({} if target is None else {"target": target}))["grounds"]
    turn, proof, wanted = np.array(grounds["turn"]), grounds["proof"], 7 if target is None else target
    ink = pixels(7)
    assert ((turn > 0) == (ink > 0)).all()
    assert turn.max() == grounds["regions"] >= grounds["evidence"] >= proof["regions"] > 0
    kept = ((turn > 0) & (turn <= proof["regions"])).astype(np.uint8)
    alone = client.post("/predict", files={"file": encode(ink * kept)}).json()
    without = client.post("/predict", files={"file": encode(ink * (1 - kept))}).json()
    assert alone["digit"] == proof["alone"]["digit"] == wanted
    assert without["digit"] == proof["without"]["digit"] != wanted
    for read, told in ((alone, proof["alone"]), (without, proof["without"])):
        assert read["probability"] == pytest.approx(told["probability"], abs=1e-5)


def test_a_digit_may_have_no_grounds(client: TestClient) -> None:
    blank = encode(np.zeros((28, 28), np.uint8))
    grounds = client.post("/explain/occlusion", files={"file": blank}).json()["grounds"]
    assert grounds == {"turn": [[0] * 28] * 28, "regions": 0, "evidence": 0, "proof": None}


def test_the_kept_ink_alone_is_read_the_same(client: TestClient) -> None:
    sufficient = ask(client, 6, mode="cumulative")["sufficient"]
    kept = np.array(sufficient["kept"], np.uint8)
    assert set(kept.ravel()) == {0, 1}
    assert kept.sum() == sufficient["regions"] * 4  # regions of 2×2 that do not overlap
    alone = client.post("/predict", files={"file": encode(pixels(6) * kept)}).json()
    assert alone["digit"] == 6
    assert alone["probability"] == pytest.approx(sufficient["probability"], abs=1e-5)


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3", "lenet-6x16"])
def test_verification_finds_rounding_only(client: TestClient, model: str) -> None:
    verification = ask(client, 6, verify=True, model=model)["verification"]
    assert verification["max_abs_difference"] < 1e-11
    assert verification["multiply_adds_ratio"] > 5


def test_pairs_add_up_to_the_drop(client: TestClient) -> None:
    """With paired wiring the pairs hold every bias, so that they are the whole drop."""
    body = ask(client, 6, pairs=True, region=5)
    assert np.shape(body["pairs"]) == (6, 6, 3, 3)
    assert np.allclose(np.sum(body["pairs"], axis=(2, 3)), body["drop"], atol=1e-10)


def test_the_receipt_beats_chance_and_is_that_of_what_is_explained(client: TestClient) -> None:
    grounds, drops = (ask(client, 6, receipt=True, mode=mode)["receipt"] for mode in ("grounds", "independent"))
    assert grounds["deletion"] < drops["deletion"] < drops["random_deletion"]
    assert grounds["insertion"] > drops["insertion"] > drops["random_insertion"]
    assert grounds["random_deletion"] == drops["random_deletion"]


def test_each_question_has_a_picture_of_its_own(client: TestClient) -> None:
    drawn = {
        client.post("/explain/occlusion", params={"format": "png", **asked}, files={"file": sample(6)}).content
        for asked in ({}, {"mode": "independent"}, {"mode": "cumulative"}, {"pairs": "true"})
    }
    assert len(drawn) == 4
    for picture in drawn:
        decode(picture)
