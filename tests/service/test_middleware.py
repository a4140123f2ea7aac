"""What happens to every request and every answer, whatever it asks for."""

import re
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient

from konkyo.models.errors import CheckpointError
from konkyo.service.app import create_app
from konkyo.service.http.middleware import MAX_PARAMETERS, MAX_QUERY
from konkyo.service.settings import Settings
from tests.helpers.operations import check_problem
from tests.helpers.pictures import sample
from tests.helpers.telemetry import lines, metric

NOT_FOUND = "there is nothing at this path; see /docs for what there is"
INTERNAL = "something went wrong on our side; nothing is wrong with your request"
QUERY = "query: must hold at most 32 parameters in 2048 bytes; /docs shows those that an operation has"
HEX = re.compile(r"[0-9a-f]{32}")
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def broken() -> TestClient:
    """The service with two paths that fail."""
    app = create_app(Settings())

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        raise {"bug": RuntimeError("secret"), "checkpoint": CheckpointError("secret", "secret", "secret")}[kind]

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.threat("error leakage, reflection")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", ["bug", "checkpoint"])
def test_what_nobody_foresaw_says_nothing_and_has_all_headers(
    broken: TestClient, capsys: pytest.CaptureFixture[str], kind: str, method: str
) -> None:
    known = "0123456789abcdef0123456789abcdef"
    answer = broken.request(method, f"/fail/{kind}", headers={"X-Request-ID": known})
    assert answer.status_code == 500
    if method == "GET":
        check_problem(answer, 500, "internal", INTERNAL)
        assert answer.json().keys() == {"type", "title", "status", "detail"}
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == known
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    failed, answered = lines(capsys)
    assert (failed["event"], failed["level"], failed["request_id"]) == ("failed", "error", known)
    assert "Traceback" in failed["exception"]
    assert (answered["event"], answered["problem"], answered["status"]) == ("answered", "internal", 500)
    assert (answered["route"], answered["method"], answered["request_id"]) == ("/fail/{kind}", method, known)


def test_an_error_of_ours_is_counted(broken: TestClient) -> None:
    rejected = 'konkyo_rejected_total{reason="internal"}'
    requests = 'http_requests_total{handler="/fail/{kind}",method="GET",status="500"}'
    before = metric(broken, rejected), metric(broken, requests)
    broken.get("/fail/bug")
    assert (metric(broken, rejected), metric(broken, requests)) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("path", ["/healthz", "/models", "/nowhere", "/models/nobody", "/models/paired-3x3/filters"])
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["content-type"] == got.headers["content-type"]


def test_nothing_of_a_body_is_sent_after_a_head() -> None:
    """Seen from the server: a client would hide it."""

    async def scenario() -> bytes:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "HEAD",
            "path": "/healthz",
            "raw_path": b"/healthz",
            "query_string": b"",
            "headers": [],
            "scheme": "http",
            "server": ("localhost", 80),
        }
        await create_app(Settings())(scope, receive, send)
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        return b"".join(message.get("body", b"") for message in sent)

    assert anyio.run(scenario) == b""


def test_head_is_not_post_without_the_body(client: TestClient) -> None:
    answer = client.head("/predict")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST", b"")


