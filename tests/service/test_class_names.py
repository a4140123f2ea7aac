"""A class by name or index: in a query a name that exists goes before an index, in JSON an integer is an index."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import save
from konkyo.models.network import Network
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.documents import document
from tests.helpers.oracles import random_network
from tests.helpers.pictures import sample
from tests.helpers.served import ARCHITECTURES
from tests.helpers.tensors import check, request, tensors

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


@pytest.mark.parametrize("asked", ["11", "-1", "1.0", "one", ""])
def test_what_is_neither_is_refused(counted: TestClient, asked: str) -> None:
    answer = counted.post("/explain/filters", params={"target": asked}, files={"file": sample(7)})
    assert (answer.status_code, answer.json()["detail"]) == (422, f"target: {MESSAGE}")


@pytest.mark.parametrize(("asked", "index"), [(1, 1), ("1", 0), (9, 9), ("10", 9), (0, 0), ("0", 0)])
def test_in_json_text_is_a_name_and_an_integer_an_index(counted: TestClient, asked: str | int, index: int) -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 8:20, 10:14] = 255

    def contributions(target: str | int) -> Any:
        body = request(images, ["contributions"], parameters={"target": target})
        return tensors(counted.post("/v2/models/counted/infer", json=body))["contributions"]

    # A name that no index is like, and every index but those of names, are certain.
    by_name = {number: contributions(name) for number, name in enumerate(NAMES)}
    np.testing.assert_array_equal(contributions(asked), by_name[index])
    instances = {"instances": (images / 255).tolist(), "outputs": ["contributions"], "target": asked}
    [one] = counted.post("/v1/models/counted:explain", json=instances).json()["explanations"]
    np.testing.assert_allclose(one["contributions"], by_name[index][0], rtol=0, atol=1e-6)
    assert len({found.tobytes() for found in by_name.values()}) == len(NAMES)


def test_an_index_that_is_none_is_refused(counted: TestClient) -> None:
    """It is a name as text alone."""
    body = request(np.zeros((1, 28, 28), np.uint8), ["contributions"], parameters={"target": 10})
    check(
        counted.post("/v2/models/counted/infer", json=body), 422, "invalid-parameter", f"parameters.target: {MESSAGE}"
    )
