from functools import cache
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import DIRECTORY, load
from tests.helpers.any_network import interactions_by_definition
from tests.helpers.operations import check_problem
from tests.helpers.oracles import slow_trace
from tests.helpers.pictures import decode, encode, pixels, sample


def ask(client: TestClient, data: bytes, **parameters: Any) -> Any:
    answer = client.post("/explain/shapley", params=parameters, files={"file": data})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3"])
def test_values_are_the_mean_over_every_order(client: TestClient, model: str) -> None:
    """Four regions of 14×14: 24 orders, each walked through with the slow network of the tests."""
    network = load(DIRECTORY / f"{model}.safetensors").precise
    image, fill = pixels(7) / 255, 0.25
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]

    @cache
    def logit(visible: frozenset[tuple[int, int]]) -> float:
        shown = np.full((28, 28), fill)
        for row, column in visible:
            area = np.s_[14 * row : 14 * row + 14, 14 * column : 14 * column + 14]
            shown[area] = image[area]
        return float(slow_trace(network, shown).logits[7])

    expected = np.zeros((2, 2))
    for order in permutations(places):
        for count, place in enumerate(order):
            expected[place] += (logit(frozenset(order[: count + 1])) - logit(frozenset(order[:count]))) / 24
    body = ask(client, sample(7), region=14, fill=fill, target=7, model=model)
    np.testing.assert_allclose(body["values"], expected, rtol=0, atol=1e-9)
    assert (body["region"], body["fill"], body["grid"]) == (14, 0.25, [2, 2])
    assert body["logit"] == pytest.approx(logit(frozenset(places)), abs=1e-9)
    assert body["empty"]["logit"] == pytest.approx(logit(frozenset()), abs=1e-9)


@pytest.mark.parametrize("parameters", [{}, {"target": 2}, {"versus": 3}, {"model": "summed-3x3", "versus": 1}])
def test_the_answer_adds_up_both_ways(client: TestClient, parameters: dict[str, Any]) -> None:
    body = ask(client, sample(5), pairs=True, **parameters)
    values, pairs, biases = (np.array(body[name]) for name in ("values", "pairs", "filter_bias"))
    assert (values.shape, pairs.shape, biases.shape) == ((7, 7), (7, 7, 3, 3), (7, 7, 3))
    assert body["empty"]["logit"] + values.sum() + body["residual"] == pytest.approx(body["logit"], abs=1e-12)
    assert abs(body["residual"]) < 1e-10
    np.testing.assert_allclose(pairs.sum((2, 3)) + biases.sum(2), values, rtol=0, atol=1e-10)
    question = {name: value for name, value in parameters.items() if name != "pairs"}
    blank = encode(np.zeros((28, 28), np.uint8))
    target = {"target": body["target"]}
    ledgers = [
        client.post("/explain/filters", params=question | target, files={"file": data}).json()
        for data in (sample(5), blank)
    ]
    whole, empty = (np.array(ledger["contributions"]) for ledger in ledgers)
    np.testing.assert_allclose(pairs.sum((0, 1)), whole - empty, rtol=0, atol=1e-10)


def test_by_default_the_prediction_on_seven_by_seven(client: TestClient) -> None:
    body = ask(client, sample(7))
    assert (body["predicted"], body["label"], body["target"], body["region"], body["fill"]) == (7, "7", 7, 4, 0.0)
    assert "versus" not in body
    assert "pairs" not in body
    assert "filter_bias" not in body
    ink = pixels(7).reshape(7, 4, 7, 4).max((1, 3)) > 0
    assert not np.array(body["values"])[~ink].any()
    assert np.array(body["values"])[ink].all()


def test_the_empty_image_is_named(client: TestClient) -> None:
    """Every value is 0 there, and the answer says what it is predicted as."""
    blank = encode(np.zeros((28, 28), np.uint8))
    body, prediction = ask(client, blank), client.post("/predict", files={"file": blank}).json()
    assert not np.array(body["values"]).any()
    for name in ("predicted", "probability"):
        assert body["empty"][name] == pytest.approx(prediction[name])
    assert body["logit"] == body["empty"]["logit"] == pytest.approx(prediction["logits"][prediction["predicted"]])


def test_faithfulness_is_that_of_the_values(client: TestClient) -> None:
    measured = ask(client, sample(8), faithfulness=True)["faithfulness"]
    assert measured["deletion"] < measured["random_deletion"]
    assert measured["insertion"] > measured["random_insertion"]


