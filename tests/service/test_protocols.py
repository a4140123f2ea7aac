"""The inference protocols: what the other routes answer, for many images at once and networks of any shape."""

import json
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.tensors import Tensors
from konkyo.service.http.room import MOST_BYTES, Room
from konkyo.service.protocols import batches
from konkyo.service.protocols.batches import MAX_BODY, PIECE
from konkyo.service.protocols.requests import infer_batch
from konkyo.trainer.data import Labelled
from support.process import peak, peak_from_now
from tests.helpers.any_network import random_weights
from tests.helpers.asked import explain_filters, explain_occlusion, explain_shapley
from tests.helpers.room import fits
from tests.helpers.served import ARCHITECTURES, EXTREMES, samples
from tests.helpers.telemetry import lines, metric
from tests.helpers.tensors import EXPLAIN, LENGTH, PATH, SEVENS, TOO_LARGE, check, in_bytes, request, tensors

# The last is given only where it is named.
NAMES = ["logits", "probabilities", "contributions", "occlusion", "shapley", "interactions"]


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_what_the_server_is(client: TestClient) -> None:
    assert client.get("/v2").json() == {"name": "konkyo", "version": "1.0.0", "extensions": ["binary_tensor_data"]}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}


@pytest.mark.parametrize(("name", "target"), [("paired-3x3", None), ("lenet-6x16", 3), ("colour", 1)])
def test_the_tensors_are_the_answers_for_one_image(
    client: TestClient, shapes: TestClient, digits: Labelled, name: str, target: int | None
) -> None:
    asked = shapes if name in ARCHITECTURES else client
    network = asked.app.state.service.catalogue.get(name).precise  # type: ignore[attr-defined]
    taken = images(ARCHITECTURES[name]) if name in ARCHITECTURES else digits.images[: PIECE + 1]
    parameters = {} if target is None else {"target": target}
    found = tensors(infer(asked, name, request(taken, NAMES, parameters=parameters)))
    assert {one: tensor.shape[0] for one, tensor in found.items()} == dict.fromkeys(NAMES, len(taken))
    hiding = Hiding(Regions(2, side=network.architecture.side))
    for number in {0, 1, PIECE - 1, PIECE} & {*range(len(taken))}:
        image = taken[number] / 255
        filters = explain_filters(network, image, target)
        close(found["logits"][number], filters.logits)
        close(found["probabilities"][number], np.exp(filters.logits) / np.exp(filters.logits).sum())
        close(found["contributions"][number], filters.account.contributions)
        close(found["occlusion"][number], explain_occlusion(network, image, target, hiding=hiding).occlusion.drop)
        explained = explain_shapley(network, image, target, interactions=True)
        assert explained.interactions
        close(found["shapley"][number], explained.values)
        close(found["interactions"][number], explained.interactions.values)


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
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])


def test_grey_images_may_have_a_channel_as_in_pytorch(client: TestClient) -> None:
    """In numbers, nested or flat, and in bytes."""
    right = tensors(client.post(PATH, json=request()))["logits"]
    with_channel = SEVENS[:, None]
    nested = request(with_channel)
    nested["inputs"][0]["data"] = with_channel.tolist()
    content, headers = in_bytes(request(with_channel), with_channel)
    for answer in (
        client.post(PATH, json=request(with_channel)),
        client.post(PATH, json=nested),
        client.post(PATH, content=content, headers=headers),
    ):
        np.testing.assert_array_equal(tensors(answer)["logits"], right)
    most = np.zeros((1024, 1, 28, 28), np.uint8)
    full = request(most)
    full["inputs"][0]["data"] = most.tolist()
    assert tensors(client.post(PATH, json=full))["logits"].shape == (1024, 10)


def test_the_id_comes_back(client: TestClient) -> None:
    assert client.post(PATH, json=request(id="«42»")).json()["id"] == "«42»"
    assert "id" not in client.post(PATH, json=request()).json()


def test_kserves_explanation(client: TestClient) -> None:
    images = SEVENS / 255
    expected = tensors(client.post(PATH, json=request(SEVENS, ["shapley", "contributions"], parameters={"target": 3})))
    for instances in (images, images.reshape(2, 784), images[:, None]):
        asked = {"instances": instances.tolist(), "outputs": ["shapley", "contributions"], "target": 3}
        body = client.post(EXPLAIN, json=asked).json()
        assert body["predictions"] == [7, 3]
        for number, one in enumerate(body["explanations"]):
            assert list(one) == ["shapley", "contributions"]
            for name in one:
                np.testing.assert_allclose(one[name], expected[name][number], rtol=0, atol=1e-5)


