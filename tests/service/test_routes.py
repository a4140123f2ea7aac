"""What the operations on an image answer: the result of the library, as JSON and as a picture.

That these results are right is tested with ``models``.
"""

import json
from collections.abc import Callable
from html import unescape
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic_core import to_json

from konkyo.models.contributions import FilterExplanation, explain_filters, explain_process
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.occlusion import Score, explain_occlusion
from konkyo.models.hiding.regions import FillKind, Hiding, Regions, filled
from konkyo.models.hiding.shapley import explain_shapley
from konkyo.models.network import Array, Network, softmax
from konkyo.models.result import Result, predict
from konkyo.models.usage import Usage
from konkyo.pictures import draw
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload

PAIRED, SUMMED, LENET = SHIPPED = ("paired-3x3", "summed-3x3", "lenet-6x16")


def checkpoint_of(client: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = client.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


def ask(client: TestClient, operation: str, data: bytes = sample(7), **query: Any) -> Any:
    path = "/predict" if operation == "predict" else f"/explain/{operation}"
    answer = client.post(path, params=query, files={"file": data})
    assert answer.status_code == 200, answer.text
    return answer.json()


Ask = Callable[[Network, Array, Usage | None], Result]


def hiding(network: Network, region: int = 2, stride: int | None = None, fill: float | FillKind = 0.0) -> Hiding:
    return Hiding(Regions(region, stride or region, network.architecture.side), fill)


QUESTIONS: dict[str, Ask] = {
    "predict?": lambda n, i, _: predict(n, i),
    "explain/filters?": lambda n, i, u: explain_filters(n, i, usage=u),
    "explain/filters?maps=totals&versus=3": lambda n, i, u: explain_filters(n, i, versus=3, usage=u),
    "explain/filters?maps=full&target=8&versus=3": lambda n, i, u: explain_filters(n, i, 8, 3, usage=u),
    "explain/filters?top=3&target=1": lambda n, i, u: explain_filters(n, i, 1, usage=u),
    "explain/occlusion?": lambda n, i, _: explain_occlusion(n, i),
    "explain/occlusion?score=probability&region=12&stride=5&fill=0.5&target=9": lambda n, i, _: explain_occlusion(
        n, i, 9, hiding=hiding(n, 12, 5, 0.5), score=Score.PROBABILITY
    ),
    "explain/occlusion?pairs=true&versus=3&region=5&fill=blur": lambda n, i, _: explain_occlusion(
        n, i, versus=3, hiding=hiding(n, 5, fill=FillKind.BLUR), pairs=True
    ),
    "explain/occlusion?faithfulness=true&region=7": lambda n, i, _: explain_occlusion(
        n, i, hiding=hiding(n, 7), faithful=True
    ),
    "explain/shapley?": lambda n, i, _: explain_shapley(n, i),
    "explain/shapley?pairs=true&versus=3&target=5": lambda n, i, _: explain_shapley(n, i, 5, 3, pairs=True),
    "explain/shapley?interactions=true&fill=background": lambda n, i, _: explain_shapley(
        n, i, fill=FillKind.BACKGROUND, interacting=True
    ),
    "explain/shapley?faithfulness=true&region=14&fill=0.25": lambda n, i, _: explain_shapley(
        n, i, region=14, fill=0.25, faithful=True
    ),
    "explain/grounds?": lambda n, i, _: grounds(n, i),
    "explain/grounds?region=9&fill=0.4": lambda n, i, _: grounds(n, i, 9, 0.4),
    "explain/grounds?hide=3.2-2.2-4.4": lambda n, i, _: grounds(n, i, hide=((3, 2), (2, 2), (4, 4))),
    "explain/process?": lambda n, i, u: explain_process(n, i, usage=u),
    "explain/process?target=3&versus=8&top=2": lambda n, i, u: explain_process(n, i, 3, 8, usage=u, top=2),
}


def fields(result: Result, asked: str) -> Any:
    """What the answer must say of a result."""
    if isinstance(result, FilterExplanation):
        top = 3 if "top=3" in asked else None
        return json.loads(to_json(result.to_dict(top, totals="maps=" in asked, maps="maps=full" in asked)))
    return json.loads(to_json(result.to_dict()))


@pytest.mark.parametrize("asked", QUESTIONS)
@pytest.mark.parametrize("model", SHIPPED)
def test_an_answer_is_the_result_of_the_library(client: TestClient, model: str, asked: str) -> None:
    catalogue = client.app.state.service.catalogue  # type: ignore[attr-defined]
    checkpoint = catalogue.get(model)
    result = QUESTIONS[asked](checkpoint.precise, pixels(7) / 255, catalogue.usage(checkpoint))
    answer = client.post(f"/{asked}&model={model}", files={"file": sample(7)}).json()
    assert answer.pop("model") == {"name": model, "sha256": checkpoint.sha256}
    assert answer.pop("input")["warnings"] == []
    assert answer == fields(result, asked)
    if not {"maps", "top", "faithfulness"} & {one.partition("=")[0] for one in asked.partition("?")[2].split("&")}:
        picture = client.post(f"/{asked}&model={model}&format=png", files={"file": sample(7)})
        assert picture.content == draw(result, ".png", 1, "light", "en")


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
    """With the regions that are usual for each."""
    network, (image, file) = checkpoint_of(shapes, name).precise, upload(ARCHITECTURES[name])
    of_all, of_proofs = USUAL[name]
    calls: dict[str, tuple[str, Ask]] = {
        "/predict": ("", QUESTIONS["predict?"]),
        "/explain/filters": ("target=1&versus=0&maps=full", lambda n, i, _: explain_filters(n, i, 1, 0)),
        "/explain/occlusion": (
            "fill=background&target=1",
            lambda n, i, _: explain_occlusion(n, i, 1, hiding=hiding(n, fill=FillKind.BACKGROUND)),
        ),
        "/explain/shapley": ("target=1", lambda n, i, _: explain_shapley(n, i, 1, region=of_all)),
        "/explain/grounds": (
            {"single": "region=7", "deep": "fill=blur"}.get(name, ""),
            lambda n, i, _: grounds(n, i, of_proofs, FillKind.BLUR if name == "deep" else 0.0),
        ),
        "/explain/process": ("target=1&versus=0", lambda n, i, _: explain_process(n, i, 1, 0)),
    }
    query, call = calls[path]
    result = call(network, image, None)
    answer = shapes.post(f"{path}?model={name}&{query}", files=file).json()
    assert answer.pop("model")["name"] == name
    assert (answer["input"]["width"], answer.pop("input")["fitted"]) == (ARCHITECTURES[name].side, False)
    assert answer == fields(result, query)
    if "maps=full" not in query:
        picture = shapes.post(f"{path}?model={name}&{query}&format=png", files=file)
        assert picture.content == draw(result, ".png", 1, "light", "en")


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
