"""What the OpenAPI document says beyond what FastAPI derives: examples, refusals, and bodies of two kinds."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from service import problems
from service.negotiation import MEDIA_TYPES, Format
from service.uploads import REQUEST_BODY

# Real answers, kept by `make examples`; tests ask again and compare.
EXAMPLES = Path(__file__).parent / "examples"

Responses = dict[int | str, dict[str, Any]]

_QUESTION_REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def responses(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route: the kept example of its JSON, and the problems that it can end in."""
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    answers: Responses = {200: {"content": {MEDIA_TYPES[Format.JSON]: {"example": example}}}}
    for status in refusals:
        answers[int(status)] = {
            "description": problems.TITLES.get(status, status.phrase),
            "content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}},
        }
    return answers


def drawn(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route that answers as JSON or as a picture."""
    answers = responses(name, *refusals)
    answers[200]["content"][MEDIA_TYPES[Format.PNG]] = {"schema": {"type": "string", "format": "binary"}}
    return answers


def question(path: str, query: str = "", note: str = "") -> dict[str, Any]:
    """The arguments of the route of an operation on a picture.

    Its example is the answer to a command that anyone can run in the project's folder.
    """
    answers = drawn(path.rpartition("/")[2], *_QUESTION_REFUSALS)
    command = f"curl -F file=@docs/digits/7.png 'localhost:8000{path}{query}'"
    answers[200]["description"] = f"As JSON or as a picture. The example answers `{command}`{note}."
    return {"path": path, "openapi_extra": {"requestBody": REQUEST_BODY}, "responses": answers}