def test_what_an_operator_sees(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    name = 'konkyo_explanation_seconds_count{form="json",path="/v2/models/{name}/infer"}'
    before = metric(client, name)
    capsys.readouterr()
    client.post(PATH, json=request())
    [line] = lines(capsys)
    assert (line["images"], line["model"], line["form"], line["status"]) == (2, "paired-3x3", "json", 200)
    assert metric(client, name) == before + 1


# (inputs, outputs but for the classes), by hand.
SHAPES: dict[str, tuple[list[int], dict[str, list[int]]]] = {
    "paired-3x3": ([28, 28], {"contributions": [3, 3], "occlusion": [14, 14], "shapley": [7, 7]}),
    "colour": ([3, 32, 32], {"contributions": [4, 3], "occlusion": [16, 16], "shapley": [8, 8]}),
    # With other kernels than 5 and 3 every request without names was refused.
    "kernels": ([28, 28], {"contributions": [3, 3], "occlusion": [14, 14], "shapley": [4, 4]}),
    "single-colour": ([3, 9, 9], {"contributions": [3, 5], "occlusion": [5, 5], "shapley": [5, 5]}),
    # Every combination of its regions is too much, whatever their size, and so are the maps of its pairs.
    "huge": ([3, 64, 64], {"occlusion": [2, 2]}),
}


def images(architecture: Architecture, count: int = 2) -> NDArray[np.uint8]:
    return np.stack([samples(architecture, seed) for seed in range(7, 7 + count)])


def infer(shapes: TestClient, name: str, body: Any) -> Any:
    return shapes.post(f"/v2/models/{name}/infer", json=body)


def infer_bytes(shapes: TestClient, name: str, taken: NDArray[Any], outputs: Sequence[str] = ("logits",)) -> Any:
    content, headers = in_bytes(request(taken, outputs), taken)
    return shapes.post(f"/v2/models/{name}/infer", content=content, headers=headers)


def explain(shapes: TestClient, name: str, **body: Any) -> Any:
    return shapes.post(f"/v1/models/{name}:explain", json=body)


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_model_takes_and_gives(client: TestClient, shapes: TestClient, name: str) -> None:
    asked = client if name == "paired-3x3" else shapes
    taken, given = SHAPES[name]
    classes = 10 if asked is client else {**ARCHITECTURES, **EXTREMES}[name].classes
    given = {"logits": [classes], "probabilities": [classes], **given}
    if "shapley" in given:
        # Given only where it is named.
        given["interactions"] = [prod(given["shapley"])] * 2
    [version] = [one["sha256"][:12] for one in asked.get("/models").json()["models"] if one["name"] == name]
    for path in (f"/v2/models/{name}", f"/v2/models/{name}/versions/{version}"):
        assert asked.get(path).json() == {
            "name": name,
            "versions": [version],
            "platform": "numpy",
            "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, *taken]}],
            "outputs": [{"name": one, "datatype": "FP64", "shape": [-1, *shape]} for one, shape in given.items()],
        }
        assert asked.get(f"{path}/ready").json() == {"name": name, "ready": True}
        answer = asked.post(f"{path}/infer", json=request(np.zeros((1, *taken), np.uint8))).json()
        assert (answer["model_name"], answer["model_version"]) == (name, version)


@pytest.mark.parametrize("name", ["colour", "kernels"])
def test_without_names_everything_comes_that_a_network_gives(shapes: TestClient, name: str) -> None:
    classes = ARCHITECTURES[name].classes
    expected = {"logits": [classes], "probabilities": [classes], **SHAPES[name][1]}
    fields: list[dict[str, Any]] = [{}, {"outputs": []}]
    for field in fields:
        found = tensors(infer(shapes, name, {"inputs": request(images(ARCHITECTURES[name]))["inputs"], **field}))
        assert {one: list(tensor.shape[1:]) for one, tensor in found.items()} == expected
        answer = explain(shapes, name, instances=(images(ARCHITECTURES[name]) / 255).tolist(), **field)
        assert [list(one) for one in answer.json()["explanations"]] == [list(expected)] * 2


@pytest.mark.parametrize("name", ["colour", "tiny"])
def test_every_way_to_send_the_images_is_one(shapes: TestClient, name: str) -> None:
    taken = images(ARCHITECTURES[name])
    flat = taken.reshape(2, -1)
    whole = tensors(infer(shapes, name, request(taken)))["logits"]
    nested = request(taken)
    nested["inputs"][0]["data"] = taken.tolist()
    for answer in (infer(shapes, name, nested), infer(shapes, name, request(flat)), infer_bytes(shapes, name, taken)):
        np.testing.assert_array_equal(tensors(answer)["logits"], whole)
    grey = (taken / 255).astype("<f4")
    for answer in (infer(shapes, name, request(grey)), infer_bytes(shapes, name, grey)):
        np.testing.assert_allclose(tensors(answer)["logits"], whole, rtol=0, atol=1e-5)


def test_the_most_images_are_answered_and_no_more(shapes: TestClient) -> None:
    most = np.tile(images(ARCHITECTURES["colour"], 1), (261, 1, 1, 1))
    found = tensors(infer_bytes(shapes, "colour", most))["logits"]
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
    taken = np.zeros((656, 8, 8), np.uint8)
    detail = (
        "outputs: hold {} numbers for each image, and an answer has at most 1,048,576; send at most {} images, or ask "
        "for fewer outputs"
    )
    answer = infer_bytes(shapes, "pairs", taken, ["contributions"])
    check(answer, 422, "invalid-parameter", detail.format("1,600", 655))
    answer = infer_bytes(shapes, "pairs", taken, [])
    check(answer, 422, "invalid-parameter", detail.format("1,636", 640))
    answer = explain(shapes, "pairs", instances=[[0] * 64] * 656, outputs=["contributions"])
    check(answer, 422, "invalid-parameter", detail.format("1,600", 655))


@pytest.mark.threat("room is what a request occupies")
def test_the_largest_body_with_the_largest_answer_has_room(shapes: TestClient) -> None:
    """The text is dropped when it is read: both together would never have had room, and 503 says to try again."""
    text = json.dumps(
        request(np.zeros((655, 8, 8), np.uint8), ["contributions"], parameters={"binary_data_output": True})
    )
    answer = shapes.post("/v2/models/pairs/infer", content=text.encode().ljust(MAX_BODY))
    assert tensors(answer)["contributions"].shape == (655, 40, 40)
    app: Any = shapes.app
    assert fits(app.state.service.room, MOST_BYTES)


@pytest.mark.threat("room is what a request occupies")
def test_an_answer_without_room_is_not_begun(shapes: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body has room, and of its tensors no number is there."""
    app: Any = shapes.app
    body = json.dumps(request(np.zeros((40, 8, 8), np.uint8), ["contributions"])).encode()
    made: list[int] = []
    monkeypatch.setattr(batches, "Tensors", lambda *_: made.append(1))
    # 40 images of 8×8 bytes; of each 40×40 contributions and the logits, as FP64 and as JSON.
    needed = 40 * (8 * 8 + (40 * 40 + EXTREMES["pairs"].classes) * 28)
    monkeypatch.setattr(app.state.service, "room", Room(needed - 1))
    answer = shapes.post("/v2/models/pairs/infer", content=body)
    check(answer, 503, "busy", "all workers are busy; try again in a second")
    assert made == []
    assert fits(app.state.service.room, needed - 1)
    monkeypatch.setattr(batches, "Tensors", Tensors)
    monkeypatch.setattr(app.state.service, "room", Room(needed))
    assert shapes.post("/v2/models/pairs/infer", content=body).status_code == 200


def test_larger_networks_take_smaller_pieces(shapes: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that others have their turn in between."""
    taken: list[int] = []
    fill = Tensors.fill

    def counted(tensors: Tensors, start: int, some: Any) -> None:
        assert (some.dtype, start) == (np.float64, sum(taken))
        taken.append(len(some))
        fill(tensors, start, some)

    monkeypatch.setattr(Tensors, "fill", counted)
    infer(shapes, "tiny", request(np.zeros((40, 8, 8), np.uint8)))
    assert taken == [32, 8]
    taken.clear()
    infer(shapes, "single", request(np.zeros((40, 28, 28), np.uint8), ["shapley"]))
    assert sum(taken) == 40
    assert max(taken) < 32


@pytest.mark.threat("validation as a weapon")
@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_fields_without_number_are_not_complained_of(client: TestClient, path: str) -> None:
    """Each of 600,000 unknown ones had an error of its own, in 800 MiB."""
    body = b"{%s}" % b",".join(b'"%d":1' % number for number in range(600_000))
    before = peak_from_now()
    detail = "body: must hold at most 1,000 fields; /docs shows those that it has"
    check(client.post(path, content=body), 422, "invalid-parameter", detail)
    # The body itself comes in one piece and is copied a few times.
    assert peak() < before + 8 * len(body) / 2**20
    few = b'{%s,"id":"%s"}' % (b",".join(b'"%d":1' % number for number in range(500)), b":" * 250)
    answer = client.post(path, content=few)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 2)


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_more_than_eight_mebibytes(client: TestClient, path: str) -> None:
    check(client.post(path, content=bytes(MAX_BODY + 1)), 413, "content-too-large", TOO_LARGE)
    chunks = (bytes(2**20) for _ in range(9))
    check(client.post(path, content=chunks), 413, "content-too-large", TOO_LARGE)


def test_what_is_held_of_a_request() -> None:
    network = random_weights(ARCHITECTURES["tiny"], 1)
    taken = np.zeros((3, 8, 8), np.uint8)
    text = json.dumps(request(taken)).encode()
    assert infer_batch(text, None, "tiny", network).images.size == 3 * 64
    floats = json.dumps(request(taken / 255)).encode()
    assert infer_batch(floats, None, "tiny", network).images.size == 3 * 64 * 4
    body, headers = in_bytes(request(taken), taken)
    assert infer_batch(body, headers[LENGTH], "tiny", network).images.size == len(body)
