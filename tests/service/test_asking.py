"""How an operation on an image is asked: the picture, its form, the class, and in which form the answer comes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.contributions import explain_filters
from konkyo.models.files.checkpoint import DIRECTORY, save
from konkyo.models.hiding import rows as hidings
from konkyo.models.network import Network
from konkyo.models.question import Question
from konkyo.service.app import create_app
from konkyo.service.catalogue import Catalogue
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.routes import filters, grounds, occlusion, predict, process, shapley
from konkyo.service.routes.asking import Operation
from konkyo.service.routes.queries import ImageQuery
from konkyo.service.settings import Settings
from tests.helpers.documents import document
from tests.helpers.oracles import random_network
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.served import ARCHITECTURES
from tests.helpers.tensors import check, request, tensors

UPLOAD = {"file": ("7.png", sample(7))}


@pytest.mark.parametrize("digit", range(10))
def test_every_sample_digit_is_read_right(client: TestClient, path: str, digit: int) -> None:
    answer = client.post(path, files={"file": sample(digit)})
    assert answer.status_code == 200
    assert answer.json()["predicted"] == digit


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("media", ["image/png", "image/jpeg", "IMAGE/PNG; q=1"])
def test_a_raw_body_is_read_like_a_form(client: TestClient, path: str, media: str) -> None:
    raw = client.post(path, content=sample(7), headers={"content-type": media})
    form = client.post(path, files=UPLOAD)
    assert raw.json() == form.json()


def test_a_jpeg_is_read(client: TestClient, path: str) -> None:
    answer = client.post(path, content=encode(pixels(3), "JPEG", quality=95), headers={"content-type": "image/jpeg"})
    assert answer.json()["predicted"] == 3
    assert answer.json()["input"]["format"] == "JPEG"


def test_the_report_and_the_model_are_in_the_answer(client: TestClient, path: str) -> None:
    body = client.post(path, files=UPLOAD).json()
    assert body["input"] == {
        "format": "PNG",
        "width": 28,
        "height": 28,
        "mode": "L",
        "inverted": False,
        "fitted": False,
        "box": None,
        "warnings": [],
    }
    listed = {model["name"]: model["sha256"] for model in client.get("/models").json()["models"]}
    assert body["model"] == {"name": "paired-3x3", "sha256": listed["paired-3x3"]}


def test_a_large_dark_on_light_drawing_is_fitted(client: TestClient, path: str) -> None:
    drawing = np.full((200, 300), 255, np.uint8)
    drawing[30:170, 100:240] = 255 - np.kron(pixels(3), np.ones((5, 5), np.uint8))
    answer = client.post(path, params={"fit": "mnist"}, files={"file": encode(drawing)})
    assert answer.json()["predicted"] == 3
    report = answer.json()["input"]
    assert (report["inverted"], report["fitted"], report["width"], report["height"]) == (True, True, 300, 200)
    rows, columns = np.nonzero(drawing < 255 * 0.75)
    assert report["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize(
    ("accept", "parameters", "media"),
    [
        (None, {}, "application/json"),
        ("image/png", {}, "image/png"),
        ("image/svg+xml", {}, "image/svg+xml"),
        ("image/*", {}, "image/png"),
        ("image/png", {"format": "svg", "language": "ja"}, "image/svg+xml"),
        ("application/json", {"format": "png"}, "image/png"),
        ("image/png", {"format": "json"}, "application/json"),
    ],
)
def test_the_form_of_the_answer(
    client: TestClient, path: str, accept: str | None, parameters: dict[str, str], media: str
) -> None:
    headers = {"accept": accept} if accept else {}
    answer = client.post(path, params=parameters, headers=headers, files=UPLOAD)
    assert answer.headers["content-type"] == media
    assert answer.headers["vary"] == "Accept"


def test_an_svg_may_show_its_own_images_and_nothing_else(client: TestClient, path: str) -> None:
    answer = client.post(path, params={"format": "svg"}, files=UPLOAD)
    policy = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000


def test_accept_headers_add_up(client: TestClient, path: str) -> None:
    headers = [("accept", "text/html"), ("accept", "image/png")]
    assert client.post(path, headers=headers, files=UPLOAD).headers["content-type"] == "image/png"


def asked(query: ImageQuery) -> Question[Any]:
    catalogue = Catalogue(DIRECTORY, "paired-3x3")
    checkpoint = catalogue.get("summed-3x3")
    return query.question(checkpoint.precise, catalogue.usage(checkpoint))


OPERATIONS: dict[str, tuple[Operation[Any, Any], ImageQuery]] = {
    "predict": (predict._OPERATION, ImageQuery()),
    "filters": (filters._OPERATION, filters.FiltersQuery()),
    "filters with all": (
        filters._OPERATION,
        filters.FiltersQuery(maps=filters.MapDetail.FULL, target="3", versus="8"),
    ),
    "occlusion": (occlusion._OPERATION, occlusion.OcclusionQuery()),
    "occlusion with all": (
        occlusion._OPERATION,
        occlusion.OcclusionQuery(pairs=True, faithfulness=True, region=7, fill=0.5, versus="3"),
    ),
    "occlusion with large regions": (occlusion._OPERATION, occlusion.OcclusionQuery(region=14, stride=7)),
    "shapley": (shapley._OPERATION, shapley.ShapleyQuery()),
    "shapley with all": (
        shapley._OPERATION,
        shapley.ShapleyQuery(pairs=True, faithfulness=True, region=7, fill=0.5, versus="3"),
    ),
    "interactions": (shapley._OPERATION, shapley.ShapleyQuery(interactions=True)),
    "grounds": (grounds._OPERATION, grounds.GroundsQuery()),
    "process": (process._OPERATION, process.ProcessQuery()),
    "process with all": (process._OPERATION, process.ProcessQuery(target="3", versus="8", top=2)),
}
FORWARD = ("logits", "after", "trace", "run", "flatten", "convolve", "windows", "after_first")


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_result_serves_both_forms_and_neither_computes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operation, query = OPERATIONS[name]
    question = asked(query)
    result = question.answer(pixels(7) / 255)

    def forward(*_: object) -> None:
        raise AssertionError("a form of the answer computes")

    for method in FORWARD:
        monkeypatch.setattr(Network, method, forward)
    monkeypatch.setattr(hidings, "stage_rows", forward)
    monkeypatch.setattr(hidings, "pair_rows", forward)
    with pytest.raises(AssertionError, match="a form of the answer computes"):
        question.answer(pixels(7) / 255)
    assert operation.to_dict(result, query)["predicted"] == 7
    small, dark = operation.draw(result, Style()), operation.draw(result, Style(2, Theme.DARK))
    assert dark.size == (2 * small.size[0], 2 * small.size[1])
    svg = operation.draw(result, Style(form=Form.SVG, language=Language.JAPANESE))
    assert svg.encode().startswith(b"<svg ")


SHAPE = ARCHITECTURES["kernels"]
NAMES = tuple(str(number) for number in range(1, SHAPE.classes + 1))
MESSAGE = f"must be one of the classes {', '.join(NAMES)}, or a number from 0 to {SHAPE.classes - 1}"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with a network whose classes are called 1 to 10: each name but the last is another's index."""
    folder = tmp_path_factory.mktemp("counted")
    network = Network(SHAPE, random_network(SHAPE, 3, np.float32).weights, NAMES)
    save(folder, network, document(network, "counted"))
    with TestClient(create_app(Settings(models=folder, default_model="counted"))) as started:
        yield started


