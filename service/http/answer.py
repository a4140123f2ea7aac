"""An answer that keeps its room until it is sent."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from konkyo.service.http.room import Share

# Bytes that are given to the server at a time. It keeps some of them while a client reads slowly.
PIECE = 64 * 1024


class Answer(Response):
    """A body in the worker's room.

    Parameters
    ----------
    content, media_type, headers
        As in Starlette.
    share
        The room of the request; given back when the last piece is sent, or nobody is there any more.
    """

    def __init__(self, content: bytes, media_type: str, share: Share, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if len(self.body) <= PIECE:
                await super().__call__(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            # The server waits with the next piece until the client has read enough of those before.
            for start in range(0, len(self.body), PIECE):
                piece = bytes(self.body[start : start + PIECE])
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._share.release()
