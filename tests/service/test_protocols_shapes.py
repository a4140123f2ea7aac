"""The inference protocols for networks of any shape: what they give, what they cannot, how many images they take."""

import json
from math import prod
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.question import Tensors
from konkyo.service.http.room import MOST_BYTES
from konkyo.service.protocols.batches import MAX_BODY
from konkyo.service.protocols.requests import MOST_ANSWER, infer_batch
from tests.helpers.any_network import random_weights
from tests.helpers.served import ARCHITECTURES, EXTREMES, samples, upload
from tests.helpers.tensors import LENGTH, check, in_bytes, request, tensor, tensors

# (inputs, outputs but for the classes), by hand.
SHAPES: dict[str, tuple[list[int], dict[str, list[int]]]] = {
    "colour": ([3, 32, 32], {"contributions": [4, 3], "occlusion": [16, 16], "shapley": [8, 8]}),
    "deep": ([28, 28], {"contributions": [3, 5], "occlusion": [14, 14], "shapley": [4, 4]}),
    "hidden": ([28, 28], {"contributions": [3, 4], "occlusion": [14, 14], "shapley": [4, 4]}),
    "kernels": ([28, 28], {"contributions": [3, 3], "occlusion": [14, 14], "shapley": [4, 4]}),
    "single": ([28, 28], {"contributions": [1, 6], "occlusion": [14, 14], "shapley": [14, 14]}),
    "single-colour": ([3, 9, 9], {"contributions": [3, 5], "occlusion": [5, 5], "shapley": [5, 5]}),
    "tiny": ([8, 8], {"contributions": [2, 3], "occlusion": [4, 4], "shapley": [3, 3]}),
    "wide": ([28, 28], {"contributions": [18, 20], "occlusion": [14, 14], "shapley": [7, 7]}),
    # Every combination of its regions is too much, whatever their size, and so are the maps of its pairs.
    "huge": ([3, 64, 64], {"occlusion": [2, 2]}),
}
TOO_WIDE = "one image takes this network more than 64 MiB"
TOO_MUCH = "a cell sees up to 4 regions, and all their combinations take more than 64 MiB"


