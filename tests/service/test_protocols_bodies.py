"""The bodies of the inference protocols: JSON with bytes behind it, its limits, and bodies that do not end."""

import json
import os

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.service.protocols.batches import MAX_BODY
from tests.helpers.tensors import EXPLAIN, LENGTH, PATH, SEVENS, TOO_LARGE, check, in_bytes, request, tensor
from tools.soak.memory import peak

HEADER = (
    "the header Inference-Header-Content-Length must be the length of the JSON at the start of the body, "
    "from 1 to the body's {} bytes"
)
JSON = "the body must be a JSON object; /docs shows its fields"
MOST = "must hold at most 1024 images of 784 numbers"


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
