"""nginx before the service, with the project's own configuration. Slow sockets are in test_load.py."""

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from threading import Event, Thread
from types import MappingProxyType

import httpx
import numpy as np
import pytest
from starlette.routing import Mount, Route

from konkyo.service.app import create_app
from konkyo.service.http.body import MAX_BODY
from konkyo.service.settings import Settings
from konkyo.service.web.page import FILES
from support.client import exchange, get, post, problem, statuses
from support.edge import BALANCER, CONFIGURATION, HIDDEN, edge
from support.folders import ROOT
from support.server import PATIENCE, Server, SkippedError, until
from tests.helpers.tensors import EXPLAIN, PATH, SEVENS, TOO_LARGE, request
from tests.hostile.broken import BROKEN

Begin = Callable[[int, str, bytes], socket.socket]


@pytest.fixture(scope="module")
def port(server: Server) -> Iterator[int]:
    with edge_before(server.port) as listening:
        yield listening


@contextmanager
def edge_before(port: int, changes: Mapping[str, str] = MappingProxyType({})) -> Iterator[int]:
    """The edge; the test is skipped where there is no nginx."""
    with ExitStack() as stack:
        try:
            listening = stack.enter_context(edge(port, changes))
        except SkippedError as reason:
            pytest.skip(str(reason))
        yield listening


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Opens connections from an address, each with a request; all are closed after the test."""
    with ExitStack() as opened:

        def one(port: int, address: str, request: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0))
            opened.enter_context(connection).sendall(request)
            return connection

        yield one


def public() -> list[str]:
    """The paths of every route of the application that is no operator's, with a name in the place of a parameter."""
    paths = []
    for route in create_app(Settings()).routes:
        # FastAPI keeps a router that was included as one route.
        routes = route.original_router.routes if hasattr(route, "original_router") else [route]
        paths += [one.path for one in routes if isinstance(one, Route | Mount)]
    assert {*OPERATORS, "/predict", "/models/{name}/filters", "/web/{path:path}"} <= set(paths)
    shown = [path for path in paths if not path.startswith(OPERATORS)]
    filled = {"{name}": "paired-3x3", "{version}": "1", "{path:path}": "scripts/main.js"}
    return [reduce(lambda path, name: path.replace(name, filled[name]), filled, path) for path in shown]


OWN_WORDS = b'"detail":"there is nothing at this path"}'
OPERATORS = ("/metrics", "/docs", "/openapi.json")


@pytest.mark.threat("exposed metrics and docs")
def test_every_public_route_is_passed_on(port: int) -> None:
    """With the service's own answer, whatever it is: the edge has another for what it does not know."""
    # A percent sign in a query is nobody's business but the service's.
    paths = [*public(), *(f"/web/{name}" for name in FILES), "/healthz?x=%2f%0a"]
    assert len(paths) > 40
    for path in paths:
        assert "{" not in path
        for method in ("GET", "POST"):
            answer = exchange(port, get(path).replace(b"GET", method.encode(), 1))
            assert statuses(answer)[0] in (200, 400, 404, 405, 415, 422), path
            assert OWN_WORDS not in answer, path


# What is not public, paths that one parser takes for another path, and paths that are nobody's.
STRANGE = [
    *HIDDEN,
    *(f"{path}{end}" for path in (*HIDDEN, "/predict", "/models", "/web/index.html") for end in ("%0a", "%0A", "%1f")),
    "/.problem/..%2fmetrics",
    "/.problem/absent",
    "/.problem/absent%0a",
    *(f"{path}/" for path in ("/predict", "/models", "/metrics", "/docs", "/v2")),
    "/%6detrics",
    "//metrics",
    "/./metrics",
    "/web/../metrics",
    "/web/%2e%2e/metrics",
    "/web/..%2fmetrics",
    "/web/..%5cmetrics",
    "/models/..%2fmetrics",
    "/models/x%2ffilters",
    "/models/x%0d%0ay",
    "/models/x%7f",
    "/v2/..%2fmetrics",
    "/metrics;x",
    "/metrics?x",
    "/Metrics",
    "/docs%2fstatic%2fswagger-ui.css",
    "/redoc",
    "/%2f",
    "/explain",
    "/explain/",
    "/explain/whatever/",
    "/explain/whatever/more",
    "/explain/whatever%2fmore",
    "/explain/%0awhatever",
    "/explain/../metrics",
    "/explain//metrics",
    "/explain/openapi.json",
    "/explain/Whatever",
]


