"""What the OpenAPI document says beyond what FastAPI derives: examples, refusals, and bodies of two kinds."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.http import problem
from service.http.negotiation import MEDIA_TYPES, Format
from service.http.security import SECURITY
from service.http.uploads import REQUEST_BODY

# Real answers, kept by `make examples`; tests ask again and compare.
EXAMPLES = Path(__file__).parent.parent / "examples"

Responses = dict[int | str, dict[str, Any]]

_SCHEMAS = "#/components/schemas/"
_OPERATION_REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def install(app: FastAPI) -> None:
    """Have the document define the problem, to which all refusals refer."""
    derive = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = problem.Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
            schemas = derive()["components"]["schemas"]
            schemas |= schema.pop("$defs")
            schemas["Problem"] = schema
        return derive()

    app.openapi = openapi  # type: ignore[method-assign]


def responses(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route: the kept example of its JSON, and the problems that it can end in."""
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    answers: Responses = {200: {"content": {MEDIA_TYPES[Format.JSON]: {"example": example}}}}
    for status in refusals:
        answers[int(status)] = {
            "description": problem.TITLES.get(status, status.phrase),
            "content": {problem.MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}},
        }
    return answers


def with_picture(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route that answers as JSON or as a picture."""
    answers = responses(name, *refusals)
    answers[200]["content"][MEDIA_TYPES[Format.PNG]] = {"schema": {"type": "string", "format": "binary"}}
    return answers


def operation(query: type[BaseModel], name: str, question: str, note: str = "") -> dict[str, Any]:
    """The arguments of the route of an operation on an image.

    Parameters
    ----------
    query
        What the operation takes.
    name
        Of the example: the answer to a command that anyone can run in the project's folder.
    question, note
        The path and query of that command, and what to say of its answer.
    """
    answers = with_picture(name, *_OPERATION_REFUSALS)
    command = f"curl -F file=@docs/digits/7.png 'localhost:8000{question}'"
    answers[200]["description"] = f"As JSON or as a picture. The example answers `{command}`{note}."
    return {
        "openapi_extra": {"parameters": parameters(query), "requestBody": REQUEST_BODY, "security": SECURITY},
        "responses": answers,
    }


def parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The query parameters of an operation, whose handler validates them itself."""
    schema = query.model_json_schema()
    definitions = schema.get("$defs", {})

    def plain(value: dict[str, Any]) -> dict[str, Any]:
        """Without references, and without the null that no query can hold."""
        if "$ref" in value:
            value = {**definitions[value["$ref"].rpartition("/")[2]], **value}
            del value["$ref"]
        if "anyOf" in value:
            [alternative] = [one for one in value["anyOf"] if one != {"type": "null"}]
            value = {**plain(alternative), **value}
            del value["anyOf"]
        return {key: item for key, item in value.items() if key != "title" and not (key == "default" and item is None)}

    found = []
    for name, value in schema["properties"].items():
        resolved = plain(value)
        about = resolved.pop("description", None)
        found.append({"name": name, "in": "query", "required": False, "description": about, "schema": resolved})
    return found
