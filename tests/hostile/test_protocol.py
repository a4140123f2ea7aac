"""How long a head may be, how many requests may wait in a row, and whose answer is whose where a row ends badly."""

import json
import re
from contextlib import suppress

import pytest

from konkyo.service.http.protocol import MAX_HEAD, MAX_QUEUED
from tests.helpers.pictures import sample
from tests.hostile.serving import Server, connect, exchange, get, post, problem, received, statuses
from tools.soak.client import Connection, prepared, run
from tools.soak.memory import peak, resident

SEVEN = sample(7)
CHUNKED = "Transfer-Encoding: chunked"
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
@pytest.mark.parametrize("step", [2 * MAX_HEAD, 1000, 10])
def test_a_head_may_be_so_long_and_no_longer(server: Server, step: int) -> None:
    def sent(data: bytes) -> bytes:
        return exchange(server.port, *(data[start : start + step] for start in range(0, len(data), step)))

    assert statuses(sent(head(CLOSE, MAX_HEAD) + SEVEN)) == [200]
    # Refused with its last byte but one, so that nothing comes on a socket that is closed.
    answer = sent(head(CLOSE, MAX_HEAD + 1)[:-1])
    assert statuses(answer) == [431]
    assert problem(answer) == "headers-too-large"
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


def test_a_head_that_comes_in_two_is_measured_as_one(server: Server) -> None:
    too_long = head(CLOSE, MAX_HEAD + 1) + SEVEN
    assert statuses(exchange(server.port, too_long[:10_000], too_long[10_000:], pause=0.05)) == [431]


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
    before = resident(server.pid)
    for start in (b"GET / HTTP/1.1\r\nX: ", b"GET /", post("/predict", CHUNKED, body=b"0\r\nX: ")):
        assert statuses(exchange(server.port, start, *[b"a" * 2**20] * 100)) in ([431], [])
    assert resident(server.pid) < before + 10


def test_so_many_requests_may_wait_in_a_row(server: Server) -> None:
    """One that is being answered, those that wait, and then no more: the client can ask the others again."""
    assert statuses(exchange(server.port, KEEP * MAX_QUEUED + CLOSE)) == [200] * (MAX_QUEUED + 1)
    assert statuses(exchange(server.port, KEEP * (MAX_QUEUED + 3))) == [200] * (MAX_QUEUED + 1)


@pytest.mark.threat("body flood")
def test_a_row_without_end_is_not_kept(server: Server) -> None:
    before = peak(server.pid)
    for _ in range(10):
        with connect(server.port) as connection:
            connection.sendall(KEEP)
            with suppress(ConnectionError):
                connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 20_000)
    assert statuses(exchange(server.port, CLOSE)) == [200]
    assert peak(server.pid) < before + 10


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
