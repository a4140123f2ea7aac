"""What a study found, as JSON: a file that does not change unless a number does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.checkpoint import pretty

# To how many decimals numbers are written: beyond them lies what another machine rounds otherwise.
DECIMALS = 5


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write it with floats rounded; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pretty(_rounded(document)), encoding="utf-8")


def _rounded(value: Any) -> Any:
    """The same with every float rounded, −0 to 0."""
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value
