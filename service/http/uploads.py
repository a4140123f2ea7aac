"""From a request to the bytes of its one picture."""

from asyncio import timeout
from http import HTTPStatus
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.errors import MalformedUploadError, SlowUploadError, UnsupportedUploadError

MAX_BODY = 256 * 1024
# For all of a body.
MAX_SECONDS = 30
FIELD = "file"

_MULTIPART = "multipart/form-data"
_RAW = ("image/png", "image/jpeg")
_MAX_FIELDS = 4
_MAX_FIELD_SIZE = 1024

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
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _RAW:
        return await request.body()
    if media != _MULTIPART:
        raise UnsupportedUploadError(
            f"send the picture as {_MULTIPART} in the field '{FIELD}', or as the body itself with the Content-Type "
            f"{' or '.join(_RAW)}"
        )
    try:
        async with request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_SIZE) as form:
            return await _only_file(form)
    # A charset that Python knows but that decodes no text comes through as a bare UnicodeError.
    except (HTTPException, UnicodeError) as error:
        if isinstance(error, HTTPException) and error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise MalformedUploadError(
            f"the form cannot be read; it must have a boundary and one file, in the field '{FIELD}'"
        ) from error


async def _only_file(form: FormData) -> bytes:
    file = form.get(FIELD)
    if not isinstance(file, UploadFile):
        raise MalformedUploadError(f"the form has no file in the field '{FIELD}'")
    if len(form.multi_items()) > 1:
        raise MalformedUploadError(
            f"the form must hold nothing but the field '{FIELD}'; parameters go into the query string, as in ?target=3"
        )
    return await file.read()
