"""What is known of a data set beside its images: what the cards of its networks say, and what ``dataset.json`` says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from konkyo.models.classes import Names, numbered
from konkyo.models.files import card, reading
from konkyo.models.files.card import OPTIONAL_WARNINGS, DatasetCard, Polarity, Preprocessing
from konkyo.trainer.errors import DataError

# SHA-256 of MNIST's uncompressed files: what counts is what is read, not how it was packed.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# What a card says where nothing says under which licence the images may be used.
NO_LICENCE = "not stated"

# In the data set's folder: what the images themselves do not say.
FILE = "dataset.json"
_KEYS = "name", "licence", "preprocessing", "polarity", "colour", "mirror", "transpose", "warnings"


@dataclass(frozen=True)
class About:
    """A data set.

    Attributes
    ----------
    name, licence
        For people.
    classes
        The names of the classes, in the order of the labels.
    files
        SHA-256 of each file or part.
    preprocessing
        How a picture of any size becomes such an image.
    polarity
        Whether the ink of the pictures is light or dark.
    warnings
        The optional warnings of the service that make sense for it.
    mirror
        Whether an image from right to left shows the same class; augmented copies are mirrored then.
    notes
        What was done to read it.
    """

    name: str
    licence: str
    classes: Names
    files: Mapping[str, str]
    preprocessing: Preprocessing = Preprocessing.RESIZE
    polarity: Polarity = Polarity.AUTO
    warnings: tuple[str, ...] = ()
    mirror: bool = False
    notes: tuple[str, ...] = ()

    @property
    def card(self) -> DatasetCard:
        """The data set as cards have it."""
        return DatasetCard(name=self.name, licence=self.licence, files=dict(self.files), notes=self.notes)


MNIST = About(
    name=card.MNIST,
    licence=card.MNIST_LICENCE,
    classes=numbered(10),
    files=SHA256,
    preprocessing=Preprocessing.MNIST,
    warnings=card.OPTIONAL_WARNINGS,
)


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
    path = directory / FILE
    if not path.exists():
        return Description()
    try:
        said: Any = json.loads(reading.text(path))
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
