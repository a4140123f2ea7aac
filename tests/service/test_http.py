"""What happens to every request and every answer, whatever it asks for; and the form of the answer and of problems."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from konkyo.models.errors import ArchitectureError, CheckpointError, KonkyoError
from konkyo.service import errors
from konkyo.service.app import create_app
from konkyo.service.errors import NotAcceptableError
from konkyo.service.http import answer, body, problems
from konkyo.service.http.answer import MOST_ACCEPT, Format, choose
from konkyo.service.http.middleware import MAX_PARAMETERS, MAX_QUERY
from konkyo.service.http.room import MOST_BYTES
from konkyo.service.settings import Settings
from support.asgi import PNG, ask, scope, sends
from support.pictures import sample
from tests.helpers.operations import check_problem
from tests.helpers.refuse import refuses
from tests.helpers.room import fits
from tests.helpers.telemetry import lines, metric

NOT_FOUND = "there is nothing at this path; see /docs for what there is"
INTERNAL = "something went wrong on our side; nothing is wrong with your request"
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
    counters = (
        'konkyo_rejected_total{reason="internal"}',
        f'http_requests_total{{handler="/fail/{{kind}}",method="{method}",status="500"}}',
    )
    before = [metric(broken, name) for name in counters]
    capsys.readouterr()
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
    assert [metric(broken, name) for name in counters] == [count + 1 for count in before]


def test_an_error_after_an_answer_has_begun_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The status cannot be taken back. uvicorn closes the connection, which says that a part is missing."""
    app = create_app(Settings())

    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("secret")

    @app.get("/half")
    async def half() -> StreamingResponse:
        return StreamingResponse(pieces())

    client = TestClient(app)
    with refuses(RuntimeError, "secret"):
        client.get("/half")
    failed, answered = lines(capsys)
    assert (failed["event"], failed["level"], failed["request_id"]) == ("failed", "error", answered["request_id"])
    assert (answered["route"], answered["status"]) == ("/half", 200)


