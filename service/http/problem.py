"""Problem details (RFC 9457): the format of all errors."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.responses import JSONResponse
from pydantic import MISSING, BaseModel, Field

from konkyo.service.http.telemetry import REJECTED, note

# The name is text of the client's and is not repeated.
UNKNOWN_PARAMETER = "holds a parameter that this operation does not have; /docs shows those it has"
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
