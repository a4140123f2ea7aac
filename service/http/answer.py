"""An answer: its format, JSON or a picture, and its sending, while which it keeps its room."""

import re
from collections.abc import Mapping
from enum import StrEnum

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from konkyo.service.errors import NotAcceptableError
from konkyo.service.http.room import Reservation


class Format(StrEnum):
    """The formats of an answer. Where a client likes several equally, it gets the first of them."""

    JSON = "json"
    PNG = "png"
    SVG = "svg"


class DocumentFormat(StrEnum):
    """Of what has a document that works by itself: those of every answer, and this document, for those who name it."""

    JSON = "json"
    PNG = "png"
    SVG = "svg"
    HTML = "html"


AnyFormat = Format | DocumentFormat


# Characters of an Accept header that are read.
MOST_ACCEPT = 1024
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")

MEDIA_TYPES = {Format.JSON: "application/json", Format.PNG: "image/png", Format.SVG: "image/svg+xml"}
HTML = "text/html; charset=utf-8"
# Beside the content type. An SVG may show the small images in itself, and nothing else.
_SVG_POLICY = "default-src 'none'; img-src data:; frame-ancestors 'none'"


def choose(requested: AnyFormat | None, accept: str | None) -> AnyFormat:
    """The format of the answer: that of ``format``, else the preferred one of ``Accept``, else JSON.

    An ``Accept`` of more than 1,024 characters counts as none.

    Raises
    ------
    NotAcceptableError
        ``Accept`` allows none of them.
    """
    if requested is not None:
        return requested if requested is DocumentFormat.HTML else Format(requested.value)
    # No browser sends so much; it would take longer to read than many an answer.
    if not accept or len(accept) > MOST_ACCEPT:
        return Format.JSON
    ranges = _parse(accept)
    # JSON is the first member, so max() returns it if both have the same quality.
    best = max(Format, key=lambda form: _quality(MEDIA_TYPES[form], ranges))
    if _quality(MEDIA_TYPES[best], ranges) == 0:
        *most, last = MEDIA_TYPES.values()
        raise NotAcceptableError(f"answers come as {', '.join(most)} or {last}; Accept allows none of them")
    return best


def media_type(form: AnyFormat) -> str:
    """The content type of an answer in this format."""
    return HTML if form is DocumentFormat.HTML else MEDIA_TYPES[Format(form.value)]


def headers_of(form: AnyFormat) -> dict[str, str]:
    """The other headers of an answer in this format."""
    headers = {"Vary": "Accept"}
    if form is Format.SVG:
        headers["Content-Security-Policy"] = _SVG_POLICY
    if form is DocumentFormat.HTML:
        # To be kept as a file: among the pages of this service its scripts may not run.
        headers["Content-Disposition"] = 'attachment; filename="grounds.html"'
    return headers


def _parse(accept: str) -> dict[str, float]:
    """The media ranges with their qualities (RFC 9110, 12.5.1). A malformed quality counts as 0."""
    ranges = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = "1"
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = value.strip()
        ranges[media] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return ranges


def _quality(media: str, ranges: dict[str, float]) -> float:
    """The quality of the most specific range that covers ``media``."""
    kind = media.partition("/")[0]
    return next((ranges[name] for name in (media, f"{kind}/*", "*/*") if name in ranges), 0.0)


# Bytes that are given to the server at a time. It keeps some of them while a client reads slowly.
PIECE = 64 * 1024


class ReservedResponse(Response):
    """A body in the worker's room.

    Parameters
    ----------
    content, media_type, headers
        As in Starlette.
    reserved
        The room of the request; given back when the last piece is sent, or nobody is there any more.
    """

    def __init__(
        self, content: bytes, media_type: str, reserved: Reservation, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._reserved = reserved

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
            self._reserved.release()
