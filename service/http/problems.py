"""Problem details (RFC 9457), the format of all errors; and which error is which problem. No other module maps them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import MISSING, BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from konkyo.models import errors as domain
from konkyo.models.errors import KonkyoError
from konkyo.service import errors
from konkyo.service.http.telemetry import REJECTED, note

MEDIA_TYPE = "application/problem+json"
# On the paths of the inference protocols: KServe's client shows an error only where it comes as this.
PROTOCOL_MEDIA_TYPE = "application/json"
_PROTOCOL = re.compile(r"/v[12](/|\Z)")

# The names of RFC 9110; those of older Python versions differ.
TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
# Headers that a status requires.
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "X-API-Key"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


class WrongParameter(BaseModel):
    """A wrong parameter, with what it must be."""

    parameter: str = Field(description="Its name; `query` or `body` for one that there is not.")
    message: str = Field(description="What it must be.")


class Problem(BaseModel):
    """An error, in the form of RFC 9457."""

    type: str = Field(description="Stable: `urn:konkyo:problem:` and the kind of problem.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was wrong, and what would be right.")
    errors: list[WrongParameter] | MISSING = Field(
        MISSING, description="With `invalid-parameter`: each wrong parameter, ten at most.", max_length=10
    )


class ProtocolProblem(Problem):
    """An error on a path of the inference protocols, whose clients look for `error`."""

    error: str = Field(description="The detail once more.")


def unknown_parameter(names: Iterable[str]) -> str:
    """The message for a parameter that is none of an operation's. Its name is the client's text and not repeated."""
    return f"holds a parameter that this operation does not have; it has {', '.join(names) or 'none'}"


def is_protocol(path: str) -> bool:
    """Whether a path is one of the inference protocols'."""
    return _PROTOCOL.match(path) is not None


def refuse(
    status: HTTPStatus,
    kind: str,
    detail: str,
    parameters: Sequence[WrongParameter] = (),
    headers: Mapping[str, str] | None = None,
    path: str = "",
) -> JSONResponse:
    """The answer to a request that is refused; it is counted, and named in the log line.

    Parameters
    ----------
    status, kind, detail, parameters
        The fields of the problem; ``kind`` is the end of its type.
    headers
        Beside those that the status must carry.
    path
        What was asked: the inference protocols have a form of their own.
    """
    REJECTED.labels(kind).inc()
    note(problem=kind)
    content = Problem(
        type=f"urn:konkyo:problem:{kind}",
        title=TITLES.get(status, status.phrase),
        status=status,
        detail=detail,
        errors=list(parameters) or MISSING,
    ).model_dump()
    media_type = MEDIA_TYPE
    if is_protocol(path):
        content, media_type = {**content, "error": detail}, PROTOCOL_MEDIA_TYPE
    return JSONResponse(content, status, {**HEADERS.get(status, {}), **(headers or {})}, media_type)


# The status and the problem type of every error of a request. Checkpoint and architecture errors are not listed: they
# stop the start, and would be a 500 in a request.
STATUSES: dict[type[KonkyoError], tuple[HTTPStatus, str]] = {
    errors.MalformedUploadError: (HTTPStatus.BAD_REQUEST, "malformed-upload"),
    errors.SlowUploadError: (HTTPStatus.REQUEST_TIMEOUT, "slow-upload"),
    errors.UnknownHostError: (HTTPStatus.BAD_REQUEST, "unknown-host"),
    errors.UnsupportedUploadError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-upload"),
    errors.UnsupportedImageError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-image"),
    errors.UnreadableImageError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unreadable-image"),
    errors.UnsuitableImageError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unsuitable-image"),
    errors.UnknownModelError: (HTTPStatus.NOT_FOUND, "unknown-model"),
    errors.NotAcceptableError: (HTTPStatus.NOT_ACCEPTABLE, "not-acceptable"),
    errors.UnauthorizedError: (HTTPStatus.UNAUTHORIZED, "unauthorized"),
    errors.TooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "content-too-large"),
    errors.BusyError: (HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    domain.ImageError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unsuitable-image"),
    domain.BudgetError: (HTTPStatus.UNPROCESSABLE_ENTITY, "too-much-work"),
    domain.ParameterError: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter"),
}

# Messages for statuses that the framework returns.
FRAMEWORK = {
    HTTPStatus.NOT_FOUND: ("not-found", "there is nothing at this path; see /docs for what there is"),
}
# Of a request whose client has left; no client sees it. nginx has the same number for it.
GONE = 499
# Wrong parameters that are named at the most.
_MAX_NAMED = 10


def install(app: FastAPI) -> None:
    """Register the handlers that turn all errors into problems, including those of the framework."""
    # The handlers are coroutines, so that they run in the context of the request, which collects its log line.
    app.add_exception_handler(KonkyoError, _domain)
    app.add_exception_handler(errors.GoneError, _gone)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(ClientDisconnect, _cut_short)


def of_status(status: HTTPStatus, headers: Any = None, path: str = "") -> JSONResponse:
    """The problem that a bare status stands for, at a path."""
    kind, detail = FRAMEWORK.get(status, (status.phrase.lower().replace(" ", "-"), status.description or status.phrase))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"this path does not take that method; it takes {(headers or {}).get('Allow', 'another')}"
    return refuse(status, kind, detail, headers=headers, path=path)


def of_domain(error: KonkyoError, path: str = "") -> JSONResponse:
    """The problem that one of our own errors stands for; an error that no request should meet is raised again."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            status, slug = STATUSES[kind]
            break
    else:
        raise error
    wrong = []
    if isinstance(error, domain.ParameterError):
        wrong = [WrongParameter(parameter=error.parameter, message=error.message)]
    return refuse(status, slug, str(error), wrong, path=path)


def unexpected(path: str = "") -> JSONResponse:
    """The answer to an error that nobody foresaw: it tells nothing of it."""
    return refuse(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "something went wrong on our side; nothing is wrong with your request",
        path=path,
    )


async def _domain(request: Request, error: Exception) -> JSONResponse:
    return of_domain(cast(KonkyoError, error), request.scope["path"])


async def _validation(request: Request, error: Exception) -> JSONResponse:
    wrong = []
    for item in cast(RequestValidationError, error).errors()[:_MAX_NAMED]:
        parameter = _wrong_parameter(item)
        # All unknown parameters have the same message.
        if parameter not in wrong:
            wrong.append(parameter)
    detail = "; ".join(f"{one.parameter}: {one.message}" for one in wrong)
    return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter", detail, wrong, path=request.scope["path"])


def _wrong_parameter(item: dict[str, Any]) -> WrongParameter:
    """The name and the message of a wrong parameter."""
    # ``loc`` is ("query", name, …). The rest says which alternative of a union was tried.
    name = item["loc"][1] if len(item["loc"]) > 1 else item["loc"][0]
    if item["type"] == "extra_forbidden":
        return WrongParameter(parameter="query", message=item["msg"])
    return WrongParameter(parameter=str(name), message=domain.complaint(item))


async def _framework(request: Request, error: Exception) -> JSONResponse:
    http = cast(HTTPException, error)
    return of_status(HTTPStatus(http.status_code), http.headers, request.scope["path"])


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody is there to read it, and nothing was wrong: it is logged and counted with a status of its own."""
    note(problem="gone")
    return Response(status_code=GONE)


async def _cut_short(request: Request, _: Exception) -> JSONResponse:
    """Nobody is there to read it; but it is no error of ours, and is not logged as one."""
    return refuse(
        HTTPStatus.BAD_REQUEST,
        "malformed-upload",
        "the body ended before all of it was sent",
        path=request.scope["path"],
    )
