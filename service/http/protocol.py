"""HTTP itself, where uvicorn sets no bounds: how long a head may be, and how many requests may wait in a row."""

from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.http.problem import refuse

# Bytes of a request line with its headers, of a chunk's head, of trailers. The edge takes as many.
MAX_HEAD = 16 * 1024
# Requests that a client may send before the first is answered.
MAX_QUEUED = 16

UNREAD = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "this is not a well-formed HTTP request"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers-too-large",
        "the request line and the headers are larger than 16 KiB; send only those that are needed",
    ),
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol. What it cannot or will not read is answered with a problem and the end of the connection."""

    # Bytes since the last that were of use: a head, a piece of a body, the end of a request.
    _idle = 0
    _ended = False
    _running: RequestResponseCycle | None = None

    def data_received(self, data: bytes) -> None:
        # Fed in pieces, so that where the limit lies does not depend on how the bytes came.
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
            raise OverflowError  # to the parser, which takes it for an error in what it reads
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._idle = 0
        super().on_message_complete()
        self.cycle.more_body = False  # known also where the answer did not wait for it

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells only the last of a row that the client has left; the first would answer into a closed socket.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Called where the parser gives up."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        # The request is answered as if it had not asked; but the parser has skipped what came after it.
        self._ended = True
        self.cycle.keep_alive = False

    def _refuse(self, status: HTTPStatus) -> None:
        """Read no more. Every request gets one answer at most, and in its turn."""
        self._ended = True
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            # It was whole before the trouble began: the refusal would be taken for its answer.
            cycle.keep_alive = False
            return
        refusal: Any = refuse(status, *UNREAD[status])
        if cycle is not None and self.pipeline:
            cycle.keep_alive = False
            self.pipeline[0] = (cycle, refusal)
            return
        if cycle is None or not (cycle.response_started and cycle.more_body):
            head = [*self.server_state.default_headers, *refusal.raw_headers, (b"connection", b"close")]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + bytes(refusal.body))
        self.transport.close()
