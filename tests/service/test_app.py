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
from support.pictures import sample
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.refuse import refuses
from tests.helpers.tensors import SEVENS, check, request


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/docs/static/")
        assert client.get(source).status_code == 200


def test_the_examples_of_the_get_operations_are_their_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path in ("/models", "/models/{name}", "/healthz", "/readyz"):
        example = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        assert example == without_nulls(client.get(path.replace("{name}", "paired-3x3")).json())


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


INFER, EXPLAIN = "/v2/models/paired-3x3/infer", "/v1/models/paired-3x3:explain"
OPEN = ["/", "/healthz", "/readyz", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"]
KEYED = ["/models", "/models/paired-3x3", "/models/paired-3x3/weights", "/metrics"]
KEYED += ["/v2", "/v2/models/paired-3x3", "/v2/models/paired-3x3/ready"]


@pytest.fixture(scope="module")
def guarded() -> TestClient:
    return TestClient(create_app(Settings(api_keys="first-key, second-key")))


def ask(client: TestClient, path: str, key: str | None) -> Any:
    headers = {} if key is None else {b"X-API-Key": key.encode()}
    if path in PATHS:
        return client.post(path, headers=headers, files={"file": sample(7)})
    if path in (INFER, EXPLAIN):
        body = request() if path == INFER else {"instances": (SEVENS / 255).tolist(), "outputs": ["logits"]}
        return client.post(path, headers=headers, json=body)
    return client.get(path, headers=headers)


@pytest.mark.parametrize("path", [*PATHS, INFER, EXPLAIN, *KEYED])
def test_questions_need_one_of_the_keys(guarded: TestClient, path: str) -> None:
    for wrong in ("", "first-ke", "first-key ,", "first-key, second-key", "ключ", None):
        refused = ask(guarded, path, wrong)
        detail = "the key in the header X-API-Key is not one of this service's keys"
        if wrong is None:
            detail = "this service needs a key, in the header X-API-Key"
        (check if path.startswith("/v") else check_problem)(refused, 401, "unauthorized", detail)
        assert refused.headers["www-authenticate"] == "X-API-Key"
    for right in ("first-key", "second-key"):
        assert ask(guarded, path, right).status_code == 200


def test_the_log_names_the_key_by_its_hash_alone(guarded: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("first-key", "second-key", "wrong-key", None):
        ask(guarded, "/predict", key)
    said = capsys.readouterr().out
    # printf %s first-key | sha256sum | cut -c 1-8
    assert [json.loads(line).get("key") for line in said.splitlines()] == ["9e24b553", "f397f260", None, None]
    assert "-key" not in said


def test_what_needs_no_key(guarded: TestClient) -> None:
    for path in OPEN:
        assert guarded.get(path).status_code == 200


@pytest.mark.threat("error leakage, reflection", "pages in a frame")
def test_a_browser_may_do_nothing_with_an_answer(client: TestClient) -> None:
    for answer in (
        *(client.post(f"/predict?format={form}", files={"file": sample(7)}) for form in ("json", "png")),
        client.post("/predict", files={"file": b"broken"}),
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
def test_the_documentation_can_be_turned_off() -> None:
    closed = TestClient(create_app(Settings(docs=False)))
    for path in ("/docs", "/openapi.json", "/docs/static/swagger-ui.css"):
        check_problem(closed.get(path), 404, "not-found", "there is nothing at this path; see /docs for what there is")
    assert closed.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7


def test_the_study_of_another_checkpoint_stops_the_start(tmp_path: Path) -> None:
    for name in ("paired-3x3.safetensors", "paired-3x3.json"):
        shutil.copy(DIRECTORY / name, tmp_path)
    shutil.copy(DIRECTORY / "summed-3x3.usage.json", tmp_path / "paired-3x3.usage.json")
    with pytest.raises(CheckpointError, match=r"^paired-3x3\.usage\.json: sha256: must be .* makes it anew$"):
        create_app(Settings(models=tmp_path))
