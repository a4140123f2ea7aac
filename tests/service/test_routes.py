"""What the operations on an image answer: the result of the library, and what is known of it by other means.

That these results are right is tested with ``models``.
"""

import json
from collections.abc import Callable
from html import unescape
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic_core import to_json

from konkyo.models.contributions import explain_filters, explain_process
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.occlusion import Score, explain_occlusion
from konkyo.models.hiding.regions import FillKind, Hiding, Regions, filled
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.models.network import Array, Network, softmax
from konkyo.models.result import predict
from konkyo.models.usage import Usage
from konkyo.service import drawing
from konkyo.service.drawing.primitives.canvas import Canvas
from tests.helpers.any_network import torch_layers
from tests.helpers.oracles import slow_trace
from tests.helpers.pictures import decode, encode, pixels, sample
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload

BLANK = encode(np.zeros((28, 28), np.uint8))
PAIRED, SUMMED, LENET = SHIPPED = ("paired-3x3", "summed-3x3", "lenet-6x16")


def checkpoint_of(client: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = client.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


def ask(client: TestClient, operation: str, data: bytes = sample(7), **query: Any) -> Any:
    path = "/predict" if operation == "predict" else f"/explain/{operation}"
    answer = client.post(path, params=query, files={"file": data})
    assert answer.status_code == 200, answer.text
    return answer.json()


def close(found: Any, expected: Any, within: float = 1e-11) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=within)


# --- One result, as JSON and as a picture


# The fields in JSON and the picture of a result of the library.
Answer = tuple[dict[str, Any], Callable[[], Canvas]]
Ask = Callable[[Network, Array, Usage | None], Answer]


def of_filters(detail: str = "none", top: int | None = None, **asked: Any) -> Ask:
    def ask(network: Network, image: Array, usage: Usage | None) -> Answer:
        result = explain_filters(network, image, usage=usage, **asked)
        parts = {"totals": detail != "none", "maps": detail == "full"}
        return result.to_dict(top, **parts), lambda: drawing.ledger(result)

    return ask


def of_occlusion(region: int = 2, stride: int | None = None, fill: float | FillKind = 0.0, **asked: Any) -> Ask:
    def ask(network: Network, image: Array, _: Usage | None) -> Answer:
        hiding = Hiding(Regions(region, stride or region, network.architecture.side), fill)
        result = explain_occlusion(network, image, hiding=hiding, **asked)
        return result.to_dict(), lambda: (drawing.pair_drops if asked.get("pairs") else drawing.occlusion)(result)

    return ask


def of_shapley(**asked: Any) -> Ask:
    def ask(network: Network, image: Array, _: Usage | None) -> Answer:
        result = explain_shapley(network, image, **asked)
        draw = drawing.interactions if asked.get("interacting") else drawing.shapley
        return result.to_dict(), lambda: draw(result)

    return ask


def of_process(**asked: Any) -> Ask:
    def ask(network: Network, image: Array, usage: Usage | None) -> Answer:
        result = explain_process(network, image, usage=usage, **asked)
        return result.to_dict(), lambda: drawing.process(result)

    return ask


def of_prediction(network: Network, image: Array, _: Usage | None) -> Answer:
    result = predict(network, image)
    return result.to_dict(), lambda: drawing.prediction(result)


def of_grounds(*options: Any, hide: tuple[tuple[int, int], ...] = ()) -> Ask:
    def ask(network: Network, image: Array, _: Usage | None) -> Answer:
        result = grounds(network, image, *options, hide=hide)
        return result.to_dict(), lambda: drawing.grounds(result)

    return ask


