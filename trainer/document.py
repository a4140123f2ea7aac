"""What was measured: as JSON, a file that does not change unless a number does; and as a table in Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from konkyo.models.files import reading
from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import pretty
from konkyo.trainer.errors import RunError

# To how many decimals numbers are written: beyond them lies what another machine rounds otherwise.
DECIMALS = 5


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write it with floats rounded, in place of an older one; the folder is made where it is missing."""
    with replacing(path) as fresh:
        fresh.write_text(pretty(rounded(document)), encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """What a command wrote.

    Raises
    ------
    RunError
        It is no JSON object.
    """
    try:
        found = json.loads(reading.text(path, reading.MOST_LIST))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read as JSON ({error}); delete it, and write it again") from error
    if not isinstance(found, dict):
        raise RunError(f"{path} must hold a JSON object; delete it, and write it again")
    return found


def rounded(value: Any) -> Any:
    """The same with every float rounded, −0 to 0."""
    if isinstance(value, Mapping):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value


def between(values: Sequence[float], form: str) -> str:
    """The least and the greatest value, each written in a format: ``0.3 to 1.9``."""
    written = [f"{value:{form}}" for value in sorted(values)]
    return " to ".join(dict.fromkeys((written[0], written[-1]))) if written else "none"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown: the first column to the left, the others to the right; an empty line after it."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'--:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
