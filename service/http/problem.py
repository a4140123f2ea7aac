"""Problem details, RFC 9457: the one form in which anything is refused."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.responses import JSONResponse
from pydantic import MISSING, BaseModel, Field

from service.http.telemetry import REJECTED, note

MEDIA_TYPE = "application/problem+json"

# RFC 9110's names, which Python has taken over only lately.
TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
# Headers that a status must carry.
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "X-API-Key"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


class WrongParameter(BaseModel):
    """A parameter, and what it must be."""

    parameter: str
    message: str


class Problem(BaseModel):
    """An error, in the form of RFC 9457."""

    type: str = Field(description="Stable: `urn:konkyo:problem:` and the kind of problem.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was wrong, and what would be right.")
    errors: list[WrongParameter] | MISSING = Field(
        MISSING, description="With `invalid-parameter`: each wrong parameter, ten at most.", max_length=10
    )


def refuse(
    status: HTTPStatus,
    kind: str,
    detail: str,
    parameters: Sequence[WrongParameter] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer to a request that is refused; it is counted, and named in the log line."""
    REJECTED.labels(kind).inc()
    note(problem=kind)
    problem = Problem(
        type=f"urn:konkyo:problem:{kind}",
        title=TITLES.get(status, status.phrase),
        status=status,
        detail=detail,
        errors=list(parameters) or MISSING,
    )
    return JSONResponse(problem.model_dump(), status, {**HEADERS.get(status, {}), **(headers or {})}, MEDIA_TYPE)