@pytest.mark.threat("exposed metrics and docs")
def test_the_service_answers_for_questions_that_the_edge_does_not_know(port: int) -> None:
    """One that the service has learned, too; and where it has none, there is nothing."""
    answer = exchange(port, post("/explain/whatever", "Content-Length: 0"))
    assert (statuses(answer), problem(answer)) == ([404], "not-found")
    assert OWN_WORDS not in answer
    with replaced() as service, edge_before(service.server_port) as learned:
        service.told.set()
        assert statuses(exchange(learned, post("/explain/whatever", "Content-Length: 4", body=b"body"))) == [200]
        assert service.arrived == ["/explain/whatever"]


@pytest.mark.threat("exposed metrics and docs", "paths that two parsers read differently")
@pytest.mark.parametrize("path", STRANGE)
def test_no_other_path_is_passed_on(port: int, path: str) -> None:
    answer = exchange(port, get(path))
    assert statuses(answer) == [404]
    assert problem(answer) == "not-found"
    assert OWN_WORDS in answer


@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_tensors_may_be_larger(port: int, path: str) -> None:
    images = np.tile(SEVENS, (512, 1, 1)) / 255
    body = {"instances": images.round(3).tolist(), "outputs": ["logits"]}
    if path == PATH:
        body = request(images.astype(np.float32))
    content = json.dumps(body).encode()
    assert len(content) > 10 * MAX_BODY
    chunks = (content[start : start + 65536] for start in range(0, len(content), 65536))
    for form in (content, chunks):
        answer = httpx.post(f"http://127.0.0.1:{port}{path}", content=form, timeout=PATIENCE)
        assert answer.status_code == 200


