"""The errors of ``models``. Each message says what was wrong and what would be right.

KonkyoError
├── ArchitectureError     a network that cannot exist
├── ImageError            an array that the network cannot take as an image
├── ParameterError        a parameter that is out of range or does not fit the others
├── BudgetError           an exact answer that takes more work than is allowed
└── CheckpointError       a checkpoint, card or study that is damaged or does not match
"""

import re
from collections.abc import Mapping
from typing import Any

_SHOULD = re.compile(r"\A\w+ should")


class KonkyoError(Exception):
    """Base of every error that Konkyo raises on purpose."""


class ArchitectureError(KonkyoError):
    """A network that cannot exist."""


class ImageError(KonkyoError):
    """An array that the network cannot take as an image."""


class ParameterError(KonkyoError):
    """A parameter that is out of range or does not fit the others."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


class BudgetError(KonkyoError):
    """An exact answer that takes more work than is allowed."""


class CheckpointError(KonkyoError):
    """A checkpoint, card or study that is damaged or does not match."""

    def __init__(self, file: str, field: str, message: str) -> None:
        super().__init__(f"{file}: {field}: {message}")
        self.file = file
        self.field = field
        self.message = message


def complaint(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in our words: *must be …*, *is missing*. It repeats no value."""
    if error["type"] == "missing":
        return "is missing"
    message = str(error["msg"]).removeprefix("Value error, ").replace(" after validation", "")
    return _SHOULD.sub("must", message)
