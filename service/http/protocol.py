"""What uvicorn's own settings do not offer with its fast parser: limits of heads, connections and time, and no delay.

uvicorn's ``h11_max_incomplete_event_size`` limits headers only with the slower parser h11, and no setting limits
pipelined requests. This module overrides private methods, so pyproject.toml pins uvicorn exactly.
"""

import asyncio
import resource
import socket
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from konkyo.service.http.headers import NOSNIFF, POLICY, REFERRER
from konkyo.service.http.problems import refuse
from konkyo.service.http.telemetry import log

# Maximum size in bytes of a request line with its headers, of a chunk header, and of trailers; the same in nginx.conf.
MAX_HEAD = 16 * 1024
# Bytes that are read of a connection at a time.
PIECE = 16 * 1024
# Maximum number of requests that a client may send before the first is answered.
MAX_QUEUED = 16
# Seconds in which a whole head must come, and in which a client must read 48 KiB of an answer that waits for it.
HEAD_SECONDS, READ_SECONDS = 10, 30
# Seconds in which a client that has connected may still ask, when the process ends.
LAST_SECONDS = 2
# Files of a worker that are no connections, or connections about to be closed, as they are too many.
SPARE_FILES = 64
# Seconds between two lines of log that say that there are too many connections.
QUIET_SECONDS = 60

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
    # Whether the process ends after this connection's next answer.
    _last = False
    _running: RequestResponseCycle | None = None
    # Ends the connection when a head, or a reader of an answer, takes too long.
    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            _say_crowded(self.loop.time())
            transport.abort()
            return
        self._head = self.loop.call_later(HEAD_SECONDS, transport.abort)
        # Several workers listen on a socket of uvicorn's, for which asyncio leaves Nagle's algorithm on: the body of an
        # answer, sent after its head, would wait 40 ms for the client's acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # asyncio reads 256 KiB of each connection before anybody asks for room for them: 600 uploads would be 150 MB.
        cast(Any, transport).max_size = PIECE

    def data_received(self, data: bytes) -> None:
        # The first bytes of a further request on this connection.
        if self._head is None and (self._running is None or self._running.response_complete):
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)
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
        self._head = _stopped(self._head)
        if len(self.pipeline) >= MAX_QUEUED:
            raise OverflowError  # the parser treats it as a malformed request
        super().on_headers_complete()
        if self._last:
            self.cycle.keep_alive = False

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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reader = _stopped(self._reader)

    def shutdown(self) -> None:
        """Called by uvicorn when the process ends, or is replaced by another.

        uvicorn closes a connection on which nothing was asked: a request that is on its way would be lost.
        """
        if self.cycle is None and not self._ended and not self.transport.is_closing():
            self._last = True
            _stopped(self._head)
            self._head = self.loop.call_later(LAST_SECONDS, self.transport.close)
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head, self._reader = _stopped(self._head), _stopped(self._reader)
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


def most_connections() -> int:
    """Connections of a worker at most: as many as it may open files, but for some."""
    return max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES)


_said = -float("inf")


def _say_crowded(now: float) -> None:
    global _said
    if now - _said > QUIET_SECONDS:
        _said = now
        log.warning("too many connections", most=most_connections())


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """None, which stands for a timer that is not running."""
    if timer is not None:
        timer.cancel()
    return None


class BoundedLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, but it accepts few connections in a turn.

    asyncio accepts all connections that wait, up to uvicorn's 2,048, before it makes any of them, and so before
    ``BoundedProtocol`` can end one that is too many. Beyond the limit of files it writes a traceback for each place
    that is left of the 2,048. asyncio has no setting for it, so a private method is overridden.
    """

    # A connection that is too many is closed three turns after it was accepted: four times as many take half of
    # ``SPARE_FILES``.
    accepted = 8

    def _accept_connection(
        self,
        protocol_factory: Any,
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = 1,
        *timeouts: Any,
    ) -> None:
        super()._accept_connection(  # type: ignore[misc]
            protocol_factory, sock, sslcontext, server, min(backlog, self.accepted), *timeouts
        )


class SharingLoop(BoundedLoop):
    """The loop of one of several workers: it leaves connections to the others, which the same connections wake up.

    The first worker to wake up would take all those of a burst, and keep them, while the others have none.
    """

    accepted = 2
