"""Clients that do little and so can do much: prepared requests, raw bytes, and what comes back."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from support.server import PATIENCE

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class ClosedError(ConnectionError):
    """The server closed before it had answered in full."""


def prepared(verb: str, target: str, body: bytes = b"", media: str = "image/png", **headers: str) -> bytes:
    """A request for a kept connection, as bytes."""
    lines = [f"{verb} {target} HTTP/1.1", "Host: localhost"]
    if verb == "POST":
        lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """One connection, opened when it is first needed and again after a failure."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self._port, self._address = port, address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a prepared request.

        Raises
        ------
        ClosedError
            No whole answer came: the connection could not be made, or ended too soon.
        """
        start = time.perf_counter()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._address, self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ClosedError(str(error)) from error
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(first.split(" ", 2)[1]), headers, body, time.perf_counter() - start)

    def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end, in a thread: a browser may have an event loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


def lower_priority() -> None:
    """Let the server go first: elsewhere its clients would not be on its own cores. Call it once that is running."""
    os.nice(10 - os.nice(0))


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes.

    Raises
    ------
    TimeoutError
        It does not close.
    """
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def exchange(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send the pieces one after another, and give back whatever is answered."""
    with connect(port) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
            time.sleep(pause)
        return received(connection)


def problem(answer: bytes) -> str:
    """The kind of problem that a single response is."""
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"content-type: application/problem+json" in head.lower().splitlines()
    kind: str = json.loads(body)["type"]
    return kind.removeprefix("urn:konkyo:problem:")


def statuses(answer: bytes) -> list[int]:
    """The status of each response in a stream of them."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


def get(path: str, *headers: str, host: str | None = "localhost") -> bytes:
    """A request as bytes, after which the server is asked to close."""
    named = [f"Host: {host}"] if host is not None else []
    return _lines(f"GET {path} HTTP/1.1", *named, "Connection: close", *headers)


def post(path: str = "/predict", *headers: str, body: bytes = b"", media: str = "image/png") -> bytes:
    """The same with a body; what it says of the body's length is for the caller."""
    return (
        _lines(f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Type: {media}", *headers)
        + body
    )


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
