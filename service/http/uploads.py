"""From a request to the bytes of its one picture."""

from asyncio import timeout
from io import BytesIO
from typing import Any

from multipart import MultipartError, MultipartParser, parse_options_header
from starlette.requests import Request

from service.errors import MalformedUploadError, SlowUploadError, UnsupportedUploadError

MAX_BODY = 256 * 1024
# For all of a body.
MAX_SECONDS = 30
FIELD = "file"

_MULTIPART = "multipart/form-data"
_RAW = ("image/png", "image/jpeg")
# More than one is refused with a message of its own.
_MAX_PARTS = 4

# For the OpenAPI document: FastAPI cannot derive that a body comes in either of two ways.
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": "One picture: a form with the field `file`, or the bytes themselves.",
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


async def read_upload(request: Request) -> bytes:
    """The image in the request's body, whatever the client calls its type or name.

    Raises
    ------
    SlowUploadError
        Not all of it came in time: who sends a byte now and then must not hold a place for ever.
    UnsupportedUploadError
        Neither a form nor a raw PNG or JPEG.
    MalformedUploadError
        A form that cannot be parsed, or holds anything but one file in the field ``file``.
    """
    try:
        async with timeout(MAX_SECONDS):
            return await _read(request)
    except TimeoutError as error:
        raise SlowUploadError(f"the body did not arrive within {MAX_SECONDS} seconds; send it again, faster") from error


async def _read(request: Request) -> bytes:
    media = request.headers.get("content-type", "")
    kind = media.partition(";")[0].strip().lower()
    if kind in _RAW:
        return await request.body()
    if kind != _MULTIPART:
        raise UnsupportedUploadError(
            f"send the picture as {_MULTIPART} in the field '{FIELD}', or as the body itself with the Content-Type "
            f"{' or '.join(_RAW)}"
        )
    return _only_file(media, await request.body())


def _only_file(media: str, body: bytes) -> bytes:
    """The one file of a form."""
    try:
        boundary = parse_options_header(media)[1]["boundary"]
        parts = MultipartParser(BytesIO(body), boundary, len(body), part_limit=_MAX_PARTS).parts()
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
