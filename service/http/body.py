"""Reads the body of a request: within a size, a time and the worker's room; and the image file in it."""

from asyncio import timeout
from io import BytesIO
from typing import Any

from multipart import MultipartError, MultipartParser, parse_options_header
from starlette.requests import Request

from konkyo.service.errors import MalformedUploadError, SlowUploadError, TooLargeError, UnsupportedUploadError
from konkyo.service.http.room import Reservation

MAX_BODY = 256 * 1024
# Maximum time for the whole body.
MAX_SECONDS = 30
FIELD = "file"

_MULTIPART = "multipart/form-data"
_RAW = ("image/png", "image/jpeg")
# Limit of the parser. More than one part is refused below, with a message that says why.
_MAX_PARTS = 4

# For the OpenAPI document: FastAPI cannot derive a body of two kinds.
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": "One image: a form with the field `file`, or the file itself.",
    "content": {
        _MULTIPART: {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "properties": {FIELD: {"type": "string", "format": "binary"}},
                "additionalProperties": False,
            },
            "encoding": {FIELD: {"contentType": ", ".join(_RAW)}},
        },
        **{media: {"schema": {"type": "string", "format": "binary"}} for media in _RAW},
    },
}


async def read(request: Request, reserved: Reservation, most: int, advice: str) -> bytes:
    """Read the whole body.

    Parameters
    ----------
    reserved
        Where its bytes are counted, as they arrive.
    most
        Bytes at most.
    advice
        How to send less.

    Raises
    ------
    TooLargeError
        It is larger, or says that it will be.
    SlowUploadError
        It did not arrive in time.
    BusyError
        There is no room for it.
    """
    limit = f"{most // 1024} KiB" if most < 2**20 else f"{most >> 20} MiB"
    too_large = TooLargeError(f"the request is larger than {limit}; {advice}")
    announced = request.headers.get("content-length", "")
    # A longer number than that of the limit is larger, and may be too long to be read.
    if len(announced) > len(str(most)) or (announced and int(announced) > most):
        raise too_large
    pieces, size = [], 0
    try:
        async with timeout(MAX_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise too_large
                reserved.take(len(piece))
                pieces.append(piece)
    except TimeoutError as error:
        raise SlowUploadError(f"the body did not arrive within {MAX_SECONDS} seconds; send it again, faster") from error
    return b"".join(pieces)


async def read_image(request: Request, reserved: Reservation) -> bytes:
    """Read the image file. Its name and its part's media type are ignored.

    Raises
    ------
    UnsupportedUploadError
        The media type is neither that of a form nor PNG or JPEG.
    MalformedUploadError
        The form cannot be parsed, or contains anything but one file in the field ``file``.
    TooLargeError, SlowUploadError, BusyError
        As ``read``.
    """
    media = request.headers.get("content-type", "")
    kind = media.partition(";")[0].strip().lower()
    if kind not in (*_RAW, _MULTIPART):
        raise UnsupportedUploadError(
            f"send the image as {_MULTIPART} in the field '{FIELD}', or as the body itself with the Content-Type "
            f"{' or '.join(_RAW)}"
        )
    body = await read(request, reserved, MAX_BODY, "make the image smaller: 28×28 needs less than 4 KiB")
    return _only_file(media, body) if kind == _MULTIPART else body


def _only_file(media: str, body: bytes) -> bytes:
    """The one file of a form."""
    try:
        boundary = parse_options_header(media)[1]["boundary"]
        # All parts are kept in memory: larger ones would otherwise become temporary files.
        parser = MultipartParser(
            BytesIO(body), boundary, len(body), charset="latin-1", part_limit=_MAX_PARTS, spool_limit=MAX_BODY
        )
        parts = parser.parts()
    except (MultipartError, KeyError, ValueError) as error:
        raise MalformedUploadError(
            f"the form cannot be read; it must have a boundary and one file, in the field '{FIELD}'"
        ) from error
    files = [part for part in parts if part.name == FIELD and part.filename is not None]
    if not files:
        raise MalformedUploadError(f"the form has no file in the field '{FIELD}'")
    if len(parts) > 1:
        raise MalformedUploadError(
            f"the form must hold nothing but the field '{FIELD}'; parameters go into the query string, as in ?target=3"
        )
    content: bytes = files[0].raw
    return content
