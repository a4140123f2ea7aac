"""A web server on this machine that answers as a mirror might, for better or worse."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple


class Answer(NamedTuple):
    """``promised`` is the length in the header; None promises the true one, −1 says nothing."""

    body: bytes = b""
    status: int = 200
    promised: int | None = None
    location: str | None = None


class Mirror(ThreadingHTTPServer):
    """Gives each path's answers in order, the last one for ever, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {path: list(some) for path, some in answers.items()}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        some = self.server.answers.get(self.path, [Answer(status=404)])
        answer = some.pop(0) if len(some) > 1 else some[0]
        self.send_response(answer.status)
        if answer.location:
            self.send_header("Location", answer.location)
        if answer.promised != -1:
            self.send_header("Content-Length", str(len(answer.body) if answer.promised is None else answer.promised))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(answers: dict[str, list[Answer]]) -> Iterator[Mirror]:
    with Mirror(answers) as mirror:
        thread = Thread(target=mirror.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mirror
        finally:
            mirror.shutdown()
            thread.join()
