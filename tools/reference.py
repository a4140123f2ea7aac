"""``docs/http.md``: every operation with its options and the fields of its answer, from the OpenAPI document."""

import json
import re
from collections.abc import Iterator
from typing import Any

from konkyo.service.http.problems import STATUSES

Schema = dict[str, Any]

HEAD = """# HTTP reference

Made by `make examples` from the service's OpenAPI document, which is at `/openapi.json`. Indices count from 0. In an
answer, `[row][column]` is an array of rows; "[2…64 × …]" says how long an array is along each of its axes. A field that
was not asked for is absent. [mathematics.md](mathematics.md) defines the numbers.
"""

COMMON = """## Common options

Of each operation on an image. Where one differs, its own table has it.
"""

# Kinds of problem that no error class stands for.
OTHER_PROBLEMS = {
    "malformed-request": (400, "What is not well-formed HTTP."),
    "not-found": (404, "Nothing is at this path."),
    "method-not-allowed": (405, "The path does not take this method; the header `Allow` names those it takes."),
    "content-too-large": (413, "A body of more than 256 KiB, or of more than 8 MiB on the paths of `/v1` and `/v2`."),
    "headers-too-large": (431, "A request line and headers of more than 16 KiB."),
    "internal": (500, "An error of the service."),
}


def reference(document: Schema) -> str:
    """The Markdown of the whole document."""
    schemas = document["components"]["schemas"]
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    common = _options(operations["POST /predict"])
    lines = [f"| `{name}` | {operation['summary']} |" for name, operation in operations.items()]
    parts = [HEAD, "\n".join(["| | |", "|---|---|", *lines]), COMMON, _table("option", common)]
    shown: list[str] = []
    for title, operation in operations.items():
        parts.append(f"## {title}")
        parts.append(f"{operation['summary']} {_joined(operation['description'])}")
        options = _options(operation)
        if own := [one for one in options if one not in common]:
            parts.append(_table("option", own))
        if also := [f"`{one[0]}`" for one in options if one in common]:
            parts.append(f"{'Also' if own else 'Takes'} [{', '.join(also)}](#common-options).")
        if "application/json" in (taken := operation.get("requestBody", {}).get("content", {})):
            message = schemas[taken["application/json"]["schema"]["$ref"].rpartition("/")[2]]
            parts.append(_table("field of the request", list(_fields(message, schemas, shown))))
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        name = answer["$ref"].rpartition("/")[2]
        parts.append(_table("field", list(_fields(schemas[name], schemas, shown))))
    parts.extend(("## Objects", *_objects(shown, schemas), "## Problem"))
    parts.append(
        "Every refusal, as `application/problem+json`. On the paths of `/v1` and `/v2` it comes as `application/json`, "
        "and holds the detail once more as `error`, where their clients look for it."
    )
    nested: list[str] = []
    parts.append(_table("field", list(_fields(schemas["Problem"], schemas, nested))))
    parts.append("The kinds of problem, each with its status:")
    parts.append("\n".join(["| kind | | |", "|---|--:|---|", *_problems()]))
    parts.extend(_objects(nested, schemas))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _objects(names: list[str], schemas: Schema) -> Iterator[str]:
    """A section for each object. The list grows meanwhile: objects hold objects."""
    for name in names:
        schema = schemas[name]
        yield f"### {name}"
        if "description" in schema:
            yield _joined(schema["description"])
        yield _table("field", list(_fields(schema, schemas, names)))


def _problems() -> Iterator[str]:
    """The rows of the kinds of problem, by status."""
    said = {kind: (int(status), _joined(error.__doc__ or "")) for error, (status, kind) in reversed(STATUSES.items())}
    for kind, (status, text) in sorted({**said, **OTHER_PROBLEMS}.items(), key=lambda row: (row[1][0], row[0])):
        yield f"| `{kind}` | {status} | {text} |"


def _options(operation: Schema) -> list[tuple[str, str, str]]:
    return [_option(one) for one in operation.get("parameters", []) if one["in"] == "query"]


def _option(parameter: Schema) -> tuple[str, str, str]:
    kind = _kind(parameter["schema"], {}, [])
    if (default := parameter["schema"].get("default")) is not None:
        kind += f"; default `{str(default).lower() if isinstance(default, bool) else default}`"
    return parameter["name"], kind, parameter.get("description") or ""


def _fields(schema: Schema, schemas: Schema, shown: list[str]) -> Any:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        kind = _kind(field, schemas, shown)
        yield name, kind if name in required else f"{kind}; optional", field.get("description") or ""


def _kind(schema: Schema, schemas: Schema, shown: list[str]) -> str:
    """The type of a value in words, with its range; objects that it refers to are added to ``shown``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if "enum" in schemas[name]:
            return _kind(schemas[name], schemas, shown)
        if name not in shown:
            shown.append(name)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one, schemas, shown) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`" if isinstance(schema["const"], bool) else f"`{schema['const']}`"
    if schema.get("type") == "array":
        return _array(schema, schemas, shown)
    return _scalar(schema)


def _array(schema: Schema, schemas: Schema, shown: list[str]) -> str:
    if "prefixItems" in schema:
        kinds = [_kind(one, schemas, shown) for one in schema["prefixItems"]]
        return f"{len(kinds)} × {kinds[0]}"
    lengths: list[str] = []
    while schema.get("type") == "array" and "items" in schema:
        fewest, most = schema.get("minItems"), schema.get("maxItems")
        known = fewest is not None and most is not None
        lengths.append("…" if not known else str(most) if fewest == most else f"{fewest}…{most}")
        schema = schema["items"]
    return rf"\[{' × '.join(lengths)}\] {_kind(schema, schemas, shown)}"


def _scalar(schema: Schema) -> str:
    kind = str(schema.get("type", "any"))
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum")
    if highest is None and "exclusiveMaximum" in schema:
        highest = schema["exclusiveMaximum"] - 1
    if lowest is not None and highest is not None:
        return f"{kind}, {lowest:g}…{highest:g}"
    return kind if lowest is None else f"{kind} from {lowest:g}"


def _table(head: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| {head} | | |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {_joined(text)} |" for name, kind, text in rows]
    return "\n".join(lines)


def _joined(text: str) -> str:
    """On one line. A bracket outside of code begins no link."""
    pieces = " ".join(text.split()).split("`")
    pieces[::2] = [re.sub(r"([][])", r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)
