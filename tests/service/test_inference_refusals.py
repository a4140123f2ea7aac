"""What the inference protocols refuse, with exact statuses and messages."""

import json
import os
import threading
from functools import partial
from typing import Any

import anyio
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.errors import BusyError
from service.handling.capacity import BODIES, Capacity
from service.http import uploads
from service.inference.inference import MAX_BODY
from service.settings import Settings
from tests.helpers.refuse import refuses
from tests.helpers.tensors import EXPLAIN, LENGTH, PATH, SEVENS, TOO_LARGE, in_bytes, request
from tools.soak.memory import peak

SHAPE = "must be [N, 28, 28] or [N, 784], N from 1 to 1024"
GREY = (SEVENS / 255).astype("<f4")
CLASSES = "must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
FLOATS = "must be from 0 to 1, and finite; send 0 to 255 as UINT8"
ALONE = "must have either data, or binary_data_size and the bytes behind the JSON"
UNKNOWN = "holds a field that it does not have; /docs shows those it has"
HEADER = (
    "the header Inference-Header-Content-Length must be the length of the JSON at the start of the body, "
    "from 1 to the body's {} bytes"
)
JSON = "the body must be a JSON object; /docs shows its fields"
MOST = "must hold at most 1024 images of 784 numbers"
NAMES = "must be 'logits', 'probabilities', 'contributions', 'occlusion' or 'shapley'"


def check(answer: Any, status: int, kind: str, detail: str) -> None:
    """A problem with the field that the protocol's clients look for, as the type that they look at."""
    body = answer.json()
    assert (answer.status_code, body["type"], body["detail"]) == (status, f"urn:konkyo:problem:{kind}", detail)
    assert (body["status"], body["error"]) == (status, detail)
    assert answer.headers["content-type"] == "application/json"


def tensor(**fields: Any) -> dict[str, Any]:
    """A request whose input has these fields."""
    body = request()
    body["inputs"] = [{**body["inputs"][0], **fields}]
    return body


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
        "is for contributions, occlusion, shapley; ask for one of them too, or leave it out",
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
        ([2, 1, 28, 28], "inputs.0.shape: List should have at most 3 items after validation, not 4"),
        ([2, 784.0], "inputs.0.shape.1: must be a valid integer"),
        (["2", 784], "inputs.0.shape.0: must be a valid integer"),
    ],
    ids=str,
)
def test_shapes_that_are_none(client: TestClient, shape: list[Any], message: str) -> None:
    check(client.post(PATH, json=tensor(shape=shape)), 422, "invalid-parameter", message)


def test_a_shape_that_lies_is_not_believed(client: TestClient) -> None:
    body = tensor(shape=[1024, 784])
    detail = "inputs.0.data: must hold 802816 numbers, flat or nested as the shape says"
    check(client.post(PATH, json=body), 422, "invalid-parameter", detail)
    content, headers = in_bytes(body)
    detail = "inputs.0.parameters.binary_data_size: must be 802816, the bytes of a tensor of this shape and datatype"
    check(client.post(PATH, content=content, headers=headers), 422, "invalid-parameter", detail)


def test_bytes_that_are_cut_short(client: TestClient) -> None:
    content, headers = in_bytes(request())
    for missing, left in ((1, 1567), (1568, 0)):
        detail = f"inputs.0.parameters.binary_data_size: must be the {left} bytes behind the JSON"
        answer = client.post(PATH, content=content[:-missing], headers=headers)
        check(answer, 422, "invalid-parameter", detail)
    detail = "inputs.0.parameters.binary_data_size: must be the 1569 bytes behind the JSON"
    check(client.post(PATH, content=content + b"x", headers=headers), 422, "invalid-parameter", detail)


def test_bytes_that_nobody_asked_for(client: TestClient) -> None:
    head = json.dumps(request()).encode()
    answer = client.post(PATH, content=head + b"xy", headers={LENGTH: str(len(head))})
    check(answer, 400, "malformed-upload", "there are 2 bytes behind the JSON that no input asks for")


def test_bytes_without_the_header(client: TestClient) -> None:
    content, headers = in_bytes(request(), np.zeros((0, 784), np.uint8))
    detail = "bytes behind the JSON need the header Inference-Header-Content-Length"
    check(client.post(PATH, content=content), 400, "malformed-upload", detail)
    assert client.post(PATH, content=content, headers=headers).status_code == 422


@pytest.mark.parametrize("values", [[np.nan, 0], [np.inf, 0], [-0.1, 1], [0, 1.1]], ids=str)
def test_floats_that_are_no_grey_values(client: TestClient, values: list[float]) -> None:
    images = GREY.copy()
    images[1, 5, 5:7] = values
    content, headers = in_bytes(request(GREY), images)
    detail = f"inputs.0.parameters.binary_data_size: {FLOATS}"
    check(client.post(PATH, content=content, headers=headers), 422, "invalid-parameter", detail)


