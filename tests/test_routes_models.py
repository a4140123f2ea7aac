import hashlib
import json

from fastapi.testclient import TestClient

from models.checkpoint import DIRECTORY
from tests.test_routes_questions import check_problem


def test_the_list(client: TestClient) -> None:
    body = client.get("/models").json()
    assert body["default"] == "paired-3x3"
    shapes = [(model["name"], model["architecture"]["wiring"], model["parameters"]) for model in body["models"]]
    assert shapes == [("lenet-6x16", "summed", 5046), ("paired-3x3", "paired", 2368), ("summed-3x3", "summed", 922)]
    for model in body["models"]:
        file = (DIRECTORY / f"{model['name']}.safetensors").read_bytes()
        assert model["sha256"] == hashlib.sha256(file).hexdigest()
        assert model["accuracy"] == json.loads((DIRECTORY / f"{model['name']}.json").read_text())["accuracy"]["test"]


def test_a_card(client: TestClient) -> None:
    assert client.get("/models/summed-3x3").json() == json.loads((DIRECTORY / "summed-3x3.json").read_text())


def test_an_unknown_name(client: TestClient) -> None:
    detail = "there is no such model; there are lenet-6x16, paired-3x3, summed-3x3"
    check_problem(client.get("/models/resnet"), 404, "unknown-model", detail)


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "models": ["lenet-6x16", "paired-3x3", "summed-3x3"]}
