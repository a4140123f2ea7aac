"""Requests of the inference protocols, as a client would build them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.pictures import pixels

LENGTH = "Inference-Header-Content-Length"
PATH = "/v2/models/paired-3x3/infer"
EXPLAIN = "/v1/models/paired-3x3:explain"
TOO_LARGE = (
    "the request is larger than 8 MiB; send fewer images, or binary data: as UINT8 an image of 28×28 takes 784 bytes"
)
SEVENS = np.stack([pixels(7), pixels(3)])


def request(images: NDArray[Any] = SEVENS, outputs: Sequence[str] = ("logits",), **fields: Any) -> dict[str, Any]:
    """Of the Open Inference Protocol, in JSON."""
    datatype = "UINT8" if images.dtype == np.uint8 else "FP32"
    tensor = {"name": "images", "datatype": datatype, "shape": list(images.shape), "data": images.ravel().tolist()}
    return {"inputs": [tensor], "outputs": [{"name": name} for name in outputs], **fields}


def in_bytes(body: dict[str, Any], images: NDArray[Any] = SEVENS) -> tuple[bytes, dict[str, str]]:
    """The same with its tensor behind the JSON: the body, and the header that says where."""
    tensor = {key: value for key, value in body["inputs"][0].items() if key != "data"}
    tensor["parameters"] = {"binary_data_size": images.nbytes}
    head = json.dumps({**body, "inputs": [tensor]}).encode()
    return head + images.tobytes(), {LENGTH: str(len(head))}


def tensors(answer: Any) -> dict[str, NDArray[np.float64]]:
    """The outputs of an answer, whether they come as numbers or as bytes."""
    length = int(answer.headers.get(LENGTH, len(answer.content)))
    document, behind = json.loads(answer.content[:length]), answer.content[length:]
    found = {}
    for output in document["outputs"]:
        assert output["datatype"] == "FP64"
        if "data" in output:
            assert "parameters" not in output
            flat = np.array(output["data"], np.float64)
        else:
            size = output["parameters"]["binary_data_size"]
            flat, behind = np.frombuffer(behind[:size], "<f8"), behind[size:]
        found[output["name"]] = flat.reshape(output["shape"])
    assert behind == b""
    return found


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