def test_head_is_counted_and_logged_as_head(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    name = 'http_requests_total{handler="/models",method="HEAD",status="200"}'
    before = metric(client, name)
    capsys.readouterr()
    client.head("/models")
    [line] = lines(capsys)
    assert (line["method"], line["route"]) == ("HEAD", "/models")
    assert metric(client, name) == before + 1


@pytest.mark.parametrize(
    "offered",
    [
        "0123456789abcdef0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF",
        "01234567-89ab-4def-8123-456789abcdef",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/nowhere"])
def test_a_request_id_that_is_one_is_kept(client: TestClient, path: str, offered: str) -> None:
    assert client.get(path, headers={"X-Request-ID": offered}).headers["x-request-id"] == offered


@pytest.mark.parametrize("offered", ["", "7", "0123456789abcdef0123456789abcdeg", "0" * 33, "0" * 31, "a" * 5000])
def test_any_other_request_id_is_replaced(client: TestClient, offered: str) -> None:
    first, second = (client.get("/healthz", headers={"X-Request-ID": offered}) for _ in range(2))
    given = [answer.headers["x-request-id"] for answer in (first, second)]
    assert all(HEX.fullmatch(one) for one in given)
    assert given[0] != given[1]
    assert offered not in given


@pytest.mark.threat("paths that two parsers read differently")
@pytest.mark.parametrize(
    "path", ["/models/%0a", "/%0aSet-Cookie:%20a", "/models/a%00", "/predict%0d%0a", "/%7f", "/%c2%85"]
)
def test_control_characters_in_a_path_lead_nowhere(
    client: TestClient, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    answer = client.get(path)
    check_problem(answer, 404, "not-found", NOT_FOUND)
    [line] = lines(capsys)
    assert (line["route"], line["problem"]) == (None, "not-found")
    check_problem(client.post(path, files={"file": sample(7)}), 404, "not-found", NOT_FOUND)


@pytest.mark.parametrize("path", ["/models/%C3%A9", "/models/a%20b"])
def test_other_characters_are_names_like_any(client: TestClient, path: str) -> None:
    assert client.get(path).json()["type"] == "urn:konkyo:problem:unknown-model"


@pytest.mark.threat("validation as a weapon")
@pytest.mark.parametrize(
    "too_much",
    [
        "a" * (MAX_QUERY + 1),
        "&".join(["a=1"] * (MAX_PARAMETERS + 1)),
        "&" * MAX_PARAMETERS,
        "%C3%A9" * 400,
    ],
    ids=["bytes", "parameters", "nothing between", "escaped bytes"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("GET", "/healthz"), ("GET", "/nowhere")])
def test_a_query_that_is_too_long_is_refused(client: TestClient, method: str, path: str, too_much: str) -> None:
    files = {"file": sample(7)} if method == "POST" else None
    answer = client.request(method, f"{path}?{too_much}", files=files)
    check_problem(answer, 422, "invalid-parameter", QUERY)
    message = "must hold at most 32 parameters in 2048 bytes; /docs shows those that an operation has"
    assert answer.json()["errors"] == [{"parameter": "query", "message": message}]
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY


@pytest.mark.parametrize("much", ["a" * MAX_QUERY, "&".join(["a=1"] * MAX_PARAMETERS)], ids=["bytes", "parameters"])
def test_a_query_at_the_limits_is_read(client: TestClient, much: str) -> None:
    assert client.get(f"/healthz?{much}").status_code == 200
    detail = "query: holds a parameter that this operation does not have; /docs shows those it has"
    check_problem(client.post(f"/predict?{much}", files={"file": sample(7)}), 422, "invalid-parameter", detail)


HOSTS = "Konkyo.example, *.konkyo.example"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("konkyo.example", True),
        ("KONKYO.example", True),
        ("konkyo.example:8000", True),
        ("konkyo.example:", True),
        ("a.konkyo.example", True),
        ("a.b.konkyo.example:1", True),
        ("evil.example", False),
        ("evilkonkyo.example", False),
        ("konkyo.example.evil.example", False),
        ("konkyo.example@evil.example", False),
        ("konkyo.example:8000:8000", False),
        ("", False),
        (".example", False),
    ],
)
def test_only_known_hosts_are_answered_for(host: str, known: bool) -> None:
    picky = TestClient(create_app(Settings(trusted_hosts=HOSTS)))
    answer = picky.get("/healthz", headers={"host": host})
    if known:
        assert answer.status_code == 200
        return
    detail = "the Host header names a host that this service does not answer for"
    check_problem(answer, 400, "unknown-host", detail)
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert HEX.fullmatch(answer.headers["x-request-id"])


@pytest.mark.threat("metrics without bound")
@pytest.mark.parametrize("method", ["BREW", "get", "TRACE", "CONNECT-ME"])
def test_odd_methods_are_counted_as_one(client: TestClient, capsys: pytest.CaptureFixture[str], method: str) -> None:
    name = 'http_requests_total{handler="/healthz",method="other",status="405"}'
    before = metric(client, name)
    capsys.readouterr()
    answer = send(client, method)
    detail = "this path does not take that method; it takes GET"
    check_problem(answer, 405, "method-not-allowed", detail)
    [line] = lines(capsys)
    assert line["method"] == "other"
    assert metric(client, name) == before + 1
    assert f'"{method}"' not in client.get("/metrics").text


def send(client: TestClient, method: str) -> Any:
    """The client would write ``get`` in capitals."""
    request = client.build_request("GET", "/healthz")
    request.method = method
    return client.send(request)


@pytest.mark.threat("metrics without bound")
def test_a_path_that_is_none_is_counted_without_its_text(client: TestClient) -> None:
    name = 'http_requests_total{handler="none",method="GET",status="404"}'
    before = metric(client, name)
    client.get("/nowhere/at/all")
    assert metric(client, name) == before + 1
    assert "/nowhere" not in client.get("/metrics").text


def test_the_limit_of_a_body_is_a_problem_with_all_headers(client: TestClient) -> None:
    answer = client.post("/predict", content=bytes(256 * 1024 + 1), headers={"content-type": "image/png"})
    detail = "the request is larger than 256 KiB; make the image smaller: 28×28 needs less than 4 KiB"
    check_problem(answer, 413, "content-too-large", detail)
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert HEX.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/models"])
def test_no_header_comes_twice(client: TestClient, path: str) -> None:
    names = [name for name, _ in client.get(path).headers.raw]
    assert len(names) == len(set(names))
