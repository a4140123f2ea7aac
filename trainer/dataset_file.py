"""``dataset.json`` in a data set's folder: what the images themselves do not say."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from konkyo.models.files.card import OPTIONAL_WARNINGS, Polarity, Preprocessing
from konkyo.trainer.errors import DataError

NAME = "dataset.json"
_KEYS = "name", "licence", "preprocessing", "polarity", "colour", "mirror", "transpose", "warnings"


@dataclass(frozen=True)
class Description:
    """What ``dataset.json`` says; None where it says nothing.

    Attributes
    ----------
    name, licence, preprocessing, polarity, mirror, warnings
        As in ``About``.
    colour
        Whether pictures are read in colour.
    transpose
        Whether rows and columns of the IDX files are exchanged, as in EMNIST's.
    """

    name: str | None = None
    licence: str | None = None
    preprocessing: Preprocessing | None = None
    polarity: Polarity | None = None
    colour: bool | None = None
    mirror: bool | None = None
    transpose: bool | None = None
    warnings: tuple[str, ...] | None = None


def describe(directory: Path) -> Description:
    """Read ``dataset.json`` of a folder, if it is there.

    Raises
    ------
    DataError
        Not a JSON object, or with a key or a value that there is not.
    """
    path = directory / NAME
    if not path.exists():
        return Description()
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(said, dict):
        raise DataError(f"{path} must be a JSON object with some of {', '.join(_KEYS)}")
    for key in said:
        if key not in _KEYS:
            raise DataError(f"{path} has {key!r}; it may have {', '.join(_KEYS)}")
    return Description(**{key: _value(path, key, value) for key, value in said.items()})


def _value(path: Path, key: str, value: Any) -> Any:
    """The value of a key, in its type."""
    choices: dict[str, type[Preprocessing] | type[Polarity]] = {"preprocessing": Preprocessing, "polarity": Polarity}
    if key in choices:
        if value not in list(choices[key]):
            raise DataError(f"{path}: {key} must be {' or '.join(choices[key])}, not {value!r}")
        return choices[key](value)
    if key == "warnings":
        if not isinstance(value, list) or any(one not in OPTIONAL_WARNINGS for one in value):
            raise DataError(f"{path}: warnings must be a list of some of {', '.join(OPTIONAL_WARNINGS)}")
        return tuple(value)
    wanted: type = str if key in ("name", "licence") else bool
    if type(value) is not wanted or value == "":
        raise DataError(f"{path}: {key} must be {'text' if wanted is str else 'true or false'}, not {value!r}")
    return value