QUESTIONS: dict[str, Ask] = {
    "predict?": of_prediction,
    "explain/filters?": of_filters(),
    "explain/filters?maps=totals&versus=3": of_filters("totals", versus=3),
    "explain/filters?maps=full&target=8&versus=3": of_filters("full", target=8, versus=3),
    "explain/filters?top=3&target=1": of_filters(top=3, target=1),
    "explain/occlusion?": of_occlusion(),
    "explain/occlusion?score=probability&region=12&stride=5&fill=0.5&target=9": of_occlusion(
        12, 5, 0.5, score=Score.PROBABILITY, target=9
    ),
    "explain/occlusion?pairs=true&versus=3&region=5&fill=blur": of_occlusion(
        5, fill=FillKind.BLUR, pairs=True, versus=3
    ),
    "explain/occlusion?faithfulness=true&region=7": of_occlusion(7, faithful=True),
    "explain/shapley?": of_shapley(),
    "explain/shapley?pairs=true&versus=3&target=5": of_shapley(pairs=True, versus=3, target=5),
    "explain/shapley?interactions=true&fill=background": of_shapley(interacting=True, fill=FillKind.BACKGROUND),
    "explain/shapley?faithfulness=true&region=14&fill=0.25": of_shapley(faithful=True, region=14, fill=0.25),
    "explain/grounds?": of_grounds(),
    "explain/grounds?region=9&fill=0.4": of_grounds(9, 0.4),
    "explain/grounds?hide=3.2-2.2-4.4": of_grounds(hide=((3, 2), (2, 2), (4, 4))),
    "explain/process?": of_process(),
    "explain/process?target=3&versus=8&top=2": of_process(target=3, versus=8, top=2),
}


@pytest.mark.parametrize("asked", QUESTIONS)
@pytest.mark.parametrize("model", SHIPPED)
def test_an_answer_is_the_result_of_the_library(client: TestClient, model: str, asked: str) -> None:
    catalogue = client.app.state.service.catalogue  # type: ignore[attr-defined]
    checkpoint = catalogue.get(model)
    fields, draw = QUESTIONS[asked](checkpoint.precise, pixels(7) / 255, catalogue.usage(checkpoint))
    answer = client.post(f"/{asked}&model={model}", files={"file": sample(7)}).json()
    assert answer.pop("model") == {"name": model, "sha256": checkpoint.sha256}
    assert answer.pop("input")["warnings"] == []
    assert answer == json.loads(to_json(fields))
    if not {"maps", "top", "faithfulness"} & {one.partition("=")[0] for one in asked.partition("?")[2].split("&")}:
        picture = client.post(f"/{asked}&model={model}&format=png", files={"file": sample(7)})
        assert picture.content == draw().encode()


# The side of the regions in every combination: the smallest with at most nine a cell, or 16 in all. By hand: cells see
# 12, 13, 12, 16, 6, 4, 8 and 10 pixels a side, 4, 4, 4, 4, 2, 2, 8 and 4 apart. In grounds, those of colour have a
# quarter of the side, and of a single stage 196 would play.
USUAL = {
    "colour": (4, 8),
    "deep": (7, 7),
    "hidden": (7, 7),
    "kernels": (7, 7),
    "single": (2, 7),
    "single-colour": (2, 2),
    "tiny": (3, 3),
    "wide": (4, 4),
}


@pytest.mark.parametrize("name", USUAL)
def test_networks_of_any_shape_are_asked_the_same(shapes: TestClient, path: str, name: str) -> None:
    """With the regions that are usual for each, and in PyTorch's numbers."""
    network, (image, file) = checkpoint_of(shapes, name).precise, upload(ARCHITECTURES[name])
    of_all, of_proofs = USUAL[name]
    calls: dict[str, tuple[Ask, str]] = {
        "/predict": (of_prediction, ""),
        "/explain/filters": (of_filters("full", target=1, versus=0), "target=1&versus=0&maps=full"),
        "/explain/occlusion": (of_occlusion(fill=FillKind.BACKGROUND, target=1), "fill=background&target=1"),
        "/explain/shapley": (of_shapley(region=of_all, target=1), "target=1"),
        "/explain/grounds": (of_grounds(of_proofs, FillKind.BLUR if name == "deep" else 0.0), ""),
        "/explain/process": (of_process(target=1, versus=0), "target=1&versus=0"),
    }
    query = calls[path][1]
    if path == "/explain/grounds":
        query = {"single": "region=7", "deep": "fill=blur"}.get(name, "")
    answer = shapes.post(f"{path}?model={name}&{query}", files=file).json()
    assert answer.pop("model")["name"] == name
    assert (answer["input"]["width"], answer.pop("input")["fitted"]) == (ARCHITECTURES[name].side, False)
    fields, draw = calls[path][0](network, image, None)
    assert answer == json.loads(to_json(fields))
    shape = ARCHITECTURES[name]
    given = image.reshape(1, shape.channels, shape.side, shape.side)
    logits = torch_layers(network, given)[-1].numpy()[0]
    assert answer["predicted"] == logits.argmax()
    if "logits" in answer:
        close(answer["logits"], logits)
    if "maps=full" not in query:
        assert shapes.post(f"{path}?model={name}&{query}&format=png", files=file).content == draw().encode()


