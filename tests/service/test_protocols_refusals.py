"""What the inference protocols refuse, with exact statuses and messages."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.helpers.folders import NETWORKS
from tests.helpers.tensors import EXPLAIN, PATH, SEVENS, check, in_bytes, request, tensor

SHAPE = "must be [N, 28, 28] or [N, 784], N from 1 to 1024"
GREY = (SEVENS / 255).astype("<f4")
CLASSES = "must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
FLOATS = "must be from 0 to 1, and finite; send 0 to 255 as UINT8"
ALONE = "must have either data, or binary_data_size and the bytes behind the JSON"
UNKNOWN = "holds a field that it does not have; /docs shows those it has"
NAMES = "must be 'logits', 'probabilities', 'contributions', 'occlusion', 'shapley' or 'interactions'"


def without(field: str) -> dict[str, Any]:
    body = request()
    del body["inputs"][0][field]
    return body


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "another input": (tensor(name="image"), "inputs.0.name", "must be 'images'"),
    "no inputs": ({"inputs": []}, "inputs", "List should have at least 1 item after validation, not 0"),
    "two inputs": (
        {"inputs": request()["inputs"] * 2},
        "inputs",
        "List should have at most 1 item after validation, not 2",
    ),
    "no input at all": ({}, "inputs", "is missing"),
    "a list": ([], "body", "must be a valid dictionary or instance of InferRequest"),  # type: ignore[dict-item]
    "another datatype": (tensor(datatype="FP64"), "inputs.0.datatype", "must be 'FP32' or 'UINT8'"),
    "a field of the client's": (tensor(secret=1), "inputs.0", UNKNOWN),
    "a parameter of the client's": (request(parameters={"secret": 1}), "parameters", UNKNOWN),
    "no shape": (without("shape"), "inputs.0.shape", "is missing"),
    "no data": (without("data"), "inputs.0", ALONE),
    "fewer numbers": (
        tensor(data=[0] * 1567),
        "inputs.0.data",
        "must hold 1568 numbers, flat or nested as the shape says",
    ),
    "more numbers": (
        tensor(data=[0] * 1569),
        "inputs.0.data",
        "must hold 1568 numbers, flat or nested as the shape says",
    ),
    "none": (tensor(data=[]), "inputs.0.data", "must hold 1568 numbers, flat or nested as the shape says"),
    "nested otherwise": (
        tensor(data=[[0] * 56] * 28),
        "inputs.0.data",
        "must hold 1568 numbers, flat or nested as the shape says",
    ),
    "ragged": (
        tensor(data=[[0] * 783, [0] * 785]),
        "inputs.0.data",
        "must hold 1568 numbers, flat or nested as the shape says",
    ),
    "lists beside numbers": (tensor(data=[0] * 1567 + [[0]]), "inputs.0.data", "must hold whole numbers alone"),
    "text": (tensor(data=["0"] * 1568), "inputs.0.data", "must hold whole numbers alone"),
    "a long text": (tensor(data=["0" * 100_000, *[""] * 1567]), "inputs.0.data", "must hold whole numbers alone"),
    "true": (tensor(data=[True] + [0] * 1567), "inputs.0.data", "must hold whole numbers alone"),
    "null": (tensor(data=[None] * 1568), "inputs.0.data", "must hold whole numbers alone"),
    "fractions": (tensor(data=[0.5] * 1568), "inputs.0.data", "must hold whole numbers alone"),
    "objects": (tensor(data=[{}] * 1568), "inputs.0.data", "must hold whole numbers alone"),
    "256": (tensor(data=[256] * 1568), "inputs.0.data", "must be from 0 to 255, and finite"),
    "−1": (tensor(data=[-1] * 1568), "inputs.0.data", "must be from 0 to 255, and finite"),
    "grey values as floats": (tensor(datatype="FP32"), "inputs.0.data", FLOATS),
    "infinity": (tensor(datatype="FP32", data=[float("inf")] * 1568), "inputs.0.data", FLOATS),
    "NaN": (tensor(datatype="FP32", data=[0] * 1567 + [float("nan")]), "inputs.0.data", FLOATS),
    "beyond float64": (tensor(datatype="FP32", data=[10**400] * 1568), "inputs.0.data", FLOATS),
    "beyond float32": (tensor(datatype="FP32", data=[1e300] * 1568), "inputs.0.data", FLOATS),
    "an output that there is not": (request(outputs=["saliency"]), "outputs.0.name", NAMES),
    "an output twice": (request(outputs=["logits", "logits"]), "outputs.1.name", "must be named once"),
    "class 10": (
        request(outputs=["shapley"], parameters={"target": 10}),
        "parameters.target",
        CLASSES,
    ),
    "class −1": (
        request(outputs=["shapley"], parameters={"target": -1}),
        "parameters.target",
        CLASSES,
    ),
    "a class as text": (request(outputs=["shapley"], parameters={"target": "three"}), "parameters.target", CLASSES),
    "a class as a fraction": (
        request(outputs=["shapley"], parameters={"target": 3.0}),
        "parameters.target",
        "must be the name of a class, or its number from 0",
    ),
    "a class that nothing explains": (
        request(parameters={"target": 3}),
        "parameters.target",
        "is for contributions, occlusion, shapley, interactions; ask for one of them too, or leave it out",
    ),
    "another model": (request(model_name="lenet-6x16"), "model_name", "must be the model of the path, or be left out"),
    "a number as id": (request(id=42), "id", "must be a valid string"),
    "a long id": (request(id="4" * 257), "id", "String should have at most 256 characters"),
    "a negative size": (
        tensor(parameters={"binary_data_size": -1}),
        "inputs.0.parameters.binary_data_size",
        "must be greater than or equal to 0",
    ),
    "data and a size": (tensor(parameters={"binary_data_size": 1568}), "inputs.0", ALONE),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named(client: TestClient, name: str) -> None:
    body, field, message = WRONG[name]
    answer = client.post(PATH, content=json.dumps(body))
    check(answer, 422, "invalid-parameter", f"{field}: {message}")
    assert answer.json()["errors"] == [{"parameter": field, "message": message}]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "shape",
    [[0, 784], [1025, 784], [-1, 784], [2, 785], [2, 14, 56], [784, 2], [2**70, 784], [2, -28, -28], [2, 0, 0]],
    ids=str,
)
def test_shapes_that_are_none_of_images(client: TestClient, shape: list[int]) -> None:
    check(client.post(PATH, json=tensor(shape=shape)), 422, "invalid-parameter", f"inputs.0.shape: {SHAPE}")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1568], "inputs.0.shape: List should have at least 2 items after validation, not 1"),
        ([2, 1, 28, 28], f"inputs.0.shape: {SHAPE}"),
        ([2, 1, 1, 28, 28], "inputs.0.shape: List should have at most 4 items after validation, not 5"),
        ([2, 784.0], "inputs.0.shape.1: must be a valid integer"),
        (["2", 784], "inputs.0.shape.0: must be a valid integer"),
    ],
    ids=str,
)
def test_shapes_that_are_none(client: TestClient, shape: list[Any], message: str) -> None:
    check(client.post(PATH, json=tensor(shape=shape)), 422, "invalid-parameter", message)


@pytest.mark.parametrize("values", [[np.nan, 0], [np.inf, 0], [-0.1, 1], [0, 1.1]], ids=str)
def test_floats_that_are_no_grey_values(client: TestClient, values: list[float]) -> None:
    images = GREY.copy()
    images[1, 5, 5:7] = values
    content, headers = in_bytes(request(GREY), images)
    detail = f"inputs.0.parameters.binary_data_size: {FLOATS}"
    check(client.post(PATH, content=content, headers=headers), 422, "invalid-parameter", detail)


@pytest.mark.parametrize("path", ["/v2/models/nobody", "/v2/models/nobody/ready"])
def test_models_that_there_are_not(client: TestClient, path: str) -> None:
    detail = f"there is no such model; there are {NETWORKS}"
    check(client.get(path), 404, "unknown-model", detail)
    check(client.post("/v2/models/nobody/infer", json=request()), 404, "unknown-model", detail)
    check(client.post("/v1/models/nobody:explain", json={"instances": []}), 404, "unknown-model", detail)


@pytest.mark.parametrize("end", ["", "/ready"])
def test_versions_that_there_are_not(client: TestClient, end: str) -> None:
    [version] = client.get("/v2/models/paired-3x3").json()["versions"]
    detail = f"the model has no such version; it has {version}"
    check(client.get(f"/v2/models/paired-3x3/versions/1{end}"), 404, "unknown-model", detail)
    answer = client.post("/v2/models/paired-3x3/versions/1/infer", json=request())
    check(answer, 404, "unknown-model", detail)
    query = "query: holds a parameter that this operation does not have; /docs shows those it has"
    check(client.get(f"/v2/models/paired-3x3{end}?version=1"), 422, "invalid-parameter", query)


def test_the_framework_s_refusals_have_the_protocol_s_form(client: TestClient) -> None:
    check(client.get("/v2/nothing"), 404, "not-found", "there is nothing at this path; see /docs for what there is")
    check(client.get(PATH), 405, "method-not-allowed", "this path does not take that method; it takes POST")
    query = "query: must hold at most 32 parameters in 2048 bytes; /docs shows those that an operation has"
    check(client.get("/v2?" + "a" * 3000), 422, "invalid-parameter", query)
    assert "error" not in client.get("/v20").json()


EXPLANATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no instances": ({"instances": []}, "instances: List should have at least 1 item after validation, not 0"),
    "too many": (
        {"instances": [[0]] * 1025},
        "instances: List should have at most 1024 items after validation, not 1025",
    ),
    "numbers": ({"instances": [0.5]}, "instances.0: must be a valid list"),
    "another shape": (
        {"instances": [[0.5] * 28]},
        "instances: must hold 784 numbers, flat or nested as the shape says",
    ),
    "grey values": ({"instances": SEVENS.tolist()}, f"instances: {FLOATS}"),
    "an output that there is not": ({"instances": GREY.tolist(), "outputs": ["x"]}, f"outputs.0: {NAMES}"),
    "a class that nothing explains": (
        {"instances": GREY.tolist(), "outputs": ["logits"], "target": 3},
        "target: is for contributions, occlusion, shapley, interactions; ask for one of them too, or leave it out",
    ),
    "a field of the client's": ({"instances": GREY.tolist(), "secret": 1}, f"body: {UNKNOWN}"),
}


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_kserves_explanation_is_as_strict(client: TestClient, name: str) -> None:
    body, detail = EXPLANATIONS[name]
    check(client.post(EXPLAIN, json=body), 422, "invalid-parameter", detail)
