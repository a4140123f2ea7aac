"""Requests that no client library sends, connections that do too little, and rows of requests, to the real server."""

import json
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from select import select

import pytest

from konkyo.service.http.protocol import MAX_HEAD, MAX_QUEUED, SPARE_FILES
from support.client import Connection, connect, exchange, get, post, prepared, problem, received, run, statuses
from support.pictures import sample
from support.process import connections, peak, peak_from_now
from support.server import PATIENCE, Server, serving, until
from tests.hostile.broken import BROKEN

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
    "/web/..%5c..%5capp.py",
    "/web/%00",
    "/web/scripts",
    "/web/scripts/",
    "/web/nothing.js",
    "/web/",
    "/docs/static/..%2f..%2fapp.py",
    "/docs/static/../../../../../../etc/passwd",
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
def test_a_declared_flood_is_refused_before_it_comes(server: Server) -> None:
    for more in ((), ("Expect: 100-continue",)):
        answer = exchange(server.port, post("/predict", "Content-Length: 10000000000", *more))
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
FLOOD = 100
# MiB. Of a flood that is kept, all is: a part of one is what the allocator keeps.
LITTLE = FLOOD / 2
CHUNK = b"100000\r\n" + MEBIBYTE + b"\r\n"


@pytest.mark.threat("body flood")
def test_floods_leave_the_memory_as_it_was(server: Server) -> None:
    """A hundred MiB each way; some were read before the socket closed, and none may be kept."""
    exchange(server.port, post("/predict", CHUNKED), CHUNK)
    before = peak_from_now(server.pid)
    for head, piece in (
        (post("/predict", CHUNKED), CHUNK),
        (post("/predict", f"Content-Length: {FLOOD * 2**20}"), MEBIBYTE),
        (post("/predict", CHUNKED, media="multipart/form-data; boundary=x"), CHUNK),
    ):
        answer = exchange(server.port, head, *[piece] * FLOOD)
        assert statuses(answer) in ([413], [400], [])  # nothing at all where the socket was closed on what was coming
    assert peak(server.pid) < before + LITTLE
    assert statuses(exchange(server.port, post("/predict", LENGTH, body=SEVEN))) == [200]


EVIL = ["evil.example", "localhost.evil.example", "localhost@evil.example", "xlocalhost"]


@pytest.mark.threat("a name for this machine", "smuggling, bad Host, static traversal, Range storms")
def test_on_this_machine_only_its_own_names(server: Server) -> None:
    """Another site could give its name this machine's address, and its page would be let in by the browser."""
    for host in (None, "", "[::1", "a" * 5000, *EVIL):
        answer = exchange(server.port, get("/healthz", host=host))
        assert statuses(answer) == [400], host
        assert b"urn:konkyo:problem:unknown-host" in answer
        assert b"evil" not in answer
    for own in ("localhost", "127.0.0.1:8000", "[::1]:80"):
        assert statuses(exchange(server.port, get("/healthz", host=own))) == [200]


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_requests_in_a_row_get_their_answers_in_a_row(server: Server) -> None:
    """Pipelining: nothing is swapped, and what follows a refusal on the same socket is still a request of its own."""
    keep = post("/predict", LENGTH, body=SEVEN).replace(b"Connection: close", b"Connection: keep-alive")
    answer = exchange(
        server.port, keep + keep.replace(b"image/png", b"image/gif") + post("/predict", LENGTH, body=SEVEN)
    )
    assert statuses(answer) == [200, 415, 200]


KEPT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def hurried() -> Iterator[Server]:
    """The service with a second for a head, and for reading an answer."""
    with serving(deadline=1) as started:
        yield started
        assert started.trouble() == ""


@pytest.mark.threat("sockets without a word, directly")
def test_a_head_has_a_deadline(hurried: Server) -> None:
    """Nothing, half of a head, and half of the next one. A body may take longer."""
    with ExitStack() as opened:
        body = opened.enter_context(connect(hurried.port))
        body.sendall(post("/predict", LENGTH, body=SEVEN[:40]))
        begun = [opened.enter_context(connect(hurried.port)) for _ in range(3)]
        started = time.monotonic()
        begun[1].sendall(b"GET /heal")
        begun[2].sendall(KEPT)
        assert statuses(begun[2].recv(65536)) == [200]
        begun[2].sendall(b"GET /heal")
        assert [statuses(received(one)) for one in begun] == [[], [], []]
        assert time.monotonic() - started > 0.5
        body.sendall(SEVEN[40:])
        assert statuses(received(body)) == [200]