@pytest.mark.parametrize("name", [name for name in USUAL if name not in ("hidden", "deep", "wide")])
def test_regions_are_split_by_pair(shapes: TestClient, name: str) -> None:
    shape, (image, file) = ARCHITECTURES[name], upload(ARCHITECTURES[name])
    region = 4 if shape.side < 28 else 8
    for operation, call in (
        ("occlusion", of_occlusion(region, pairs=True)),
        ("shapley", of_shapley(region=region, pairs=True)),
    ):
        answer = ask(shapes, operation, file["file"], model=name, pairs=True, region=region)
        fields, _ = call(checkpoint_of(shapes, name).precise, image, None)
        assert np.shape(answer["pairs"]) == (*answer["grid"], *shape.pairs)
        assert answer["pairs"] == json.loads(to_json(fields))["pairs"]


def test_what_a_network_cannot_answer_is_said_before(shapes: TestClient) -> None:
    """test_refusals.py asks for it nevertheless."""
    explains = {one["operation"]: one for one in shapes.get("/models/huge").json()["explains"]}
    for operation in ("filters", "process"):
        why = explains[operation]["cannot"][0]
        assert why == {"what": "image", "why": "one image takes this network more than 64 MiB"}
    assert explains["shapley"]["regions"] == explains["grounds"]["regions"] == explains["predict"]["cannot"] == []
    assert explains["occlusion"]["regions"] == [32]
    file = upload(EXTREMES["huge"])[1]["file"]
    assert ask(shapes, "predict", file, model="huge")["model"]["name"] == "huge"
    assert ask(shapes, "occlusion", file, model="huge")["region"] == 32


# --- What is known by other means


@pytest.mark.parametrize("model", SHIPPED)
def test_the_numbers_are_those_of_a_slow_forward_pass(client: TestClient, model: str) -> None:
    body, image = ask(client, "predict", sample(2), model=model), pixels(2) / 255
    trace = slow_trace(checkpoint_of(client, model).network, image)
    close(body["logits"], trace.logits, 1e-10)
    close(body["probabilities"], np.exp(trace.logits) / np.exp(trace.logits).sum(), 1e-12)
    assert (body["predicted"], body["label"], body["probability"]) == (2, "2", body["probabilities"][2])
    assert list(body) == ["predicted", "label", "probability", "probabilities", "logits", "input", "model"]
    process = ask(client, "process", sample(2), model=model)
    for number, stage in enumerate(process["stages"], 1):
        close(stage["convolution"], getattr(trace, f"conv{number}"), 1e-10)
        close(stage["maps"], getattr(trace, f"pool{number}"), 1e-10)


@pytest.mark.parametrize("model", SHIPPED)
def test_each_step_can_be_computed_by_hand_from_the_weights(client: TestClient, model: str) -> None:
    weights, process = client.get(f"/models/{model}/weights").json(), ask(client, "process", model=model)
    image, (first, second) = np.array(process["image"]), weights["stages"]
    below, last = (np.array(stage["maps"]) for stage in process["stages"])
    for number, responses in enumerate(process["stages"][0]["convolution"]):
        expected = (image[9:14, 11:16] * first["filters"][number][0]).sum() + first["bias"][number]
        assert responses[9][11] == pytest.approx(expected)
        assert below[number][4][5] == pytest.approx(max(0, *responses[8][10:12], *responses[9][10:12]))
    for number, responses in enumerate(process["stages"][1]["convolution"]):
        source, kernels = divmod(number, len(second["filters"]))
        inputs = below[source : source + 1] if model == PAIRED else below
        found = (inputs[:, 3:6, 2:5] * second["filters"][kernels]).sum() + second["bias"][kernels]
        assert responses[3][2] == pytest.approx(found)
    [head] = weights["head"]
    assert process["logits"] == pytest.approx((np.array(head["weights"]) @ last.ravel() + head["bias"]).tolist())


