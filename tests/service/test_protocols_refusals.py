"""What the inference protocols refuse, in tables: a request, its status, and its exact message."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.helpers.folders import NETWORKS
from tests.helpers.served import ARCHITECTURES, EXTREMES, samples
from tests.helpers.tensors import EXPLAIN, LENGTH, PATH, SEVENS, check, in_bytes, request, tensor

SHAPE = "must be [N, 28, 28], [N, 1, 28, 28] or [N, 784], N from 1 to 1024"
GREY = (SEVENS / 255).astype("<f4")
CLASSES = "must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
NUMBERS = "must hold {} numbers, flat or nested as the shape says"
WHOLE = "must hold whole numbers alone"
BYTES = "must be from 0 to 255, and finite"
FLOATS = "must be from 0 to 1, and finite; send 0 to 255 as UINT8"
ALONE = "must have either data, or binary_data_size and the bytes behind the JSON"
UNKNOWN = "holds a field that it does not have; /docs shows those it has"
NAMES = "must be 'logits', 'probabilities', 'contributions', 'occlusion', 'shapley' or 'interactions'"
NO_CLASS = "is for contributions, occlusion, shapley, interactions; ask for one of them too, or leave it out"
NO_MODEL = f"there is no such model; there are {NETWORKS}"
SIZE = "inputs.0.parameters.binary_data_size"


def without(field: str) -> dict[str, Any]:
    body = request()
    del body["inputs"][0][field]
    return body


def of_class(target: Any) -> dict[str, Any]:
    return request(outputs=["shapley"], parameters={"target": target})


DATA, FEWER = "inputs.0.data", "must have at most {} items, not {}"
# The body, and what is wrong with which field. It is asked for tensors; below, for KServe's explanations.
WRONG: dict[str, tuple[Any, str]] = {
    "another input": (tensor(name="image"), "inputs.0.name: must be 'images'"),
    "two inputs": (
        {"inputs": request()["inputs"] * 2},
        "inputs: must have at most 1 item, not 2",
    ),
    "no input at all": ({}, "inputs: is missing"),
    "a list": ([], "body: must be a valid dictionary or instance of InferRequest"),
    "another datatype": (tensor(datatype="FP64"), "inputs.0.datatype: must be 'FP32' or 'UINT8'"),
    "a field of the client's": (tensor(secret=1), f"inputs.0: {UNKNOWN}"),
    "a parameter of the client's": (request(parameters={"secret": 1}), f"parameters: {UNKNOWN}"),
    "no shape": (without("shape"), "inputs.0.shape: is missing"),
    "no data": (without("data"), f"inputs.0: {ALONE}"),
    "fewer numbers": (tensor(data=[0] * 1567), f"{DATA}: {NUMBERS.format(1568)}"),
    "nested otherwise": (tensor(data=[[0] * 56] * 28), f"{DATA}: {NUMBERS.format(1568)}"),
    "ragged": (tensor(data=[[0] * 783, [0] * 785]), f"{DATA}: {NUMBERS.format(1568)}"),
    "a shape that lies": (tensor(shape=[1024, 784]), f"{DATA}: {NUMBERS.format(802816)}"),
    "lists beside numbers": (tensor(data=[0] * 1567 + [[0]]), f"{DATA}: {WHOLE}"),
    "text": (tensor(data=["0"] * 1568), f"{DATA}: {WHOLE}"),
    "a long text": (tensor(data=["0" * 100_000, *[""] * 1567]), f"{DATA}: {WHOLE}"),
    "true": (tensor(data=[True] + [0] * 1567), f"{DATA}: {WHOLE}"),
    "null": (tensor(data=[None] * 1568), f"{DATA}: {WHOLE}"),
    "fractions": (tensor(data=[0.5] * 1568), f"{DATA}: {WHOLE}"),
    "256": (tensor(data=[256] * 1568), f"{DATA}: {BYTES}"),
    "−1": (tensor(data=[-1] * 1568), f"{DATA}: {BYTES}"),
    "grey values as floats": (tensor(datatype="FP32"), f"{DATA}: {FLOATS}"),
    "NaN": (tensor(datatype="FP32", data=[0] * 1567 + [float("nan")]), f"{DATA}: {FLOATS}"),
    "beyond float64": (tensor(datatype="FP32", data=[10**400] * 1568), f"{DATA}: {FLOATS}"),
    "beyond float32": (tensor(datatype="FP32", data=[1e300] * 1568), f"{DATA}: {FLOATS}"),
    "an output that there is not": (request(outputs=["saliency"]), f"outputs.0.name: {NAMES}"),
    "an output twice": (request(outputs=["logits", "logits"]), "outputs.1.name: must be named once"),
    "class 10": (of_class(10), f"parameters.target: {CLASSES}"),
    "a class as a fraction": (of_class(3.0), "parameters.target: must be the name of a class, or its number from 0"),
    "a class that nothing explains": (request(parameters={"target": 3}), f"parameters.target: {NO_CLASS}"),
    "another model": (request(model_name="lenet-6x16"), "model_name: must be the model of the path, or be left out"),
    "a number as id": (request(id=42), "id: must be a valid string"),
    "a negative size": (tensor(parameters={"binary_data_size": -1}), f"{SIZE}: must be greater than or equal to 0"),
    "data and a size": (tensor(parameters={"binary_data_size": 1568}), f"inputs.0: {ALONE}"),
    **{
        f"the shape {shape}": (tensor(shape=shape), f"inputs.0.shape: {SHAPE}")
        for shape in ([0, 784], [1025, 784], [2, 785], [2, 14, 56], [2**70, 784], [2, -28, -28], [2, 28, 1, 28])
    },
    "five numbers as shape": (tensor(shape=[2, 1, 1, 28, 28]), f"inputs.0.shape: {FEWER.format(4, 5)}"),
    "a shape of fractions": (tensor(shape=[2, 784.0]), "inputs.0.shape.1: must be a valid integer"),
}
SEEN = {"instances": GREY.tolist()}
EXPLANATIONS: dict[str, tuple[Any, str]] = {
    "too many": ({"instances": [[0]] * 1025}, f"instances: {FEWER.format(1024, 1025)}"),
    "numbers": ({"instances": [0.5]}, "instances.0: must be a valid list"),
    "another shape": ({"instances": [[0.5] * 28]}, f"instances: {NUMBERS.format(784)}"),
    "grey values": ({"instances": SEVENS.tolist()}, f"instances: {FLOATS}"),
    "an output that there is not": ({**SEEN, "outputs": ["x"]}, f"outputs.0: {NAMES}"),
    "a class that nothing explains": ({**SEEN, "outputs": ["logits"], "target": 3}, f"target: {NO_CLASS}"),
    "a field of the client's": ({**SEEN, "secret": 1}, f"body: {UNKNOWN}"),
}


@pytest.mark.parametrize(
    ("path", "name"), [(PATH, name) for name in WRONG] + [(EXPLAIN, name) for name in EXPLANATIONS]
)
def test_a_wrong_field_is_named(client: TestClient, path: str, name: str) -> None:
    body, detail = (WRONG if path == PATH else EXPLANATIONS)[name]
    answer = client.post(path, content=json.dumps(body))
    check(answer, 422, "invalid-parameter", detail)
    field, _, message = detail.partition(": ")
    assert answer.json()["errors"] == [{"parameter": field, "message": message}]
    assert "secret" not in answer.text


def test_floats_that_are_no_grey_values(client: TestClient) -> None:
    for values in ([np.nan, 0], [-0.1, 1], [0, 1.1]):
        images = GREY.copy()
        images[1, 5, 5:7] = values
        content, headers = in_bytes(request(GREY), images)
        check(client.post(PATH, content=content, headers=headers), 422, "invalid-parameter", f"{SIZE}: {FLOATS}")


HEADER = (
    "the header Inference-Header-Content-Length must be the length of the JSON at the start of the body, "
    "from 1 to the body's {} bytes"
)
JSON = "the body must be a JSON object; /docs shows its fields"
LIE = f"{SIZE}: must be 802816, the bytes of a tensor of this shape and datatype"
MORE = "there are 2 bytes behind the JSON that no input asks for"
NO_HEADER = "bytes behind the JSON need the header Inference-Header-Content-Length"
ENCODED = "send the body as it is, without a Content-Encoding"
STATUSES = {"invalid-parameter": 422, "malformed-upload": 400, "unsupported-upload": 415}
SENT, LENGTHS = in_bytes(request())
BARE = json.dumps(request()).encode()
EMPTY, _ = in_bytes(request(), np.zeros((0, 784), np.uint8))
# The body, its headers, and the problem.
BODIES: list[tuple[bytes, dict[Any, Any], str, str]] = [
    *(
        (body, LENGTHS, "invalid-parameter", f"{SIZE}: must be the {left} bytes behind the JSON")
        for body, left in ((SENT[:-1], 1567), (SENT[:-1568], 0), (SENT + b"x", 1569))
    ),
    (*in_bytes(tensor(shape=[1024, 784])), "invalid-parameter", LIE),
    (BARE + b"xy", {LENGTH: str(len(BARE))}, "malformed-upload", MORE),
    (EMPTY, {}, "malformed-upload", NO_HEADER),
    *(
        (SENT, {LENGTH.encode(): length.encode()}, "malformed-upload", HEADER.format(len(SENT)))
        for length in ("-1", "0", "", "9999999", "1e3", "²", "9" * 5000)
    ),
    *(
        (body, {}, "malformed-upload", JSON)
        for body in (b"", b"{", b"hello", b"\xff", b"[" * 20_000, b'{"id":"\\ud800"}', b'{"id":' + b"9" * 5000 + b"}")
    ),
    (b"x", {"content-encoding": "gzip"}, "unsupported-upload", ENCODED),
]


@pytest.mark.parametrize(("content", "headers", "kind", "detail"), BODIES, ids=range(len(BODIES)))
def test_bodies(client: TestClient, content: bytes, headers: dict[Any, Any], kind: str, detail: str) -> None:
    check(client.post(PATH, content=content, headers=headers), STATUSES[kind], kind, detail)
    if detail == JSON:
        check(client.post(EXPLAIN, content=content, headers=headers), STATUSES[kind], kind, detail)


def test_models_and_versions_that_there_are_not(client: TestClient) -> None:
    for end in ("", "/ready"):
        check(client.get(f"/v2/models/nobody{end}"), 404, "unknown-model", NO_MODEL)
    check(client.post("/v2/models/nobody/infer", json=request()), 404, "unknown-model", NO_MODEL)
    check(client.post("/v1/models/nobody:explain", json={"instances": []}), 404, "unknown-model", NO_MODEL)
    [version] = client.get("/v2/models/paired-3x3").json()["versions"]
    detail = f"the model has no such version; it has {version}"
    for end in ("", "/ready"):
        check(client.get(f"/v2/models/paired-3x3/versions/1{end}"), 404, "unknown-model", detail)
    answer = client.post("/v2/models/paired-3x3/versions/1/infer", json=request())
    check(answer, 404, "unknown-model", detail)


def test_the_framework_s_refusals_have_the_protocol_s_form(client: TestClient) -> None:
    check(client.get("/v2/nothing"), 404, "not-found", "there is nothing at this path; see /docs for what there is")
    check(client.get(PATH), 405, "method-not-allowed", "this path does not take that method; it takes POST")
    query = "query: must hold at most 32 parameters in 2048 bytes; /docs shows those that an operation has"
    check(client.get("/v2?" + "a" * 3000), 422, "invalid-parameter", query)
    query = "query: holds a parameter that this operation does not have; it has none"
    for end in ("", "/ready"):
        check(client.get(f"/v2/models/paired-3x3{end}?version=1"), 422, "invalid-parameter", query)
    assert "error" not in client.get("/v20").json()


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("shapley", "a cell sees up to 4 regions, and all their combinations take more than 64 MiB"),
        ("contributions", "one image takes this network more than 64 MiB"),
    ],
)
def test_what_a_network_cannot_give_is_refused_by_name(shapes: TestClient, output: str, why: str) -> None:
    taken = samples(EXTREMES["huge"])[None]
    detail = f"{output} is not given of this network: {why}"
    answer = shapes.post("/v2/models/huge/infer", json=request(taken, ["logits", output]))
    check(answer, 422, "invalid-parameter", f"outputs.1.name: {detail}")
    answer = shapes.post("/v1/models/huge:explain", json={"instances": (taken / 255).tolist(), "outputs": [output]})
    check(answer, 422, "invalid-parameter", f"outputs.0: {detail}")


# Name → the most images: as many numbers as 1,024 images of 28×28 have.
@pytest.mark.parametrize(("name", "most"), [("colour", 261), ("tiny", 1024)])
def test_shapes_that_are_none_of_the_networks_images(shapes: TestClient, name: str, most: int) -> None:
    shape = list(ARCHITECTURES[name].image_shape)
    numbers = int(np.prod(shape))
    fitting = "[N, 3, 32, 32]" if name == "colour" else "[N, 8, 8], [N, 1, 8, 8]"
    detail = f"inputs.0.shape: must be {fitting} or [N, {numbers}], N from 1 to {most}"
    wrong = [[most + 1, *shape], [0, *shape], [2, numbers + 1], [2, *shape[:-1], shape[-1] + 1]]
    # Of colour, one more axis is more than a shape may have.
    wrong += [[2, 28, 28]] if shape != [28, 28] else [[2, 3, 28, 28], [2, *shape, 1]]
    for one in wrong:
        answer = shapes.post(f"/v2/models/{name}/infer", json=tensor(shape=one))
        check(answer, 422, "invalid-parameter", detail)
