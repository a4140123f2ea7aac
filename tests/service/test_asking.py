"""How an operation on an image is asked: the picture, its form, the class, and in which form the answer comes."""

from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import save
from konkyo.models.network import Network
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from support.pictures import encode, pixels, sample
from tests.helpers.asked import explain_filters
from tests.helpers.documents import document
from tests.helpers.oracles import random_network
from tests.helpers.served import ARCHITECTURES
from tests.helpers.tensors import check, request, tensors

UPLOAD = {"file": ("7.png", sample(7))}


def test_every_sample_digit_is_read_right(client: TestClient) -> None:
    for digit in range(10):
        assert client.post("/predict", files={"file": sample(digit)}).json()["predicted"] == digit


@pytest.mark.threat("format confusion")
def test_a_raw_body_is_read_like_a_form(client: TestClient, path: str) -> None:
    form = client.post(path, files=UPLOAD).json()
    for media in ("image/png", "image/jpeg", "IMAGE/PNG; q=1"):
        assert client.post(path, content=sample(7), headers={"content-type": media}).json() == form
    jpeg = client.post(path, content=encode(pixels(3), "JPEG", quality=95), headers={"content-type": "image/jpeg"})
    assert (jpeg.json()["predicted"], jpeg.json()["input"]["format"]) == (3, "JPEG")


def test_a_large_dark_on_light_drawing_is_fitted(client: TestClient) -> None:
    drawing = np.full((200, 300), 255, np.uint8)
    drawing[30:170, 100:240] = 255 - np.kron(pixels(3), np.ones((5, 5), np.uint8))
    answer = client.post("/predict", params={"fit": "mnist"}, files={"file": encode(drawing)})
    assert answer.json()["predicted"] == 3
    report = answer.json()["input"]
    assert (report["inverted"], report["fitted"], report["width"], report["height"]) == (True, True, 300, 200)
    rows, columns = np.nonzero(drawing < 255 * 0.75)
    assert report["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize(
    ("accept", "parameters", "media"),
    [
        ([], {}, "application/json"),
        (["image/png"], {}, "image/png"),
        (["text/html", "image/png"], {}, "image/png"),
        (["image/png"], {"format": "svg", "language": "ja"}, "image/svg+xml"),
        (["application/json"], {"format": "png"}, "image/png"),
        (["image/png"], {"format": "json"}, "application/json"),
    ],
)
def test_the_form_of_the_answer(client: TestClient, accept: list[str], parameters: dict[str, str], media: str) -> None:
    headers = [("accept", one) for one in accept]
    answer = client.post("/predict", params=parameters, headers=headers, files=UPLOAD)
    assert answer.headers["content-type"] == media
    assert answer.headers["vary"] == "Accept"


def test_an_svg_may_show_its_own_images_and_nothing_else(client: TestClient, path: str) -> None:
    answer = client.post(path, params={"format": "svg"}, files=UPLOAD)
    policy = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000


SHAPE = ARCHITECTURES["kernels"]
NAMES = tuple(str(number) for number in range(1, SHAPE.classes + 1))


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with a network whose classes are called 1 to 10: each name but the last is another's index."""
    folder = tmp_path_factory.mktemp("counted")
    network = Network(SHAPE, random_network(SHAPE, 3, np.float32).weights, NAMES)
    save(folder, network, document(network, "counted"))
    with TestClient(create_app(Settings(models=folder, default_model="counted"))) as started:
        yield started


@pytest.mark.parametrize("operation", ["filters", "occlusion", "shapley", "process"])
def test_in_a_query_a_name_goes_before_an_index(counted: TestClient, operation: str) -> None:
    for asked, target, versus in (("1", 0, "10"), ("10", 9, "1"), ("0", 0, "3")):
        query = {"target": asked, "versus": versus}
        answer = counted.post(f"/explain/{operation}", params=query, files=UPLOAD).json()
        assert (answer["target"], answer["versus"]) == (target, NAMES.index(versus))


@pytest.mark.parametrize(("asked", "index"), [(1, 1), ("1", 0), ("10", 9), ("0", 0)])
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
    body = request(np.zeros((1, 28, 28), np.uint8), ["contributions"], parameters={"target": 10})
    answer = counted.post("/v2/models/counted/infer", json=body)
    classes = f"{', '.join(NAMES)}, or a number from 0 to {SHAPE.classes - 1}"
    check(answer, 422, "invalid-parameter", f"parameters.target: must be one of the classes {classes}")