@pytest.mark.parametrize(("region", "changed"), [(1, 146), (2, 54)])
@pytest.mark.parametrize("path", ["/explain/shapley", "/explain/grounds"])
def test_smaller_sides_take_too_much_work(client: TestClient, path: str, region: int, changed: int) -> None:
    answer = client.post(path, params={"region": region}, files={"file": sample(7)})
    assert answer.status_code == 422
    [wrong] = answer.json()["errors"]
    assert wrong["parameter"] == "region"
    assert wrong["message"] == (
        f"hiding changes {changed} regions of this image, and all their combinations take more than 64 MiB; a side of "
        "4 pixels would do"
    )


NO_STYLE: dict[str, str | int | bool] = {}
DARK: dict[str, str | int | bool] = {"theme": "dark", "scale": 2}


@pytest.mark.parametrize("pairs", [False, True])
def test_the_picture_is_drawn(client: TestClient, pairs: bool) -> None:
    parameters: dict[str, str | int | bool] = {"format": "png", "pairs": pairs}
    light, dark = (
        decode(client.post("/explain/shapley", params=parameters | more, files={"file": sample(7)}).content)
        for more in (NO_STYLE, DARK)
    )
    assert dark.shape[:2] == (2 * light.shape[0], 2 * light.shape[1])
    assert light[0, 0].tolist() == [255, 255, 255]
    assert dark[0, 0].tolist() == [0x15, 0x17, 0x1B]


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3", "lenet-6x16"])
@pytest.mark.parametrize("versus", [None, 3])
def test_interactions_are_those_of_every_hiding(client: TestClient, model: str, versus: int | None) -> None:
    """Nine regions: all 512 hidings, and the index by its definition."""
    network = load(DIRECTORY / f"{model}.safetensors").precise
    image = pixels(7) / 255
    covered = [np.s_[10 * row : 10 * row + 10, 10 * column : 10 * column + 10] for row, column in np.ndindex(3, 3)]
    shown = [frozenset(some) for count in range(10) for some in combinations(range(9), count)]
    images = np.repeat(image[None], len(shown), 0)
    for hidden, visible in zip(images, shown, strict=True):
        for region in set(range(9)) - visible:
            hidden[covered[region]] = 0
    logits = network.logits(images)
    values = dict(zip(shown, logits[:, 7] - (0 if versus is None else logits[:, versus]), strict=True))
    expected = interactions_by_definition(values, 9)
    question = {"target": 7, "region": 10, "interactions": True, "model": model}
    body = ask(client, sample(7), **question, **({} if versus is None else {"versus": versus}))
    found = {tuple(3 * row + column for row, column in one["regions"]): one["value"] for one in body["interactions"]}
    assert len(found) == len(body["interactions"])
    for pair, value in expected.items():
        assert found.get(pair, 0.0) == pytest.approx(value, abs=1e-9)
    greatest = [abs(one["value"]) for one in body["interactions"]]
    assert greatest == sorted(greatest, reverse=True)
    assert greatest[0] > 0.1


def test_only_regions_that_some_cell_sees_together_interact(client: TestClient) -> None:
    """On the paper's network a cell sees 3×3 regions of 4×4; of those without ink nothing is hidden."""
    body = ask(client, sample(7), interactions=True)
    ink = pixels(7).reshape(7, 4, 7, 4).max((1, 3)) > 0
    near = {
        (one, other)
        for one, other in combinations(np.ndindex(7, 7), 2)
        if ink[one] and ink[other] and max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= 2
    }
    assert {tuple(map(tuple, one["regions"])) for one in body["interactions"]} == near
    assert "interactions" not in ask(client, sample(7))


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture_shows_interactions_or_pairs(client: TestClient, form: str) -> None:
    both = {"interactions": True, "pairs": True}
    answer = client.post("/explain/shapley", params={**both, "format": form}, files={"file": sample(7)})
    detail = "interactions: has a picture of its own; ask for it without pairs"
    check_problem(answer, 422, "invalid-parameter", detail)
    body = ask(client, sample(7), **both)
    assert body["interactions"] == ask(client, sample(7), interactions=True)["interactions"]
    assert "pairs" in body


def test_interactions_of_very_many_regions_are_refused(client: TestClient) -> None:
    answer = client.post("/explain/shapley", params={"interactions": True, "region": 1}, files={"file": sample(7)})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(
        "query: the answer would have 1,542,520 numbers, and it may have 1,048,576"
    )