@pytest.mark.parametrize(("asked", "target", "versus"), [("1", 0, "2"), ("10", 9, "1"), ("0", 0, "3"), ("9", 8, "10")])
@pytest.mark.parametrize("path", ["/explain/filters", "/explain/occlusion", "/explain/shapley", "/explain/process"])
def test_in_a_query_a_name_goes_before_an_index(
    counted: TestClient, path: str, asked: str, target: int, versus: str
) -> None:
    answer = counted.post(path, params={"target": asked, "versus": versus}, files={"file": sample(7)}).json()
    assert (answer["target"], answer["versus"]) == (target, NAMES.index(versus))


@pytest.mark.parametrize(("asked", "index"), [(1, 1), ("1", 0), (9, 9), ("10", 9), (0, 0), ("0", 0)])
def test_in_json_text_is_a_name_and_an_integer_an_index(counted: TestClient, asked: str | int, index: int) -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 8:20, 10:14] = 255
    network = counted.app.state.service.catalogue.get("counted").precise  # type: ignore[attr-defined]
    expected = explain_filters(network, images[0] / 255, index).account.contributions
    body = request(images, ["contributions"], parameters={"target": asked})
    found = tensors(counted.post("/v2/models/counted/infer", json=body))["contributions"][0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
    instances = {"instances": (images / 255).tolist(), "outputs": ["contributions"], "target": asked}
    [one] = counted.post("/v1/models/counted:explain", json=instances).json()["explanations"]
    np.testing.assert_allclose(one["contributions"], expected, rtol=0, atol=1e-6)


def test_what_is_neither_is_refused(counted: TestClient) -> None:
    """In JSON, 10 is a name as text alone."""
    answer = counted.post("/explain/filters", params={"target": "11"}, files={"file": sample(7)})
    assert (answer.status_code, answer.json()["detail"]) == (422, f"target: {MESSAGE}")
    body = request(np.zeros((1, 28, 28), np.uint8), ["contributions"], parameters={"target": 10})
    answer = counted.post("/v2/models/counted/infer", json=body)
    check(answer, 422, "invalid-parameter", f"parameters.target: {MESSAGE}")
