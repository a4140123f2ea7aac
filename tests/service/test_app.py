"""The application: what it serves beside the operations, what stops its start, and who may ask."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.pictures import sample
from tests.helpers.refuse import refuses


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/docs/static/")
        assert client.get(source).status_code == 200


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
        f"{DIRECTORY}: KONKYO_DEFAULT_MODEL: 'resnet' is not one of animals-3x3, animals-6x16, deep-7x9x9, lenet-6x16, "
        "paired-3x3, summed-3x3, tiny-vgg",
    ):
        create_app(Settings(default_model="resnet"))


def test_a_slash_too_many_is_no_redirect(client: TestClient) -> None:
    answer = client.post("/predict/", headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "location" not in answer.headers


KEYS = Settings(api_keys="first-key, second-key")
KEYED = [("POST", path) for path in PATHS] + [
    ("GET", "/models"),
    ("GET", "/models/paired-3x3"),
    ("GET", "/models/paired-3x3/weights"),
    ("GET", "/metrics"),
]
OPEN = ["/", "/healthz", "/readyz", "/docs", "/openapi.json"]


@pytest.fixture(scope="module")
def guarded() -> TestClient:
    return TestClient(create_app(KEYS))


def ask(client: TestClient, method: str, path: str, key: str | None) -> int:
    headers = {} if key is None else {b"X-API-Key": key.encode()}
    files = {"file": sample(7)} if method == "POST" else None
    return client.request(method, path, headers=headers, files=files).status_code


@pytest.mark.parametrize(("method", "path"), KEYED)
def test_questions_need_one_of_the_keys(guarded: TestClient, method: str, path: str) -> None:
    for wrong in (
        None,
        "",
        "first-ke",
        "first-key ,",
        "first-key, second-key",
        "ключ",
    ):
        assert ask(guarded, method, path, wrong) == 401
    assert ask(guarded, method, path, "first-key") == 200
    assert ask(guarded, method, path, "second-key") == 200


def test_the_refusal_says_which_header(guarded: TestClient) -> None:
    missing = guarded.post("/predict", files={"file": sample(7)})
    check_problem(missing, 401, "unauthorized", "this service needs a key, in the header X-API-Key")
    assert missing.headers["www-authenticate"] == "X-API-Key"
    answer = guarded.post("/predict", files={"file": sample(7)}, headers={"X-API-Key": "guess"})
    detail = "the key in the header X-API-Key is not one of this service's keys"
    check_problem(answer, 401, "unauthorized", detail)
    assert answer.headers["www-authenticate"] == "X-API-Key"
    assert "guess" not in answer.text


def test_the_log_names_the_key_by_its_hash_alone(guarded: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("first-key", "second-key", "wrong-key", None):
        ask(guarded, "POST", "/predict", key)
    said = capsys.readouterr().out
    # printf %s first-key | sha256sum | cut -c 1-8
    assert [json.loads(line).get("key") for line in said.splitlines()] == ["9e24b553", "f397f260", None, None]
    assert "-key" not in said


@pytest.mark.parametrize("path", OPEN)
def test_what_needs_no_key(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


@pytest.mark.threat("error leakage, reflection", "pages in a frame")
@pytest.mark.parametrize("form", ["json", "png"])
def test_a_browser_may_do_nothing_with_an_answer(client: TestClient, form: str) -> None:
    for answer in (
        client.post("/predict", params={"format": form}, files={"file": sample(7)}),
        client.post("/predict", params={"format": form}, files={"file": b"broken"}),
        client.get("/nowhere"),
        client.get("/models"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.threat("pages in a frame")
def test_the_documentation_may_run_its_scripts(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.threat("exposed metrics and docs")
@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/static/swagger-ui.css"])
def test_the_documentation_can_be_turned_off(path: str) -> None:
    closed = TestClient(create_app(Settings(docs=False)))
    check_problem(closed.get(path), 404, "not-found", "there is nothing at this path; see /docs for what there is")
    assert closed.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7


def test_the_study_of_another_checkpoint_stops_the_start(tmp_path: Path) -> None:
    for name in ("paired-3x3.safetensors", "paired-3x3.json"):
        shutil.copy(DIRECTORY / name, tmp_path)
    shutil.copy(DIRECTORY / "summed-3x3.usage.json", tmp_path / "paired-3x3.usage.json")
    with pytest.raises(CheckpointError, match=r"^paired-3x3\.usage\.json: sha256: must be .* makes it anew$"):
        create_app(Settings(models=tmp_path))
