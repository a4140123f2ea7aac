"""What uvicorn's own settings do not offer with its fast parser: limits of headers and pipelined requests, no delay.

uvicorn's ``h11_max_incomplete_event_size`` limits headers only with the slower parser h11, and no setting limits
pipelined requests. This module overrides private methods, so pyproject.toml pins uvicorn exactly.
"""

import asyncio
import socket
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from konkyo.service.http.headers import NOSNIFF, POLICY, REFERRER
from konkyo.service.http.problem import refuse

# Maximum size in bytes of a request line with its headers, of a chunk header, and of trailers; the same in nginx.conf.
MAX_HEAD = 16 * 1024
# Maximum number of requests that a client may send before the first is answered.
MAX_QUEUED = 16

UNREAD = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "this is not a well-formed HTTP request"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers-too-large",
        "the request line and the headers are larger than 16 KiB; send only those that are needed",
    ),
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits. A malformed or too large request gets a problem, and the connection is closed."""

    # Number of bytes since the last complete headers, piece of a body, or end of a request.
    _idle = 0
    _ended = False
    _running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Several workers listen on a socket of uvicorn's, for which asyncio leaves Nagle's algorithm on: the body of an
        # answer, sent after its head, would wait 40 ms for the client's acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        # Parsed in pieces, so that the limit does not depend on how the bytes arrive.
        while data and not self._ended:
            room = MAX_HEAD - self._idle
            piece, data = data[:room], data[room:]
            self._idle += len(piece)
            super().data_received(piece)
            if self._idle >= MAX_HEAD and not self._ended:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._idle = 0
        if len(self.pipeline) >= MAX_QUEUED:
            raise OverflowError  # the parser treats it as a malformed request
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._idle = 0
        super().on_message_complete()
        self.cycle.more_body = False  # uvicorn leaves it True if the answer is complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn notifies only the last of several pipelined requests; the running one must learn of it too.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Called by uvicorn for a malformed request."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        # The upgrade is ignored. The parser has skipped the bytes after the request, so the connection must end.
        self._ended = True
        self.cycle.keep_alive = False

    def _refuse(self, status: HTTPStatus) -> None:
        """Stop reading. Each request gets at most one answer, in order."""
        self._ended = True
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            # The request was complete before. A problem would be taken for its answer.
            cycle.keep_alive = False
            return
        refusal: Any = refuse(status, *UNREAD[status])
        if cycle is not None and self.pipeline:
            cycle.keep_alive = False
            self.pipeline[0] = (cycle, refusal)
            return
        if cycle is None or not (cycle.response_started and cycle.more_body):
            own = [(b"x-request-id", uuid4().hex.encode()), NOSNIFF, REFERRER, POLICY, (b"connection", b"close")]
            head = [*self.server_state.default_headers, *refusal.raw_headers, *own]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + bytes(refusal.body))
        self.transport.close()
