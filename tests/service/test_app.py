import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.refuse import refuses


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/docs/static/")
        assert client.get(source).status_code == 200


def test_every_operation_has_a_summary_and_an_example(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [(path, verb) for path, verbs in document["paths"].items() for verb in verbs]
    assert operations == [
        ("/predict", "post"),
        ("/explain/filters", "post"),
        ("/explain/occlusion", "post"),
        ("/explain/shapley", "post"),
        ("/explain/grounds", "post"),
        ("/explain/process", "post"),
        ("/models", "get"),
        ("/models/{name}", "get"),
        ("/models/{name}/filters", "get"),
        ("/models/{name}/weights", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/v2", "get"),
        ("/v2/models/{name}", "get"),
        ("/v2/models/{name}/ready", "get"),
        ("/v2/models/{name}/infer", "post"),
        ("/v2/health/live", "get"),
        ("/v2/health/ready", "get"),
        ("/v1/models/{name}:explain", "post"),
    ]
    for path, verb in operations:
        assert document["paths"][path][verb]["summary"]
        content = document["paths"][path][verb]["responses"]["200"]["content"]
        assert content["application/json"].get("example") or path.startswith("/v"), path


@pytest.mark.parametrize("name", ["models", "models/paired-3x3", "healthz", "readyz"])
def test_the_examples_of_the_get_operations_are_their_answers(client: TestClient, name: str) -> None:
    document = client.get("/openapi.json").json()
    path = "/" + name.replace("/paired-3x3", "/{name}")
    example = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    assert example == without_nulls(client.get(f"/{name}").json())


def without_nulls(value: Any) -> Any:
    """FastAPI leaves null out of its OpenAPI document, examples included."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.threat("pickle checkpoints")
def test_a_damaged_checkpoint_stops_the_start(tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "summed-3x3.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(CheckpointError, match=r"^summed-3x3\.safetensors: "):
        create_app(Settings(models=tmp_path))


def test_an_unknown_default_stops_the_start() -> None:
    with refuses(
        CheckpointError,
        f"{DIRECTORY}: KONKYO_DEFAULT_MODEL: 'resnet' is not one of animals-3x3, animals-6x16, lenet-6x16, paired-3x3, "
        "summed-3x3, tiny-vgg",
    ):
        create_app(Settings(default_model="resnet"))


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONKYO_PORT", "9000")
    monkeypatch.setenv("KONKYO_DEFAULT_MODEL", "lenet-6x16")
    settings = Settings()
    assert (settings.port, settings.default_model, settings.models) == (9000, "lenet-6x16", DIRECTORY)
    with TestClient(create_app(settings)) as started:
        assert json.loads(started.get("/models").text)["default"] == "lenet-6x16"


@pytest.mark.parametrize("port", ["0", "65536", "eight"])
def test_impossible_ports_are_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("KONKYO_PORT", port)
    with pytest.raises(ValidationError, match="port"):
        Settings()


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/models", "/models/paired-3x3", "/docs", "/openapi.json"]
)
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length"):
        assert head.headers[name] == get.headers[name]


def test_a_slash_too_many_is_no_redirect(client: TestClient) -> None:
    answer = client.post("/predict/", headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "location" not in answer.headers