@pytest.fixture(params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    """Each of the networks that give everything."""
    value: str = request.param
    return value


def images(architecture: Architecture, count: int = 2) -> NDArray[np.uint8]:
    return np.stack([samples(architecture, seed) for seed in range(7, 7 + count)])


def infer(shapes: TestClient, name: str, body: Any, **options: Any) -> Any:
    return shapes.post(f"/v2/models/{name}/infer", json=body, **options)


def explain(shapes: TestClient, name: str, **body: Any) -> Any:
    return shapes.post(f"/v1/models/{name}:explain", json=body)


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_model_takes_and_gives(shapes: TestClient, name: str) -> None:
    taken, given = SHAPES[name]
    classes = {**ARCHITECTURES, **EXTREMES}[name].classes
    body = shapes.get(f"/v2/models/{name}").json()
    assert body["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, *taken]}]
    expected = {"logits": [classes], "probabilities": [classes], **given}
    if "shapley" in given:
        # Given only where it is named.
        expected["interactions"] = [prod(given["shapley"])] * 2
    assert {one["name"]: one["shape"] for one in body["outputs"]} == {
        one: [-1, *shape] for one, shape in expected.items()
    }


@pytest.mark.parametrize("field", [{}, {"outputs": []}])
def test_without_names_everything_comes_that_a_network_gives(
    shapes: TestClient, name: str, field: dict[str, Any]
) -> None:
    """With other kernels than 5 and 3 every such request was refused."""
    body = {"inputs": request(images(ARCHITECTURES[name]))["inputs"], **field}
    found = tensors(infer(shapes, name, body))
    classes = ARCHITECTURES[name].classes
    expected = {"logits": [classes], "probabilities": [classes], **SHAPES[name][1]}
    assert {one: list(tensor.shape[1:]) for one, tensor in found.items()} == expected
    answer = explain(shapes, name, instances=(images(ARCHITECTURES[name]) / 255).tolist(), **field)
    assert [list(one) for one in answer.json()["explanations"]] == [list(expected)] * 2


@pytest.mark.parametrize("target", [None, 1])
def test_the_tensors_are_the_answers_of_the_other_routes(shapes: TestClient, name: str, target: int | None) -> None:
    parameters: dict[str, int] = {} if target is None else {"target": target}
    body = request(images(ARCHITECTURES[name]), list(SHAPES[name][1]), parameters=parameters)
    found = tensors(infer(shapes, name, body))
    fields = {
        "contributions": ("/explain/filters", "contributions"),
        "occlusion": ("/explain/occlusion", "drop"),
        "shapley": ("/explain/shapley", "values"),
    }
    for number in range(2):
        for output, (path, field) in fields.items():
            asked: dict[str, str | int] = {"model": name, **parameters}
            answer = shapes.post(path, params=asked, files=upload(ARCHITECTURES[name], 7 + number)[1])
            np.testing.assert_allclose(found[output][number], answer.json()[field], rtol=0, atol=1e-11)


def test_every_way_to_send_the_images_is_one(shapes: TestClient, name: str) -> None:
    taken = images(ARCHITECTURES[name])
    flat = taken.reshape(2, -1)
    whole = tensors(infer(shapes, name, request(taken)))["logits"]
    nested = request(taken)
    nested["inputs"][0]["data"] = taken.tolist()
    content, headers = in_bytes(request(taken), taken)
    by_bytes = shapes.post(f"/v2/models/{name}/infer", content=content, headers=headers)
    for answer in (infer(shapes, name, nested), infer(shapes, name, request(flat)), by_bytes):
        np.testing.assert_array_equal(tensors(answer)["logits"], whole)
    for instances in (taken / 255, flat / 255):
        answer = explain(shapes, name, instances=instances.tolist(), outputs=["logits"])
        found = [one["logits"] for one in answer.json()["explanations"]]
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("output", "why"), [("shapley", TOO_MUCH), ("contributions", TOO_WIDE)])
def test_what_a_network_cannot_give_is_refused_by_name(shapes: TestClient, output: str, why: str) -> None:
    taken = images(EXTREMES["huge"], 1)
    detail = f"outputs.1.name: {output} is not given of this network: {why}"
    check(infer(shapes, "huge", request(taken, ["logits", output])), 422, "invalid-parameter", detail)
    answer = explain(shapes, "huge", instances=(taken / 255).tolist(), outputs=[output])
    check(answer, 422, "invalid-parameter", f"outputs.0: {output} is not given of this network: {why}")


# As many numbers as 1,024 images of 28×28 have.
MOST = {"colour": 261, "single-colour": 1024, "tiny": 1024, "deep": 1024}


@pytest.mark.parametrize("name", MOST)
def test_shapes_that_are_none_of_the_networks_images(shapes: TestClient, name: str) -> None:
    shape, numbers = SHAPES[name][0], int(np.prod(SHAPES[name][0]))
    detail = f"inputs.0.shape: must be [N, {', '.join(map(str, shape))}] or [N, {numbers}], N from 1 to {MOST[name]}"
    wrong = [[MOST[name] + 1, *shape], [0, *shape], [2, numbers + 1], [2, *shape[:-1], shape[-1] + 1], [2, *shape, 1]]
    wrong += [[2, 28, 28]] if shape != [28, 28] else [[2, 3, 28, 28]]
    for one in wrong[: 6 if len(shape) < 3 else 4] + wrong[5:]:
        check(infer(shapes, name, tensor(shape=one)), 422, "invalid-parameter", detail)


def test_the_most_images_are_answered_and_no_more(shapes: TestClient) -> None:
    most = np.tile(images(ARCHITECTURES["colour"], 1), (261, 1, 1, 1))
    content, headers = in_bytes(request(most), most)
    found = tensors(shapes.post("/v2/models/colour/infer", content=content, headers=headers))["logits"]
    assert found.shape == (261, 4)
    np.testing.assert_allclose(found, np.tile(found[:1], (261, 1)), rtol=0, atol=1e-12)
    nested = request(most)
    nested["inputs"][0]["data"] = most.tolist()
    np.testing.assert_array_equal(tensors(infer(shapes, "colour", nested))["logits"], found)
    answer = explain(shapes, "colour", instances=[[0]] * 262)
    check(answer, 422, "invalid-parameter", "instances: must hold at most 261 images of 3072 numbers")


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("piece", [b"[],", b"0,"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("colour", "must hold at most 261 images of 3072 numbers"),
        ("tiny", "must hold at most 1024 images of 64 numbers"),
    ],
)
def test_documents_that_would_fill_the_memory_are_not_built(
    shapes: TestClient, name: str, message: str, piece: bytes
) -> None:
    body = b'{"inputs":[' + piece * 1_000_000 + b"0]}"
    for path in (f"/v2/models/{name}/infer", f"/v1/models/{name}:explain"):
        check(shapes.post(path, content=body), 422, "invalid-parameter", f"body: {message}")


def test_an_answer_that_would_be_too_large_is_refused(shapes: TestClient) -> None:
    """The contributions of 1,600 pairs."""
    assert MOST_ANSWER == 2**20
    taken = np.zeros((656, 8, 8), np.uint8)
    for names, numbers, most in ((["contributions"], "1,600", 655), ([], "1,636", 640)):
        detail = (
            f"outputs: hold {numbers} numbers for each image, and an answer has at most 1,048,576; send at most {most} "
            "images, or ask for fewer outputs"
        )
        content, headers = in_bytes(request(taken, names), taken)
        answer = shapes.post("/v2/models/pairs/infer", content=content, headers=headers)
        check(answer, 422, "invalid-parameter", detail)
    detail = (
        "outputs: hold 1,600 numbers for each image, and an answer has at most 1,048,576; send at most 655 images, or "
        "ask for fewer outputs"
    )
    answer = explain(shapes, "pairs", instances=[[0] * 64] * 656, outputs=["contributions"])
    check(answer, 422, "invalid-parameter", detail)
    fewer = taken[:655]
    content, headers = in_bytes(request(fewer, ["contributions"], parameters={"binary_data_output": True}), fewer)
    answer = shapes.post("/v2/models/pairs/infer", content=content, headers=headers)
    assert tensors(answer)["contributions"].shape == (655, 40, 40)


@pytest.mark.threat("room is what a request occupies")
def test_the_largest_body_with_the_largest_answer_has_room(shapes: TestClient) -> None:
    """The text is dropped when it is read: both together would never have had room, and 503 says to try again."""
    text = json.dumps(
        request(np.zeros((655, 8, 8), np.uint8), ["contributions"], parameters={"binary_data_output": True})
    )
    answer = shapes.post("/v2/models/pairs/infer", content=text.encode().ljust(MAX_BODY))
    assert tensors(answer)["contributions"].shape == (655, 40, 40)
    app: Any = shapes.app
    assert app.state.service.room._left == MOST_BYTES


def test_what_is_held_of_a_request() -> None:
    network = random_weights(ARCHITECTURES["tiny"], 1)
    taken = np.zeros((3, 8, 8), np.uint8)
    text = json.dumps(request(taken)).encode()
    assert infer_batch(text, None, "tiny", network).images.size == 3 * 64
    floats = json.dumps(request(taken / 255)).encode()
    assert infer_batch(floats, None, "tiny", network).images.size == 3 * 64 * 4
    body, headers = in_bytes(request(taken), taken)
    assert infer_batch(body, headers[LENGTH], "tiny", network).images.size == len(body)


def test_larger_networks_take_smaller_pieces(shapes: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that others have their turn in between."""
    taken: list[int] = []
    fill = Tensors.fill

    def counted(tensors: Tensors, start: int, some: Any) -> None:
        assert (some.dtype, start) == (np.float64, sum(taken))
        taken.append(len(some))
        fill(tensors, start, some)

    monkeypatch.setattr(Tensors, "fill", counted)
    for name, outputs, expected in (
        ("tiny", ["logits"], [32, 8]),
        ("wide", ["logits"], [32, 8]),
        ("single", ["shapley"], None),
    ):
        taken.clear()
        infer(shapes, name, request(np.zeros((40, *SHAPES[name][0]), np.uint8), outputs))
        assert taken == expected or (expected is None and sum(taken) == 40 and max(taken) < 32)
