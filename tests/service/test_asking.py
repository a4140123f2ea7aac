"""What the operations on an image have in common: answers, parameters, and one result for both forms."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic_core import to_json

from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.models.hiding import rows as hidings
from konkyo.models.network import Network
from konkyo.models.question import Question
from konkyo.models.result import Result
from konkyo.service.catalogue import Catalogue
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.routes import filters, grounds, occlusion, predict, process, shapley
from konkyo.service.routes.asking import Operation
from konkyo.service.routes.queries import ImageQuery
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode, encode, pixels, sample

UPLOAD = {"file": ("7.png", sample(7))}


def reading(answer: Any) -> int:
    value: int = answer.json()["predicted"]
    return value


@pytest.mark.parametrize("digit", range(10))
def test_every_sample_digit_is_read_right(client: TestClient, path: str, digit: int) -> None:
    answer = client.post(path, files={"file": sample(digit)})
    assert answer.status_code == 200
    assert reading(answer) == digit


@pytest.mark.threat("format confusion")
@pytest.mark.parametrize("media", ["image/png", "image/jpeg", "IMAGE/PNG; q=1"])
def test_a_raw_body_is_read_like_a_form(client: TestClient, path: str, media: str) -> None:
    raw = client.post(path, content=sample(7), headers={"content-type": media})
    form = client.post(path, files=UPLOAD)
    assert raw.json() == form.json()


def test_a_jpeg_is_read(client: TestClient, path: str) -> None:
    answer = client.post(path, content=encode(pixels(3), "JPEG", quality=95), headers={"content-type": "image/jpeg"})
    assert reading(answer) == 3
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
    assert reading(answer) == 3
    report = answer.json()["input"]
    assert (report["inverted"], report["fitted"], report["width"], report["height"]) == (True, True, 300, 200)
    rows, columns = np.nonzero(drawing < 255 * 0.75)
    assert report["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_another_model_can_be_asked(client: TestClient, path: str) -> None:
    body = client.post(path, params={"model": "summed-3x3"}, files=UPLOAD).json()
    assert body["model"]["name"] == "summed-3x3"


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


@pytest.mark.parametrize("asked", [{"format": "png"}, {}], ids=str)
def test_a_png_is_english(client: TestClient, path: str, asked: dict[str, str]) -> None:
    answer = client.post(path, params={"language": "ja", **asked}, headers={"accept": "image/png"}, files=UPLOAD)
    detail = "language: the letters of a PNG are English; ask for format=svg, which has Japanese"
    check_problem(answer, 422, "invalid-parameter", detail)


def test_an_svg_may_show_its_own_images_and_nothing_else(client: TestClient, path: str) -> None:
    answer = client.post(path, params={"format": "svg"}, files=UPLOAD)
    policy = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000


def test_nothing_acceptable(client: TestClient, path: str) -> None:
    answer = client.post(path, headers={"accept": "text/html"}, files=UPLOAD)
    detail = "answers come as application/json, image/png or image/svg+xml; Accept allows none of them"
    check_problem(answer, 406, "not-acceptable", detail)


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"fit": "stretch"}, "fit: must be 'auto', 'exact', 'mnist' or 'resize'"),
        ({"polarity": "dark"}, "polarity: must be 'auto', 'light-on-dark' or 'dark-on-light'"),
        ({"format": "gif"}, "format: must be 'json', 'png' or 'svg'"),
        ({"scale": "0"}, "scale: must be greater than or equal to 1"),
        ({"scale": "5"}, "scale: must be less than or equal to 4"),
        ({"theme": "blue"}, "theme: must be 'light' or 'dark'"),
        ({"regoin": "4"}, "query: holds a parameter that this operation does not have; /docs shows those it has"),
    ],
)
def test_parameters_that_make_no_sense(client: TestClient, path: str, parameters: dict[str, str], detail: str) -> None:
    if path == "/explain/grounds":
        detail = detail.replace("'png' or 'svg'", "'png', 'svg' or 'html'")
    check_problem(client.post(path, params=parameters, files=UPLOAD), 422, "invalid-parameter", detail)


@pytest.mark.parametrize("query", ["theme=dark&theme=light", "theme=dark&scale=2&theme=dark"])
def test_a_parameter_that_is_given_twice(client: TestClient, path: str, query: str) -> None:
    answer = client.post(f"{path}?{query}", files=UPLOAD)
    check_problem(answer, 422, "invalid-parameter", "theme: must be given once")
    assert answer.json()["errors"] == [{"parameter": "theme", "message": "must be given once"}]


def test_an_unknown_model(client: TestClient, path: str) -> None:
    answer = client.post(path, params={"model": "resnet"}, files=UPLOAD)
    detail = "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg"
    check_problem(answer, 404, "unknown-model", detail)


def test_accept_headers_add_up(client: TestClient, path: str) -> None:
    headers = [("accept", "text/html"), ("accept", "image/png")]
    assert client.post(path, headers=headers, files=UPLOAD).headers["content-type"] == "image/png"


def test_the_other_method(client: TestClient, path: str) -> None:
    answer = client.get(path)
    check_problem(answer, 405, "method-not-allowed", "this path does not take that method; it takes POST")
    assert answer.headers["allow"] == "POST"


JSON_ONLY = [
    ("/explain/filters", "maps", "full"),
    ("/explain/filters", "maps", "none"),
    ("/explain/filters", "top", "3"),
    ("/explain/occlusion", "faithfulness", "true"),
    ("/explain/occlusion", "faithfulness", "false"),
]


@pytest.mark.parametrize(("name", "value"), [("scale", "2"), ("scale", "1"), ("theme", "light"), ("language", "en")])
@pytest.mark.parametrize("asked", [{}, {"format": "json"}], ids=str)
def test_what_json_cannot_honour_is_refused(
    client: TestClient, path: str, name: str, value: str, asked: dict[str, str]
) -> None:
    message = "is for pictures; ask for format=png or svg too, or leave it out"
    answer = client.post(path, params={name: value, **asked}, files=UPLOAD)
    check_problem(answer, 422, "invalid-parameter", f"{name}: {message}")
    assert answer.json()["errors"] == [{"parameter": name, "message": message}]
    accepted = client.post(path, params={name: value}, headers={"accept": "image/png"}, files=UPLOAD)
    assert (accepted.status_code, accepted.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(("where", "name", "value"), JSON_ONLY)
def test_what_a_picture_cannot_honour_is_refused(client: TestClient, where: str, name: str, value: str) -> None:
    detail = f"{name}: is for JSON; ask for format=json, or leave it out"
    for picture in (
        client.post(where, params={name: value, "format": "png"}, files=UPLOAD),
        client.post(where, params={name: value}, headers={"accept": "image/png"}, files=UPLOAD),
    ):
        check_problem(picture, 422, "invalid-parameter", detail)
    assert client.post(where, params={name: value}, files=UPLOAD).status_code == 200


@pytest.mark.parametrize("name", ["mode", "verify", "receipt", "cumulative", "grounds"])
def test_what_0_1_knew_is_unknown(client: TestClient, path: str, name: str) -> None:
    detail = "query: holds a parameter that this operation does not have; /docs shows those it has"
    check_problem(client.post(path, params={name: "true"}, files=UPLOAD), 422, "invalid-parameter", detail)


NO_TARGET = ("/predict", "/explain/grounds")


@pytest.mark.parametrize("name", ["target", "versus"])
@pytest.mark.parametrize("where", NO_TARGET)
def test_a_question_without_a_class_takes_none(client: TestClient, where: str, name: str) -> None:
    detail = "query: holds a parameter that this operation does not have; /docs shows those it has"
    check_problem(client.post(where, params={name: 3}, files=UPLOAD), 422, "invalid-parameter", detail)


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
    first, again = (to_json(operation.to_dict(result, query)) for _ in range(2))
    assert first == again
    small, dark = operation.draw(result, Style()), operation.draw(result, Style(2, Theme.DARK))
    assert dark.size == (2 * small.size[0], 2 * small.size[1])
    assert small.encode() == operation.draw(result, Style()).encode()
    svg = Style(form=Form.SVG, language=Language.JAPANESE)
    assert operation.draw(result, svg).encode() == operation.draw(result, svg).encode()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_result_is_the_image_and_the_network_that_were_asked(name: str) -> None:
    question, image = asked(OPERATIONS[name][1]), pixels(7) / 255
    result = question.answer(image)
    assert isinstance(result, Result)
    assert result.network is question.network
    np.testing.assert_array_equal(result.image, image)
    np.testing.assert_allclose(result.logits, question.network.logits(image), rtol=0, atol=1e-12)


@pytest.mark.parametrize("parameters", [{"scale": 2}, {"theme": "dark"}, {"scale": 3, "theme": "dark"}], ids=str)
def test_the_style_reaches_every_picture(client: TestClient, path: str, parameters: dict[str, Any]) -> None:
    plain, styled = (
        decode(client.post(path, params={"format": "png", **asked}, files=UPLOAD).content) for asked in ({}, parameters)
    )
    scale = parameters.get("scale", 1)
    assert styled.shape == (scale * plain.shape[0], scale * plain.shape[1], 3)
    assert (styled[0, 0].max() < 60) == ("theme" in parameters)
    assert plain[0, 0].min() > 200
