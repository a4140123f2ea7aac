"""The inference protocols answer what the other routes answer, for many images at once."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.contributions import explain_filters
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import explain_occlusion
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.service.app import create_app
from konkyo.service.protocols.batches import PIECE
from konkyo.service.settings import Settings
from konkyo.trainer.data import Digits
from tests.helpers.pictures import sample
from tests.helpers.telemetry import lines, metric
from tests.helpers.tensors import EXPLAIN, LENGTH, PATH, SEVENS, in_bytes, request, tensors

# The last is given only where it is named.
NAMES = ["logits", "probabilities", "contributions", "occlusion", "shapley", "interactions"]
SHAPES = {
    "paired-3x3": {"contributions": [3, 3]},
    "summed-3x3": {"contributions": [3, 3]},
    "lenet-6x16": {"contributions": [6, 16]},
}


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_what_the_server_is(client: TestClient) -> None:
    assert client.get("/v2").json() == {"name": "konkyo", "version": "0.3.0", "extensions": ["binary_tensor_data"]}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_model_takes_and_gives(client: TestClient, name: str) -> None:
    [version] = [one["sha256"][:12] for one in client.get("/models").json()["models"] if one["name"] == name]
    shapes = {
        "logits": [10],
        "probabilities": [10],
        "occlusion": [14, 14],
        "shapley": [7, 7],
        "interactions": [49, 49],
        **SHAPES[name],
    }
    for path in (f"/v2/models/{name}", f"/v2/models/{name}/versions/{version}"):
        assert client.get(path).json() == {
            "name": name,
            "versions": [version],
            "platform": "numpy",
            "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, 28, 28]}],
            "outputs": [{"name": one, "datatype": "FP64", "shape": [-1, *shapes[one]]} for one in NAMES],
        }
        assert client.get(f"{path}/ready").json() == {"name": name, "ready": True}
        answer = client.post(f"{path}/infer", json=request()).json()
        assert (answer["model_name"], answer["model_version"]) == (name, version)


@pytest.mark.parametrize("target", [None, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_the_tensors_are_the_answers_for_one_image(
    client: TestClient, digits: Digits, name: str, target: int | None
) -> None:
    network = load_all()[name].precise
    images = digits.images[: PIECE + 2]
    parameters = {} if target is None else {"target": target}
    found = tensors(client.post(f"/v2/models/{name}/infer", json=request(images, NAMES, parameters=parameters)))
    assert {one: tensor.shape[0] for one, tensor in found.items()} == dict.fromkeys(NAMES, len(images))
    for number in (0, 1, PIECE - 1, PIECE, PIECE + 1):
        image = images[number] / 255
        filters = explain_filters(network, image, target)
        close(found["logits"][number], filters.logits)
        close(found["probabilities"][number], np.exp(filters.logits) / np.exp(filters.logits).sum())
        close(found["contributions"][number], filters.account.contributions)
        close(found["occlusion"][number], explain_occlusion(network, image, target).occlusion.drop)
        explained = explain_shapley(network, image, target, interacting=True)
        assert explained.interactions
        close(found["shapley"][number], explained.values)
        close(found["interactions"][number], explained.interactions.values)


def test_the_same_as_the_routes_that_take_pictures(client: TestClient) -> None:
    found = tensors(client.post(PATH, json=request(SEVENS[:1], NAMES)))
    upload = {"file": sample(7)}
    close(found["logits"][0], client.post("/predict", files=upload).json()["logits"])
    close(found["contributions"][0], client.post("/explain/filters", files=upload).json()["contributions"])
    close(found["occlusion"][0], client.post("/explain/occlusion", files=upload).json()["drop"])
    body = client.post("/explain/shapley?interactions=true", files=upload).json()
    close(found["shapley"][0], body["values"])
    expected = np.zeros((49, 49))
    for one in body["interactions"]:
        first, second = (7 * row + column for row, column in one["regions"])
        expected[first, second] = expected[second, first] = one["value"]
    close(found["interactions"][0], expected)


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 784)])
def test_every_way_to_send_the_images_is_one(client: TestClient, shape: tuple[int, ...]) -> None:
    images = SEVENS.reshape(shape)
    grey = (images / 255).astype("<f4")
    whole = tensors(client.post(PATH, json=request(images)))["logits"]
    nested = request(images)
    nested["inputs"][0]["data"] = images.tolist()
    ways = [
        client.post(PATH, json=nested),
        client.post(PATH, content=in_bytes(request(images), images)[0], headers=in_bytes(request(images), images)[1]),
    ]
    for answer in ways:
        np.testing.assert_array_equal(tensors(answer)["logits"], whole)
    floats = [
        client.post(PATH, json=request(grey)),
        client.post(PATH, content=in_bytes(request(grey), grey)[0], headers=in_bytes(request(grey), grey)[1]),
    ]
    first, second = (tensors(answer)["logits"] for answer in floats)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, whole, rtol=0, atol=1e-5)


def test_outputs_come_in_the_order_and_the_form_that_was_asked_for(client: TestClient) -> None:
    numbers = client.post(PATH, json=request(outputs=["shapley", "logits", "contributions"]))
    assert LENGTH not in numbers.headers
    assert [one["name"] for one in numbers.json()["outputs"]] == ["shapley", "logits", "contributions"]
    mixed = request(parameters={"binary_data_output": True})
    mixed["outputs"] = [
        {"name": "shapley"},
        {"name": "logits", "parameters": {"binary_data": False}},
        {"name": "contributions"},
    ]
    answer = client.post(PATH, json=mixed)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert b'"data"' in answer.content[: int(answer.headers[LENGTH])]
    expected, found = tensors(numbers), tensors(answer)
    assert list(found) == ["shapley", "logits", "contributions"]
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, expected[name])


@pytest.mark.parametrize("body", [{"outputs": []}, {}])
def test_without_names_all_outputs_come(client: TestClient, body: dict[str, Any]) -> None:
    asked = {"inputs": request(SEVENS[:1])["inputs"], **body}
    assert list(tensors(client.post(PATH, json=asked))) == NAMES[:-1]


def test_the_id_comes_back(client: TestClient) -> None:
    assert client.post(PATH, json=request(id="«42»")).json()["id"] == "«42»"
    assert "id" not in client.post(PATH, json=request()).json()


def test_the_model_in_the_body_is_the_one_in_the_path(client: TestClient) -> None:
    assert client.post(PATH, json=request(model_name="paired-3x3")).status_code == 200


@pytest.mark.parametrize("nested", [True, False])
def test_kserves_explanation(client: TestClient, nested: bool) -> None:
    images = SEVENS / 255
    instances = (images if nested else images.reshape(2, 784)).tolist()
    answer = client.post(EXPLAIN, json={"instances": instances, "outputs": ["shapley", "contributions"], "target": 3})
    body = answer.json()
    assert body["predictions"] == [7, 3]
    expected = tensors(client.post(PATH, json=request(SEVENS, ["shapley", "contributions"], parameters={"target": 3})))
    for number, one in enumerate(body["explanations"]):
        assert list(one) == ["shapley", "contributions"]
        for name in one:
            np.testing.assert_allclose(one[name], expected[name][number], rtol=0, atol=1e-5)


def test_kserves_explanation_holds_everything_unless_asked(client: TestClient) -> None:
    [one] = client.post(EXPLAIN, json={"instances": (SEVENS[:1] / 255).tolist()}).json()["explanations"]
    assert list(one) == NAMES[:-1]


def test_a_key_is_needed_but_for_health() -> None:
    with TestClient(create_app(Settings(api_keys="key"))) as guarded:
        for path in ("/v2/health/live", "/v2/health/ready"):
            assert guarded.get(path).status_code == 200
        detail = "this service needs a key, in the header X-API-Key"
        for path in ("/v2", "/v2/models/paired-3x3", "/v2/models/paired-3x3/ready"):
            answer = guarded.get(path)
            assert (answer.status_code, answer.json()["error"]) == (401, detail)
            assert guarded.get(path, headers={"X-API-Key": "key"}).status_code == 200
        for path, body in ((PATH, request()), (EXPLAIN, {"instances": (SEVENS / 255).tolist()})):
            answer = guarded.post(path, json=body)
            assert (answer.status_code, answer.json()["error"]) == (401, detail)
            assert guarded.post(path, json=body, headers={"X-API-Key": "key"}).status_code == 200


def test_what_an_operator_sees(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    name = 'konkyo_explanation_seconds_count{form="json",path="/v2/models/{name}/infer"}'
    before = metric(client, name)
    capsys.readouterr()
    client.post(PATH, json=request())
    [line] = lines(capsys)
    assert (line["images"], line["model"], line["form"], line["status"]) == (2, "paired-3x3", "json", 200)
    assert metric(client, name) == before + 1