@pytest.mark.threat("bodies and answers that nobody ends")
def test_who_does_not_read_an_answer_is_left(hurried: Server) -> None:
    """Pipelined, so that the answers exceed what the system keeps for a client."""
    path = "/explain/process?top=256&model=lenet-6x16"
    whole = len(exchange(hurried.port, post(path, LENGTH, body=SEVEN)))
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", hurried.port))
        connection.sendall(prepared("POST", path, SEVEN) * 16)
        connection.recv(1, socket.MSG_PEEK)
        until(lambda: connections(hurried.pid, hurried.port) == 0)
        # At least what the service itself kept is missing: it waits for the client from 64 KiB on.
        assert whole < len(received(connection)) < 16 * whole - 2**15
        assert statuses(exchange(hurried.port, get("/healthz"))) == [200]


@pytest.mark.threat("stuck shutdown")
def test_half_a_body_does_not_hold_up_the_end() -> None:
    with serving(grace=1) as ending, connect(ending.port) as connection:
        connection.sendall(post("/predict", LENGTH, "Expect: 100-continue", body=SEVEN[:40]))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")  # it waits for the rest
        ending.process.terminate()
        ending.process.wait(PATIENCE)  # raises where it is still there
        answer = received(connection)
        assert '"status":503' in ending.log.read_text()
        assert ending.trouble() == ""
    assert statuses(answer) == [503]
    assert problem(answer) == "busy"
    assert b"retry-after: 1" in answer


@pytest.mark.threat("sockets without a word, directly")
def test_more_sockets_than_files_are_no_end(server: Server) -> None:
    """200 clients have connected before it accepts the first of them: nearly all are let go at once, the others stay.

    Without a limit of its own it would find no file for most of them, and asyncio says so for each, again and again.
    """
    files, crowd_size = 160, 200
    most_held = files - SPARE_FILES
    said = len(server.log.read_text())
    most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    with ExitStack() as sockets:
        sockets.callback(resource.prlimit, server.pid, resource.RLIMIT_NOFILE, most)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (files, most[1]))
        held = [sockets.enter_context(connect(server.port)) for _ in range(most_held - 6)]
        assert statuses(exchange(server.port, get("/healthz"))) == [200]
        server.process.send_signal(signal.SIGSTOP)
        crowd = [sockets.enter_context(connect(server.port)) for _ in range(crowd_size)]
        server.process.send_signal(signal.SIGCONT)
        until(lambda: len(select(crowd, [], [], 0)[0]) >= crowd_size - 6)
        assert select(held, [], [], 0)[0] == []
        lines = server.log.read_text()[said:].splitlines()
        assert len([line for line in lines if "too many connections" in line]) == 1
        assert len(lines) < crowd_size / 2
        for one in held:
            one.close()
        until(lambda: statuses(exchange(server.port, get("/healthz"))) == [200])


KEEP = prepared("POST", "/predict", SEVEN)
CLOSE = prepared("POST", "/predict", SEVEN, Connection="close")
GARBAGE = b"\x16\x03\x01\x02\x00\r\n\r\n"


def head(request: bytes, length: int) -> bytes:
    """The head of a request with one more header, so that it has that many bytes."""
    start = request.partition(b"\r\n\r\n")[0] + b"\r\nX: "
    return start + b"a" * (length - len(start) - 4) + b"\r\n\r\n"


def chunked(media: str) -> bytes:
    """The head of a request whose body comes in chunks."""
    return prepared("POST", "/predict", media=media).replace(b"Content-Length: 0", CHUNKED.encode())


@pytest.mark.threat("body flood")
@pytest.mark.parametrize(("step", "end"), [(2 * MAX_HEAD, -1), (10_000, None)])
def test_a_head_may_be_so_long_and_no_longer(server: Server, step: int, end: int | None) -> None:
    def sent(data: bytes) -> bytes:
        pieces = (data[start : start + step] for start in range(0, len(data), step))
        return exchange(server.port, *pieces, pause=0.05)

    assert statuses(sent(head(CLOSE, MAX_HEAD) + SEVEN)) == [200]
    # In one piece without its last byte, which would be unread when the server closes: the answer would be lost.
    answer = sent(head(CLOSE, MAX_HEAD + 1)[:end])
    assert statuses(answer) == [431]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1]) == {
        "type": "urn:konkyo:problem:headers-too-large",
        "title": "Request Header Fields Too Large",
        "status": 431,
        "detail": "the request line and the headers are larger than 16 KiB; send only those that are needed",
    }
    lines = answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert {
        b"connection: close",
        b"x-content-type-options: nosniff",
        b"referrer-policy: no-referrer",
        b"content-security-policy: default-src 'none'; frame-ancestors 'none'",
    } <= set(lines)
    assert any(re.fullmatch(rb"x-request-id: [0-9a-f]{32}", line) for line in lines)


