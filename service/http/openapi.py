"""Parts of the OpenAPI document that FastAPI does not derive: examples, problems, and the two kinds of bodies."""

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from konkyo.service.http import problems as problem
from konkyo.service.http.answer import MEDIA_TYPES, Format
from konkyo.service.http.body import REQUEST_BODY
from konkyo.service.http.security import SCHEMES, SECURITY, is_public

# Real answers, written by `make examples`, which asks the service itself: until then a new operation has none. Tests
# compare them with the service's answers.
EXAMPLES = Path(__file__).parents[1] / "routes" / "examples"

Responses = dict[int | str, dict[str, Any]]

# The section of a numpydoc docstring that describes the fields; and in it their names and indented descriptions.
_FIELDS = re.compile(r"\n\n(?:Attributes|Parameters)\n-+\n")
_ATTRIBUTE = re.compile(r"^(\w.*)\n((?: +.*(?:\n|$))+)", re.MULTILINE)

_SCHEMAS = "#/components/schemas/"
_OPERATION_REFUSALS = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
# Of these only an operation that answers with pictures has need.
_OF_IMAGES = (HTTPStatus.NOT_ACCEPTABLE,)


def install(app: FastAPI, *messages: type[BaseModel], keyed: bool) -> None:
    """Add the schemas of problems and of messages that handlers read themselves; describe the fields of dataclasses.

    Only a service with keys has a scheme for them: a client that is made of the document would insist on one.
    """
    derive = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = derive()
            if keyed:
                document["components"]["securitySchemes"] = SCHEMES
                for path, operations in document["paths"].items():
                    for one in operations.values() if not is_public(path) else ():
                        one["security"] = SECURITY
            schemas = document["components"]["schemas"]
            defined: list[type[BaseModel]] = [problem.Problem, problem.ProtocolProblem, *messages]
            for model in defined:
                schema = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
                schemas |= schema.pop("$defs", {})
                schemas[model.__name__] = schema
            for one in schemas.values():
                _describe_fields(one)
        return derive()

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_fields(schema: dict[str, Any]) -> None:
    """Split a numpydoc docstring of ``models``: its section of fields becomes their descriptions."""
    summary, *sections = _FIELDS.split(schema.get("description", ""), maxsplit=1)
    if sections:
        schema["description"] = summary
        # A dataclass has all its fields, also those that its maker may leave out.
        schema["required"] = list(schema["properties"])
        for value in schema["properties"].values():
            value.pop("default", None)
    for names, text in _ATTRIBUTE.findall("".join(sections)):
        for name in names.split(", "):
            schema["properties"][name].setdefault("description", " ".join(text.split()))


def responses(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route: the example of its JSON, and the problems that only some routes end in."""
    path = EXAMPLES / f"{name}.json"
    example = {"example": json.loads(path.read_text())} if path.exists() else {}
    answers: Responses = {200: {"content": {MEDIA_TYPES[Format.JSON]: example}}}
    return answers | _refusals(refusals, problem.MEDIA_TYPE, problem.Problem)


def protocol_refusals(*refusals: HTTPStatus) -> Responses:
    """Problems of the inference protocols, by their statuses."""
    return _refusals(refusals, problem.PROTOCOL_MEDIA_TYPE, problem.ProtocolProblem)


def protocol_operation(message: type[BaseModel], *, in_bytes: bool = False) -> dict[str, Any]:
    """The arguments of a route that takes a message of the inference protocols, which its handler reads itself."""
    media = "application/octet-stream"
    document = {"application/json": {"schema": {"$ref": _SCHEMAS + message.__name__}}}
    tensors = {media: {"schema": {"type": "string", "format": "binary"}}} if in_bytes else {}
    answers: Responses = {200: {"content": tensors}} if in_bytes else {}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": {**document, **tensors}}},
        "responses": answers | protocol_refusals(*(one for one in _OPERATION_REFUSALS if one not in _OF_IMAGES)),
    }


def shared_refusals(*, keyed: bool = True, protocol: bool = False) -> Responses:
    """The problems that all routes of a router can end in: middleware refuses host names, keys and query strings."""
    keys = (HTTPStatus.UNAUTHORIZED,) if keyed else ()
    statuses = HTTPStatus.BAD_REQUEST, *keys, HTTPStatus.UNPROCESSABLE_ENTITY
    if protocol:
        return protocol_refusals(*statuses)
    return _refusals(statuses, problem.MEDIA_TYPE, problem.Problem)


def _refusals(statuses: Iterable[HTTPStatus], media_type: str, schema: type[BaseModel]) -> Responses:
    return {
        int(status): {
            "description": problem.TITLES.get(status, status.phrase),
            "content": {media_type: {"schema": {"$ref": _SCHEMAS + schema.__name__}}},
        }
        for status in statuses
    }


def with_picture(name: str, *refusals: HTTPStatus) -> Responses:
    """The ``responses`` of a route that answers as JSON or as a picture."""
    answers = responses(name, *refusals)
    answers[200]["content"][MEDIA_TYPES[Format.PNG]] = {"schema": {"type": "string", "format": "binary"}}
    answers[200]["content"][MEDIA_TYPES[Format.SVG]] = {"schema": {"type": "string"}}
    return answers


def operation(
    query: type[BaseModel], name: str, question: str, note: str = "", more: str | None = None
) -> dict[str, Any]:
    """The arguments of FastAPI's route decorator for an operation on an image.

    Parameters
    ----------
    query
        The model of its query parameters.
    name
        The name of the example, which is the answer to a curl command.
    question, note
        The path and query of that command, and a remark on its answer.
    more
        The content type of a further form of the answer.
    """
    answers = with_picture(name, *_OPERATION_REFUSALS)
    if more:
        answers[200]["content"][more] = {"schema": {"type": "string"}}
    command = f"curl -F file=@docs/digits/7.png 'localhost:8000{question}'"
    answers[200]["description"] = f"As JSON or as a picture. The example answers `{command}`{note}."
    return {
        "openapi_extra": {"parameters": parameters(query), "requestBody": REQUEST_BODY},
        "responses": answers,
    }


def parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The query parameters of an operation. FastAPI cannot derive them, since the handler validates them."""
    schema = query.model_json_schema()
    definitions = schema.get("$defs", {})

    def plain(value: dict[str, Any]) -> dict[str, Any]:
        """A schema without references, and without null, which no query can contain."""
        if "$ref" in value:
            value = {**definitions[value["$ref"].rpartition("/")[2]], **value}
            del value["$ref"]
        if "anyOf" in value:
            first, *others = [plain(one) for one in value.pop("anyOf") if one != {"type": "null"}]
            value = {**value, "anyOf": [first, *others]} if others else {**first, **value}
        return {key: item for key, item in value.items() if key != "title" and not (key == "default" and item is None)}

    found = []
    for name, value in schema["properties"].items():
        resolved = plain(value)
        about = resolved.pop("description", None)
        found.append({"name": name, "in": "query", "required": False, "description": about, "schema": resolved})
    return found