def test_head_is_get_without_the_body(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    name = 'http_requests_total{handler="/models",method="HEAD",status="200"}'
    before = metric(client, name)
    for path in ("/models", "/nowhere", "/models/paired-3x3/filters"):
        got = client.get(path)
        capsys.readouterr()
        head = client.head(path)
        [line] = lines(capsys)
        assert (head.status_code, head.content, line["method"]) == (got.status_code, b"", "HEAD")
        for header in ("content-length", "content-type"):
            assert head.headers[header] == got.headers[header]
        assert head.headers["content-length"] == str(len(got.content))
    assert metric(client, name) == before + 1


def test_nothing_of_a_body_is_sent_after_a_head() -> None:
    """Seen from the server: a client would hide it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    head = {**scope("/healthz", []), "method": "HEAD"}
    anyio.run(create_app(Settings()), head, sends([b""]), send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1].get("body", b"") == b""


def test_a_request_id_that_is_one_is_kept_and_any_other_is_replaced(client: TestClient) -> None:
    for offered in (
        "0123456789abcdef0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF",
        "01234567-89ab-4def-8123-456789abcdef",
    ):
        for path in ("/healthz", "/nowhere"):
            assert client.get(path, headers={"X-Request-ID": offered}).headers["x-request-id"] == offered
    for offered in ("", "0123456789abcdef0123456789abcdeg", "0" * 33, "0" * 31, "a" * 5000):
        answers = [client.get("/healthz", headers={"X-Request-ID": offered}) for _ in range(2)]
        first, second = (answer.headers["x-request-id"] for answer in answers)
        assert HEX.fullmatch(first)
        assert len({first, second, offered}) == 3


@pytest.mark.threat("paths that two parsers read differently")
def test_control_characters_in_a_path_lead_nowhere(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("/models/%0a", "/models/a%00", "/predict%0d%0a", "/%7f", "/%c2%85"):
        check_problem(client.get(path), 404, "not-found", NOT_FOUND)
        [line] = lines(capsys)
        assert (line["route"], line["problem"]) == (None, "not-found")
    # Other characters are names like any.
    for path in ("/models/%C3%A9", "/models/a%20b"):
        assert client.get(path).json()["type"] == "urn:konkyo:problem:unknown-model"


@pytest.mark.threat("validation as a weapon")
def test_a_query_that_is_too_long_is_refused(client: TestClient) -> None:
    message = "must hold at most 32 parameters in 2048 bytes; /docs shows those that an operation has"
    for method, path in (("POST", "/predict"), ("GET", "/healthz"), ("GET", "/nowhere")):
        for too_much in (
            "a" * (MAX_QUERY + 1),
            "&".join(["a=1"] * (MAX_PARAMETERS + 1)),
            "&" * MAX_PARAMETERS,
            "%C3%A9" * 400,
        ):
            answer = client.request(method, f"{path}?{too_much}")
            check_problem(answer, 422, "invalid-parameter", f"query: {message}")
            assert answer.json()["errors"] == [{"parameter": "query", "message": message}]
            assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    for much in ("a" * MAX_QUERY, "&".join(["a=1"] * MAX_PARAMETERS)):
        assert client.get(f"/healthz?{much}").status_code == 200


def test_only_known_hosts_are_answered_for() -> None:
    picky = TestClient(create_app(Settings(trusted_hosts="Konkyo.example, *.konkyo.example")))
    for host in ("konkyo.example", "KONKYO.example", "konkyo.example:8000", "konkyo.example:", "a.b.konkyo.example:1"):
        assert picky.get("/healthz", headers={"host": host}).status_code == 200, host
    unknown = ["evil.example", "evilkonkyo.example", "konkyo.example.evil.example", "konkyo.example@evil.example"]
    for host in (*unknown, "konkyo.example:8000:8000", ""):
        answer = picky.get("/healthz", headers={"host": host})
        detail = "the Host header names a host that this service does not answer for"
        check_problem(answer, 400, "unknown-host", detail)
        assert {name: answer.headers[name] for name in SECURITY} == SECURITY
        assert HEX.fullmatch(answer.headers["x-request-id"])


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
@pytest.mark.parametrize("trusted", ["*", "konkyo.example"])
def test_two_hosts_are_none(trusted: str) -> None:
    """Of two, a proxy may have looked at the other one; the same one twice is refused too (RFC 9112, 3.2)."""
    client = TestClient(create_app(Settings(trusted_hosts=trusted)))
    for second in ("konkyo.example", "evil.example"):
        answer = client.get("/healthz", headers=[("host", "konkyo.example"), ("host", second)])
        check_problem(answer, 400, "unknown-host", "the request has several Host headers; one is right")
    assert client.get("/healthz", headers=[("host", "konkyo.example"), ("x-a", "1"), ("x-a", "2")]).status_code == 200


@pytest.mark.threat("metrics without bound")
@pytest.mark.parametrize("method", ["BREW", "get"])
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


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Format.JSON),
        ("*/*", Format.JSON),
        ("image/png", Format.PNG),
        ("IMAGE/PNG", Format.PNG),
        ("image/*", Format.PNG),
        ("image/svg+xml, image/png;q=0.9", Format.SVG),
        ("image/png;q=0.5, application/json;q=0.4", Format.PNG),
        ("image/png;q=0.4, application/json;q=0.5", Format.JSON),
        ("image/png, application/json", Format.JSON),
        ("image/png;q=0, */*;q=0.1", Format.JSON),
        ("application/json;q=0, */*", Format.PNG),
        ("text/html, image/avif, image/webp, image/png, */*;q=0.8", Format.PNG),
        ("image/png;level=1;q=0.9, application/json;q=0.8", Format.PNG),
        ("application/json;q=nan, image/png;q=0.1", Format.PNG),
        ("application/json;q=1_0, image/png;q=0.001", Format.PNG),
        ("application/json;q=0., image/png;q=1.000", Format.PNG),
        ("image/png;q=nonsense, application/json;q=0.1", Format.JSON),
    ],
)
def test_accept(accept: str | None, form: Format) -> None:
    assert choose(None, accept) is form


def test_nothing_acceptable() -> None:
    for accept in ("text/html", "image/jpeg", "application/json;q=0, image/png;q=0", "nonsense"):
        with refuses(
            NotAcceptableError,
            "answers come as application/json, image/png or image/svg+xml; Accept allows none of them",
        ):
            choose(None, accept)
        assert choose(Format.JSON, accept) is Format.JSON


@pytest.mark.threat("validation as a weapon")
def test_an_accept_header_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 KB took 10 ms. It counts as none."""
    longest = "image/png".ljust(MOST_ACCEPT)
    assert choose(None, longest) is Format.PNG
    monkeypatch.setattr(answer, "_parse", lambda _: pytest.fail("it is read"))
    for accept in (longest + " ", "text/html," * 1500, "application/json;q=0, image/png," * 400):
        assert choose(None, accept) is Format.JSON
    assert choose(Format.PNG, "text/html," * 1500) is Format.PNG


def tree(root: type[KonkyoError]) -> set[type[KonkyoError]]:
    leaves = {kind for child in root.__subclasses__() for kind in tree(child)}
    return leaves or {root}


# The first two stop the start or the trainer; no request can meet them. Nobody reads the answer to the third.
NO_PROBLEM = {ArchitectureError, CheckpointError, errors.GoneError}


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    online = {
        kind for kind in tree(KonkyoError) if kind.__module__ in ("konkyo.models.errors", "konkyo.service.errors")
    }
    assert online - NO_PROBLEM == set(problems.STATUSES)


def test_a_file_name_in_another_encoding_is_ignored(client: TestClient) -> None:
    for name in ("表.png".encode("shift_jis"), b"\xe9.png"):
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
        body = head + sample(7) + b"\r\n--x--\r\n"
        answer = client.post("/predict", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
        assert answer.json()["predicted"] == 7


def test_no_form_is_written_to_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multipart.tempfile.TemporaryFile", lambda: pytest.fail("a temporary file"))
    answer = client.post("/predict", files={"file": b"x" * 200_000})
    check_problem(answer, 415, "unsupported-image", "the file is neither a PNG nor a JPEG image")


def test_a_body_at_the_limit_is_read(client: TestClient) -> None:
    padded = sample(7).ljust(256 * 1024, b"\0")
    answer = client.post("/predict", content=padded, headers={"content-type": "image/png"})
    assert answer.json()["predicted"] == 7


@pytest.mark.threat("error leakage, reflection")
def test_nothing_of_the_file_name_comes_back(client: TestClient) -> None:
    name = '<script>alert("x")</script>.png'
    for data in (sample(7), b"broken", sample(7)[:90]):
        assert "script" not in client.post("/predict", files={"file": (name, data)}).text


PATHS_WITH_A_BODY = ("/predict", "/v2/models/paired-3x3/infer", "/v1/models/paired-3x3:explain")


@pytest.mark.threat("bodies that do not end", "room is what a request occupies")
@pytest.mark.parametrize("where", PATHS_WITH_A_BODY)
def test_a_body_that_does_not_arrive_in_time_is_refused(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_SECONDS", 0.05)
    app = create_app(Settings())
    status, answer = anyio.run(ask, app, where, sends([bytes(500)], whole=False))
    assert status == 408
    problem = json.loads(answer)
    assert problem["type"] == "urn:konkyo:problem:slow-upload"
    assert problem["detail"] == "the body did not arrive within 0.05 seconds; send it again, faster"
    assert fits(app.state.service.room, MOST_BYTES)


@pytest.mark.parametrize("where", PATHS_WITH_A_BODY)
def test_a_body_that_ends_early_is_refused_and_gives_its_room_back(
    where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(Settings())
    status, _ = anyio.run(ask, app, where, sends([bytes(500)], whole=False, leaves=True))
    [line] = lines(capsys)
    assert (status, line["status"], line["problem"]) == (400, 400, "malformed-upload")
    assert fits(app.state.service.room, MOST_BYTES)


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("announced", [b"262145", b"9" * 400])
def test_what_a_head_announces_is_refused_without_the_body(announced: bytes) -> None:
    headers = [PNG, (b"content-length", announced)]
    status, answer = anyio.run(ask, create_app(Settings()), "/predict", sends([]), headers)
    detail = "the request is larger than 256 KiB; make the image smaller: 28×28 needs less than 4 KiB"
    assert (status, json.loads(answer)["detail"]) == (413, detail)