@pytest.mark.parametrize("path", [PATH, EXPLAIN])
def test_tensors_that_are_too_large_or_in_broken_chunks_are_refused(port: int, path: str) -> None:
    for content in (bytes(2**23 + 1), (bytes(2**20) for _ in range(9))):
        answer = httpx.post(f"http://127.0.0.1:{port}{path}", content=content, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/json")
        assert answer.json()["error"] == answer.json()["detail"] == TOO_LARGE
    broken = exchange(port, post(path, "Transfer-Encoding: chunked", body=b"ZZ\r\n"))
    assert (statuses(broken), problem(broken)) == ([400], "malformed-request")


def test_tensors_for_a_service_that_is_down_are_refused_in_the_protocol_s_form() -> None:
    with replaced() as service, edge_before(service.server_port) as port:
        service.shutdown()
        service.server_close()
        for size in (1_000, 300_000):
            answer = httpx.post(f"http://127.0.0.1:{port}{PATH}", content=bytes(size), timeout=PATIENCE)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/json")
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["error"] == "the service is busy or starting; try again in a second"


@pytest.mark.threat("slow clients", "one client is everybody")
def test_there_are_so_many_places_for_all(server: Server, begin: Begin) -> None:
    """Held from different addresses, none of which has too many, by requests of which a part is sent."""
    part = post("/predict", "Content-Length: 100", body=b"ab")
    with edge_before(server.port, {"limit_conn everybody 2048;": "limit_conn everybody 3;"}) as port:
        many = [begin(port, f"127.0.0.{number}", part) for number in range(2, 12)]
        until(lambda: len(select(many, [], [], 0)[0]) >= 7)
        answers = [one.recv(65536) for one in select(many, [], [], 0)[0]]
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 503"] * 7


@pytest.mark.threat("one client is everybody")
def test_all_places_of_the_edge_fit_into_its_memory() -> None:
    """The kept part of a body and a head for each, and the folder for the rest: the container has so much."""

    def number(name: str) -> int:
        return int(re.findall(rf"^ *{name} .*?(\d+)k?;", CONFIGURATION.read_text(), re.M)[0])

    everybody = number("limit_conn everybody")
    heads = number("worker_connections") * number("large_client_header_buffers")
    bodies = everybody * number("client_body_buffer_size")
    assert number("client_body_buffer_size") <= number("client_max_body_size") == MAX_BODY // 1024
    assert 4 * number("limit_conn clients") <= everybody < number("worker_connections") / 2
    # An answer takes eight pages and one in each of two processes.
    answers = int(re.findall(r"limit_conn asked (\d+);", BALANCER.read_text())[0]) * 2 * 9 * 4
    edge = re.search(
        r"^  edge:.*?size=(\d+)m.*?mem_limit: (\d+)m", (ROOT / "docker-compose.yml").read_text(), re.M | re.S
    )
    assert edge is not None
    folder, limit = map(int, edge.groups())
    assert (heads + bodies + answers) / 1024 + folder + 32 <= limit


LARGE = bytes(range(256)) * 2**17  # 32 MiB: more than the kernel keeps for three connections


class Service(ThreadingHTTPServer):
    """In the place of the service: it answers GET at once, and a POST when it is told to, or never.

    ``arrived`` has the paths of POST requests; ``begun`` and ``finished`` those of large answers, to GET /models, that
    were begun, and that the edge has taken in full.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, ends: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived, self.begun, self.finished = list[str](), list[str](), list[str]()
        self.told, self.ends = Event(), ends


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        if self.path == "/models":
            self.server.begun.append(self.path)
            self.answer(LARGE)
            self.server.finished.append(self.path)
        else:
            self.answer(b"")

    def do_POST(self) -> None:
        self.server.arrived.append(self.path)
        if not self.server.ends and self.server.told.wait(PATIENCE):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(b"")
        self.close_connection = True

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def replaced(**options: bool) -> Iterator[Service]:
    """Such a service, running."""
    with Service(**options) as service:
        thread = Thread(target=service.serve_forever, daemon=True)
        thread.start()
        yield service
        service.told.set()
        service.shutdown()


WHOLE = post("/explain/shapley", "Content-Length: 4", body=b"body")


@pytest.mark.threat("one address takes the queue")
@pytest.mark.parametrize(
    ("request_", "share"),
    [
        (WHOLE, 32),
        (post(PATH, "Content-Length: 8388608", body=b"begun"), 4),
        (post(EXPLAIN, "Content-Length: 8388608", body=b"begun"), 4),
    ],
    ids=["questions", "v2", "v1"],
)
def test_an_address_has_a_share_of_the_queue(begin: Begin, request_: bytes, share: int) -> None:
    """Whatever it says of its address. What has arrived at the service has a place in its queue."""
    with replaced() as service, edge_before(service.server_port) as port:
        many = [begin(port, "127.0.0.2", forwarded(request_, number)) for number in range(share + 8)]
        until(lambda: len(service.arrived) >= share and len(select(many, [], [], 0)[0]) >= 8)
        refused = [one.recv(65536) for one in select(many, [], [], 0)[0]]
        assert len(service.arrived) == share
        assert [answer[:12] for answer in refused] == [b"HTTP/1.1 503"] * 8
        assert all(b"Retry-After: 1\r\n" in answer for answer in refused)
        begin(port, "127.0.0.3", request_)
        until(lambda: len(service.arrived) == share + 1)


def forwarded(request: bytes, number: int) -> bytes:
    """With an address of the client's own invention."""
    return request.replace(b"\r\n", b"\r\nX-Forwarded-For: 192.0.2.%d\r\n" % number, 1)


@pytest.mark.threat("one address takes the queue", "one client is everybody")
def test_unfinished_uploads_take_no_place_in_the_queue(begin: Begin) -> None:
    """They are the edge's affair, which passes on whole ones alone."""
    begun = post("/predict", "Content-Length: 100", body=b"begun")
    with replaced() as service, edge_before(service.server_port) as port:
        many = [begin(port, "127.0.0.2", begun) for _ in range(100)]
        begin(port, "127.0.0.2", WHOLE)
        until(lambda: len(service.arrived) > 0)
        assert (service.arrived, select(many, [], [], 0)[0]) == (["/explain/shapley"], [])


TWO = "server 127.0.0.1:{0} max_fails=1 fail_timeout=2s;", "server 127.0.0.1:{0}; server 127.0.0.1:{1};"


def test_another_replica_is_asked_where_one_has_gone() -> None:
    with replaced(ends=True) as ends, replaced() as lives:
        lives.told.set()
        one, both = (text.format(ends.server_port, lives.server_port) for text in TWO)
        with edge_before(ends.server_port, {one: both}) as port:
            asked = 0
            while not ends.arrived or not lives.arrived:
                assert statuses(exchange(port, WHOLE)) == [200]
                asked += 1
            assert len(lives.arrived) == asked
            # What is passed on as it comes was not kept, and cannot be sent again.
            tensor = post(PATH, "Content-Length: 5", body=b"whole")
            found = {statuses(exchange(port, tensor))[0] for _ in range(8)}
            assert found <= {200, 503}


@pytest.mark.threat("answers that nobody reads")
def test_slow_readers_get_whole_answers_and_keep_nobody_out(begin: Begin) -> None:
    """An answer that is larger than all buffers stays in the service, and is kept in no file, which would fill /tmp."""
    patient = {"send_timeout 10s": f"send_timeout {PATIENCE}s"}
    with replaced() as service, edge_before(service.server_port, patient) as port:
        slow = [begin(port, "127.0.0.2", get("/models")) for _ in range(8)]
        until(lambda: len(service.begun) == len(slow))
        for _ in range(3):
            assert whole(begin(port, "127.0.0.3", get("/models")))
        until(lambda: len(service.finished) == 3)  # noted after the last byte has come
        assert len(service.begun) == len(slow) + 3
        with ThreadPoolExecutor() as threads:
            assert all(threads.map(whole, slow))


def whole(connection: socket.socket) -> bool:
    """Whether all of the large answer comes."""
    answer = bytearray()
    while piece := connection.recv(2**20):
        answer += piece
    return answer.endswith(LARGE)


@pytest.mark.threat("logs without end")
def test_the_log_says_who_asked_and_nothing_of_the_clients(server: Server) -> None:
    known = "0123456789ab4def8123456789abcdef"
    with socket.socket(type=socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(PATIENCE)
        there = f"access_log syslog:server=127.0.0.1:{log.getsockname()[1]} edge"
        with edge_before(server.port, {"access_log /dev/stdout edge": there}) as port:
            for request in (
                get("/healthz"),
                get("/edge"),
                get("/v2", f"X-Request-ID: {known}", "User-Agent: secret"),
                get("/secret?secret", "X-Request-ID: secret"),
                b"secret\r\n\r\n",
            ):
                exchange(port, request)
        text = "\n".join("{" + log.recv(65536).decode().partition("{")[2] for _ in range(3))
    asked, lost, broken = map(json.loads, text.splitlines())
    assert [line["status"] for line in (asked, lost, broken)] == [200, 404, 400]
    assert {line["address"] for line in (asked, lost, broken)} == {"127.0.0.1"}
    assert asked["request_id"] == known
    assert re.fullmatch("[0-9a-f]{32}", lost["request_id"])
    assert asked.keys() == {"time", "address", "request_id", "status", "bytes", "seconds", "limited"}
    assert (asked["bytes"] > 100, asked["seconds"] >= 0, asked["limited"]) == (True, True, "PASSED")
    assert "secret" not in text
    until(lambda: f'"{known}"' in server.log.read_text())  # written once the answer is sent


def test_every_link_of_the_page_leads_somewhere(port: int) -> None:
    page = httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE).text
    links = set(re.findall(r'(?:href|src)="([^"#][^"]*)"', page))
    assert len(links) > 3
    for link in links:
        assert httpx.get(f"http://127.0.0.1:{port}{link}", timeout=PATIENCE).status_code == 200, link


# What nginx makes sense of, and passes on.
READ = {"bare line feeds": 200, "chunks that end in line feeds": 415}


@pytest.mark.threat("smuggling, bad Host, static traversal, Range storms")
@pytest.mark.parametrize("name", READ)
def test_what_the_edge_makes_sense_of_is_passed_on(port: int, name: str) -> None:
    assert statuses(exchange(port, BROKEN[name])) == [READ[name]]


REFUSED = {
    **{name: (request, 400, "malformed-request") for name, request in BROKEN.items() if name not in READ},
    "a path that is none": (get("/%zz"), 400, "malformed-request"),
    "an encoded NUL in the path": (get("/metrics%00"), 400, "malformed-request"),
    "a path that leads out": (get("/../../x"), 400, "malformed-request"),
    "another version": (b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n", 400, "malformed-request"),
    "another encoding": (post("/predict", "Transfer-Encoding: gzip", body=b"x"), 400, "malformed-request"),
    "a long path": (get("/" + "a" * 20_000), 431, "headers-too-large"),
    "a long header": (get("/healthz", "X: " + "a" * 20_000), 431, "headers-too-large"),
    "many headers": (get("/healthz", *(f"X-{n}: y" for n in range(3_000))), 431, "headers-too-large"),
    "a large body": (post("/predict", f"Content-Length: {MAX_BODY + 1}"), 413, "content-too-large"),
    "a method that is not taken": (get("/").replace(b"GET", b"TRACE"), 405, "method-not-allowed"),
    "a place of the edge's own": (get("/.problem/busy"), 404, "not-found"),
}


@pytest.mark.threat("error leakage, reflection", "smuggling, bad Host, static traversal, Range storms")
@pytest.mark.parametrize("name", REFUSED)
def test_what_the_edge_refuses_is_a_problem(port: int, name: str) -> None:
    request, status, kind = REFUSED[name]
    answer = exchange(port, request)
    assert statuses(answer) == [status]
    assert problem(answer) == kind
