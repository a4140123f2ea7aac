"""Requests that no client library sends, to the real server."""

import json

import pytest

from tests.e2e.server import PATIENCE
from tests.helpers.pictures import sample
from tests.hostile.broken import BROKEN
from tests.hostile.serving import Server, connect, exchange, get, post, problem, received, serving, statuses
from tools.soak.memory import resident

SEVEN = sample(7)
LENGTH = f"Content-Length: {len(SEVEN)}"
CHUNKED = "Transfer-Encoding: chunked"
SECRET = b"tests/hostile"  # a word of ours that no answer may repeat


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_http_gets_one_400_and_the_door(server: Server, name: str) -> None:
    answer = exchange(server.port, BROKEN[name])
    assert statuses(answer) == [400]
    assert problem(answer) == "malformed-request"
    assert b"connection: close" in answer.lower()


ABSENT = [
    "/web/..%2f..%2fapp.py",
    "/web/../../app.py",
    "/web/%2e%2e/%2e%2e/app.py",
    "/web/....//....//app.py",
    "/web/..%5c..%5capp.py",
    "/web//etc/passwd",
    "/web/%00",
    "/web/index.html%00.js",
    "/docs/static/..%2f..%2fapp.py",
    "/docs/static/../../../../../../etc/passwd",
    "/docs/static/%2e%2e/%2e%2e/__init__.py",
    "/docs/static//etc/passwd",
    "/docs/static/%00",
    "/docs/static/" + "a" * 5000,
    "/docs/static/%ff%fe",
    "/models/..%2f..%2fpyproject.toml",
    "/models/%00",
    "/models/%ff%fe",
    "*",
]


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
@pytest.mark.parametrize("path", ABSENT, ids=range(len(ABSENT)))
def test_a_path_that_leads_out_leads_nowhere(server: Server, path: str) -> None:
    answer = exchange(server.port, get(path))
    assert statuses(answer) == [404]
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] in ("urn:konkyo:problem:not-found", "urn:konkyo:problem:unknown-model")
    assert path.encode() not in answer


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_a_thousand_ranges_bring_no_more_than_the_file(server: Server) -> None:
    path = "/docs/static/swagger-ui-bundle.js"
    whole = exchange(server.port, get(path)).split(b"\r\n\r\n", 1)[1]
    assert len(whole) > 100_000
    overlapping = ",".join(["0-"] * 1000)
    scattered = ",".join(f"{start}-{start + 1}" for start in range(0, 4000, 4))
    for ranges in (overlapping, scattered):
        answer = exchange(server.port, get(path, f"Range: bytes={ranges}"))
        assert statuses(answer)[0] in (200, 206, 416)
        assert len(answer) < len(whole) + 200_000
    two = exchange(server.port, get(path, "Range: bytes=0-1"))
    assert (statuses(two), two[-2:]) == ([206], whole[:2])


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("path", ["/predict", "/explain/filters", "/explain/occlusion", "/explain/process"])
def test_a_declared_flood_is_refused_before_it_comes(server: Server, path: str) -> None:
    for more in ((), ("Expect: 100-continue",)):
        answer = exchange(server.port, post(path, "Content-Length: 10000000000", *more))
        assert statuses(answer) == [413]  # and no 100 before it
        assert b"urn:konkyo:problem:content-too-large" in answer


@pytest.mark.threat("body flood")
def test_who_asks_whether_to_continue_is_told(server: Server) -> None:
    with connect(server.port) as connection:
        connection.sendall(post("/predict", LENGTH, "Expect: 100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(SEVEN)
        answer = received(connection)
    assert statuses(answer) == [200]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["predicted"] == 7


MEBIBYTE = b"x" * 2**20
CHUNK = b"100000\r\n" + MEBIBYTE + b"\r\n"


@pytest.mark.threat("body flood")
def test_floods_leave_the_memory_as_it_was(server: Server) -> None:
    """A hundred MiB each way; some were read before the socket closed, and none may be kept."""
    exchange(server.port, post("/predict", CHUNKED), CHUNK)
    before = resident(server.pid)
    for head, piece in (
        (post("/predict", CHUNKED), CHUNK),
        (post("/predict", "Content-Length: 104857600"), MEBIBYTE),
        (post("/predict", CHUNKED, media="multipart/form-data; boundary=x"), CHUNK),
    ):
        answer = exchange(server.port, head, *[piece] * 100)
        assert statuses(answer) in ([413], [400], [])  # nothing at all where the socket was closed on what was coming
    assert resident(server.pid) < before + 20
    assert statuses(exchange(server.port, post("/predict", LENGTH, body=SEVEN))) == [200]


@pytest.mark.threat("multipart bombs")
def test_ten_thousand_headers_are_no_burden(server: Server) -> None:
    answer = exchange(server.port, get("/healthz", *[f"X-{n}: y" for n in range(10_000)]))
    assert statuses(answer) in ([200], [400], [431])
    assert statuses(exchange(server.port, get("/healthz"))) == [200]


@pytest.mark.threat("a name for this machine")
@pytest.mark.parametrize("host", [None, "", "evil.example", "localhost@evil.example", "[::1", "a" * 5000])
def test_on_this_machine_only_its_own_names(server: Server, host: str | None) -> None:
    """Another site could give its name this machine's address, and its page would be let in by the browser."""
    answer = exchange(server.port, get("/healthz", host=host))
    assert statuses(answer) == [400]
    assert b"evil" not in answer
    for own in ("localhost", "127.0.0.1:8000", "[::1]:80"):
        assert statuses(exchange(server.port, get("/healthz", host=own))) == [200]


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_only_trusted_hosts_with_the_setting() -> None:
    with serving(KONKYO_TRUSTED_HOSTS="localhost,127.0.0.1") as guarded:
        for host in (None, "", "evil.example", "localhost.evil.example", "[::1", "xlocalhost"):
            answer = exchange(guarded.port, get("/healthz", host=host))
            assert statuses(answer) == [400], host
            assert b"urn:konkyo:problem:unknown-host" in answer
            assert b"evil" not in answer
        assert statuses(exchange(guarded.port, get("/healthz", host="localhost:8000"))) == [200]


@pytest.mark.threat("stuck shutdown")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_half_a_body_does_not_hold_up_the_end(workers: str) -> None:
    with serving(grace=1, KONKYO_WORKERS=workers) as leaving, connect(leaving.port) as connection:
        connection.sendall(post("/predict", LENGTH, "Expect: 100-continue", body=SEVEN[:40]))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")  # it waits for the rest
        leaving.process.terminate()
        leaving.process.wait(PATIENCE)  # raises where it is still there
        answer = received(connection)
        assert statuses(answer) == [503]
        assert problem(answer) == "busy"
        assert b"retry-after: 1" in answer
        assert leaving.trouble() == ""
        assert '"status":503' in leaving.log.read_text()


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_requests_in_a_row_get_their_answers_in_a_row(server: Server) -> None:
    """Pipelining: nothing is swapped, and what follows a refusal on the same socket is still a request of its own."""
    keep = post("/predict", LENGTH, body=SEVEN).replace(b"Connection: close", b"Connection: keep-alive")
    answer = exchange(
        server.port, keep + keep.replace(b"image/png", b"image/gif") + post("/predict", LENGTH, body=SEVEN)
    )
    assert statuses(answer) == [200, 415, 200]
