"""The one place where an error becomes an HTTP answer: problem details, RFC 9457."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models import errors as domain
from models.errors import KonkyoError
from service import errors
from service.observation import REJECTED, note

MEDIA_TYPE = "application/problem+json"

# Every error that a request can meet, with its status and the stable end of its type. Checkpoint and architecture
# errors stop the start instead; if one came up later, it would be ours to mend: a 500.
STATUSES: dict[type[KonkyoError], tuple[HTTPStatus, str]] = {
    errors.MalformedUploadError: (HTTPStatus.BAD_REQUEST, "malformed-upload"),
    errors.UnsupportedUploadError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-upload"),
    errors.UnsupportedPictureError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-picture"),
    errors.UnreadablePictureError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unreadable-picture"),
    errors.UnsuitablePictureError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unsuitable-picture"),
    errors.UnknownModelError: (HTTPStatus.NOT_FOUND, "unknown-model"),
    errors.NotAcceptableError: (HTTPStatus.NOT_ACCEPTABLE, "not-acceptable"),
    errors.UnauthorizedError: (HTTPStatus.UNAUTHORIZED, "unauthorized"),
    errors.BusyError: (HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    domain.ImageError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unsuitable-picture"),
    domain.ParameterError: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter"),
    domain.BudgetError: (HTTPStatus.UNPROCESSABLE_ENTITY, "too-much-work"),
}

# Headers that a status must carry.
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "X-API-Key"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}

# RFC 9110's names, which Python has taken over only lately.
TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}

TOO_LARGE = "the request is larger than 256 KiB; make the picture smaller: 28×28 needs less than 4 KiB"

# What middleware says in plain text, in our words.
PLAIN_REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("unknown-host", "the Host header names a host that this service does not answer for"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("content-too-large", TOO_LARGE),
}

# What the framework says by itself, in our words.
FRAMEWORK = {
    HTTPStatus.NOT_FOUND: ("not-found", "there is nothing at this path; see /docs for what there is"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PLAIN_REFUSALS[HTTPStatus.REQUEST_ENTITY_TOO_LARGE],
}

# What ends a connection before there is a request that the application could see.
UNREAD = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "this is not a well-formed HTTP request"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers-too-large",
        "the request line and the headers are larger than 16 KiB; send only those that are needed",
    ),
}


class Problem(BaseModel):
    """An error, in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = Field(None, description="For each wrong parameter, its name and a message.")


def install(app: FastAPI) -> None:
    """Make every error of the application a problem, the framework's own included."""
    # The handlers are coroutines so that they run in the request's own context, where its log line is put together.
    app.add_exception_handler(KonkyoError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def unread(status: HTTPStatus) -> JSONResponse:
    """The answer to bytes that are not read as a request."""
    return _answer(status, *UNREAD[status])


def _answer(
    status: HTTPStatus,
    kind: str,
    detail: str,
    parameters: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    REJECTED.labels(kind).inc()
    note(problem=kind)
    problem = Problem(
        type=f"urn:konkyo:problem:{kind}",
        title=TITLES.get(status, status.phrase),
        status=status,
        detail=detail,
        errors=[{"parameter": name, "message": message} for name, message in parameters] or None,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, media_type=MEDIA_TYPE)


async def _domain(_: Request, error: Exception) -> JSONResponse:
    for kind in type(error).__mro__:
        if kind in STATUSES:
            status, slug = STATUSES[kind]
            break
    else:
        raise error
    wrong = [(error.parameter, error.message)] if isinstance(error, domain.ParameterError) else []
    return _answer(status, slug, str(error), wrong, HEADERS.get(status))


async def _validation(_: Request, error: Exception) -> JSONResponse:
    wrong = [_wrong_parameter(item) for item in cast(RequestValidationError, error).errors()]
    detail = "; ".join(f"{name}: {message}" for name, message in wrong)
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter", detail, wrong)


def _wrong_parameter(item: dict[str, Any]) -> tuple[str, str]:
    """A parameter's name, and what it must be."""
    if item["type"] == "extra_forbidden":
        # The name is the client's own text, so it is not repeated.
        return "query", "holds a parameter that this operation does not have; /docs shows those it has"
    return str(item["loc"][-1]), str(item["msg"]).replace("Input should be", "must be")


async def _framework(_: Request, error: Exception) -> JSONResponse:
    http = cast(HTTPException, error)
    status = HTTPStatus(http.status_code)
    kind, detail = FRAMEWORK.get(status, (status.phrase.lower().replace(" ", "-"), status.description or status.phrase))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"this path does not take that method; it takes {(http.headers or {}).get('Allow', 'another')}"
    return _answer(status, kind, detail, headers=http.headers)


async def _gone(_: Request, __: Exception) -> JSONResponse:
    """Nobody is there to read it; but it is no error of ours, and is not logged as one."""
    return _answer(HTTPStatus.BAD_REQUEST, "malformed-upload", "the body ended before all of it was sent")


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "something went wrong on our side; nothing is wrong with your request",
    )


class PlainRefusalMiddleware:
    """Turns what middleware refuses in plain text, a body too large or an unknown host, into a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replacing = False

        async def send_problem(message: Message) -> None:
            nonlocal replacing
            if message["type"] == "http.response.start" and message["status"] in PLAIN_REFUSALS:
                headers = Headers(raw=message["headers"])
                if headers.get("content-type", "").startswith("text/plain"):
                    replacing = True
                    status = HTTPStatus(message["status"])
                    kind, detail = PLAIN_REFUSALS[status]
                    await _answer(status, kind, detail)(scope, receive, send)
            if not replacing:
                await send(message)

        await self.app(scope, receive, send_problem)
