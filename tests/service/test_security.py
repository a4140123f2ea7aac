import json

import pytest
from fastapi.testclient import TestClient

from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.pictures import sample

KEYS = Settings(api_keys="first-key, second-key")
GUARDED = [("POST", path) for path in PATHS] + [
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


@pytest.mark.parametrize(("method", "path"), GUARDED)
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


def test_without_keys_everything_is_open(client: TestClient) -> None:
    for method, path in GUARDED:
        assert ask(client, method, path, None) == 200


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


def test_only_trusted_hosts_are_answered_for() -> None:
    picky = TestClient(create_app(Settings(trusted_hosts="konkyo.example, *.konkyo.example")))
    assert picky.get("/healthz", headers={"host": "konkyo.example"}).status_code == 200
    assert picky.get("/healthz", headers={"host": "a.konkyo.example"}).status_code == 200
    answer = picky.get("/healthz", headers={"host": "evil.example"})
    detail = "the Host header names a host that this service does not answer for"
    check_problem(answer, 400, "unknown-host", detail)
    assert "evil" not in answer.text


@pytest.mark.threat("exposed metrics and docs")
@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/static/swagger-ui.css"])
def test_the_documentation_can_be_turned_off(path: str) -> None:
    closed = TestClient(create_app(Settings(docs=False)))
    check_problem(closed.get(path), 404, "not-found", "there is nothing at this path; see /docs for what there is")
    assert closed.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7