def test_each_request_of_a_connection_has_its_own_head(server: Server) -> None:
    async def scenario() -> list[int]:
        async with Connection(server.port) as connection:
            longest = head(KEEP, MAX_HEAD) + SEVEN
            asked = [longest, KEEP, longest, head(KEEP, MAX_HEAD + 1)[:-1]]
            return [(await connection.ask(request)).status for request in asked]

    assert run(scenario()) == [200, 200, 200, 431]
    body, trailers = b"%x\r\n%s\r\n" % (len(SEVEN), SEVEN), b"0\r\nX: " + b"a" * 9000 + b"\r\n\r\n"
    answer = exchange(server.port, chunked("image/png") + body, trailers, head(CLOSE, MAX_HEAD) + SEVEN, pause=0.05)
    assert statuses(answer) == [200, 200]


LONG = {
    "a path": b"GET /" + b"a" * 2 * MAX_HEAD,
    "a name": b"GET / HTTP/1.1\r\n" + b"a" * 2 * MAX_HEAD,
    "empty lines": b"\r\n" * MAX_HEAD,
    "many headers": get("/healthz", *(f"X-{number}: y" for number in range(10_000))),
    "the head of a chunk": post("/predict", CHUNKED, body=b"1;" + b"a" * 2 * MAX_HEAD),
    "trailers": post("/predict", CHUNKED, body=b"1\r\nx\r\n0\r\n" + b"a: b\r\n" * MAX_HEAD),
}


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("what", LONG)
def test_nothing_beside_a_body_may_be_longer(server: Server, what: str) -> None:
    # Nothing at all where the socket was closed on what was still coming.
    assert statuses(exchange(server.port, LONG[what])) in ([431], [])


def test_small_chunks_and_small_trailers_are_read(server: Server) -> None:
    chunks = b"".join(b"1;x=%s\r\n%c\r\n" % (b"y" * 100, byte) for byte in SEVEN)
    assert len(chunks) > MAX_HEAD
    answer = exchange(server.port, post("/predict", CHUNKED, body=chunks + b"0\r\nX-Sum: 1\r\n\r\n"))
    assert statuses(answer) == [200]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["predicted"] == 7


@pytest.mark.threat("body flood")
def test_a_hundred_mebibytes_beside_a_body_leave_the_memory_as_it_was(server: Server) -> None:
    before = peak_from_now(server.pid)
    for start in (b"GET / HTTP/1.1\r\nX: ", b"GET /", post("/predict", CHUNKED, body=b"0\r\nX: ")):
        assert statuses(exchange(server.port, start, *[b"a" * 2**20] * FLOOD)) in ([431], [])
    assert peak(server.pid) < before + LITTLE


def test_so_many_requests_may_wait_in_a_row(server: Server) -> None:
    """One that is being answered, those that wait, and then no more: the client can ask the others again."""
    assert statuses(exchange(server.port, KEEP * MAX_QUEUED + CLOSE)) == [200] * (MAX_QUEUED + 1)
    assert statuses(exchange(server.port, KEEP * (MAX_QUEUED + 3))) == [200] * (MAX_QUEUED + 1)


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_nobody_gets_the_answer_of_what_came_later(server: Server) -> None:
    """What is no request after a request, while that waits for its answer: the answer comes, and is the only one."""
    assert statuses(exchange(server.port, KEEP + GARBAGE)) == [200]
    assert statuses(exchange(server.port, KEEP + KEEP + GARBAGE)) == [200, 200]


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
def test_a_broken_body_is_refused_in_its_turn(server: Server) -> None:
    broken = chunked("image/png") + b"zz\r\n"
    answer = exchange(server.port, broken)
    assert (statuses(answer), problem(answer)) == ([400], "malformed-request")
    answer = exchange(server.port, KEEP + broken)
    assert statuses(answer) == [200, 400]
    assert problem(answer[answer.rindex(b"HTTP/1.1 ") :]) == "malformed-request"


@pytest.mark.parametrize(("rest", "after"), [(b"zz\r\n", []), (b"1\r\nx\r\n0\r\n\r\n" + GARBAGE, [400])])
def test_what_is_refused_before_its_body_came_gets_no_second_answer(
    server: Server, rest: bytes, after: list[int]
) -> None:
    with connect(server.port) as connection:
        connection.sendall(chunked("image/gif"))
        answer = b""
        while b"unsupported-upload" not in answer:
            answer += connection.recv(65536)
        connection.sendall(rest)
        answer += received(connection)
    assert statuses(answer) == [415, *after]


def test_an_upgrade_is_not_made_and_ends_the_row(server: Server) -> None:
    upgrade = get("/healthz", "Upgrade: websocket").replace(b"Connection: close", b"Connection: Upgrade")
    answer = exchange(server.port, upgrade + KEEP)
    assert statuses(answer) == [200]
    assert b"connection: close" in answer
