"""Maps errors to problems. No other module does this."""

from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from konkyo.models import errors as domain
from konkyo.models.errors import KonkyoError
from konkyo.service import errors
from konkyo.service.http.problem import UNKNOWN_PARAMETER, WrongParameter, refuse
from konkyo.service.http.telemetry import note

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
        return WrongParameter(parameter="query", message=UNKNOWN_PARAMETER)
    return WrongParameter(parameter=str(name), message=str(item["msg"]).replace("Input should be", "must be"))


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
