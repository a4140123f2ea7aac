"""Networks of any shape are answered for: sides, colour, stages, hidden layers, kernels. Values are those of models."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import explain_filters, explain_process
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.occlusion import explain_occlusion
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.models.network import Network
from tests.helpers.any_network import torch_layers
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload

# The side of the regions in every combination: the smallest with at most nine a cell, or 16 in all. By hand: cells see
# 12, 13, 12, 16, 6, 4, 8 and 10 pixels a side, 4, 4, 4, 4, 2, 2, 8 and 4 apart.
USUAL = {
    "colour": 4,
    "deep": 7,
    "hidden": 7,
    "kernels": 7,
    "single": 2,
    "single-colour": 2,
    "tiny": 3,
    "wide": 4,
}


@pytest.fixture(params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    """Each of the networks."""
    value: str = request.param
    return value


def checkpoint(shapes: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = shapes.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


def network(shapes: TestClient, name: str) -> Network:
    return checkpoint(shapes, name).precise


def ask(shapes: TestClient, path: str, name: str, **parameters: Any) -> Any:
    answer = shapes.post(path, params={"model": name, **parameters}, files=upload(ARCHITECTURES[name])[1])
    assert answer.status_code == 200, answer.text
    return answer.json()


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def batch(architecture: Architecture) -> Any:
    """(1, channels, side, side): the sample for PyTorch."""
    return upload(architecture)[0].reshape(1, architecture.channels, architecture.side, architecture.side)


def test_the_prediction_is_pytorchs(shapes: TestClient, name: str) -> None:
    body = ask(shapes, "/predict", name)
    logits = torch_layers(network(shapes, name), batch(ARCHITECTURES[name]))[-1].numpy()[0]
    close(body["logits"], logits)
    assert body["predicted"] == logits.argmax()
    assert body["label"] == str(logits.argmax())


def test_the_list_says_the_shape(shapes: TestClient, name: str) -> None:
    [summary] = [one for one in shapes.get("/models").json()["models"] if one["name"] == name]
    shape = ARCHITECTURES[name]
    assert summary == {
        "name": name,
        "input": {"channels": shape.channels, "side": shape.side},
        "stages": [asdict(stage) for stage in shape.stages],
        "head": {"hidden": list(shape.hidden)},
        "parameters": shape.parameters,
        "classes": [str(number) for number in range(shape.classes)],
        "dataset": "some",
        "preprocessing": "mnist" if (shape.side, shape.channels) == (28, 1) else "resize",
        "accuracy": 1.0,
        "sha256": checkpoint(shapes, name).sha256,
    }


def test_the_filters_and_weights_are_the_networks(shapes: TestClient, name: str) -> None:
    filters, weights = (shapes.get(f"/models/{name}/{what}").json() for what in ("filters", "weights"))
    kept = network(shapes, name)
    shape = kept.architecture
    assert filters["usage"] is None
    assert len(filters["stages"]) == len(weights["stages"]) == len(shape.stages)
    for number, (one, other) in enumerate(zip(filters["stages"], weights["stages"], strict=True), 1):
        expected = kept.weights[f"conv{number}.weight"]
        assert one["shape"] == list(expected.shape)
        assert np.array_equal(one["filters"], expected)
        assert np.array_equal(other["filters"], expected)
        assert np.array_equal(other["bias"], kept.weights[f"conv{number}.bias"])
    assert len(weights["head"]) == len(shape.hidden) + 1
    names = [*(f"hidden{number}" for number in range(1, len(shape.hidden) + 1)), "affine"]
    for layer, one in zip(names, weights["head"], strict=True):
        assert np.array_equal(one["weights"], kept.weights[f"{layer}.weight"])
        assert np.array_equal(one["bias"], kept.weights[f"{layer}.bias"])


@pytest.mark.parametrize("versus", [False, True])
def test_contributions_are_those_of_models(shapes: TestClient, name: str, versus: bool) -> None:
    classes: dict[str, int] = {"target": 1, "versus": 0} if versus else {}
    body = ask(shapes, "/explain/filters", name, maps="full", **classes)
    image = upload(ARCHITECTURES[name])[0]
    result = explain_filters(network(shapes, name), image, classes.get("target"), classes.get("versus"))
    close(body["contributions"], result.account.contributions)
    close(body["totals"], result.totals)
    close(body["maps"], result.account.maps)
    close(body["filter_bias"], result.account.filter_bias)
    assert body["class_bias"] == pytest.approx(result.account.class_bias, abs=1e-12)
    added = np.sum(body["contributions"]) + np.sum(body["filter_bias"]) + body["class_bias"] + body["residual"]
    assert added == pytest.approx(body["logit"], abs=1e-10)
    assert [asdict(one) for one in result.account.ranking()] == body["ranking"]
    assert "others" not in body
    assert body["typicality"] is None


def test_a_short_ranking(shapes: TestClient) -> None:
    whole = ask(shapes, "/explain/filters", "wide", target=3)
    contributions = np.array(whole["contributions"])
    assert contributions.shape == (18, 20)
    body = ask(shapes, "/explain/filters", "wide", target=3, top=5)
    assert "contributions" not in body
    flat = contributions.ravel()
    five = sorted(np.argsort(-np.abs(flat))[:5], key=lambda pair: -flat[pair])
    assert [(one["map"], one["filter"]) for one in body["ranking"]] == [divmod(int(pair), 20) for pair in five]
    assert [one["contribution"] for one in body["ranking"]] == [flat[pair] for pair in five]
    assert body["others"]["pairs"] == 355
    listed = sum(one["contribution"] for one in body["ranking"])
    assert body["others"]["contribution"] == pytest.approx(flat.sum() - listed, abs=1e-10)
    assert listed + body["others"]["contribution"] + sum(body["filter_bias"]) + body["class_bias"] == pytest.approx(
        body["logit"], abs=1e-9
    )
    all_of_them = ask(shapes, "/explain/filters", "tiny", top=256)
    assert (len(all_of_them["ranking"]), all_of_them["others"]) == (6, {"pairs": 0, "contribution": 0.0})


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"top": 0}, "top: must be greater than or equal to 1"),
        ({"top": 257}, "top: must be less than or equal to 256"),
        ({"top": 3, "maps": "full"}, "top: is not for maps, which are of all pairs; leave one of them out"),
        ({"top": 3, "maps": "totals"}, "top: is not for maps, which are of all pairs; leave one of them out"),
        ({"top": 3, "format": "png"}, "top: is for JSON; ask for format=json, or leave it out"),
    ],
)
def test_a_short_ranking_that_cannot_be(shapes: TestClient, parameters: dict[str, Any], detail: str) -> None:
    answer = shapes.post("/explain/filters", params=parameters, files=upload(ARCHITECTURES["deep"])[1])
    check_problem(answer, 422, "invalid-parameter", detail)


def test_regions_one_by_one(shapes: TestClient, name: str) -> None:
    body = ask(shapes, "/explain/occlusion", name, target=1)
    side = ARCHITECTURES[name].side
    rows = -(-side // 2)
    assert (body["region"], body["stride"], body["grid"]) == (2, 2, [rows, rows])
    image = upload(ARCHITECTURES[name])[0]
    result = explain_occlusion(network(shapes, name), image, 1, hiding=Hiding(Regions(2, side=side)))
    close(body["drop"], result.occlusion.drop)
    assert np.array_equal(body["prediction"], result.occlusion.prediction)
    hidden = image.copy()
    hidden[..., 2:4, 0:2] = 0
    logits = torch_layers(network(shapes, name), hidden.reshape(batch(ARCHITECTURES[name]).shape))[-1].numpy()[0]
    assert body["drop"][1][0] == pytest.approx(body["whole"] - logits[1], abs=1e-11)


def test_every_combination_of_regions(shapes: TestClient, name: str) -> None:
    body = ask(shapes, "/explain/shapley", name)
    image, region = upload(ARCHITECTURES[name])[0], USUAL[name]
    rows = -(-ARCHITECTURES[name].side // region)
    assert (body["region"], body["grid"]) == (region, [rows, rows])
    result = explain_shapley(network(shapes, name), image, region=region)
    close(body["values"], result.values)
    assert np.sum(body["values"]) + body["empty"]["logit"] + body["residual"] == pytest.approx(body["logit"], abs=1e-10)


def test_regions_that_prove_the_class(shapes: TestClient, name: str) -> None:
    """Photographs have something everywhere, so that regions of a colour image are a quarter of its side."""
    architecture = ARCHITECTURES[name]
    region = {"colour": 8, "single-colour": 2, "single": 7}.get(name, USUAL[name])
    # With 196 regions that all play, the single stage would take too much.
    body = ask(shapes, "/explain/grounds", name, **({"region": 7} if name == "single" else {}))
    rows = -(-architecture.side // region)
    assert (body["region"], body["grid"]) == (region, [rows, rows])
    # A pool drops an odd last row, so that the last pixel of nine is seen by no cell.
    seen = 8 if name == "single-colour" else architecture.side
    image = upload(architecture)[0].reshape(-1, architecture.side, architecture.side)[:, :seen, :seen]
    inked = [
        [row, column]
        for row in range(rows)
        for column in range(rows)
        if image[:, region * row : region * (row + 1), region * column : region * (column + 1)].any()
    ]
    assert body["players"] == inked
    found = grounds(network(shapes, name), upload(architecture)[0], region)
    assert body["sufficient"]["regions"] == [list(place) for place in found.sufficient.regions]
    assert body["sufficient"]["margin"] == pytest.approx(found.sufficient.margin, abs=1e-11)
    kept = np.zeros(architecture.image_shape, bool)
    for left, top, right, bottom in body["sufficient"]["boxes"]:
        kept[..., top:bottom, left:right] = True
    hidden = np.where(kept, upload(architecture)[0], 0).reshape(batch(architecture).shape)
    assert torch_layers(network(shapes, name), hidden)[-1].numpy()[0].argmax() == body["predicted"]


@pytest.mark.parametrize("path", ["/explain/occlusion", "/explain/shapley"])
def test_regions_by_pair(shapes: TestClient, name: str, path: str) -> None:
    architecture, region = ARCHITECTURES[name], 4 if ARCHITECTURES[name].side < 28 else 8
    parameters: dict[str, Any] = {"model": name, "pairs": True, "region": region, "target": 1}
    answer = shapes.post(path, params=parameters, files=upload(architecture)[1])
    if architecture.hidden:
        detail = "pairs: with hidden affine layers the head differs from hiding to hiding; ask without pairs"
        check_problem(answer, 422, "invalid-parameter", detail)
        return
        # Small regions of kernels that see many of them.
        assert name in ("deep", "wide")
        assert path == "/explain/shapley"
        return
    pairs = np.array(answer.json()["pairs"])
    rows = -(-architecture.side // region)
    assert pairs.shape == (rows, rows, *architecture.pairs)
    hiding = Hiding(Regions(region, side=architecture.side))
    image = upload(architecture)[0]
    if path == "/explain/occlusion":
        close(pairs, explain_occlusion(network(shapes, name), image, 1, hiding=hiding, pairs=True).pairs)
    else:
        split = explain_shapley(network(shapes, name), image, 1, region=region, pairs=True)
        close(pairs, split.pairs)
        close(answer.json()["filter_bias"], split.filter_bias)


@pytest.mark.parametrize("path", ["/explain/occlusion", "/explain/shapley", "/explain/grounds"])
@pytest.mark.parametrize(
    ("name", "region", "message"),
    [
        ("colour", 17, "must be from 1 to 16 pixels, not 17"),
        ("deep", 15, "must be from 1 to 14 pixels, not 15"),
        ("tiny", 5, "must be from 1 to 4 pixels, not 5"),
        ("single-colour", 5, "must be from 1 to 4 pixels, not 5"),
        ("colour", 33, "must be less than or equal to 32"),
        ("colour", 0, "must be greater than or equal to 1"),
    ],
)
def test_regions_are_at_most_half_the_side(shapes: TestClient, path: str, name: str, region: int, message: str) -> None:
    # Refused before the image is read.
    answer = shapes.post(path, params={"model": name, "region": region}, files={"file": b"nothing"})
    check_problem(answer, 422, "invalid-parameter", f"region: {message}")


def test_what_would_take_too_much_is_refused_by_its_cost(shapes: TestClient) -> None:
    answer = shapes.post(
        "/explain/shapley", params={"model": "hidden", "region": 4}, files=upload(ARCHITECTURES["hidden"])[1]
    )
    detail = (
        "region: with hidden affine layers hiding may change at most 16 regions, and it changes 49; "
        "a side of 7 pixels would do"
    )
    check_problem(answer, 422, "invalid-parameter", detail)


def test_what_a_network_cannot_answer_is_said_before(shapes: TestClient) -> None:
    """All that its card says cannot be asked is refused, and the rest is answered."""
    explains = {one["operation"]: one for one in shapes.get("/models/huge").json()["explains"]}
    file, too_large = upload(EXTREMES["huge"])[1], "one image takes this network more than 64 MiB"
    for operation in ("filters", "process"):
        assert explains[operation]["cannot"][0] == {"what": "image", "why": too_large}
        answer = shapes.post(f"/explain/{operation}", params={"model": "huge"}, files=file)
        check_problem(answer, 422, "invalid-parameter", f"model: {too_large}")
    for operation in ("shapley", "grounds"):
        assert explains[operation]["regions"] == []
        answer = shapes.post(f"/explain/{operation}", params={"model": "huge"}, files=file)
        detail = "region: hiding changes 4 regions of this image, and all their combinations take more than 64 MiB"
        check_problem(answer, 422, "invalid-parameter", detail)
    assert explains["predict"]["cannot"] == []
    assert explains["occlusion"]["regions"] == [32]
    assert shapes.post("/predict", params={"model": "huge"}, files=file).status_code == 200
    answer = shapes.post("/explain/occlusion", params={"model": "huge"}, files=file)
    assert (answer.status_code, answer.json()["region"]) == (200, 32)


def test_the_process_in_stages(shapes: TestClient, name: str) -> None:
    body = ask(shapes, "/explain/process", name, target=1, versus=0)
    architecture, image = ARCHITECTURES[name], upload(ARCHITECTURES[name])[0]
    kept = network(shapes, name)
    assert np.array_equal(body["image"], image)
    assert (body["target"], body["versus"]) == (1, 0)
    layers = torch_layers(kept, batch(architecture))
    close(body["logits"], layers[-1].numpy()[0])
    assert len(body["stages"]) == len(architecture.stages)
    for number, (stage, layer) in enumerate(zip(body["stages"], layers, strict=False), 1):
        shown, maps = stage["shown"], layer.numpy()[0]
        filters = [one % architecture.stages[number - 1].filters for one in shown]
        assert stage["count"] == architecture.layer_maps[number] == len(maps)
        assert shown == list(range(len(maps)))  # few enough
        close(stage["maps"], maps[shown])
        assert np.array_equal(stage["filters"], kept.weights[f"conv{number}.weight"][filters])
        assert np.array_equal(stage["bias"], kept.weights[f"conv{number}.bias"][filters])
        side, step = np.shape(stage["convolution"])[-1], architecture.stages[number - 1].step
        assert side // step == maps.shape[-1]
    check_pairs(body, architecture, explain_process(kept, image, 1, 0))


def check_pairs(body: Any, architecture: Architecture, result: Any) -> None:
    """The pairs of a process against each other, and against ``models``."""
    pairs = [(one["map"], one["filter"]) for one in body["pairs"]]
    assert pairs == sorted(pairs)
    contributions = np.array(body["contributions"])
    assert contributions.shape == (architecture.classes, *architecture.pairs)
    close(contributions, result.ledger.contributions)
    difference = contributions[1] - contributions[0]
    most = sorted(np.abs(difference).ravel())[-len(pairs) :]
    assert sorted(abs(difference[pair]) for pair in pairs) == pytest.approx(most)
    filters = architecture.stages[-1].filters
    of_pair = [(i * filters if architecture.stages[-1].paired else 0) + j for i, j in pairs]
    assert body["head_maps"] == sorted(set(of_pair))
    head, passed, maps = (np.array(body[name]) for name in ("head", "passed", "maps"))
    for number, (pair, place) in enumerate(zip(pairs, of_pair, strict=True)):
        k = body["head_maps"].index(place)
        each = head[:, k] * passed[number]
        close(each.sum((-2, -1)), contributions[:, *pair])
        close(maps[number], each[1] - each[0])
    added = contributions.sum((1, 2)) + np.sum(body["filter_bias"], axis=1) + body["class_bias"]
    np.testing.assert_allclose(added, body["logits"], rtol=0, atol=1e-9)


def test_a_process_with_many_maps_shows_those_that_matter(shapes: TestClient) -> None:
    architecture = ARCHITECTURES["wide"]
    whole = ask(shapes, "/explain/process", "wide")
    assert [(stage["count"], len(stage["shown"])) for stage in whole["stages"]] == [(18, 18), (20, 20)]
    assert len(whole["pairs"]) == 32
    body = ask(shapes, "/explain/process", "wide", top=3, target=1, versus=0)
    kept, image = network(shapes, "wide"), upload(architecture)[0]
    check_pairs(body, architecture, explain_process(kept, image, 1, 0, top=3))
    added = np.abs(np.subtract(body["contributions"][1], body["contributions"][0]))
    for stage, worth, layer in zip(
        body["stages"], (added.sum(1), added.sum(0)), torch_layers(kept, batch(architecture)), strict=False
    ):
        assert stage["shown"] == sorted(np.argsort(-worth)[:3].tolist())
        close(stage["maps"], layer.numpy()[0][stage["shown"]])
    assert len(body["pairs"]) == 3


@pytest.mark.parametrize("top", [0, 257])
def test_a_process_of_no_maps_or_too_many(shapes: TestClient, top: int) -> None:
    said = "greater than or equal to 1" if top == 0 else "less than or equal to 256"
    answer = shapes.post("/explain/process", params={"top": top}, files=upload(ARCHITECTURES["deep"])[1])
    check_problem(answer, 422, "invalid-parameter", f"top: must be {said}")


def test_every_answer_comes_as_a_picture(shapes: TestClient, name: str, path: str) -> None:
    parameters: dict[str, str | int] = {"model": name, "format": "png"}
    if path == "/explain/grounds" and name == "single":
        parameters["region"] = 7  # by itself each of 196 regions would play
    answer = shapes.post(path, params=parameters, files=upload(ARCHITECTURES[name])[1])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    height, width, _ = decode(answer.content).shape
    assert 100 < height < 4000
    assert 100 < width < 4000


def test_the_filters_come_as_a_picture(shapes: TestClient, name: str) -> None:
    answer = shapes.get(f"/models/{name}/filters", params={"format": "png"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert max(decode(answer.content).shape) < 4000


def test_an_image_of_another_size_is_refused(shapes: TestClient, name: str, path: str) -> None:
    side = ARCHITECTURES[name].side
    other = Architecture(ARCHITECTURES["tiny"].stages, side + 1)
    answer = shapes.post(path, params={"model": name}, files=upload(other)[1])
    detail = (
        f"the image is {side + 1}×{side + 1}, and must be {side}×{side}; "
        "with ?fit=auto it is brought to that size as the network's own images were"
    )
    check_problem(answer, 422, "unsuitable-image", detail)


@pytest.mark.parametrize(
    ("name", "images"),
    [("colour", "colour images of 32×32"), ("tiny", "grey images of 8×8"), ("single-colour", "colour images of 9×9")],
)
def test_digits_are_for_mnists_size(shapes: TestClient, path: str, name: str, images: str) -> None:
    answer = shapes.post(path, params={"model": name, "fit": "mnist"}, files={"file": b"nothing"})
    detail = (
        f"fit: mnist is for networks of grey images of 28×28, and this one takes {images}; "
        "with auto a picture is brought to that size as the network's own images were"
    )
    check_problem(answer, 422, "invalid-parameter", detail)


def test_colour_is_never_inverted(shapes: TestClient, path: str) -> None:
    answer = shapes.post(path, params={"model": "colour", "polarity": "dark-on-light"}, files={"file": b"nothing"})
    check_problem(answer, 422, "invalid-parameter", "polarity: colour images are never inverted; leave it out")


@pytest.mark.parametrize("name", ["colour", "tiny"])
def test_a_large_picture_is_brought_to_the_networks_size(shapes: TestClient, path: str, name: str) -> None:
    large = Architecture(ARCHITECTURES["tiny"].stages, 60, ARCHITECTURES[name].channels)
    bodies = [
        shapes.post(path, params={"model": name, "fit": fit}, files=upload(large)[1]).json()
        for fit in ("auto", "resize")
    ]
    assert bodies[0] == bodies[1]
    assert (bodies[0]["input"]["width"], bodies[0]["input"]["fitted"]) == (60, False)
