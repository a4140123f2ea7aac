"""The served checkpoints, with their studies and the trainer's search for the smallest network."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from konkyo.models.architecture import Stage
from konkyo.models.errors import CheckpointError, complaint
from konkyo.models.files import reading, usage_file
from konkyo.models.files.checkpoint import SEARCH_FILE, Checkpoint, load_all
from konkyo.models.filters.usage import Usage
from konkyo.models.hiding.cost import explains
from konkyo.service.errors import UnknownModelError
from konkyo.service.settings import Settings

USUAL: str = Settings.model_fields["default_model"].default
# Bytes of the file that are read at most.
MOST_BYTES = 2**20


class Shape(BaseModel):
    """The shape of a network in the search."""

    stages: list[Stage] = Field(min_length=1, description="From the image to the head, which has no hidden layers.")
    parameters: int


class Smallest(Shape):
    """The smallest network of a wiring whose mean validation accuracy reaches the minimum."""

    share_of_lenet: float = Field(description="Its parameters divided by those of LeNet's 6 and 16 filters.")


class Accuracy(BaseModel):
    """Mean and standard deviation of the accuracy over the seeds, 0…1."""

    mean: float
    deviation: float


class Searched(Shape):
    """A network that was trained, and its accuracy."""

    validation: Accuracy
    test: Accuracy


class Search(BaseModel):
    """The networks of the search, the smallest first. The test images took no part in the choice."""

    format_version: Literal[2] = Field(exclude=True)
    minimum_accuracy: float = Field(description="Minimum validation accuracy, 0…1.")
    lenet_parameters: int
    smallest: list[Smallest]
    networks: list[Searched]


def load_search(directory: Path) -> Search | None:
    """Read the search of a folder of checkpoints; None if there is no file.

    Raises
    ------
    CheckpointError
        The file cannot be read or is damaged. The message names the field.
    """
    path = directory / SEARCH_FILE
    if not path.exists():
        return None
    try:
        return Search.model_validate_json(reading.read(path, MOST_BYTES))
    except OSError as error:
        message = f"cannot be read ({error}); take the repository's, or delete it"
        raise CheckpointError(SEARCH_FILE, "file", message) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "file"
        message = f"{complaint(first)}; take the repository's, or delete it"
        raise CheckpointError(SEARCH_FILE, field, message) from error


class Catalogue:
    """All checkpoints of a folder, one of which is the default.

    Parameters
    ----------
    directory
        The folder.
    default
        Name of the default checkpoint. A folder with one checkpoint needs no name.

    Raises
    ------
    CheckpointError
        A checkpoint, a study or the search file is refused, or there is no checkpoint of the default's name.
    """

    def __init__(self, directory: Path, default: str) -> None:
        self.checkpoints = load_all(directory)
        for one in self.checkpoints.values():
            # What can be asked of it follows from its shape: found once, before a request waits for it.
            explains(one.network.architecture)
        self._usages = {name: usage_file.load(directory, one) for name, one in self.checkpoints.items()}
        self.search = load_search(directory)
        # Nobody named the usual one of a folder that lacks it: it is what settings and containers say of themselves.
        if default == USUAL and USUAL not in self.checkpoints and len(self.checkpoints) == 1:
            [default] = self.checkpoints
        self.default = default
        if default not in self.checkpoints:
            raise CheckpointError(
                str(directory), "KONKYO_DEFAULT_MODEL", f"{default!r} is not one of {', '.join(self.checkpoints)}"
            )

    def get(self, name: str | None) -> Checkpoint:
        """The checkpoint of that name, or the default one.

        Raises
        ------
        UnknownModelError
            There is no checkpoint of that name.
        """
        if name is None:
            name = self.default
        if name not in self.checkpoints:
            raise UnknownModelError(f"there is no such model; there are {', '.join(self.checkpoints)}")
        return self.checkpoints[name]

    def usage(self, checkpoint: Checkpoint) -> Usage | None:
        """The study of a served checkpoint; None if there is none."""
        return self._usages[checkpoint.name]