@pytest.mark.parametrize("length", ["-1", "0", "x", "", "9999999", "1e3", "²", "9" * 5000])
def test_ends_of_the_json_that_cannot_be(client: TestClient, length: str) -> None:
    content, _ = in_bytes(request())
    answer = client.post(PATH, content=content, headers={LENGTH.encode(): length.encode()})
    check(answer, 400, "malformed-upload", HEADER.format(len(content)))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"hello", b"\xff", b"[" * 20_000, b'{"id":"\\ud800"}', b'{"id":' + b"9" * 5000 + b"}"],
    ids=["nothing", "half", "text", "no UTF-8", "deep", "half a character", "a number without end"],
)
def test_what_is_no_json(client: TestClient, body: bytes) -> None:
    check(client.post(PATH, content=body), 400, "malformed-upload", JSON)
    check(client.post(EXPLAIN, content=body), 400, "malformed-upload", JSON)


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("piece", [b"[],", b"0,"])
def test_documents_that_would_fill_the_memory_are_not_built(client: TestClient, piece: bytes) -> None:
    body = b'{"inputs":[' + piece * 1_000_000 + b"0]}"
    for path in (PATH, EXPLAIN):
        check(client.post(path, content=body), 422, "invalid-parameter", f"body: {MOST}")


@pytest.mark.threat("validation as a weapon")
@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_fields_without_number_are_not_complained_of(client: TestClient, path: str) -> None:
    """Each of 600,000 unknown ones had an error of its own, in 800 MiB."""
    body = b"{%s}" % b",".join(b'"%d":1' % number for number in range(600_000))
    before = peak(os.getpid())
    detail = "body: must hold at most 1,000 fields; /docs shows those that it has"
    check(client.post(path, content=body), 422, "invalid-parameter", detail)
    # The body itself comes in one piece and is copied a few times.
    assert peak(os.getpid()) < before + 8 * len(body) / 2**20
    few = b'{%s,"id":"%s"}' % (b",".join(b'"%d":1' % number for number in range(500)), b":" * 250)
    answer = client.post(path, content=few)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 2)


def test_the_most_images_are_answered(client: TestClient) -> None:
    images = np.tile(SEVENS, (512, 1, 1))
    nested = request(images)
    nested["inputs"][0]["data"] = images.tolist()
    content = json.dumps(nested).encode()
    assert client.post(PATH, content=content).status_code == 200
    content, headers = in_bytes(request(images), images)
    assert client.post(PATH, content=content, headers=headers).status_code == 200


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_more_than_eight_mebibytes(client: TestClient, path: str) -> None:
    check(client.post(path, content=bytes(MAX_BODY + 1)), 413, "content-too-large", TOO_LARGE)
    chunks = (bytes(2**20) for _ in range(9))
    check(client.post(path, content=chunks), 413, "content-too-large", TOO_LARGE)


def test_a_compressed_body(client: TestClient) -> None:
    answer = client.post(PATH, content=b"x", headers={"content-encoding": "gzip"})
    check(answer, 415, "unsupported-upload", "send the body as it is, without a Content-Encoding")


@pytest.mark.parametrize("path", ["/v2/models/nobody", "/v2/models/nobody/ready"])
def test_models_that_there_are_not(client: TestClient, path: str) -> None:
    detail = "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3"
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
    assert client.get(f"/v2/models/paired-3x3{end}?version=1").status_code == 200


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
        "target: is for contributions, occlusion, shapley; ask for one of them too, or leave it out",
    ),
    "a field of the client's": ({"instances": GREY.tolist(), "secret": 1}, f"body: {UNKNOWN}"),
}


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_kserves_explanation_is_as_strict(client: TestClient, name: str) -> None:
    body, detail = EXPLANATIONS[name]
    check(client.post(EXPLAIN, json=body), 422, "invalid-parameter", detail)


@pytest.mark.threat("body flood")
def test_there_is_room_for_so_many_bodies() -> None:
    capacity = Capacity(64)
    with (
        capacity.body(BODIES - 10),
        refuses(BusyError, "all workers are busy; try again in a second"),
        capacity.body(11),
    ):
        pass
    with capacity.body(BODIES):
        pass


async def stays() -> bool:
    return False


def test_others_have_their_turn_between_two_pieces() -> None:
    order: list[str] = []

    async def scenario() -> None:
        capacity, begun = Capacity(5), threading.Event()

        def large(number: int) -> None:
            begun.set()
            threading.Event().wait(0.05)
            order.append(f"large {number}")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(capacity.run_all, [partial(large, number) for number in range(4)], stays)
            await anyio.to_thread.run_sync(begun.wait)
            tasks.start_soon(capacity.run, partial(order.append, "small"), stays)

    anyio.run(scenario)
    assert order.index("small") == 1
    assert [one for one in order if one != "small"] == [f"large {number}" for number in range(4)]


@pytest.mark.threat("body flood", "bodies that do not end")
def test_a_body_that_does_not_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_SECONDS", 0.05)
    app = create_app(Settings())
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-length", b"500")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    anyio.run(app, scope, receive, send)
    assert sent[0]["status"] == 408
    body = json.loads(b"".join(message.get("body", b"") for message in sent))
    assert body["error"] == "the body did not arrive within 0.05 seconds; send it again, faster"
    assert app.state.capacity._bodies == 0