@pytest.mark.parametrize("model", SHIPPED)
@pytest.mark.parametrize("versus", [None, 3])
def test_the_ledger_adds_up(client: TestClient, model: str, versus: int | None) -> None:
    contrast: dict[str, Any] = {} if versus is None else {"versus": versus}
    body = ask(client, "filters", model=model, target=8, maps="full", **contrast)
    logits = ask(client, "predict", model=model)["logits"]
    expected = logits[8] - (0 if versus is None else logits[versus])
    contributions = np.array(body["contributions"])
    whole = contributions.sum() + np.sum(body["filter_bias"]) + body["class_bias"]
    assert body["logit"] == pytest.approx(expected, abs=1e-10)
    assert whole + body["residual"] == pytest.approx(expected, abs=1e-10)
    assert abs(body["residual"]) < 1e-10
    close(np.sum(body["maps"], axis=(2, 3)), contributions, 1e-10)
    assert [one["contribution"] for one in body["ranking"]] == sorted(contributions.ravel(), reverse=True)
    for pair in body["ranking"]:
        assert pair["contribution"] == contributions[pair["map"], pair["filter"]]
        assert pair["share"] == pytest.approx(pair["contribution"] / np.abs(contributions).sum())
    # The steps of the process are those of the ledger.
    process = ask(client, "process", model=model, target=8, **contrast)
    totals = np.array(process["contributions"])
    close(totals[8] - (0 if versus is None else totals[versus]), contributions, 1e-10)


def test_a_short_ranking_sums_up_the_others(shapes: TestClient) -> None:
    file = upload(ARCHITECTURES["wide"])[1]["file"]
    flat = np.array(ask(shapes, "filters", file, model="wide", target=3)["contributions"]).ravel()
    body = ask(shapes, "filters", file, model="wide", target=3, top=5)
    assert "contributions" not in body
    five = sorted(np.argsort(-np.abs(flat))[:5], key=lambda pair: -flat[pair])
    assert [(one["map"], one["filter"]) for one in body["ranking"]] == [divmod(int(pair), 20) for pair in five]
    listed = sum(one["contribution"] for one in body["ranking"])
    assert body["others"] == {"pairs": 355, "contribution": pytest.approx(flat.sum() - listed, abs=1e-10)}
    every = ask(shapes, "filters", upload(ARCHITECTURES["tiny"])[1]["file"], model="tiny", top=256)
    assert (len(every["ranking"]), every["others"]) == (6, {"pairs": 0, "contribution": 0.0})


def test_a_process_with_many_maps_shows_those_that_matter(shapes: TestClient) -> None:
    image, file = upload(ARCHITECTURES["wide"])
    body = ask(shapes, "process", file["file"], model="wide", top=3, target=1, versus=0)
    added = np.abs(np.subtract(body["contributions"][1], body["contributions"][0]))
    layers = torch_layers(checkpoint_of(shapes, "wide").precise, image[None, None])
    for stage, worth, layer in zip(body["stages"], (added.sum(1), added.sum(0)), layers, strict=False):
        assert stage["shown"] == sorted(np.argsort(-worth)[:3].tolist())
        close(stage["maps"], layer.numpy()[0][stage["shown"]])
    assert len(body["pairs"]) == 3


def test_occlusion_is_brute_force_over_its_regions(client: TestClient) -> None:
    """Of the last column, where one region is cut off at the edge; and critical regions are those that change it."""
    body = ask(client, "occlusion", sample(9), region=12, stride=5, fill=0.5, score="probability", target=4)
    network, image = checkpoint_of(client, PAIRED).precise, pixels(9) / 255
    hidden = np.repeat(image[None], 25, 0)
    for number, (row, column) in enumerate(np.ndindex(5, 5)):
        hidden[number, 5 * row : 5 * row + 12, 5 * column : 5 * column + 12] = 0.5
    logits = np.array([slow_trace(network, one).logits for one in (image, hidden[4], hidden[24])])
    close(softmax(network.logits(hidden))[[4, 24]], softmax(logits[1:]), 1e-12)
    after = softmax(network.logits(hidden))
    close(body["drop"], (body["whole"] - after[:, 4]).reshape(5, 5), 1e-12)
    assert body["whole"] == pytest.approx(softmax(logits[0])[4], abs=1e-12)
    assert body["prediction"] == after.argmax(1).reshape(5, 5).tolist()
    assert body["critical"] == [
        {
            "row": row,
            "column": column,
            "box": [5 * column, 5 * row, min(5 * column + 12, 28), min(5 * row + 12, 28)],
            "predicted": int(after[5 * row + column].argmax()),
            "label": str(after[5 * row + column].argmax()),
        }
        for row, column in np.ndindex(5, 5)
        if after[5 * row + column].argmax() != 9
    ]
    assert len(body["critical"]) == 2


@pytest.mark.parametrize("name", ["colour", "deep"])
def test_the_background_is_the_median_of_each_channels_border(shapes: TestClient, name: str) -> None:
    image, file = upload(ARCHITECTURES[name])
    body = ask(shapes, "occlusion", file["file"], model=name, fill="background", region=8, target=1)
    images = np.repeat(image.reshape(1, -1, *image.shape[-2:]), 2, 0)
    border = np.ones(image.shape[-2:], bool)
    border[1:-1, 1:-1] = False
    images[1, :, 8:16, 16:24] = np.median(images[0][:, border], axis=1)[:, None, None]
    network = checkpoint_of(shapes, name).precise
    whole, without = (torch_layers(network, one[None])[-1].numpy()[0, 1] for one in images)
    assert whole != pytest.approx(without, abs=1e-3)
    assert body["whole"] == pytest.approx(whole, abs=1e-11)
    assert body["drop"][1][2] == pytest.approx(whole - without, abs=1e-11)


@pytest.mark.parametrize("polarity", ["light-on-dark", "dark-on-light"])
@pytest.mark.parametrize(
    ("grey", "fill"), [(51, 0.2), (102, 0.4), (3, 3 / 255), (254, 254 / 255), (255, 1.0), (0, 0.0)]
)
def test_hiding_with_the_papers_own_grey_drops_exactly_nothing(
    client: TestClient, grey: int, fill: float, polarity: str
) -> None:
    """By either way of computing it, and however the file says it: a drop of 1e-8 on paper would be a lie."""
    even = np.full((28, 28), grey, np.uint8)
    data = encode(even if polarity == "light-on-dark" else 255 - even)
    for model, region, stride in ((PAIRED, 2, 2), (LENET, 8, 1)):
        body = ask(client, "occlusion", data, model=model, polarity=polarity, fill=fill, region=region, stride=stride)
        assert body["input"]["inverted"] is (polarity == "dark-on-light")
        assert not np.any(body["drop"])
        assert body["critical"] == []


@pytest.mark.parametrize("polarity", ["auto", "dark-on-light"])
def test_hiding_grey_paper_beside_ink_drops_exactly_nothing(client: TestClient, polarity: str) -> None:
    """A dark digit on light grey paper, 204: inverted the paper is 51, which is 0.2."""
    ink = np.where(pixels(7) > 127, 0, 204).astype(np.uint8)
    body = ask(client, "occlusion", encode(ink), polarity=polarity, fill=0.2, pairs=True)
    assert body["input"]["inverted"] is True
    inked = (ink == 0).reshape(14, 2, 14, 2).any((1, 3))
    assert not np.array(body["drop"])[~inked].any()
    assert not np.array(body["pairs"])[~inked].any()
    assert np.array(body["drop"])[inked].all()


@pytest.mark.parametrize("operation", ["occlusion", "shapley"])
def test_the_values_are_more_faithful_than_chance(client: TestClient, operation: str) -> None:
    found = ask(client, operation, sample(8), faithfulness=True)["faithfulness"]
    assert found["deletion"] < found["random_deletion"]
    assert found["insertion"] > found["random_insertion"]


@pytest.mark.parametrize("query", [{}, {"target": 2}, {"model": SUMMED, "versus": 1}], ids=str)
def test_shapley_values_add_up_over_regions_and_over_pairs(client: TestClient, query: dict[str, Any]) -> None:
    body = ask(client, "shapley", sample(5), pairs=True, **query)
    values, pairs, biases = (np.array(body[name]) for name in ("values", "pairs", "filter_bias"))
    assert (values.shape, pairs.shape, biases.shape) == ((7, 7), (7, 7, 3, 3), (7, 7, 3))
    assert body["empty"]["logit"] + values.sum() + body["residual"] == pytest.approx(body["logit"], abs=1e-12)
    close(pairs.sum((2, 3)) + biases.sum(2), values, 1e-10)
    whole, empty = (
        np.array(ask(client, "filters", data, **query, **({} if "target" in query else {"target": 5}))["contributions"])
        for data in (sample(5), BLANK)
    )
    close(pairs.sum((0, 1)), whole - empty, 1e-10)
    ink = pixels(5).reshape(7, 4, 7, 4).max((1, 3)) > 0
    assert values[ink].all()
    assert not values[~ink].any()


def test_only_regions_that_some_cell_sees_together_interact(client: TestClient) -> None:
    """On the paper's network a cell sees 3×3 regions of 4×4; of those without ink nothing is hidden."""
    body = ask(client, "shapley", interactions=True)
    ink = pixels(7).reshape(7, 4, 7, 4).max((1, 3)) > 0
    near = {
        (one, other)
        for one, other in combinations(np.ndindex(7, 7), 2)
        if ink[one] and ink[other] and max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= 2
    }
    assert {tuple(map(tuple, one["regions"])) for one in body["interactions"]} == near
    greatest = [abs(one["value"]) for one in body["interactions"]]
    assert greatest == sorted(greatest, reverse=True)


def test_an_empty_image_has_no_values_and_nothing_to_hide(client: TestClient) -> None:
    body, prediction, proof = (ask(client, one, BLANK) for one in ("shapley", "predict", "grounds"))
    assert not np.array(body["values"]).any()
    assert body["empty"]["predicted"] == prediction["predicted"] == proof["empty"]["predicted"]
    assert body["logit"] == body["empty"]["logit"] == pytest.approx(prediction["logits"][prediction["predicted"]])
    assert (proof["players"], proof["sufficient"]["regions"], proof["contrast"]) == ([], [], None)
    assert proof["sufficient"]["combinations"] == 1


def test_a_seven_of_the_documents_is_another_digit_without_its_contrast(client: TestClient) -> None:
    body = ask(client, "grounds")
    players = np.argwhere(pixels(7).reshape(7, 4, 7, 4).max((1, 3)) > 0)
    assert (body["players"], body["region"], body["grid"]) == (players.tolist(), 4, [7, 7])
    proof = body["sufficient"]
    assert proof["combinations"] == 2 ** (len(players) - len(proof["regions"]))
    assert proof["boxes"] == [[4 * c, 4 * r, 4 * c + 4, 4 * r + 4] for r, c in proof["regions"]]
    hidden = pixels(7).copy()
    for left, top, right, bottom in body["contrast"]["boxes"]:
        hidden[top:bottom, left:right] = 0
    assert ask(client, "predict", encode(hidden))["predicted"] == body["contrast"]["predicted"] != 7


@pytest.mark.parametrize("fill", ["0", "blur"])
def test_regions_can_be_hidden_to_see_what_is_predicted_then(client: TestClient, fill: str) -> None:
    found = ask(client, "grounds", sample(9), hide="3.2-2.2-4.4", fill=fill)["hidden"]
    network, shown = checkpoint_of(client, PAIRED).precise, pixels(9) / 255
    gone = np.asarray(filled(shown, FillKind.BLUR if fill == "blur" else 0.0))
    shown = shown.copy()
    for row, column in ((3, 2), (2, 2), (4, 4)):
        area = np.s_[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        shown[area] = gone[area]
    logits = network.logits(shown)
    assert found["regions"] == [[2, 2], [3, 2], [4, 4]]
    assert found["boxes"] == [[8, 8, 12, 12], [8, 12, 12, 16], [16, 16, 20, 20]]
    assert (found["predicted"], found["label"]) == (logits.argmax(), str(logits.argmax()))
    assert found["probability"] == pytest.approx(softmax(logits).max(), abs=1e-12)
    said = f"With 3 regions hidden, {found['label']} is predicted, {found['probability']:.1%}."
    for hide, there in (("", False), ("&hide=3.2-2.2-4.4", True)):
        question = f"/explain/grounds?format=svg&fill={fill}{hide}"
        assert (said in unescape(client.post(question, files={"file": sample(9)}).text)) == there


@pytest.mark.parametrize("name", ["colour", "tiny"])
def test_a_large_picture_is_brought_to_the_networks_size(shapes: TestClient, path: str, name: str) -> None:
    channels = ARCHITECTURES[name].channels
    large = np.random.default_rng(7).integers(0, 256, (60, 60, channels)).astype(np.uint8)
    data = encode(large if channels == 3 else large[..., 0])
    bodies = [
        shapes.post(path, params={"model": name, "fit": fit}, files={"file": data}).json() for fit in ("auto", "resize")
    ]
    assert bodies[0] == bodies[1]
    assert (bodies[0]["input"]["width"], bodies[0]["input"]["fitted"]) == (60, False)


def test_filters_come_as_a_picture_of_any_network(shapes: TestClient) -> None:
    for name in ARCHITECTURES:
        answer = shapes.get(f"/models/{name}/filters", params={"format": "png"})
        expected = drawing.usage(name, checkpoint_of(shapes, name).network, None).encode()
        assert (decode(answer.content) == decode(expected)).all()
